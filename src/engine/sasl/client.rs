//! The client's half of AUTH: which mechanism, what to send, and whether the server proved itself.

use super::Mechanism;
use super::scram::Bind;
use super::scram::ClientScram;
use super::scram_grammar as grammar;
use super::work;
use crate::engine::client::ClientRefusal;
use crate::engine::client::Login;
use crate::model::Address;
use crate::model::Secret;
use std::ops::RangeInclusive;

/// Iteration counts that a client takes part in: fewer protect too little, more are an attack on its processor.
pub const ITERATIONS: RangeInclusive<u64> = 4096..=1_000_000;

/// What the choice depends on.
pub(crate) struct Choice<'a> {
    pub(crate) login: &'a Login,
    pub(crate) pinned: Option<Mechanism>,
    pub(crate) tls: bool,
    /// Whether that TLS proved who the server is.
    pub(crate) verified: bool,
    pub(crate) exporter: Option<&'a [u8]>,
    /// The server's list; `None` while it is not known.
    pub(crate) offered: Option<&'a [Mechanism]>,
}

impl Choice<'_> {
    /// The best mechanism that fits; `None` if there is none.
    ///
    /// PLAIN hands the password itself over: only to a server that was verified, and only if it knows nothing better or
    /// the user insists.
    pub(crate) fn mechanism(&self) -> Option<Mechanism> {
        let shared = matches!(self.login, Login::Domain { secret: Some(_), .. });
        let fits = |mechanism: &Mechanism| {
            let login = match mechanism {
                Mechanism::ScramSha256Plus => (shared || matches!(self.login, Login::Password { .. })) && self.exporter.is_some(),
                // Between domains TLS without channel binding is not enough, or there is none by agreement.
                Mechanism::ScramSha256 => matches!(self.login, Login::Password { .. }) || (shared && !self.tls),
                Mechanism::Plain => {
                    let insisted = self.pinned == Some(Mechanism::Plain);
                    matches!(self.login, Login::Password { .. }) && self.tls && self.verified && (insisted || self.only_plain())
                }
                Mechanism::External => matches!(self.login, Login::External(_) | Login::Domain { secret: None, .. }) && self.tls,
                Mechanism::Anonymous => matches!(self.login, Login::Anonymous),
            };
            let offered = self.offered.is_none_or(|list| list.contains(mechanism));
            login && offered && self.pinned.is_none_or(|pinned| pinned == *mechanism)
        };
        Mechanism::ALL.into_iter().find(fits)
    }

    fn only_plain(&self) -> bool {
        self.offered.is_some_and(|list| !list.contains(&Mechanism::ScramSha256) && !list.contains(&Mechanism::ScramSha256Plus))
    }

    fn bind(&self, mechanism: Mechanism) -> Bind {
        let plus_offered = self.offered.map(|list| list.contains(&Mechanism::ScramSha256Plus));
        match (mechanism, self.exporter, plus_offered) {
            (Mechanism::ScramSha256Plus, Some(octets), _) => Bind::Exporter(octets.to_vec()),
            (_, Some(_), Some(false)) => Bind::NotOffered,
            _ => Bind::None,
        }
    }
}

/// An exchange between two steps.
pub(crate) struct Exchange {
    stage: Stage,
}

enum Stage {
    /// This mechanism has no more to say.
    Spoken,
    ScramFirst(Box<ClientScram>),
    ScramFinal(Box<ClientScram>),
}

impl Exchange {
    /// Starts with `mechanism`; gives the data of the first AUTH.
    pub(crate) fn start(choice: &Choice<'_>, mechanism: Mechanism) -> Result<(Self, Vec<u8>), ClientRefusal> {
        let spoken = |data| Ok((Self { stage: Stage::Spoken }, data));
        match (mechanism, choice.login) {
            (Mechanism::Anonymous, Login::Anonymous) => spoken(Vec::new()),
            (Mechanism::External, Login::External(user)) => spoken(user.as_str().as_bytes().to_vec()),
            (Mechanism::External, Login::Domain { origin, .. }) => {
                spoken(Address::of_domain(origin).as_str().as_bytes().to_vec())
            }
            (Mechanism::ScramSha256 | Mechanism::ScramSha256Plus, Login::Domain { origin, secret: Some(secret) }) => {
                Self::scram(origin.as_str(), secret, choice.bind(mechanism))
            }
            (Mechanism::Plain, Login::Password { user, secret }) => {
                let password = work::prepare(secret.declassify()).map_err(|_| ClientRefusal::Password)?;
                spoken(plain(user, &password))
            }
            (Mechanism::ScramSha256 | Mechanism::ScramSha256Plus, Login::Password { user, secret }) => {
                Self::scram(&user.user(), secret, choice.bind(mechanism))
            }
            _ => Err(ClientRefusal::NoMechanism(Vec::new())),
        }
    }

