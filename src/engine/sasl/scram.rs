//! The only place that calls rsasl: one SCRAM exchange of either side, guarded.
//!
//! What rsasl must be protected from: it panics on malformed messages and when stepped after an error, so messages pass
//! [`super::scram_grammar`] first, every step runs inside `catch_unwind`, and an exchange is consumed by its failure. It
//! draws its own nonces (from the operating system): the one randomness of an engine that is no argument.

use super::scram_grammar as grammar;
use super::work;
use crate::model::Credentials;
use crate::model::Secret;
use rsasl::callback::Context;
use rsasl::callback::Request;
use rsasl::callback::SessionCallback;
use rsasl::callback::SessionData;
use rsasl::config::SASLConfig;
use rsasl::mechanisms::scram::SCRAM_SHA256;
use rsasl::mechanisms::scram::SCRAM_SHA256_PLUS;
use rsasl::mechanisms::scram::properties::Iterations;
use rsasl::mechanisms::scram::properties::Salt;
use rsasl::mechanisms::scram::properties::SaltedPassword;
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::prelude::ChannelBindingCallback;
use rsasl::prelude::Mechanism as Registered;
use rsasl::prelude::Mechname;
use rsasl::prelude::Registry;
use rsasl::prelude::SASLClient;
use rsasl::prelude::SASLServer;
use rsasl::prelude::Session;
use rsasl::prelude::SessionError;
use rsasl::prelude::State;
use rsasl::prelude::Validation;
use rsasl::property::AuthId;
use rsasl::validate::NoValidation;
use rsasl::validate::Validate;
use rsasl::validate::ValidationError;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use zeroize::Zeroize;

/// A server decides from its list, not from the connection, whether it knows channel binding: hence two lists.
static WITH_BINDING: &[Registered] = &[SCRAM_SHA256_PLUS, SCRAM_SHA256];
static WITHOUT_BINDING: &[Registered] = &[SCRAM_SHA256];

/// Why a step failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The message, the proof or the binding is wrong.
    Refused,
    /// rsasl panicked; the grammar let something through that it should not.
    Panicked,
}

struct Exporter(Option<Vec<u8>>);

impl ChannelBindingCallback for Exporter {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        self.0.as_deref().filter(|_| name == grammar::BINDING)
    }
}

fn step<V: Validation>(session: &mut Session<V, Exporter>, input: Option<&[u8]>) -> Result<(State, Vec<u8>), Failed> {
    let mut out = Vec::new();
    match catch_unwind(AssertUnwindSafe(|| session.step(input, &mut out))) {
        Ok(Ok(state)) => Ok((state, out)),
        Ok(Err(_)) => Err(Failed::Refused),
        Err(_) => Err(Failed::Panicked),
    }
}

fn mechname(binding: bool) -> &'static Mechname {
    if binding { SCRAM_SHA256_PLUS.mechanism } else { SCRAM_SHA256.mechanism }
}

/// The server's half, after client-first.
pub(super) struct ServerScram {
    session: Session<Proved, Exporter>,
}

/// Set by rsasl when, and only when, the proof is right: a wrong one too ends with `Finished`.
struct Proved;

impl Validation for Proved {
    type Value = ();
}

struct Record(Credentials);

impl SessionCallback for Record {
    fn callback(&self, _: &SessionData, _: &Context<'_>, request: &mut Request<'_>) -> Result<(), SessionError> {
        let Self(kept) = self;
        if request.is::<ScramStoredPassword<'_>>() {
            let record = ScramStoredPassword::new(kept.iterations, &kept.salt, &kept.stored_key, &kept.server_key);
            request.satisfy::<ScramStoredPassword<'_>>(&record)?;
        }
        Ok(())
    }

    fn validate(&self, _: &SessionData, _: &Context<'_>, validate: &mut Validate<'_>) -> Result<(), ValidationError> {
        validate.with::<Proved, _>(|| Ok(()))?;
        Ok(())
    }
}

