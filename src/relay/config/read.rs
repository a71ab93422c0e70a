//! From TOML to named values with their lines: which keys there are, and what kind each is.

use super::error::{ConfigError, ConfigFault};
use super::keys::{self, KEYS, Kind};
use super::units;
use crate::model::Domain;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One value and where it stands; line 0: not in the file, the default.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) value: &'a DeValue<'a>,
    pub(super) line: usize,
}

/// The values of one file; where it names none, the defaults.
pub(super) struct Values<'a> {
    file: &'a Path,
    found: BTreeMap<String, Found<'a>>,
    /// `[tls."DOMAIN"]`: name and line, then its keys.
    pub(super) per_domain: Vec<(String, usize, BTreeMap<String, Found<'a>>)>,
    /// `[[peer]]`: line, then its keys.
    pub(super) peers: Vec<(usize, BTreeMap<String, Found<'a>>)>,
}

/// The section of another domain.
pub(super) const PEER: &str = "peer";

/// Parsed TOML beside its text, from which lines are counted.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) table: DeTable<'a>,
}

/// The defaults as a file would say them.
pub(super) fn defaults_text() -> String {
    KEYS.iter().filter_map(|key| key.default.map(|default| format!("{} = {default}\n", key.name))).collect()
}

/// Parses a file.
pub(super) fn parse<'a>(file: &Path, text: &'a str) -> Result<Document<'a>, ConfigError> {
    match DeTable::parse(text) {
        Ok(table) => Ok(Document { text, table: table.into_inner() }),
        Err(error) => {
            let line = error.span().map(|span| line_of(text, span.start));
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            Err(ConfigError { file: file.to_owned(), line, fault: ConfigFault::Syntax(message) })
        }
    }
}

fn line_of(text: &str, octet: usize) -> usize {
    1 + text.bytes().take(octet).filter(|c| *c == b'\n').count()
}

impl<'a> Values<'a> {
    /// Sorts the document's values under their names, and refuses those that have none.
    pub(super) fn new(file: &'a Path, document: &'a Document<'a>, defaults: &'a Document<'a>) -> Result<Self, ConfigError> {
        let mut values = Self { file, found: BTreeMap::new(), per_domain: Vec::new(), peers: Vec::new() };
        values.collect("", &defaults.table, &|_| 0)?;
        values.collect("", &document.table, &|octet| line_of(document.text, octet))?;
        Ok(values)
    }

    fn collect(&mut self, section: &str, table: &'a DeTable<'a>, line_at: &dyn Fn(usize) -> usize) -> Result<(), ConfigError> {
        for (key, value) in table {
            let line = line_at(key.span().start);
            let name = join(section, key.get_ref());
            match (keys::find(&name), value.get_ref()) {
                (Some(_), inner) => {
                    self.found.insert(name, Found { value: inner, line });
                }
                (None, DeValue::Table(inner)) if keys::is_section(&name) => self.collect(&name, inner, line_at)?,
                (None, DeValue::Table(inner)) if section == "tls" => {
                    let found = self.keys_of(&name, inner, &["certificate", "key"], line_at)?;
                    self.per_domain.push((key.get_ref().to_string(), line, found));
                }
                (None, inner) if name == PEER => {
                    for item in inner.as_array().into_iter().flatten() {
                        if let Some(table) = item.get_ref().as_table() {
                            let known: Vec<&str> = keys::PEER_KEYS.iter().map(|key| key.name).collect();
                            let found = self.keys_of(PEER, table, &known, line_at)?;
                            self.peers.push((line_at(item.span().start), found));
                        }
                    }
                    if !inner.as_array().is_some_and(|items| items.iter().all(|item| item.get_ref().is_table())) {
                        return Err(self.error(line, ConfigFault::NotASection(name)));
                    }
                }
                (None, _) if keys::is_section(&name) => return Err(self.error(line, ConfigFault::NotASection(name))),
                (None, _) => return Err(self.unknown(line, name)),
            }
        }
        Ok(())
    }

