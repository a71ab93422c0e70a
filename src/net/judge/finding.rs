//! One thing that is to be said about a domain: how bad it is, about what, and what to change.

use super::catalogue::Id;
use crate::net::dns::Role;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// It works, but not always or not for everybody.
    Warning,
    /// It could not be found out.
    Unknown,
    /// It does not work.
    Error,
}

impl Severity {
    /// `info`, `warning`, `unknown` or `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub id: Id,
    /// How bad it is here.
    pub severity: Severity,
    /// For whom; `None`: for everybody.
    pub role: Option<Role>,
    /// The name, host or address that it is about.
    ///
    /// *Shape:* `_impps-client._tcp.example.org`, `im1.example.org:5773 [2001:db8::1]`
    pub about: String,
    /// What was found: a sentence without its full stop. Strangers' text in it is made safe.
    pub text: String,
    /// What to change, line by line: records as a master file has them, or a sentence.
    pub change: Vec<String>,
}

impl Finding {
    pub(super) fn new(id: Id, severity: Severity, about: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id, severity, role: None, about: about.into(), text: text.into(), change: Vec::new() }
    }

    pub(super) fn of(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    pub(super) fn change(mut self, line: impl Into<String>) -> Self {
        self.change.push(line.into());
        self
    }

    /// Takes in one that says the same for whomever.
    pub(super) fn join(&mut self, other: Self) {
        if self.role != other.role {
            self.role = None;
        }
        self.severity = self.severity.max(other.severity);
        for line in other.change {
            if !self.change.contains(&line) {
                self.change.push(line);
            }
        }
    }

    /// Whether both say the same, for whomever.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        (self.id, &self.about, &self.text) == (other.id, &other.about, &other.text)
    }
}

/// What all findings come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing worse than information.
    Good,
    /// Warnings, and nothing worse.
    Warnings,
    /// Something could not be found out, and nothing that was is an error.
    Undecided,
    /// Errors.
    Errors,
}

impl Verdict {
    /// The worst of them decides.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        match findings.into_iter().map(|finding| finding.severity).max() {
            None | Some(Severity::Info) => Self::Good,
            Some(Severity::Warning) => Self::Warnings,
            Some(Severity::Unknown) => Self::Undecided,
            Some(Severity::Error) => Self::Errors,
        }
    }
}
