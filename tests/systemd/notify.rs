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
        let mut octets = [0; 4096];
        let length = self.0.recv(&mut octets).expect("the relay says something");
        String::from_utf8_lossy(&octets[..length]).lines().map(str::to_owned).collect()
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
    let mut alive = "WATCHDOG=1".to_owned();
    let mut heard = ear.hear();
    // The first sign of life may overtake the good news.
    while heard.first().is_some_and(|line| *line == alive) {
        heard = ear.hear();
    }
    assert_eq!(heard, ["READY=1", "STATUS=Serving demo.test"]);
    let _held = site.wire();
    for connections in ["0", "1"] {
        while alive != format!("STATUS=Serving demo.test; connections: {connections}") {
            let lines = ear.hear();
            assert_eq!((lines.len(), lines[0].as_str()), (2, "WATCHDOG=1"), "{lines:?}");
            alive.clone_from(&lines[1]);
            if connections == "0" {
                break;
            }
        }
    }
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
    // What was under way when the lock was taken may still come.
    ear.0.set_read_timeout(Some(every * 25)).unwrap();
    let mut octets = [0; 4096];
    let mut late = 0;
    while ear.0.recv(&mut octets).is_ok() {
        late += 1;
        assert!(late < 5, "it goes on saying that it lives");
    }
    hold.execute_batch("ROLLBACK").unwrap();
    ear.0.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(ear.hear()[0], "WATCHDOG=1", "it lives again");
}
