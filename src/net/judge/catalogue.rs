//! The catalogue of findings: each with its stable id, what it means and what to do. `--explain` and the manual are made of it.

use std::fmt;

/// Which finding. The numbers are stable; new ones come at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// S01: nothing leads to a server.
    NoService,
    /// S02: found without SRV records.
    Fallback,
    /// S03: the service is declared absent.
    Declined,
    /// S04: target `.` beside other records.
    RootBeside,
    /// S05: a target is an alias.
    TargetIsAlias,
    /// S06: a target is an address.
    TargetIsAddress,
    /// S07: a target has no address.
    TargetUnknown,
    /// S08: two records say the same.
    Duplicate,
    /// S09: weight 0 beside others.
    WeightZero,
    /// S10: a priority that is never of use.
    Unreached,
    /// S11: an unusual port.
    OddPort,
    /// S12: an address does not answer.
    Refused,
    /// S13: IPv6 does not answer where IPv4 does.
    DeadV6,
    /// S14: no TLS.
    NoTls,
    /// S15: the wrong kind of TLS for the port.
    WrongKindOfTls,
    /// S16: the certificate runs out.
    Expiry,
    /// S17: the certificate does not name the domain.
    WrongName,
    /// S18: not IMPP/1.0.
    NotImpp,
    /// S19: no safe way to log in.
    NoLogin,
    /// S20: the server does not serve this domain.
    NotServed,
    /// S21: name servers disagree.
    Disagree,
    /// S22: DNSSEC.
    Dnssec,
    /// S23: TLSA does not fit the certificate.
    TlsaMismatch,
    /// S24: not what was expected.
    Unexpected,
    /// S25: an extreme TTL.
    Ttl,
    /// S26: one role is missing.
    RoleMissing,
    /// S27: a search name was appended.
    SearchName,
    /// S28: it could not be found out.
    Undecided,
    /// S29: nobody trusted vouches for the certificate.
    Untrusted,
    /// S30: the login failed.
    LoginFailed,
}

/// What is to be known about a finding.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Which.
    pub id: Id,
    /// Its number.
    ///
    /// *Shape:* `S07`
    pub code: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How bad it is.
    pub severity: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub change: &'static str,
}

