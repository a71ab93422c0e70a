//! Whether this relay does its work: its rules are free, its store writes and reads, its ports say HELLO; each within a deadline.

use super::crowd::Crowd;
use super::hub::Hub;
use crate::model::Address;
use crate::model::Domain;
use crate::net::Clock;
use crate::net::connect::TlsKind;
use crate::net::survey;
use crate::net::survey::HelloFault;
use crate::net::tls::ClientTls;
use crate::net::tls::Trust;
use crate::service::store::StoreError;
use crate::store::room;
use arc_swap::ArcSwap;
use core::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Time that each part has for its answer. Well below the time for which the store itself waits for a lock: whether a part is
/// silent or broken must not be a matter of which of the two ends first.
const PATIENCE: Duration = Duration::from_secs(3);
/// What was found is told again for so long: whoever asks often costs no more.
const FRESH: Duration = Duration::from_secs(1);

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Each part that was looked at.
    pub parts: Vec<Part>,
}

/// One part of the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// *Shape:* `rules`, `store-write`, `store-read`, `store-room`, `plain 127.0.0.1:5772`, `tls [::]:5773`
    pub name: String,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// How long it took to answer.
    pub took: Duration,
}

/// What is wrong with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It did not answer in time.
    Silent,
    /// It answered that it cannot.
    Broken(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("no answer in time"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

impl Health {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.parts.iter().all(|part| part.fault.is_none())
    }

    /// Whether every part answers, be it that it cannot. What does not answer is mended by a restart at most; a full disk, say,
    /// is not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.parts.iter().all(|part| part.fault != Some(Fault::Silent))
    }
}

/// Looks at a running relay. Cheap to clone; holds nothing of the relay's life.
#[derive(Clone)]
pub struct Probe(Arc<Inner>);

struct Inner {
    hub: std::sync::Weak<Hub>,
    /// Which a reload exchanges.
    place: ArcSwap<Place>,
    crowd: Arc<Crowd>,
    tls: Option<ClientTls>,
    data_dir: PathBuf,
    /// Held while somebody asks the rules, or the file system, perhaps for ever.
    asking: Arc<Mutex<()>>,
    measuring: Arc<Mutex<()>>,
    /// What was found last; held while somebody looks, so that two never look at the same time.
    found: Mutex<Option<(Instant, Health)>>,
}

/// Whether the store has written what it was given.
type Written = oneshot::Receiver<Result<(), StoreError>>;

/// Where it is looked.
#[derive(Debug)]
struct Place {
    doors: Vec<Door>,
    domain: Domain,
}

/// One listening socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    /// TLS from the first octet.
    pub(super) tls: bool,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("place", &self.0.place).finish_non_exhaustive()
    }
}

impl Probe {
    /// For a relay that serves this domain, among others, behind these doors.
    pub(super) fn new(hub: &Arc<Hub>, crowd: Arc<Crowd>, doors: Vec<Door>, domain: Domain, data_dir: PathBuf) -> Self {
        // Whether others may believe the certificate is another question: `check certs` has the answer.
        let tls = ClientTls::new(&Trust::Anyone, None).ok();
        let (asking, measuring, found) = (Arc::default(), Arc::default(), Mutex::new(None));
        let place = ArcSwap::from_pointee(Place { doors, domain });
        Self(Arc::new(Inner { hub: Arc::downgrade(hub), place, crowd, tls, data_dir, asking, measuring, found }))
    }

    /// From now on it is looked behind these doors, for this domain.
    pub(super) fn look_at(&self, doors: Vec<Door>, domain: Domain) {
        self.0.place.store(Arc::new(Place { doors, domain }));
    }

