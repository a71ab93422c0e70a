//! From named values to a configuration: ranges, and what has to fit together.

use super::error::{ConfigError, ConfigFault};
use super::peers;
use super::read::{Found, Values};
use super::{Auth, Config, Dns, Dnssec, DomainLimits, Interdomain, KeyPair, Limits, Listen, Log, Mailbox, Tls, keys, rules};
use crate::model::{Domain, LeaseBounds, Services};
use crate::net::connect::HostPort;
use crate::net::dns::resolver::PORT_DNS;
use crate::service::Rate;
use crate::wire::limits::MAX_BODY_FLOOR;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The least iteration count (SPEC §4).
const ITERATIONS_MIN: u64 = 4096;
/// More than this clients refuse (SPEC §4).
const ITERATIONS_MAX: u64 = 1_000_000;
/// The most that Content-Length can say and memory might hold.
const BODY_MAX: u64 = 1 << 30;

/// The values of one file, and where relative paths begin.
pub(super) struct Reader<'a> {
    pub(super) values: Values<'a>,
    pub(super) file: &'a Path,
}

impl Reader<'_> {
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        let values = &self.values;
        let domains = values.domains()?;
        let tls = self.tls(&domains)?;
        let data_dir = self.path(values.text("data-dir")?);
        Ok(Config {
            file: self.file.to_owned(),
            listen: self.listen(&tls, &data_dir)?,
            data_dir,
            services: self.services()?,
            auth: self.auth()?,
            dns: self.dns()?,
            interdomain: self.interdomain(&domains)?,
            lease: self.lease()?,
            mailbox: Mailbox {
                enabled: values.switch("mailbox.enabled")?,
                max_messages: values.count("mailbox.max-messages", 1, u64::MAX)?,
                max_octets: values.size("mailbox.max-octets", 1, u64::MAX)?,
                max_age: values.time("mailbox.max-age")?,
                delivery_timeout: values.time("mailbox.delivery-timeout")?,
            },
            limits: self.limits()?,
            acl: rules::read(values, "acl.default")?,
            log: Log { level: self.word("log.level", keys::LEVELS)?, json: self.word("log.format", keys::FORMATS)? == "json" },
            tls,
            domains,
        })
    }

    fn path(&self, text: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(text)
    }

    fn listen(&self, tls: &Tls, data_dir: &Path) -> Result<Listen, ConfigError> {
        let plain = self.values.list("listen.plain", |text| text.parse().ok())?;
        let secure = self.values.list("listen.tls", |text| text.parse().ok())?;
        let certificate = tls.has_certificate();
        if !certificate && self.values.is_set("listen.tls") && !secure.is_empty() {
            return Err(self.values.refuse("listen.tls", ConfigFault::TlsWithoutCertificate));
        }
        let control = self.file("listen.control")?.unwrap_or_else(|| data_dir.join("control"));
        let control_mode = match self.word("listen.control-mode", keys::CONTROL_MODES)? {
            "0660" => 0o660,
            _ => 0o600,
        };
        let http = match self.values.find("listen.http") {
            Some(found) => {
                let address = found.value.as_str().and_then(|text| text.parse().ok());
                Some(address.ok_or_else(|| self.values.wrong_kind("listen.http", found.line))?)
            }
            None => None,
        };
        let listen = Listen { plain, tls: if certificate { secure } else { Vec::new() }, http, control, control_mode };
        if listen.plain.is_empty() && listen.tls.is_empty() {
            return Err(self.values.refuse("listen.plain", ConfigFault::NoListener));
        }
        Ok(listen)
    }

    fn tls(&self, domains: &[Domain]) -> Result<Tls, ConfigError> {
        let values = &self.values;
        let certificate = self.key_pair("tls", values.find("tls.certificate"), values.find("tls.key"))?;
        let mut own = BTreeMap::new();
        for (name, line, found) in &values.per_domain {
            let domain = Domain::parse(name).ok().filter(|domain| domains.contains(domain));
            let domain = domain.ok_or_else(|| values.error(*line, ConfigFault::DomainNotOurs(name.clone())))?;
            let section = format!("tls.\"{name}\"");
            let pair = self.key_pair(&section, found.get("certificate").copied(), found.get("key").copied())?;
            let pair = pair.ok_or_else(|| values.error(*line, ConfigFault::HalfKeyPair(section)))?;
            own.insert(domain, pair);
        }
        let required = values.switch("tls.required")?;
        let covered = certificate.is_some() || domains.iter().all(|domain| own.contains_key(domain));
        if required && !covered {
            return Err(values.refuse("tls.required", ConfigFault::NoCertificate));
        }
        Ok(Tls { certificate, domains: own, required, client_ca: self.file("tls.client-ca")? })
    }

    fn key_pair(
        &self,
        section: &str,
        certificate: Option<Found<'_>>,
        key: Option<Found<'_>>,
    ) -> Result<Option<KeyPair>, ConfigError> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(KeyPair {
                certificate: self.path_of(&format!("{section}.certificate"), certificate)?,
                key: self.path_of(&format!("{section}.key"), key)?,
            })),
            (None, None) => Ok(None),
            (Some(half), None) | (None, Some(half)) => {
                Err(self.values.error(half.line, ConfigFault::HalfKeyPair(section.to_owned())))
            }
        }
    }

    fn dns(&self) -> Result<Dns, ConfigError> {
        let address = |text: &str| {
            let at = HostPort::parse(text)?;
            Some(SocketAddr::new(at.host.parse().ok()?, at.port.unwrap_or(PORT_DNS)))
        };
        let resolvers = match self.values.find("dns.resolvers") {
            Some(_) => self.values.list("dns.resolvers", address)?,
            None => Vec::new(),
        };
        let dnssec = match self.word("dns.dnssec", keys::DNSSEC)? {
            "validate" => Dnssec::Validate,
            "trust-ad" => Dnssec::TrustAd,
            _ => Dnssec::Off,
        };
        let trust_anchor = self.file("dns.trust-anchor")?;
        if trust_anchor.is_some() && dnssec != Dnssec::Validate {
            return Err(self.values.refuse("dns.trust-anchor", ConfigFault::AnchorWithoutValidation));
        }
        let elsewhere = resolvers.iter().find(|resolver| !resolver.ip().to_canonical().is_loopback());
        if let Some(resolver) = elsewhere.filter(|_| dnssec == Dnssec::TrustAd) {
            return Err(self.values.refuse("dns.resolvers", ConfigFault::ResolverElsewhere(resolver.ip())));
        }
        Ok(Dns { resolvers, dnssec, trust_anchor })
    }

    fn interdomain(&self, domains: &[Domain]) -> Result<Interdomain, ConfigError> {
        Ok(Interdomain {
            enabled: self.values.switch("interdomain.enabled")?,
            ca: self.file("interdomain.ca")?,
            response_timeout: self.values.time("interdomain.response-timeout")?,
            idle: self.values.time("interdomain.idle")?,
            limits: self.domain_limits()?,
            peers: peers::read(self, domains)?,
        })
    }

    fn domain_limits(&self) -> Result<DomainLimits, ConfigError> {
        let count = |name, max| self.values.count(name, 1, max);
        let short = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let long = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(DomainLimits {
            links: long(count("interdomain.links", 1024)?),
            outstanding: short(count("interdomain.outstanding", 65_536)?),
            outstanding_octets: self.values.size("interdomain.outstanding-octets", 1, u64::MAX)?,
            requests_per_second: short(count("interdomain.requests-per-second", u64::from(u32::MAX))?),
            subscriptions: long(count("interdomain.subscriptions", u64::MAX)?),
        })
    }

    /// A file that need not be named.
    fn file(&self, name: &str) -> Result<Option<PathBuf>, ConfigError> {
        self.values.find(name).map(|found| self.path_of(name, found)).transpose()
    }

    pub(super) fn path_of(&self, name: &str, found: Found<'_>) -> Result<PathBuf, ConfigError> {
        found.value.as_str().map(|text| self.path(text)).ok_or_else(|| self.values.wrong_kind(name, found.line))
    }

    fn auth(&self) -> Result<Auth, ConfigError> {
        let mechanisms = self.words("auth.mechanisms", keys::MECHANISMS)?;
        let iterations = self.values.count("auth.scram-iterations", ITERATIONS_MIN, ITERATIONS_MAX)?;
        Ok(Auth {
            mechanisms,
            scram_iterations: u32::try_from(iterations).unwrap_or(u32::MAX),
            anonymous: self.values.switch("auth.anonymous")?,
        })
    }

    fn lease(&self) -> Result<LeaseBounds, ConfigError> {
        let [min, max, default] = ["lease.min", "lease.max", "lease.default"].map(|name| self.values.time(name));
        let bounds = LeaseBounds { min: min?, max: max?, default: default? };
        if bounds.min.is_zero() || bounds.min > bounds.default || bounds.default > bounds.max {
            let set = ["lease.min", "lease.default", "lease.max"].into_iter().find(|name| self.values.is_set(name));
            return Err(self.values.refuse(set.unwrap_or_default(), ConfigFault::LeaseOrder));
        }
        Ok(bounds)
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let values = &self.values;
        let some =
            |name, min| values.count(name, min, u64::from(u32::MAX)).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        Ok(Limits {
            body: values.size("limits.body", MAX_BODY_FLOOR, BODY_MAX)?,
            outstanding: u32::try_from(values.count("limits.outstanding", 1, 65_536)?).unwrap_or(u32::MAX),
            outstanding_octets: values.size("limits.outstanding-octets", 1, u64::MAX)?,
            requests: self.rate("limits.requests-per-second", "limits.requests-burst")?,
            messages: self.rate("limits.messages-per-second", "limits.messages-burst")?,
            unacknowledged: values.size("limits.unacknowledged", 1, u64::MAX)?,
            memory: values.size("limits.memory", 1 << 20, u64::MAX)?,
            connections: some("limits.connections", 1)?,
            logins: some("limits.logins", 1)?,
            login_octets: values.size("limits.login-octets", 20_480, BODY_MAX)?,
            failed_logins: u32::try_from(values.count("limits.failed-logins", 0, 1000)?).unwrap_or(u32::MAX),
            failed_login_delay: self.short_time("limits.failed-login-delay")?,
            connections_per_address: some("limits.connections-per-address", 1)?,
            connections_per_user: some("limits.connections-per-user", 1)?,
            subscriptions_per_session: some("limits.subscriptions-per-session", 0)?,
            subscribers_per_user: some("limits.subscribers-per-user", 0)?,
            presence_octets: usize::try_from(values.size("limits.presence-octets", 1024, BODY_MAX)?).unwrap_or(usize::MAX),
            views_per_user: some("limits.views-per-user", 0)?,
            acl_rules: some("limits.acl-rules", 1)?,
            remembered_deliveries: some("limits.remembered-deliveries", 0)?,
            cached_users: some("limits.cached-users", 1)?,
        })
    }

    fn rate(&self, per_second: &'static str, burst: &'static str) -> Result<Rate, ConfigError> {
        let count = |name| self.values.count(name, 1, 1_000_000).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        Ok(Rate { per_second: count(per_second)?, burst: count(burst)? })
    }

    /// A time that leaves enough of AUTH_TIME.
    fn short_time(&self, name: &'static str) -> Result<std::time::Duration, ConfigError> {
        let time = self.values.time(name)?;
        let most = crate::engine::server::AUTH_TIMEOUT / 2;
        if time > most { Err(self.values.refuse(name, ConfigFault::TimeTooLong { key: name, most })) } else { Ok(time) }
    }

    fn services(&self) -> Result<Services, ConfigError> {
        let name = "services";
        let services = Services::parse(&self.words(name, keys::SERVICES)?.join(" "));
        match services.as_str() {
            "" => Err(self.values.refuse(name, ConfigFault::NoService)),
            _ => Ok(services),
        }
    }

    fn words(&self, name: &'static str, words: &'static [&'static str]) -> Result<Vec<&'static str>, ConfigError> {
        let said = self.values.list(name, |text| Some(text.to_owned()))?;
        let known: Option<Vec<_>> = said.iter().map(|word| words.iter().find(|known| *known == word).copied()).collect();
        known.ok_or_else(|| self.values.refuse(name, ConfigFault::Word { key: name, words }))
    }

    fn word(&self, name: &'static str, words: &'static [&'static str]) -> Result<&'static str, ConfigError> {
        let text = self.values.text(name)?;
        let known = words.iter().find(|word| **word == text).copied();
        known.ok_or_else(|| self.values.refuse(name, ConfigFault::Word { key: name, words }))
    }
}
