//! Somebody on the way, who writes down all octets, and changes one where the test says so.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy that listens along.
#[derive(Clone)]
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    /// What went to the relay and back, of each connection.
    talks: Vec<[Vec<u8>; 2]>,
    /// Whether the next octets that go this way are changed.
    forges: [bool; 2],
    forged: usize,
}

/// To the relay, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    There,
    Back,
}

impl Tap {
    /// On the way to this address.
    pub(crate) fn on(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tap = Self { address: listener.local_addr().unwrap(), heard: Arc::default() };
        let server = tap.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(relay) = TcpStream::connect(target) else { continue };
                let number = {
                    let mut heard = server.heard.lock().unwrap();
                    heard.talks.push([Vec::new(), Vec::new()]);
                    heard.talks.len() - 1
                };
                for (way, from, to) in [(Way::There, &client, &relay), (Way::Back, &relay, &client)] {
                    let (tap, from, to) = (server.clone(), from.try_clone().unwrap(), to.try_clone().unwrap());
                    let _ = to.set_nodelay(true);
                    std::thread::spawn(move || tap.pass(number, way, from, to));
                }
            }
        });
        tap
    }

    fn pass(&self, number: usize, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let mut some = [0; 16384];
        loop {
            let octets = from.read(&mut some).unwrap_or(0);
            {
                let mut heard = self.heard.lock().unwrap();
                heard.talks[number][way as usize].extend_from_slice(&some[..octets]);
                if octets > 0 && std::mem::take(&mut heard.forges[way as usize]) {
                    // The last octet: TLS's own lengths and kinds stay as they are.
                    some[octets - 1] ^= 1;
                    heard.forged += 1;
                }
            }
            if octets == 0 || to.write_all(&some[..octets]).is_err() {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    /// Changes one bit of what goes this way next.
    pub(crate) fn forge(&self, way: Way) {
        self.heard.lock().unwrap().forges[way as usize] = true;
    }

    /// How often something was changed.
    pub(crate) fn forged(&self) -> usize {
        self.heard.lock().unwrap().forged
    }

    /// What went this way so far, of each connection.
    pub(crate) fn heard(&self, way: Way) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().talks.iter().map(|talk| talk[way as usize].clone()).collect()
    }

    /// Whether these octets went either way in the clear.
    pub(crate) fn understood(&self, octets: &[u8]) -> bool {
        let heard = self.heard.lock().unwrap();
        heard.talks.iter().flatten().any(|talk| contains(talk, octets))
    }
}

/// Whether some octets are among others.
pub(crate) fn contains(all: &[u8], some: &[u8]) -> bool {
    memchr::memmem::find(all, some).is_some()
}
