//! Somebody who uses the relay as it is meant, and looks at the clock.

use crate::figures::Round;
use crate::support::{Site, Wire};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a round begins with a login.
const LOGIN_EVERY: usize = 10;

/// Alice, who sends and fetches, and Bob, who reads and acknowledges at once.
pub(crate) struct Good {
    alice: Wire,
    number: usize,
    tls: SocketAddr,
    certificate: PathBuf,
}

impl Good {
    pub(crate) fn new(site: &Site) -> Self {
        let mut bob = site.logged_in("bob", "B", "Accept: messages\n");
        // Ends with the relay.
        std::thread::spawn(move || {
            while let Ok(frame) = bob.try_frame() {
                if !frame.start().starts_with("BYE") {
                    bob.accept(&frame);
                }
            }
        });
        let (tls, certificate) = (site.tls, site.path("cert.pem"));
        Self { alice: site.logged_in("alice", "A", ""), number: 0, tls, certificate }
    }

    /// A message that Bob gets, a look at his presence, and now and then a login. All of it has to succeed.
    pub(crate) fn round(&mut self) -> Round {
        self.number += 1;
        let begun = Instant::now();
        let answer = self.alice.send_message("bob", &format!("{}@x", self.number), "hello");
        let send = begun.elapsed();
        assert_eq!(answer.header("Delivery"), Some("delivered"), "{answer:?}");
        let begun = Instant::now();
        let answer = self.alice.ask("FETCH", "bob", "", b"");
        let fetch = begun.elapsed();
        assert!(answer.start().starts_with("OK"), "{answer:?}");
        let login = self.number.is_multiple_of(LOGIN_EVERY).then(|| self.login());
        Round { send, fetch, login }
    }

    fn login(&self) -> Duration {
        let begun = Instant::now();
        let mut wire = Wire::tls(self.tls, &self.certificate).login("alice", "L", "");
        let took = begun.elapsed();
        wire.say("BYE b impp/1.0\n\n");
        wire.frame();
        took
    }
}
