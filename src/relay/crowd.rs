//! How many connections there are, in all and from one place: an IPv4 address, or an IPv6 network of 64 bits.

use core::fmt;
use std::collections::HashMap;
use std::net::IpAddr;
use std::net::Ipv6Addr;
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
}

/// A counted connection; dropping it makes room.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    origin: IpAddr,
}

/// Which limit leaves no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Connections in all.
    All,
    /// Connections from this place.
    One,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "limits.connections",
            Self::One => "limits.connections-per-address",
        })
    }
}

impl Crowd {
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, counts: Mutex::default() })
    }

    /// Counts one more.
    ///
    /// # Errors
    /// The limit that leaves no room; then nothing is counted.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let origin = origin_of(peer);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.most {
            return Err(Full::All);
        }
        if counts.of.get(&origin).is_some_and(|count| *count >= self.most_of_one) {
            return Err(Full::One);
        }
        counts.all += 1;
        *counts.of.entry(origin).or_default() += 1;
        Ok(Place { crowd: Arc::clone(self), origin })
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

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_place_takes_no_more_than_its_share() {
        let crowd = Crowd::new(4, 2);
        let admit = |text| crowd.admit(ip(text)).map_err(|full| (text, full));
        let first = admit("192.0.2.1").unwrap();
        // The same machine, seen by a socket for both families.
        let _second = admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.1").err(), Some(("192.0.2.1", Full::One)));
        let _third = admit("2001:db8::1").unwrap();
        let fourth = admit("2001:db8::2").unwrap();
        assert_eq!(admit("192.0.2.9").err(), Some(("192.0.2.9", Full::All)));
        drop(fourth);
        let fourth = admit("2001:db8::ffff:0:0:3").unwrap();
        drop((first, fourth));
        assert_eq!(admit("192.0.2.1").err(), None);
        assert_eq!(admit("2001:db8:0:1::1").err(), None);
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let crowd = Crowd::new(8, 8);
        drop([crowd.admit(ip("192.0.2.1")), crowd.admit(ip("2001:db8::1"))]);
        let counts = crowd.counts.lock().unwrap();
        assert_eq!((counts.all, counts.of.len()), (0, 0));
    }
}
