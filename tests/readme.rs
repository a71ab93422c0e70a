//! The README's first five minutes, done as they are written: by a shell, in a folder of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its files has failed")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Dns, Tool, expect_text, program, until};

/// What a person does who does not type a password, has other ports, and lives elsewhere.
struct Reader {
    home: tempfile::TempDir,
    server: String,
}

impl Reader {
    fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("bash");
        let programs = Path::new(program("impp-send")).parent().unwrap().to_owned();
        shell.args(["-c", line]).current_dir(self.home.path()).env_clear();
        shell.env("PATH", format!("{}:/usr/bin:/bin", programs.display())).env("HOME", self.home.path());
        // The one who would be asked on a terminal.
        shell.env("IMPP_PASSWORD_FILE", self.home.path().join("ann.typed")).env("IMPP_TIMEOUT", "30s");
        shell
    }

    /// The same for whoever has written down who they are.
    fn daily(&self, line: &str) -> Command {
        let mut shell = self.shell(line);
        shell.env_remove("IMPP_PASSWORD_FILE");
        shell
    }

    /// Runs a line, which must succeed; gives its output.
    #[track_caller]
    fn runs(&self, line: &str) -> String {
        let line = line.replace("--server localhost", &format!("--server {}", self.server));
        expect_text(0, &mut self.shell(&line), "")
    }
}

#[test]
fn the_first_five_minutes_are_as_the_readme_says() {
    let readme = fs::read_to_string("README.md").unwrap();
    let text = readme.split_once("## The first five minutes\n").unwrap().1.split_once("\n## ").unwrap().0;
    let blocks = blocks(text);
    let [make, second, talk, config, daily] = blocks.as_slice() else { panic!("other blocks than before: {blocks:#?}") };
    let mut me = Reader { home: tempfile::tempdir().unwrap(), server: String::new() };

    let (init, serve) = make.split_once('\n').unwrap();
    fs::write(me.home.path().join("ann.typed"), "a password\n").unwrap();
    me.runs(&format!("{init} --pass-file ann.typed"));
    let relay = me.home.path().join("relay/impp-relay.toml");
    let (mut text, any) = (fs::read_to_string(&relay).unwrap(), "[\"127.0.0.1:0\"]");
    for (key, usual) in [("plain", "[\"[::]:5772\"]"), ("tls", "[\"[::]:5773\"]")] {
        let line = format!("#{key} = {usual}");
        assert!(text.contains(&line), "{text}");
        text = text.replace(&line, &format!("{key} = {any}"));
    }
    fs::write(&relay, text).unwrap();
    let serving = Tool::spawn(&mut me.shell(&format!("exec {}", serve.trim())));
    let port =
        |log: &str| Some(log.split_once("relay is ready")?.1.split_once("tls=[127.0.0.1:")?.1.split_once(']')?.0.to_owned());
    me.server = format!("localhost:{}", serving.errors().find(port).unwrap());

    me.runs(second);
    let (sent, received) = talk.split_once('\n').unwrap();
    assert_eq!(me.runs(sent), "");
    let message = me.runs(received);
    assert!(message.contains("ann@example.org  disk\n") && message.contains("Filesystem"), "{message}");

    let own = me.home.path().join(".config/impp");
    fs::create_dir_all(&own).unwrap();
    let certificate = me.home.path().join("relay/fullchain.pem");
    let config = config.replace("\"localhost\"", &format!("\"{}\"", me.server));
    let config = config.replace("/path/to/relay/fullchain.pem", certificate.to_str().unwrap());
    fs::write(own.join("impp.toml"), config).unwrap();
    fs::rename(me.home.path().join("ann.typed"), own.join("ann.password")).unwrap();
    for line in daily.lines() {
        assert_eq!(expect_text(0, &mut me.daily(line), ""), "", "{line}");
    }
    let waiting = me.runs(&received.replace("--count 1", "--count 2 --format '{subject}\\n'"));
    assert_eq!(waiting, "\nthe build\n", "what was sent since");
    examples(&me, &readme);
    serving.signal("TERM");
    assert_eq!(serving.finish().0, 0);
}

/// The examples in the table of the tools, as they are; the others of whom they speak are there.
fn examples(me: &Reader, readme: &str) {
    let table = readme.split_once("## The tools\n").unwrap().1.split_once("\n## ").unwrap().0;
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `impp-")?.split_once("` |"));
    let mut lines: BTreeMap<&str, String> = rows
        .map(|(tool, rest)| {
            (tool, rest.replace("\\|", "\u{1}").split('|').nth(1).unwrap().trim().trim_matches('`').replace('\u{1}', "|"))
        })
        .collect();
    let mut line = |tool: &str| lines.remove(tool).unwrap_or_else(|| panic!("no example of {tool}"));
    let quietly = |line: &str| assert_eq!(expect_text(0, &mut me.daily(line), ""), "", "{line}");
    quietly(&line("send"));
    quietly(&line("acl"));
    quietly(&line("set"));
    let bob = "--login bob@example.org --pass-file bob.password";
    quietly(&format!("impp-set open {bob}"));
    assert!(expect_text(0, &mut me.daily(&line("fetch")), "").ends_with("there\n"));
    assert!(expect_text(0, &mut me.daily(&line("watch")), "").contains("bob@example.org  open"));
    // A handler that was written before.
    let handler = me.home.path().join("handle");
    fs::write(&handler, "#!/bin/sh\ncat > handled.new && mv handled.new handled\n").unwrap();
    fs::set_permissions(&handler, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let receiving = Tool::spawn(me.daily(&format!("exec {}", line("recv"))).env_remove("IMPP_TIMEOUT"));
    quietly(&format!("impp-send {bob} -m 'for the handler' ann@example.org"));
    let handled = me.home.path().join("handled");
    // Behind what lay in the mailbox already.
    until("the handler was run", || fs::read_to_string(&handled).is_ok_and(|text| text == "for the handler\n"));
    receiving.signal("TERM");
    assert_eq!(receiving.finish().0, 143);
    // A domain with its records, and a relay whose configuration is not in /etc.
    let port = me.server.rsplit_once(':').unwrap().1;
    let records = ["client", "server"].map(|role| format!("_impps-{role}._tcp.example.org. SRV 0 0 {port} im.example.org.\n"));
    let dns = Dns::start(&format!("{}im.example.org. A 127.0.0.1\n", records.concat()), &[]);
    let mut judge = me.daily(&line("srv"));
    judge.env("IMPP_RESOLVER", dns.address.to_string()).env("IMPP_CA", me.home.path().join("relay/fullchain.pem"));
    assert!(expect_text(0, &mut judge, "").contains("example.org: sound"));
    let relay = line("relay");
    assert_eq!(relay, "impp-relay user add bob --generate");
    assert!(!me.runs(&format!("{} -c relay/impp-relay.toml", relay.replace("bob", "carol"))).is_empty());
    assert!(lines.is_empty(), "{lines:?}");
}

/// The blocks of lines that stand apart.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(code), Some(block)) => *block += &format!("{code}\n"),
            (None, Some(block)) if !line.is_empty() && !block.is_empty() => blocks.push(String::new()),
            (None, Some(block)) if line.is_empty() && block.contains('[') && !block.is_empty() => block.push('\n'),
            _ => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks.into_iter().map(|block| block.trim_end().to_owned()).collect()
}
