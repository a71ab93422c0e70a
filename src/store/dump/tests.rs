use super::*;
use crate::model::{Domain, Fingerprint, UnixMillis};
use crate::service::store::{Delivery, Remembered, StoreWrite};
use crate::store::fixtures;
use crate::store::sqlite::{Role, open};
use crate::store::verify;
use std::convert::Infallible;
use std::path::Path;

fn exported(folder: &Path) -> Result<(Exported, Vec<String>), ExportError<Infallible>> {
    let mut lines = Vec::new();
    let done = export(folder, |line| {
        lines.push(line);
        Ok::<_, Infallible>(())
    })?;
    Ok((done, lines))
}

fn lines(folder: &Path) -> Vec<String> {
    let (done, lines) = exported(folder).unwrap();
    assert_eq!((done.faults, done.disabled, done.closed), (vec![], vec![], vec![]));
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

/// What a damaged store gives is named as such, is no more than there was, and fills a fresh store.
fn salvaged(folder: &Path, whole: &[String], what: &str) -> Option<(Exported, Vec<String>)> {
    let (done, found) = match exported(folder) {
        Ok(found) => found,
        Err(ExportError::Open(_)) => return None,
        Err(ExportError::Damaged) => panic!("{what}: damaged, and not found to be"),
    };
    if done.faults.is_empty() {
        assert_eq!(found, whole, "{what}");
    }
    let marked = |line: &str| {
        let of = |address: &crate::model::Address| line.contains(&format!("\"address\":\"{address}\""));
        let disabled = line.contains("\"kind\":\"user\"") && line.contains("\"disabled\":true") && done.disabled.iter().any(of);
        disabled || (line.contains("\"kind\":\"acl\"") && done.closed.iter().any(of))
    };
    for line in &found[1..] {
        // A user may have lost the password.
        let without = |line: &str| line.split(",\"scram_sha_256\"").next().map(str::to_owned);
        let there = whole.contains(line)
            || marked(line)
            || (line.ends_with("\"scram_sha_256\":null}") && whole.iter().any(|one| without(one) == without(line)));
        assert!(there, "{what}: {line}");
    }
    let fresh = tempfile::tempdir().unwrap();
    import(fresh.path(), &found).unwrap_or_else(|error| panic!("{what}: {error}\n{}", found.join("\n")));
    assert_eq!(verify::folder(fresh.path()).unwrap().faults, [], "{what}");
    Some((done, found))
}

#[test]
fn what_is_sound_of_a_damaged_store_is_exported_and_can_be_imported() {
    let folder = full();
    let whole = lines(folder.path());
    let path = folder.path().join("store.db");
    let octets = std::fs::read(&path).unwrap();
    let (mut some, mut all, mut none) = (0, 0, 0);
    let mut judge = |what: &str| match salvaged(folder.path(), &whole, what) {
        Some((done, _)) if done.faults.is_empty() => all += 1,
        Some(_) => some += 1,
        None => none += 1,
    };
    for at in (0..octets.len()).step_by(613) {
        let mut damaged = octets.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, &damaged).unwrap();
        judge(&format!("octet {at}"));
    }
    for page in 1..octets.len() / 4096 {
        for (fill, length) in [(0xff, 16), (0x00, 4096)] {
            let mut damaged = octets.clone();
            damaged[page * 4096..page * 4096 + length].fill(fill);
            std::fs::write(&path, &damaged).unwrap();
            judge(&format!("{length} octets {fill} of page {page}"));
        }
    }
    assert!(some > 20 && all > 20 && none < some, "{some} in part, {all} whole, {none} not at all");
}

#[test]
fn where_nobody_knows_whether_it_is_allowed_it_is_not() {
    let without = |sql: &str| {
        let folder = full();
        let whole = lines(folder.path());
        fixtures::sql(folder.path(), sql);
        let (done, found) = salvaged(folder.path(), &whole, sql).unwrap();
        assert!(!done.faults.is_empty(), "{sql}");
        let lost = whole.iter().filter(|line| !found.contains(line)).cloned().collect::<Vec<_>>();
        let new = found.into_iter().filter(|line| !whole.contains(line)).collect::<Vec<_>>();
        let shown = |addresses: &[crate::model::Address]| addresses.iter().map(|one| one.shown()).collect::<Vec<_>>().join(" ");
        (shown(&done.disabled), shown(&done.closed), lost, new)
    };
    // Whether bob was disabled is not known; what waits for him is there.
    let (disabled, closed, lost, new) = without("UPDATE account SET inbox = 0 WHERE address LIKE '%/bob'");
    assert_eq!((disabled.as_str(), closed.as_str(), lost.len(), new.len()), ("bob@example.org", "", 1, 1));
    assert!(new[0].contains("\"disabled\":true") && new[0].contains("stored_key"), "{new:?}");
    // An account of which nothing else is there is lost.
    let (disabled, _, lost, new) = without("UPDATE account SET moved_permanently = 0 WHERE address LIKE '%/info'");
    assert_eq!((disabled.as_str(), lost.len(), new.len()), ("", 1, 0));
    // Rules that cannot be believed let nobody in.
    let (disabled, closed, lost, new) = without("UPDATE acl SET concealed = '5 -'");
    assert_eq!((disabled.as_str(), closed.as_str(), lost.len(), new.len()), ("", "ann@example.org", 1, 1));
    let rules = "<acl><rule><who>*</who>";
    assert!(new[0].contains(rules) && new[0].contains("<who>anonymous</who>") && !new[0].contains("allow"), "{new:?}");
    // A password is lost, and the user is not.
    let (disabled, closed, lost, new) = without("UPDATE credentials SET iterations = 1 WHERE account LIKE '%/bob'");
    assert_eq!((disabled.as_str(), closed.as_str(), lost.len(), new.len()), ("", "", 1, 1));
    assert!(new[0].ends_with("\"scram_sha_256\":null}") && new[0].contains("\"disabled\":false"), "{new:?}");
    // The rest is lost, and nothing else.
    for (sql, kind) in [
        ("UPDATE message SET frame = CAST('SEND x' AS BLOB) WHERE number = 2", "message"),
        ("DELETE FROM presence_value WHERE account LIKE '%/bob'", "presence"),
        ("UPDATE subscription SET told = 5", "subscription"),
        ("UPDATE domain SET iterations = 5", "domain"),
    ] {
        let (disabled, closed, lost, new) = without(sql);
        assert_eq!((disabled.as_str(), closed.as_str(), lost.len(), new.len()), ("", "", 1, 0), "{sql}");
        assert!(lost[0].contains(&format!("\"kind\":\"{kind}\"")), "{lost:?}");
    }
}
