//! Handshakes over a stream in memory, against certificates made for the occasion.

use super::{CertificateFault, CertificateSource, ClientTls, FileFault, Identity, Pin, Reload, ServerTls, ServerTlsOptions};
use super::{TlsError, Trust};
use crate::model::{Address, Domain};
use crate::net::testing::{Authority, handshake};
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
    let ((_, near), (far_stream, far, users)) = (near.unwrap(), far.unwrap());
    assert_eq!(near.version, "TLS 1.3");
    assert_eq!(near.exporter.as_ref().map(Vec::len), Some(32));
    assert_eq!(near, far);
    assert_eq!(users, []);
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
    let server = ServerTls::new(ServerTlsOptions { certificates, client_authority: None }).unwrap();
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
        let options = ServerTlsOptions { certificates, client_authority: Some(vouching.file()) };
        let server = ServerTls::new(options).unwrap();
        let (near, far) = handshake(&certified, &example(), &server).await;
        near.unwrap();
        assert_eq!(far.unwrap().2, Vec::from_iter(expected));
        // A client without a certificate is welcome.
        let (near, far) = handshake(&client(authority.trust()), &example(), &server).await;
        near.unwrap();
        assert_eq!(far.unwrap().2, []);
    }
}

#[tokio::test]
async fn certificates_are_renewed_and_a_bad_renewal_changes_nothing() {
    let (old, new) = (Authority::new(), Authority::new());
    let (certificate, key) = old.issue(&["example.org"], 2020, 2090);
    let certificates = vec![CertificateSource { domain: None, certificate: certificate.clone(), key: key.clone() }];
    let server = ServerTls::new(ServerTlsOptions { certificates, client_authority: None }).unwrap();
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
    let (_far, error) = tokio::join!(plain, async { handshake.handshake(&example(), near).await.map(drop).unwrap_err() });
    assert_eq!(error, TlsError::NotTls);

    let (near, far) = tokio::io::duplex(4096);
    drop(far);
    let error = handshake.handshake(&example(), near).await.map(drop).unwrap_err();
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