    /// Rules, store and ports: whether the relay can be of use to anybody. What was found within the last second is told again.
    pub async fn look(&self) -> Health {
        let mut found = self.0.found.lock().await;
        let fresh = found.as_ref().filter(|(at, _)| Clock::instant().saturating_duration_since(*at) < FRESH);
        if let Some((_, health)) = fresh {
            return health.clone();
        }
        let place = self.0.place.load_full();
        let mut knocking = JoinSet::new();
        for (number, door) in place.doors.iter().copied().enumerate() {
            let (probe, domain) = (self.clone(), place.domain.clone());
            knocking.spawn(async move { (number, probe.knock(door, &domain).await) });
        }
        // Side by side: whoever asks does not wait for one silence after the other.
        let (mut health, mut doors) = tokio::join!(self.inside(), knocking.join_all());
        doors.sort_unstable_by_key(|(number, _)| *number);
        health.parts.extend(doors.into_iter().map(|(_, part)| part));
        *found = Some((Clock::instant(), health.clone()));
        health
    }

    /// Rules and store alone: what a watchdog asks, whom a flood at the ports must not lead to a restart.
    pub async fn inside(&self) -> Health {
        let begun = Clock::instant();
        let part =
            |name: &str, fault| Part { name: name.to_owned(), fault, took: Clock::instant().saturating_duration_since(begun) };
        let Some(hub) = self.0.hub.upgrade() else {
            return Health { parts: vec![part("rules", Some(Fault::Broken("the relay has stopped".to_owned())))] };
        };
        let Some(written) = self.ask_rules(&hub).await else {
            return Health { parts: vec![part("rules", Some(Fault::Silent))] };
        };
        let rules = part("rules", None);
        let (answer, read) = oneshot::channel();
        hub.store().credentials(Address::of_domain(&self.0.place.load().domain), move |found| {
            // Nobody waits any more if it took too long.
            let _ = answer.send(found.map(drop));
        });
        let store = async |name, answer| part(name, store_fault(timeout(PATIENCE, answer).await.ok().and_then(Result::ok)));
        let room = async { part("store-room", self.room_fault(hub.limits().load().body).await) };
        let (write, read, room) = tokio::join!(store("store-write", written), store("store-read", read), room);
        Health { parts: vec![rules, write, read, room] }
    }

    /// Whether a body of this size has room on the disk. That something can be written is not enough: a page may take the place of an
    /// older one where nothing new has any.
    async fn room_fault(&self, body: u64) -> Option<Fault> {
        let data_dir = self.0.data_dir.clone();
        match alone(&self.0.measuring, move || room(&data_dir)).await {
            None => Some(Fault::Silent),
            Some(Err(error)) => Some(Fault::Broken(error.to_string())),
            Some(Ok(Some(octets))) if octets < body => {
                let left = octets >> 10;
                Some(Fault::Broken(format!("the disk is full: {left}K are left, less than one body of limits.body takes")))
            }
            Some(Ok(_)) => None,
        }
    }

    /// Has the rules give the store something to write; `None`: they are silent.
    async fn ask_rules(&self, hub: &Arc<Hub>) -> Option<Written> {
        let hub = Arc::clone(hub);
        alone(&self.0.asking, move || hub.write_nothing()).await
    }

    /// Comes in by a port as a client does, as far as HELLO.
    async fn knock(&self, door: Door, domain: &Domain) -> Part {
        let begun = Clock::instant();
        let kind = if door.tls { TlsKind::Require } else { TlsKind::Off };
        let name = format!("{} {}", if door.tls { "tls" } else { "plain" }, door.address);
        let part = |fault| Part { name, fault, took: Clock::instant().saturating_duration_since(begun) };
        let Some(tls) = &self.0.tls else {
            return part(Some(Fault::Broken("no TLS to look with".to_owned())));
        };
        // However many there are: it is not the limits that are looked at.
        let mut expected = None;
        let announce = |own| expected = Some(self.0.crowd.expect(own));
        let reference = domain.clone().into();
        let looking = survey::probe_own(door.address, announce, kind, &reference, tls, PATIENCE);
        let found = timeout(PATIENCE, looking).await;
        drop(expected);
        let Ok(found) = found else { return part(Some(Fault::Silent)) };
        part(match (found.tcp, found.tls, found.hello) {
            (_, _, Some(Ok(_))) => None,
            (Err(std::io::ErrorKind::TimedOut), ..) | (_, _, Some(Err(HelloFault::Timeout))) => Some(Fault::Silent),
            (_, _, Some(Err(fault))) => Some(Fault::Broken(fault.word().to_owned())),
            (_, Some(Err(error)), _) => Some(Fault::Broken(error.to_string())),
            (Err(error), ..) => Some(Fault::Broken(error.to_string())),
            (Ok(_), ..) => Some(Fault::Silent),
        })
    }
}

