//! Somebody with an account that no other test knows, and what they do with the tools.

use crate::support::site::private;
use crate::support::{Site, Tool, Wire, expect, expect_text, program, run};
use impp::engine::sasl;
use impp::model::{Domain, Secret};
use impp::net::Clock;
use impp::store::accounts::Accounts;
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// As few rounds of hashing as the protocol allows: a debug build takes its time for them.
const ROUNDS: u32 = 4096;
/// What a relay's configuration says of it.
pub(crate) const FEW_ROUNDS: &str = "[auth]\nscram-iterations = 4096\n";

/// Somebody at a site.
pub(crate) struct Person<'a> {
    pub(crate) site: &'a Site,
    pub(crate) name: String,
}

impl<'a> Person<'a> {
    /// Somebody new, whose name begins with this.
    pub(crate) fn new(site: &'a Site, name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("{name}.{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let secret = Secret::new(format!("{name}'s secret"));
        let credentials = sasl::derive(&secret, ROUNDS, &name.repeat(16).as_bytes()[..16]).unwrap();
        let mut accounts = Accounts::open(&site.path("data"), [Domain::parse(&site.domain).unwrap()]).unwrap();
        accounts.add(&site.at(&name).parse().unwrap(), Some(&credentials), Clock::now().unix).unwrap();
        private(&site.path(&format!("{name}.pass")), &format!("{name}'s secret\n"));
        Self { site, name }
    }

    /// The same with what an administrator says of the account, such as `--without presence`.
    pub(crate) fn added(site: &'a Site, name: &str, more: &[&str]) -> Self {
        let person = Self { site, name: name.to_owned() };
        let file = site.path(&format!("{name}.pass"));
        private(&file, &format!("{name}'s secret\n"));
        let address = person.address();
        let words = ["user", "add", &address, "--pass-file", file.to_str().unwrap()];
        site.administer(&[&words, more].concat());
        person
    }

    /// `alice.1@a.test`
    pub(crate) fn address(&self) -> String {
        self.site.at(&self.name)
    }

    /// `impp://a.test/alice.1`
    pub(crate) fn url(&self) -> String {
        format!("impp://{}/{}", self.site.domain, self.name)
    }

    /// A tool called by this person.
    pub(crate) fn tool(&self, name: &str, args: &[&str]) -> Command {
        let mut command = nobodys(self.site, name);
        command.env("IMPP_LOGIN", self.address());
        command.env("IMPP_PASSWORD_FILE", self.site.path(&format!("{}.pass", self.name)));
        command.args(args);
        command
    }

    /// Runs a tool that must succeed; its output.
    #[track_caller]
    pub(crate) fn does(&self, tool: &str, args: &[&str]) -> String {
        expect_text(0, &mut self.tool(tool, args), "")
    }

    /// Runs a tool and gives its status.
    pub(crate) fn tries(&self, tool: &str, args: &[&str]) -> i32 {
        status(&run(&mut self.tool(tool, args), b""))
    }

    /// Runs a tool that must end with this status and say this on standard error.
    #[track_caller]
    pub(crate) fn is_told(&self, status: i32, words: &str, tool: &str, args: &[&str]) {
        let done = run(&mut self.tool(tool, args), b"");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.code() == Some(status) && errors.contains(words),
            "{status} {words:?}, not {:?}: {errors}",
            done.status
        );
    }

    /// `impp-set ..`
    #[track_caller]
    pub(crate) fn sets(&self, args: &[&str]) {
        self.does("impp-set", args);
    }

    /// `impp-acl ..`
    #[track_caller]
    pub(crate) fn rules(&self, args: &[&str]) {
        self.does("impp-acl", args);
    }

    /// A message of one line.
    #[track_caller]
    pub(crate) fn sends(&self, text: &str, to: &Person<'_>) {
        self.does("impp-send", &["-m", text, &to.address()]);
    }

    /// What impp-fetch tells of somebody, whatever its status is.
    pub(crate) fn sees(&self, whom: &Person<'_>) -> Value {
        let done = run(&mut self.tool("impp-fetch", &["--json", &whom.address()]), b"");
        serde_json::from_slice(&done.stdout).unwrap_or_else(|why| panic!("{why}: {done:?}"))
    }

    /// The presence of somebody as it came, octet for octet.
    #[track_caller]
    pub(crate) fn sees_xml(&self, whom: &Person<'_>) -> String {
        let done = run(&mut self.tool("impp-fetch", &["--xml", &whom.address()]), b"");
        assert!(matches!(done.status.code(), Some(0 | 1)), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    /// A watch with one object per line.
    pub(crate) fn watches(&self, whom: &Person<'_>) -> Tool {
        self.watches_by(&[&whom.address()])
    }

    /// The same with these arguments.
    pub(crate) fn watches_by(&self, args: &[&str]) -> Tool {
        Tool::spawn(self.tool("impp-watch", args).arg("--json"))
    }

    /// The next message, as an object.
    #[track_caller]
    pub(crate) fn takes(&self) -> Value {
        let text = self.does("impp-recv", &["--once", "--json"]);
        serde_json::from_str(&text).unwrap()
    }

    /// The text of the next message.
    #[track_caller]
    pub(crate) fn reads(&self) -> String {
        self.takes()["text"].as_str().unwrap().trim_end().to_owned()
    }

    /// The next message octet for octet, as a maildir has it but for the fields that name the proven sender.
    #[track_caller]
    pub(crate) fn takes_whole(&self) -> Vec<u8> {
        expect(0, &mut self.tool("impp-recv", &["--once", "--mime"]), b"")
    }

    /// A connection of the test's own, logged in.
    pub(crate) fn by_hand(&self, connection: &str) -> Wire {
        self.site.logged_in(&self.name, connection, "")
    }

    /// The same, which takes messages.
    pub(crate) fn by_hand_with_inbox(&self, connection: &str) -> Wire {
        self.site.logged_in(&self.name, connection, "Accept: messages\n")
    }

    /// Who watches this person, as impp-acl tells.
    pub(crate) fn watchers(&self) -> String {
        self.does("impp-acl", &["watchers"])
    }
}

/// A tool that knows where the relay is, and not yet who calls it.
pub(crate) fn nobodys(site: &Site, name: &str) -> Command {
    let mut command = crate::support::bare(program(name));
    command
        .env("IMPP_CONFIG", site.path("impp.toml"))
        .env("IMPP_SERVER", site.tls.to_string())
        .env("IMPP_CA", site.path("cert.pem"));
    command
}

/// The exit status of what ended by itself.
pub(crate) fn status(done: &Output) -> i32 {
    done.status.code().unwrap_or_else(|| panic!("{done:?}"))
}
