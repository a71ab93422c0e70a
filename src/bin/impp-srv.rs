//! impp-srv: see `impp-srv --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::srv::main()
}
