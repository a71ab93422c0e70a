//! The sections `[[peer]]`: what an operator knows of another domain.

use super::Peer;
use super::build::Reader;
use super::error::{ConfigError, ConfigFault};
use super::keys::{Kind, PEER_KEYS};
use super::read::{Found, PEER};
use crate::model::Domain;
use crate::net::connect::HostPort;
use crate::net::tls::Pin;
use std::collections::BTreeMap;

/// Reads all of them; `domains` are ours.
pub(super) fn read(reader: &Reader<'_>, domains: &[Domain]) -> Result<Vec<Peer>, ConfigError> {
    let mut peers: Vec<Peer> = Vec::new();
    for (line, found) in &reader.values.peers {
        let peer = peer(reader, *line, found)?;
        let domain = peer.domain.clone();
        let fault = if domains.contains(&domain) {
            ConfigFault::PeerIsOurs(domain)
        } else if peers.iter().any(|other| other.domain == domain) {
            ConfigFault::DomainTwice(domain)
        } else if peer.insecure && peer.secret_file.is_none() {
            ConfigFault::ClearWithoutSecret(domain)
        } else if peer.insecure && peer.pin.is_some() {
            ConfigFault::ClearWithPin(domain)
        } else if peer.server.is_none() && peer.secret_file.is_none() && peer.pin.is_none() {
            ConfigFault::PeerSaysNothing(domain)
        } else {
            peers.push(peer);
            continue;
        };
        return Err(reader.values.error(*line, fault));
    }
    Ok(peers)
}

fn peer(reader: &Reader<'_>, line: usize, found: &BTreeMap<String, Found<'_>>) -> Result<Peer, ConfigError> {
    let section = Section { reader, found };
    let missing = || reader.values.error(line, ConfigFault::Missing("peer.domain"));
    Ok(Peer {
        domain: section.text("domain", |text| Domain::parse(text).ok())?.ok_or_else(missing)?,
        server: section.text("server", HostPort::parse)?,
        secret_file: found.get("secret-file").map(|found| reader.path_of("peer.secret-file", *found)).transpose()?,
        pin: section.text("pin", Pin::parse)?,
        insecure: section.value("insecure", |found| found.value.as_bool())?.unwrap_or_default(),
    })
}

struct Section<'a> {
    reader: &'a Reader<'a>,
    found: &'a BTreeMap<String, Found<'a>>,
}

impl Section<'_> {
    fn text<T>(&self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ConfigError> {
        self.value(name, |found| parse(found.value.as_str()?))
    }

    fn value<T>(&self, name: &str, read: impl FnOnce(Found<'_>) -> Option<T>) -> Result<Option<T>, ConfigError> {
        let Some(found) = self.found.get(name) else { return Ok(None) };
        let expected = PEER_KEYS.iter().find(|key| key.name == name).map_or(Kind::Path, |key| key.kind);
        let fault = ConfigFault::Kind { key: format!("{PEER}.{name}"), expected };
        read(*found).map(Some).ok_or_else(|| self.reader.values.error(found.line, fault))
    }
}
