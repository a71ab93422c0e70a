//! Reads a `.talk` file.

use std::time::Duration;

pub(crate) struct Talk {
    pub(crate) title: String,
    settings: Vec<(String, String)>,
    pub(crate) steps: Vec<(usize, Step)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A line of C or S.
    Line(char, String),
    Then,
    Event(String),
    Wait(Duration),
    Eof,
    TlsUp,
    Bye(String),
    Ping,
    Give(Gift, String),
    Reply(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gift {
    Send,
    Ask,
    Answer,
}

impl Talk {
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.settings.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All of them, as they stand there.
    pub(crate) fn settings(&self) -> String {
        self.settings.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.setting(name) == Some("yes")
    }
}

const SETTINGS: [&str; 23] = [
    "side",
    "tls",
    "exporter",
    "user",
    "authenticated",
    "greeted",
    "disabled",
    "certificate",
    "anonymous",
    "resume",
    "refuse",
    "mechanisms",
    "by hand",
    "login",
    "pipeline",
    "accept",
    "inbox",
    "mechanism",
    "max-outstanding",
    "links",
    "peer",
    "shown",
    "proven",
];

pub(crate) fn read(text: &str) -> Vec<Talk> {
    let mut talks: Vec<Talk> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim_end())) {
        if let Some(title) = line.strip_prefix("# ") {
            talks.push(Talk { title: title.to_owned(), settings: Vec::new(), steps: Vec::new() });
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let talk = talks.last_mut().unwrap_or_else(|| panic!("line {number}: no talk has begun"));
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let step = match word {
            "C:" | "S:" => Step::Line(word.chars().next().unwrap(), rest.to_owned()),
            "send:" => Step::Give(Gift::Send, rest.to_owned()),
            "ask:" => Step::Give(Gift::Ask, rest.to_owned()),
            "answer:" => Step::Give(Gift::Answer, rest.to_owned()),
            "then" => Step::Then,
            "event" => Step::Event(rest.to_owned()),
            "end" => Step::Event(line.to_owned()),
            "wait" => Step::Wait(Duration::from_secs(rest.trim_end_matches('s').parse().unwrap())),
            "eof" => Step::Eof,
            "tls" if rest == "up" => Step::TlsUp,
            "bye" => Step::Bye(rest.to_owned()),
            "ping" => Step::Ping,
            "reply" => Step::Reply(rest.to_owned()),
            _ => {
                let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("line {number}: {line}"));
                assert!(SETTINGS.contains(&name), "line {number}: no setting {name}");
                assert!(talk.steps.is_empty(), "line {number}: settings come first");
                talk.settings.push((name.to_owned(), value.to_owned()));
                continue;
            }
        };
        talk.steps.push((number, step));
    }
    talks
}