impl ServerScram {
    /// Starts with a client-first that [`grammar::client_first`] accepted; gives server-first.
    pub(super) fn start(
        record: Credentials,
        plus: bool,
        exporter: Option<Vec<u8>>,
        client_first: &[u8],
    ) -> Result<(Self, Vec<u8>), Failed> {
        let list = if exporter.is_some() { WITH_BINDING } else { WITHOUT_BINDING };
        let config = SASLConfig::builder().with_registry(Registry::with_mechanisms(list)).with_callback(Record(record));
        let config = config.map_err(|_| Failed::Refused)?;
        let server = SASLServer::<Proved, Exporter>::with_cb(config, Exporter(exporter));
        let mut session = server.start_suggested(mechname(plus)).map_err(|_| Failed::Refused)?;
        let (_, server_first) = step(&mut session, Some(client_first))?;
        Ok((Self { session }, server_first))
    }

    /// Judges client-final; gives server-final.
    pub(super) fn finish(mut self, client_final: &[u8]) -> Result<Vec<u8>, Failed> {
        if !grammar::is_client_final(client_final) {
            return Err(Failed::Refused);
        }
        let (state, server_final) = step(&mut self.session, Some(client_final))?;
        match (state, self.session.validation()) {
            (State::Finished(_), Some(())) => Ok(server_final),
            _ => Err(Failed::Refused),
        }
    }
}

/// What the client says about channel binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bind {
    /// With these octets.
    Exporter(Vec<u8>),
    /// The server is known not to offer it, though we could.
    NotOffered,
    /// No.
    None,
}

/// The client's half.
pub(super) struct ClientScram {
    session: Session<NoValidation, Exporter>,
}

struct Password {
    user: String,
    prepared: Secret,
    could_bind: bool,
}

impl SessionCallback for Password {
    fn callback(&self, _: &SessionData, context: &Context<'_>, request: &mut Request<'_>) -> Result<(), SessionError> {
        if request.is::<AuthId>() {
            request.satisfy::<AuthId>(&self.user)?;
        }
        // Asked for before the password itself, which rsasl would hash without OpaqueString and however often it is told.
        if request.is::<SaltedPassword>()
            && let (Some(count), Some(salt)) = (context.get_ref::<Iterations>(), context.get_ref::<Salt>())
        {
            let mut salted = work::salted(&self.prepared, *count, salt);
            request.satisfy::<SaltedPassword>(&salted)?;
            salted.zeroize();
        }
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        self.could_bind
    }
}

impl ClientScram {
    /// Gives client-first.
    pub(super) fn start(user: &str, prepared: Secret, bind: Bind) -> Result<(Self, Vec<u8>), Failed> {
        let (plus, could_bind, exporter) = match bind {
            Bind::Exporter(octets) => (true, true, Some(octets)),
            Bind::NotOffered => (false, true, None),
            Bind::None => (false, false, None),
        };
        let list = if plus { WITH_BINDING } else { WITHOUT_BINDING };
        let callback = Password { user: user.to_owned(), prepared, could_bind };
        let config = SASLConfig::builder().with_registry(Registry::with_mechanisms(list)).with_callback(callback);
        let client = SASLClient::with_cb(config.map_err(|_| Failed::Refused)?, Exporter(exporter));
        let mut session = client.start_suggested(&[mechname(plus)]).map_err(|_| Failed::Refused)?;
        let (_, client_first) = step(&mut session, None)?;
        Ok((Self { session }, client_first))
    }

    /// Answers a server-first that [`grammar::server_first`] accepted, with a count that the caller accepted.
    pub(super) fn answer(&mut self, server_first: &[u8]) -> Result<Vec<u8>, Failed> {
        step(&mut self.session, Some(server_first)).map(|(_, client_final)| client_final)
    }

