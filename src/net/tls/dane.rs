//! Whether a certificate is the one that TLSA records name (RFC 6698, RFC 7671).

use super::error::CertificateFault;
use super::provider;
use crate::net::dns::Tlsa;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256, Sha512};
use webpki::{EndEntityCert, KeyUsage};

/// The certificate itself; its names, dates and issuer do not matter (RFC 7671, section 5.1).
const USAGE_END_ENTITY: u8 = 3;
/// An authority, which must vouch for a certificate with the right name (RFC 7671, section 5.2).
const USAGE_AUTHORITY: u8 = 2;

/// Whether a record can decide anything: its usage is 2 or 3, and the rest is known and fits.
#[must_use]
pub fn is_usable(record: &Tlsa) -> bool {
    let fits = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, USAGE_END_ENTITY | USAGE_AUTHORITY) && record.selector <= 1 && fits
}

/// The record that the certificate fits, by its place among `records`. One that is of no use never fits.
///
/// # Errors
/// [`CertificateFault::WrongTlsa`] if it fits none; if it fits an authority that does not vouch for it, why not.
pub(super) fn find_match(
    records: &[Tlsa],
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    names: &[ServerName<'_>],
    now: UnixTime,
) -> Result<usize, CertificateFault> {
    let mut fault = CertificateFault::WrongTlsa;
    for (index, record) in records.iter().enumerate().filter(|(_, record)| is_usable(record)) {
        if record.usage == USAGE_END_ENTITY {
            if fits(record, end_entity) {
                return Ok(index);
            }
            continue;
        }
        // An authority given whole needs not be sent (RFC 7671, section 5.2.2, asks servers to, but nothing is lost).
        let given = (record.selector == 0 && record.matching == 0).then(|| CertificateDer::from(record.data.as_slice()));
        for authority in intermediates.iter().filter(|sent| fits(record, sent)).chain(&given) {
            match vouches(authority, end_entity, intermediates, names, now) {
                Ok(()) => return Ok(index),
                Err(found) => fault = found,
            }
        }
    }
    Err(fault)
}

fn fits(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let key;
    let selected: &[u8] = if record.selector == 0 {
        certificate
    } else {
        let Ok(parsed) = EndEntityCert::try_from(certificate) else { return false };
        key = parsed.subject_public_key_info();
        &key
    };
    match record.matching {
        0 => selected == record.data,
        1 => Sha256::digest(selected).as_slice() == record.data,
        2 => Sha512::digest(selected).as_slice() == record.data,
        _ => false,
    }
}

fn vouches(
    authority: &CertificateDer<'_>,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    names: &[ServerName<'_>],
    now: UnixTime,
) -> Result<(), CertificateFault> {
    let anchor: TrustAnchor<'_> = webpki::anchor_from_trusted_cert(authority).map_err(|_| CertificateFault::Malformed)?;
    let certificate = EndEntityCert::try_from(end_entity).map_err(|_| CertificateFault::Malformed)?;
    let algorithms = provider().signature_verification_algorithms.all;
    certificate
        .verify_for_usage(algorithms, &[anchor], intermediates, now, KeyUsage::server_auth(), None, None)
        .map_err(|error| CertificateFault::of_webpki(&error))?;
    let named = names.iter().any(|name| certificate.verify_is_valid_for_subject_name(name).is_ok());
    if named { Ok(()) } else { Err(CertificateFault::WrongName) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_that_can_decide_are_usable() {
        for (usage, selector, matching, octets, usable) in [
            (3, 1, 1, 32, true),
            (3, 0, 2, 64, true),
            (2, 0, 0, 1, true),
            (2, 1, 1, 32, true),
            (0, 1, 1, 32, false),
            (1, 1, 1, 32, false),
            (255, 1, 1, 32, false),
            (3, 2, 1, 32, false),
            (3, 1, 3, 32, false),
            (3, 1, 1, 31, false),
            (3, 1, 2, 32, false),
            (3, 1, 0, 0, false),
        ] {
            let record = Tlsa { usage, selector, matching, data: vec![0; octets] };
            assert_eq!(is_usable(&record), usable, "{record}");
        }
    }
}
