//! Who a client certificate says its holder is, and whether the domain believes it.

use crate::model::Address;
use crate::net::clock::Clock;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::Duration;
use webpki::KeyUsage;
use x509_parser::extensions::GeneralName;

/// The users whom the certificate names, if one of these authorities vouches for it now and it is meant for clients.
///
/// Every `rfc822Name` and `impp:` URI among its alternative names that is a user's address counts; the subject does
/// not, since it has no form that an authority would have to check.
#[must_use]
pub fn proven_users(chain: &[CertificateDer<'_>], authorities: &RootCertStore) -> Vec<Address> {
    let Some((first, intermediates)) = chain.split_first() else { return Vec::new() };
    if is_vouched_for(first, intermediates, authorities) { named_users(first).unwrap_or_default() } else { Vec::new() }
}

fn is_vouched_for(first: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], authorities: &RootCertStore) -> bool {
    let Ok(end_entity) = webpki::EndEntityCert::try_from(first) else { return false };
    let now = UnixTime::since_unix_epoch(Duration::from_millis(Clock::now().unix.0));
    let algorithms = super::provider().signature_verification_algorithms.all;
    end_entity.verify_for_usage(algorithms, &authorities.roots, intermediates, now, KeyUsage::client_auth(), None, None).is_ok()
}

fn named_users(der: &[u8]) -> Option<Vec<Address>> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten()?;
    let users = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::RFC822Name(text) => Address::parse_email(text).ok(),
        GeneralName::URI(text) => Address::parse_url(text).ok(),
        _ => None,
    });
    Some(users.filter(|user| !user.is_domain()).collect())
}
