//! Who vouches for other domains: read once the relay serves, since hundreds of files would be the longest part of its start.

use super::config::Config;
use crate::net::TlsFileError;
use crate::net::tls::Prepared;
use crate::net::tls::Trust;
use crate::net::tls::files::read_authorities;
use std::sync::Arc;
use std::sync::OnceLock;
use std::thread;

/// Authorities that are read, or will be.
pub(super) struct Authorities(Arc<OnceLock<Prepared>>);

impl Authorities {
    /// Those that the configuration names are read at once, the system's by whoever needs them or [`Authorities::read_soon`].
    ///
    /// # Errors
    /// The file that the configuration names cannot be used.
    pub(super) fn of(config: &Config) -> Result<Self, TlsFileError> {
        let Some(file) = &config.interdomain.ca else { return Ok(Self(Arc::default())) };
        let named = Trust::Authorities(read_authorities(file)?).prepared()?;
        Ok(Self(Arc::new(named.into())))
    }

    /// Has them read by a thread of its own, if they are not.
    pub(super) fn read_soon(&self) {
        if self.0.get().is_some() {
            return;
        }
        let read = Self(Arc::clone(&self.0));
        // Without a thread they are read when they are needed.
        let _ = thread::Builder::new().name("authorities".to_owned()).spawn(move || {
            read.read();
        });
    }

    /// The authorities; while they are read this waits for them.
    pub(super) fn read(&self) -> &Prepared {
        self.0.get_or_init(|| {
            Trust::System.prepared().unwrap_or_else(|error| {
                tracing::warn!(%error, "only TLSA records, pins and secrets prove who other domains are");
                Prepared::nobody()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(more: &str) -> Config {
        let least = "domains = [\"a.test\"]\ndata-dir = \"data\"\ntls.certificate = \"c.pem\"\ntls.key = \"k.pem\"\n";
        Config::parse(Path::new("/nowhere/impp-relay.toml"), &format!("{least}{more}")).unwrap()
    }

    #[test]
    fn a_named_file_that_cannot_be_read_ends_the_start() {
        assert!(Authorities::of(&config("interdomain.ca = \"ca.pem\"\n")).is_err());
    }

    #[test]
    fn the_systems_are_there_for_whoever_asks_at_once() {
        let authorities = Authorities::of(&config("")).unwrap();
        authorities.read_soon();
        // Trusted or, on a machine that has none, nobody: TLSA records have a say in both.
        assert!(authorities.read().heeds_tlsa());
        assert!(std::ptr::eq(authorities.read(), authorities.read()));
    }
}
