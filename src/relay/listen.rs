//! The listening sockets: accepts connections, does the first handshake, starts a session's task for each.

use super::config::Start;
use super::crowd::Admitted;
use super::crowd::Crowd;
use super::crowd::Leave;
use super::material::Live;
use super::metrics::Ending;
use super::metrics::Outcome;
use super::session;
use super::session::Accepted;
use super::session::Begun;
use super::session::Origin;
use super::session::Shared;
use crate::net::Clock;
use crate::net::MaybeTls;
use crate::service::Limit;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
#[allow(clippy::disallowed_types, reason = "this is where sockets of the relay come from")]
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Rest after a failed accept: out of descriptors is not mended by trying at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
            Ok((stream, peer)) => {
                let shared = live.load_full();
                let who = peer.ip().to_canonical();
                match crowd.admit(Clock::instant(), peer) {
                    Ok(Admitted { place, leave, in_place_of_another }) => {
                        if in_place_of_another {
                            shared.hub.reached(Limit::Logins, &who);
                        }
                        match start {
                            Start::Plain => shared.hub.metrics().accepted_plain.up(),
                            Start::Tls => shared.hub.metrics().accepted_tls.up(),
                        }
                        let ending = Ending::of(&shared.hub);
                        sessions.spawn(serve(Box::pin(greet(stream, Origin { peer, place }, start, shared)), leave, ending));
                    }
                    // The connection is dropped at once: an answer would cost what the limit is to save.
                    Err(full) => {
                        shared.hub.reached(full, &who);
                        shared.hub.metrics().ended(Outcome::NotLetIn);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// One connection, until it ends or has to make room.
#[allow(clippy::manual_async_fn, reason = "an async fn keeps what it is given a second time")]
fn serve<Greeting>(greeting: Pin<Box<Greeting>>, leave: Leave, mut ending: Ending) -> impl Future<Output = ()>
where
    Greeting: Future<Output = Result<Begun, Outcome>>,
{
    async move {
        tokio::select! {
            () = session::run(greeting, &mut ending) => {}
            () = leave.told() => ending.is(Outcome::MadeRoom),
        }
    }
}

/// The handshake, where one comes first.
#[allow(clippy::disallowed_types, reason = "this is where sockets of the relay come from")]
async fn greet(stream: TcpStream, origin: Origin, start: Start, shared: Arc<Shared>) -> Result<Begun, Outcome> {
    // Frames are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let since = Clock::instant();
    let (stream, tls) = match start {
        Start::Plain => (MaybeTls::Plain(stream), None),
        Start::Tls => {
            let until = (since + shared.engine.auth_timeout).into();
            let (stream, tls) = shared.shake_hands(stream, origin.peer, until).await?;
            (stream, Some(tls))
        }
    };
    Ok(session::begin(shared, Accepted { stream, tls, origin, since }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future_size<A, B, C, F>(_: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand of them are idle at the same time. With what tokio adds this is 768 octets, and it rounds up to whole 128.
    #[test]
    fn a_connection_that_waits_is_small() {
        let octets = future_size(serve::<std::future::Ready<_>>);
        assert!(octets <= 664, "{octets}");
    }
}