    fn scram(name: &str, secret: &Secret, bind: Bind) -> Result<(Self, Vec<u8>), ClientRefusal> {
        let password = work::prepare(secret.declassify()).map_err(|_| ClientRefusal::Password)?;
        let (scram, first) = ClientScram::start(name, password, bind).map_err(|_| ClientRefusal::BadAnswer)?;
        Ok((Self { stage: Stage::ScramFirst(Box::new(scram)) }, first))
    }

    /// Whether what was sent last is the last AUTH of this exchange.
    pub(crate) fn is_last(&self) -> bool {
        !matches!(self.stage, Stage::ScramFirst(_))
    }

    /// Answers a challenge.
    pub(crate) fn step(self, challenge: &[u8]) -> Result<(Self, Vec<u8>), ClientRefusal> {
        let Stage::ScramFirst(mut scram) = self.stage else { return Err(ClientRefusal::BadAnswer) };
        let count = grammar::server_first(challenge).ok_or(ClientRefusal::BadAnswer)?;
        if !ITERATIONS.contains(&count) {
            return Err(ClientRefusal::Iterations(count));
        }
        let last = scram.answer(challenge).map_err(|_| ClientRefusal::BadAnswer)?;
        Ok((Self { stage: Stage::ScramFinal(scram) }, last))
    }

    /// Judges what came with success.
    pub(crate) fn finish(self, data: Option<&[u8]>) -> Result<(), ClientRefusal> {
        match (self.stage, data) {
            (Stage::Spoken, _) => Ok(()),
            (Stage::ScramFinal(scram), Some(data)) => scram.finish(data).map_err(|_| ClientRefusal::ServerNotProven),
            _ => Err(ClientRefusal::ServerNotProven),
        }
    }
}

fn plain(user: &Address, password: &Secret) -> Vec<u8> {
    ["\0", &user.user(), "\0", password.declassify()].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Login {
        Login::Password { user: Address::parse("alice@example.org").unwrap(), secret: Secret::new("pencil".into()) }
    }

    #[test]
    fn the_best_mechanism_that_fits() {
        use Mechanism::{Anonymous, External, Plain, ScramSha256, ScramSha256Plus};
        let all: &[Mechanism] = &[ScramSha256Plus, ScramSha256, Plain];
        type Row<'a> = (Option<&'a [Mechanism]>, bool, bool, Option<Mechanism>, Option<Mechanism>);
        let rows: &[Row<'_>] = &[
            // offered, tls, exporter, pinned -> chosen
            (None, true, true, None, Some(ScramSha256Plus)),
            (None, true, false, None, Some(ScramSha256)),
            (Some(all), true, true, None, Some(ScramSha256Plus)),
            (Some(all), true, false, None, Some(ScramSha256)),
            (Some(&[ScramSha256, Plain]), true, true, None, Some(ScramSha256)),
            (Some(&[Plain]), true, true, None, Some(Plain)),
            (Some(&[Plain]), false, false, None, None),
            (Some(all), true, true, Some(Plain), Some(Plain)),
            (Some(all), false, false, Some(Plain), None),
            (Some(&[External, Anonymous]), true, true, None, None),
            (Some(&[]), true, true, None, None),
            (None, true, false, Some(ScramSha256Plus), None),
        ];
        for (offered, tls, exporter, pinned, chosen) in rows {
            let exporter = exporter.then_some([1_u8; 32]);
            let login = alice();
            let choice = Choice {
                login: &login,
                pinned: *pinned,
                tls: *tls,
                verified: true,
                exporter: exporter.as_ref().map(|octets| &octets[..]),
                offered: *offered,
            };
            assert_eq!(choice.mechanism(), *chosen, "{offered:?} tls {tls} pinned {pinned:?}");
            let anyone = Choice { verified: false, ..choice };
            assert_eq!(anyone.mechanism(), chosen.filter(|chosen| *chosen != Plain), "{offered:?} not verified");
        }
    }

    #[test]
    fn iteration_counts_outside_the_range_are_not_computed() {
        for (count, refused) in [(1, true), (4095, true), (4096, false), (1_000_001, true), (4_294_967_295, true)] {
            let login = alice();
            let choice = Choice { login: &login, pinned: None, tls: false, verified: true, exporter: None, offered: None };
            let (exchange, first) = Exchange::start(&choice, Mechanism::ScramSha256).unwrap();
            let first = String::from_utf8(first).unwrap();
            let nonce = first.rsplit_once("r=").unwrap().1;
            let challenge = format!("r={nonce}xyz,s=AAAA,i={count}");
            let outcome = exchange.step(challenge.as_bytes()).map(|_| ());
            assert_eq!(outcome, if refused { Err(ClientRefusal::Iterations(count)) } else { Ok(()) });
        }
    }

    #[test]
    fn success_without_the_servers_proof_is_no_success() {
        let login = alice();
        let choice = Choice { login: &login, pinned: None, tls: false, verified: true, exporter: None, offered: None };
        let (exchange, _) = Exchange::start(&choice, Mechanism::ScramSha256).unwrap();
        assert_eq!(exchange.finish(None), Err(ClientRefusal::ServerNotProven));
    }
}
