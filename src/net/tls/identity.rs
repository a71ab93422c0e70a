//! Who a client certificate says its holder is, and whether the domain believes it.

use crate::model::Address;
use crate::net::clock::Clock;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::Duration;
use webpki::KeyUsage;
use x509_parser::extensions::GeneralName;

/// The user whom the certificate names, if one of these authorities vouches for it now and it is meant for clients.
///
/// The first `rfc822Name` or `impp:` URI among its alternative names that is an address counts; the subject does
/// not, since it has no form that an authority would have to check.
#[must_use]
pub fn proven_user(chain: &[CertificateDer<'_>], authorities: &RootCertStore) -> Option<Address> {
    let (first, intermediates) = chain.split_first()?;
    let end_entity = webpki::EndEntityCert::try_from(first).ok()?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(Clock::now().unix.0));
    let algorithms = super::provider().signature_verification_algorithms.all;
    end_entity.verify_for_usage(algorithms, &authorities.roots, intermediates, now, KeyUsage::client_auth(), None, None).ok()?;
    named_user(first)
}

fn named_user(der: &[u8]) -> Option<Address> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten()?;
    let user = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::RFC822Name(text) => Address::parse_email(text).ok(),
        GeneralName::URI(text) => Address::parse_url(text).ok(),
        _ => None,
    })?;
    (!user.is_domain()).then_some(user)
}
