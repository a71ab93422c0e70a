//! `impp-acl edit`: the rules as lines of text in the person's editor.

use super::{Owner, leaks, rules};
use crate::cli::account::AddressBook;
use crate::cli::exit::{Exit, Failure, Outcome, reason};
use crate::cli::handler;
use crate::cli::print::Printer;
use crate::cli::run::Stop;
use crate::cli::session::{Ask, Open};
use crate::model::acl::{Acl, Action};
use crate::model::{Token, Version};
use crate::net::random;
use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const HEAD: &str = "\
# One rule per line: ACTION OP[,OP] WHO [view=NAME]. The first that matches decides.
# ACTION: allow, deny, conceal.  OP: fetch, subscribe, send, change, read.
# WHO: user@domain, *@domain, local, anonymous, *.
";

/// Opens the rules in an editor and writes them if they changed. A mistake is shown, and so is a change by somebody else
/// meanwhile; at a terminal the person may then go on, otherwise the file is kept.
///
/// The editor may be open for hours: nothing is connected meanwhile, and If-Version guards what is written after it.
///
/// # Errors
/// 1 if the editor failed, 65 for a mistake, 75 for a conflict, and what ends a session.
pub(super) async fn edit(desk: &impl Desk, stop: &Stop, out: &Printer, book: &AddressBook) -> Outcome<Exit> {
    let (mut old, mut version) = desk.read().await?;
    let draft = Draft::new(&old)?;
    let failure = loop {
        draft.run_editor().await?;
        let new = match draft.read(book) {
            Ok(new) if new == old => {
                draft.discard();
                out.note("nothing changed");
                return Ok(Exit::Yes);
            }
            Ok(new) => new,
            Err(failure) => match again(failure, stop, out).await {
                Ok(()) => continue,
                Err(failure) => break failure,
            },
        };
        match desk.write(&old, &new, version).await {
            Ok(None) => {
                draft.discard();
                return Ok(Exit::Yes);
            }
            Ok(Some(newer)) => {
                (old, version) = newer;
                draft.append(&old)?;
                let changed = "somebody else changed the rules meanwhile; theirs stand at the end of the file";
                if let Err(failure) = again(Failure::new(Exit::TryLater, changed), stop, out).await {
                    break failure;
                }
            }
            Err(failure) => break failure,
        }
    };
    out.note(&format!("the edited rules are kept in {}", draft.0.display()));
    Err(failure)
}

/// Where the rules are read before they are edited, and written behind it.
pub(super) trait Desk {
    async fn read(&self) -> Outcome<(Acl, Version)>;
    /// `None`: they are written; else what somebody else wrote meanwhile.
    async fn write(&self, old: &Acl, new: &Acl, version: Version) -> Outcome<Option<(Acl, Version)>>;
}

/// The owner's, with a session for each.
pub(super) struct Sessions<'a> {
    pub(super) open: &'a Open<'a>,
    pub(super) stop: &'a Stop,
    pub(super) out: &'a Printer,
}

impl Desk for Sessions<'_> {
    async fn read(&self) -> Outcome<(Acl, Version)> {
        self.open.with(self.stop, Ask::OneShot, async |session| session.rules().await).await
    }

    async fn write(&self, old: &Acl, new: &Acl, version: Version) -> Outcome<Option<(Acl, Version)>> {
        // A person takes their own time.
        let open = self.open.clone().anew();
        open.with(self.stop, Ask::OneShot, async |session| write(session, (old, new), version, self.out).await).await
    }
}

/// An administrator's, who needs none.
pub(super) struct Kept<'a, O>(pub(super) &'a O, pub(super) &'a Printer);

impl<O: Owner> Desk for Kept<'_, O> {
    async fn read(&self) -> Outcome<(Acl, Version)> {
        self.0.rules().await
    }

    async fn write(&self, old: &Acl, new: &Acl, version: Version) -> Outcome<Option<(Acl, Version)>> {
        write(self.0, (old, new), version, self.1).await
    }
}

async fn write(owner: &impl Owner, (old, new): (&Acl, &Acl), version: Version, out: &Printer) -> Outcome<Option<(Acl, Version)>> {
    if owner.set_rules(new, version).await? {
        leaks::warn(old, new, &owner.address()?.domain(), out);
        return Ok(None);
    }
    owner.rules().await.map(Some)
}

/// Shows what is wrong, if somebody is there to be asked, and asks whether to go on.
///
/// # Errors
/// What is wrong, if nobody can be asked; only its status, if somebody has been shown it and wants no more.
async fn again(failure: Failure, stop: &Stop, out: &Printer) -> Outcome<()> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(failure);
    }
    out.failure(&failure);
    out.complain("edit again? [Y/n]");
    let mut answer = String::new();
    let mut stdin = BufReader::new(tokio::io::stdin());
    let read = async { Ok(stdin.read_line(&mut answer).await.is_ok_and(|octets| octets > 0)) };
    match stop.or(read).await? && !answer.trim_start().starts_with(['n', 'N']) {
        true => Ok(()),
        false => Err(Failure::silent(failure.exit)),
    }
}

/// Rules in a file that only its owner can read.
#[derive(Debug)]
struct Draft(PathBuf);

impl Draft {
    /// Writes the rules into a new file.
    fn new(acl: &Acl) -> Outcome<Self> {
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

    /// Puts rules behind it, as comments.
    fn append(&self, acl: &Acl) -> Outcome<()> {
        let theirs: String = acl.rules.iter().map(|rule| format!("# {}\n", rules::line(rule))).collect();
        let file = OpenOptions::new().append(true).open(&self.0);
        let written = file.and_then(|mut file| file.write_all(format!("\n# The rules are now:\n{theirs}").as_bytes()));
        written.map_err(|error| Failure::writing(&self.0, &error))
    }

    /// Removes the file. That it stays behind would harm nobody.
    fn discard(&self) {
        _ = std::fs::remove_file(&self.0);
    }

    /// Opens the editor and waits for its end.
    async fn run_editor(&self) -> Outcome<()> {
        let editor =
            ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
        let editor = editor.unwrap_or_else(|| "vi".to_owned());
        // The editor's own words are split by the shell, as everywhere; the path is a word of its own.
        let words = ["/bin/sh", "-c", &format!("exec {editor} \"$1\""), "sh", &self.0.to_string_lossy()].map(str::to_owned);
        let status = handler::start(&words)?.wait().await;
        let status = status.map_err(|error| Failure::new(Exit::Io, format!("cannot wait for {editor:?}: {}", reason(&error))))?;
        if status.success() {
            return Ok(());
        }
        self.discard();
        let hint = if status.code() == Some(127) { "; name one in EDITOR" } else { "" };
        Err(Failure::new(Exit::No, format!("nothing changed: {editor:?} ended with {status}{hint}")))
    }

    /// The rules that stand there now.
    ///
    /// # Errors
    /// 65 with the line that is wrong.
    fn read(&self, book: &AddressBook) -> Outcome<Acl> {
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
        // A name in quotes may hold ` view=`, but no view holds a quote.
        let (who, view) = match rest.rsplit_once(" view=") {
            Some((who, view)) if !view.contains('"') => {
                (who.trim(), Some(Token::parse(view).ok_or_else(|| wrong("that is no view"))?))
            }
            _ => (rest, None),
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
        let text = "deny send \"a view=b\"@example.org\nallow fetch,subscribe \"john smith\"@example.org view=team\ndeny send *@x\nconceal fetch *\nallow send local\nallow fetch anonymous\n";
        let acl = from_text(text, &AddressBook::default()).unwrap();
        assert_eq!(acl.rules.len(), 6);
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
