//! The command line of sendmail, as the programs that call it write it.

use crate::cli::exit::{Failure, Outcome};

/// What sendmail is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Task {
    /// Send a message.
    #[default]
    Send,
    /// `-bp`: show the queue.
    List,
    /// `-q`: work on it.
    Flush,
    /// `-bi`, which other programs need to be told of a changed aliases file.
    Nothing,
}

/// What the words say; what is of no use for instant messages is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) task: Task,
    /// `-t`: recipients are those of the headers, too.
    pub(super) headers: bool,
    /// `-i`: a line with nothing but a dot does not end the message.
    pub(super) dots: bool,
    /// `-v`
    pub(super) verbose: bool,
    /// `-F`: the sender's name.
    pub(super) name: Option<String>,
    pub(super) recipients: Vec<String>,
}

/// Options that have a value, in the same word or the next one.
const WITH_VALUE: &str = "ABCDFLMNOPQRVXefhopr";
/// Options whose value, if there is one, is in the same word.
const WITH_VALUE_INSIDE: &str = "bdq";
/// Options without a value.
const ALONE: &str = "EGITUcimnstvx";

impl Words {
    /// Reads them.
    ///
    /// # Errors
    /// 64 for what this is not: a mail server, an unknown option.
    pub(super) fn read(words: &[String]) -> Outcome<Self> {
        let mut read = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let Some(mut letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                read.recipients.push(word.clone());
                continue;
            };
            if letters == "-" {
                read.recipients.extend(rest.by_ref().cloned());
                break;
            }
            while let Some(letter) = letters.chars().next() {
                letters = letters.get(letter.len_utf8()..).unwrap_or_default();
                if WITH_VALUE.contains(letter) {
                    let value = if letters.is_empty() { rest.next().map(String::as_str) } else { Some(letters) };
                    let value = value.ok_or_else(|| Failure::usage(format!("sendmail: -{letter} needs a value")))?;
                    read.option(letter, value)?;
                    break;
                } else if WITH_VALUE_INSIDE.contains(letter) {
                    read.option(letter, letters)?;
                    break;
                } else if ALONE.contains(letter) {
                    read.option(letter, "")?;
                } else {
                    return Err(Failure::usage(format!("sendmail: there is no option -{letter}")));
                }
            }
        }
        Ok(read)
    }

    fn option(&mut self, letter: char, value: &str) -> Outcome<()> {
        match (letter, value) {
            ('t', _) => self.headers = true,
            ('i', _) | ('o', "i") => self.dots = true,
            ('v', _) => self.verbose = true,
            ('F', name) => self.name = Some(name.to_owned()),
            ('b', "p") => self.task = Task::List,
            ('b', "i") => self.task = Task::Nothing,
            ('b', "m") => self.task = Task::Send,
            ('b', mode) => {
                let line = format!("sendmail: -b{mode} is for mail servers; this sends instant messages");
                return Err(Failure::usage(line));
            }
            // With a time it would stay and work again and again: that is a timer's business.
            ('q', "") => self.task = Task::Flush,
            ('q', _) => return Err(Failure::usage("sendmail: -q with a value is for mail servers; let a timer call -q")),
            _ => {}
        }
        Ok(())
    }
}

/// The message as far as it goes: without `-i` up to a line with nothing but a dot.
pub(super) fn until_dot(message: &[u8], dots: bool) -> &[u8] {
    let mut at = 0;
    while !dots && at < message.len() {
        let rest = message.get(at..).unwrap_or_default();
        let line = rest.split_inclusive(|c| *c == b'\n').next().unwrap_or_default();
        if matches!(line, b".\n" | b".\r\n" | b".") {
            return message.get(..at).unwrap_or_default();
        }
        at += line.len();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Outcome<Words> {
        Words::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    fn to(recipients: &[&str]) -> Words {
        Words { recipients: recipients.iter().map(|to| (*to).to_owned()).collect(), ..Words::default() }
    }

    #[test]
    fn what_callers_write() {
        let name = |name: &str| Some(name.to_owned());
        for (words, expected) in [
            (
                &["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"][..],
                Words { dots: true, name: name("CronDaemon"), ..to(&["root"]) },
            ),
            (&["-t"], Words { headers: true, ..to(&[]) }),
            (&["-ti"], Words { headers: true, dots: true, ..to(&[]) }),
            (&["-t", "-oi", "-fwww@x"], Words { headers: true, dots: true, ..to(&[]) }),
            (
                &["-f", "www@x", "-F", "Web Server", "--", "-odd", "root"],
                Words { name: name("Web Server"), ..to(&["-odd", "root"]) },
            ),
            (&["-oi", "-odb", "-oem", "-f", "x", "a@x", "b"], Words { dots: true, ..to(&["a@x", "b"]) }),
            (
                &["-N", "failure", "-R", "hdrs", "-V", "id", "-O", "DeliveryMode=b", "-v", "root"],
                Words { verbose: true, ..to(&["root"]) },
            ),
            (&["-bm", "-G", "-U", "root"], to(&["root"])),
            (&["-bp"], Words { task: Task::List, ..to(&[]) }),
            (&["-q"], Words { task: Task::Flush, ..to(&[]) }),
            (&["-bi"], Words { task: Task::Nothing, ..to(&[]) }),
            (&["-"], to(&["-"])),
        ] {
            assert_eq!(read(words).unwrap(), expected, "{words:?}");
        }
    }

    #[test]
    fn what_only_a_mail_server_does_is_refused() {
        for words in [&["-bs"][..], &["-bd"], &["-bv", "root"], &["-q15m"], &["-Z"], &["-F"], &["--help"]] {
            assert_eq!(read(words).unwrap_err().exit.code(), 64, "{words:?}");
        }
    }

    #[test]
    fn a_dot_ends_the_message_unless_told_otherwise() {
        let text = b"a\n..\n.x\n.\nb\n";
        assert_eq!(until_dot(text, false), b"a\n..\n.x\n");
        assert_eq!(until_dot(text, true), text);
        assert_eq!(until_dot(b"a\r\n.\r\nb", false), b"a\r\n");
        assert_eq!(until_dot(b"a\n.", false), b"a\n");
        assert_eq!(until_dot(b"a", false), b"a");
        assert_eq!(until_dot(b"", false), b"");
    }
}
