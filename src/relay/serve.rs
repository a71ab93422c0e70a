//! A relay from its start to its end: store, rules, TLS and listeners put together.

use super::config::Config;
use super::control;
use super::crowd::Crowd;
use super::domains;
use super::drain::drain;
use super::health::Probe;
use super::http;
use super::http::Told;
use super::hub::Hub;
use super::limits;
use super::links;
use super::material::Material;
use super::material::MaterialError;
use super::material::neighbour_stamps;
use super::metrics::Scrape;
use super::neighbours::NeighboursError;
use super::office::Draining;
use super::office::LogLevel;
use super::office::Office;
use super::office::Order;
use super::ports::Ports;
use super::reload::InForce;
use super::reload::ReloadError;
use super::reload::Running;
use super::reload::doors;
use super::samples::Samples;
use super::sockets::Bound;
use super::sockets::SocketError;
use super::sockets::Sockets;
use crate::model::Domain;
use crate::net::Clock;
use crate::net::TlsFileError;
use crate::net::random;
use crate::service::Service;
use crate::service::store::StoreError;
use crate::service::store::StoreWrite;
use crate::store::DomainRecord;
use crate::store::OpenError;
use crate::store::Remember;
use crate::store::sqlite;
use crate::store::sqlite::Role;
use crate::store::thread::StoreThread;
use arc_swap::ArcSwap;
use core::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Orders that wait for each other.
const ORDERS: usize = 16;
/// Threads that read the store.
const READERS: usize = 2;
/// How often the files of certificates, keys, authorities and secrets are looked at.
const FILES_EVERY: Duration = Duration::from_secs(10);
/// How long connections may take to say good-bye when the relay stops: each BYE takes 2 s at most, and so does each
/// connection's last write.
const GOODBYE: Duration = Duration::from_secs(6);

