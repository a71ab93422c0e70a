//! How many connections there are: in all, from one place (an IPv4 address, or an IPv6 network of 64 bits), and such that have
//! not logged in.

use super::limits::InForce;
use crate::service::Limit;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::future::poll_fn;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::oneshot;

/// Whoever has not logged in by then has to make room for others: it takes a client a few round trips.
const DAWDLES: Duration = Duration::from_secs(5);

/// Counts connections from their acceptance on, so that those which never finish a handshake count too.
pub(super) struct Crowd {
    limits: Arc<InForce>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    /// Only places with connections stand here, so that it never grows beyond their number.
    of: HashMap<IpAddr, usize>,
    /// Those that have not logged in, of each place, oldest first.
    strangers: HashMap<IpAddr, BTreeMap<u64, Stranger>>,
    stranger_count: usize,
    next: u64,
    /// The other ends of connections that we make to ourselves: they are let in whatever the limits say.
    own: HashSet<SocketAddr>,
}

struct Stranger {
    since: Instant,
    /// Tells it to go.
    go: oneshot::Sender<()>,
}

/// A connection of our own that is to come; dropping it means that it is none any more.
pub(super) struct Expected {
    crowd: Arc<Crowd>,
    own: SocketAddr,
}

/// A counted connection; dropping it makes room.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    origin: IpAddr,
    number: u64,
}

/// A connection that was let in.
pub(super) struct Admitted {
    pub(super) place: Place,
    /// Done when it has to make room for another, which happens only before [`Place::welcome`].
    pub(super) leave: Leave,
    /// Another had to.
    pub(super) in_place_of_another: bool,
}

/// Done when a connection has to make room.
pub(super) struct Leave(Option<oneshot::Receiver<()>>);

impl Leave {
    /// Never done if it does not have to.
    pub(super) fn told(mut self) -> impl Future<Output = ()> {
        // As small as can be: it waits for as long as the connection lives.
        poll_fn(move |cx| match &mut self.0 {
            Some(told) => match ready!(Pin::new(told).poll(cx)) {
                Ok(()) => Poll::Ready(()),
                // The other end is dropped when it need no longer leave.
                Err(_) => {
                    self.0 = None;
                    Poll::Pending
                }
            },
            None => Poll::Pending,
        })
    }
}

impl Crowd {
    pub(super) fn new(limits: Arc<InForce>) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// Counts one more.
    ///
    /// # Errors
    /// The limit that leaves no room; then nothing is counted.
    pub(super) fn admit(self: &Arc<Self>, now: Instant, peer: SocketAddr) -> Result<Admitted, Limit> {
        let limits = self.limits.load();
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let origin = origin_of(peer.ip());
        let mut counts = self.lock();
        let own = counts.own.contains(&peer);
        if counts.all >= limits.connections && !own {
            return Err(Limit::Connections);
        }
        if counts.of.get(&origin).is_some_and(|count| *count >= limits.connections_per_address) && !own {
            return Err(Limit::ConnectionsPerAddress);
        }
        counts.next += 1;
        let number = counts.next;
        let (mut leave, mut in_place_of_another) = (None, false);
        if !own {
            if counts.stranger_count >= limits.logins {
                let victim = counts.victim(now, origin).ok_or(Limit::Logins)?;
                counts.part(victim.0, victim.1).map(|stranger| stranger.go.send(()));
                in_place_of_another = true;
            }
            let (go, told) = oneshot::channel();
            counts.strangers.entry(origin).or_default().insert(number, Stranger { since: now, go });
            counts.stranger_count += 1;
            leave = Some(told);
        }
        counts.all += 1;
        *counts.of.entry(origin).or_default() += 1;
        Ok(Admitted { place: Place { crowd: Arc::clone(self), origin, number }, leave: Leave(leave), in_place_of_another })
    }

    /// Lets a connection from this end in, however many there are: it is our own.
    pub(super) fn expect(self: &Arc<Self>, own: SocketAddr) -> Expected {
        let own = SocketAddr::new(own.ip().to_canonical(), own.port());
        self.lock().own.insert(own);
        Expected { crowd: Arc::clone(self), own }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Who makes room for one more from this place: the oldest of the place that has most, if that has more than this one would
    /// then; else the oldest of all, if it dawdles; else nobody, and the new one has to come again. So those who come in numbers
    /// push out each other, and a crowd of honest clients is served in its order.
    fn victim(&self, now: Instant, origin: IpAddr) -> Option<(IpAddr, u64)> {
        let own = self.strangers.get(&origin).map_or(0, BTreeMap::len) + 1;
        let (place, most) = self.strangers.iter().max_by_key(|(_, strangers)| strangers.len())?;
        if most.len() > own {
            return most.keys().next().map(|number| (*place, *number));
        }
        let oldest = self.strangers.iter().filter_map(|(place, strangers)| {
            let (number, stranger) = strangers.first_key_value()?;
            Some((*number, *place, stranger.since))
        });
        let (number, place, since) = oldest.min_by_key(|(number, ..)| *number)?;
        (now.saturating_duration_since(since) >= DAWDLES).then_some((place, number))
    }

    /// One is no stranger any more, or gone.
    fn part(&mut self, origin: IpAddr, number: u64) -> Option<Stranger> {
        let strangers = self.strangers.get_mut(&origin)?;
        let gone = strangers.remove(&number)?;
        self.stranger_count -= 1;
        if strangers.is_empty() {
            self.strangers.remove(&origin);
        }
        Some(gone)
    }
}

impl Place {
    /// It has logged in.
    pub(super) fn welcome(&self) {
        drop(self.crowd.lock().part(self.origin, self.number));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock();
        drop(counts.part(self.origin, self.number));
        counts.all = counts.all.saturating_sub(1);
        if let Some(count) = counts.of.get_mut(&self.origin) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.of.remove(&self.origin);
            }
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.crowd.lock().own.remove(&self.own);
    }
}

