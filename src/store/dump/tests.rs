use super::*;
use crate::model::{Domain, Fingerprint, UnixMillis};
use crate::service::store::{Delivery, Remembered, StoreWrite};
use crate::store::fixtures;
use crate::store::sqlite::{Role, open};
use crate::store::verify;
use std::convert::Infallible;
use std::path::Path;

fn lines(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    export(folder, |line| {
        lines.push(line);
        Ok::<_, Infallible>(())
    })
    .unwrap();
    lines
}

fn import(folder: &Path, lines: &[String]) -> Result<import::Imported, ImportError> {
    let mut import = Import::begin(folder, [Domain::parse("example.org").unwrap()])?;
    lines.iter().try_for_each(|line| import.line(line.as_bytes()))?;
    import.finish()
}

/// A store with everything that there is, octets that are no text among it.
fn full() -> tempfile::TempDir {
    let folder = fixtures::store(3);
    let mut relay = open(folder.path(), Role::Relay { remembered: 9 }).unwrap();
    let one = |n, at| Remembered { fingerprint: Fingerprint([n; 16]), delivery: Delivery::Delivered, at: UnixMillis(at) };
    relay.writer.remember(&[one(1, 1_795_703_545_007), one(2, 1_795_703_545_005)]).unwrap();
    let user = crate::model::Address::parse("ann@example.org").unwrap();
    relay.writer.write(&[&crate::service::store::Write::Delete { user, number: 3 }]).unwrap();
    folder
}

#[test]
fn an_export_of_what_was_imported_is_the_same() {
    let folder = full();
    let first = lines(folder.path());
    let kinds: Vec<&str> = first.iter().map(|line| line.split('"').nth(5).unwrap()).collect();
    let expected =
        "export domain user user user user user acl presence presence subscription message message delivery delivery delivery";
    assert_eq!(kinds.join(" "), expected);
    assert!(first.iter().all(|line| line.starts_with("{\"v\":1,\"kind\":\"")));
    assert!(first[0].ends_with("\"last_message\":3}"), "no number is given twice: {}", first[0]);
    let fresh = tempfile::tempdir().unwrap();
    let done = import(fresh.path(), &first).unwrap();
    assert_eq!((done.users, done.messages), (5, 2));
    assert_eq!(lines(fresh.path()), first);
    assert_eq!(verify::folder(fresh.path()).unwrap().faults, []);
    assert_eq!(open(fresh.path(), Role::Relay { remembered: 9 }).unwrap().writer.start(UnixMillis(9)).unwrap().next_message, 4);
    assert_eq!(import(fresh.path(), &first).unwrap_err(), ImportError::NotEmpty(fresh.path().to_owned()));
}

#[test]
fn what_is_delivered_while_it_is_exported_is_left_out() {
    let folder = full();
    let mut relay = open(folder.path(), Role::Relay { remembered: 9 }).unwrap();
    let mut all = Vec::new();
    export(folder.path(), |line| {
        if all.is_empty() {
            // After the first line the moment is fixed, and the log is yet to be read.
            let user = crate::model::Address::parse("bob@example.org").unwrap();
            relay.writer.write(&[&crate::service::store::Write::Delete { user, number: 1 }]).unwrap();
        }
        all.push(line);
        Ok::<_, Infallible>(())
    })
    .unwrap();
    let messages: Vec<_> = all.iter().filter(|line| line.contains("\"kind\":\"message\"")).collect();
    assert!(messages.len() == 1 && messages[0].contains("\"number\":2,"), "{messages:?}");
}

#[test]
fn each_bad_line_is_named_and_nothing_is_imported() {
    let folder = full();
    let whole = lines(folder.path());
    let at = |kind: &str| whole.iter().position(|line| line.contains(&format!("\"kind\":\"{kind}\""))).unwrap();
    let edited = |kind: &str, from: &str, to: &str| {
        let mut lines = whole.clone();
        let line = &mut lines[at(kind)];
        assert!(line.contains(from), "{line}");
        *line = line.replacen(from, to, 1);
        (lines, at(kind) + 1)
    };
    let rows = [
        ("user", "{", "", "it is no JSON object"),
        ("user", "\"v\":1", "\"v\":2", "\"v\" is not 1: of another version"),
        ("user", "\"kind\":\"user\"", "\"kind\":\"robot\"", "the kind \"robot\" is not known"),
        ("user", "\"disabled\":false,", "", "\"disabled\" is missing or makes no sense"),
        ("user", "\"disabled\":false", "\"disabled\":false,\"admin\":true", "the field \"admin\" is not known"),
        ("user", "impp://example.org/ann", "impp://example.org/Ann", "Ann@example.org cannot be the name of a user"),
        (
            "user",
            "impp://example.org/ann",
            "impp://example.net/ann",
            "example.net is not one of the domains in the configuration",
        ),
        ("user", "\"iterations\":10000", "\"iterations\":4096", "the password's iteration count is not that of its domain"),
        ("user", "\"iterations\":10000", "\"iterations\":-1", "\"scram_sha_256\" is missing or makes no sense"),
        ("acl", "\"concealed\":[null,", "\"concealed\":[", "\"concealed\" is missing or makes no sense"),
        ("acl", "<acl>", "<acl", "\"body\" is missing or makes no sense"),
        ("acl", "impp://example.org/ann\"", "impp://example.org/zoe\"", "there is no user zoe@example.org on a line before"),
        ("presence", "\"content_type\":\"", "\"content_type\":\"a\\r\\nB: c", "\"values\" is missing or makes no sense"),
        ("message", "Message-ID: <1@example.org>", "Message-ID: <9@example.org>", "\"frame\" is missing or makes no sense"),
        ("message", "\"frame\":\"SEND ", "\"frame\":\"QUIT ", "\"frame\" is missing or makes no sense"),
        ("message", "\"number\":1", "\"number\":18446744073709551615", "\"number\" is missing or makes no sense"),
        ("delivery", "\"delivered\"", "\"eaten\"", "\"what\" is missing or makes no sense"),
        ("domain", "\"kind\":\"domain\"", "\"kind\":\"export\"", "\"of\" is missing or makes no sense"),
    ];
    let fresh = tempfile::tempdir().unwrap();
    for (kind, from, to, words) in rows {
        let (lines, number) = edited(kind, from, to);
        let said = import(fresh.path(), &lines).unwrap_err().to_string();
        assert_eq!(said, format!("line {number}: {words}; nothing was imported"), "{kind} {from} {to}");
    }
    for kind in ["domain", "user", "acl", "presence", "subscription", "message"] {
        let mut lines = whole.clone();
        let line = lines[at(kind)].clone();
        lines.push(line);
        let said = import(fresh.path(), &lines).unwrap_err().to_string();
        assert_eq!(said, format!("line {}: what it is about was on a line before; nothing was imported", lines.len()), "{kind}");
    }
    let said = import(fresh.path(), &whole[1..]).unwrap_err().to_string();
    assert_eq!(said, "line 1: an export begins with the line of kind \"export\", and has it once; nothing was imported");
    assert_eq!(import(fresh.path(), &[]).unwrap_err(), ImportError::NoLines);
    // After all that the store is as it was: empty.
    import(fresh.path(), &whole).unwrap();
    assert_eq!(lines(fresh.path()), whole);
}
