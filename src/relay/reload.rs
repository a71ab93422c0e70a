//! A reload: everything new is read and checked before anything changes; a fault leaves all as it was.

use super::config::Config;
use super::config::ConfigError;
use super::domains;
use super::health::Door;
use super::health::Probe;
use super::hub::Hub;
use super::material;
use super::material::Live;
use super::material::Material;
use super::material::MaterialError;
use super::office::LogLevel;
use super::office::lasting;
use super::ports::Ports;
use super::serve::fresh_record;
use super::sockets::Bound;
use super::sockets::SocketError;
use crate::net::Reload;
use crate::net::Stamp;
use crate::store::DomainRecord;
use crate::store::OpenError;
use crate::store::accounts::AccountError;
use crate::store::accounts::Accounts;
use arc_swap::ArcSwap;
use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What a relay runs on.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    pub(super) config: Config,
    /// Where it listens.
    pub(super) bound: Bound,
}

/// Why everything stays as it was.
#[derive(Debug)]
pub(super) enum ReloadError {
    Config(ConfigError),
    /// A key that takes effect only at the start.
    Lasting {
        file: PathBuf,
        key: &'static str,
    },
    Material(MaterialError),
    Open(OpenError),
    Account(AccountError),
    Socket(SocketError),
    /// The system gives no threads, or the relay ends.
    Interrupted,
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Lasting { file, key } => {
                write!(f, "{}: {key} cannot change while the relay runs; restart it, or take the change back", file.display())
            }
            Self::Material(error) => error.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
            Self::Socket(error) => error.fmt(f),
            Self::Interrupted => f.write_str("the reload was interrupted"),
        }
    }
}

/// The parts of a running relay that a reload changes.
pub(super) struct Running {
    pub(super) hub: Arc<Hub>,
    pub(super) live: Live,
    pub(super) in_force: Arc<ArcSwap<InForce>>,
    pub(super) records: Vec<DomainRecord>,
    pub(super) material: Material,
    /// The files of [`Material::neighbours`] as they were when they were looked at last.
    pub(super) seen: Vec<Option<Stamp>>,
    pub(super) ports: Ports,
    pub(super) probe: Option<Probe>,
    pub(super) request_prefix: String,
}

/// Everything that a reload needs from files, read and checked.
struct Prepared {
    config: Config,
    seen: Vec<Option<Stamp>>,
    material: Material,
}

impl Running {
    /// Reads everything again and puts it in force.
    ///
    /// *Order:* sockets come late, since whoever connects to them waits for somebody to accept; and the records of new domains last
    /// of all that can fail, since they stay.
    ///
    /// # Errors
    /// The first fault; nothing has changed then.
    pub(super) async fn reload(&mut self, log: Option<&LogLevel>) -> Result<(), ReloadError> {
        let old = self.in_force.load_full();
        let reading = tokio::task::spawn_blocking(move || prepare(&old.config));
        let Prepared { config, seen, material } = reading.await.map_err(|_| ReloadError::Interrupted)??;
        let fresh = self.ports.missing(&config).map_err(ReloadError::Socket)?;
        let (known, new) = (self.records.clone(), config.clone());
        let recording = tokio::task::spawn_blocking(move || record(&new, known));
        let records = recording.await.map_err(|_| ReloadError::Interrupted)??;

        let service = domains::service_config(&config, self.request_prefix.clone());
        self.hub.tell(|rules, now| rules.reconfigure(now, service));
        self.hub.limits().store(Arc::new(config.limits));
        self.live.store(material.shared(&config, &records, &self.hub));
        self.ports.accept(fresh);
        self.ports.close_others(&config);
        if let Some(log) = log {
            log.change(config.log.level);
        }
        (self.seen, self.material, self.records) = (seen, material, records);
        let bound = Bound { http: self.in_force.load().bound.http, ..self.ports.bound() };
        if let (Some(probe), Some(domain)) = (&self.probe, config.domains.first()) {
            probe.look_at(doors(&bound), domain.clone());
        }
        tracing::info!(plain = ?bound.plain, tls = ?bound.tls, "configuration reread");
        self.in_force.store(Arc::new(InForce { config, bound }));
        Ok(())
    }

    /// Looks whether certificates, keys, authorities and secrets are others than before, and takes them if they can be used.
    pub(super) async fn look_at_files(&mut self) {
        if let Some(tls) = self.material.tls.clone() {
            // Reading a few small files; a slow disk must not hold up the runtime's threads all the same.
            match tokio::task::spawn_blocking(move || tls.reload_if_changed()).await {
                Ok(Reload::Renewed) => tracing::info!("certificates reread"),
                Ok(Reload::Kept(error)) => tracing::error!(%error, "new certificates cannot be used; the old ones stay in force"),
                Ok(Reload::Unchanged) | Err(_) => {}
            }
        }
        let (old, tls, seen) = (self.in_force.load_full(), self.material.tls.clone(), self.seen.clone());
        let looking = tokio::task::spawn_blocking(move || {
            // Before reading: a file that changes meanwhile is then seen to have changed next time.
            let stamps = material::neighbour_stamps(&old.config);
            let changed = stamps != seen;
            changed.then(|| (stamps, material::load_neighbours(&old.config, tls)))
        });
        match looking.await {
            Ok(Some((stamps, Ok(neighbours)))) => {
                self.seen = stamps;
                self.material.neighbours = neighbours;
                self.live.store(self.material.shared(&self.in_force.load().config, &self.records, &self.hub));
                tracing::info!("authorities and secrets reread");
            }
            // Said once for each state of the files.
            Ok(Some((stamps, Err(error)))) => {
                self.seen = stamps;
                tracing::error!(%error, "new authorities and secrets cannot be used; the old ones stay in force");
            }
            Ok(None) | Err(_) => {}
        }
        // At the first look the relay has just begun to serve.
        if let Some(neighbours) = &self.material.neighbours {
            neighbours.read_authorities_soon();
        }
    }
}

fn prepare(old: &Config) -> Result<Prepared, ReloadError> {
    let config = Config::load(&old.file).map_err(ReloadError::Config)?;
    if let Some(key) = lasting(old, &config) {
        return Err(ReloadError::Lasting { file: config.file, key });
    }
    let seen = material::neighbour_stamps(&config);
    let material = Material::load(&config).map_err(ReloadError::Material)?;
    Ok(Prepared { config, seen, material })
}

/// The records of all domains; new ones are written.
fn record(config: &Config, mut records: Vec<DomainRecord>) -> Result<Vec<DomainRecord>, ReloadError> {
    records.retain(|record| config.domains.contains(&record.name));
    let new: Vec<_> = config.domains.iter().filter(|name| !records.iter().any(|record| record.name == **name)).cloned().collect();
    if !new.is_empty() {
        // The writer belongs to the store's thread; an administrator's commands write beside it as well.
        let mut accounts = Accounts::open(&config.data_dir, new.iter().cloned()).map_err(ReloadError::Open)?;
        for name in &new {
            records.push(accounts.domain(&fresh_record(name, config)).map_err(ReloadError::Account)?);
        }
    }
    Ok(records)
}

/// The doors that a look at the relay's health tries.
pub(super) fn doors(bound: &Bound) -> Vec<Door> {
    let plain = bound.plain.iter().map(|&address| Door { address, tls: false });
    plain.chain(bound.tls.iter().map(|&address| Door { address, tls: true })).collect()
}
