//! What the manual tells of a tool beyond its table of options, and the table of the records that it writes.

use super::exit::{Exit, STATUSES, Status};

/// A tool's part of the manual. Words in backticks stand as a person types them.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// Paragraphs.
    pub description: &'static [&'static str],
    /// Sections of its own, behind the options.
    pub chapters: &'static [Chapter],
    /// The records that `--json` and `--format` write.
    pub records: &'static [Records],
    /// The statuses that mean something more exact here than everywhere.
    pub statuses: &'static [(Exit, &'static str)],
    /// The other ones with which it ends.
    pub failures: &'static [Exit],
    /// Variables of the environment that are not also options, and those that it sets for commands.
    pub variables: &'static [(&'static str, &'static str)],
    /// Files beside the configuration.
    pub files: &'static [(&'static str, &'static str)],
    /// Paragraphs on what is safe and what is not.
    pub security: &'static [&'static str],
    /// Further pages, beside those that all tools name. *Shape:* `impp-recv(1)`
    pub see: &'static [&'static str],
}

/// A section.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// Its heading.
    pub title: &'static str,
    /// Paragraphs. Those that begin with four blanks are shown as they are, line by line.
    pub text: &'static [&'static str],
}

/// The keys of one kind of record, all of them always present, in their order. *Shape:* `{"v":1,"to":"ann@example.org"}`
#[derive(Clone, Copy, Debug)]
pub struct Records {
    /// When it is written, or as part of what.
    pub title: &'static str,
    /// Whether it is the whole line or an object within one.
    pub place: Place,
    /// Its keys, in parts that records have in common.
    pub parts: &'static [&'static [Key]],
}

/// Where the object of a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of its own, which begins with `"v":1`.
    Line,
    /// A value within another record.
    Within,
}

/// One key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub about: &'static str,
}

/// A key and what its value is.
#[must_use]
pub const fn key(name: &'static str, about: &'static str) -> Key {
    Key { name, about }
}

/// The failures of every tool that logs in.
pub const LOGGED_IN: &[Exit] = &[
    Exit::Usage,
    Exit::Data,
    Exit::NoInput,
    Exit::NoUser,
    Exit::NoHost,
    Exit::Unavailable,
    Exit::Internal,
    Exit::CannotCreate,
    Exit::Io,
    Exit::TryLater,
    Exit::Protocol,
    Exit::Denied,
    Exit::Config,
];

/// Variables that every tool heeds, beside those that stand for an option.
pub const COMMON_VARIABLES: &[(&str, &str)] = &[
    ("IMPP_PASSWORD_FILE", "A file whose first line is the password."),
    ("IMPP_PASSWORD", "The password itself. Other processes of the same user can see it; a file is better."),
    ("CREDENTIALS_DIRECTORY", "A folder from the service manager; its file `impp-password` holds the password."),
    ("IMPP_LOG", "`quiet`, `normal`, `verbose`, `debug` or `trace`, where neither `-q` nor `-v` is given."),
    ("NO_COLOR", "If it is not empty: no colours, unless `--color` asks for them."),
    ("XDG_CONFIG_HOME", "The folder for `impp/impp.toml` instead of `~/.config`."),
];

/// Files that every tool heeds.
pub const COMMON_FILES: &[(&str, &str)] = &[
    ("~/.config/impp/impp.toml", "Accounts and aliases, see impp.toml(5)."),
    ("/etc/impp/impp.toml", "The same for everybody on this machine; read only where the first does not exist."),
];

/// What is to be known of every tool.
pub const COMMON_SECURITY: &[&str] = &[
    "A password is never an argument, where every user of the machine could read it: it comes from a file, a command, the environment, the \
     service manager or a prompt. It is sent only in a form that proves it (SCRAM), or inside TLS to a server that was verified.",
    "The server must prove that it serves the domain: by its certificate, or by a TLSA record that DNSSEC secures. Nothing falls back to less by \
     itself; `--insecure` is what turns this off. `--trace` masks secrets and shortens bodies, but shows who talks to whom.",
];

impl Manual {
    /// The fields that `--format` knows.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let keys = self.records.iter().filter(|records| records.place == Place::Line).flat_map(Records::keys);
        let mut fields = vec!["v"];
        for key in keys {
            if !fields.contains(&key.name) {
                fields.push(key.name);
            }
        }
        fields
    }

    /// Its statuses with their meaning, in the order of their numbers.
    #[must_use]
    pub fn meanings(&self) -> Vec<(u8, &'static str)> {
        let here = |exit| self.statuses.iter().find(|(own, _)| *own == exit).map(|(_, means)| *means);
        let meaning = |status: &Status| {
            let always = self.failures.contains(&status.exit).then_some(status.means);
            Some((status.exit.code(), here(status.exit).or(always)?))
        };
        STATUSES.iter().filter_map(meaning).collect()
    }
}

impl Records {
    /// Its keys; a line begins with `v`.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + Clone {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// The keys as a table of the documents: docs/json.md has them so.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let rows = self.keys().map(|key| format!("| `{}` | {} |\n", key.name, key.about.replace('|', "\\|")));
        format!("{}:\n\n| key | value |\n| --- | --- |\n{}", self.title, rows.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::tools;

    #[test]
    fn each_key_of_a_record_once_and_each_status_with_its_meaning() {
        for (name, manual) in tools::MANUALS {
            for records in manual.records {
                for (at, key) in records.keys().enumerate() {
                    assert_eq!(records.keys().position(|other| other.name == key.name), Some(at), "{name}: {}", key.name);
                    assert!(!key.about.is_empty(), "{name}: {}", key.name);
                }
            }
            let told = manual.meanings();
            assert!(told.iter().any(|(code, _)| *code == 0) && told.len() >= manual.failures.len(), "{name}");
            // Its own words stand for the general ones.
            let own = |code: u8| manual.statuses.iter().find(|(exit, _)| exit.code() == code).map(|(_, means)| *means);
            assert!(told.iter().all(|(code, means)| own(*code).is_none_or(|own| own == *means)), "{name}");
            assert_eq!(told.iter().map(|(code, _)| code).collect::<std::collections::BTreeSet<_>>().len(), told.len(), "{name}");
        }
    }
}
