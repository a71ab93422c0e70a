//! Who vouches for other domains: read beside the start, of which hundreds of files would be the longest part.

use super::config::Config;
use crate::net::TlsFileError;
use crate::net::tls::Prepared;
use crate::net::tls::Trust;
use crate::net::tls::files::read_authorities;
use std::sync::Arc;
use std::sync::OnceLock;
use std::thread;

/// Authorities that are read, or are about to be.
pub(super) struct Authorities(Arc<OnceLock<Prepared>>);

impl Authorities {
    /// Those that the configuration names are read at once, the system's by a thread of its own.
    ///
    /// # Errors
    /// The file that the configuration names cannot be used.
    pub(super) fn of(config: &Config) -> Result<Self, TlsFileError> {
        if let Some(file) = &config.interdomain.ca {
            let named = Trust::Authorities(read_authorities(file)?).prepared()?;
            return Ok(Self(Arc::new(named.into())));
        }
        let authorities = Self(Arc::default());
        let read = Self(Arc::clone(&authorities.0));
        // Without a thread they are read when they are needed.
        let _ = thread::Builder::new().name("authorities".to_owned()).spawn(move || {
            read.read();
        });
        Ok(authorities)
    }

    /// The authorities; in the first moments after the start this waits for them.
    pub(super) fn read(&self) -> &Prepared {
        self.0.get_or_init(|| {
            Trust::System.prepared().unwrap_or_else(|error| {
                tracing::warn!(%error, "only TLSA records, pins and secrets prove who other domains are");
                Prepared::nobody()
            })
        })
    }
}
