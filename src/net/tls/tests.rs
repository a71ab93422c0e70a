//! Handshakes over a stream in memory, against certificates made for the occasion.

use super::{AcceptedBy, Reference, TlsError, Trust};
use super::{CertificateFault, CertificateSource, ClientTls, FileFault, Identity, Pin, Reload, ServerTls, ServerTlsOptions};
use crate::model::{Address, Domain};
use crate::net::dns::Tlsa;
use crate::net::testing::{Authority, handshake};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256, Sha512};
use std::fs;
use std::sync::Arc;

fn example() -> Domain {
    Domain::parse("example.org").unwrap()
}

fn client(trust: Trust) -> ClientTls {
    ClientTls::new(&trust, None).unwrap()
}

#[tokio::test]
async fn both_sides_get_the_same_channel_binding() {
    let authority = Authority::new();
    let server = authority.server(&["example.org"]);
    let (near, far) = handshake(&client(authority.trust()), &example(), &server).await;
    let ((_, near), (far_stream, far)) = (near.unwrap(), far.unwrap());
    assert_eq!(near.version, "TLS 1.3");
    assert_eq!(near.exporter.as_ref().map(Vec::len), Some(32));
    assert_eq!((near.exporter, near.version), (far.exporter, far.version));
    assert_eq!((far.client_identities, far.client_certificate), (vec![], false));
    assert_eq!(far_stream.get_ref().1.alpn_protocol(), Some(super::ALPN));
}

