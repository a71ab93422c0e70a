//! How far a connection has come before strange octets arrive, and what must hold when they have.

use super::relay::{DOMAIN, OTHER, Relay, address, b64, certificate};
use impp::engine::End;
use impp::service::ConnectionKey;
use impp::wire::{Frame, Kind, Name};

macro_rules! states {
    ($($state:ident)*) => {
        /// How far a connection has come.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum State { $($state),* }

        impl State {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$state),*];
        }
    };
}

states! {
    // A client's.
    Fresh InTls Greeted Challenged Failed Handshake Open Subscribed InHead InBody InLongBody TooLong Busy Leaving Gone Anonymous
    // Another domain's.
    LinkGreeted LinkChallenged LinkUp LinkInBody LinkLeaving
}

impl State {
    pub(crate) fn is_link(self) -> bool {
        matches!(self, Self::LinkGreeted | Self::LinkChallenged | Self::LinkUp | Self::LinkInBody | Self::LinkLeaving)
    }
}

/// One request of alice, or of bob at the other domain.
fn request(link: bool, method: &str, more: &str) -> String {
    let (from, connection) =
        if link { (format!("impp://{OTHER}/bob"), "c9") } else { (address("alice").as_str().to_owned(), "c1") };
    format!("{method} before impp/1.0\nFrom: {from}\nConnection-ID: {connection}\nTarget: {}\n{more}", address("bob").as_str())
}

/// A connection that has come so far; what was said to it until then is taken away.
pub(crate) fn bring(relay: &mut Relay, state: State) -> ConnectionKey {
    let tls = !matches!(state, State::Fresh | State::Handshake);
    let key = relay.connect(certificate(Some("alice")), tls);
    let origin = match state {
        State::LinkChallenged => "Origin-Domain: peer.test\n".to_owned(),
        state if state.is_link() => format!("Origin-Domain: {OTHER}\n"),
        _ => "Connection-ID: c1\nAccept: messages\n".to_owned(),
    };
    if !matches!(state, State::Fresh | State::InTls) {
        relay.hear_text(key, &format!("HELLO h impp/1.0\nDomain: {DOMAIN}\n{origin}\n"));
    }
    let external = "AUTH a impp/1.0\nMechanism: EXTERNAL\nData: =\n\n";
    let link = state.is_link();
    match state {
        State::Fresh | State::InTls | State::Greeted | State::LinkGreeted => {}
        State::Challenged | State::LinkChallenged => {
            let user = if link { "peer.test" } else { "alice" };
            let data = b64(format!("p=tls-exporter,,n={user},r=abcdef"));
            relay.hear_text(key, &format!("AUTH a impp/1.0\nMechanism: SCRAM-SHA-256-PLUS\nData: {data}\n\n"));
        }
        State::Failed => {
            for _ in 0..2 {
                relay.hear_text(key, &format!("AUTH a impp/1.0\nMechanism: PLAIN\nData: {}\n\n", b64("\0alice\0wrong")));
            }
        }
        State::Handshake => relay.hear_text(key, "STARTTLS s impp/1.0\n\n"),
        State::Anonymous => relay.hear_text(key, "AUTH a impp/1.0\nMechanism: ANONYMOUS\nData: =\n\n"),
        _ => relay.hear_text(key, external),
    }
    match state {
        State::Subscribed => relay.hear_text(key, &(request(link, "SUBSCRIBE", "") + "\n")),
        State::InHead => relay.hear_text(key, "FETCH 1 impp/1.0\nFrom: impp://exa"),
        State::InBody | State::LinkInBody => {
            let more = "Message-ID: <b@x>\nContent-Type: message/rfc822\nContent-Length: 100\n\nFrom: ";
            relay.hear_text(key, &request(link, "SEND", more));
        }
        State::InLongBody => {
            let more = "Message-ID: <b@x>\nContent-Type: message/rfc822\nContent-Length: 99999\n\n";
            relay.hear_text(key, &request(link, "SEND", more));
        }
        State::TooLong => {
            let more = "Message-ID: <b@x>\nContent-Type: message/rfc822\nContent-Length: 100001\n\n";
            relay.hear_text(key, &request(link, "SEND", more));
        }
        State::Busy => {
            // To a domain that cannot be reached: the answer takes its time, or never comes.
            relay.hear_text(
                key,
                &format!(
                    "FETCH f impp/1.0\nFrom: {}\nConnection-ID: c1\nTarget: impp://far.test/x\n\n",
                    address("alice").as_str()
                ),
            );
        }
        State::Leaving => {
            relay.hear_text(
                key,
                &format!(
                    "FETCH f impp/1.0\nFrom: {}\nConnection-ID: c1\nTarget: impp://far.test/x\n\n",
                    address("alice").as_str()
                ),
            );
            relay.hear_text(key, "BYE b impp/1.0\n\n");
        }
        State::Gone | State::LinkLeaving => relay.hear_text(key, "BYE b impp/1.0\n\n"),
        _ => {}
    }
    relay.said(key);
    key
}

/// What was said is whole frames, each of them short, and the last of them is what the end demands.
pub(crate) fn judge(said: &[Frame], end: Option<End>) -> Result<(), String> {
    let last = said.last().map(|frame| (frame.kind(), frame.method(), frame.header(Name::Error)));
    let right = match end {
        None | Some(End::Eof | End::Idle | End::AuthTimeout | End::MalformedResponse(_) | End::PlaintextBehindStartTls) => true,
        Some(End::Flood | End::TooLarge { answered: false }) => true,
        Some(End::Malformed(_)) => {
            matches!(last, Some((Kind::Error, _, Some("malformed-request" | "version-not-supported"))))
        }
        Some(End::TooLarge { answered: true }) => matches!(last, Some((Kind::Error, _, Some("message-too-large")))),
        Some(End::TooManyFailures) => matches!(last, Some((Kind::Error, "AUTH", Some("authentication-failed")))),
        // Either it answered BYE, or its own was.
        Some(End::Bye) => said.is_empty() || matches!(last, Some((Kind::Ok | Kind::Request, "BYE", _))),
        Some(_) => false,
    };
    if right { Ok(()) } else { Err(format!("{end:?} behind {last:?}")) }
}
