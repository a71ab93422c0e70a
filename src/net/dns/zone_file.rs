//! A zone read from its master file, so that it can be judged before it is published (RFC 1035, section 5).

use super::answer::{Absence, Absent, Addresses, Answer, Outcome, Security, Srv, Tlsa};
use super::read::{ALIASES, text};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::txt::Parser;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, io};

/// No zone file that a person checks is larger.
const FILE_OCTETS: u64 = 32 << 20;
/// Up to so many lines the one that is wrong is searched for.
const LINES_SEARCHED: usize = 2000;

/// The records of one zone.
#[derive(Clone, Debug)]
pub struct ZoneFile {
    origin: Name,
    records: Vec<Record>,
}

/// A zone file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneError {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub fault: ZoneFault,
}

/// Why a zone file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZoneFault {
    /// It cannot be read.
    Unreadable(io::ErrorKind),
    /// It is too large.
    TooLarge,
    /// The entry that begins in this line makes no sense, where the line could be found.
    Line(Option<usize>),
    /// The name of the zone is none.
    Origin,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.fault {
            ZoneFault::Unreadable(kind) => write!(f, "cannot read {file}: {kind}"),
            ZoneFault::TooLarge => write!(f, "{file} is too large for a zone"),
            ZoneFault::Line(Some(line)) => write!(f, "{file}, line {line}: this is no entry of a zone file"),
            ZoneFault::Line(None) => write!(f, "{file} is not a zone file"),
            ZoneFault::Origin => write!(f, "{file}: the name of the zone is none"),
        }
    }
}

impl std::error::Error for ZoneError {}

impl ZoneFile {
    /// Reads a file. `origin`: what relative names belong to, until the file says `$ORIGIN`.
    ///
    /// # Errors
    /// [`ZoneError`]
    pub fn read(file: &Path, origin: &str) -> Result<Self, ZoneError> {
        let error = |fault| ZoneError { file: file.to_owned(), fault };
        let unreadable = |e: io::Error| error(ZoneFault::Unreadable(e.kind()));
        if std::fs::metadata(file).map_err(unreadable)?.len() > FILE_OCTETS {
            return Err(error(ZoneFault::TooLarge));
        }
        let text = std::fs::read_to_string(file).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => error(ZoneFault::Line(None)),
            _ => unreadable(e),
        })?;
        Self::parse(&text, Some(file), origin).map_err(error)
    }

    /// Reads text; `file` is where `$INCLUDE` starts from.
    ///
    /// # Errors
    /// [`ZoneFault`]
    pub fn parse(text: &str, file: Option<&Path>, origin: &str) -> Result<Self, ZoneFault> {
        let mut name = Name::from_ascii(origin).map_err(|_| ZoneFault::Origin)?;
        name.set_fqdn(true);
        let records = parse(text, file, &name).ok_or_else(|| ZoneFault::Line(first_bad_line(text, file, &name)))?;
        Ok(Self { origin: name, records })
    }

    /// Whether the zone itself says what there is at this name: below its origin, and not handed on to another zone.
    #[must_use]
    pub fn has_say(&self, name: &str) -> bool {
        let Some(name) = fqdn(name) else { return false };
        if !self.origin.zone_of(&name) {
            return false;
        }
        let cut = |record: &&Record| record.record_type() == RecordType::NS && record.name != self.origin;
        !self.records.iter().filter(cut).any(|record| record.name.zone_of(&name))
    }

    /// The SRV records of a name.
    #[must_use]
    pub fn srv(&self, name: &str) -> Outcome<Srv> {
        self.find(name, |data| match data {
            RData::SRV(srv) => {
                Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: text(&srv.target) })
            }
            _ => None,
        })
    }

    /// The TLSA records of a name.
    #[must_use]
    pub fn tlsa(&self, name: &str) -> Outcome<Tlsa> {
        self.find(name, |data| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        })
    }

    /// The addresses of a host.
    #[must_use]
    pub fn addresses(&self, host: &str) -> Addresses {
        let six = self.find(host, |data| match data {
            RData::AAAA(address) => Some(address.0),
            _ => None,
        });
        let four = self.find(host, |data| match data {
            RData::A(address) => Some(address.0),
            _ => None,
        });
        Addresses { v6: Some(six), v4: Some(four) }
    }

    /// What a name is an alias of.
    #[must_use]
    pub fn alias(&self, name: &str) -> Option<String> {
        let name = fqdn(name)?;
        self.at(&name).iter().find_map(|record| match &record.data {
            RData::CNAME(alias) => text(&alias.0),
            _ => None,
        })
    }

    /// Every name that has SRV records, each with them.
    #[must_use]
    pub fn all_srv(&self) -> Vec<(String, Vec<Srv>)> {
        let mut names: Vec<String> = Vec::new();
        for record in self.records.iter().filter(|record| record.record_type() == RecordType::SRV) {
            names.extend(text(&record.name).filter(|name| !names.contains(name)));
        }
        names.into_iter().map(|name| (name.clone(), self.srv(&name).records().to_vec())).collect()
    }

    fn find<T>(&self, name: &str, pick: impl Fn(&RData) -> Option<T>) -> Outcome<T> {
        let none = |what| Outcome::Absent(Absence { what, security: Security::Unchecked, ttl: None });
        let Some(asked) = fqdn(name) else { return none(Absent::Name) };
        let mut owner = asked.clone();
        let mut ttl = u32::MAX;
        for _ in 0..=ALIASES {
            let here = self.at(&owner);
            let mut records = Vec::new();
            for record in &here {
                if let Some(value) = pick(&record.data) {
                    ttl = ttl.min(record.ttl);
                    records.push(value);
                }
            }
            if !records.is_empty() {
                let canonical = (owner != asked).then(|| text(&owner).unwrap_or_default());
                let ttl = Duration::from_secs(ttl.into());
                return Outcome::Records(Answer { records, security: Security::Unchecked, ttl, canonical });
            }
            let alias = here.iter().find_map(|record| match &record.data {
                RData::CNAME(alias) => Some((alias.0.clone(), record.ttl)),
                _ => None,
            });
            match alias {
                Some((next, life)) => (owner, ttl) = (next, ttl.min(life)),
                // A name exists if it or one below it has records.
                None if here.is_empty() && !self.records.iter().any(|record| owner.zone_of(&record.name)) => {
                    return none(Absent::Name);
                }
                None => return none(Absent::Data),
            }
        }
        none(Absent::Data)
    }

    /// The records of a name, its own or those of the asterisk that stands for it.
    fn at(&self, name: &Name) -> Vec<&Record> {
        let of = |owner: &Name| self.records.iter().filter(|record| record.name == *owner).collect::<Vec<_>>();
        let own = of(name);
        if !own.is_empty() || self.records.iter().any(|record| name.zone_of(&record.name)) {
            return own;
        }
        // The closest name that exists is the only one whose asterisk counts (RFC 4592).
        let mut above = name.base_name();
        while self.origin.zone_of(&above) {
            if self.records.iter().any(|record| above.zone_of(&record.name)) {
                return above.prepend_label("*").map(|wild| of(&wild)).unwrap_or_default();
            }
            above = above.base_name();
        }
        Vec::new()
    }
}

