//! impp-send: see `impp-send --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::send::main()
}
