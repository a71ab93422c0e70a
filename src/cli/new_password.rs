//! A password that is set rather than used: read from a file or standard input, made here, or asked for twice.

use super::exit::{Exit, Failure, Outcome, reason};
use super::secret;
use crate::model::{Address, Secret};
use crate::net::random;
use clap::Args;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Digits and letters that are not mistaken for each other when read aloud or written down.
const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
/// Letters of a generated password: 120 bits.
const LENGTH: usize = 24;
/// A hyphen after so many of them.
const GROUP: usize = 6;

/// Where a new password comes from; on a terminal one of these may be missing.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct NewPassword {
    /// The password is the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub pass_file: Option<PathBuf>,
    /// The password is the first line of standard input
    #[arg(long)]
    pub pass_stdin: bool,
    /// Make a password and print it
    #[arg(long)]
    pub generate: bool,
}

impl NewPassword {
    /// Whether it is made here, so that somebody has to be told.
    #[must_use]
    pub const fn is_generated(&self) -> bool {
        self.generate
    }

    /// The password for `user`.
    ///
    /// # Errors
    /// 64 if it is not said where it comes from and nobody can be asked; 66, 74 or 78 if it cannot be read; 65 if what
    /// was typed differs.
    pub fn take(&self, user: &Address) -> Outcome<Secret> {
        match &self.pass_file {
            _ if self.generate => Ok(generate()),
            _ if self.pass_stdin => secret::of_stdin(),
            Some(path) => secret::of_file(path),
            None if std::io::stdin().is_terminal() => ask(user),
            None => Err(Failure::usage("no terminal to ask for the password: give --pass-file FILE, --pass-stdin or --generate")),
        }
    }
}

/// A password of 120 random bits.
///
/// *Shape:* `k7mq2v-xd93hs-8wpafb-r6ntye`
#[must_use]
pub fn generate() -> Secret {
    let octets = Zeroizing::new(random::octets::<LENGTH>());
    let mut text = String::with_capacity(LENGTH + LENGTH / GROUP);
    for (at, octet) in octets.iter().enumerate() {
        if at > 0 && at % GROUP == 0 {
            text.push('-');
        }
        // 256 is a multiple of 32: each letter is as likely as any other.
        text.push(LETTERS.get(usize::from(octet % 32)).copied().map_or('2', char::from));
    }
    Secret::new(text)
}

fn ask(user: &Address) -> Outcome<Secret> {
    let prompt = |text: String| {
        let cannot = |error: &_| Failure::new(Exit::Io, format!("cannot ask for the password: {}", reason(error)));
        rpassword::prompt_password(text).map(Secret::new).map_err(|error| cannot(&error))
    };
    let first = prompt(format!("New password for {}: ", user.shown()))?;
    let again = prompt("Again: ".to_owned())?;
    if first == again { Ok(first) } else { Err(Failure::new(Exit::Data, "the two passwords differ; nothing was changed")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn generated_passwords_keep_their_shape_and_differ() {
        let made: HashSet<String> = (0..32).map(|_| generate().declassify().to_owned()).collect();
        assert_eq!(made.len(), 32);
        for password in &made {
            let groups: Vec<_> = password.split('-').collect();
            assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [GROUP; LENGTH / GROUP], "{password}");
            assert!(groups.concat().bytes().all(|c| LETTERS.contains(&c)), "{password}");
        }
        let used: HashSet<char> = made.iter().flat_map(|password| password.chars()).collect();
        assert!(used.len() > 30, "{used:?}");
        assert_eq!(LETTERS.iter().collect::<HashSet<_>>().len(), LETTERS.len());
    }

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
}
