//! What is wrong before anybody is connected to: options, files, configuration.

use crate::dns::Dns;
use crate::site::Call;

const TOOLS: [&str; 6] = ["impp-send", "impp-recv", "impp-watch", "impp-fetch", "impp-set", "impp-acl"];

#[test]
fn wrong_options_are_64_with_the_usage() {
    for tool in TOOLS {
        let done = Call::new(tool, &["--no-such-option"]).run();
        let done = done.saying(64, &format!("{tool}: unexpected argument '--no-such-option'"));
        assert!(done.err.contains(&format!("Usage: {tool}")) && done.out.is_empty(), "{done:?}");
    }
    for (tool, words, part) in [
        ("impp-send", &[][..], "required"),
        ("impp-send", &["--timeou", "3s", "a@x"], "--timeou"),
        ("impp-send", &["--timeout", "soon", "a@x"], "not a duration"),
        ("impp-send", &["--format", "{nope}", "a@x"], "there is no field {nope}"),
        ("impp-send", &["--raw", "-s", "x", "a@x"], "cannot be used with"),
        ("impp-send", &["--truncate", "a@x"], "--max-size"),
        ("impp-fetch", &["--any", "--all", "a@x"], "cannot be used with"),
        ("impp-set", &[], "what shall be published"),
        ("impp-set", &["open", "--clear"], "cannot be used with"),
        ("impp-acl", &["allow", "sned", "a@x"], "none of fetch"),
        ("impp-recv", &["--count", "0"], "0"),
    ] {
        Call::new(tool, words).run().saying(64, part);
    }
}

#[test]
fn help_and_version_are_no_failure() {
    for tool in TOOLS {
        let short = Call::new(tool, &["-h"]).run().quietly(0);
        let long = Call::new(tool, &["--help"]).run().quietly(0);
        assert_eq!(short.out, long.out);
        assert!(short.out.contains("Examples:"), "{}", short.out);
        let version = Call::new(tool, &["--version"]).run().quietly(0);
        assert_eq!(version.out, format!("{tool} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

/// A terminal of 80 columns, and of as many lines as one that fills half of an ordinary screen.
const SCREEN: (usize, usize) = (80, 50);

#[test]
fn help_fits_a_screen_and_ends_with_three_examples() {
    for tool in TOOLS.into_iter().chain(["impp-srv"]) {
        let help = Call::new(tool, &["--help"]).env("COLUMNS", "80").run().quietly(0).out;
        let lines: Vec<&str> = help.lines().collect();
        assert!(lines.len() <= SCREEN.1, "{tool}: {} lines\n{help}", lines.len());
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= SCREEN.0, "{tool}: {widest} columns\n{help}");
        let examples = &lines[lines.iter().position(|line| *line == "Examples:").unwrap() + 1..];
        assert!(examples.len() == 3 && examples.iter().all(|line| line.contains(tool)), "{tool}: {examples:?}");
        // Each option has its line, or stands among those that are only named.
        for option in ["--timeout", "--json", "--trace", "--pass-file", "--help"] {
            assert!(help.contains(option), "{tool} {option}\n{help}");
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    Call::new("impp-send", &["-m", "x", "bob@demo.test"]).run().saying(78, "who are you? Give --login");
    let words = ["--login", "a@demo.test", "-m", "x", "bob@demo.test"];
    Call::new("impp-send", &words).run().saying(78, "no password for a@demo.test");
    let dns = Dns::start("else.test. A 127.0.0.1", &[]);
    let resolver = dns.address.to_string();
    let done = Call::new("impp-send", &words).env("IMPP_PASSWORD", "x").env("IMPP_RESOLVER", &resolver).run();
    done.saying(68, "demo.test has no SRV record for IMPP and no address");
    let done = Call::new("impp-send", &words).env("IMPP_PASSWORD", "x").env("IMPP_RESOLVER", "dns.example").run();
    done.saying(64, "is not the ADDRESS[:PORT] of a name server");
    let anchor = ["--dnssec-anchor", "/nonexistent/root.key"];
    let done = Call::new("impp-send", &[&words[..], &anchor].concat()).env("IMPP_PASSWORD", "x").run();
    done.saying(66, "/nonexistent/root.key");
    Call::new("impp-send", &["-c", "/nonexistent/impp.toml", "-m", "x", "bob@x"]).run().saying(66, "/nonexistent/impp.toml");
    Call::new("impp-send", &["--login", "a@x", "-n", "--file", "/nonexistent/body", "bob@x"])
        .run()
        .saying(66, "/nonexistent/body");
    Call::new("impp-fetch", &["--list", "/nonexistent/list"]).run().saying(66, "/nonexistent/list");
    Call::new("impp-send", &["-n", "-m", "x", "bob"]).run().saying(65, "there is no such alias");
    Call::new("impp-send", &["--pass-file", "-", "--login", "a@x", "bob@x"]).run().saying(64, "needs standard input");
}

#[test]
fn a_wrong_configuration_is_78_with_its_line() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("impp.toml");
    let with = |text: &str, mode: u32| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Call::new("impp-fetch", &["-c", path.to_str().unwrap(), "bob@x"]).run()
    };
    with("[account.default]\nlogin = 'a@x'\nserver = ''\nsrever = 'y'\n", 0o600)
        .saying(78, "impp.toml:4: unknown field `srever`");
    let open = with("[account.default]\nlogin = 'a@x'\npassword = 'secret-word'\n", 0o666).saying(78, "chmod 600");
    assert!(!open.err.contains("secret-word"));
}

#[test]
fn a_dry_run_prints_the_message_and_needs_nobody() {
    let words = ["-n", "--login", "alice@demo.test", "-s", "Grüße", "-m", "hello", "--id", "<1@demo.test>", "bob@demo.test"];
    let done = Call::new("impp-send", &words).run().quietly(0);
    for part in ["From: <alice@demo.test>", "To: <bob@demo.test>", "Message-ID: <1@demo.test>", "\r\n\r\nhello"] {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
    let mail = "To: bob@x\nBcc: eve@x\nSubject: s\n\nhello\n";
    let done = Call::new("impp-send", &["-n", "-t", "-v", "--login", "a@x"]).input(mail).run();
    assert!(done.status == 0 && !done.out.contains("eve") && done.err.contains("to bob@x, eve@x"), "{done:?}");
    let lines = "{\"to\":\"bob@x\",\"text\":\"one\"}\n\n{\"to\":[\"carol@x\"],\"text\":\"two\"}\n";
    let done = Call::new("impp-send", &["-n", "--ndjson", "--login", "a@x"]).input(lines).run().quietly(0);
    assert_eq!(done.out.matches("Message-ID:").count(), 2, "{}", done.out);
}

#[test]
fn an_address_that_cannot_be_reached_is_75_and_clear_text_is_refused() {
    // A listener that was closed again leaves a port on which nobody answers.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("127.0.0.1:{port}");
    let words = ["--login", "a@demo.test", "--server", &server, "bob@demo.test"];
    Call::new("impp-fetch", &words).env("IMPP_PASSWORD", "x").run().saying(75, "cannot log in to demo.test at 127.0.0.1:");
    let words = ["--login", "a@demo.test", "--server", "192.0.2.1:5772", "--tls", "off", "bob@demo.test"];
    Call::new("impp-fetch", &words).env("IMPP_PASSWORD", "x").run().saying(64, "--insecure allows it");
}
