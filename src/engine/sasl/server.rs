//! The server's half of AUTH: which question to ask next, and who it is in the end.
//!
//! The answer to an unknown user and a wrong password is the same in content and in time: both take the same path, with
//! a made-up record for names that do not exist.

use super::Mechanism;
use super::scram::ServerScram;
use super::scram_grammar as grammar;
use super::scram_grammar::Binding;
use super::work::PasswordVerdict;
use super::work::PasswordWork;
use super::work::hmac;
use crate::engine::DomainConfig;
use crate::engine::PeerPolicy;
use crate::engine::TlsInfo;
use crate::model::Address;
use crate::model::Credentials;
use crate::model::Domain;
use crate::model::Secret;
use std::sync::LazyLock;

/// Where the users of ANONYMOUS live.
static ANONYMOUS_DOMAIN: LazyLock<Option<Domain>> = LazyLock::new(|| Domain::parse("anonymous.invalid").ok());

/// What an exchange may depend on.
#[derive(Clone, Copy)]
pub(crate) struct Offer<'a> {
    pub(crate) domain: &'a Domain,
    pub(crate) config: &'a DomainConfig,
    /// The domain for which the peer wants to speak; `None`: it is a client.
    pub(crate) origin: Option<&'a Domain>,
    /// What is known of that domain's server.
    pub(crate) peer: PeerPolicy,
    pub(crate) tls: Option<&'a TlsInfo>,
    /// Randomness, for the name of an anonymous user.
    pub(crate) nonce: &'a [u8; 32],
}

impl Offer<'_> {
    /// What can be used on this connection now, best first.
    pub(crate) fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        let ours = if self.origin.is_some() { Self::FOR_DOMAINS } else { &self.config.mechanisms };
        let own = ours.iter().copied().filter(|mechanism| self.fits(*mechanism));
        own.chain((self.config.anonymous && self.origin.is_none()).then_some(Mechanism::Anonymous))
    }

    const FOR_DOMAINS: &'static [Mechanism] = &[Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::External];

    fn fits(&self, mechanism: Mechanism) -> bool {
        if self.origin.is_some() {
            return self.fits_domain(mechanism);
        }
        match mechanism {
            Mechanism::ScramSha256 => true,
            Mechanism::ScramSha256Plus => self.tls.is_some_and(|tls| tls.exporter.is_some()),
            Mechanism::External => self.proven().next().is_some(),
            Mechanism::Plain => self.tls.is_some(),
            Mechanism::Anonymous => false,
        }
    }

    /// A secret that was agreed on is not passed by with a certificate, nor used where its use is not bound to the channel.
    fn fits_domain(&self, mechanism: Mechanism) -> bool {
        match mechanism {
            Mechanism::ScramSha256Plus => self.peer.secret && self.tls.is_some_and(|tls| tls.exporter.is_some()),
            Mechanism::ScramSha256 => self.peer.secret && self.peer.clear && self.tls.is_none(),
            Mechanism::External => !self.peer.secret && self.tls.is_some_and(|tls| tls.client_certificate),
            Mechanism::Plain | Mechanism::Anonymous => false,
        }
    }

    /// The users of this domain whom the client's certificate names.
    fn proven(&self) -> impl Iterator<Item = Address> {
        let named = self.tls.map(|tls| tls.client_identities.as_slice()).unwrap_or_default();
        named.iter().filter_map(Address::canonical_local).filter(|user| user.domain() == *self.domain && !user.is_domain())
    }

    fn offers(&self, mechanism: Mechanism) -> bool {
        self.mechanisms().any(|offered| offered == mechanism)
    }
}

/// An exchange between two steps.
pub(crate) struct Exchange {
    mechanism: Mechanism,
    claimed: Option<Claim>,
    stage: Stage,
}

enum Stage {
    /// The first AUTH had no data: an empty challenge was sent.
    First,
    /// Client-first waits for the user's record.
    ScramRecord(Vec<u8>),
    ScramFinal(Box<ServerScram>),
    /// A password waits for the user's record.
    PlainRecord(Secret),
    PlainVerdict,
    /// The certificate is being judged.
    Certificate,
}

/// The user whom the client says it is.
#[derive(Clone)]
struct Claim {
    /// `None` where no address can have this name.
    user: Option<Address>,
    /// What the decoy's salt is made of.
    name: String,
}