fn fqdn(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn parse(text: &str, file: Option<&Path>, origin: &Name) -> Option<Vec<Record>> {
    let parser = Parser::new(format!("$TTL 3600\n{}\n", text.trim_end()), file.map(Path::to_owned), Some(origin.clone()));
    let (_, sets) = parser.parse().ok()?;
    Some(sets.values().flat_map(|set| set.records_without_rrsigs().cloned()).collect())
}

/// The crate does not say where; the entry begins behind the longest beginning of the file that makes sense.
fn first_bad_line(text: &str, file: Option<&Path>, origin: &Name) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > LINES_SEARCHED {
        return None;
    }
    let good = (0..lines.len())
        .rev()
        .find(|end| lines.get(..*end).is_some_and(|lines| parse(&lines.join("\n"), file, origin).is_some()));
    good.map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "\
$TTL 1h
@       SOA ns1 admin 1 2 3 4 5
        NS  ns1
_impps-client._tcp 600 SRV 10 20 5773 im
_impp-client._tcp  SRV 10 20 5772 im.example.org.
im      A 192.0.2.1
        AAAA 2001:db8::1
www     CNAME im
_5773._tcp.im TLSA 3 1 1 ( 0001020304050607 08090a0b0c0d0e0f
        101112131415161718191a1b1c1d1e1f )
*.wild  A 192.0.2.9
sub     NS ns.elsewhere.net.
";

    fn zone() -> ZoneFile {
        ZoneFile::parse(ZONE, None, "example.org").unwrap()
    }

    #[test]
    fn records_as_a_server_would_give_them() {
        let zone = zone();
        let Outcome::Records(srv) = zone.srv("_impps-client._tcp.example.org") else { panic!() };
        assert_eq!((srv.records[0].to_string().as_str(), srv.ttl.as_secs()), ("10 20 5773 im.example.org.", 600));
        assert_eq!(zone.addresses("www.example.org").all().len(), 2);
        assert_eq!(zone.alias("www.example.org").as_deref(), Some("im.example.org"));
        assert_eq!(zone.tlsa("_5773._tcp.im.example.org").records()[0].data.len(), 32);
        assert_eq!(zone.addresses("a.wild.example.org").all()[0].to_string(), "192.0.2.9");
        let absent = |name| match zone.srv(name) {
            Outcome::Absent(absence) => absence.what,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [absent("nothing.example.org"), absent("im.example.org"), absent("_tcp.example.org")],
            [Absent::Name, Absent::Data, Absent::Data]
        );
        assert_eq!(zone.all_srv().len(), 2);
    }

    #[test]
    fn a_zone_speaks_for_what_it_has_not_handed_on() {
        let zone = zone();
        for (name, own) in [("im.example.org", true), ("example.org", true), ("x.sub.example.org", false), ("example.net", false)]
        {
            assert_eq!(zone.has_say(name), own, "{name}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (bad, line) in [("im A 192.0.2.1\nim B 1\n", 2), ("x SRV 1 2 3\n", 1), ("\n\nim A 192.0.2.1.4\nim A 192.0.2.1\n", 3)]
        {
            assert_eq!(ZoneFile::parse(bad, None, "example.org").unwrap_err(), ZoneFault::Line(Some(line)), "{bad}");
        }
    }
}
