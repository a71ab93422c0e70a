//! impp-set: see `impp-set --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::set::main()
}
