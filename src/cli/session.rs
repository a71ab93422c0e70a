//! One session of a tool: opened from options and account, its requests repeated as the person asked, ended with BYE.

use super::account::{Account, Login};
use super::args::{Common, TlsChoice};
use super::deadline::Deadline;
use super::exit::{Exit, Failure, Outcome};
use super::print::Printer;
use super::run::Stop;
use super::trouble::Trouble;
use super::units;
use crate::model::{Acl, Address, Domain, Version, watchers::Watchers};
use crate::net::client::{Change, ChangeDone, Client, Error, Fetched, Message, Options, Sent, Steady};
use crate::net::connect::{ConnectError, Family, TlsKind};
use crate::net::dns::Resolver;
use crate::net::random;
use crate::net::tls::{Identity, Trust, files};
use crate::net::trace::Sink;
use std::cell::OnceCell;
use std::path::Path;
use std::sync::Mutex as Lock;
use std::time::Duration;
use tokio::sync::Mutex;

/// The whole run of a one-shot tool.
const ONE_SHOT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A server that says nothing any more has so long to hear BYE.
const PARTING: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long a run may last where `--timeout` says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Half a minute.
    OneShot,
    /// As long as it takes.
    Long,
}

/// What is needed to open a session.
#[derive(Clone, Debug)]
pub struct Open<'a> {
    common: &'a Common,
    account: &'a Account,
    out: &'a Printer,
    towards: Option<Domain>,
    retries: u32,
    deadline: Deadline,
}

impl<'a> Open<'a> {
    /// From options and account.
    #[must_use]
    pub fn new(common: &'a Common, account: &'a Account, out: &'a Printer) -> Self {
        let (retries, deadline) = (common.patience.retry.unwrap_or(0), account.deadline);
        Self { common, account, out, towards: None, retries, deadline }
    }

    /// The domain that nobody in particular connects to.
    #[must_use]
    pub fn towards(self, address: &Address) -> Self {
        Self { towards: Some(address.domain()), ..self }
    }

    /// Who logs in; `None`: nobody.
    #[must_use]
    pub fn user(&self) -> Option<&Address> {
        self.account.user()
    }

    /// How often to try again where `--retry` says nothing.
    #[must_use]
    pub fn retries(self, otherwise: u32) -> Self {
        Self { retries: self.common.patience.retry.unwrap_or(otherwise), ..self }
    }

    /// The whole run's, if `--timeout` sets one. Without it reading and waiting for others is as long as it is, and half a
    /// minute is for the server.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The same with the whole time from now on, after a person has taken theirs.
    #[must_use]
    pub fn anew(self) -> Self {
        Self { deadline: Deadline::after(self.common.patience.timeout), ..self }
    }

    /// The client's settings. Reads certificates.
    ///
    /// # Errors
    /// 64, 66 or 78.
    pub fn options(&self) -> Outcome<Options> {
        let unusable = |error| Trouble::from(Error::Files(error)).doing("use the certificates");
        let identity = match &self.account.certificate {
            Some((certificate, key)) => Some(Identity::read(certificate, key).map_err(unusable)?),
            None => None,
        };
        let mut options = match (&self.account.login, identity) {
            (Login::Password(user, secret), _) => Options::password(user, secret.clone()),
            (Login::Certificate(user), Some(identity)) => Options::external(user, identity),
            (Login::Certificate(_), None) => return Err(Failure::usage("--client-cert needs --client-key")),
            (Login::Anonymous(domain), _) => {
                let domain = domain.clone().or_else(|| self.towards.clone());
                Options::anonymous(domain.ok_or_else(|| Failure::usage("--anonymous at which domain? Give --login NAME@DOMAIN"))?)
            }
        };
        let place = &self.common.place;
        options.server.clone_from(&self.account.server);
        options.resolver = match &self.account.resolver {
            Some(asked) => {
                let unusable = |_| Trouble::from(Error::Unreachable(ConnectError::NoResolver)).doing("ask the DNS");
                Some(Resolver::new(asked).map_err(unusable)?)
            }
            None => None,
        };
        options.family = match (place.ipv4, place.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        };
        options.tls = match (self.account.tls, options.server.as_ref().and_then(|server| server.port)) {
            (Some(TlsChoice::Require), _) => TlsKind::Require,
            (Some(TlsChoice::Starttls), _) => TlsKind::StartTls,
            (Some(TlsChoice::Off), _) => TlsKind::Off,
            // The port for a plain start says how to begin where the person does not.
            (None, Some(port)) if port == TlsKind::StartTls.port() => TlsKind::StartTls,
            (None, _) => TlsKind::Require,
        };
        options.clear_anywhere = self.account.insecure;
        options.trust = match (&self.account.pin, &self.account.ca) {
            _ if self.account.insecure => Trust::Anyone,
            (Some(pin), _) => Trust::Pins(vec![*pin]),
            (None, Some(file)) => Trust::Authorities(files::read_authorities(file).map_err(unusable)?),
            (None, None) => Trust::System,
        };
        options.connect_timeout = self.common.patience.connect_timeout.unwrap_or(CONNECT);
        options.timeout = options.connect_timeout;
        options.trace = self.common.manners.trace().map(|path| sink(&path, self.out)).transpose()?;
        Ok(options)
    }

