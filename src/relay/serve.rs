//! A relay from its start to its end: store, rules, TLS and listeners put together.

use super::config::Config;
use super::control;
use super::crowd::Crowd;
use super::domains;
use super::health::Door;
use super::health::Probe;
use super::http;
use super::http::Told;
use super::hub::Hub;
use super::limits::InForce;
use super::links;
use super::listen;
use super::metrics::Scrape;
use super::neighbours::Neighbours;
use super::neighbours::NeighboursError;
use super::session::Shared;
use super::sockets::Bound;
use super::sockets::Sockets;
use crate::model::Domain;
use crate::net::Clock;
use crate::net::Reload;
use crate::net::ServerTls;
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

/// Threads that read the store.
const READERS: usize = 2;
/// How often the certificate files are looked at.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(10);
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

/// What the relay is given by the process that it lives in.
pub struct Given<Ready, Stop> {
    /// Hears where the relay listens once every port accepts.
    pub ready: Ready,
    /// A value has the certificate files looked at without waiting.
    pub reread: watch::Receiver<()>,
    /// The relay runs until it is done.
    pub stop: Stop,
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
    let tls = domains::tls_options(config).map(ServerTls::new).transpose().map_err(ServeError::Tls)?.map(Arc::new);
    let neighbours = load_neighbours(config, tls.clone()).await?;
    let opened = open_store(config)?;
    let path = &config.listen.control;
    let door = control::open(path).map_err(|error| ServeError::Control { path: path.clone(), error })?;
    let peers = neighbours.as_ref().map(|neighbours| neighbours.policies()).unwrap_or_default();
    let engine = Arc::new(domains::engine_config(config, &opened.domains, tls.is_some(), peers));
    let (dials, dialled) = mpsc::unbounded_channel();
    let limits = Arc::new(InForce::from_pointee(config.limits));
    let hub = Hub::new(opened.service, Arc::clone(&limits), dials, |complete| opened.start.run(complete))
        .map_err(ServeError::Threads)?;
    let shared = Arc::new(Shared { hub: Arc::clone(&hub), engine, tls: tls.clone(), neighbours: neighbours.clone() });

    let (say_stop, stopped) = watch::channel(false);
    let crowd = Crowd::new(limits);
    let mut bound = sockets.bound().clone();
    let (listeners, watched) = sockets.into_open();
    let plain = bound.plain.iter().map(|&address| Door { address, tls: false });
    let knocked = plain.chain(bound.tls.iter().map(|&address| Door { address, tls: true })).collect();
    bound.health = config.domains.first().map(|domain| Probe::new(&hub, Arc::clone(&crowd), knocked, domain.clone()));
    let mut doors = JoinSet::new();
    for (start, listener) in listeners {
        let listener = TcpListener::from_std(listener).map_err(ServeError::Threads)?;
        doors.spawn(listen::accept(listener, start, Arc::clone(&shared), Arc::clone(&crowd), stopped.clone()));
    }
    if let (Some(listener), Some(probe)) = (watched, bound.health.clone()) {
        let listener = TcpListener::from_std(listener).map_err(ServeError::Threads)?;
        let told = Told { probe, scrape: Scrape::new(Arc::clone(&hub), tls.clone()) };
        doors.spawn(http::serve(listener, told, stopped.clone()));
    }
    doors.spawn(links::run(Arc::clone(&hub), neighbours, dialled, stopped.clone()));
    doors.spawn(control::serve(door, Arc::clone(&hub), stopped));
    let mut chores = JoinSet::new();
    let timekeeper = Arc::clone(&hub);
    chores.spawn(async move { timekeeper.keep_time().await });
    if let Some(tls) = tls {
        chores.spawn(watch_certificates(tls, given.reread));
    }
    // Whoever subscribes from another domain is told what is new though nobody connects here.
    hub.tell(|_, _| ());
    let http = bound.http.map(tracing::field::display);
    tracing::info!(plain = ?bound.plain, tls = ?bound.tls, http, "relay is ready");
    (given.ready)(&bound);
    let died = tokio::select! {
        () = given.stop => false,
        () = hub.store_died() => true,
    };

    tracing::info!("relay stops");
    let _ = say_stop.send(true);
    hub.close_all();
    let goodbye = async { while doors.join_next().await.is_some() {} };
    if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
        tracing::warn!(connections = hub.connections(), "some connections did not end in time");
        doors.shutdown().await;
    }
    chores.shutdown().await;
    // The store's threads finish what was given to them; that may take as long as the disk does.
    let _ = tokio::task::spawn_blocking(move || hub.store().stop()).await;
    if died { Err(ServeError::StoreDied) } else { Ok(()) }
}

/// Reads the files that say who other domains are; hashing their secrets takes a while.
async fn load_neighbours(config: &Config, tls: Option<Arc<ServerTls>>) -> Result<Option<Arc<Neighbours>>, ServeError> {
    if !config.interdomain.enabled {
        return Ok(None);
    }
    let config = config.clone();
    let loading = tokio::task::spawn_blocking(move || Neighbours::load(&config, tls, domains::introduction(&config)));
    match loading.await {
        Ok(loaded) => loaded.map(|loaded| Some(Arc::new(loaded))).map_err(ServeError::Neighbours),
        // The runtime is being torn down.
        Err(error) => Err(ServeError::Threads(error.into())),
    }
}

/// An opened store, taken apart for those who need its parts.
struct Opened {
    domains: Vec<DomainRecord>,
    service: Service,
    start: Threads,
}

struct Threads {
    writer: sqlite::Writer,
    readers: Vec<sqlite::Reader>,
}

impl Threads {
    fn run(self, complete: Box<dyn Fn(crate::store::thread::Completion) + Send + Sync>) -> io::Result<StoreThread> {
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
    let service = Service::new(domains::service_config(config, random::request_prefix()), start, now);
    Ok(Opened { domains: records, service, start: Threads { writer: store.writer, readers } })
}

/// What a domain is given when the store meets it for the first time.
#[must_use]
pub fn fresh_record(name: &Domain, config: &Config) -> DomainRecord {
    DomainRecord { name: name.clone(), decoy_key: random::octets(), iterations: config.auth.scram_iterations }
}

async fn watch_certificates(tls: Arc<ServerTls>, mut reread: watch::Receiver<()>) {
    let mut every = tokio::time::interval(CERTIFICATES_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            Ok(()) = reread.changed() => {}
        }
        // Reading a few small files; a slow disk must not hold up the runtime's threads all the same.
        let tls = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || tls.reload_if_changed()).await {
            Ok(Reload::Renewed) => tracing::info!("certificates reread"),
            Ok(Reload::Kept(error)) => tracing::error!(%error, "new certificates cannot be used; the old ones stay in force"),
            Ok(Reload::Unchanged) | Err(_) => {}
        }
    }
}
