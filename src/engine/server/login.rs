//! AUTH on the accepting side, from HELLO until done or the third failure (SPEC §4.4).

use super::LinkOpening;
use super::Opening;
use super::ServerConfig;
use super::ServerEvent;
use super::hello::Hello;
use super::hello::Party;
use crate::engine::Mechanism;
use crate::engine::PasswordVerdict;
use crate::engine::TlsInfo;
use crate::engine::queue::Queue;
use crate::engine::sasl::server::Exchange;
use crate::engine::sasl::server::Next;
use crate::engine::sasl::server::Offer;
use crate::model::Address;
use crate::model::Answer;
use crate::model::Credentials;
use crate::model::ErrorKind;
use crate::model::Method;
use crate::model::response::error_unknown;
use crate::model::response::ok_to;
use crate::wire::Frame;
use crate::wire::Kind;
use crate::wire::Name;
use crate::wire::Writer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::time::Instant;

/// Failures of AUTH after which a connection is closed.
const FAILURES: u8 = 3;

/// A connection that is not authenticated; boxed away from those that are.
pub(super) struct Login {
    pub(super) deadline: Instant,
    pub(super) hello: Option<Hello>,
    /// Of all frames so far.
    pub(super) octets: u64,
    nonce: [u8; 32],
    failures: u8,
    stage: Stage,
}

enum Stage {
    Idle,
    /// STARTTLS was answered; no octet in the clear may follow.
    Handshake,
    /// OK with a challenge was sent.
    Challenged(Exchange),
    /// The answer to this AUTH depends on something outside.
    Judging {
        id: String,
        exchange: Exchange,
    },
    /// So does the answer to this one, whose client has proved who it is.
    Opening {
        id: String,
        identity: Address,
        mechanism: Mechanism,
        anonymous: bool,
        data: Option<Vec<u8>>,
    },
}

/// What a step of AUTH came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Still not authenticated.
    Going,
    /// The last failure was one too many.
    TooMany,
}

/// Where the answers go.
pub(super) struct Outlet<'a> {
    pub(super) config: &'a ServerConfig,
    pub(super) tls: Option<&'a TlsInfo>,
    pub(super) out: &'a mut Queue<Bytes>,
    pub(super) events: &'a mut Queue<ServerEvent>,
}

impl Login {
    pub(super) fn new(nonce: [u8; 32], deadline: Instant) -> Self {
        Self { deadline, hello: None, octets: 0, nonce, failures: 0, stage: Stage::Idle }
    }

    /// Whether frames must wait.
    pub(super) fn is_judging(&self) -> bool {
        matches!(self.stage, Stage::Judging { .. } | Stage::Opening { .. } | Stage::Handshake)
    }

    /// Whether TLS is about to begin.
    pub(super) fn is_shaking_hands(&self) -> bool {
        matches!(self.stage, Stage::Handshake)
    }

    /// An exchange under way is dropped, and so is HELLO: it comes again inside TLS.
    pub(super) fn begin_tls(&mut self) {
        self.stage = Stage::Handshake;
        self.hello = None;
    }

    /// The handshake is done.
    pub(super) fn end_tls(&mut self) {
        self.stage = Stage::Idle;
    }

    /// A HELLO that was accepted.
    pub(super) fn greet(&mut self, hello: Hello) {
        self.hello = Some(hello);
        self.stage = Stage::Idle;
    }

