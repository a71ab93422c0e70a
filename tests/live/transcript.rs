//! The talk by hand of the specification, typed into the programs that it names.

use crate::support::talk::{self, Turn};
use crate::support::{Site, Tool, has};
use std::process::Command;

const SENTENCE: &str = "A first talk, by hand.";

/// Types what C says and compares what comes back, line by line. `swapped`: lines that this port answers otherwise.
fn follow(program: &mut Tool, swapped: &[(&str, &str)]) {
    for turn in talk::behind(SENTENCE) {
        match turn {
            Turn::Client(lines) => lines.iter().for_each(|line| program.type_in(&format!("{line}\n"))),
            Turn::Server(lines) => {
                for line in lines {
                    let expected = swapped.iter().find(|(from, _)| line.starts_with(from)).map_or(line.as_str(), |(_, to)| to);
                    assert_eq!(program.line().trim_end_matches('\r'), expected);
                }
            }
        }
    }
}

#[test]
fn openssl_s_client_at_the_tls_port() {
    if !has("openssl") {
        return;
    }
    let site = Site::with_users(&[]);
    let address = site.tls.to_string();
    let mut openssl = Tool::spawn(Command::new("openssl").args(["s_client", "-connect", &address, "-quiet", "-crlf"]));
    follow(&mut openssl, &[]);
    // The relay closes; openssl sees it and has nothing more to show.
    assert_eq!(openssl.finish().1, [""; 0]);
}

#[test]
fn nc_at_the_plain_port_where_tls_is_required() {
    if !has("nc") {
        return;
    }
    let site = Site::with_users(&[]);
    nc(&site, &[("TLS:", "TLS: required"), ("Mechanisms:", "Mechanisms:")]);
}

#[test]
fn nc_at_the_plain_port_where_tls_is_offered() {
    if !has("nc") {
        return;
    }
    let site = Site::with("[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nrequired = false\n", &[]);
    nc(&site, &[("TLS:", "TLS: offered"), ("Mechanisms:", "Mechanisms: SCRAM-SHA-256")]);
}

fn nc(site: &Site, swapped: &[(&str, &str)]) {
    let (host, port) = (site.plain.ip().to_string(), site.plain.port().to_string());
    let mut nc = Tool::spawn(Command::new("nc").args(["-C", &host, &port]));
    follow(&mut nc, swapped);
    assert_eq!(nc.finish().1, [""; 0]);
}

/// The document's other talks by hand need no program: whoever types them gets these answers.
#[test]
fn talks_about_what_is_wrong_go_as_written() {
    let site = Site::with_users(&[]);
    for sentence in
        ["A domain that is not served here:", "Malformed input, start line not sound, here an HTTP client.", "\nAnother version:"]
    {
        let mut wire = site.wire();
        for turn in talk::behind(sentence) {
            match turn {
                Turn::Client(lines) => wire.say(&(lines.join("\n") + "\n")),
                Turn::Server(lines) => {
                    let mut lines = lines.into_iter().peekable();
                    while lines.peek().is_some() {
                        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
                        assert_eq!(wire.frame().head, head, "{sentence}");
                    }
                }
            }
        }
    }
}
