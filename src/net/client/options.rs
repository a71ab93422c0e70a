//! What a client is told at its start: who, where, whom to trust, and how long to wait.

use crate::engine::{Login, Mechanism};
use crate::model::{Address, ConnectionId, Domain, Secret};
use crate::net::connect::{Family, HostPort, TlsKind};
use crate::net::dns::{Resolver, Role};
use crate::net::random;
use crate::net::tls::{Identity, Trust};
use crate::net::trace::Sink;
use crate::wire::limits;
use std::time::Duration;

/// A client's settings. The constructors choose what is right for a verified session that sends and asks.
#[derive(Clone, Debug)]
pub struct Options {
    /// The domain whose server is wanted.
    pub domain: Domain,
    /// Who logs in.
    pub login: Login,
    /// Where the server is; `None`: where the DNS says.
    pub server: Option<HostPort>,
    /// Who is asked in the DNS; `None`: the system's resolver.
    pub resolver: Option<Resolver>,
    /// Which addresses to use.
    pub family: Family,
    /// How to begin. Where the DNS says where, [`TlsKind::Require`] takes both kinds of server, each with its TLS.
    pub tls: TlsKind,
    /// Whom to believe that it is the domain.
    pub trust: Trust,
    /// Our own certificate, for [`Login::External`].
    pub certificate: Option<Identity>,
    /// Whether [`TlsKind::Off`] may leave this machine.
    pub clear_anywhere: bool,
    /// Time for one address to answer.
    pub connect_timeout: Duration,
    /// Time until the session stands, everything included.
    pub timeout: Duration,
    /// Time for the answer to one request.
    pub answer_timeout: Duration,
    /// The session's name: random, or the one to be resumed.
    pub connection: ConnectionId,
    /// Whether this connection takes instant messages.
    pub accepts_messages: bool,
    /// Another user whose messages are wanted instead.
    pub inbox: Option<Address>,
    /// The largest body taken, in octets.
    pub max_body: u64,
    /// Unanswered requests of the server taken.
    pub max_outstanding: u32,
    /// The only SASL mechanism to be used.
    pub mechanism: Option<Mechanism>,
    /// `name/version`, for people.
    pub agent: String,
    /// Whether connecting is done as soon as requests may be given, before the login is: the first of them then travels
    /// with the last AUTH, which saves a round trip. A login that fails is told in the answer to the first request.
    pub early: bool,
    /// Where to show the wire.
    pub trace: Option<Sink>,
}

impl Options {
    /// Logs in with a password.
    #[must_use]
    pub fn password(user: &Address, secret: Secret) -> Self {
        Self::new(user.domain(), Login::Password { user: user.clone(), secret })
    }

    /// Logs in with a certificate.
    #[must_use]
    pub fn external(user: &Address, certificate: Identity) -> Self {
        Self { certificate: Some(certificate), ..Self::new(user.domain(), Login::External(user.clone())) }
    }

    /// Logs in as nobody.
    #[must_use]
    pub fn anonymous(domain: Domain) -> Self {
        Self::new(domain, Login::Anonymous)
    }

    /// Logs in as the server of `origin`, which makes a link of the connection (SPEC §9.1): with a certificate, or with the secret
    /// that the two domains share.
    #[must_use]
    pub fn link(origin: &Domain, domain: &Domain, secret: Option<Secret>, certificate: Option<Identity>) -> Self {
        Self { certificate, ..Self::new(domain.clone(), Login::Domain { origin: origin.clone(), secret }) }
    }

    /// With a random Connection-ID.
    fn new(domain: Domain, login: Login) -> Self {
        Self {
            domain,
            login,
            server: None,
            resolver: None,
            family: Family::Any,
            tls: TlsKind::Require,
            trust: Trust::System,
            certificate: None,
            clear_anywhere: false,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(60),
            connection: random::connection_id(),
            accepts_messages: false,
            inbox: None,
            max_body: limits::MAX_BODY_DEFAULT,
            max_outstanding: limits::OUTSTANDING_DEFAULT,
            mechanism: None,
            agent: concat!("impp/", env!("CARGO_PKG_VERSION")).to_owned(),
            early: false,
            trace: None,
        }
    }

    /// Whether requests must stay in the domain that is connected to: nobody is forwarded for whom nobody answers.
    pub(super) fn stays(&self) -> bool {
        matches!(self.login, Login::Anonymous)
    }

    /// As whom the DNS is asked for the domain's servers.
    pub(in crate::net) fn role(&self) -> Role {
        if self.login.origin().is_some() { Role::Server } else { Role::Client }
    }

    /// Whether a server may send us elsewhere: only one that proved who it is (SPEC §5.10).
    pub(in crate::net) fn obeys_redirects(&self) -> bool {
        self.tls != TlsKind::Off && self.trust.verifies()
    }

    /// Who we shall be, as far as one can tell before the server says so.
    pub(super) fn presumed_identity(&self) -> Option<Address> {
        match &self.login {
            Login::Password { user, .. } | Login::External(user) => user.canonical_local(),
            Login::Anonymous | Login::Domain { .. } => None,
        }
    }
}
