//! What new connections are served with: made of the configuration and the files that it names, and exchanged as a whole.

use super::config::Config;
use super::domains;
use super::hub::Hub;
use super::neighbours::Neighbours;
use super::neighbours::NeighboursError;
use super::session::Shared;
use crate::net::ServerTls;
use crate::net::Stamp;
use crate::net::TlsFileError;
use crate::store::DomainRecord;
use arc_swap::ArcSwap;
use core::fmt;
use std::path::Path;
use std::sync::Arc;

/// What is in force for whoever comes next.
pub(super) type Live = Arc<ArcSwap<Shared>>;

/// What the files say of us and of others.
#[derive(Clone)]
pub(super) struct Material {
    /// `None`: this relay has no TLS.
    pub(super) tls: Option<Arc<ServerTls>>,
    /// `None`: there is nothing to do with other domains.
    pub(super) neighbours: Option<Arc<Neighbours>>,
}

/// A file that cannot be used.
#[derive(Debug)]
pub(super) enum MaterialError {
    Tls(TlsFileError),
    Neighbours(NeighboursError),
}

impl fmt::Display for MaterialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::Neighbours(error) => error.fmt(f),
        }
    }
}

impl Material {
    /// Reads all files, and hashes secrets: it blocks.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub(super) fn load(config: &Config) -> Result<Self, MaterialError> {
        let tls = domains::tls_options(config).map(ServerTls::new).transpose().map_err(MaterialError::Tls)?.map(Arc::new);
        let neighbours = load_neighbours(config, tls.clone()).map_err(MaterialError::Neighbours)?;
        Ok(Self { tls, neighbours })
    }

    /// What connections are served with from now on.
    pub(super) fn shared(&self, config: &Config, records: &[DomainRecord], hub: &Arc<Hub>) -> Arc<Shared> {
        let peers = self.neighbours.as_ref().map(|neighbours| neighbours.policies()).unwrap_or_default();
        let engine = Arc::new(domains::engine_config(config, records, self.tls.is_some(), peers));
        Arc::new(Shared { hub: Arc::clone(hub), engine, tls: self.tls.clone(), neighbours: self.neighbours.clone() })
    }
}

/// Reads the files that say who other domains are.
pub(super) fn load_neighbours(config: &Config, tls: Option<Arc<ServerTls>>) -> Result<Option<Arc<Neighbours>>, NeighboursError> {
    if !config.interdomain.enabled {
        return Ok(None);
    }
    Neighbours::load(config, tls, domains::introduction(config)).map(|loaded| Some(Arc::new(loaded)))
}

/// The states of the files that say who other domains are.
pub(super) fn neighbour_stamps(config: &Config) -> Vec<Option<Stamp>> {
    let secrets = config.interdomain.peers.iter().filter_map(|peer| peer.secret_file.as_deref());
    let named = config.interdomain.ca.as_deref().into_iter().chain(config.dns.trust_anchor.as_deref()).chain(secrets);
    named.map(|file: &Path| Stamp::of(file)).collect()
}