    /// A session that survives its connections, for tools that stay. The first connection is tried as often as `--retry` says.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn steady(&self, options: Options) -> Outcome<Steady> {
        self.deadline().keep(&format!("cannot {}: no answer", doing(&options)), self.begin_steady(&options)).await
    }

    async fn begin_steady(&self, options: &Options) -> Outcome<Steady> {
        let mut tried = 0;
        loop {
            let error = match Steady::connect(options.clone()).await {
                Ok(steady) => return Ok(steady),
                Err(error) => error,
            };
            let trouble = Trouble::from(error);
            if !trouble.is_temporary() || tried >= self.retries {
                return Err(trouble.doing(&doing(options)));
            }
            let wait = self.pause(tried).max(trouble.retry_after().unwrap_or_default());
            tried += 1;
            self.out.note(&format!("{}; again in {}", trouble.line(&doing(options)), units::shown(wait)));
            tokio::time::sleep(wait).await;
        }
    }

    /// Doubling, with jitter: many that were cut off together do not come back together.
    fn pause(&self, tried: u32) -> Duration {
        let longest = doubled(self.common.patience.retry_wait.unwrap_or(FIRST_WAIT), tried);
        random::between(longest / 2, longest)
    }

    /// Does `work` with a session, within the time and until a signal; says BYE however it ends.
    ///
    /// # Errors
    /// Whatever the work gives; no session; 75 when the time is over; 128+n.
    pub async fn with<T>(&self, stop: &Stop, ask: Ask, work: impl AsyncFnOnce(&Session<'_>) -> Outcome<T>) -> Outcome<T> {
        let deadline = self.deadline().or((ask == Ask::OneShot).then_some(ONE_SHOT));
        let session = Session::new(self)?;
        let whole = async {
            session.begin().await?;
            work(&session).await
        };
        let done = stop.or(deadline.keep("cannot finish: no answer", whole)).await;
        session.bye().await;
        done
    }

    /// The same without half a minute's limit and without a connection: the first request makes it. For whoever can go on
    /// without one, and knows who logs in.
    ///
    /// # Errors
    /// Whatever the work gives; 75 when `--timeout` is over; 128+n.
    pub async fn lazily<T>(&self, stop: &Stop, work: impl AsyncFnOnce(&Session<'_>) -> Outcome<T>) -> Outcome<T> {
        let session = Session::new(self)?;
        let done = stop.or(self.deadline().keep("cannot finish: no answer", work(&session))).await;
        session.bye().await;
        done
    }

    /// The same for work that minds its own time and signals once it has begun, because it has something to undo.
    ///
    /// # Errors
    /// Whatever the work gives; no session.
    pub async fn with_own_end<T>(&self, stop: &Stop, work: impl AsyncFnOnce(&Session<'_>) -> Outcome<T>) -> Outcome<T> {
        let session = Session::new(self)?;
        let done = match stop.or(self.deadline().keep("cannot finish: no answer", session.begin())).await {
            Ok(()) => work(&session).await,
            Err(failure) => Err(failure),
        };
        // Whoever minds their own time has waited already for a server that does not answer.
        _ = tokio::time::timeout(PARTING, session.bye()).await;
        done
    }
}

/// The longest pause after so many retries, which ends to grow at [`LONGEST_WAIT`] unless more was asked for.
fn doubled(first: Duration, tried: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(tried).unwrap_or(u32::MAX)).min(LONGEST_WAIT.max(first))
}

/// Ends a session that stayed. A server that does not answer any more keeps nobody.
pub async fn part(steady: Steady) {
    _ = tokio::time::timeout(PARTING, steady.close()).await;
}

/// What is being done when a session is opened.
fn doing(options: &Options) -> String {
    match &options.server {
        Some(server) => format!("log in to {} at {server}", options.domain.shown()),
        None => format!("find the server of {}", options.domain.shown()),
    }
}

fn sink(path: &Path, out: &Printer) -> Outcome<Sink> {
    if path == Path::new("-") {
        let out = out.clone();
        return Ok(Sink::new(move |line| out.trace(line)));
    }
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let file = Lock::new(file.map_err(|error| Failure::creating(path, &error))?);
    Ok(Sink::new(move |line| {
        if let Ok(mut file) = file.lock() {
            // A trace that cannot be written must not stop what it watches.
            _ = writeln!(file, "{line}");
        }
    }))
}

/// A session; its connection is made anew when it broke and a request is to be repeated.
#[derive(Debug)]
pub struct Session<'a> {
    open: &'a Open<'a>,
    options: Options,
    connection: Mutex<Connection>,
    me: OnceCell<Address>,
}

