//! All addresses of all candidates in order, starts staggered, until one is open in every respect (SPEC §2.3, RFC 8305).

use super::candidates::{Candidate, Candidates};
use super::error::{ConnectError, Helpful};
use super::lookup::{Known, Lookups, teller};
use super::{Limits, STAGGER, STAGGER_CONNECTED};
use crate::net::clock::Clock;
use crate::net::dns::Resolver;
use crate::net::tls::Reference;
use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// One address of one candidate.
#[derive(Clone, Debug)]
pub struct Place {
    /// The candidate.
    pub candidate: Candidate,
    /// The address.
    pub address: SocketAddr,
    /// What the server there has to prove.
    pub expected: Arc<Reference>,
}

/// What makes a connection of a stream: the TLS handshake, or everything up to it.
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
pub type Open<T, E> = Arc<dyn Fn(TcpStream, Place) -> Opening<T, E> + Send + Sync>;
type Opening<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Attempts at all places where a server may be.
///
/// [`Race::next`] gives a connection; whoever finds that it is of no use says so with [`Race::failed`] and asks for the
/// next. What was begun meanwhile goes on; dropping the race ends it.
pub struct Race<T, E> {
    domain: String,
    limits: Limits,
    open: Open<T, E>,
    slots: Vec<Slot>,
    known: mpsc::UnboundedReceiver<(usize, Known)>,
    connected: (mpsc::UnboundedSender<()>, mpsc::UnboundedReceiver<()>),
    /// Questions under way: their tasks end with the race.
    _lookups: JoinSet<()>,
    attempts: JoinSet<(usize, Place, Result<T, E>)>,
    begun: HashSet<(SocketAddr, Candidate)>,
    /// When the next attempt may start beside those under way.
    free_at: Instant,
    /// When a candidate whose addresses are not known yet is passed over.
    patient_until: Instant,
    /// The failure that helps most, and whose it was.
    fault: Option<(u8, usize, E)>,
}

/// What is known of one candidate.
struct Slot {
    candidate: Candidate,
    addresses: VecDeque<(SocketAddr, Arc<Reference>)>,
    pending: bool,
}

enum Turn {
    Start(usize, Place),
    Wait(Option<Instant>),
    Over,
}

