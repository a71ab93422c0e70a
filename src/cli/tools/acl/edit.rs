//! `impp-acl edit`: the rules as lines of text in the person's editor.

use super::rules;
use crate::cli::account::AddressBook;
use crate::cli::exit::{Exit, Failure, Outcome, reason};
use crate::cli::handler;
use crate::model::Token;
use crate::model::acl::{Acl, Action};
use crate::net::random;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# One rule per line: ACTION OP[,OP] WHO [view=NAME]. The first that matches decides.
# ACTION: allow, deny, conceal.  OP: fetch, subscribe, send, change, read.
# WHO: user@domain, *@domain, local, anonymous, *.
";

/// Rules in a file that only its owner can read.
#[derive(Debug)]
pub(super) struct Draft(PathBuf);

impl Draft {
    /// Writes the rules into a new file.
    pub(super) fn new(acl: &Acl) -> Outcome<Self> {
        let folder = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = folder.join(format!("impp-acl-{}.txt", random::connection_id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Failure::creating(&path, &error))?;
        file.write_all(to_text(acl).as_bytes()).map_err(|error| Failure::writing(&path, &error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes the file. That it stays behind would harm nobody.
    pub(super) fn discard(&self) {
        _ = std::fs::remove_file(&self.0);
    }

    /// Opens the editor, waits for its end and reads what was written.
    ///
    /// # Errors
    /// 65 with the line that is wrong; the file is kept then.
    pub(super) async fn edit(&self, book: &AddressBook) -> Outcome<Acl> {
        let editor =
            ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
        let editor = editor.unwrap_or_else(|| "vi".to_owned());
        // The editor's own words are split by the shell, as everywhere; the path is a word of its own.
        let words = ["/bin/sh", "-c", &format!("exec {editor} \"$1\""), "sh", &self.0.to_string_lossy()].map(str::to_owned);
        let status = handler::start(&words)?.wait().await;
        let status = status.map_err(|error| Failure::new(Exit::Io, format!("cannot wait for {editor:?}: {}", reason(&error))))?;
        if !status.success() {
            self.discard();
            return Err(Failure::new(Exit::No, format!("nothing changed: {editor:?} ended with {status}")));
        }
        let text = std::fs::read_to_string(&self.0).map_err(|error| Failure::reading(&self.0, &error))?;
        from_text(&text, book).map_err(|(line, why)| Failure::new(Exit::Data, format!("{}:{line}: {why}", self.0.display())))
    }
}

fn to_text(acl: &Acl) -> String {
    acl.rules.iter().fold(HEAD.to_owned(), |text, rule| text + &rules::line(rule) + "\n")
}

fn from_text(text: &str, book: &AddressBook) -> Result<Acl, (usize, String)> {
    let mut acl = Acl { rules: Vec::new() };
    for (at, line) in text.lines().enumerate() {
        let wrong = |why: &str| (at + 1, why.to_owned());
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words = line.split_once(char::is_whitespace).and_then(|(action, rest)| {
            let (ops, rest) = rest.trim_start().split_once(char::is_whitespace)?;
            Some((action, ops, rest.trim()))
        });
        let (action, ops, rest) = words.ok_or_else(|| wrong("a rule is ACTION OP[,OP] WHO [view=NAME]"))?;
        let action = Action::parse(action).ok_or_else(|| wrong("the action is one of allow, deny, conceal"))?;
        let ops = rules::ops(ops).map_err(|why| wrong(&why))?;
        let (who, view) = match rest.rsplit_once(" view=") {
            Some((who, view)) => (who.trim(), Some(Token::parse(view).ok_or_else(|| wrong("that is no view"))?)),
            None => (rest, None),
        };
        let said = |failure: Failure| wrong(failure.line().unwrap_or_default());
        for who in rules::who(who, book).map_err(said)? {
            acl.rules.push(rules::rule(who, &ops, action, view).map_err(said)?);
        }
    }
    Ok(acl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_become_lines_and_rules_again() {
        let text = "allow fetch,subscribe \"john smith\"@example.org view=team\ndeny send *@x\nconceal fetch *\nallow send local\nallow fetch anonymous\n";
        let acl = from_text(text, &AddressBook::default()).unwrap();
        assert_eq!(acl.rules.len(), 5);
        assert_eq!(from_text(&to_text(&acl), &AddressBook::default()).unwrap(), acl);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line) in [
            ("\n# x\nallow send\n", 3),
            ("permit send *\n", 1),
            ("allow sned *\n", 1),
            ("allow send nobody\n", 1),
            ("deny fetch * view=x\n", 1),
        ] {
            assert_eq!(from_text(text, &AddressBook::default()).unwrap_err().0, line, "{text}");
        }
    }
}
