//! A password that is set rather than used: read from a file or standard input, made here, or asked for twice.

use clap::Args;
use impp::cli::deadline::Deadline;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Printer, Record};
use impp::cli::prompt;
use impp::cli::secret;
use impp::model::{Address, Secret};
use impp::net::random;
use impp::relay::init;
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Where a new password comes from; on a terminal none of these need be given.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub(crate) struct NewPassword {
    /// The password is the first line of FILE
    #[arg(long, value_name = "FILE")]
    pass_file: Option<PathBuf>,
    /// The password is the first line of standard input
    #[arg(long)]
    pass_stdin: bool,
    /// Make a password and print it
    #[arg(long)]
    generate: bool,
}

impl NewPassword {
    /// Whether it was said where the password comes from.
    pub(crate) const fn is_given(&self) -> bool {
        self.generate || self.pass_stdin || self.pass_file.is_some()
    }

    /// Whether it is made here, so that somebody has to be told.
    pub(crate) const fn is_generated(&self) -> bool {
        self.generate
    }

    /// The password for `user`.
    ///
    /// # Errors
    /// 64 if it was not said where it comes from and nobody can be asked; 66, 74 or 78 if it cannot be read; 65 if what
    /// was typed differs.
    pub(crate) fn take(&self, user: &Address) -> Outcome<Secret> {
        match &self.pass_file {
            _ if self.generate => Ok(generate()),
            _ if self.pass_stdin => secret::of_stdin(),
            Some(path) => secret::of_file(path),
            None if std::io::stdin().is_terminal() => ask(user),
            None => Err(Failure::usage("no terminal to ask for the password: give --pass-file FILE, --pass-stdin or --generate")),
        }
    }

    /// Tells a password that was made here: to standard output, alone on its line, so that a script can take it.
    pub(crate) fn tell(&self, user: &Address, secret: &Secret, out: &Printer) -> Outcome<()> {
        if !self.generate {
            return Ok(());
        }
        let record = Record::new().with("address", user.to_email()).with("password", secret.declassify());
        out.record(&record, secret.declassify())?;
        if out.is_text() {
            out.note(&format!("this is the password of {}; note it now, it is not shown again", user.shown()));
        }
        Ok(())
    }
}

/// A password for a person.
pub(crate) fn generate() -> Secret {
    init::password(&random::octets())
}

fn ask(user: &Address) -> Outcome<Secret> {
    let typed = |text: String| prompt::secret(text, Deadline::after(None));
    let first = typed(format!("New password for {}: ", user.shown()))?;
    let again = typed("Again: ".to_owned())?;
    if first == again { Ok(first) } else { Err(Failure::new(Exit::Data, "the two passwords differ; nothing was changed")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pass");
        std::fs::write(&file, "geheim\nmore\n").unwrap();
        let user = Address::parse("ann@example.org").unwrap();
        let from = NewPassword { pass_file: Some(file), ..NewPassword::default() };
        assert_eq!(from.take(&user).unwrap().declassify(), "geheim");
        let missing = NewPassword { pass_file: Some("/nonexistent/x".into()), ..NewPassword::default() };
        assert_eq!(missing.take(&user).unwrap_err().exit, Exit::NoInput);
    }

    #[test]
    fn made_passwords_differ() {
        assert_ne!(generate(), generate());
    }
}
