//! From options and configuration to one settled account: who, where, how; and from names to addresses.

use super::args::{Common, TlsChoice};
use super::config::{AccountTable, Config, Names, TlsWord};
use super::deadline::Deadline;
use super::exit::{Exit, Failure, Outcome};
use super::secret;
use crate::model::{Address, Domain, Secret};
use crate::net::connect::HostPort;
use crate::net::dns::anchors::AnchorFault;
use crate::net::dns::resolver::PORT_DNS;
use crate::net::dns::{Anchors, ResolverOptions, Validation};
use crate::net::tls::Pin;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Aliases may name aliases, this deep.
const ALIAS_DEPTH: usize = 8;
/// In the place of a file of trust anchors: DNS answers are not validated.
const NO_ANCHOR: &str = "none";

/// Everything that a connection needs to know.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who logs in.
    pub login: Login,
    /// The server, if one is named.
    pub server: Option<HostPort>,
    /// Who is asked in the DNS, and whom to believe; `None`: nothing was said of it.
    pub resolver: Option<ResolverOptions>,
    /// How TLS begins, if that was said.
    pub tls: Option<TlsChoice>,
    /// Do not verify the server.
    pub insecure: bool,
    /// Trusted certificates.
    pub ca: Option<PathBuf>,
    /// The key that the server must have.
    pub pin: Option<Pin>,
    /// Certificate and key to log in with.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The whole run's, if one was asked for.
    pub deadline: Deadline,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub enum Login {
    /// With a password.
    Password(Address, Secret),
    /// With a certificate.
    Certificate(Address),
    /// As nobody, at this domain; `None`: the domain of whoever is addressed.
    Anonymous(Option<Domain>),
}

/// The names that stand for addresses.
#[derive(Clone, Debug, Default)]
pub struct AddressBook(BTreeMap<String, Names>);

