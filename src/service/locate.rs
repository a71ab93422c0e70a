//! Who and where a Target is.

use super::Service;
use crate::model::Address;
use crate::model::acl::ANONYMOUS_DOMAIN;

/// Where a Target lives.
#[derive(Debug)]
pub(super) enum Place {
    /// A user of a domain that this relay serves, under the address by which the domain knows it.
    User(Address),
    /// A user part that no account of this domain can have: answered as an unknown user is.
    NoUser(Address),
    /// One of the relay's domains itself.
    Domain,
    /// The domain of anonymous identities, which is served by nobody.
    Nowhere,
    /// Another domain.
    Elsewhere,
}

impl Service {
    /// Finds out where a Target lives.
    pub(super) fn locate(&self, target: &Address) -> Place {
        if target.domain_str() == ANONYMOUS_DOMAIN {
            return Place::Nowhere;
        }
        if !self.config.domains.contains_key(target.domain_str()) {
            return Place::Elsewhere;
        }
        if target.is_domain() {
            return Place::Domain;
        }
        target.canonical_local().map_or_else(|| Place::NoUser(target.clone()), Place::User)
    }
}