#[derive(Debug, Default)]
struct Connection {
    client: Option<Client>,
    /// Which one it is, so that an error of an old one does not end the new one.
    number: u64,
}

impl<'a> Session<'a> {
    fn new(open: &'a Open<'a>) -> Outcome<Self> {
        let mut options = open.options()?;
        let me = OnceCell::new();
        if let Some(user) = open.account.user() {
            // Requests may travel with the login: one round trip less, and the login's failure is the request's.
            options.early = true;
            _ = me.set(user.canonical_local().unwrap_or_else(|| user.clone()));
        }
        Ok(Self { open, options, connection: Mutex::default(), me })
    }

    async fn begin(&self) -> Outcome<()> {
        let known = self.me.get().is_some();
        let identity = self.ask(async |client| if known { Ok(None) } else { client.identity().await.map(Some) }).await;
        if let Some(identity) = identity.map_err(|trouble| trouble.doing(&doing(&self.options)))? {
            _ = self.me.set(identity);
        }
        Ok(())
    }

    /// Whose session this is.
    ///
    /// # Errors
    /// Never after the session has begun.
    pub fn me(&self) -> Outcome<&Address> {
        self.me.get().ok_or_else(|| Failure::new(Exit::Internal, "there is no session yet"))
    }

    /// Octets that the network has not taken yet; `None` while there is no session.
    #[must_use]
    pub fn unsent(&self) -> Option<u64> {
        self.connection.try_lock().ok()?.client.as_ref()?.unsent().map(|octets| octets as u64)
    }

    /// The server, once one has been reached.
    pub async fn server(&self) -> Option<String> {
        let client = self.connection.lock().await.client.clone()?;
        let ready = client.ready().await.ok()?;
        ready.server.as_ref().map(ToString::to_string)
    }