/// All of them in the order of their numbers.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        id: Id::NoService,
        code: "S01",
        title: "nothing leads to a server",
        severity: "error",
        means: "The domain has no SRV record for this role and no address of its own either (or does not exist), so that \
            nobody knows where to connect.",
        change: "Publish SRV records at both names of the role, one for TLS from the first octet (port 5773), one for STARTTLS \
            (port 5772).",
    },
    Entry {
        id: Id::Fallback,
        code: "S02",
        title: "found without SRV records",
        severity: "info",
        means: "There is no SRV record for this role. Clients then try the domain's own addresses, port 5773 and 5772. That \
            works, but neither moves the service to another host nor spreads it over several.",
        change: "Nothing has to change. SRV records make it explicit.",
    },
    Entry {
        id: Id::Declined,
        code: "S03",
        title: "the service is declared absent",
        severity: "error if the service was expected, otherwise info",
        means: "The only target of the records is `.`, which says that the service is decidedly not offered. Nobody tries \
            anything else.",
        change: "If it should be offered, replace the record with one that names the host; otherwise it is right as it is.",
    },
    Entry {
        id: Id::RootBeside,
        code: "S04",
        title: "target `.` beside other records",
        severity: "error",
        means: "One name has a record with target `.`, which says that there is no such service, and records that say where it \
            is. Software differs in which of the two it believes.",
        change: "Remove the record with target `.`.",
    },
    Entry {
        id: Id::TargetIsAlias,
        code: "S05",
        title: "a target is an alias",
        severity: "error",
        means: "The target of an SRV record is a CNAME, which RFC 2782 forbids. Some resolvers and clients follow it, some do \
            not, and DANE looks at another name than one expects.",
        change: "Name the host that the alias leads to.",
    },
    Entry {
        id: Id::TargetIsAddress,
        code: "S06",
        title: "a target is an address",
        severity: "error",
        means: "The target of an SRV record must be a name. An address in its place is taken for a name of which nobody has \
            heard.",
        change: "Give the address a name with an A or AAAA record, and name that.",
    },
    Entry {
        id: Id::TargetUnknown,
        code: "S07",
        title: "a target has no address",
        severity: "error",
        means: "The target has neither A nor AAAA records. Often the dot at the end of a name in the zone is missing, so that \
            the zone's own name is appended.",
        change: "Publish an address for the target, or correct its name.",
    },
    Entry {
        id: Id::Duplicate,
        code: "S08",
        title: "two records say the same",
        severity: "warning",
        means: "Two records of one name and priority lead to the same host and port. The second is of no use, except that the \
            host is drawn more often than its weight says.",
        change: "Remove one of them, and give the other the sum of the weights.",
    },
    Entry {
        id: Id::WeightZero,
        code: "S09",
        title: "weight 0 beside others",
        severity: "warning",
        means: "Among records of one priority, those of weight 0 are nearly never drawn while others have a weight: in one of \
            (sum of weights + 1) cases.",
        change: "Give it a weight of 1 or more; or, if it is a spare, a higher number as its priority.",
    },
    Entry {
        id: Id::Unreached,
        code: "S10",
        title: "a priority that is never of use",
        severity: "warning",
        means: "Every record of this priority leads to a place that was tried already, since a better priority leads there \
            too. It is tried again only after it has failed.",
        change: "Remove the records, or let them lead to another host.",
    },
    Entry {
        id: Id::OddPort,
        code: "S11",
        title: "an unusual port",
        severity: "info",
        means: "The port is not the customary one: 5773 for TLS from the first octet, 5772 for a plain start. It works, as the \
            record names it; firewalls may need to know.",
        change: "Nothing has to change, unless the two ports were confused, or the three numbers of a record: priority, weight, port.",
    },
    Entry {
        id: Id::Refused,
        code: "S12",
        title: "an address does not answer",
        severity: "error; warning if another address of the role works",
        means: "The connection was refused, or there was no answer in time. Clients lose time there, or cannot connect at all \
            if no other address answers.",
        change: "Start the server there, open the port in the firewall, or remove the address or record.",
    },
    Entry {
        id: Id::DeadV6,
        code: "S13",
        title: "IPv6 does not answer where IPv4 does",
        severity: "warning",
        means: "The host has an AAAA record, and nothing answers at that address, while an IPv4 address of the same host does. \
            Clients with IPv6 wait before they try the other. Where this machine has no IPv6 itself, this is only an \
            information.",
        change: "Let the server listen on IPv6 (and the firewall let it through), or remove the AAAA record.",
    },
    Entry {
        id: Id::NoTls,
        code: "S14",
        title: "no TLS",
        severity: "error",
        means: "The server offers no TLS on this port, or the handshake fails for another reason than its certificate. Clients \
            send no credentials without TLS.",
        change: "Configure a certificate and TLS 1.2 or later; for a plain start the server must offer STARTTLS.",
    },
    Entry {
        id: Id::WrongKindOfTls,
        code: "S15",
        title: "the wrong kind of TLS for the port",
        severity: "error",
        means: "The record says that TLS starts with the first octet and the server starts in the clear, or the reverse. \
            Usually the two ports were confused.",
        change: "Exchange the ports in the records: _impps names the port for TLS, _impp that for STARTTLS.",
    },
    Entry {
        id: Id::Expiry,
        code: "S16",
        title: "the certificate runs out",
        severity: "error if it is not valid now; warning within 7 days; info within 30 days",
        means: "The certificate has expired, is not valid yet, or soon expires. Clients refuse one that is not valid, unless \
            TLSA records of usage 3 name it.",
        change: "Renew the certificate, and make sure that the server loads the new one.",
    },
    Entry {
        id: Id::WrongName,
        code: "S17",
        title: "the certificate does not name the domain",
        severity: "error",
        means: "The certificate must name the domain, not the host: anybody can write any host into an unsigned DNS answer. \
            Only where the SRV records are signed (DNSSEC) may it name the host instead.",
        change: "Get a certificate with the domain as a DNS name (subjectAltName); or sign the zone and publish a TLSA record.",
    },
    Entry {
        id: Id::NotImpp,
        code: "S18",
        title: "not IMPP/1.0",
        severity: "error",
        means: "What answers does not speak IMPP, or not version 1.0.",
        change: "Correct the port, or start the right server there.",
    },
    Entry {
        id: Id::NoLogin,
        code: "S19",
        title: "no safe way to log in",
        severity: "error",
        means: "The server offers none of the mechanisms that clients know (SCRAM-SHA-256, PLAIN, EXTERNAL, ANONYMOUS), or it \
            offers PLAIN before TLS, which would show the password to everybody on the way.",
        change: "Enable SCRAM-SHA-256, and PLAIN only inside TLS.",
    },
    Entry {
        id: Id::NotServed,
        code: "S20",
        title: "the server does not serve this domain",
        severity: "error",
        means: "The server speaks IMPP and does not know the domain, or does not talk to other domains although the record \
            says so.",
        change: "Add the domain to the server's configuration, or correct the record.",
    },
    Entry {
        id: Id::Disagree,
        code: "S21",
        title: "name servers disagree",
        severity: "warning",
        means: "The name servers of the zone give different answers, or one gives none. Which answer a client gets is then a \
            matter of chance.",
        change: "See that all of them load the same version of the zone (serial number, transfers).",
    },
    Entry {
        id: Id::Dnssec,
        code: "S22",
        title: "DNSSEC",
        severity: "error if bogus, info if unsigned",
        means: "Bogus: the signatures do not fit, and every resolver that validates gives no answer at all. Unsigned: nothing \
            is wrong, but the certificate must name the domain, and TLSA records decide nothing.",
        change: "Bogus: sign the zone again and compare the DS record in the parent zone with its key. Unsigned: sign the zone, \
            if you want DANE.",
    },
    Entry {
        id: Id::TlsaMismatch,
        code: "S23",
        title: "TLSA does not fit the certificate",
        severity: "error; info where TLSA records do not count for want of DNSSEC",
        means: "There are TLSA records, and the server's certificate fits none of them. Clients refuse the server, whoever \
            signed its certificate.",
        change: "Publish the record for the certificate in use; keep the old one until caches have forgotten it.",
    },
    Entry {
        id: Id::Unexpected,
        code: "S24",
        title: "not what was expected",
        severity: "error",
        means: "The records differ from what --expect says.",
        change: "Publish what was expected, or correct the expectation.",
    },
    Entry {
        id: Id::Ttl,
        code: "S25",
        title: "an extreme TTL",
        severity: "info",
        means: "Below a minute: every connection costs a question, and an outage of the name servers is felt at once. Above a \
            week: a correction takes that long to arrive everywhere.",
        change: "An hour (3600) suits most.",
    },
    Entry {
        id: Id::RoleMissing,
        code: "S26",
        title: "one role is missing",
        severity: "warning",
        means: "There are SRV records for clients and none for other domains, or the reverse. What is missing is found by the \
            fallback at best. Or a zone file has records at a name that is nearly right, and for which nobody asks.",
        change: "Publish records for both roles, at their exact names; `.` as the target says that a role is not offered.",
    },
    Entry {
        id: Id::SearchName,
        code: "S27",
        title: "a search name was appended",
        severity: "warning",
        means: "The answer belongs to a longer name than was asked for: a resolver has appended a search domain. Records of \
            somebody else then look like those of the domain.",
        change: "Switch search lists off in the resolver; ask another one with --resolver.",
    },
    Entry {
        id: Id::Undecided,
        code: "S28",
        title: "it could not be found out",
        severity: "unknown",
        means: "The resolver failed or did not answer, so that neither good nor bad can be said. Clients try later, too; they \
            never take this for absence. Or there is more of something than anybody looks at.",
        change: "Ask again, or another resolver with --resolver; --authoritative asks the name servers themselves.",
    },
    Entry {
        id: Id::Untrusted,
        code: "S29",
        title: "nobody trusted vouches for the certificate",
        severity: "error",
        means: "The certificate is self-signed, or was issued by somebody whom this machine does not trust, and no \
            DNSSEC-secure TLSA record names it. Or the server sends its certificate without the intermediate ones.",
        change: "Get a certificate from a public authority, send the whole chain, or publish a TLSA record in a signed zone. \
            For an authority of your own: --ca FILE.",
    },
    Entry {
        id: Id::LoginFailed,
        code: "S30",
        title: "the login failed",
        severity: "error; unknown if it may succeed later",
        means: "--probe-login found a server and could not log in.",
        change: "The line says what the server answered: the account, its password, or the server's mechanisms.",
    },
];

impl Id {
    /// What is to be known about it.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        // Every variant has its entry at its own place, which a test compares.
        CATALOGUE.get(self as usize).unwrap_or(&CATALOGUE[0])
    }

    /// The finding of this number, in capitals or not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        CATALOGUE.iter().find(|entry| entry.code.eq_ignore_ascii_case(text)).map(|entry| entry.id)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_its_number_and_its_place() {
        for (at, entry) in CATALOGUE.iter().enumerate() {
            assert_eq!(entry.id as usize, at);
            assert_eq!(entry.code, format!("S{:02}", at + 1));
            assert_eq!(Id::parse(&entry.code.to_lowercase()), Some(entry.id));
        }
        assert_eq!(Id::parse("S99"), None);
    }
}
