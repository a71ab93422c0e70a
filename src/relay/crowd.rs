//! How many connections there are, in all and from one place: an IPv4 address, or an IPv6 network of 64 bits.

use crate::service::Limit;
use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Counts connections from their acceptance on, so that those which never finish a handshake count too.
pub(super) struct Crowd {
    most: usize,
    most_of_one: usize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    /// Only places with connections stand here, so that it never grows beyond `most`.
    of: HashMap<IpAddr, usize>,
    /// The other ends of connections that we make to ourselves: they are let in whatever the limits say.
    own: HashSet<SocketAddr>,
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
}

impl Crowd {
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, counts: Mutex::default() })
    }

    /// Counts one more.
    ///
    /// # Errors
    /// The limit that leaves no room; then nothing is counted.
    pub(super) fn admit(self: &Arc<Self>, peer: SocketAddr) -> Result<Place, Limit> {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let origin = origin_of(peer.ip());
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.own.contains(&peer);
        if counts.all >= self.most && !own {
            return Err(Limit::Connections);
        }
        if counts.of.get(&origin).is_some_and(|count| *count >= self.most_of_one) && !own {
            return Err(Limit::ConnectionsPerAddress);
        }
        counts.all += 1;
        *counts.of.entry(origin).or_default() += 1;
        Ok(Place { crowd: Arc::clone(self), origin })
    }

    /// Lets a connection from this end in, however many there are: it is our own.
    pub(super) fn expect(self: &Arc<Self>, own: SocketAddr) -> Expected {
        let own = SocketAddr::new(own.ip().to_canonical(), own.port());
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).own.insert(own);
        Expected { crowd: Arc::clone(self), own }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.crowd.counts.lock().unwrap_or_else(PoisonError::into_inner).own.remove(&self.own);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        if let Some(count) = counts.of.get_mut(&self.origin) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.of.remove(&self.origin);
            }
        }
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

    fn ip(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 4711)
    }

    #[test]
    fn one_place_takes_no_more_than_its_share() {
        let crowd = Crowd::new(4, 2);
        let admit = |text| crowd.admit(ip(text)).map_err(|full| (text, full));
        let first = admit("192.0.2.1").unwrap();
        // The same machine, seen by a socket for both families.
        let _second = admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.1").err(), Some(("192.0.2.1", Limit::ConnectionsPerAddress)));
        let _third = admit("2001:db8::1").unwrap();
        let fourth = admit("2001:db8::2").unwrap();
        assert_eq!(admit("192.0.2.9").err(), Some(("192.0.2.9", Limit::Connections)));
        drop(fourth);
        let fourth = admit("2001:db8::ffff:0:0:3").unwrap();
        drop((first, fourth));
        assert_eq!(admit("192.0.2.1").err(), None);
        assert_eq!(admit("2001:db8:0:1::1").err(), None);
    }

    #[test]
    fn our_own_connection_is_let_in() {
        let crowd = Crowd::new(1, 1);
        let _place = crowd.admit(ip("127.0.0.1")).unwrap();
        assert!(crowd.admit(ip("127.0.0.1")).is_err());
        let expected = crowd.expect(ip("127.0.0.1"));
        assert!(crowd.admit(SocketAddr::new("127.0.0.1".parse().unwrap(), 4712)).is_err());
        assert!(crowd.admit(ip("::ffff:127.0.0.1")).is_ok());
        drop(expected);
        assert!(crowd.admit(ip("127.0.0.1")).is_err());
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let crowd = Crowd::new(8, 8);
        drop([crowd.admit(ip("192.0.2.1")), crowd.admit(ip("2001:db8::1"))]);
        let counts = crowd.counts.lock().unwrap();
        assert_eq!((counts.all, counts.of.len()), (0, 0));
    }
}