/// What comes next.
pub(crate) enum Next {
    /// OK with this challenge.
    Challenge(Exchange, Vec<u8>),
    /// Find the record, then [`Exchange::record`].
    LookUp(Exchange, Address),
    /// Find the record of the secret shared with this domain, then [`Exchange::record`].
    LookUpPeer(Exchange, Domain),
    /// Judge the certificate of this domain's server, then [`Exchange::certificate`].
    Judge(Exchange, Domain),
    /// Run, then [`Exchange::verdict`].
    Check(Exchange, PasswordWork),
    Done {
        identity: Address,
        anonymous: bool,
        /// What the mechanism says last.
        data: Option<Vec<u8>>,
    },
    Failed(Option<Address>),
}

impl Exchange {
    /// The first AUTH.
    pub(crate) fn start(offer: Offer<'_>, mechanism: Mechanism, data: Option<&[u8]>) -> Next {
        if !offer.offers(mechanism) {
            return Next::Failed(None);
        }
        let exchange = Self { mechanism, claimed: None, stage: Stage::First };
        match data {
            // In every mechanism here the client speaks first.
            None => Next::Challenge(exchange, Vec::new()),
            Some(data) => exchange.first(offer, data),
        }
    }

    /// The mechanism, for the log.
    pub(crate) fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The user whom the client says it is, for the log.
    pub(crate) fn claimed(self) -> Option<Address> {
        self.claimed.and_then(|claim| claim.user)
    }

    /// A further AUTH.
    pub(crate) fn step(mut self, offer: Offer<'_>, data: &[u8]) -> Next {
        match self.stage {
            Stage::First => self.first(offer, data),
            Stage::ScramFinal(scram) => {
                let claimed = self.claimed.take().and_then(|claim| claim.user);
                match (scram.finish(data), claimed) {
                    (Ok(proof), Some(identity)) => Next::Done { identity, anonymous: false, data: Some(proof) },
                    (_, claimed) => Next::Failed(claimed),
                }
            }
            Stage::ScramRecord(_) | Stage::PlainRecord(_) | Stage::PlainVerdict | Stage::Certificate => {
                Next::Failed(self.claimed())
            }
        }
    }

    fn first(mut self, offer: Offer<'_>, data: &[u8]) -> Next {
        match self.mechanism {
            Mechanism::Anonymous => anonymous(offer.nonce),
            Mechanism::External => match offer.origin {
                Some(origin) => {
                    let identity = Address::of_domain(origin);
                    let own = data.is_empty() || data == identity.as_str().as_bytes();
                    self.claimed = Some(Claim { user: Some(identity.clone()), name: String::new() });
                    self.stage = Stage::Certificate;
                    if own { Next::Judge(self, origin.clone()) } else { Next::Failed(Some(identity)) }
                }
                None => external(offer, data),
            },
            Mechanism::Plain => {
                let Some((authzid, user, password)) = plain(data) else { return Next::Failed(None) };
                self.stage = Stage::PlainRecord(Secret::new(password.to_owned()));
                self.claim(offer, user, authzid)
            }
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => {
                let Some(first) = grammar::client_first(data) else { return Next::Failed(None) };
                // rsasl takes any flag with any mechanism.
                let sound = match (self.mechanism, first.binding) {
                    (Mechanism::ScramSha256Plus, binding) => binding == Binding::Exporter,
                    (_, Binding::None) => true,
                    // It could bind and was made to believe that we cannot: somebody is in between.
                    (_, Binding::NotOffered) => !offer.offers(Mechanism::ScramSha256Plus),
                    (_, Binding::Exporter) => false,
                };
                if !sound {
                    return Next::Failed(None);
                }
                self.stage = Stage::ScramRecord(data.to_vec());
                self.claim(offer, &first.user, first.authzid.as_deref().unwrap_or_default())
            }
        }
    }

    /// Whose record is wanted. A name that no account can have takes the same path with its decoy at once.
    fn claim(mut self, offer: Offer<'_>, user: &str, authzid: &str) -> Next {
        if let Some(origin) = offer.origin {
            let identity = Address::of_domain(origin);
            let own = user == origin.as_str() && (authzid.is_empty() || authzid == identity.as_str());
            self.claimed = Some(Claim { user: Some(identity.clone()), name: origin.as_str().to_owned() });
            return if own { Next::LookUpPeer(self, origin.clone()) } else { Next::Failed(Some(identity)) };
        }
        let address = Address::new(user, offer.domain).ok().and_then(|address| address.canonical_local());
        let name = address.as_ref().map_or_else(|| user.to_owned(), |address| address.user().into_owned());
        self.claimed = Some(Claim { user: address.clone(), name });
        let own = authzid.is_empty() || (address.is_some() && local(authzid) == address);
        match address {
            _ if !own => Next::Failed(address),
            Some(address) => Next::LookUp(self, address),
            None => self.record(offer, None),
        }
    }

