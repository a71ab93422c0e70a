//! The restore drill: a backup taken in the midst of load, the relay lost, another one from the backup, and the checker that judges
//! relays that are killed.

use crate::promises::{Record, Stage, users};
use crate::support::wire::message;
use crate::support::{Site, Wire, expect_text};
use impp::net::client::Delivery;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Arc;

/// A subscription of another domain, as its SUBSCRIBE would have left it.
const SUBSCRIPTION: &str = "INSERT INTO subscription (presentity, subscriber, connection, since, until, told)
    VALUES ('impp://demo.test/erin', 'impp://b.test/zoe', 'laptop', 1, 9000000000000, 1)";

#[test]
fn a_backup_taken_under_load_gives_a_relay_that_keeps_every_promise() {
    let mut site = Site::with("[interdomain]\nenabled = false\n", &users());
    let record = Arc::new(Record::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stage = Stage::new(&site, record.clone());
    let mut actors = runtime.block_on(async { stage.begin() });
    record.wait("much of everything", |record| record.has_seen_much(None) || record.is_broken());
    // While it runs it can be judged, too.
    site.administer(&["verify", site.path("data").to_str().unwrap()]);
    // Some of what waits then is asked for only when it comes out of the backup.
    let away = runtime.block_on(stage.keep_away());
    record.wait("mail that waits", |record| record.waiting() > 60 || record.is_broken());
    let before = record.mark();
    let backup = site.path("backup");
    site.administer(&["backup", backup.to_str().unwrap()]);
    record.wait("much after it", |record| record.has_seen_much(Some(&before)) || record.is_broken());
    site.kill();
    stage.wait_for_silence(&actors);
    assert!(!record.is_broken(), "{}", record.verdict());

    // Another folder, as on another machine.
    let config = fs::read_to_string(site.path("impp-relay.toml")).unwrap();
    site.write("impp-relay.toml", config.replace("data-dir = \"data\"", "data-dir = \"restored\""));
    site.administer(&["verify", backup.to_str().unwrap()]);
    site.administer(&["restore", backup.to_str().unwrap()]);
    site.administer(&["verify", site.path("restored").to_str().unwrap()]);
    record.restored(&before);
    assert!(record.waiting() > 60);
    site.start_again();
    drop(away);
    record.wait("much from the restored one", |record| record.has_seen_much(Some(&before)) || record.is_broken());
    runtime.block_on(stage.end(&mut actors));
    eprintln!("{}", record.figures());
    drop(actors);
    runtime.shutdown_background();
    // No session of theirs is left.
    assert!(site.stop());
    site.start_again();
    repeats_are_known(&site, &Record::answers(&before));
}

/// A sender that repeats what was acknowledged before the backup is answered as before, and nobody gets it again.
fn repeats_are_known(site: &Site, answers: &[(String, Delivery)]) {
    // From and to whom is in each id.
    let words = |id: &str, which: usize| id.trim_matches(['<', '>']).split(['.', '@']).nth(which).unwrap().to_owned();
    let all = |which: usize, connection: &str, hello: &str| -> HashMap<String, Wire> {
        let users: HashSet<String> = answers.iter().map(|(id, _)| words(id, which)).collect();
        users.into_iter().map(|user| (user.clone(), site.logged_in(&user, connection, hello))).collect()
    };
    let (mut senders, mut receivers) = (all(1, "repeats", ""), all(2, "listens", "Accept: messages\n"));
    let mut marker = site.logged_in("sender-0", "marks", "");
    let mut until_the = |mark: &str, left: bool| {
        for (to, wire) in &mut receivers {
            let id = format!("{mark}-{to}@demo.test");
            let headers = format!("Message-ID: <{id}>\nContent-Type: message/rfc822\n");
            marker.request("SEND", to, &headers, message("sender-0", to, &id, "a mark").as_bytes());
            loop {
                let frame = wire.frame();
                wire.accept(&frame);
                if frame.header("Message-ID") == Some(format!("<{id}>").as_str()) {
                    break;
                }
                assert!(left, "a repeat reached {to}: {frame:?}");
            }
        }
    };
    // What was taken after the backup had begun is offered again, and perhaps not yet.
    until_the("first", true);
    for (id, answer) in answers {
        let said = senders.get_mut(&words(id, 1)).unwrap().send_message(&words(id, 2), id.trim_matches(['<', '>']), "again");
        let expected = if *answer == Delivery::Stored { "stored" } else { "delivered" };
        assert_eq!(said.header("Delivery"), Some(expected), "{id}");
    }
    until_the("last", false);
}

#[test]
fn what_is_damaged_is_backed_up_with_a_word_and_not_put_back() {
    let mut site = Site::with("[interdomain]\nenabled = false\n", &["erin"]);
    Connection::open(site.path("data/store.db")).unwrap().execute_batch(SUBSCRIPTION).unwrap();
    let backup = site.path("backup");
    // Made by hand it has no checksum: the backup is made all the same, and says what it found.
    let made = expect_text(2, &mut site.relay_command(&["backup", backup.to_str().unwrap(), "--json"]), "");
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((made["faults"].as_u64(), made["accounts"].as_u64()), (Some(1), Some(1)), "{made}");
    site.kill();
    let config = fs::read_to_string(site.path("impp-relay.toml")).unwrap();
    site.write("impp-relay.toml", config.replace("data-dir = \"data\"", "data-dir = \"restored\""));
    // What is damaged is not put back without a word.
    expect_text(65, &mut site.relay_command(&["restore", backup.to_str().unwrap()]), "");
    assert!(!site.path("restored/store.db").exists());
}
