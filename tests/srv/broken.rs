//! Set-ups in which one thing is wrong, one or more for each finding.

use crate::support::dns::{Dns, Quirk};
use crate::support::{By, Chain, DOMAIN, Signed, Site, bare, program};
use crate::{careless, closed, leads_to, secured, srv, web, zone};
use std::any::Any;
use std::process::Command;

/// One of them.
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    /// The finding that names it.
    pub(crate) id: &'static str,
    /// How bad it is.
    pub(crate) severity: &'static str,
    /// The status of the whole.
    pub(crate) status: i32,
    /// A part of what is to be changed.
    pub(crate) change: String,
    pub(crate) command: Command,
    /// Runs as long as the set-up is looked at.
    _kept: Vec<Box<dyn Any>>,
}

/// What there is to break.
struct Bench<'a> {
    site: &'a Site,
    /// The sound zone, and the first of its records.
    good: String,
    first: String,
    all: Vec<Broken>,
}

/// All set-ups.
pub(crate) fn all(site: &Site) -> Vec<Broken> {
    let first = format!("_impps-client._tcp.{DOMAIN}. SRV 10 100 {} im.{DOMAIN}.\n", site.tls.port());
    let mut bench = Bench { site, good: zone(site), first, all: Vec::new() };
    bench.names();
    bench.records();
    bench.servers();
    bench.certificates();
    bench.answers();
    bench.dnssec();
    bench.all
}

