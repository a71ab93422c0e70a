//! What an opening engine is told at its start.

use crate::engine::Mechanism;
use crate::model::Address;
use crate::model::ConnectionId;
use crate::model::Domain;
use crate::model::Secret;
use crate::wire::limits;

/// One connection's settings.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The domain that is wanted.
    pub domain: Domain,
    /// Who logs in, and how.
    pub login: Login,
    /// The session's name: random, or the one to be resumed. Not used where a domain logs in.
    pub connection: ConnectionId,
    /// Whether this connection takes instant messages.
    pub accepts_messages: bool,
    /// Another user whose messages are wanted instead.
    pub inbox: Option<Address>,
    /// The largest body taken, in octets; at least [`limits::MAX_BODY_FLOOR`].
    pub max_body: u64,
    /// Unanswered requests of the server taken.
    pub max_outstanding: u32,
    /// `name/version`, for people.
    pub agent: String,
    /// What protects the connection.
    pub tls: ClientTls,
    /// The only mechanism to be used; `None`: the best that fits.
    pub mechanism: Option<Mechanism>,
    /// Whether to send ahead of answers. Only inside TLS that verified the server: user requests may then go out behind
    /// the last AUTH.
    pub pipeline: bool,
    /// Whether TLS proved who the server is; the password itself is never handed to one that did not.
    pub verified: bool,
}

impl ClientConfig {
    /// Settings for a session that sends and asks, and takes no messages.
    #[must_use]
    pub fn new(domain: Domain, login: Login, connection: ConnectionId, tls: ClientTls) -> Self {
        Self {
            domain,
            login,
            connection,
            accepts_messages: false,
            inbox: None,
            max_body: limits::MAX_BODY_DEFAULT,
            max_outstanding: limits::OUTSTANDING_DEFAULT,
            agent: concat!("impp/", env!("CARGO_PKG_VERSION")).to_owned(),
            tls,
            mechanism: None,
            pipeline: false,
            verified: true,
        }
    }
}

/// Who logs in.
#[derive(Clone, Debug)]
pub enum Login {
    /// With a password.
    Password {
        /// The user.
        user: Address,
        /// As typed; prepared here.
        secret: Secret,
    },
    /// With the certificate that TLS presented.
    External(Address),
    /// As nobody.
    Anonymous,
    /// As the server of a domain: the connection becomes a link (SPEC §9).
    Domain {
        /// The domain for which we speak.
        origin: Domain,
        /// The secret shared with the other domain; `None`: with the certificate that TLS presented.
        secret: Option<Secret>,
    },
}

impl Login {
    /// Whether a secret stands behind it that must not cross the network in the clear.
    pub(super) fn has_secret(&self) -> bool {
        matches!(self, Self::Password { .. } | Self::Domain { secret: Some(_), .. })
    }

    /// The domain for which we speak, if it is not a user who logs in.
    #[must_use]
    pub fn origin(&self) -> Option<&Domain> {
        match self {
            Self::Domain { origin, .. } => Some(origin),
            Self::Password { .. } | Self::External(_) | Self::Anonymous => None,
        }
    }
}

/// What protects the connection.
#[derive(Clone)]
pub enum ClientTls {
    /// Nothing yet: STARTTLS before anything of value, or not at all.
    StartTls,
    /// TLS is up.
    Active {
        /// Channel binding, see [`crate::engine::TlsInfo::exporter`].
        exporter: Option<Vec<u8>>,
    },
    /// Nothing, ever.
    Plain {
        /// Whether a SCRAM exchange may take place in the clear. PLAIN never does.
        credentials: bool,
    },
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::StartTls => "StartTls",
            Self::Active { .. } => "Active",
            Self::Plain { .. } => "Plain",
        })
    }
}
