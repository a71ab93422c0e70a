//! Several domains, each a relay of its own, and the name server that leads from one to another.

use crate::support::{Dns, Quirk, Site};
use std::fmt::Write as _;
use std::fs;

/// Domains that find each other.
pub(crate) struct Country {
    pub(crate) dns: Dns,
    pub(crate) sites: Vec<Site>,
}

impl Country {
    /// A relay for each of these domains, with users alice and bob. `extra`: more lines of each one's configuration.
    pub(crate) fn of(domains: &[&str], extra: &str) -> Self {
        let dns = Dns::start("", &[]);
        let config =
            format!("[dns]\nresolvers = [\"{}\"]\ndnssec = \"off\"\n[interdomain]\nca = \"others.pem\"\n{extra}", dns.address);
        let sites = domains.iter().map(|domain| Site::of(domain, &config, &["alice", "bob"])).collect();
        let mut country = Self { dns, sites };
        country.trust();
        country.sites.iter_mut().for_each(Site::start);
        country.publish();
        country
    }

    /// Everybody trusts everybody's certificate.
    pub(crate) fn trust(&self) {
        let all: String = self.sites.iter().map(|site| fs::read_to_string(site.path("cert.pem")).unwrap()).collect();
        for site in &self.sites {
            site.write("others.pem", &all);
        }
    }

    /// The zone of all of them: where the servers are for other domains, and nothing for clients.
    pub(crate) fn zone(&self) -> String {
        self.sites.iter().fold(String::new(), |mut zone, site| {
            let (domain, port) = (&site.domain, site.tls.port());
            let _ = write!(zone, "_impps-server._tcp.{domain}. SRV 0 0 {port} im.{domain}.\nim.{domain}. A 127.0.0.1\n");
            zone
        })
    }

    pub(crate) fn publish(&self) {
        self.publish_with(&[]);
    }

    pub(crate) fn publish_with(&self, quirks: &[(&str, &str, Quirk)]) {
        self.dns.change(&self.zone(), quirks);
    }
}
