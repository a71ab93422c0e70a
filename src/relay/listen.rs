//! The listening sockets: accepts connections, does the first handshake, starts a session's task for each.

use super::crowd::Admitted;
use super::crowd::Crowd;
use super::material::Live;
use super::session;
use super::session::Accepted;
use super::session::Origin;
use super::session::Shared;
use crate::engine::TlsInfo;
use crate::net::Clock;
use crate::net::MaybeTls;
use crate::service::Limit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
#[allow(clippy::disallowed_types, reason = "this is where sockets of the relay come from")]
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Rest after a failed accept: out of descriptors is not mended by trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Whether TLS comes first on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// HELLO in the clear, STARTTLS perhaps.
    Plain,
    /// TLS from the first octet.
    Tls,
}

/// Accepts until `stop` changes, then waits for its sessions to end.
pub(super) async fn accept(listener: TcpListener, start: Start, live: Live, crowd: Arc<Crowd>, mut stop: watch::Receiver<bool>) {
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => match crowd.admit(Clock::instant(), peer) {
                Ok(Admitted { place, leave, in_place_of_another }) => {
                    let shared = live.load_full();
                    if in_place_of_another {
                        shared.hub.reached(Limit::Logins, &peer.ip().to_canonical());
                    }
                    match start {
                        Start::Plain => shared.hub.metrics().accepted_plain.up(),
                        Start::Tls => shared.hub.metrics().accepted_tls.up(),
                    }
                    sessions.spawn(async move {
                        tokio::select! {
                            () = greet(stream, Origin { peer, place }, start, shared) => {}
                            () = leave.told() => {}
                        }
                    });
                }
                // The connection is dropped at once: an answer would cost what the limit is to save.
                Err(full) => live.load().hub.reached(full, &peer.ip().to_canonical()),
            },
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

#[allow(clippy::disallowed_types, reason = "this is where sockets of the relay come from")]
async fn greet(stream: TcpStream, origin: Origin, start: Start, shared: Arc<Shared>) {
    // Frames are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let since = Clock::instant();
    // Boxed, so that a session does not keep the handshake's room for all its life.
    let Some((stream, tls)) = Box::pin(handshake(stream, origin.peer, start, &shared)).await else { return };
    session::run(shared, Accepted { stream, tls, origin, since }).await;
}

#[allow(clippy::disallowed_types, reason = "this is where sockets of the relay come from")]
async fn handshake(stream: TcpStream, peer: SocketAddr, start: Start, shared: &Shared) -> Option<(MaybeTls, Option<TlsInfo>)> {
    let Some(tls) = shared.tls.as_ref().filter(|_| start == Start::Tls) else {
        return (start == Start::Plain).then_some((MaybeTls::Plain(stream), None));
    };
    match tokio::time::timeout(shared.engine.auth_timeout, tls.accept(stream)).await {
        Ok(Ok((stream, info))) => Some((MaybeTls::Tls(Box::new(stream.into())), Some(info))),
        Ok(Err(error)) => {
            shared.hub.metrics().handshakes_failed.up();
            if let Some(unsaid) = shared.hub.may_say("handshake") {
                tracing::info!(%peer, %error, unsaid, "TLS handshake failed");
            }
            None
        }
        Err(_) => {
            shared.hub.metrics().handshakes_failed.up();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_size<A, B, C, D, F>(_: impl FnOnce(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand of them are idle at the same time.
    #[test]
    fn a_connection_that_waits_is_small() {
        let octets = future_size(greet);
        assert!(octets < 2048, "{octets}");
    }
}