/// What counts as one place: whoever has one IPv6 address has 2^64 of them.
pub(super) fn origin_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Clock;
    use crate::relay::limits::testing;

    fn crowd(all: usize, of_one: usize, logins: usize) -> Arc<Crowd> {
        Crowd::new(testing(|limits| {
            (limits.connections, limits.connections_per_address, limits.logins) = (all, of_one, logins);
        }))
    }

    fn at(text: &str, port: u16) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), port)
    }

    fn admit(crowd: &Arc<Crowd>, text: &str) -> Result<Place, Limit> {
        crowd.admit(Clock::instant(), at(text, 4711)).map(|admitted| admitted.place)
    }

    #[test]
    fn one_place_takes_no_more_than_its_share() {
        let crowd = crowd(4, 2, 100);
        let first = admit(&crowd, "192.0.2.1").unwrap();
        // The same machine, seen by a socket for both families.
        let _second = admit(&crowd, "::ffff:192.0.2.1").unwrap();
        assert_eq!(admit(&crowd, "192.0.2.1").err(), Some(Limit::ConnectionsPerAddress));
        let _third = admit(&crowd, "2001:db8::1").unwrap();
        let fourth = admit(&crowd, "2001:db8::2").unwrap();
        assert_eq!(admit(&crowd, "192.0.2.9").err(), Some(Limit::Connections));
        drop(fourth);
        let fourth = admit(&crowd, "2001:db8::ffff:0:0:3").unwrap();
        drop((first, fourth));
        assert_eq!(admit(&crowd, "192.0.2.1").err(), None);
        assert_eq!(admit(&crowd, "2001:db8:0:1::1").err(), None);
    }

    #[test]
    fn our_own_connection_is_let_in() {
        let crowd = crowd(1, 1, 1);
        let _place = admit(&crowd, "127.0.0.1").unwrap();
        assert!(admit(&crowd, "127.0.0.1").is_err());
        let expected = crowd.expect(at("127.0.0.1", 4711));
        assert!(crowd.admit(Clock::instant(), at("127.0.0.1", 4712)).is_err());
        assert!(admit(&crowd, "::ffff:127.0.0.1").is_ok());
        drop(expected);
        assert!(admit(&crowd, "127.0.0.1").is_err());
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let crowd = crowd(8, 8, 8);
        let welcome = admit(&crowd, "192.0.2.1").unwrap();
        welcome.welcome();
        drop([Ok(welcome), admit(&crowd, "192.0.2.1"), admit(&crowd, "2001:db8::1")]);
        let counts = crowd.lock();
        assert_eq!((counts.all, counts.of.len(), counts.strangers.len(), counts.stranger_count), (0, 0, 0, 0));
    }

    #[tokio::test]
    async fn strangers_make_room_for_others() {
        let (crowd, now) = (crowd(100, 100, 3), Clock::instant());
        let enter = |seconds, text| crowd.admit(now + Duration::from_secs(seconds), at(text, 1));
        let crowded: Vec<_> = (0..3).map(|_| enter(0, "192.0.2.1").unwrap()).collect();
        // Its own kind does not help.
        assert_eq!(enter(0, "192.0.2.1").err(), Some(Limit::Logins));
        // Somebody else does not suffer for it: the oldest of the many goes.
        let other = enter(0, "192.0.2.2").unwrap();
        assert!(other.in_place_of_another);
        let mut crowded = crowded.into_iter();
        let gone = crowded.next().unwrap();
        gone.leave.told().await;
        drop(gone.place);
        // Two of the one, one of the other: a third from a third place pushes out one of the two, and then all are equal.
        let third = enter(0, "192.0.2.3").unwrap();
        crowded.next().unwrap().leave.told().await;
        assert_eq!(enter(1, "192.0.2.4").err(), Some(Limit::Logins));
        // But who dawdles has had its time.
        let fourth = enter(6, "192.0.2.4").unwrap();
        crowded.next().unwrap().leave.told().await;
        // Who has logged in is safe, and leaves room.
        fourth.place.welcome();
        assert!(!enter(6, "192.0.2.5").unwrap().in_place_of_another);
        drop((other, third));
    }
}
