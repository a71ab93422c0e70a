//! HELLO: what a client says of itself, and what it is told (SPEC §4.2).

use super::ServerConfig;
use crate::engine::TlsPolicy;
use crate::engine::TlsState;
use crate::engine::sasl::server::Offer;
use crate::model::Address;
use crate::model::Answer;
use crate::model::ConnectionId;
use crate::model::Domain;
use crate::model::ErrorKind;
use crate::model::acl::ANONYMOUS_DOMAIN;
use crate::model::response::ok_to;
use crate::wire::Frame;
use crate::wire::Name;
use crate::wire::limits;
use bytes::Bytes;

/// What an accepted HELLO said.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) domain: Domain,
    pub(super) party: Party,
    pub(super) max_body: u64,
    pub(super) max_outstanding: u32,
}

/// Who opened the connection.
#[derive(Clone, Debug)]
pub(super) enum Party {
    /// A client.
    Client { connection: ConnectionId, accepts_messages: bool, inbox: Option<Address> },
    /// The server of this domain.
    Domain(Domain),
}

impl Hello {
    /// Judges a HELLO; form comes before what is known here.
    pub(super) fn read(frame: &Frame, config: &ServerConfig) -> Result<Self, Answer> {
        let malformed = |reason: &'static str| Answer::new(ErrorKind::MalformedRequest).because(reason);
        let domain = frame.header(Name::Domain).ok_or_else(|| malformed("Domain is missing"))?;
        // On the wire a domain is written in A-labels.
        let domain = Domain::parse(domain).ok().filter(|_| domain.is_ascii()).ok_or_else(|| malformed("bad Domain"))?;
        let party = match frame.header(Name::OriginDomain) {
            Some(_) if frame.header(Name::ConnectionId).is_some() => {
                return Err(malformed("Origin-Domain and Connection-ID exclude each other"));
            }
            Some(origin) => {
                let domain = Domain::parse(origin).ok().filter(|_| origin.is_ascii());
                Party::Domain(domain.ok_or_else(|| malformed("bad Origin-Domain"))?)
            }
            None => Self::client(frame)?,
        };
        let number = |name: Name, absent: u64| match frame.header(name) {
            None => Some(absent),
            Some(text) => crate::model::Version::parse(text).map(|number| number.0),
        };
        let max_body = number(Name::MaxBody, limits::MAX_BODY_DEFAULT).filter(|octets| *octets >= limits::MAX_BODY_FLOOR);
        let max_outstanding = number(Name::MaxOutstanding, u64::from(limits::OUTSTANDING_DEFAULT)).filter(|count| *count > 0);
        let hello = Self {
            party,
            max_body: max_body.ok_or_else(|| malformed("bad Max-Body"))?,
            max_outstanding: max_outstanding
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
                .ok_or_else(|| malformed("bad Max-Outstanding"))?,
            domain,
        };
        match &hello.party {
            Party::Domain(_) if !config.links.enabled => {
                return Err(Answer::new(ErrorKind::OperationNotSupported).because("no links between domains here"));
            }
            // Nobody else speaks for our own domains, and nobody at all for that of strangers without a name.
            Party::Domain(origin) if config.domains.contains_key(origin) || origin.as_str() == ANONYMOUS_DOMAIN => {
                return Err(Answer::new(ErrorKind::PermissionDenied).because("that Origin-Domain is not yours"));
            }
            Party::Domain(_) | Party::Client { .. } => {}
        }
        if config.domains.contains_key(&hello.domain) { Ok(hello) } else { Err(Answer::new(ErrorKind::TargetUnknown)) }
    }

    fn client(frame: &Frame) -> Result<Party, Answer> {
        let malformed = |reason: &'static str| Answer::new(ErrorKind::MalformedRequest).because(reason);
        let connection = frame.header(Name::ConnectionId).map(ConnectionId::parse);
        let connection = connection.ok_or_else(|| malformed("Connection-ID is missing"))?;
        let connection = connection.ok_or_else(|| malformed("bad Connection-ID"))?;
        let accepts_messages = frame.header(Name::Accept).is_some_and(|text| text.split(' ').any(|word| word == "messages"));
        let inbox = match frame.header(Name::Inbox) {
            Some(_) if !accepts_messages => return Err(malformed("Inbox without Accept: messages")),
            Some(text) => Some(Address::parse_url(text).map_err(|_| malformed("bad Inbox"))?),
            None => None,
        };
        Ok(Party::Client { connection, accepts_messages, inbox })
    }

    /// The domain for which the peer speaks.
    pub(super) fn origin(&self) -> Option<&Domain> {
        match &self.party {
            Party::Domain(origin) => Some(origin),
            Party::Client { .. } => None,
        }
    }
}

/// What is said of TLS to whoever speaks for `origin`, or to a client.
pub(super) fn tls_state(config: &ServerConfig, active: bool, origin: Option<&Domain>) -> TlsState {
    let clear = origin.is_some_and(|origin| config.links.peer(origin).clear);
    match (active, config.tls) {
        (true, _) => TlsState::Active,
        (false, TlsPolicy::Required) if clear => TlsState::Offered,
        (false, TlsPolicy::Offered) => TlsState::Offered,
        (false, TlsPolicy::Required) => TlsState::Required,
        (false, TlsPolicy::None) => TlsState::None,
    }
}

/// OK (HELLO), headers in the order of SPEC §4.2.
pub(super) fn ok(frame: &Frame, config: &ServerConfig, offer: Offer<'_>) -> Bytes {
    let tls = tls_state(config, offer.tls.is_some(), offer.origin);
    let outstanding = if offer.origin.is_some() { config.links.max_outstanding } else { config.max_outstanding };
    let mechanisms: Vec<&str> =
        offer.mechanisms().filter(|_| tls != TlsState::Required).map(crate::engine::Mechanism::as_str).collect();
    ok_to(frame)
        .header(Name::Domain, offer.domain.as_str())
        .header(Name::Agent, &config.agent)
        .header(Name::Tls, tls.as_str())
        .header(Name::Mechanisms, &mechanisms.join(" "))
        .header(Name::Services, offer.config.services.as_str())
        .number(Name::MaxBody, config.max_body)
        .number(Name::MaxOutstanding, u64::from(outstanding))
        .number(Name::LeaseMin, offer.config.lease.min.as_secs())
        .number(Name::LeaseMax, offer.config.lease.max.as_secs())
        .finish()
}