    /// What the connection may log in with.
    pub(super) fn offer<'a>(&'a self, config: &'a ServerConfig, tls: Option<&'a TlsInfo>) -> Option<Offer<'a>> {
        let hello = self.hello.as_ref()?;
        Some(Offer {
            domain: &hello.domain,
            config: config.domains.get(&hello.domain)?,
            origin: hello.origin(),
            peer: hello.origin().map(|origin| config.links.peer(origin)).unwrap_or_default(),
            tls,
            nonce: &self.nonce,
        })
    }

    /// An AUTH on a greeted connection.
    pub(super) fn auth(&mut self, frame: &Frame, outlet: &mut Outlet<'_>) -> Outcome {
        let data = Data::read(frame);
        let exchange = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Challenged(exchange) => Some(exchange),
            _ => None,
        };
        let id = frame.request_id().to_owned();
        let Some(offer) = self.offer(outlet.config, outlet.tls) else { return Outcome::Going };
        let next = match (frame.header(Name::Mechanism), exchange) {
            (None, None) => {
                let answer = Answer::new(ErrorKind::MalformedRequest).because("no exchange is under way: Mechanism is missing");
                refuse(&id, &answer, outlet.out);
                return Outcome::Going;
            }
            (Some(name), _) => match (Mechanism::parse(name), data) {
                (None, _) => return self.failed(&id, None, None, outlet),
                (Some(mechanism), Data::Octets(data)) => (mechanism, Exchange::start(offer, mechanism, Some(&data))),
                (Some(mechanism), Data::Absent) => (mechanism, Exchange::start(offer, mechanism, None)),
                (Some(mechanism), Data::Abort | Data::Bad) => (mechanism, Next::Failed(None)),
            },
            (None, Some(exchange)) => match data {
                Data::Octets(data) => (exchange.mechanism(), exchange.step(offer, &data)),
                Data::Absent => (exchange.mechanism(), exchange.step(offer, &[])),
                Data::Abort | Data::Bad => (exchange.mechanism(), Next::Failed(exchange.claimed())),
            },
        };
        self.go_on(id, next.0, next.1, outlet)
    }

    /// The record that was looked up.
    pub(super) fn record(&mut self, record: Option<Credentials>, outlet: &mut Outlet<'_>) -> Outcome {
        self.judged(outlet, |exchange, offer| exchange.record(offer, record))
    }

    /// The verdict on a password.
    pub(super) fn verdict(&mut self, verdict: &PasswordVerdict, outlet: &mut Outlet<'_>) -> Outcome {
        self.judged(outlet, |exchange, _| exchange.verdict(verdict))
    }

    /// Whether the peer's certificate proves its domain.
    pub(super) fn peer_judged(&mut self, proven: bool, outlet: &mut Outlet<'_>) -> Outcome {
        self.judged(outlet, |exchange, offer| exchange.certificate(offer, proven))
    }

    fn judged(&mut self, outlet: &mut Outlet<'_>, judge: impl FnOnce(Exchange, Offer<'_>) -> Next) -> Outcome {
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Judging { id, exchange } => {
                let Some(offer) = self.offer(outlet.config, outlet.tls) else { return Outcome::Going };
                let mechanism = exchange.mechanism();
                let next = judge(exchange, offer);
                self.go_on(id, mechanism, next, outlet)
            }
            stage => {
                self.stage = stage;
                Outcome::Going
            }
        }
    }

    fn go_on(&mut self, id: String, mechanism: Mechanism, next: Next, outlet: &mut Outlet<'_>) -> Outcome {
        match next {
            Next::Challenge(exchange, challenge) => {
                let ok = Writer::start(Kind::Ok, Method::Auth.as_str(), &id).header(Name::Auth, "continue");
                outlet.out.push(ok.header(Name::Data, &encode(&challenge)).finish());
                self.stage = Stage::Challenged(exchange);
            }
            Next::LookUp(exchange, user) => {
                outlet.events.push(ServerEvent::LookUp(user));
                self.stage = Stage::Judging { id, exchange };
            }
            Next::LookUpPeer(exchange, origin) => {
                outlet.events.push(ServerEvent::LookUpPeer(origin));
                self.stage = Stage::Judging { id, exchange };
            }
            Next::Judge(exchange, origin) => {
                outlet.events.push(ServerEvent::JudgePeer(origin));
                self.stage = Stage::Judging { id, exchange };
            }
            Next::Check(exchange, work) => {
                outlet.events.push(ServerEvent::CheckPassword(work));
                self.stage = Stage::Judging { id, exchange };
            }
            Next::Done { identity, anonymous, data } => {
                let Some(hello) = &self.hello else { return Outcome::Going };
                let (max_body, max_outstanding) = (hello.max_body, hello.max_outstanding);
                outlet.events.push(match &hello.party {
                    Party::Client { connection, accepts_messages, inbox } => ServerEvent::Authenticated(Opening {
                        identity: identity.clone(),
                        anonymous,
                        connection: *connection,
                        accepts_messages: *accepts_messages,
                        // Another spelling of one's own name is no other inbox.
                        inbox: inbox.clone().filter(|inbox| inbox.canonical_local().as_ref() != Some(&identity)),
                        max_body,
                        max_outstanding,
                    }),
                    Party::Domain(origin) => ServerEvent::LinkUp(LinkOpening {
                        domain: hello.domain.clone(),
                        origin: origin.clone(),
                        max_body,
                        max_outstanding,
                    }),
                });
                self.stage = Stage::Opening { id, identity, mechanism, anonymous, data };
            }
            Next::Failed(claimed) => return self.failed(&id, claimed, Some(mechanism), outlet),
        }
        Outcome::Going
    }

    /// What became of the session: `None` while there is none, else the connection is authenticated and this is its OK.
    pub(super) fn opened(&mut self, opened: Result<bool, Answer>, outlet: &mut Outlet<'_>) -> Result<Bytes, Outcome> {
        let (id, identity, mechanism, anonymous, data) = match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Opening { id, identity, mechanism, anonymous, data } => (id, identity, mechanism, anonymous, data),
            stage => {
                self.stage = stage;
                return Err(Outcome::Going);
            }
        };
        match opened {
            Ok(resumed) => Ok({
                let client = self.hello.as_ref().is_none_or(|hello| hello.origin().is_none());
                let session = client.then_some(if resumed && !anonymous { "resumed" } else { "new" });
                Writer::start(Kind::Ok, Method::Auth.as_str(), &id)
                    .header(Name::Auth, "done")
                    .header(Name::Identity, identity.as_str())
                    .maybe(Name::Session, session)
                    .maybe(Name::Data, data.map(|data| encode(&data)).as_deref())
                    .finish()
            }),
            Err(answer) if answer.kind == ErrorKind::AuthenticationFailed => {
                Err(self.failed(&id, Some(identity), Some(mechanism), outlet))
            }
            Err(answer) => {
                refuse(&id, &answer, outlet.out);
                Err(Outcome::Going)
            }
        }
    }

    /// Every failure has the same octets.
    fn failed(&mut self, id: &str, claimed: Option<Address>, mechanism: Option<Mechanism>, outlet: &mut Outlet<'_>) -> Outcome {
        self.failures += 1;
        self.stage = Stage::Idle;
        refuse(id, &Answer::new(ErrorKind::AuthenticationFailed), outlet.out);
        outlet.events.push(ServerEvent::LoginFailed { claimed, mechanism });
        if self.failures < FAILURES { Outcome::Going } else { Outcome::TooMany }
    }
}

fn refuse(id: &str, answer: &Answer, out: &mut Queue<Bytes>) {
    out.push(answer.write(error_unknown(Some((Method::Auth.as_str(), id)))).finish());
}

/// An empty value means no data at all, so an empty challenge has a sign of its own.
fn encode(data: &[u8]) -> String {
    if data.is_empty() { "=".to_owned() } else { STANDARD.encode(data) }
}

/// The `Data` header of AUTH.
enum Data {
    Absent,
    Octets(Vec<u8>),
    Abort,
    Bad,
}

impl Data {
    fn read(frame: &Frame) -> Self {
        match frame.header(Name::Data) {
            None => Self::Absent,
            Some("=") => Self::Octets(Vec::new()),
            Some("*") => Self::Abort,
            Some("") => Self::Bad,
            Some(text) => STANDARD.decode(text).map_or(Self::Bad, Self::Octets),
        }
    }
}

/// OK to a session request that has nothing to say.
pub(super) fn ok(frame: &Frame) -> Bytes {
    ok_to(frame).finish()
}
