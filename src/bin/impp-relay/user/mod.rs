//! `impp-relay user`: accounts, whether the relay runs or not.

mod table;

use crate::args::{Part, UserWish};
use crate::password::NewPassword;
use crate::settings;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::cli::print::{Printer, Shape};
use impp::cli::units;
use impp::engine::sasl;
use impp::model::{Address, Credentials, Domain, Secret};
use impp::net::{Clock, random};
use impp::relay;
use impp::relay::config::Config;
use impp::service::store::{Account, Moved, StoreError};
use impp::store::accounts::{AccountError, Accounts};
use impp::store::{OpenError, OpenErrorKind};
use std::path::Path;

/// Does one thing to accounts.
pub(crate) fn work(wish: &UserWish, config: &Path, out: &Printer) -> Outcome<Exit> {
    let mut desk = Desk::open(settings::load(config)?)?;
    let out = &in_shape(wish, out);
    match wish {
        UserWish::Add { address, without, password, .. } => {
            let address = desk.address(address)?;
            let secret = desk.new_secret(&address, password, Expected::New)?;
            let has = |part| !without.contains(&part);
            let account = Account { presence: has(Part::Presence), inbox: has(Part::Inbox), ..Account::default() };
            let kept = desk.add_as(&address, &secret, account)?;
            password.tell(&kept, &secret, out)?;
        }
        UserWish::Passwd { address, password, .. } => {
            let address = desk.address(address)?;
            let secret = desk.new_secret(&address, password, Expected::Known)?;
            let credentials = desk.credentials(&address, &secret)?;
            desk.accounts.set_password(&address, &credentials).map_err(failure)?;
            password.tell(&address, &secret, out)?;
        }
        UserWish::List { domain, .. } => {
            let domain = domain.as_deref().map(|name| desk.domain(name)).transpose()?;
            table::list(out, &desk.accounts.list(domain.as_ref()).map_err(failure)?)?;
        }
        UserWish::Show { address, .. } => {
            table::show(out, &desk.accounts.show(&desk.address(address)?).map_err(failure)?)?;
        }
        UserWish::Disable { address } => desk.disable(address, true)?,
        UserWish::Enable { address } => desk.disable(address, false)?,
        UserWish::Del { address } => {
            let address = desk.address(address)?;
            let lost = desk.accounts.delete(&address).map_err(failure)?;
            if lost.messages > 0 {
                let size = units::shown_size(lost.octets);
                out.note(&format!("{} message(s) ({size}) that waited for {} are gone too", lost.messages, address.shown()));
            }
        }
        UserWish::Move { address, target, temporarily, .. } => {
            let address = desk.address(address)?;
            let moved = match target {
                Some(target) => Some(Moved { to: desk.address(target)?, permanently: !temporarily }),
                None => None,
            };
            desk.accounts.set_moved(&address, moved).map_err(failure)?;
        }
        UserWish::Alias { address, target } => {
            let (address, target) = (desk.address(address)?, desk.address(target)?);
            desk.accounts.alias(&address, &target, Clock::now().unix).map_err(failure)?;
        }
    }
    Ok(Exit::Yes)
}

fn in_shape(wish: &UserWish, out: &Printer) -> Printer {
    let json = match wish {
        UserWish::Add { json, .. }
        | UserWish::Passwd { json, .. }
        | UserWish::List { json, .. }
        | UserWish::Show { json, .. } => *json,
        _ => false,
    };
    if json { out.clone().with(Shape::Json, out.talk(), false, false) } else { out.clone() }
}

/// Whether an account should be there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    New,
    Known,
}

/// The accounts of one configuration.
pub(crate) struct Desk {
    config: Config,
    accounts: Accounts,
}

impl Desk {
    /// Opens the store that the configuration names.
    pub(crate) fn open(config: Config) -> Outcome<Self> {
        let accounts = Accounts::open(&config.data_dir, config.domains.iter().cloned()).map_err(|error| open_failure(&error))?;
        Ok(Self { config, accounts })
    }

    /// Adds a user with a password. The answer is the address under which the domain keeps it.
    pub(crate) fn add(&mut self, address: &Address, secret: &Secret) -> Outcome<Address> {
        self.add_as(address, secret, Account::default())
    }

    fn add_as(&mut self, address: &Address, secret: &Secret, account: Account) -> Outcome<Address> {
        let credentials = self.credentials(address, secret)?;
        self.accounts.add_as(address, Some(&credentials), account, Clock::now().unix).map_err(failure)
    }

