//! What the relay tells its service manager, and that a relay that hangs tells nothing.

use super::support::{PATIENCE, Site};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

/// The manager's end of the notification socket.
struct Ear(UnixDatagram);

impl Ear {
    fn of(site: &Site) -> Self {
        let socket = UnixDatagram::bind(site.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    fn hear(&self) -> Vec<String> {
        self.try_hear().expect("the relay says something")
    }

    /// `None`: nothing was said in time.
    fn try_hear(&self) -> Option<Vec<String>> {
        let mut octets = [0; 4096];
        let length = self.0.recv(&mut octets).ok()?;
        Some(String::from_utf8_lossy(&octets[..length]).lines().map(str::to_owned).collect())
    }

    /// Everything that was said and not heard is forgotten.
    fn forget(&self) {
        self.0.set_nonblocking(true).unwrap();
        while self.try_hear().is_some() {}
        self.0.set_nonblocking(false).unwrap();
    }
}

fn serve(site: &Site, watchdog: Option<Duration>) -> Command {
    let mut command = site.relay_command(&["serve"]);
    command.env("NOTIFY_SOCKET", site.path("notify"));
    if let Some(time) = watchdog {
        command.env("WATCHDOG_USEC", time.as_micros().to_string());
    }
    command
}

#[test]
fn it_says_when_it_is_ready_alive_and_ending() {
    let mut site = Site::prepared("", &["alice"]);
    let ear = Ear::of(&site);
    site.start_as(serve(&site, Some(Duration::from_millis(400))));
    assert_eq!(ear.hear(), ["READY=1", "STATUS=Serving demo.test"]);
    for _ in 0..3 {
        assert_eq!(ear.hear(), ["WATCHDOG=1", "STATUS=Serving demo.test"]);
    }
    // A reload has its begin and its end, whether it changes anything or not, and its end says what is served from now on.
    let next = || loop {
        let heard = ear.hear();
        if heard[0] != "WATCHDOG=1" {
            break heard;
        }
    };
    let file = site.path("impp-relay.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let two = text.replace("[\"demo.test\"]", "[\"demo.test\", \"second.test\"]");
    for (text, served) in [(two.as_str(), "demo.test and 1 more"), ("domains = 1\n", "demo.test and 1 more")] {
        std::fs::write(&file, text).unwrap();
        super::support::tool::signal(site.pid(), "HUP");
        let begun = next();
        assert_eq!((begun.len(), begun[0].as_str()), (2, "RELOADING=1"), "{begun:?}");
        assert!(begun[1].strip_prefix("MONOTONIC_USEC=").is_some_and(|time| time.parse::<u64>().unwrap() > 0), "{begun:?}");
        assert_eq!(next(), ["READY=1".to_owned(), format!("STATUS=Serving {served}")]);
    }
    std::fs::write(&file, two).unwrap();
    let stopped = std::thread::scope(|scope| {
        let stopping = scope.spawn(|| site.stop());
        let mut last = Vec::new();
        while last.first().is_none_or(|line: &String| line != "STOPPING=1") {
            last = ear.hear();
        }
        assert_eq!(last, ["STOPPING=1", "STATUS=Saying good-bye"]);
        stopping.join().unwrap()
    });
    assert!(stopped);
}

/// Told to drain by a command rather than by the service manager: the signs of life that go on do not say that it serves. Nor is it
/// said that it stops before it does: a service manager kills what stops for longer than a minute, and a drain may take a day.
#[test]
fn a_drain_is_shown_and_its_end_said() {
    let mut site = Site::prepared("", &["alice"]);
    let ear = Ear::of(&site);
    site.start_as(serve(&site, Some(Duration::from_millis(40))));
    // Reads nothing and answers nothing, so that the drain lasts some seconds.
    let deaf = site.logged_in("alice", "deaf", "");
    site.administer(&["drain", "--over", "0s", "--deadline", "1h"]);
    while ear.hear() != ["STATUS=Sending everybody away"] {}
    for _ in 0..3 {
        assert_eq!(ear.hear(), ["WATCHDOG=1", "STATUS=Sending everybody away"]);
    }
    drop(deaf);
    while ear.hear() != ["STOPPING=1", "STATUS=Saying good-bye"] {}
    ear.0.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| site.stopped());
        loop {
            let ended = stopping.is_finished();
            match ear.try_hear() {
                Some(heard) => assert_eq!(heard, ["WATCHDOG=1", "STATUS=Saying good-bye"]),
                None if ended => break,
                None => {}
            }
        }
        assert!(stopping.join().unwrap());
    });
}

/// The lock on the database is taken away from it: its writer waits, and though every other thread of it is well, it says no
/// more that it lives.
#[test]
fn a_relay_whose_store_hangs_is_not_alive() {
    let mut site = Site::prepared("", &["alice"]);
    let ear = Ear::of(&site);
    let every = Duration::from_millis(20);
    site.start_as(serve(&site, Some(every * 2)));
    while ear.hear().first().is_none_or(|line| line != "WATCHDOG=1") {}
    let hold = rusqlite::Connection::open(site.path("data/store.db")).unwrap();
    hold.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // What was said before does not count: so much waits to be heard as the system lets wait.
    ear.forget();
    let mut signs = 0;
    let told = loop {
        match &ear.hear()[..] {
            [alive, _] if alive == "WATCHDOG=1" => signs += 1,
            [status] => break status.clone(),
            other => panic!("{other:?}"),
        }
        assert!(signs < 3, "it goes on saying that it lives");
    };
    assert_eq!(told, "STATUS=Serving demo.test; store-write: no answer in time");
    site.log().wait_for("parts of the relay do not answer; store-write: no answer in time");
    hold.execute_batch("ROLLBACK").unwrap();
    while ear.hear()[0] != "WATCHDOG=1" {}
}
