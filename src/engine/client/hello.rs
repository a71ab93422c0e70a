//! HELLO from the opening side: what is asked, and what the answer must say (SPEC §4.2).

use super::ClientConfig;
use super::ServerHello;
use crate::engine::Mechanism;
use crate::engine::TlsState;
use crate::model::Domain;
use crate::model::Method;
use crate::model::Services;
use crate::model::Version;
use crate::model::lease::parse_seconds;
use crate::wire::Frame;
use crate::wire::Name;
use crate::wire::Writer;
use crate::wire::limits;
use bytes::Bytes;
use std::time::Duration;

/// The HELLO of a client, or of a domain's server.
pub(super) fn request(config: &ClientConfig, id: &str) -> Bytes {
    let writer = Writer::request(Method::Hello.as_str(), id).header(Name::Domain, config.domain.as_str());
    let writer = match config.login.origin() {
        Some(origin) => writer.header(Name::OriginDomain, origin.as_str()),
        None => writer
            .header(Name::ConnectionId, config.connection.as_str())
            .maybe(Name::Accept, config.accepts_messages.then_some("messages"))
            .maybe(Name::Inbox, config.inbox.as_ref().filter(|_| config.accepts_messages).map(crate::model::Address::as_str)),
    };
    let writer = writer.header(Name::Agent, &config.agent).number(Name::MaxBody, config.max_body.max(limits::MAX_BODY_FLOOR));
    writer.number(Name::MaxOutstanding, u64::from(config.max_outstanding.max(1))).finish()
}

fn read(frame: &Frame, domain: &Domain) -> Option<ServerHello> {
    let number = |name| frame.header(name).and_then(Version::parse).map(|number| number.0);
    let seconds = |name| frame.header(name).and_then(parse_seconds).map(Duration::from_secs);
    if Domain::parse(frame.header(Name::Domain)?).ok()? != *domain {
        return None;
    }
    let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Some(ServerHello {
        agent: frame.header(Name::Agent).map(str::to_owned),
        tls: TlsState::parse(frame.header(Name::Tls)?)?,
        mechanisms: words(frame.header(Name::Mechanisms)?),
        services: Services::parse(frame.header(Name::Services)?),
        max_body: number(Name::MaxBody)?,
        max_outstanding: u32::try_from(number(Name::MaxOutstanding)?).unwrap_or(u32::MAX).max(1),
        lease_min: seconds(Name::LeaseMin)?,
        lease_max: seconds(Name::LeaseMax)?,
    })
}

impl ServerHello {
    /// Reads OK (HELLO). `None` if it is for another domain or a header is missing or bad.
    #[must_use]
    pub fn read(frame: &Frame, domain: &Domain) -> Option<Self> {
        read(frame, domain)
    }

    /// What both sides know, of what the server offers.
    #[must_use]
    pub fn known_mechanisms(&self) -> Vec<Mechanism> {
        self.mechanisms.iter().filter_map(|name| Mechanism::parse(name)).collect()
    }
}
