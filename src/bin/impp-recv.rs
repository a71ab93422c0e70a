//! impp-recv: see `impp-recv --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::recv::main()
}
