//! Two domains with a relay each, which most tests share; people in them are new in every test.

use crate::country::{Country, SHORT_LEASES};
use crate::person::FEW_ROUNDS;
use crate::person::Person;
use crate::support::{Site, bare};
use crate::tap::{Tap, Way};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Two domains that know each other by the DNS alone.
pub(crate) struct Town {
    country: Country,
    /// Somebody who listens between the relays, whichever of them opens the link.
    between: [Tap; 2],
}

impl Town {
    /// Somebody new in a.test.
    pub(crate) fn in_a(&'static self, name: &str) -> Person<'static> {
        Person::new(self.a(), name)
    }

    /// Somebody new in b.test.
    pub(crate) fn in_b(&'static self, name: &str) -> Person<'static> {
        Person::new(self.b(), name)
    }

    /// Whether these octets went between the relays in the clear.
    pub(crate) fn is_understood(&self, octets: &[u8]) -> bool {
        assert!(self.between.iter().any(|tap| !tap.heard(Way::There).is_empty()), "it was listened to");
        self.between.iter().any(|tap| tap.understood(octets))
    }

    /// The relay of a.test.
    pub(crate) fn a(&self) -> &Site {
        &self.country.sites[0]
    }

    /// The relay of b.test.
    pub(crate) fn b(&self) -> &Site {
        &self.country.sites[1]
    }
}

/// The domains that all tests share, which therefore leave the relays alone and fail no logins.
pub(crate) fn town() -> &'static Town {
    static TOWN: OnceLock<Town> = OnceLock::new();
    TOWN.get_or_init(|| {
        let mut country = Country::prepared(&["a.test", "b.test"], &format!("{FEW_ROUNDS}anonymous = true\n{SHORT_LEASES}"));
        for site in &mut country.sites {
            let command = mortal(site);
            site.start_as(command);
        }
        let between = [Tap::on(country.sites[0].tls), Tap::on(country.sites[1].tls)];
        country.publish(&[("a.test", between[0].address), ("b.test", between[1].address)]);
        Town { country, between }
    })
}

/// A relay that ends with this process, for nothing drops what is static; its folder goes, too.
fn mortal(site: &Site) -> Command {
    let serve = site.relay_command(&["serve"]);
    let mut command = bare("sh");
    command.args(["-c", "\"$@\" & read -r _; kill $!; wait; rm -rf \"$0\""]).arg(site.path(""));
    command.arg(serve.get_program()).args(serve.get_args()).stdin(Stdio::piped());
    command
}
