//! impp-acl: see `impp-acl --help`.

fn main() -> std::process::ExitCode {
    impp::cli::tools::acl::main()
}
