//! A complete configuration to begin with: every key is there, in a comment where the default is right.

use super::keys::{KEYS, PEER_KEYS};
use crate::model::Domain;
use core::fmt::Write;

/// What a sample sets.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The first domain.
    pub domain: &'a Domain,
    /// The store's folder.
    pub data_dir: &'a str,
    /// The certificate file.
    pub certificate: &'a str,
    /// The key file.
    pub key: &'a str,
}

impl Sample<'_> {
    pub(super) fn write(&self) -> String {
        let mut text = String::from("# Every key there is. Lines in a comment show the defaults.\n");
        let mut section = "";
        for key in KEYS {
            let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
            // Writing to a String cannot fail.
            if of != section {
                let _ = write!(text, "\n[{of}]\n");
                section = of;
            } else if of.is_empty() {
                text.push('\n');
            }
            let _ = writeln!(text, "# {}", key.about);
            let set = match key.name {
                "domains" => Some(format!("[{}]", quoted(self.domain.as_str()))),
                "data-dir" => Some(quoted(self.data_dir)),
                "tls.certificate" => Some(quoted(self.certificate)),
                "tls.key" => Some(quoted(self.key)),
                _ => None,
            };
            let _ = match (set, key.default) {
                (Some(value), _) => writeln!(text, "{name} = {value}"),
                (None, Some(default)) => writeln!(text, "#{name} = {default}"),
                (None, None) => writeln!(text, "#{name} ="),
            };
        }
        text.push_str("\n# For each other domain of which more is known than its name, a section:\n# [[peer]]\n");
        for key in PEER_KEYS {
            let (name, value) = (key.name, key.default.map(|default| format!(" {default}")).unwrap_or_default());
            let _ = writeln!(text, "# # {}\n# {name} ={value}", key.about);
        }
        text
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