    /// FETCH.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn fetch(&self, target: &Address) -> Result<Fetched, Trouble> {
        self.ask(async |client| client.fetch(target).await).await
    }

    /// FETCH, wherever the target has moved.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn fetch_following(&self, target: &Address) -> Result<Fetched, Trouble> {
        self.ask(async |client| client.fetch_following(target).await.map(|(_, value)| value)).await
    }

    /// SEND, to wherever the target has moved; the Message-ID makes repetitions harmless.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn send(&self, target: &Address, message: &Message) -> Result<Sent, Trouble> {
        self.ask(async |client| client.send_following(target, message).await.map(|(_, sent)| sent)).await
    }

    /// SEND without waiting for the answer; BYE waits until the server has taken it.
    ///
    /// # Errors
    /// There is no session.
    pub async fn send_blindly(&self, target: &Address, message: &Message) -> Result<(), Trouble> {
        self.ask(async |client| {
            client.ready().await?;
            // Polled once, the request is given to the connection, behind those given before.
            match tokio::time::timeout(Duration::ZERO, client.send(target, message)).await {
                Ok(Err(error)) => Err(error),
                Ok(Ok(_)) | Err(_) => Ok(()),
            }
        })
        .await
    }

    /// CHANGE.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn change(&self, target: &Address, change: &Change) -> Result<ChangeDone, Trouble> {
        self.ask(async |client| client.change(target, change).await).await
    }

    /// GET-ACL, one's own.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn acl(&self, owner: &Address) -> Result<(Version, Acl), Trouble> {
        self.ask(async |client| client.get_acl(owner).await).await
    }

    /// SET-ACL, one's own.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn set_acl(&self, owner: &Address, acl: &Acl, if_version: Option<Version>) -> Result<Version, Trouble> {
        self.ask(async |client| client.set_acl(owner, acl, if_version).await).await
    }

    /// GET-WATCHERS, one's own.
    ///
    /// # Errors
    /// After the last retry.
    pub async fn watchers(&self, owner: &Address) -> Result<Watchers, Trouble> {
        self.ask(async |client| client.watchers(owner).await).await
    }

    async fn ask<T>(&self, call: impl AsyncFn(&Client) -> Result<T, Error>) -> Result<T, Trouble> {
        let mut tried = 0;
        loop {
            let error = match self.connected().await {
                Ok((number, client)) => match call(&client).await {
                    Ok(done) => return Ok(done),
                    Err(error) => {
                        self.forget(number, &error).await;
                        error
                    }
                },
                Err(error) => error,
            };
            let trouble = Trouble::from(error);
            if !trouble.is_temporary() || tried >= self.open.retries {
                return Err(trouble);
            }
            let wait = self.open.pause(tried).max(trouble.retry_after().unwrap_or_default());
            tried += 1;
            self.open.out.detail(&format!("{}; retry {tried} of {} in {}", trouble.why(), self.open.retries, units::shown(wait)));
            tokio::time::sleep(wait).await;
        }
    }

    async fn connected(&self) -> Result<(u64, Client), Error> {
        let mut connection = self.connection.lock().await;
        if let Some(client) = &connection.client {
            return Ok((connection.number, client.clone()));
        }
        let client = Client::connect(self.options.clone()).await?;
        connection.client = Some(client.clone());
        connection.number += 1;
        Ok((connection.number, client))
    }

    /// An answer is no reason to connect anew; everything else is.
    async fn forget(&self, number: u64, error: &Error) {
        let stands = matches!(
            error,
            Error::Refused(_) | Error::TooLarge { .. } | Error::BadAnswer(_) | Error::MovedAway(_) | Error::MovedTooOften(_)
        );
        let mut connection = self.connection.lock().await;
        if !stands && connection.number == number {
            connection.client = None;
        }
    }

    async fn bye(&self) {
        let client = self.connection.lock().await.client.take();
        if let Some(client) = client
            && let Err(error) = client.close().await
        {
            self.open.out.detail(&format!("the session did not end orderly: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds = |first: u64, tried| doubled(Duration::from_secs(first), tried).as_secs();
        assert_eq!([0, 1, 2, 5, 6, 40, u32::MAX].map(|tried| seconds(1, tried)), [1, 2, 4, 32, 60, 60, 60]);
        // Whoever asked for more gets it from the first one on.
        assert_eq!([0, 1].map(|tried| seconds(90, tried)), [90, 90]);
        assert_eq!(doubled(Duration::ZERO, 40), Duration::ZERO);
    }
}