/// Why a relay did not start, or did not go on.
#[derive(Debug)]
pub enum ServeError {
    /// The store's folder.
    Open(OpenError),
    /// The store's content.
    Store(StoreError),
    /// A certificate or key.
    Tls(TlsFileError),
    /// What other domains are told by.
    Neighbours(NeighboursError),
    /// A listening socket.
    Socket(SocketError),
    /// The socket for administrators' commands.
    Control {
        /// Where.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// No more threads.
    Threads(io::Error),
    /// A thread of the store died while the relay was running: what clients asked since can no longer be answered.
    StoreDied,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Neighbours(error) => error.fmt(f),
            Self::Socket(error) => error.fmt(f),
            Self::Control { path, error } => {
                let why = match error.kind() {
                    io::ErrorKind::AddrInUse => "another relay answers there".to_owned(),
                    io::ErrorKind::AlreadyExists => "something else has that name".to_owned(),
                    io::ErrorKind::InvalidInput => "the path is too long for a socket".to_owned(),
                    _ => error.to_string(),
                };
                write!(f, "cannot make the control socket {}: {why}; mend control in [listen]", path.display())
            }
            Self::Threads(error) => write!(f, "cannot start a thread: {error}"),
            Self::StoreDied => f.write_str("a thread of the store died; start the relay again, and report what it wrote before"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Hears what a relay is in the midst of.
pub type OnStage = Box<dyn Fn(Stage<'_>) + Send + Sync>;

/// What the relay is given by the process that it lives in.
pub struct Given<Ready, Stop> {
    /// Hears where the relay listens once every port accepts.
    pub ready: Ready,
    /// A value has everything read again.
    pub reread: watch::Receiver<()>,
    /// The relay runs until it is done.
    pub stop: Stop,
    /// How much is logged; `None`: that is no business of the relay's.
    pub log: Option<LogLevel>,
    /// Hears what the relay is in the midst of; `None`: nobody wants to.
    pub stage: Option<OnStage>,
}

/// What a relay that was ready is in the midst of.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// It reads everything again, and serves on meanwhile.
    Reloading,
    /// It has, and serves by this configuration: the new one, or the old one if that could not be.
    Serving(&'a Config),
    /// It lets nobody in any more, and ends when everybody has been sent away: soon, or in hours.
    Draining,
    /// It ends.
    Stopping,
}

/// Runs a relay on its sockets until it is told to stop.
///
/// On return every connection has been told BYE or given up, and the store is closed.
///
/// # Errors
/// What kept it from starting; or [`ServeError::StoreDied`], after the same good-bye.
pub async fn serve<Ready, Stop>(config: &Config, sockets: Sockets, given: Given<Ready, Stop>) -> Result<(), ServeError>
where
    Ready: FnOnce(&Bound),
    Stop: Future<Output = ()>,
{
    let Given { ready, reread, stop, log, stage } = given;
    let stage = stage.unwrap_or_else(|| Box::new(|_| ()));
    let seen = neighbour_stamps(config);
    let material = load(config).await?;
    let opened = open_store(config)?;
    let path = &config.listen.control;
    let door =
        control::open(path, config.listen.control_mode).map_err(|error| ServeError::Control { path: path.clone(), error })?;
    let (dials, dialled) = mpsc::unbounded_channel();
    let limits = Arc::new(limits::InForce::from_pointee(config.limits));
    let hub = Hub::new(opened.service, Arc::clone(&limits), dials, |complete| opened.start.run(complete))
        .map_err(ServeError::Threads)?;
    let live = Arc::new(ArcSwap::new(material.shared(config, &opened.domains, &hub)));
    let crowd = Crowd::new(limits);
    let mut ports = Ports::new(Arc::clone(&live), Arc::clone(&crowd));
    let http_bound = sockets.bound().http;
    let (open, watched) = sockets.into_open();
    ports.accept(Ports::listening(open).map_err(ServeError::Socket)?);

    let mut bound = ports.bound();
    bound.http = http_bound;
    bound.health = config
        .domains
        .first()
        .map(|domain| Probe::new(&hub, Arc::clone(&crowd), doors(&bound), domain.clone(), config.data_dir.clone()));
    let in_force = Arc::new(ArcSwap::from_pointee(InForce { config: config.clone(), bound: bound.clone() }));
    let (orders, ordered) = mpsc::channel(ORDERS);
    let office = Arc::new(Office {
        hub: Arc::clone(&hub),
        live: Arc::clone(&live),
        in_force: Arc::clone(&in_force),
        orders,
        probe: bound.health.clone(),
        log,
        started: Clock::now().unix,
        samples: Samples::default(),
    });
    let mut running = Running {
        hub: Arc::clone(&hub),
        live: Arc::clone(&live),
        in_force,
        records: opened.domains,
        material,
        seen,
        ports,
        probe: bound.health.clone(),
        request_prefix: opened.request_prefix,
    };
    let (say_stop, stopped) = watch::channel(false);
    let mut dialling = JoinSet::new();
    let scrape = Scrape::new(Arc::clone(&hub), Arc::clone(&live));
    dialling.spawn(links::run(Arc::clone(&hub), live, dialled, stopped));
    let mut chores = JoinSet::new();
    chores.spawn(control::serve(door, Arc::clone(&office)));
    if let (Some(listener), Some(probe)) = (watched, bound.health.clone()) {
        let listener = TcpListener::from_std(listener).map_err(ServeError::Threads)?;
        chores.spawn(http::serve(listener, Told { probe, scrape }));
    }
    let timekeeper = Arc::clone(&hub);
    chores.spawn(async move { timekeeper.keep_time().await });
    let waking = Arc::clone(&hub);
    chores.spawn(async move { waking.wake_in_time().await });
    let sampled = Arc::clone(&office);
    chores.spawn(async move { sampled.samples.take(&sampled.hub).await });
    // Whoever subscribes from another domain is told what is new though nobody connects here.
    hub.tell(|_, _| ());
    let http = bound.http.map(tracing::field::display);
    tracing::info!(plain = ?bound.plain, tls = ?bound.tls, http, "relay is ready");
    ready(&bound);
    let died = tokio::select! {
        () = stop => false,
        () = hub.store_died() => true,
        () = look_after(&mut running, ordered, reread, (&office, &*stage)) => false,
    };

    tracing::info!("relay stops");
    stage(Stage::Stopping);
    let _ = say_stop.send(true);
    running.ports.close_all();
    hub.close_all();
    let goodbye = async {
        running.ports.ended().await;
        while dialling.join_next().await.is_some() {}
    };
    if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
        tracing::warn!(connections = hub.connections(), "some connections did not end in time");
        running.ports.abort().await;
        dialling.shutdown().await;
    }
    // The store's threads finish what was given to them; that may take as long as the disk does.
    let _ = tokio::task::spawn_blocking(move || hub.store().stop()).await;
    // Last, so that whoever waits for the end at the control socket has waited for all of it.
    chores.shutdown().await;
    if died { Err(ServeError::StoreDied) } else { Ok(()) }
}

/// Changes what the relay runs on when somebody wants it, one thing at a time; done when everybody has been sent away.
async fn look_after(
    running: &mut Running,
    mut orders: mpsc::Receiver<Order>,
    mut reread: watch::Receiver<()>,
    told: (&Office, &(dyn Fn(Stage<'_>) + Send + Sync)),
) {
    let mut every = tokio::time::interval(FILES_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(order) = orders.recv() => match order {
                Order::Reload(answer) => {
                    let outcome = reload(running, told).await;
                    // Nobody waits any more if the administrator has gone.
                    let _ = answer.send(outcome);
                }
                Order::Drain(wish, answer) => {
                    running.ports.close_all();
                    let connections = running.hub.clients().len();
                    tracing::info!(connections, over_s = wish.over.as_secs(), deadline_s = wish.deadline.as_secs(), "relay drains");
                    let _ = answer.send(Draining { connections, already: false });
                    // Whoever hears it may be slow to listen; whoever asked does not wait for that.
                    told.1(Stage::Draining);
                    return tokio::select! {
                        () = drain(&running.hub, wish) => {}
                        () = refuse(orders) => {}
                    };
                }
            },
            Ok(()) = reread.changed() => {
                let _ = reload(running, told).await;
            }
            _ = every.tick() => running.look_at_files().await,
        }
    }
}

async fn reload(
    running: &mut Running,
    (office, stage): (&Office, &(dyn Fn(Stage<'_>) + Send + Sync)),
) -> Result<(), ReloadError> {
    stage(Stage::Reloading);
    let outcome = running.reload(office.log.as_ref()).await;
    if let Err(error) = &outcome {
        tracing::error!(%error, "the configuration was not reread; all stays as it was");
    }
    stage(Stage::Serving(&running.in_force.load().config));
    outcome
}

/// Nothing is changed any more by a relay that drains.
async fn refuse(mut orders: mpsc::Receiver<Order>) {
    loop {
        match orders.recv().await {
            Some(Order::Drain(_, answer)) => drop(answer.send(Draining { connections: 0, already: true })),
            // Dropped, which says that the relay ends.
            Some(Order::Reload(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Reads the files that the configuration names; hashing secrets takes a while.
async fn load(config: &Config) -> Result<Material, ServeError> {
    let config = config.clone();
    match tokio::task::spawn_blocking(move || Material::load(&config)).await {
        Ok(Ok(material)) => Ok(material),
        Ok(Err(MaterialError::Tls(error))) => Err(ServeError::Tls(error)),
        Ok(Err(MaterialError::Neighbours(error))) => Err(ServeError::Neighbours(error)),
        // The runtime is being torn down.
        Err(error) => Err(ServeError::Threads(error.into())),
    }
}

/// An opened store, taken apart for those who need its parts.
struct Opened {
    domains: Vec<DomainRecord>,
    service: Service,
    /// See [`crate::service::ServiceConfig::request_prefix`].
    request_prefix: String,
    start: Threads,
}

struct Threads {
    writer: sqlite::Writer,
    readers: Vec<sqlite::Reader>,
}

impl Threads {
    fn run(self, complete: Box<dyn Fn(Vec<crate::store::thread::Completion>) + Send + Sync>) -> io::Result<StoreThread> {
        let remember: Arc<dyn Remember> = match self.writer.recent() {
            Some(recent) => Arc::new(recent),
            // Only a store opened for an administrator has none.
            None => return Err(io::ErrorKind::Unsupported.into()),
        };
        StoreThread::start(self.writer, self.readers, remember, complete)
    }
}

fn open_store(config: &Config) -> Result<Opened, ServeError> {
    let now = Clock::now();
    let role = Role::Relay { remembered: config.limits.remembered_deliveries };
    let mut store = sqlite::open(&config.data_dir, role).map_err(ServeError::Open)?;
    let mut records = Vec::new();
    for name in &config.domains {
        records.push(store.writer.domain(&fresh_record(name, config)).map_err(ServeError::Store)?);
    }
    let start = store.writer.start(now.unix).map_err(ServeError::Store)?;
    let readers = (0..READERS).map(|_| store.readers.open()).collect::<Result<_, _>>().map_err(ServeError::Open)?;
    let request_prefix = random::request_prefix();
    let service = Service::new(domains::service_config(config, request_prefix.clone()), start, now);
    Ok(Opened { domains: records, service, request_prefix, start: Threads { writer: store.writer, readers } })
}

/// What a domain is given when the store meets it for the first time.
#[must_use]
pub fn fresh_record(name: &Domain, config: &Config) -> DomainRecord {
    DomainRecord { name: name.clone(), decoy_key: random::octets(), iterations: config.auth.scram_iterations }
}