/// Has it answered on a thread of its own; `None`: not in time. A thread that waits for what never comes is lost; one, and no more.
/// Whoever comes meanwhile waits for that one: a look that is under way is no silence.
async fn alone<T: Send + 'static>(one: &Arc<Mutex<()>>, ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let asked = async {
        let turn = Arc::clone(one).lock_owned().await;
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask();
            drop(turn);
            answer
        });
        asked.await.ok()
    };
    timeout(PATIENCE, asked).await.ok().flatten()
}

/// `None`: nobody answered.
fn store_fault(answer: Option<Result<(), StoreError>>) -> Option<Fault> {
    match answer {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(Fault::Broken(error.to_string())),
        None => Some(Fault::Silent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::config::Config;
    use crate::relay::selfsigned::self_signed;
    use crate::relay::serve::Given;
    use crate::relay::serve::serve;
    use crate::relay::sockets::Bound;
    use crate::relay::sockets::Sockets;
    use std::fs;
    use tokio::sync::watch;

    #[tokio::test]
    async fn a_relay_is_well_while_it_runs_however_crowded_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let pair = self_signed(&[Domain::parse("example.org").unwrap()], Clock::now().unix).unwrap();
        fs::write(at("c.pem"), pair.certificate).unwrap();
        fs::write(at("k.pem"), pair.key.declassify()).unwrap();
        let text = "domains = [\"example.org\"]\ndata-dir = \"data\"\nlimits.connections = 1\ninterdomain.enabled = false\n\
                    listen.plain = [\"127.0.0.1:0\"]\nlisten.tls = [\"127.0.0.1:0\"]\n\
                    tls.certificate = \"c.pem\"\ntls.key = \"k.pem\"\n";
        let config = Config::parse(&at("impp-relay.toml"), text).unwrap();
        let (say, ready) = oneshot::channel();
        let (_reread, reread) = watch::channel(());
        let (stop, asked) = oneshot::channel::<()>();
        let relay = tokio::spawn(async move {
            let sockets = Sockets::open(&config, Vec::new()).unwrap();
            let ready = |bound: &Bound| say.send(bound.clone()).unwrap();
            serve(&config, sockets, Given { ready, reread, stop: async { drop(asked.await) }, log: None, stage: None }).await
        });
        let bound = ready.await.unwrap();
        let probe = bound.health.unwrap();
        // The one place there is.
        let _guest = crate::net::connect::race::connect(bound.plain[0]).await.unwrap();
        let health = probe.look().await;
        assert!(health.is_well(), "{health:?}");
        assert_eq!(health.parts.iter().filter(|part| part.name.contains("127.0.0.1")).count(), 2);
        assert_eq!(health.parts.len(), 6);
        // Told again, and not looked at again.
        assert_eq!(probe.look().await, health);
        // Somebody looks already: the rules are asked one after the other, and that is no silence.
        let under_way = probe.0.asking.lock().await;
        let over = async {
            tokio::task::yield_now().await;
            drop(under_way);
        };
        let (health, ()) = tokio::join!(probe.inside(), over);
        assert!(health.is_well(), "{health:?}");
        // Doors behind which nobody answers are tried side by side.
        let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let door = Door { address: deaf.local_addr().unwrap(), tls: false };
        probe.look_at(vec![door; 4], Domain::parse("example.org").unwrap());
        *probe.0.found.lock().await = None;
        let begun = Clock::instant();
        let health = probe.look().await;
        assert_eq!(health.parts.iter().filter(|part| part.fault == Some(Fault::Silent)).count(), 4, "{health:?}");
        assert!(begun.elapsed() < 3 * PATIENCE, "{:?}", begun.elapsed());
        stop.send(()).unwrap();
        relay.await.unwrap().unwrap();
        let stopped = probe.inside().await;
        assert!(!stopped.is_well() && stopped.is_alive(), "{stopped:?}");
    }
}
