//! impp-watch: see `impp-watch --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::watch::main()
}
