//! Passwords out of the desktop's keyring (Secret Service), under the service `impp` and the user's address.

use super::exit::{Exit, Failure, Outcome};
use crate::model::{Address, Secret};
use keyring::{Entry, Error};

/// The name under which the tools look.
const SERVICE: &str = "impp";

/// The password of this user.
///
/// # Errors
/// 78 with what to do.
pub fn password(user: &Address) -> Outcome<Secret> {
    let name = user.to_email();
    let found = Entry::new(SERVICE, &name).and_then(|entry| entry.get_password());
    found.map(Secret::new).map_err(|error| {
        let why = match error {
            Error::NoEntry => {
                format!("it has none; store it with: secret-tool store --label='impp {name}' service {SERVICE} username '{name}'")
            }
            Error::NoDefaultStore | Error::NoStorageAccess(_) => {
                "there is no keyring in this session, or it is locked".to_owned()
            }
            Error::Ambiguous(_) => "it has several".to_owned(),
            Error::BadEncoding(_) => "what it has is not UTF-8".to_owned(),
            // The library's own words, which name no secret.
            other => other.to_string(),
        };
        Failure::new(Exit::Config, format!("cannot get the password of {} from the keyring: {why}", user.shown()))
    })
}
