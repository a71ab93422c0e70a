//! The configuration as the subcommands need it, and what its errors mean for the exit status.

use impp::cli::exit::{Exit, Failure, Outcome};
use impp::relay::config::{Config, ConfigError, ConfigFault};
use std::io::ErrorKind;
use std::path::Path;

/// Reads the configuration.
pub(crate) fn load(file: &Path) -> Outcome<Config> {
    Config::load(file).map_err(|error| failure(&error))
}

/// The line and status of an error in the configuration.
pub(crate) fn failure(error: &ConfigError) -> Failure {
    match error.fault {
        ConfigFault::Read(ErrorKind::NotFound) => {
            let line = format!(
                "there is no {}; name the configuration with -c, or make one with: impp-relay init DOMAIN",
                error.file.display()
            );
            Failure::new(Exit::NoInput, line)
        }
        _ => Failure::new(Exit::Config, error.to_string()),
    }
}