    /// The keys of a section that there may be more than one of.
    fn keys_of(
        &self,
        section: &str,
        table: &'a DeTable<'a>,
        known: &[&str],
        line_at: &dyn Fn(usize) -> usize,
    ) -> Result<BTreeMap<String, Found<'a>>, ConfigError> {
        let mut found = BTreeMap::new();
        for (key, value) in table {
            let line = line_at(key.span().start);
            if !known.contains(&key.get_ref().as_ref()) {
                return Err(self.unknown(line, join(section, key.get_ref())));
            }
            found.insert(key.get_ref().to_string(), Found { value: value.get_ref(), line });
        }
        Ok(found)
    }

    pub(super) fn error(&self, line: usize, fault: ConfigFault) -> ConfigError {
        ConfigError { file: self.file.to_owned(), line: (line > 0).then_some(line), fault }
    }

    fn unknown(&self, line: usize, key: String) -> ConfigError {
        let meant = keys::nearest(&key);
        self.error(line, ConfigFault::UnknownKey { key, meant })
    }

    /// An error about the value of a key, wherever it stands.
    pub(super) fn refuse(&self, name: &str, fault: ConfigFault) -> ConfigError {
        self.error(self.found.get(name).map_or(0, |found| found.line), fault)
    }

    /// Whether the file itself names the key.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.found.get(name).is_some_and(|found| found.line > 0)
    }

    pub(super) fn find(&self, name: &str) -> Option<Found<'a>> {
        self.found.get(name).copied()
    }

    fn wanted<T>(&self, name: &'static str, read: impl FnOnce(Found<'a>) -> Option<T>) -> Result<T, ConfigError> {
        let found = self.find(name).ok_or_else(|| self.error(0, ConfigFault::Missing(name)))?;
        read(found).ok_or_else(|| self.wrong_kind(name, found.line))
    }

    pub(super) fn wrong_kind(&self, name: &str, line: usize) -> ConfigError {
        // A key of [tls."DOMAIN"] has the kind of its namesake in [tls].
        let expected = keys::find(name).map_or(Kind::Path, |key| key.kind);
        self.error(line, ConfigFault::Kind { key: name.to_owned(), expected })
    }

    pub(super) fn switch(&self, name: &'static str) -> Result<bool, ConfigError> {
        self.wanted(name, |found| found.value.as_bool())
    }

    pub(super) fn count(&self, name: &'static str, min: u64, max: u64) -> Result<u64, ConfigError> {
        let number = self.wanted(name, |found| integer(found.value))?;
        self.within(name, number, min, max)
    }

    pub(super) fn size(&self, name: &'static str, min: u64, max: u64) -> Result<u64, ConfigError> {
        let octets = self.wanted(name, |found| integer(found.value).or_else(|| units::parse_size(found.value.as_str()?)))?;
        self.within(name, octets, min, max)
    }

    fn within(&self, key: &'static str, number: u64, min: u64, max: u64) -> Result<u64, ConfigError> {
        if (min..=max).contains(&number) { Ok(number) } else { Err(self.refuse(key, ConfigFault::Range { key, min, max })) }
    }

    pub(super) fn time(&self, name: &'static str) -> Result<Duration, ConfigError> {
        self.wanted(name, |found| units::parse_duration(found.value.as_str()?))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'a str, ConfigError> {
        self.wanted(name, |found| found.value.as_str())
    }

    /// The texts of a list, each read.
    pub(super) fn list<T>(&self, name: &'static str, read: impl Fn(&'a str) -> Option<T>) -> Result<Vec<T>, ConfigError> {
        self.wanted(name, |found| found.value.as_array()?.iter().map(|item| read(item.get_ref().as_str()?)).collect())
    }

    /// The domains named twice, or none at all.
    pub(super) fn domains(&self) -> Result<Vec<Domain>, ConfigError> {
        let domains = self.list("domains", |text| Domain::parse(text).ok())?;
        if domains.is_empty() {
            return Err(self.refuse("domains", ConfigFault::Missing("domains")));
        }
        let twice = domains.iter().enumerate().find(|(at, domain)| domains.iter().skip(at + 1).any(|other| other == *domain));
        match twice {
            Some((_, domain)) => Err(self.refuse("domains", ConfigFault::DomainTwice(domain.clone()))),
            None => Ok(domains),
        }
    }
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The entries of a table with their values, for rules.
pub(super) fn entries<'a>(table: &'a DeTable<'a>) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>)> {
    table.iter().map(|(key, value): (&Spanned<_>, &Spanned<_>)| (key.get_ref().as_ref(), value.get_ref()))
}
