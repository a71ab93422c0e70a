//! Messages from impp-send to impp-recv, read by a mail parser that others wrote.

use crate::support::{Dice, Proxy, Site, Tool, at, bare, expect, expect_text, has, program, run};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Prints what Python's email package makes of a message: subject, sender, text, and the octets of each part in base64.
const PYTHON: &str = r#"
import base64, email, email.policy, json, sys
message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
parts = [part for part in message.walk() if not part.is_multipart()]
print(json.dumps({
    "defects": [str(defect) for part in message.walk() for defect in part.defects],
    "from": str(message["from"]), "to": str(message["to"]), "subject": str(message["subject"]),
    "id": str(message["message-id"]), "priority": str(message["priority"]), "importance": str(message["importance"]),
    "types": [part.get_content_type() for part in parts], "charsets": [part.get_content_charset() for part in parts],
    "names": [part.get_filename() for part in parts],
    "octets": [base64.b64encode(part.get_payload(decode=True)).decode() for part in parts],
}))
"#;

fn python(message: &[u8]) -> Value {
    let read = expect(0, Command::new("python3").args(["-c", PYTHON]), message);
    let read: Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(read["defects"], serde_json::json!([]), "{}", String::from_utf8_lossy(message));
    read
}

/// The octets of a part, as Python read them.
fn part(read: &Value, index: usize) -> Vec<u8> {
    crate::support::wire::unbase64(read["octets"][index].as_str().unwrap())
}

/// The next message for this user, octet for octet as it lies in a maildir.
fn next(site: &Site, user: &str) -> Vec<u8> {
    let maildir = tempfile::tempdir().unwrap();
    expect(0, site.tool("impp-recv", user).args(["--once", "--dir"]).arg(maildir.path()), b"");
    let files: Vec<_> = fs::read_dir(maildir.path().join("new")).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    fs::read(files[0].path()).unwrap()
}