#[tokio::test]
async fn a_hybrid_key_exchange_is_preferred() {
    let authority = Authority::new();
    let (near, _) = handshake(&client(authority.trust()), &example(), &authority.server(&["example.org"])).await;
    let (stream, _) = near.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn refused_certificates_are_named() {
    let authority = Authority::new();
    let good = authority.server(&["example.org", "im.example.org"]);
    let rows = [
        (
            authority.server(&["example.net", "*.example.net"]),
            authority.trust(),
            CertificateFault::WrongName,
            "the server's certificate is not for example.org; it names example.net, *.example.net",
        ),
        (
            authority.server_at(&["example.org"], 2019, 2020),
            authority.trust(),
            CertificateFault::Expired,
            "the certificate of example.org expired on 2020-01-01T00:00:00Z",
        ),
        (
            authority.server_at(&["example.org"], 2090, 2091),
            authority.trust(),
            CertificateFault::NotYetValid,
            "the certificate of example.org is not valid before 2090-01-01T00:00:00Z",
        ),
        (
            Authority::new().server(&["example.org"]),
            authority.trust(),
            CertificateFault::UnknownIssuer,
            "the certificate of example.org is issued by \"CN=test authority\", whom we do not trust",
        ),
        (
            good,
            Trust::Pins(vec![Pin::of_key(b"another")]),
            CertificateFault::WrongPin,
            "the server's key is not the pinned one; it is sha256:",
        ),
    ];
    for (server, trust, expected, text) in rows {
        let (near, far) = handshake(&client(trust), &example(), &server).await;
        let error = near.map(drop).unwrap_err();
        assert!(matches!(&error, TlsError::Certificate { fault, .. } if *fault == expected), "{error:?}");
        assert!(error.to_string().starts_with(text), "{error}");
        assert!(far.is_err());
    }
}

#[tokio::test]
async fn a_pin_looks_at_nothing_but_the_key() {
    let server = Authority::new().server_at(&["another.example"], 2019, 2020);
    let pin = server.certificates()[0].1.pin.unwrap();
    let (near, _) = handshake(&client(Trust::Pins(vec![Pin::of_key(b"old"), pin])), &example(), &server).await;
    near.unwrap();
    let insecure = client(Trust::Anyone);
    assert!(!insecure.verifies());
    handshake(&insecure, &example(), &server).await.0.unwrap();
}

#[tokio::test]
async fn a_domain_has_its_own_certificate_and_others_the_default() {
    let authority = Authority::new();
    let source = |domain: &str| {
        let (certificate, key) = authority.issue(&[domain], 2020, 2090);
        CertificateSource { domain: Domain::parse(domain).ok(), certificate, key }
    };
    let default = CertificateSource { domain: None, ..source("example.org") };
    let certificates = vec![default, source("example.net")];
    let server = ServerTls::new(ServerTlsOptions { certificates, ..ServerTlsOptions::default() }).unwrap();
    for domain in ["example.org", "example.net"] {
        handshake(&client(authority.trust()), &Domain::parse(domain).unwrap(), &server).await.0.unwrap();
    }
    let shown: Vec<_> = server.certificates().into_iter().map(|(domain, shown)| (domain, shown.names)).collect();
    assert_eq!(
        shown,
        [(Domain::parse("example.net").ok(), vec!["example.net".to_owned()]), (None, vec!["example.org".to_owned()])]
    );
}

#[tokio::test]
async fn a_user_is_proven_by_a_certificate_that_the_client_authority_vouches_for() {
    let authority = Authority::new();
    let alice = Address::parse("alice@example.org").unwrap();
    let (certificate, key) = authority.issue_user("alice@example.org");
    let identity = Identity::read(&certificate, &key).unwrap();
    let certified = ClientTls::new(&authority.trust(), Some(&identity)).unwrap();
    for (vouching, expected) in [(&authority, Some(alice)), (&Authority::new(), None)] {
        let (certificate, key) = authority.issue(&["example.org"], 2020, 2090);
        let certificates = vec![CertificateSource { domain: None, certificate, key }];
        let options = ServerTlsOptions { certificates, client_authority: Some(vouching.file()), asks_domains: false };
        let server = ServerTls::new(options).unwrap();
        let (near, far) = handshake(&certified, &example(), &server).await;
        near.unwrap();
        let far = far.unwrap().1;
        assert_eq!((far.client_identities, far.client_certificate), (Vec::from_iter(expected), true));
        // A client without a certificate is welcome.
        let (near, far) = handshake(&client(authority.trust()), &example(), &server).await;
        near.unwrap();
        assert!(!far.unwrap().1.client_certificate);
    }
}

#[tokio::test]
async fn certificates_are_renewed_and_a_bad_renewal_changes_nothing() {
    let (old, new) = (Authority::new(), Authority::new());
    let (certificate, key) = old.issue(&["example.org"], 2020, 2090);
    let certificates = vec![CertificateSource { domain: None, certificate: certificate.clone(), key: key.clone() }];
    let server = ServerTls::new(ServerTlsOptions { certificates, ..ServerTlsOptions::default() }).unwrap();
    assert_eq!(server.reload_if_changed(), Reload::Unchanged);

    // A renewal caught half way: the certificate is new, the key is not yet.
    let (next_certificate, next_key) = new.issue(&["example.org"], 2020, 2090);
    fs::rename(&next_certificate, &certificate).unwrap();
    match server.reload_if_changed() {
        Reload::Kept(error) => {
            assert_eq!(error.fault, FileFault::KeyMismatch);
            assert_eq!(error.to_string(), format!("the private key in {} is not that of the certificate", key.display()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.reload_if_changed(), Reload::Unchanged, "the same fault is told once");
    handshake(&client(old.trust()), &example(), &server).await.0.unwrap();

    fs::rename(&next_key, &key).unwrap();
    assert_eq!(server.reload_if_changed(), Reload::Renewed);
    handshake(&client(new.trust()), &example(), &server).await.0.unwrap();
    assert!(handshake(&client(old.trust()), &example(), &server).await.0.is_err());

    fs::remove_file(&certificate).unwrap();
    assert!(matches!(server.reload_if_changed(), Reload::Kept(error) if error.file == certificate));
    handshake(&client(new.trust()), &example(), &server).await.0.unwrap();
}

#[tokio::test]
async fn what_is_not_our_protocol() {
    let authority = Authority::new();
    let server = authority.server(&["example.org"]);
    let (near, far) = tokio::io::duplex(4096);
    let plain = async move {
        use tokio::io::AsyncWriteExt;
        let mut far = far;
        far.write_all(b"ERROR (UNKNOWN) 0 impp/1.0\r\n\r\n").await.unwrap();
        far
    };
    let handshake = client(authority.trust());
    let (_far, error) = tokio::join!(plain, async { handshake.handshake(&example().into(), near).await.map(drop).unwrap_err() });
    assert_eq!(error, TlsError::NotTls);

    let (near, far) = tokio::io::duplex(4096);
    drop(far);
    let error = handshake.handshake(&example().into(), near).await.map(drop).unwrap_err();
    assert!(matches!(error, TlsError::Broken(_)), "{error:?}");

    // Another protocol name is refused, none at all is not.
    for (names, welcome) in [(vec![b"h2".to_vec()], false), (vec![], true)] {
        let mut config = rustls::ClientConfig::builder_with_provider(super::provider())
            .with_protocol_versions(super::VERSIONS)
            .unwrap()
            .with_root_certificates(authority.roots())
            .with_no_client_auth();
        config.alpn_protocols = names;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let (near, far) = tokio::io::duplex(4096);
        let name = rustls::pki_types::ServerName::try_from("example.org").unwrap();
        let (near, _far) = tokio::join!(connector.connect(name, near), server.accept(far));
        assert_eq!(near.is_ok(), welcome);
    }
}

/// A server whose chain ends with its authority's certificate, as DANE-TA asks for.
fn with_authority(authority: &Authority, names: &[&str], from: i32, to: i32) -> (ServerTls, Vec<CertificateDer<'static>>) {
    let (certificate, key) = authority.issue(names, from, to);
    let chain = fs::read_to_string(&certificate).unwrap() + &fs::read_to_string(authority.file()).unwrap();
    fs::write(&certificate, chain).unwrap();
    let ders = CertificateDer::pem_file_iter(&certificate).unwrap().map(Result::unwrap).collect();
    let certificates = vec![CertificateSource { domain: None, certificate, key }];
    (ServerTls::new(ServerTlsOptions { certificates, ..ServerTlsOptions::default() }).unwrap(), ders)
}

/// The record that names a certificate.
fn tlsa(usage: u8, selector: u8, matching: u8, certificate: &CertificateDer<'_>) -> Tlsa {
    let key = webpki::EndEntityCert::try_from(certificate).unwrap().subject_public_key_info();
    let selected: &[u8] = if selector == 0 { certificate } else { &key };
    let data = match matching {
        0 => selected.to_vec(),
        1 => Sha256::digest(selected).to_vec(),
        _ => Sha512::digest(selected).to_vec(),
    };
    Tlsa { usage, selector, matching, data }
}

async fn verdict(expected: &Reference, trust: Trust, server: &ServerTls) -> Result<(), CertificateFault> {
    let (near, far) = tokio::io::duplex(65_536);
    let client = client(trust);
    let (near, _) = tokio::join!(client.handshake(expected, near), server.accept(far));
    match near {
        Ok(_) => Ok(()),
        Err(TlsError::Certificate { fault, .. }) => Err(fault),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tlsa_records_decide_alone() {
    let (authority, nobody) = (Authority::new(), Authority::new());
    let host = Some("im.example.net".to_owned());
    let expected = |tlsa: Vec<Tlsa>| Reference { domain: example(), host: host.clone(), tlsa };
    // Whoever issued it, whatever it names, however old it is: the zone says that it is the one.
    let (old, chain) = with_authority(&authority, &["another.example"], 2019, 2020);
    for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let good = tlsa(3, selector, matching, &chain[0]);
        assert_eq!(verdict(&expected(vec![good.clone()]), nobody.trust(), &old).await, Ok(()), "{good}");
        let mut changed = good;
        changed.data[0] ^= 1;
        assert_eq!(verdict(&expected(vec![changed]), authority.trust(), &old).await, Err(CertificateFault::WrongTlsa));
    }
    // An authority must vouch for a certificate of one of both names that is valid now.
    let (by_domain, chain) = with_authority(&authority, &["example.org"], 2020, 2090);
    let (by_host, _) = with_authority(&authority, &["im.example.net"], 2020, 2090);
    let (neither, _) = with_authority(&authority, &["another.example"], 2020, 2090);
    let (expired, _) = with_authority(&authority, &["example.org"], 2019, 2020);
    for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let good = expected(vec![tlsa(2, selector, matching, &chain[1])]);
        assert_eq!(verdict(&good, nobody.trust(), &by_domain).await, Ok(()), "2 {selector} {matching}");
        assert_eq!(verdict(&good, nobody.trust(), &by_host).await, Ok(()));
        assert_eq!(verdict(&good, authority.trust(), &neither).await, Err(CertificateFault::WrongName));
        assert_eq!(verdict(&good, authority.trust(), &expired).await, Err(CertificateFault::Expired));
    }
    // Its own certificate does not make it an authority; and that of another does not either.
    let wrong = [tlsa(2, 1, 1, &chain[0]), tlsa(2, 1, 1, &with_authority(&nobody, &["x.example"], 2020, 2090).1[1])];
    assert_eq!(verdict(&expected(wrong.to_vec()), authority.trust(), &by_domain).await, Err(CertificateFault::WrongTlsa));
    // One that fits is enough; an authority that is given whole needs not be sent.
    let several = expected(vec![wrong[0].clone(), tlsa(3, 1, 1, &chain[0])]);
    assert_eq!(verdict(&several, nobody.trust(), &by_domain).await, Ok(()));
    let alone = authority.server(&["example.org"]);
    assert_eq!(verdict(&expected(vec![tlsa(2, 0, 0, &chain[1])]), nobody.trust(), &alone).await, Ok(()));
    assert_eq!(
        verdict(&expected(vec![tlsa(2, 0, 1, &chain[1])]), authority.trust(), &alone).await,
        Err(CertificateFault::WrongTlsa)
    );
}

#[tokio::test]
async fn the_host_s_name_will_do_where_the_dns_proved_it() {
    let authority = Authority::new();
    let server = authority.server(&["im.example.net"]);
    let proven = Reference { host: Some("im.example.net".into()), ..example().into() };
    assert_eq!(verdict(&proven, authority.trust(), &server).await, Ok(()));
    assert_eq!(verdict(&example().into(), authority.trust(), &server).await, Err(CertificateFault::WrongName));
    assert_eq!(verdict(&proven, Authority::new().trust(), &server).await, Err(CertificateFault::UnknownIssuer));
    let other = Reference { host: Some("im.example.com".into()), ..example().into() };
    assert_eq!(verdict(&other, authority.trust(), &server).await, Err(CertificateFault::WrongName));
}

#[tokio::test]
async fn what_is_said_in_the_handshake() {
    // A server whose default certificate is the host's, and another for the domain: SNI tells which was asked for.
    let authority = Authority::new();
    let source = |domain: Option<&str>, name: &str| {
        let (certificate, key) = authority.issue(&[name], 2020, 2090);
        CertificateSource { domain: domain.map(|name| Domain::parse(name).unwrap()), certificate, key }
    };
    let certificates = vec![
        source(None, "default.example"),
        source(Some("example.org"), "example.org"),
        source(Some("im.example.net"), "im.example.net"),
    ];
    let server = ServerTls::new(ServerTlsOptions { certificates, ..ServerTlsOptions::default() }).unwrap();
    let host = Some("im.example.net".to_owned());
    let useless = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
    for (tlsa, shown) in [(vec![], "example.org"), (vec![useless], "im.example.net")] {
        let expected = Reference { domain: example(), host: host.clone(), tlsa };
        let (near, far) = tokio::io::duplex(65_536);
        let client = client(authority.trust());
        let (near, _) = tokio::join!(client.examine(&expected, near), server.accept(far));
        let (_, seen) = near.unwrap();
        assert_eq!(seen.certificate.names, [shown]);
        assert_eq!((seen.speaks_impp, seen.version), (true, "TLS 1.3"));
        let without = if shown == "example.org" { AcceptedBy::Domain } else { AcceptedBy::Host };
        assert_eq!(seen.without_tlsa, Ok(without));
        assert_eq!(seen.verdict.is_ok(), shown == "example.org");
    }
}
