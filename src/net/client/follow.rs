//! Following a target that has moved (SPEC §5.10): at most five times, never twice to the same address; to other domains
//! by way of one's own server, and so not as nobody.

use super::content::{Fetched, Message, Sent, Subscribed};
use super::{Client, Error};
use crate::model::{Address, ErrorKind};
use crate::wire::Name;
use std::time::Duration;

/// Forwardings that are followed.
const FORWARDINGS: usize = 5;

impl Client {
    /// [`Client::send`], to wherever the target has moved; comes back with the address that it went to.
    ///
    /// # Errors
    /// Also [`Error::MovedAway`] and [`Error::MovedTooOften`].
    pub async fn send_following(&self, to: &Address, message: &Message) -> Result<(Address, Sent), Error> {
        follow(self.trail(to), async |to| self.send(to, message).await).await
    }

    /// [`Client::fetch`], from wherever the target has moved.
    ///
    /// # Errors
    /// Also [`Error::MovedAway`] and [`Error::MovedTooOften`].
    pub async fn fetch_following(&self, target: &Address) -> Result<(Address, Fetched), Error> {
        follow(self.trail(target), async |target| self.fetch(target).await).await
    }

    /// [`Client::subscribe`], to wherever the target has moved.
    ///
    /// # Errors
    /// Also [`Error::MovedAway`] and [`Error::MovedTooOften`].
    pub async fn subscribe_following(&self, target: &Address, lease: Option<Duration>) -> Result<(Address, Subscribed), Error> {
        follow(self.trail(target), async |target| self.subscribe(target, lease).await).await
    }

    fn trail(&self, start: &Address) -> Trail {
        Trail::new(start, self.options().stays())
    }
}

async fn follow<T>(mut trail: Trail, ask: impl AsyncFn(&Address) -> Result<T, Error>) -> Result<(Address, T), Error> {
    loop {
        match ask(trail.here()).await {
            Ok(answer) => return Ok((trail.here().clone(), answer)),
            Err(error) => trail.follow(error)?,
        }
    }
}

/// Where a request has been.
#[derive(Debug)]
pub(super) struct Trail {
    start: Address,
    moved: Vec<Address>,
    /// Only within the domain of the start.
    stays: bool,
}

impl Trail {
    pub(super) fn new(start: &Address, stays: bool) -> Self {
        Self { start: start.clone(), moved: Vec::new(), stays }
    }

    pub(super) fn here(&self) -> &Address {
        self.moved.last().unwrap_or(&self.start)
    }

    /// One step further, if the error says where to and that may be followed.
    pub(super) fn follow(&mut self, error: Error) -> Result<(), Error> {
        let Error::Refused(answer) = &error else { return Err(error) };
        if !matches!(answer.kind, ErrorKind::TemporarilyForwarded | ErrorKind::PermanentlyForwarded) {
            return Err(error);
        }
        let location = match &answer.detail {
            Some((Name::Location, text)) => Address::parse_url(text).ok().filter(|to| !to.is_domain()),
            _ => None,
        };
        let Some(to) = location else { return Err(Error::BadAnswer(Name::Location)) };
        if self.stays && to.domain_str() != self.start.domain_str() {
            return Err(Error::MovedAway(to));
        }
        if self.moved.len() >= FORWARDINGS || to == self.start || self.moved.contains(&to) {
            return Err(Error::MovedTooOften(to));
        }
        self.moved.push(to);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Answer;

    /// Follows a table of forwardings and tells the last address, or why there is none.
    async fn walk(table: &[(&str, &str)], stays: bool) -> String {
        let address = |text: &str| Address::parse(text).unwrap();
        let outcome = follow(Trail::new(&address("a@x.test"), stays), async |at| {
            match table.iter().find(|(from, _)| address(from) == *at) {
                Some((_, "")) => Err(Error::Refused(Answer::new(ErrorKind::PermanentlyForwarded))),
                Some((_, to)) => {
                    let answer = Answer::new(ErrorKind::TemporarilyForwarded);
                    Err(Error::Refused(answer.with(Name::Location, address(to).as_str())))
                }
                None => Ok(()),
            }
        });
        outcome.await.map_or_else(|error| error.to_string(), |(at, ())| at.to_email())
    }

    #[tokio::test]
    async fn moves_are_followed_within_reason() {
        let [a, b, c, d, e, f, g] = ["a", "b", "c", "d", "e", "f", "g"].map(|user| format!("{user}@x.test"));
        let long = [(&a, &b), (&b, &c), (&c, &d), (&d, &e), (&e, &f), (&f, &g)].map(|(from, to)| (from.as_str(), to.as_str()));
        let rows: &[(&[(&str, &str)], &str)] = &[
            (&[], "a@x.test"),
            (&long[..1], "b@x.test"),
            (&long[..5], "f@x.test"),
            (&long, "the address has moved too often; the last is g@x.test"),
            (&[(&a, &b), (&b, &a)], "the address has moved too often; the last is a@x.test"),
            (&[(&a, &a)], "the address has moved too often; the last is a@x.test"),
            (&[(&a, "b@y.test"), ("b@y.test", "c@z.test")], "c@z.test"),
            (&[(&a, "")], "the server's answer has no sensible Location"),
        ];
        for (table, expected) in rows {
            assert_eq!(walk(table, false).await, *expected, "{table:?}");
        }
        let within = [(a.as_str(), b.as_str())];
        assert_eq!(walk(&within, true).await, b);
        let away = [(a.as_str(), "b@y.test")];
        assert_eq!(walk(&away, true).await, "the address has moved to b@y.test, in another domain");
    }
}