/// The next so many messages, as JSON.
fn records(site: &Site, user: &str, many: usize) -> Vec<Value> {
    let text = expect_text(0, site.tool("impp-recv", user).args(["--json", "--count", &many.to_string()]), "");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json_lines(octets: &[u8]) -> Vec<Value> {
    octets.split(|c| *c == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn a_report_from_a_pipe_arrives_octet_for_octet() {
    if !has("python3") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let report = Command::new("df").arg("-h").output().map(|done| done.stdout).unwrap_or_default();
    assert!(report.starts_with(b"Filesystem"), "df has something to say");
    let long_lines: String = (0..2000).map(|number| format!("{number:05} ")).collect();
    let bodies: &[(&str, &[u8])] = &[
        ("disk", &report),
        ("Größe der Datenträger: 98 % – dringend 🔥", "Füllstand /var: 98 %\n\n  → bitte aufräumen\n".as_bytes()),
        ("日本語の件名がここに長く続きますので折り返しが必要になります。もっともっと長くします。", "本文\n".as_bytes()),
        ("no line end", b"no line end"),
        ("dots and From", b".\n..\nFrom here on\n--\n-- \n\n\n"),
        ("spaces at the end", b"one \ntwo\t\n   \n"),
        ("one long line", long_lines.as_bytes()),
        ("tabs", b"a\tb\tc\n"),
        ("=?utf-8?q?not_encoded?=", b"=?utf-8?q?x?= and =3D\n"),
        (" = leading", b"\n\nempty lines first\n"),
    ];
    for (subject, body) in bodies {
        expect(0, site.tool("impp-send", "alice").args(["-s", subject, &at("bob")]), body);
        let message = next(&site, "bob");
        let read = python(&message);
        let text = part(&read, 0);
        assert_eq!(
            String::from_utf8_lossy(&text),
            String::from_utf8_lossy(body),
            "{subject}\n{}",
            String::from_utf8_lossy(&message)
        );
        assert_eq!(read["subject"].as_str().unwrap().trim_start(), subject.trim_start());
        assert_eq!((read["types"][0].as_str(), read["from"].as_str()), (Some("text/plain"), Some("alice@demo.test")));
    }
}

/// The first five minutes of an administrator: what `init` makes runs, and an alert goes through.
#[test]
fn a_relay_as_init_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let relay = |args: &[&str]| {
        let mut command = bare(program("impp-relay"));
        command.args(args);
        command
    };
    fs::write(path("pass"), "a long and winding road\n").unwrap();
    expect(0, &mut relay(&["init", "demo.test", "--dir", &path("r"), "--admin", "alice", "--pass-file", &path("pass")]), b"");
    let config = path("r/impp-relay.toml");
    let text = fs::read_to_string(&config).unwrap();
    let lines = text.lines().map(|line| match line.split(" = ").next() {
        Some("#plain") => "plain = [\"127.0.0.1:0\"]",
        Some("#tls") => "tls = [\"127.0.0.1:0\"]",
        _ => line,
    });
    fs::write(&config, lines.collect::<Vec<_>>().join("\n")).unwrap();
    expect(0, &mut relay(&["user", "add", "bob@demo.test", "--pass-file", &path("pass"), "-c", &config]), b"");
    let serve = Tool::spawn(&mut relay(&["serve", "-c", &config]));
    let ready = serve.errors().find(|text| text.lines().find(|line| line.contains("relay is ready")).map(str::to_owned));
    let tls = ready.unwrap().rsplit_once("tls=[").unwrap().1.trim_end_matches(']').to_owned();
    let tool = |name: &str, user: &str, args: &[&str]| {
        let mut command = bare(program(name));
        command.args(["--login", user, "--pass-file", &path("pass"), "--server", &tls, "--ca", &path("r/fullchain.pem")]);
        command.env("IMPP_CONFIG", "/dev/null").args(args);
        command
    };
    let report = Command::new("df").arg("-h").output().unwrap().stdout;
    expect(0, &mut tool("impp-send", "alice@demo.test", &["-s", "disk", "bob@demo.test"]), &report);
    let message = expect(0, &mut tool("impp-recv", "bob@demo.test", &["--once", "--mime"]), b"");
    if has("python3") {
        let read = python(&message);
        assert_eq!((part(&read, 0), read["subject"].as_str()), (report, Some("disk")));
    }
    serve.signal("TERM");
    assert_eq!(serve.finish().0, 0);
}

#[test]
fn every_kind_of_connection_carries_a_message() {
    let site = Site::with("[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nrequired = false\n", &["alice", "bob"]);
    let (plain, tls) = (site.plain.to_string(), site.tls.to_string());
    for (how, server) in [("require", &tls), ("starttls", &plain), ("off", &plain)] {
        expect(0, site.tool("impp-send", "alice").args(["--tls", how, "--server", server, "-m", how, &at("bob")]), b"");
        let received =
            expect_text(0, site.tool("impp-recv", "bob").args(["--tls", how, "--server", server, "--once", "--body"]), "");
        assert_eq!(received.trim_end(), how);
    }
    // TLS where none is spoken, and none where it is: an error at once, not a message in the clear.
    for (how, server) in [("require", &plain), ("off", &tls)] {
        let done = run(site.tool("impp-send", "alice").args(["--tls", how, "--server", server, "-m", how, &at("bob")]), b"");
        let status = done.status.code().unwrap();
        assert!(status == 75 || status == 76, "{how}: {status} {}", String::from_utf8_lossy(&done.stderr));
    }
    // A certificate that nobody vouches for.
    let mut stranger = bare(program("impp-send"));
    stranger.env("IMPP_CONFIG", "/dev/null").args(["--login", &at("alice"), "--server", &tls, "--pass-file"]);
    stranger.arg(site.path("alice.pass")).args(["-m", "x", &at("bob")]);
    let done = run(&mut stranger, b"");
    assert_eq!(done.status.code(), Some(76), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn one_message_takes_at_most_four_round_trips() {
    let site = Site::with_users(&["alice", "bob"]);
    let turns = (0..5).map(|_| {
        let proxy = Proxy::to(site.tls);
        let server = proxy.address.to_string();
        expect(0, site.tool("impp-send", "alice").args(["--server", &server, "-m", "x", &at("bob")]), b"");
        proxy.turns()
    });
    // One for TCP; then a turn of each side for TLS, HELLO with AUTH, AUTH with SEND. BYE and the end of TLS come when the
    // answer is there.
    let turns: Vec<String> = turns.collect();
    assert!(turns.iter().any(|turns| turns.len() <= 9), "{turns:?}");
}

#[test]
fn octets_that_are_no_text_arrive_as_they_are() {
    if !has("python3") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let mut dice = Dice::new(1);
    for body in [
        &b"carriage\rreturns\r\nof all\n\rkinds\r"[..],
        b"nul \0 and escape \x1b[31m\n",
        b"latin \xe4\xf6\xfc\n",
        &dice.octets(4096),
    ] {
        expect(0, site.tool("impp-send", "alice").args(["-s", "raw", &at("bob")]), body);
        let message = next(&site, "bob");
        assert_eq!(part(&python(&message), 0), body, "{}", String::from_utf8_lossy(&message));
    }
}

#[test]
fn ten_mebibytes_attached() {
    let site = Site::with_users(&["alice", "bob"]);
    let octets = Dice::new(10).octets(10 << 20);
    let file = site.write("photo of the crash.bin", &octets);
    let second = site.write("ünïcode 100%.csv", "a;b\r\n1;2\n");
    let mut command = site.tool("impp-send", "alice");
    command
        .args(["-s", "see attachment", "-m", "Look at this", "--attach"])
        .arg(&file)
        .arg("--attach")
        .arg(&second)
        .arg(at("bob"));
    expect(0, &mut command, b"");
    let folder = site.path("saved");
    let records = expect(0, site.tool("impp-recv", "bob").args(["--once", "--json", "--save-attachments"]).arg(&folder), b"");
    let saved = |name: &str| {
        fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}; {}", String::from_utf8_lossy(&records)))
    };
    assert!(saved("photo of the crash.bin") == octets, "10 MiB differ");
    assert_eq!(saved("ünïcode 100%.csv"), b"a;b\r\n1;2\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);

    if has("python3") {
        expect(0, &mut command, b"");
        let read = python(&next(&site, "bob"));
        assert_eq!(part(&read, 0), b"Look at this");
        assert!(part(&read, 1) == octets, "10 MiB differ for Python");
        assert_eq!(
            (read["names"][1].as_str(), read["names"][2].as_str()),
            (Some("photo of the crash.bin"), Some("ünïcode 100%.csv"))
        );
    }
}

#[test]
fn two_hundred_recipients_on_one_command_line() {
    let names: Vec<String> = (0..200).map(|number| format!("user{number:03}")).collect();
    let site = Site::with_users(&["alice", "user000", "user123", "user199"]);
    site.add_silent_users(
        &names.iter().filter(|name| !["user000", "user123", "user199"].contains(&name.as_str())).cloned().collect::<Vec<_>>(),
    );
    let addresses: Vec<String> = names.iter().map(|name| at(name)).collect();
    let out = expect(
        0,
        site.tool("impp-send", "alice").args(["--json", "-s", "all hands", "-m", "fire drill at noon"]).args(&addresses),
        b"",
    );
    let told = json_lines(&out);
    let mut to: Vec<&str> = told.iter().map(|record| record["to"].as_str().unwrap()).collect();
    to.sort_unstable();
    assert_eq!(to, addresses, "each is told once");
    for record in &told {
        assert_eq!((&record["v"], &record["state"], &record["code"]), (&1.into(), &"stored".into(), &0.into()), "{record}");
    }
    for user in ["user000", "user123", "user199"] {
        assert_eq!(records(&site, user, 1)[0]["text"], "fire drill at noon");
    }

    let mut some = vec![at("nobody")];
    some.extend_from_slice(&addresses[..3]);
    let done = run(site.tool("impp-send", "alice").args(["--json", "-m", "again"]).args(&some), b"");
    assert_eq!(done.status.code(), Some(2), "some failed, some did not");
    let states: Vec<String> = json_lines(&done.stdout)
        .iter()
        .map(|record| format!("{} {} {}", record["to"], record["state"], record["code"]))
        .collect();
    assert!(states.contains(&"\"nobody@demo.test\" \"failed\" 67".to_owned()), "{states:?}");
    assert_eq!(states.iter().filter(|state| state.contains("stored")).count(), 3);
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(errors.starts_with("impp-send: cannot deliver to nobody@demo.test: "), "{errors}");
}

#[test]
fn lines_of_a_pipe_are_messages_as_they_come() {
    let site = Site::with_users(&["alice", "bob"]);
    let mut bob = Tool::spawn(site.tool("impp-recv", "bob").args(["--format", "{subject}|{text}\\n"]));
    site.wait_for_logins("bob", 1);
    let mut tail = Tool::spawn(site.tool("impp-send", "alice").args(["--lines", "-s", "log", &at("bob")]));
    for line in ["first line", "zweite Zeile: ü", "  third, indented"] {
        tail.type_in(&format!("{line}\n"));
        assert_eq!(bob.line(), format!("log|{line}"), "while the pipe stays open");
    }
    assert_eq!(site.log().text().matches("\"authenticated\"").count(), 2, "one connection for all lines");
    assert_eq!(tail.finish(), (0, vec![]));
}

#[test]
fn ndjson_makes_messages_with_all_that_a_line_says() {
    let site = Site::with_users(&["alice", "bob", "carol"]);
    let attached = site.write("numbers.txt", "1 2 3\n");
    let lines = format!(
        "{}\n{}\n{}\n",
        serde_json::json!({"to": [at("bob"), at("carol")], "subject": "backup", "text": "done", "urgency": "low", "id": "<backup-1@demo.test>"}),
        serde_json::json!({"to": [at("bob")], "text": "with a file", "attach": [attached]}),
        serde_json::json!({"to": [at("bob")], "subject": "Feuer", "text": "raus!", "urgency": "emergency"}),
    );
    let told = json_lines(&expect(0, site.tool("impp-send", "alice").args(["--ndjson", "--json"]), lines.as_bytes()));
    assert_eq!(told.len(), 4, "{told:?}");
    let bob = records(&site, "bob", 3);
    let field = |name: &str| bob.iter().map(|record| record[name].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    assert_eq!(field("subject"), ["backup", "", "Feuer"]);
    assert_eq!(field("text"), ["done", "with a file", "raus!"]);
    assert_eq!(field("urgency"), ["low", "normal", "emergency"]);
    assert_eq!(field("from"), ["alice@demo.test"; 3]);
    assert_eq!(bob[0]["id"], "<backup-1@demo.test>");
    assert!(bob[1]["attachments"].to_string().contains("numbers.txt"), "{}", bob[1]);
    assert_eq!(records(&site, "carol", 1)[0]["id"], "<backup-1@demo.test>");
    // A line that is no JSON: told with its number, status 65, and nothing of it sent.
    let done = run(site.tool("impp-send", "alice").args(["--ndjson"]), b"{\"to\": [\n");
    assert_eq!(done.status.code(), Some(65), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_round_trip_through_jq() {
    if !has("jq") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let script = "jq -cn --arg to \"$BOB\" 'range(3) | {to: $to, subject: \"no \\(.)\", text: \"a\\tb\\n\\u001b[2J\\(.)\", urgency: \"high\"}' \
                  | $SEND -a alice --ndjson --json | jq -r '[.v, .to, .state, .code] | @tsv'";
    let mut command = bare("/bin/sh");
    command.env("IMPP_CONFIG", site.path("impp.toml")).env("SEND", program("impp-send")).env("RECV", program("impp-recv"));
    command.env("BOB", at("bob"));
    let told = expect_text(0, command.args(["-c", script]), "");
    assert_eq!(told, "1\tbob@demo.test\tstored\t0\n".repeat(3));
    // What was received can be sent on: to whom is another matter.
    let script =
        "$RECV -a bob --json --count 3 | jq -c '{to: .from, subject, text, urgency, in_reply_to: .id}' | $SEND -a bob --ndjson";
    let mut back = bare("/bin/sh");
    back.env("IMPP_CONFIG", site.path("impp.toml")).env("SEND", program("impp-send")).env("RECV", program("impp-recv"));
    expect_text(0, back.args(["-c", script]), "");
    let came = records(&site, "alice", 3);
    for (record, number) in came.iter().zip(0..) {
        assert_eq!(record["text"], format!("a\tb\n\u{1b}[2J{number}"), "{record}");
        assert_eq!((&record["subject"], &record["urgency"]), (&format!("no {number}").into(), &"high".into()));
        assert!(record["in_reply_to"].as_str().is_some_and(|id| id.ends_with("@demo.test>")), "{record}");
    }
}

#[test]
fn urgency_is_a_header_that_others_know() {
    if !has("python3") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    for (urgency, priority, importance) in
        [("low", "non-urgent", "None"), ("normal", "normal", "None"), ("high", "urgent", "None"), ("emergency", "urgent", "high")]
    {
        expect(0, site.tool("impp-send", "alice").args(["--urgency", urgency, "-m", "x", &at("bob")]), b"");
        let read = python(&next(&site, "bob"));
        let seen = read["priority"].as_str().unwrap().replace("None", "normal");
        assert_eq!((seen.as_str(), read["importance"].as_str()), (priority, Some(importance)));
    }
}

#[test]
fn what_has_expired_is_not_delivered() {
    let site = Site::with_users(&["alice", "bob"]);
    expect(0, site.tool("impp-send", "alice").args(["--expires", "1s", "-m", "quickly!", &at("bob")]), b"");
    site.log().wait_for("a stored message expired");
    expect(0, site.tool("impp-send", "alice").args(["--expires", "1h", "-m", "take your time", &at("bob")]), b"");
    // The second is the first to come: absence shown by what stands behind it.
    assert_eq!(records(&site, "bob", 1)[0]["text"], "take your time");
}

#[test]
fn refusals_have_their_statuses_and_say_why() {
    let mut site =
        Site::with("[mailbox]\nmax-messages = 2\n[interdomain]\nenabled = false\n", &["alice", "bob", "carol", "dora"]);
    expect(0, site.tool("impp-acl", "carol").args(["deny", "send", &at("alice")]), b"");
    site.administer(&["user", "disable", &at("dora")]);
    for _ in 0..2 {
        expect(0, site.tool("impp-send", "alice").args(["-m", "fill", &at("bob")]), b"");
    }
    let huge = "x".repeat(33 << 20);
    let rows: &[(&str, &[&str], &str, i32, &str)] = &[
        ("mailbox full", &["-m", "x"], "bob@demo.test", 75, "mailbox is full (mailbox-full)"),
        ("the rules", &["-m", "x"], "carol@demo.test", 77, "(permission-denied)"),
        ("no such user", &["-m", "x"], "nobody@demo.test", 67, "(target-unknown)"),
        ("disabled", &["-m", "x"], "dora@demo.test", 69, "(mailbox-unavailable)"),
        ("now or never", &["-m", "x", "--expires", "0"], "bob@demo.test", 69, "(mailbox-unavailable)"),
        ("another domain", &["-m", "x"], "bob@elsewhere.test", 69, "(operation-not-supported)"),
        ("no address", &["-m", "x"], "bob@@demo.test", 65, "bob@@demo.test"),
        ("no file", &["--file", "/nonexistent/x"], "bob@demo.test", 66, "/nonexistent/x"),
        ("wrong flag", &["--no-such-flag"], "bob@demo.test", 64, "--no-such-flag"),
        ("too large for us", &["--max-size", "1K", "--file", "HUGE"], "carol@demo.test", 65, ""),
        ("too large for the relay", &["--file", "HUGE"], "alice@demo.test", 65, "(message-too-large)"),
    ];
    let file = site.write("huge.txt", huge);
    for (what, args, to, status, words) in rows {
        let args = args.iter().map(|arg| if *arg == "HUGE" { file.to_str().unwrap() } else { arg });
        let done = run(site.tool("impp-send", "alice").args(args).arg(to), b"");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(*status), "{what}: {errors}");
        assert!(errors.contains(words), "{what}: {errors}");
        assert!(done.stdout.is_empty(), "{what}");
    }
    // None of them is lost trace of: what is in the mailbox is what was accepted.
    assert_eq!(records(&site, "bob", 2).len(), 2);
    // And with nobody to talk to at all:
    assert!(site.stop());
    expect(75, site.tool("impp-send", "alice").args(["-m", "x", &at("bob")]), b"");
}

#[test]
fn whoever_moved_is_followed_five_times() {
    let users = ["alice", "u0", "u1", "u2", "u3", "u4", "u5", "u6"];
    let mut site = Site::prepared("", &users);
    for number in 0..6 {
        site.administer(&["user", "move", &at(&format!("u{number}")), &at(&format!("u{}", number + 1))]);
    }
    site.start();
    let queue = format!("--queue={}", site.path("spool").display());
    for args in [&["-m", "one"][..], &["-m", "two", &queue]] {
        let told = expect_text(0, site.tool("impp-send", "alice").args(args).args(["--json", &at("u1")]), "");
        assert!(told.contains("\"to\":\"u1@demo.test\",\"state\":\"stored\""), "{told}");
        let done = run(site.tool("impp-send", "alice").args(args).arg(at("u0")), b"");
        let errors = String::from_utf8_lossy(&done.stderr);
        let line = format!("cannot deliver to {}: the address has moved too often; the last is {}", at("u0"), at("u6"));
        assert!(done.status.code() == Some(69) && errors.contains(&line), "{errors}");
    }
    let texts: Vec<_> = records(&site, "u6", 2).iter().map(|record| record["text"].clone()).collect();
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn an_answer_finds_its_way_and_its_thread() {
    let site = Site::with_users(&["alice", "bob"]);
    let send =
        ["-s", "lunch", "-m", "at one?", "--lang", "en-GB", "--reply-to", &at("carol"), "--id", "first@demo.test", &at("bob")];
    expect(0, site.tool("impp-send", "alice").args(send), b"");
    let message = next(&site, "bob");
    let message = String::from_utf8(message).unwrap();
    for line in ["Message-ID: <first@demo.test>", "Reply-To: <carol@demo.test>", "Content-Language: en-GB"] {
        assert!(message.lines().any(|other| other == line), "no {line:?} in\n{message}");
    }
    let answer = ["-m", "yes", "--in-reply-to", "<first@demo.test>", &at("alice")];
    expect(0, site.tool("impp-send", "bob").args(answer), b"");
    assert_eq!(records(&site, "alice", 1)[0]["in_reply_to"], "<first@demo.test>");
}

#[test]
fn a_signed_message_passes_untouched() {
    if !has("gpg") {
        return;
    }
    let site = Site::with_users(&["alice", "bob"]);
    let home = tempfile::tempdir().unwrap();
    let gpg = |args: &[&str], stdin: &[u8]| {
        let fixed = ["--homedir", home.path().to_str().unwrap(), "--batch", "--quiet", "--no-autostart"];
        let fixed = if args.contains(&"--verify") { &fixed[..] } else { &fixed[..4] };
        run(Command::new("gpg").args(fixed).args(args), stdin)
    };
    let key = gpg(&["--passphrase", "", "--quick-generate-key", "alice@demo.test", "ed25519", "sign"], b"");
    assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));

    // RFC 3156: the signature is over exactly these octets, blanks at line ends and all.
    let entity =
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nthe key is under the m\u{e4}t  \r\n";
    let signature = gpg(&["--armor", "--detach-sign"], entity.as_bytes()).stdout;
    let signature = String::from_utf8(signature).unwrap().replace('\n', "\r\n");
    let whole = format!(
        "From: alice@demo.test\r\nTo: bob@demo.test\r\nMessage-ID: <signed@demo.test>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"; boundary=\"=-\"\r\n\r\n\
         --=-\r\n{entity}\r\n--=-\r\nContent-Type: application/pgp-signature\r\n\r\n{signature}\r\n--=---\r\n"
    );
    expect(0, site.tool("impp-send", "alice").args(["--raw", &at("bob")]), whole.as_bytes());
    let came = String::from_utf8(next(&site, "bob")).unwrap();

    // Cut apart as any reader of mail would.
    let parts: Vec<_> = came.split("--=-\r\n").collect();
    let (signed, rest) = (parts[1].strip_suffix("\r\n").unwrap(), parts[2].split_once("\r\n\r\n").unwrap().1);
    let detached = site.write("signature.asc", rest.split("\r\n--=---").next().unwrap());
    let judged = gpg(&["--verify", detached.to_str().unwrap(), "-"], signed.as_bytes());
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    let forged = gpg(&["--verify", detached.to_str().unwrap(), "-"], signed.replace("under", "above").as_bytes());
    assert!(!forged.status.success(), "a changed text verifies");
    let _ = Command::new("gpgconf").arg("--homedir").arg(home.path()).args(["--kill", "all"]).status();
}
