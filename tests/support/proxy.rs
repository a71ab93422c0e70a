//! A TCP proxy that behaves as badly as a network: it cuts, stalls and half-closes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// Stands between tools and a relay. Each accepted connection is passed on until the test interferes.
#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    target: Option<SocketAddr>,
    /// Both ends of the connections that stand.
    pairs: Vec<(TcpStream, TcpStream)>,
    /// Whether octets wait in the proxy.
    stalled: bool,
    /// Whether new connections are closed at once.
    refusing: bool,
    accepted: usize,
    /// How often octets came while they had to wait.
    waiting: usize,
    /// Who spoke, `C` or `S`, when it was not the one who spoke before.
    turns: String,
}

impl Proxy {
    /// A proxy to this address.
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { target: Some(target), ..State::default() };
        let proxy = Self { address, state: Arc::new((Mutex::new(state), Condvar::new())) };
        let server = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                server.take(client);
            }
        });
        proxy
    }

    fn take(&self, client: TcpStream) {
        let target = {
            let mut state = self.state.0.lock().unwrap();
            state.accepted += 1;
            self.state.1.notify_all();
            if state.refusing { None } else { state.target }
        };
        let Some(Ok(relay)) = target.map(TcpStream::connect) else { return };
        let _ = (client.set_nodelay(true), relay.set_nodelay(true));
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        self.state.0.lock().unwrap().pairs.push((clone(&client), clone(&relay)));
        for (who, from, to) in [('C', clone(&client), clone(&relay)), ('S', relay, client)] {
            let proxy = self.clone();
            std::thread::spawn(move || proxy.pump(who, from, to));
        }
    }

    fn pump(&self, who: char, mut from: TcpStream, mut to: TcpStream) {
        let mut some = [0; 16384];
        loop {
            let octets = from.read(&mut some).unwrap_or(0);
            let mut state = self.state.0.lock().unwrap();
            if state.stalled && octets > 0 {
                state.waiting += 1;
                self.state.1.notify_all();
            }
            state = self.state.1.wait_while(state, |state| state.stalled).unwrap();
            if octets > 0 && !state.turns.ends_with(who) {
                state.turns.push(who);
            }
            drop(state);
            if octets == 0 || to.write_all(&some[..octets]).is_err() {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    /// Ends every connection that stands, without a word to either side.
    pub fn cut(&self) {
        for (client, relay) in self.state.0.lock().unwrap().pairs.drain(..) {
            let _ = (client.shutdown(Shutdown::Both), relay.shutdown(Shutdown::Both));
        }
    }

    /// Tells the relay that the clients will send no more; its answers still come through.
    pub fn half_close(&self) {
        for (_, relay) in &self.state.0.lock().unwrap().pairs {
            let _ = relay.shutdown(Shutdown::Write);
        }
    }

    /// Passes nothing on until [`Self::resume`], and closes nothing.
    pub fn stall(&self) {
        self.change(|state| (state.stalled, state.waiting) = (true, 0));
    }

    /// Waits until octets have come that are not passed on.
    pub fn wait_for_stalled(&self) {
        let state = self.state.0.lock().unwrap();
        let (state, _) = self.state.1.wait_timeout_while(state, super::PATIENCE, |state| state.waiting == 0).unwrap();
        assert!(state.waiting > 0, "nothing came");
    }

    /// Passes on again.
    pub fn resume(&self) {
        self.change(|state| state.stalled = false);
    }

    /// Closes new connections as soon as they are made, or no longer.
    pub fn refuse(&self, refusing: bool) {
        self.change(|state| state.refusing = refusing);
    }

    /// Leads new connections elsewhere.
    pub fn lead_to(&self, target: SocketAddr) {
        self.change(|state| state.target = Some(target));
    }

    /// Waits until so many connections have been made, refused ones among them.
    pub fn wait_for_connections(&self, many: usize) {
        let state = self.state.0.lock().unwrap();
        let (state, _) = self.state.1.wait_timeout_while(state, super::PATIENCE, |state| state.accepted < many).unwrap();
        assert!(state.accepted >= many, "{} connections came, not {many}", state.accepted);
    }

    /// How many connections have been made.
    pub fn accepted(&self) -> usize {
        self.state.0.lock().unwrap().accepted
    }

    /// Who spoke in turn, over all connections: `CSCS`.
    pub fn turns(&self) -> String {
        self.state.0.lock().unwrap().turns.clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }
}
