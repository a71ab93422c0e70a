//! impp-fetch: see `impp-fetch --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::fetch::main()
}