impl Bench<'_> {
    fn add(
        &mut self,
        what: &'static str,
        (id, severity, status): (&'static str, &'static str, i32),
        change: &str,
        command: Command,
    ) {
        self.all.push(Broken { what, id, severity, status, change: change.to_owned(), command, _kept: Vec::new() });
    }

    /// Looked at in the DNS, as a user would.
    fn published(&mut self, what: &'static str, expected: (&'static str, &'static str, i32), change: &str, zone: &str) {
        self.with(what, expected, change, zone, &[DOMAIN]);
    }

    fn with(
        &mut self,
        what: &'static str,
        expected: (&'static str, &'static str, i32),
        change: &str,
        zone: &str,
        words: &[&str],
    ) {
        let command = srv(&Dns::start(zone, &[]), self.site, words);
        self.add(what, expected, change, command);
    }

    /// The sound zone with the first record's name, numbers and target replaced.
    fn instead(&self, record: &str) -> String {
        assert!(self.good.contains(&self.first));
        self.good.replace(&self.first, &format!("{record}\n"))
    }

    fn client(&self, rest: &str) -> String {
        self.instead(&format!("_impps-client._tcp.{DOMAIN}. SRV 10 100 {rest}"))
    }

    /// S01 to S07, S26: what the names lead to.
    fn names(&mut self) {
        let (tls, good) = (self.site.tls.port(), self.good.clone());
        let right = format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {tls} im.{DOMAIN}.");
        let example = format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 5773 im.{DOMAIN}.");
        let only_client = good.lines().filter(|line| !line.contains("-server")).collect::<Vec<_>>().join("\n");
        let other_role = format!("-> _impps-server._tcp.{DOMAIN}. 3600 IN SRV 10 100 {tls} im.{DOMAIN}.");
        self.published("no such domain", ("S01", "error", 1), &example, "else.test. A 127.0.0.1");
        let (lonely, words) = (format!("{DOMAIN}. A 127.0.0.1"), ["--no-connect", DOMAIN]);
        self.with("only an address", ("S02", "info", 0), "", &lonely, &words);
        self.published("declined", ("S03", "error", 1), &example, &format!("_impps-client._tcp.{DOMAIN}. SRV 0 0 0 ."));
        let root = format!("_impps-client._tcp.{DOMAIN}. SRV 0 0 0 .");
        let removed = format!("-> remove  _impps-client._tcp.{DOMAIN}. 3600 IN SRV 0 0 0 .");
        self.published("a root beside others", ("S04", "error", 1), &removed, &format!("{good}{root}"));
        let alias = self.client(&format!("{tls} www.{DOMAIN}.")) + &format!("www.{DOMAIN}. CNAME im.{DOMAIN}.");
        self.published("an alias", ("S05", "error", 1), &right, &alias);
        let address = format!("-> im.{DOMAIN}. 3600 IN A 127.0.0.1");
        self.published("an address", ("S06", "error", 1), &address, &self.client(&format!("{tls} 127.0.0.1.")));
        self.published("no dot", ("S07", "error", 1), &right, &self.client(&format!("{tls} im.{DOMAIN}.{DOMAIN}.")));
        let address = format!("-> gone.{DOMAIN}. 3600 IN A");
        self.published("no address", ("S07", "error", 1), &address, &self.client(&format!("{tls} gone.{DOMAIN}.")));
        self.published("one role forgotten", ("S26", "warning", 2), &other_role, &only_client);
        let fallback = format!("{only_client}\n{DOMAIN}. A 127.99.57.72");
        self.published("a role that only its address serves", ("S26", "warning", 2), &other_role, &fallback);
        let misspelt = good.replace("_impps-server._tcp", "_impps_server._tcp");
        let file = self.site.write("misspelt.zone", misspelt);
        let nothing = Dns::start("else.test. A 127.0.0.1", &[]);
        let command = srv(&nothing, self.site, &["--zone-file", file.to_str().unwrap(), DOMAIN]);
        self.add("a name misspelt, before it is published", ("S26", "warning", 2), &other_role, command);
    }

    /// S08 to S11, S24, S25: the records among themselves.
    fn records(&mut self) {
        let (tls, good) = (self.site.tls.port(), self.good.clone());
        let first = |rest: &str| format!("{good}_impps-client._tcp.{DOMAIN}. SRV {rest}");
        self.published("twice", ("S08", "warning", 2), &format!("SRV 10 105 {tls}"), &first(&format!("10 5 {tls} im.{DOMAIN}.")));
        let zero = first(&format!("10 0 {tls} b.{DOMAIN}.\nb.{DOMAIN}. A 127.0.0.1"));
        self.published("weight 0", ("S09", "warning", 2), &format!("SRV 10 1 {tls}"), &zero);
        self.published("a tier of no use", ("S10", "warning", 2), "-> remove", &first(&format!("30 0 {tls} im.{DOMAIN}.")));
        let words = ["--no-connect", DOMAIN];
        let mixed = self.instead(&format!("_impps-client._tcp.{DOMAIN}. SRV 5773 10 100 im.{DOMAIN}."));
        let sorted = format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 5773 im.{DOMAIN}.");
        self.with("the numbers in another order", ("S11", "info", 0), &sorted, &mixed, &words);
        let expected = format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 5773 im9.{DOMAIN}.");
        let words = ["--expect", &format!("im9.{DOMAIN}:5773"), "--no-connect", DOMAIN];
        self.with("not what was expected", ("S24", "error", 1), &expected, &good, &words);
        let brief = self.instead(&format!("_impps-client._tcp.{DOMAIN}. 5 SRV 10 100 {tls} im.{DOMAIN}."));
        let usual = format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {tls}");
        self.published("kept for seconds", ("S25", "info", 0), &usual, &brief);
        let ages = self.instead(&format!("_impps-client._tcp.{DOMAIN}. 2000000 SRV 10 100 {tls} im.{DOMAIN}."));
        self.published("kept for weeks", ("S25", "info", 0), &usual, &ages);
    }

    /// S12 to S15, S18 to S20, S30: what answers.
    fn servers(&mut self) {
        let (plain, good) = (self.site.plain.port(), self.good.clone());
        let (shut, web) = (closed().port(), web().port());
        let foreign = good.replace(DOMAIN, "other.test").replace("im.other.test", &format!("im.{DOMAIN}"))
            + &format!("im.{DOMAIN}. A 127.0.0.1\n");
        let removed = format!("-> remove  _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {shut}");
        self.published("a closed port", ("S12", "warning", 2), &removed, &self.client(&format!("{shut} im.{DOMAIN}.")));
        let words = ["--client", DOMAIN];
        let alone = format!("_impps-client._tcp.{DOMAIN}. SRV 10 100 {shut} im.{DOMAIN}.\nim.{DOMAIN}. A 127.0.0.1");
        self.with("nothing but a closed port", ("S12", "error", 1), &removed, &alone, &words);
        let six = format!("-> remove  im.{DOMAIN}. 3600 IN AAAA ::1");
        self.published("dead IPv6", ("S13", "warning", 2), &six, &format!("{good}im.{DOMAIN}. AAAA ::1"));
        let command = srv(&leads_to("impp", careless()), self.site, &words);
        self.add("no TLS", ("S14", "error", 1), "-> give the server a certificate and its key", command);
        let confused = format!("-> _impp-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {plain}");
        self.published("both ports confused", ("S15", "error", 1), &confused, &self.client(&format!("{plain} im.{DOMAIN}.")));
        self.published(
            "another service",
            ("S18", "error", 1),
            "-> correct the port",
            &self.client(&format!("{web} im.{DOMAIN}.")),
        );
        let command = srv(&leads_to("impp", careless()), self.site, &words);
        self.add("passwords in the clear", ("S19", "error", 1), "-> offer PLAIN only inside TLS", command);
        let named = "-> get a certificate with the DNS name other.test";
        self.with("the certificate of another domain", ("S17", "error", 1), named, &foreign, &["other.test"]);
        let served = "-> add other.test to the server's domains";
        self.with("a domain that is not served", ("S20", "error", 1), served, &foreign, &["other.test"]);
        let wrong = self.site.write("wrong.pass", "not it\n");
        let alice = format!("alice@{DOMAIN}");
        let words = ["--probe-login", "--login", &alice, "--pass-file", wrong.to_str().unwrap(), DOMAIN];
        self.with("a wrong password", ("S30", "error", 1), "", &good, &words);
    }

    /// S16, S29: certificates.
    fn certificates(&mut self) {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let day = |days: i64| {
            let seconds = since.checked_add_signed(days * 86_400 + 3600).unwrap();
            rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
        };
        for (what, days, severity) in [
            ("a certificate that is over", -1, "error"),
            ("one that is nearly over", 3, "warning"),
            ("one to be thought of", 20, "info"),
        ] {
            let (address, certificate) = secured(self.site, |params| {
                params.not_before = day(-90);
                params.not_after = day(days);
            });
            let mut command = bare(program("impp-srv"));
            let resolver = leads_to("impps", address).address.to_string();
            command.args(["--resolver", &resolver, "--ca", certificate.to_str().unwrap(), "--client", DOMAIN]);
            self.add(what, ("S16", severity, 1), "-> renew the certificate", command);
        }
        let mut command = bare(program("impp-srv"));
        let resolver = leads_to("impps", self.site.tls).address.to_string();
        command.args(["--resolver", &resolver, "--client", DOMAIN]);
        let authority = format!("-> get a certificate for {DOMAIN} from a public authority");
        self.add("a certificate that nobody vouches for", ("S29", "error", 1), &authority, command);
    }

    /// S21, S27, S28: what the DNS answers.
    fn answers(&mut self) {
        let (tls, good) = (self.site.tls.port(), self.good.clone());
        let servers = format!(
            "{DOMAIN}. NS ns1.{DOMAIN}.\n{DOMAIN}. NS ns2.{DOMAIN}.\nns1.{DOMAIN}. A 127.0.0.1\nns2.{DOMAIN}. A 127.0.0.2\n"
        );
        let one = Dns::start(&format!("{good}{servers}"), &[]);
        let old = self.instead(&format!("_impps-client._tcp.{DOMAIN}. SRV 10 100 {tls} old.{DOMAIN}."));
        let other = one.beside(&format!("{old}{servers}"));
        let words = ["--authoritative", "--no-connect", DOMAIN];
        let hint = "-> see that both have loaded the same version of the zone";
        self.add("name servers that differ", ("S21", "warning", 2), hint, srv(&one, self.site, &words));
        self.keep((one, other));
        let dead = servers.replace("127.0.0.2", "127.99.57.73");
        let remove = format!("-> let it serve the zone, or remove its NS record: ns2.{DOMAIN}.");
        self.with("a name server that is dead", ("S21", "warning", 2), &remove, &format!("{good}{dead}"), &words);
        let lan = self.instead(&format!(
            "_impps-client._tcp.{DOMAIN}. CNAME _impps-client._tcp.{DOMAIN}.lan.\n\
             _impps-client._tcp.{DOMAIN}.lan. SRV 10 100 {tls} im.{DOMAIN}."
        ));
        self.published("a search name", ("S27", "warning", 2), "--resolver", &lan);
        let question = format!("_impps-client._tcp.{DOMAIN}");
        for (what, quirk) in [("SERVFAIL", Quirk::ServFail), ("REFUSED", Quirk::Refused), ("silence", Quirk::Silent)] {
            let dns = Dns::start(&good, &[(&question, "SRV", quirk)]);
            self.add(what, ("S28", "unknown", 3), "-> ask again", srv(&dns, self.site, &[DOMAIN]));
        }
        let dns = Dns::start(&good, &[(DOMAIN, "NS", Quirk::ServFail)]);
        self.add("name servers that nobody names", ("S28", "unknown", 3), "-> ask again", srv(&dns, self.site, &words));
        let many: String = (0..70).map(|at| format!("_impps-client._tcp.{DOMAIN}. SRV 30 1 {tls} im{at}.{DOMAIN}.\n")).collect();
        let words = ["--no-connect", "--client", DOMAIN];
        self.with("more than anybody tries", ("S28", "unknown", 1), "-> publish fewer", &format!("{good}{many}"), &words);
    }

    /// S22, S23: what is signed.
    fn dnssec(&mut self) {
        let (tls, site) = (self.site.tls.port(), self.site);
        let zone = |hash: &str| {
            format!("_impps-client._tcp 60 SRV 0 0 {tls} im.{DOMAIN}.\nim 60 A 127.0.0.1\n_{tls}._tcp.im 60 TLSA 3 1 1 {hash}\n")
        };
        let wrong = "0".repeat(64);
        let right = format!("-> _{tls}._tcp.im.{DOMAIN}. 3600 IN TLSA 3 1 1 ");
        for (what, chain, expected, change) in [
            ("a zone that is not signed", Chain::Unsigned, ("S22", "info", 0), ""),
            ("a chain that is broken", Chain::Broken, ("S22", "error", 1), "-> sign the zone again, and compare the DS record"),
            ("another key in the zone", Chain::Signed, ("S23", "error", 1), right.as_str()),
        ] {
            let zones = Signed::start(By::Ourselves, DOMAIN, &zone(&wrong), chain);
            let mut command = bare(program("impp-srv"));
            command.arg("--dnssec-anchor").arg(zones.anchor()).args(["--resolver", &zones.address.to_string()]);
            command.arg("--ca").arg(site.path("cert.pem")).args(["--client", DOMAIN]);
            self.add(what, expected, change, command);
            self.keep(zones);
        }
    }

    fn keep(&mut self, what: impl Any) {
        self.all.last_mut().unwrap()._kept.push(Box::new(what));
    }
}