impl<T, E> Race<T, E>
where
    T: Send + 'static,
    E: Helpful + Send + 'static,
{
    /// Begins to look up addresses. `resolver`: asked for what SRV records named, and for names that a person gave if
    /// `Some`; those are otherwise left to the system. `tlsa`: whether TLSA records have a say.
    pub fn new(candidates: Candidates, resolver: Option<Resolver>, tlsa: bool, limits: Limits, open: Open<T, E>) -> Self {
        let (tell, known) = mpsc::unbounded_channel();
        let lookups = Lookups { domain: candidates.domain.clone(), resolver, tlsa, limits };
        let mut tasks = JoinSet::new();
        let mut slots = Vec::new();
        for (number, candidate) in candidates.list.into_iter().enumerate() {
            tasks.spawn(lookups.clone().run(candidate.clone(), teller(number, tell.clone())));
            slots.push(Slot { candidate, addresses: VecDeque::new(), pending: true });
        }
        let now = Clock::instant();
        Self {
            domain: candidates.domain.shown(),
            limits,
            open,
            slots,
            known,
            connected: mpsc::unbounded_channel(),
            _lookups: tasks,
            attempts: JoinSet::new(),
            begun: HashSet::new(),
            free_at: now,
            patient_until: now.checked_add(STAGGER).unwrap_or(now),
            fault: None,
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// When nothing is left to try or the deadline has come: of all failures the one that helps most.
    pub async fn next(&mut self) -> Result<(Place, T), E> {
        let deadline = tokio::time::Instant::from_std(self.limits.deadline);
        if let Ok(Some(open)) = tokio::time::timeout_at(deadline, self.run()).await {
            return Ok(open);
        }
        if self.has_more() || self.fault.is_none() {
            self.note(usize::MAX, ConnectError::Timeout(self.domain.clone()).into());
        }
        let tried = self.begun.len();
        match self.fault.take() {
            Some((.., mut fault)) => {
                fault.set_tried(tried);
                Err(fault)
            }
            None => Err(ConnectError::Timeout(self.domain.clone()).into()),
        }
    }

    /// A connection that [`Race::next`] gave came to nothing after all.
    pub fn failed(&mut self, place: &Place, fault: E) {
        let number = self.slots.iter().position(|slot| slot.candidate == place.candidate);
        self.note(number.unwrap_or(usize::MAX), fault);
        self.free_at = Clock::instant();
    }

    /// Whether anything is left to be tried.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.attempts.is_empty() || self.slots.iter().any(|slot| slot.pending || !slot.addresses.is_empty())
    }

    async fn run(&mut self) -> Option<(Place, T)> {
        loop {
            let now = Clock::instant();
            let until = match self.turn(now) {
                Turn::Start(number, place) => {
                    self.start(number, place, now);
                    continue;
                }
                Turn::Over => return None,
                Turn::Wait(until) => until,
            };
            let alarm = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = alarm => {}
                news = self.known.recv(), if self.is_asking() => self.learn(news),
                Some(()) = self.connected.1.recv() => {
                    self.free_at = self.free_at.max(now.checked_add(STAGGER_CONNECTED).unwrap_or(now));
                }
                Some(done) = self.attempts.join_next() => match done {
                    Ok((_, place, Ok(open))) => return Some((place, open)),
                    Ok((number, _, Err(fault))) => {
                        self.note(number, fault);
                        self.free_at = Clock::instant();
                    }
                    // An attempt cannot panic, and nobody cancels it while we wait.
                    Err(_) => {}
                },
            }
        }
    }

    fn is_asking(&self) -> bool {
        self.slots.iter().any(|slot| slot.pending)
    }

    /// What is to be done now. A candidate whose addresses are not known yet holds the later ones up for a moment.
    fn turn(&mut self, now: Instant) -> Turn {
        let ready = self.slots.iter().position(|slot| !slot.addresses.is_empty());
        let Some(number) = ready else {
            return if self.attempts.is_empty() && !self.is_asking() { Turn::Over } else { Turn::Wait(None) };
        };
        let behind = self.slots.iter().take(number).any(|slot| slot.pending);
        let patience = if behind { self.patient_until } else { now };
        let stagger = if self.attempts.is_empty() { now } else { self.free_at };
        let start = patience.max(stagger);
        if start > now {
            return Turn::Wait(Some(start));
        }
        let next = self.slots.get_mut(number).and_then(|slot| {
            let (address, expected) = slot.addresses.pop_front()?;
            Some(Place { candidate: slot.candidate.clone(), address, expected })
        });
        next.map_or(Turn::Over, |place| Turn::Start(number, place))
    }

    fn start(&mut self, number: usize, place: Place, now: Instant) {
        // Records that say the same twice cost one attempt.
        if self.begun.insert((place.address, place.candidate.clone())) {
            let (open, connected) = (self.open.clone(), self.connected.0.clone());
            self.attempts.spawn(attempt(number, place, self.limits.attempt, open, connected));
            self.free_at = now.checked_add(STAGGER).unwrap_or(now);
        }
    }

    fn learn(&mut self, news: Option<(usize, Known)>) {
        let Some((number, known)) = news else { return };
        match known {
            Known::Addresses(found, expected) => {
                if let Some(slot) = self.slots.get_mut(number) {
                    slot.addresses.extend(found.into_iter().map(|address| (address, expected.clone())));
                }
            }
            Known::Useless(error) => self.note(number, error.into()),
            Known::Done => {
                if let Some(slot) = self.slots.get_mut(number) {
                    slot.pending = false;
                }
            }
        }
    }

    /// Keeps the failure that helps most; of equals that of the better candidate.
    fn note(&mut self, number: usize, fault: E) {
        let help = fault.help();
        if self.fault.as_ref().is_none_or(|(known, whose, _)| help > *known || (help == *known && number < *whose)) {
            self.fault = Some((help, number, fault));
        }
    }
}

#[allow(clippy::disallowed_types, reason = "sockets live in net")]
async fn attempt<T, E: Helpful>(
    number: usize,
    place: Place,
    limit: Duration,
    open: Open<T, E>,
    connected: mpsc::UnboundedSender<()>,
) -> (usize, Place, Result<T, E>) {
    let failed = |kind| {
        let (host, address) = (place.candidate.host.clone(), place.address);
        E::from(ConnectError::Failed { host, address, kind, tried: 1 })
    };
    let whole = async {
        let stream = connect(place.address).await.map_err(|error| failed(error.kind()))?;
        // Nobody listens any more once the race is over.
        let _ = connected.send(());
        open(stream, place.clone()).await
    };
    let outcome = tokio::time::timeout(limit, whole).await.unwrap_or_else(|_| Err(failed(io::ErrorKind::TimedOut)));
    (number, place, outcome)
}

/// Connects to one address.
///
/// # Errors
/// The system's.
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Small frames that wait for an answer must not wait for the one before (40 ms each).
    socket.set_nodelay(true)?;
    socket.connect(address).await
}