    /// Judges server-final: only after this may anything of the server be believed.
    pub(super) fn finish(mut self, server_final: &[u8]) -> Result<(), Failed> {
        if !grammar::is_server_final(server_final) {
            return Err(Failed::Refused);
        }
        match step(&mut self.session, Some(server_final))? {
            (State::Finished(_), _) => Ok(()),
            (State::Running, _) => Err(Failed::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sasl::work::derive;
    use crate::engine::sasl::work::prepare;
    use proptest::prelude::any;
    use proptest::prelude::prop_oneof;
    use proptest::proptest;
    use proptest::strategy::Strategy;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn record(password: &str) -> Credentials {
        derive(&secret(password), 4096, b"0123456789abcdef").unwrap()
    }

    fn client(password: &str, bind: Bind) -> (ClientScram, Vec<u8>) {
        ClientScram::start("a,b=c", prepare(password).unwrap(), bind).unwrap()
    }

    #[test]
    fn the_right_password_proves_both_sides() {
        for bind in [Bind::None, Bind::NotOffered, Bind::Exporter(vec![9; 32])] {
            let exporter = match &bind {
                Bind::Exporter(octets) => Some(octets.clone()),
                _ => None,
            };
            let (mut client, first) = client("pencil", bind);
            let (server, challenge) = ServerScram::start(record("pencil"), exporter.is_some(), exporter, &first).unwrap();
            let last = client.answer(&challenge).unwrap();
            let proof = server.finish(&last).unwrap();
            assert_eq!(client.finish(&proof), Ok(()));
        }
    }

    #[test]
    fn a_finished_exchange_is_not_yet_a_right_password() {
        let (mut client, first) = client("pencil", Bind::None);
        let (server, challenge) = ServerScram::start(record("other"), false, None, &first).unwrap();
        let last = client.answer(&challenge).unwrap();
        assert_eq!(server.finish(&last), Err(Failed::Refused));
    }

    #[test]
    fn the_flag_follows_from_what_is_known() {
        let flag = |bind| client("x", bind).1;
        assert!(flag(Bind::None).starts_with(b"n,,n=a=2Cb=3Dc,r="));
        assert!(flag(Bind::NotOffered).starts_with(b"y,,"));
        assert!(flag(Bind::Exporter(vec![1; 32])).starts_with(b"p=tls-exporter,,"));
    }

    #[test]
    fn a_binding_of_another_connection_fails() {
        let (mut client, first) = client("pencil", Bind::Exporter(vec![1; 32]));
        let (server, challenge) = ServerScram::start(record("pencil"), true, Some(vec![2; 32]), &first).unwrap();
        let last = client.answer(&challenge).unwrap();
        assert_eq!(server.finish(&last), Err(Failed::Refused));
    }

    #[test]
    fn a_server_without_the_record_is_not_believed() {
        let (mut client, first) = client("pencil", Bind::None);
        let (_, challenge) = ServerScram::start(record("pencil"), false, None, &first).unwrap();
        client.answer(&challenge).unwrap();
        let forged = format!("v={}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [1; 32]));
        assert_eq!(client.finish(forged.as_bytes()), Err(Failed::Refused));
    }

    fn almost(parts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            4 => proptest::sample::select(parts).prop_map(|text| text.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..6),
        ];
        proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_passes_the_grammar_makes_the_server_panic(
            first in almost(&["n", "y", ",", ",,", "p=tls-exporter", "a=x", "n=x", "r=y", "=2C", "m=1"]),
            last in almost(&["c=", "biws", ",", "r=", "y", "p=", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]),
            plus: bool,
        ) {
            let exporter = plus.then(|| vec![1; 32]);
            let first = if grammar::client_first(&first).is_some() { first } else { b"n,,n=x,r=y".to_vec() };
            match ServerScram::start(record_of_no_work(), plus, exporter, &first) {
                Ok((server, _)) => assert_ne!(server.finish(&last), Err(Failed::Panicked)),
                Err(failed) => assert_eq!(failed, Failed::Refused),
            }
        }

        #[test]
        fn nothing_that_passes_the_grammar_makes_the_client_panic(
            first in almost(&["r=", "y", ",", "s=", "AAAA", "i=", "1"]),
            last in almost(&["v=", "e=", ",", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]),
        ) {
            let (mut client, own) = client("x", Bind::None);
            let own = String::from_utf8(own).unwrap();
            let own = own.split_once(",r=").unwrap().1.to_owned();
            if grammar::server_first(&first).is_some_and(|count| count < 100) {
                assert_ne!(client.answer(&first), Err(Failed::Panicked));
                return Ok(());
            }
            client.answer(format!("r={own}zz,s=AAAA,i=1").as_bytes()).unwrap();
            assert_ne!(client.finish(&last), Err(Failed::Panicked));
        }
    }

    fn record_of_no_work() -> Credentials {
        Credentials { iterations: 4096, salt: vec![1; 16], stored_key: [1; 32], server_key: [2; 32] }
    }
}