    fn address(&self, text: &str) -> Outcome<Address> {
        full_address(text, &self.config.domains)
    }

    fn domain(&self, name: &str) -> Outcome<Domain> {
        let domain = Domain::parse(name).map_err(|why| Failure::new(Exit::Data, format!("{name:?} is no domain: {why}")))?;
        match self.config.domains.contains(&domain) {
            true => Ok(domain),
            false => Err(failure(AccountError::ForeignDomain(domain))),
        }
    }

    fn disable(&mut self, address: &str, disabled: bool) -> Outcome<()> {
        let address = self.address(address)?;
        self.accounts.set_disabled(&address, disabled).map_err(failure)
    }

    /// Takes the new password, but asks nobody for one that could not be set.
    fn new_secret(&self, address: &Address, from: &NewPassword, expected: Expected) -> Outcome<Secret> {
        match self.accounts.show(address) {
            Ok(_) if expected == Expected::New => Err(failure(AccountError::Exists(address.clone()))),
            Err(AccountError::Unknown(_)) if expected == Expected::New => from.take(address),
            Ok(_) => from.take(address),
            Err(error) => Err(failure(error)),
        }
    }

    fn credentials(&mut self, address: &Address, secret: &Secret) -> Outcome<Credentials> {
        let fresh = relay::fresh_record(&address.domain(), &self.config);
        let domain = self.accounts.domain(&fresh).map_err(failure)?;
        sasl::derive(secret, domain.iterations, &random::octets::<{ sasl::SALT_OCTETS }>())
            .map_err(|why| Failure::new(Exit::Data, why.to_string()))
    }
}

/// What was typed: an address, or a bare user of the only domain.
pub(crate) fn full_address(text: &str, domains: &[Domain]) -> Outcome<Address> {
    let wrong = |why: String| Failure::new(Exit::Data, format!("{text:?} is no address: {why}"));
    if text.contains('@') || text.contains('/') {
        return Address::parse(text).map_err(|why| wrong(why.to_string()));
    }
    match domains {
        [only] => Address::new(text, only).map_err(|why| wrong(why.to_string())),
        several => {
            let names: Vec<_> = several.iter().map(Domain::shown).collect();
            Err(wrong(format!("add one of the domains: {}", names.join(", "))))
        }
    }
}

/// The line and status of an account that could not be changed.
pub(crate) fn failure(error: AccountError) -> Failure {
    let exit = match error {
        AccountError::Name(_) | AccountError::NoUser(_) | AccountError::Circle(_) => Exit::Data,
        AccountError::ForeignDomain(_) => Exit::NoHost,
        AccountError::Exists(_) => Exit::CannotCreate,
        AccountError::Unknown(_) => Exit::NoUser,
        AccountError::Store(StoreError::Full | StoreError::Io | StoreError::Corrupt) => Exit::Io,
        _ => Exit::Internal,
    };
    Failure::new(exit, error.to_string())
}

/// The line and status of a store that does not open.
pub(crate) fn open_failure(error: &OpenError) -> Failure {
    let exit = match error.kind {
        OpenErrorKind::Busy | OpenErrorKind::InUse | OpenErrorKind::OlderInUse { .. } => Exit::TryLater,
        _ => Exit::Io,
    };
    Failure::new(exit, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(names: &[&str]) -> Vec<Domain> {
        names.iter().map(|name| Domain::parse(name).unwrap()).collect()
    }

    #[test]
    fn a_bare_user_is_one_of_the_only_domain() {
        let one = domains(&["example.org"]);
        for (text, email) in [
            ("bob", "bob@example.org"),
            ("bob@example.org", "bob@example.org"),
            ("impp://example.org/bob", "bob@example.org"),
            ("bob@example.net", "bob@example.net"),
        ] {
            assert_eq!(full_address(text, &one).unwrap().to_email(), email, "{text}");
        }
        let two = domains(&["example.org", "example.net"]);
        let refused = full_address("bob", &two).unwrap_err();
        assert_eq!(refused.line(), Some(r#""bob" is no address: add one of the domains: example.org, example.net"#));
        assert_eq!(refused.exit, Exit::Data);
        for text in ["", "@example.org", "a b@example.org", "*"] {
            assert_eq!(full_address(text, &one).unwrap_err().exit, Exit::Data, "{text:?}");
        }
    }
}
