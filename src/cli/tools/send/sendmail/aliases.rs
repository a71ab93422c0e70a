//! The aliases file: names of this machine for addresses, as sendmail's callers use them.

use crate::cli::account::AddressBook;
use crate::cli::exit::{Exit, Failure, Outcome, reason};
use crate::model::Address;
use crate::model::content::address_list;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// Where it is, unless IMPP_ALIASES says otherwise.
const USUAL: &str = "/etc/impp/aliases";
/// No file is larger.
const LARGEST: u64 = 1 << 20;
/// Aliases may name aliases, this deep.
const DEPTH: usize = 8;
/// Whoever has no line of their own.
const DEFAULT: &str = "default";
/// The names of this machine for itself.
const HERE: [&str; 3] = ["localhost", "localhost.localdomain", "localhost6"];

/// The names, in lower case, each with what it stands for.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    path: PathBuf,
    names: BTreeMap<String, Vec<String>>,
}

impl Aliases {
    /// Reads the file; one that is not there has no names.
    ///
    /// # Errors
    /// 78 with the line.
    pub(super) fn find() -> Outcome<Self> {
        let named = std::env::var_os("IMPP_ALIASES").filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = named.unwrap_or_else(|| PathBuf::from(USUAL));
        let mut text = Vec::new();
        match std::fs::File::open(&path).and_then(|file| file.take(LARGEST).read_to_end(&mut text)) {
            Ok(_) => Self::parse(&String::from_utf8_lossy(&text), &path),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { path, names: BTreeMap::new() }),
            Err(error) => Err(Failure::new(Exit::Config, format!("cannot read {}: {}", path.display(), reason(&error)))),
        }
    }

    /// *Shape:* `root: ann@example.org, bob@example.org`; a line that begins with a blank goes on with the one before; `#`
    /// begins a comment.
    fn parse(text: &str, path: &Path) -> Outcome<Self> {
        let mut entries: Vec<(usize, String)> = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            match entries.last_mut() {
                Some((_, entry)) if line.starts_with([' ', '\t']) => entry.push_str(line),
                _ => entries.push((number, line.to_owned())),
            }
        }
        let mut names = BTreeMap::new();
        for (number, entry) in entries {
            let wrong = |why: &str| Failure::new(Exit::Config, format!("{}:{number}: {why}", path.display()));
            let (name, value) = entry.split_once(':').ok_or_else(|| wrong("a line is NAME: ADDRESS, ADDRESS"))?;
            let name = name.trim().trim_matches('"').to_lowercase();
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(wrong("a line is NAME: ADDRESS, ADDRESS"));
            }
            if [":include:", "|", "/", "\"|"].iter().any(|start| value.trim_start().starts_with(start)) {
                return Err(wrong("commands, files and :include: are not for instant messages; name addresses"));
            }
            let members: Vec<_> = address_list::read(value).into_iter().map(|member| member.written).collect();
            if members.is_empty() {
                return Err(wrong("it names nobody"));
            }
            if names.insert(name.clone(), members).is_some() {
                return Err(wrong(&format!("{name} stands here for the second time")));
            }
        }
        Ok(Self { path: path.to_owned(), names })
    }

    /// Whom these stand for, each once: a name of the file, an address, an alias of the configuration, or whoever is the
    /// default.
    ///
    /// # Errors
    /// 67 for a name without an address; 65, 78.
    pub(super) fn find_all<'a>(&self, names: impl IntoIterator<Item = &'a str>, book: &AddressBook) -> Outcome<Vec<Address>> {
        let mut search = Search { aliases: self, book, found: Vec::new() };
        names.into_iter().try_for_each(|name| search.look_up(name, DEPTH))?;
        Ok(search.found)
    }
}

/// Names that are being looked up.
struct Search<'a> {
    aliases: &'a Aliases,
    book: &'a AddressBook,
    found: Vec<Address>,
}

impl Search<'_> {
    fn look_up(&mut self, name: &str, depth: usize) -> Outcome<()> {
        let name = name.trim();
        if let Some(members) = self.aliases.names.get(&name.to_lowercase()) {
            return self.members(name, members, depth);
        }
        if let Some((user, domain)) = name.rsplit_once('@')
            && HERE.contains(&domain.to_ascii_lowercase().as_str())
        {
            return self.look_up(user, depth);
        }
        if name.contains(['@', '/']) || self.book.knows(name) {
            for address in self.book.find(name)? {
                if !self.found.contains(&address) {
                    self.found.push(address);
                }
            }
            return Ok(());
        }
        let Some(members) = self.aliases.names.get(DEFAULT) else {
            let path = self.aliases.path.display();
            let line = format!("cannot deliver to {name}: there is no such alias; add a line to {path}: {name}: you@example.org");
            return Err(Failure::new(Exit::NoUser, line));
        };
        self.members(DEFAULT, members, depth)
    }

    fn members(&mut self, name: &str, members: &[String], depth: usize) -> Outcome<()> {
        let circle = || Failure::new(Exit::Config, format!("{}: {name} names itself in a circle", self.aliases.path.display()));
        let depth = depth.checked_sub(1).ok_or_else(circle)?;
        members.iter().try_for_each(|member| self.look_up(member, depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# who is called
root: ann@example.org, \"john smith\"@example.org
postmaster: root
  , bob@example.org   
MAILER-DAEMON: postmaster
loop: pool
pool: loop
root@web1.example.org: impp://example.org/web
default: ops@example.org
";

    fn found(text: &str, name: &str) -> Result<Vec<String>, u8> {
        let aliases = Aliases::parse(text, Path::new("aliases")).unwrap();
        let found = aliases.find_all([name], &AddressBook::default());
        found.map(|list| list.iter().map(Address::to_email).collect()).map_err(|failure| failure.exit.code())
    }

    #[test]
    fn names_stand_for_addresses() {
        let root = ["ann@example.org", "\"john smith\"@example.org"];
        for (name, expected) in [
            ("root", &root[..]),
            ("ROOT", &root),
            ("root@localhost", &root),
            ("postmaster", &[root[0], root[1], "bob@example.org"]),
            ("mailer-daemon", &[root[0], root[1], "bob@example.org"]),
            ("root@web1.example.org", &["web@example.org"]),
            ("eve@example.net", &["eve@example.net"]),
            ("impp://example.net/eve", &["eve@example.net"]),
            ("www-data", &["ops@example.org"]),
            ("www-data@localhost", &["ops@example.org"]),
        ] {
            assert_eq!(found(FILE, name).unwrap(), expected, "{name}");
        }
        assert_eq!(found(FILE, "loop"), Err(78));
        assert_eq!(found("root: a@x", "www-data"), Err(67));
        assert_eq!(found("root: a@x", "a@b@c"), Err(65));
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        for (text, part) in [
            ("root: a@x\nnothing here\n", "aliases:2: a line is"),
            (": a@x", "aliases:1:"),
            ("root:\n", "names nobody"),
            ("root: |/bin/sh", "commands"),
            ("root: /var/mail/root", "files"),
            ("root: :include:/etc/x", ":include:"),
            ("root: a@x\nroot: b@x", "aliases:2: root stands here"),
        ] {
            let failure = Aliases::parse(text, Path::new("aliases")).unwrap_err();
            assert!(failure.exit == Exit::Config && failure.line().unwrap().contains(part), "{text}: {failure:?}");
        }
    }
}