/// Settles the account. `stdin_is_free`: standard input may be asked for the password.
///
/// # Errors
/// 64, 66 or 78 with what is missing or contradictory.
pub fn settle(common: &Common, config: &Config, stdin_is_free: bool) -> Outcome<Account> {
    let deadline = Deadline::after(common.patience.timeout);
    let table = table(common.who.account.as_deref(), config)?;
    let place = &common.place;
    let from_config = |path: &Option<PathBuf>| path.as_deref().map(|path| config.beside(path));
    let certificate = match (&place.client_cert, &place.client_key) {
        (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
        _ => from_config(&table.client_cert).zip(from_config(&table.client_key)),
    };
    let insecure = place.insecure || table.insecure;
    let server = match place.server.as_deref().or(table.server.as_deref()) {
        Some(text) => Some(HostPort::parse(text).ok_or_else(|| Failure::usage(format!("{text:?} is not HOST[:PORT]")))?),
        None => None,
    };
    let tls = place.tls.or(table.tls.map(|word| match word {
        TlsWord::Require => TlsChoice::Require,
        TlsWord::Starttls => TlsChoice::Starttls,
        TlsWord::Off => TlsChoice::Off,
    }));
    let pin = match place.pin.as_deref().or(table.pin.as_deref()) {
        Some(text) => Some(
            Pin::parse(text).ok_or_else(|| Failure::usage("--pin is sha256: and the hash in hexadecimal digits or base64"))?,
        ),
        None => None,
    };
    let anchor = place.dnssec_anchor.clone().or_else(|| match &table.dnssec_anchor {
        Some(word) if word.as_os_str() == NO_ANCHOR => Some(word.clone()),
        path => from_config(path),
    });
    let resolver = resolver(place.resolver.as_deref().or(table.resolver.as_deref()), anchor.as_deref())?;
    let login = login(common, &table, config, certificate.is_some(), stdin_is_free)?;
    Ok(Account {
        login,
        server,
        resolver,
        tls,
        insecure,
        ca: place.ca.clone().or_else(|| from_config(&table.ca)),
        pin,
        certificate,
        deadline,
    })
}

/// Who is asked in the DNS: `ADDR[:PORT]`, and a file of trust anchors or `none`.
///
/// # Errors
/// 64, 66 or 78.
pub fn resolver(server: Option<&str>, anchor: Option<&Path>) -> Outcome<Option<ResolverOptions>> {
    if server.is_none() && anchor.is_none() {
        return Ok(None);
    }
    let servers = match server {
        None => Vec::new(),
        Some(text) => {
            let wrong = || Failure::usage(format!("{text:?} is not the ADDRESS[:PORT] of a name server"));
            let at = HostPort::parse(text).ok_or_else(wrong)?;
            vec![SocketAddr::new(at.host.parse().map_err(|_| wrong())?, at.port.unwrap_or(PORT_DNS))]
        }
    };
    let validation = match anchor {
        None => Validation::IfPossible,
        Some(word) if word.as_os_str() == NO_ANCHOR => Validation::Off,
        Some(file) => Validation::From(Anchors::read(file).map_err(|error| {
            let missing = error.fault == AnchorFault::Unreadable(std::io::ErrorKind::NotFound);
            Failure::new(if missing { Exit::NoInput } else { Exit::Config }, error.to_string())
        })?),
    };
    Ok(Some(ResolverOptions { servers, validation, ..ResolverOptions::default() }))
}

fn table(name: Option<&str>, config: &Config) -> Outcome<AccountTable> {
    match (name, config.account.get(name.unwrap_or("default"))) {
        (_, Some(table)) => Ok(table.clone()),
        (None, None) => Ok(AccountTable::default()),
        (Some(name), None) => {
            let place = config
                .path
                .as_ref()
                .map_or_else(|| "a configuration; name one with --config".to_owned(), |path| path.display().to_string());
            Err(Failure::new(Exit::Config, format!("there is no [account.{name}] in {place}")))
        }
    }
}

fn login(common: &Common, table: &AccountTable, config: &Config, certificate: bool, stdin_is_free: bool) -> Outcome<Login> {
    let name = common.who.login.as_deref().or(table.login.as_deref());
    let user = match name {
        Some(text) => Some(Address::parse(text).map_err(|why| Failure::new(Exit::Config, format!("login {text:?}: {why}")))?),
        None => None,
    };
    if common.who.anonymous || (table.anonymous && common.who.login.is_none()) {
        return Ok(Login::Anonymous(user.map(|user| user.domain())));
    }
    let user = user.filter(|user| !user.is_domain()).ok_or_else(|| {
        Failure::new(
            Exit::Config,
            "who are you? Give --login USER@DOMAIN, or put login into [account.default] of ~/.config/impp/impp.toml",
        )
    })?;
    if certificate {
        return Ok(Login::Certificate(user));
    }
    let password = secret::find(&user, common, table, config, stdin_is_free)?;
    Ok(Login::Password(user, password))
}

/// Who logs in, without their secret: for what is only shown.
#[must_use]
pub fn claimed(common: &Common, config: &Config) -> Option<Address> {
    let table = table(common.who.account.as_deref(), config).ok()?;
    common.who.login.as_deref().or(table.login.as_deref()).and_then(|text| Address::parse(text).ok())
}

impl Account {
    /// The address of whoever logs in; `None` for nobody.
    #[must_use]
    pub fn user(&self) -> Option<&Address> {
        match &self.login {
            Login::Password(user, _) | Login::Certificate(user) => Some(user),
            Login::Anonymous(_) => None,
        }
    }
}

impl AddressBook {
    /// The aliases of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self(config.aliases.clone())
    }

    /// Whether this is an alias.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What a person typed: an address, or an alias for one or several.
    ///
    /// # Errors
    /// 65 with what is wrong.
    pub fn find(&self, text: &str) -> Outcome<Vec<Address>> {
        let mut found = Vec::new();
        self.collect(text, ALIAS_DEPTH, &mut found)?;
        Ok(found)
    }

    /// All of these, each address once.
    ///
    /// # Errors
    /// 65 with what is wrong.
    pub fn find_all<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Outcome<Vec<Address>> {
        let mut found = Vec::new();
        texts.into_iter().try_for_each(|text| self.collect(text, ALIAS_DEPTH, &mut found))?;
        Ok(found)
    }

    /// Exactly one.
    ///
    /// # Errors
    /// 65 with what is wrong, or if the alias names several.
    pub fn find_one(&self, text: &str) -> Outcome<Address> {
        match self.find(text)?.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(Failure::new(Exit::Data, format!("{text:?} stands for several addresses, and one is needed"))),
        }
    }

    fn collect(&self, text: &str, depth: usize, found: &mut Vec<Address>) -> Outcome<()> {
        let wrong = |why: &str| Failure::new(Exit::Data, format!("{text:?} is no address: {why}"));
        if let Some(names) = self.0.get(text) {
            let depth = depth.checked_sub(1).ok_or_else(|| wrong("aliases name each other in a circle"))?;
            return match names {
                Names::One(name) => self.collect(name, depth, found),
                Names::Several(names) => names.iter().try_for_each(|name| self.collect(name, depth, found)),
            };
        }
        if !text.contains(['@', '/']) {
            return Err(wrong("there is no such alias, and it has no @"));
        }
        let address = Address::parse(text).map_err(|why| wrong(&why.to_string()))?;
        if address.is_domain() {
            return Err(wrong("it names a domain and no user"));
        }
        if !found.contains(&address) {
            found.push(address);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_and_whom_to_believe() {
        let asked = |server| resolver(Some(server), None).map(|options| options.map(|options| options.servers[0].to_string()));
        for (text, address) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(asked(text).unwrap().as_deref(), Some(address), "{text}");
        }
        for text in ["dns.example", "127.0.0.1:x", ""] {
            assert_eq!(asked(text).unwrap_err().exit, Exit::Usage, "{text}");
        }
        assert!(resolver(None, None).unwrap().is_none());
        let off = resolver(None, Some(Path::new("none"))).unwrap().unwrap();
        assert!(off.servers.is_empty() && matches!(off.validation, Validation::Off));
        assert_eq!(resolver(None, Some(Path::new("/nonexistent/root.key"))).unwrap_err().exit, Exit::NoInput);
        assert_eq!(resolver(None, Some(Path::new("/dev/null"))).unwrap_err().exit, Exit::Config);
    }

    #[test]
    fn aliases_name_one_or_several() {
        let several = |names: &[&str]| Names::Several(names.iter().map(|name| (*name).to_owned()).collect());
        let book = AddressBook(BTreeMap::from([
            ("ops".to_owned(), several(&["ann@x", "bob"])),
            ("bob".to_owned(), Names::One("impp://x/bob".to_owned())),
            ("loop".to_owned(), Names::One("loop".to_owned())),
        ]));
        let shown = |found: Outcome<Vec<Address>>| found.unwrap().iter().map(Address::shown).collect::<Vec<_>>();
        assert_eq!(shown(book.find("ops")), ["ann@x", "bob@x"]);
        assert_eq!(shown(book.find_all(["ops", "bob@x", "eve@x"])), ["ann@x", "bob@x", "eve@x"]);
        for text in ["loop", "nobody", "impp://x/", "a@", "@x"] {
            assert_eq!(book.find(text).unwrap_err().exit, Exit::Data, "{text}");
        }
        assert!(book.find_one("ops").is_err());
    }
}