    /// The user's record; `None` if there is no such user.
    pub(crate) fn record(mut self, offer: Offer<'_>, record: Option<Credentials>) -> Next {
        let name = self.claimed.as_ref().map_or("", |claim| &claim.name);
        let record = record.unwrap_or_else(|| decoy(offer.config, name));
        match self.stage {
            Stage::ScramRecord(first) => {
                let plus = self.mechanism == Mechanism::ScramSha256Plus;
                let exporter = offer.tls.and_then(|tls| tls.exporter.clone());
                let exporter = exporter.filter(|_| offer.offers(Mechanism::ScramSha256Plus));
                match ServerScram::start(record, plus, exporter, &first) {
                    Ok((scram, challenge)) => {
                        self.stage = Stage::ScramFinal(Box::new(scram));
                        Next::Challenge(self, challenge)
                    }
                    Err(_) => Next::Failed(self.claimed.and_then(|claim| claim.user)),
                }
            }
            Stage::PlainRecord(password) => {
                self.stage = Stage::PlainVerdict;
                Next::Check(self, PasswordWork::new(password.declassify(), record))
            }
            Stage::First | Stage::ScramFinal(_) | Stage::PlainVerdict | Stage::Certificate => {
                Next::Failed(self.claimed.and_then(|claim| claim.user))
            }
        }
    }

    /// What came of [`Next::Judge`].
    pub(crate) fn certificate(self, offer: Offer<'_>, proven: bool) -> Next {
        let judged = matches!(self.stage, Stage::Certificate);
        match (offer.origin, judged && proven) {
            (Some(origin), true) => Next::Done { identity: Address::of_domain(origin), anonymous: false, data: None },
            _ => Next::Failed(self.claimed()),
        }
    }

    /// What came of [`Next::Check`].
    pub(crate) fn verdict(self, verdict: &PasswordVerdict) -> Next {
        let right = verdict.right && matches!(self.stage, Stage::PlainVerdict);
        match (self.claimed.and_then(|claim| claim.user), right) {
            (Some(identity), true) => Next::Done { identity, anonymous: false, data: None },
            (claimed, _) => Next::Failed(claimed),
        }
    }
}

/// A record that fits no password: its salt never changes for one name, as a true one's does not.
fn decoy(config: &DomainConfig, name: &str) -> Credentials {
    let part = |label: &[u8]| hmac(&config.decoy_key, &[label, b"\0", name.as_bytes()]);
    Credentials {
        iterations: config.iterations,
        salt: part(b"salt").iter().take(super::work::SALT_OCTETS).copied().collect(),
        stored_key: part(b"stored key"),
        server_key: part(b"server key"),
    }
}

/// `authzid NUL authcid NUL password`. rsasl would apply SASLprep, which is not this protocol's profile.
fn plain(data: &[u8]) -> Option<(&str, &str, &str)> {
    let mut parts = std::str::from_utf8(data).ok()?.split('\0');
    let (authzid, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    (parts.next().is_none() && !user.is_empty() && !password.is_empty()).then_some((authzid, user, password))
}

/// The certificate alone has authority; an authzid chooses among those whom it names.
fn external(offer: Offer<'_>, data: &[u8]) -> Next {
    let mut proven = offer.proven();
    let first = proven.next();
    let chosen = match std::str::from_utf8(data) {
        // Two spellings of one name are one.
        Ok("") => first.clone().filter(|first| proven.all(|other| other == *first)),
        Ok(authzid) => local(authzid).filter(|user| offer.proven().any(|other| other == *user)),
        Err(_) => None,
    };
    match chosen {
        Some(identity) => Next::Done { identity, anonymous: false, data: None },
        None => Next::Failed(first),
    }
}

fn local(authzid: &str) -> Option<Address> {
    Address::parse_url(authzid).ok().and_then(|address| address.canonical_local())
}

fn anonymous(nonce: &[u8; 32]) -> Next {
    let random = hmac(nonce, &[b"anonymous"]);
    let name: String = random.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
    match ANONYMOUS_DOMAIN.as_ref().and_then(|domain| Address::new(&name, domain).ok()) {
        Some(identity) => Next::Done { identity, anonymous: true, data: None },
        None => Next::Failed(None),
    }
}
