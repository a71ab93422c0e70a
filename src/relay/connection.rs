//! What every connection of the relay is to the service, whoever opened it: a number, a queue, and an end that is always told.

use super::hub::Hub;
use super::outbox::Item;
use super::outbox::Login;
use super::outbox::Outbox;
use crate::engine::End;
use crate::net::Clock;
use crate::net::Drive;
use crate::net::Engine;
use crate::net::Step;
use crate::service::Closed;
use crate::service::ConnectionKey;
use crate::wire::Frame;
use crate::wire::Kind;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

/// A link is broken when what was sent over it does not arrive for so long. What it carried goes over the next one before
/// whoever asked is told that the other domain cannot be reached.
pub(super) const LINK_SILENCE: Duration = Duration::from_secs(20);

/// A connection while its task runs. Dropping it, by return or by panic, ends it for the service too.
pub(super) struct Connection {
    pub(super) hub: Arc<Hub>,
    pub(super) key: ConnectionKey,
    outbox: Arc<Outbox>,
    /// How it ends, if it ends now.
    pub(super) how: Closed,
    /// It took more than it may.
    pub(super) dismissed: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (key, how) = (self.key, self.how);
        self.hub.tell(|service, now| service.closed(now, key, how));
        self.hub.unregister(key);
    }
}

/// What a task has to see to.
#[allow(clippy::large_enum_variant, reason = "lives on the stack, for one step")]
pub(super) enum Next<Event> {
    /// The service has something for the peer.
    Items(VecDeque<Item>),
    /// The peer, or the time, has something for us.
    Step(Step<Event>),
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, peer: SocketAddr) -> Self {
        let (key, outbox) = hub.register(peer);
        Self { hub, key, outbox, how: Closed::Lost, dismissed: false }
    }

    /// The other end.
    pub(super) fn peer(&self) -> SocketAddr {
        self.outbox.peer()
    }

    /// It has logged in.
    pub(super) fn let_in(&self, tls: Option<&'static str>) {
        self.outbox.let_in(Login { since: Clock::now().unix, tls });
    }

    /// Waits for the peer, the time or the service, whichever comes first.
    pub(super) fn poll_next<E, S>(&self, cx: &mut Context<'_>, drive: &mut Drive<E, S>) -> Poll<Next<E::Event>>
    where
        E: Engine,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if let Poll::Ready(items) = self.outbox.poll_take(cx) {
            return Poll::Ready(Next::Items(items));
        }
        let step = drive.poll_step(cx);
        if self.outbox.hold(drive.held(), drive.far()) {
            self.hub.relieve();
        }
        step.map(Next::Step)
    }

    /// Requests and responses of the peer: one, and all that are ready behind it. Together they cost one turn at the service.
    pub(super) fn hand_in(&self, first: Frame, ready: impl FnMut() -> Option<Frame>) {
        self.hub.tell(|service, now| {
            for frame in std::iter::once(first).chain(std::iter::from_fn(ready)) {
                self.hub.count_received();
                if frame.kind() == Kind::Request {
                    self.hub.metrics().request(frame.method());
                    service.request(now, self.key, frame);
                } else {
                    service.response(now, self.key, frame);
                }
            }
        });
    }
}

/// Writes what is left, and waits for the peer where the last answer must not be reset away.
pub(super) async fn part<E, S>(mut drive: Drive<E, S>, end: End)
where
    E: Engine,
    S: AsyncRead + AsyncWrite + Unpin,
{
    if end.lingers() {
        drive.linger().await;
    } else {
        let _ = tokio::time::timeout(crate::net::LINGER, poll_fn(|cx| drive.poll_flush(cx))).await;
    }
}
