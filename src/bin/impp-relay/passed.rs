//! Socket activation: the sockets that a service manager opened before the relay began.

use impp::cli::exit::{Exit, Failure, Outcome, reason};
use impp::relay::Passed;
use listenfd::ListenFd;

/// The variable with the sockets' names, separated by colons.
const NAMES: &str = "LISTEN_FDNAMES";

/// Takes them; none without a service manager.
///
/// *Order:* before there are threads, since it takes variables out of the environment.
pub(crate) fn take() -> Outcome<Vec<Passed>> {
    let names = std::env::var(NAMES).unwrap_or_default();
    let mut names = names.split(':');
    let mut descriptors = ListenFd::from_env();
    let mut passed = Vec::new();
    for at in 0..descriptors.len() {
        let name = names.next().unwrap_or_default().to_owned();
        match descriptors.take_tcp_listener(at) {
            Ok(Some(listener)) => passed.push(Passed { name, listener }),
            Ok(None) => {}
            Err(error) => {
                let line = format!(
                    "what the service manager passed as {name:?} cannot be used: {}; its socket unit may have TCP sockets only",
                    reason(&error)
                );
                return Err(Failure::new(Exit::Config, line));
            }
        }
    }
    Ok(passed)
}
