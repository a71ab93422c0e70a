//! The ports that a running relay accepts on: opened and closed one by one, while the sessions behind them go on.

use super::config::Config;
use super::config::Start;
use super::crowd::Crowd;
use super::listen;
use super::material::Live;
use super::sockets;
use super::sockets::Bound;
use super::sockets::Opened;
use super::sockets::SocketError;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// All of them, with the tasks of their sessions.
pub(super) struct Ports {
    live: Live,
    crowd: Arc<Crowd>,
    open: Vec<Port>,
    tasks: JoinSet<()>,
}

struct Port {
    start: Start,
    /// As the configuration names it; `None`: the service manager decided.
    wanted: Option<SocketAddr>,
    address: SocketAddr,
    close: watch::Sender<bool>,
}

/// Sockets that are open and on which nobody accepts yet. Dropping them closes them.
pub(super) struct Fresh(Vec<(Opened, TcpListener)>);

impl Ports {
    pub(super) fn new(live: Live, crowd: Arc<Crowd>) -> Self {
        Self { live, crowd, open: Vec::new(), tasks: JoinSet::new() }
    }

    /// Opens what this configuration names and is not open.
    ///
    /// # Errors
    /// [`SocketError`]; then nothing is open that was not before.
    pub(super) fn missing(&self, config: &Config) -> Result<Fresh, SocketError> {
        let passed = |start| self.open.iter().any(|port| port.start == start && port.wanted.is_none());
        let mut fresh = Vec::new();
        for (start, addresses) in config.listen.ports() {
            if passed(start) {
                continue;
            }
            let mut open: Vec<&Port> = self.open.iter().collect();
            for &address in addresses {
                if let Some(at) = open.iter().position(|port| port.is(start, address)) {
                    open.swap_remove(at);
                    continue;
                }
                let opened = sockets::open(start, address).map_err(|error| self.explain(error))?;
                fresh.push(opened);
            }
        }
        if passed(Start::Tls) && !config.tls.has_certificate() {
            let address = self.open.iter().find(|port| port.start == Start::Tls).map(|port| port.address);
            return Err(SocketError::NoCertificate { address: address.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))) });
        }
        Self::listening(fresh)
    }

    /// Takes sockets that were opened before.
    ///
    /// # Errors
    /// The runtime does not take one.
    pub(super) fn listening(opened: Vec<Opened>) -> Result<Fresh, SocketError> {
        let listener = |mut opened: Opened| {
            let address = opened.address;
            let listener = opened.listener.take().ok_or(std::io::ErrorKind::NotConnected.into());
            let listener = listener.and_then(TcpListener::from_std).map_err(|error| SocketError::Bind { address, error })?;
            Ok((opened, listener))
        };
        opened.into_iter().map(listener).collect::<Result<_, _>>().map(Fresh)
    }

    /// Accepts on these too.
    pub(super) fn accept(&mut self, fresh: Fresh) {
        for (opened, listener) in fresh.0 {
            let (close, closed) = watch::channel(false);
            let (live, crowd) = (Arc::clone(&self.live), Arc::clone(&self.crowd));
            self.tasks.spawn(listen::accept(listener, opened.start, live, crowd, closed));
            self.open.push(Port { start: opened.start, wanted: opened.wanted, address: opened.address, close });
        }
    }

    /// Closes what this configuration does not name any more. Sessions go on.
    pub(super) fn close_others(&mut self, config: &Config) {
        let ports = config.listen.ports().into_iter();
        let mut named: Vec<(Start, SocketAddr)> =
            ports.flat_map(|(start, all)| all.iter().map(move |address| (start, *address))).collect();
        self.open.retain(|port| {
            if port.wanted.is_none() {
                return true;
            }
            if let Some(at) = named.iter().position(|(start, address)| port.is(*start, *address)) {
                named.swap_remove(at);
                return true;
            }
            tracing::info!(address = %port.address, "port closed");
            let _ = port.close.send(true);
            false
        });
    }

    /// Accepts nobody any more. Sessions go on.
    pub(super) fn close_all(&mut self) {
        for port in self.open.drain(..) {
            let _ = port.close.send(true);
        }
    }

    /// Where the relay listens.
    pub(super) fn bound(&self) -> Bound {
        let of = |start| self.open.iter().filter(move |port| port.start == start).map(|port| port.address).collect();
        Bound { plain: of(Start::Plain), tls: of(Start::Tls), ..Bound::default() }
    }

    /// Waits until all sessions have ended, those behind closed ports too.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends the sessions that are left.
    pub(super) async fn abort(&mut self) {
        self.tasks.shutdown().await;
    }

    /// An address in use may be in use by ourselves: `0.0.0.0` cannot be opened while `127.0.0.1` is.
    fn explain(&self, error: SocketError) -> SocketError {
        match error {
            SocketError::Bind { address, error } if error.kind() == std::io::ErrorKind::AddrInUse => {
                let ours = self.open.iter().map(|port| port.address).find(|open| open.port() == address.port());
                match ours {
                    Some(open) => SocketError::Overlaps { address, open },
                    None => SocketError::Bind { address, error },
                }
            }
            error => error,
        }
    }
}

impl Port {
    /// Whether this is what the configuration names so: with port 0, or with the one that the system chose for it.
    fn is(&self, start: Start, address: SocketAddr) -> bool {
        self.start == start && self.wanted.is_some_and(|wanted| wanted == address || self.address == address)
    }
}
