//! Several domains, each a relay of its own, and the name server that leads from one to another.

use crate::support::{Dns, Quirk, Site, Tool, Wire, expect};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

/// Leases that end while a test waits.
pub(crate) const SHORT_LEASES: &str = "[lease]\nmin = \"1s\"\n";

/// Domains that find each other.
pub(crate) struct Country {
    pub(crate) dns: Dns,
    pub(crate) sites: Vec<Site>,
}

impl Country {
    /// A relay for each of these domains, with users alice and bob. `extra`: more lines of each one's configuration.
    pub(crate) fn of(domains: &[&str], extra: &str) -> Self {
        let mut country = Self::prepared(domains, extra);
        country.sites.iter_mut().for_each(Site::start);
        country.publish(&[]);
        country
    }

    /// The same, with the relays yet to be started.
    pub(crate) fn prepared(domains: &[&str], extra: &str) -> Self {
        let dns = Dns::start("", &[]);
        let config = |domain: &&str| {
            let extra = extra.replace("DOMAIN", domain);
            let more = if extra.contains("[interdomain]") { "" } else { "[interdomain]\nca = \"others.pem\"\n" };
            format!("[dns]\nresolvers = [\"{}\"]\ndnssec = \"off\"\n{extra}\n{more}", dns.address)
        };
        let sites = domains.iter().map(|domain| Site::of(domain, &config(domain), &["alice", "bob"])).collect();
        let country = Self { dns, sites };
        country.trust("");
        country
    }

    /// Everybody trusts everybody's certificate, and these.
    pub(crate) fn trust(&self, more: &str) {
        let all: String = self.sites.iter().map(|site| fs::read_to_string(site.path("cert.pem")).unwrap()).collect();
        for site in &self.sites {
            site.write("others.pem", format!("{all}{more}"));
        }
    }

    /// The zone says where each domain's server is for other domains, and nothing for clients. `elsewhere`: domains that are
    /// said to be somewhere else.
    pub(crate) fn publish(&self, elsewhere: &[(&str, SocketAddr)]) {
        self.publish_with(elsewhere, "", &[]);
    }

    /// The same with more lines, and with what goes wrong.
    pub(crate) fn publish_with(&self, elsewhere: &[(&str, SocketAddr)], more: &str, quirks: &[(&str, &str, Quirk)]) {
        let own = self.sites.iter().map(|site| (site.domain.as_str(), site.tls));
        let own = own.filter(|(domain, _)| !elsewhere.iter().any(|(other, _)| other == domain));
        let mut zone = more.to_owned() + "\n";
        for (domain, at) in own.chain(elsewhere.iter().copied()) {
            let port = at.port();
            let _ = write!(zone, "_impps-server._tcp.{domain}. SRV 0 0 {port} im.{domain}.\nim.{domain}. A 127.0.0.1\n");
        }
        self.dns.change(&zone, quirks);
    }
}

/// A tool that must succeed.
#[track_caller]
pub(crate) fn does(site: &Site, tool: &str, user: &str, args: &[&str]) {
    expect(0, site.tool(tool, user).args(args), b"");
}

/// A watch with one JSON object per line.
pub(crate) fn watch(command: &mut Command) -> Tool {
    Tool::spawn(command.arg("--json"))
}

/// The next line of a watch, in short: `status why note`.
pub(crate) fn state(watch: &mut Tool) -> String {
    let record: Value = serde_json::from_str(&watch.line()).unwrap();
    let word = |name: &str| record[name].as_str().unwrap_or("-");
    format!("{} {} {}", word("status"), word("why"), word("note"))
}

/// A link that the test itself opens to a site, as the server of another.
pub(crate) fn link_as(to: &Site, by: &Site) -> Wire {
    let mut wire = certified(to, by);
    let answer = wire.link(&by.domain);
    assert_eq!(answer.header("Identity"), Some(format!("impp://{}/", by.domain).as_str()), "{}", wire.talk());
    wire
}

/// A connection with the certificate of another site.
pub(crate) fn certified(to: &Site, by: &Site) -> Wire {
    let (certificate, key) = (by.path("cert.pem"), by.path("key.pem"));
    Wire::certified(to.tls, &to.path("cert.pem"), &to.domain, Some((&certificate, &key)))
}
