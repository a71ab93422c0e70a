//! Every key of `impp.toml` with what it is for: impp.toml(5) is made of this table, and a test holds the reader to it.

/// One key of an account.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// Its name within `[account.NAME]`.
    pub name: &'static str,
    /// A value, as it would be written.
    pub example: &'static str,
    /// The option that goes before it; empty: none does.
    pub option: &'static str,
    /// One sentence.
    pub about: &'static str,
}

const fn key(name: &'static str, example: &'static str, option: &'static str, about: &'static str) -> ConfigKey {
    ConfigKey { name, example, option, about }
}

/// All of them, in the order of the manual.
pub const KEYS: &[ConfigKey] = &[
    key("login", r#""ann@example.org""#, "--login", "Who logs in."),
    key("anonymous", "true", "--anonymous", "Whether to log in as nobody, where the domain allows it. Default: `false`."),
    key(
        "password",
        r#""correct horse""#,
        "--pass-file",
        "The password itself. The file must then be readable by its owner alone (or, if it belongs to root, also by its group); \
         otherwise it is refused.",
    ),
    key("pass-file", r#""ann.password""#, "--pass-file", "A file whose first line is the password."),
    key(
        "pass-cmd",
        r#""pass show impp/ann""#,
        "--pass-cmd",
        "A command, run by `/bin/sh`, whose first line of output is the password: `pass show ..`, `secret-tool lookup ..`. Where no terminal is \
         there it has a minute.",
    ),
    #[cfg(feature = "keyring")]
    key(
        "pass-keyring",
        "true",
        "--pass-keyring",
        "Whether the password is in the desktop's keyring, under the service `impp` and the user's address. Default: `false`.",
    ),
    key(
        "client-cert",
        r#""ann.pem""#,
        "--client-cert",
        "A certificate (PEM, with its chain) to log in with instead of a password.",
    ),
    key("client-key", r#""ann.key""#, "--client-key", "Its private key (PEM)."),
    key(
        "server",
        r#""im1.example.org:5773""#,
        "--server",
        "The server, as HOST or HOST:PORT. Without it the DNS says where the server of the domain is.",
    ),
    key(
        "tls",
        r#""starttls""#,
        "--tls",
        "`require`: TLS from the first octet; `starttls`: a plain start, then TLS; `off`: none, which is refused unless the server \
         is on this machine or `insecure` is set.",
    ),
    key("ca", r#""/etc/impp/ca.pem""#, "--ca", "Certificates (PEM) that are trusted instead of the system's."),
    key(
        "pin",
        r#""sha256:..""#,
        "--pin",
        "The fingerprint of the server's public key: hexadecimal digits or base64. Nothing else is accepted then.",
    ),
    key("insecure", "true", "--insecure", "Whether the server is not verified at all. Default: `false`."),
    key(
        "resolver",
        r#""127.0.0.1:53""#,
        "--resolver",
        "The name server to ask instead of the system's, as ADDRESS or ADDRESS:PORT.",
    ),
    key(
        "dnssec-anchor",
        r#""/etc/impp/root.key""#,
        "--dnssec-anchor",
        "A file of DNSKEY records from which DNS answers are validated, always; `none`: they are never validated.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::AccountTable;
    use std::collections::BTreeSet;

    #[test]
    fn the_reader_takes_these_keys_and_no_other() {
        let complaint = toml::from_str::<AccountTable>("no-such-key = 1").unwrap_err().to_string();
        let expected = complaint.split_once("expected one of").unwrap().1;
        let taken: BTreeSet<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert_eq!(taken, KEYS.iter().map(|key| key.name).collect());
    }

    #[test]
    fn every_example_is_taken() {
        for key in KEYS {
            let line = format!("{} = {}", key.name, key.example);
            toml::from_str::<AccountTable>(&line).unwrap_or_else(|why| unreachable!("{line}: {why}"));
        }
    }
}
