//! `impp-srv` as an administrator runs it: against a name server and a relay of the test's own.
#![cfg(feature = "relay")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::disallowed_types, reason = "tests")]

mod support;

use impp::net::tls::{CertificateSource, ServerTls, ServerTlsOptions};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use support::dns::{Dns, Quirk};
use support::knot::{Chain, Knot};
use support::{DOMAIN, Site, bare, program, run};

/// What of the output fits on a screen.
const SCREEN: usize = 24;

fn srv(dns: &Dns, site: &Site, options: &[&str]) -> Command {
    let mut command = bare(program("impp-srv"));
    command.args(["--resolver", &dns.address.to_string(), "--ca", site.path("cert.pem").to_str().unwrap()]);
    command.args(["--timeout", "20s", "--connect-timeout", "3s"]).args(options);
    command
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn ends(status: i32, what: &str, command: &mut Command) -> String {
    let output = run(command, b"");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{what}\n{}{errors}", text(&output));
    if command.get_args().any(|word| word == "--json") {
        support::records::hold("impp-srv", &text(&output));
    }
    text(&output)
}

/// Records for all four names of the domain, TLS first.
fn zone(site: &Site) -> String {
    let (tls, plain) = (site.tls.port(), site.plain.port());
    format!(
        "_impps-client._tcp.{DOMAIN}. SRV 10 100 {tls} im.{DOMAIN}.\n\
         _impp-client._tcp.{DOMAIN}. SRV 20 100 {plain} im.{DOMAIN}.\n\
         _impps-server._tcp.{DOMAIN}. SRV 10 100 {tls} im.{DOMAIN}.\n\
         _impp-server._tcp.{DOMAIN}. SRV 20 100 {plain} im.{DOMAIN}.\n\
         im.{DOMAIN}. A 127.0.0.1\n"
    )
}

/// A port on which nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Something that speaks, but no IMPP.
fn web() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    address
}

#[test]
fn a_sound_domain() {
    let site = Site::with_users(&["alice"]);
    let dns = Dns::start(&zone(&site), &[]);
    let out = ends(0, "sound", &mut srv(&dns, &site, &[DOMAIN]));
    for part in
        ["for clients:", "for other domains:", "share 100 %", "TCP ", "TLS 1.3", "d left", "domain yes", "SCRAM-SHA-256", "sound"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let of = |word: &str| out.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((of("error"), of("warning"), of("unknown")), (0, 0, 0), "{out}");
    let client = ends(0, "one role", &mut srv(&dns, &site, &["--client", "--no-connect", DOMAIN]));
    assert!(!client.contains("for other domains") && !client.contains("TLS 1.3"), "{client}");
}

#[test]
fn the_usual_mistakes_are_named_on_the_first_screen_with_the_record_to_change() {
    let site = Site::with_users(&["alice"]);
    let good = zone(&site);
    let (tls, plain) = (site.tls.port(), site.plain.port());
    let first = format!("_impps-client._tcp.{DOMAIN}. SRV 10 100 {tls} im.{DOMAIN}.\n");
    let instead = |line: &str| good.replace(&first, &format!("{line}\n"));
    let client = |rest: &str| instead(&format!("_impps-client._tcp.{DOMAIN}. SRV 10 100 {rest}"));
    let right = format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {tls} im.{DOMAIN}.");
    let (shut, web) = (closed().port(), web().port());
    let foreign = good.replace(DOMAIN, "other.test").replace("im.other.test", &format!("im.{DOMAIN}"))
        + &format!("im.{DOMAIN}. A 127.0.0.1\n");
    let only_client = good.lines().filter(|line| !line.contains("-server")).collect::<Vec<_>>().join("\n");
    let rows: Vec<(&str, i32, &str, String, String, &str)> = vec![
        ("the dot is missing", 1, "S07", client(&format!("{tls} im.{DOMAIN}.{DOMAIN}.")), right.clone(), DOMAIN),
        ("no address", 1, "S07", client(&format!("{tls} gone.{DOMAIN}.")), format!("-> gone.{DOMAIN}. 3600 IN A"), DOMAIN),
        (
            "an alias",
            1,
            "S05",
            client(&format!("{tls} www.{DOMAIN}.")) + &format!("www.{DOMAIN}. CNAME im.{DOMAIN}."),
            right.clone(),
            DOMAIN,
        ),
        ("an address", 1, "S06", client(&format!("{tls} 127.0.0.1.")), format!("-> im.{DOMAIN}. 3600 IN A 127.0.0.1"), DOMAIN),
        (
            "both ports confused",
            1,
            "S15",
            client(&format!("{plain} im.{DOMAIN}.")),
            format!("-> _impp-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {plain}"),
            DOMAIN,
        ),
        (
            "a closed port",
            2,
            "S12",
            client(&format!("{shut} im.{DOMAIN}.")),
            format!("-> remove  _impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {shut}"),
            DOMAIN,
        ),
        ("another service", 1, "S18", client(&format!("{web} im.{DOMAIN}.")), "-> correct the port".into(), DOMAIN),
        (
            "the certificate of another domain",
            1,
            "S17",
            foreign.clone(),
            "-> get a certificate with the DNS name other.test".into(),
            "other.test",
        ),
        ("a domain that is not served", 1, "S20", foreign, "-> add other.test to the server's domains".into(), "other.test"),
        (
            "one role forgotten",
            2,
            "S26",
            only_client,
            format!("-> _impps-server._tcp.{DOMAIN}. 3600 IN SRV 10 100 {tls} im.{DOMAIN}."),
            DOMAIN,
        ),
        (
            "a root beside",
            1,
            "S04",
            good.clone() + &format!("_impps-client._tcp.{DOMAIN}. SRV 0 0 0 ."),
            format!("-> remove  _impps-client._tcp.{DOMAIN}. 3600 IN SRV 0 0 0 ."),
            DOMAIN,
        ),
        (
            "nothing at all",
            1,
            "S01",
            "else.test. A 127.0.0.1".into(),
            format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV"),
            DOMAIN,
        ),
        (
            "declined",
            1,
            "S03",
            format!("_impps-client._tcp.{DOMAIN}. SRV 0 0 0 ."),
            format!("-> _impps-client._tcp.{DOMAIN}. 3600 IN SRV"),
            DOMAIN,
        ),
        (
            "a role that only its address serves",
            2,
            "S26",
            good.lines().filter(|line| !line.contains("-server")).collect::<Vec<_>>().join("\n")
                + &format!("\n{DOMAIN}. A 127.99.57.72"),
            format!("-> _impps-server._tcp.{DOMAIN}. 3600 IN SRV"),
            DOMAIN,
        ),
        (
            "twice the same",
            2,
            "S08",
            good.clone() + &format!("_impps-client._tcp.{DOMAIN}. SRV 10 5 {tls} im.{DOMAIN}."),
            format!("SRV 10 105 {tls}"),
            DOMAIN,
        ),
        (
            "weight 0",
            2,
            "S09",
            good.clone() + &format!("_impps-client._tcp.{DOMAIN}. SRV 10 0 {tls} b.{DOMAIN}.\nb.{DOMAIN}. A 127.0.0.1"),
            format!("SRV 10 1 {tls}"),
            DOMAIN,
        ),
        (
            "a tier of no use",
            2,
            "S10",
            good.clone() + &format!("_impps-client._tcp.{DOMAIN}. SRV 30 0 {tls} im.{DOMAIN}."),
            "-> remove".into(),
            DOMAIN,
        ),
        (
            "dead IPv6",
            2,
            "S13",
            good.clone() + &format!("im.{DOMAIN}. AAAA ::1"),
            format!("-> remove  im.{DOMAIN}. 3600 IN AAAA ::1"),
            DOMAIN,
        ),
        (
            "a search name",
            2,
            "S27",
            instead(&format!(
                "_impps-client._tcp.{DOMAIN}. CNAME _impps-client._tcp.{DOMAIN}.lan.\n_impps-client._tcp.{DOMAIN}.lan. SRV 10 100 {tls} im.{DOMAIN}."
            )),
            "--resolver".into(),
            DOMAIN,
        ),
    ];
    for (row, status, id, zone, change, domain) in rows {
        let dns = Dns::start(&zone, &[]);
        let out = ends(status, row, &mut srv(&dns, &site, &[domain]));
        let screen: Vec<&str> = out.lines().take(SCREEN).collect();
        assert!(screen.iter().any(|line| line.contains(&format!(" {id} "))), "{row}: {out}");
        assert!(screen.iter().any(|line| line.contains(&change)), "{row}: {change}\n{out}");
    }
}

#[test]
fn what_cannot_be_found_out_is_neither_good_nor_bad() {
    let site = Site::with_users(&["alice"]);
    let question = format!("_impps-client._tcp.{DOMAIN}");
    for quirk in [Quirk::ServFail, Quirk::Refused, Quirk::Silent] {
        let dns = Dns::start(&zone(&site), &[(&question, "SRV", quirk)]);
        let out = ends(3, "undecided", &mut srv(&dns, &site, &[DOMAIN]));
        assert!(out.contains("unknown S28"), "{quirk:?}: {out}");
        let line = ends(3, "Nagios", &mut srv(&dns, &site, &["--nagios", DOMAIN]));
        assert!(line.starts_with("IMPP UNKNOWN - demo.test"), "{line}");
    }
    let anchor = site.write(
        "strange.key",
        ". 3600 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n",
    );
    let dns = Dns::start(&zone(&site), &[]);
    let out = ends(1, "bogus", &mut srv(&dns, &site, &["--dnssec-anchor", anchor.to_str().unwrap(), DOMAIN]));
    assert!(out.contains("error   S22") && out.contains("bogus"), "{out}");
}

#[test]
fn the_same_for_scripts_and_monitors() {
    let site = Site::with_users(&["alice"]);
    let good = Dns::start(&zone(&site), &[]);
    let json = |out: &str| serde_json::from_str::<Value>(out.trim()).unwrap();
    let sound = json(&ends(0, "JSON", &mut srv(&good, &site, &["--json", DOMAIN])));
    let keys: Vec<&String> = sound.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["v", "domain", "verdict", "code", "errors", "warnings", "ids", "findings", "roles", "login"]);
    assert_eq!((&sound["verdict"], &sound["code"]), (&Value::from("ok"), &Value::from(0)));
    let place = &sound["roles"][0]["places"][0];
    assert_eq!(place["record"], format!("10 100 {} im.{DOMAIN}.", site.tls.port()));
    assert_eq!(place["addresses"][0]["tls"]["accepted"], true);
    let nagios = ends(0, "Nagios", &mut srv(&good, &site, &["--nagios", DOMAIN]));
    assert!(nagios.starts_with("IMPP OK - demo.test") && nagios.contains("| errors=0 warnings=0 days="), "{nagios}");
    let metrics = ends(0, "Prometheus", &mut srv(&good, &site, &["--prometheus", DOMAIN]));
    assert!(metrics.contains("\nimpp_srv_status{domain=\"demo.test\"} 0\n"), "{metrics}");
    assert!(metrics.contains("impp_srv_up{domain=\"demo.test\",target=\"im.demo.test:"), "{metrics}");

    let one_role: String = zone(&site).lines().filter(|line| !line.contains("-server")).map(|line| format!("{line}\n")).collect();
    let warned = Dns::start(&one_role, &[]);
    ends(2, "warnings", &mut srv(&warned, &site, &[DOMAIN]));
    ends(1, "strict", &mut srv(&warned, &site, &["--strict", DOMAIN]));
    let nagios = ends(1, "a warning is 1 for Nagios", &mut srv(&warned, &site, &["--nagios", DOMAIN]));
    assert!(nagios.starts_with("IMPP WARNING - "), "{nagios}");
    let nagios = ends(2, "critical is 2", &mut srv(&warned, &site, &["--nagios", "--strict", DOMAIN]));
    assert!(nagios.starts_with("IMPP CRITICAL - "), "{nagios}");
    let short = ends(2, "short", &mut srv(&warned, &site, &["--short", DOMAIN]));
    assert!(short.lines().count() == 1 && short.starts_with("demo.test  warning  S26 "), "{short}");
    let line =
        ends(2, "a template", &mut srv(&warned, &site, &["--format", "{domain} {verdict} {ids}\\n", "--no-connect", DOMAIN]));
    assert!(line.starts_with("demo.test warning S26"), "{line}");
}

#[test]
fn name_servers_are_asked_one_by_one() {
    let site = Site::with_users(&["alice"]);
    // Nobody answers at the second address.
    let servers = format!(
        "{DOMAIN}. NS ns1.{DOMAIN}.\n{DOMAIN}. NS ns2.{DOMAIN}.\nns1.{DOMAIN}. A 127.0.0.1\nns2.{DOMAIN}. A 127.99.57.73\n"
    );
    let dns = Dns::start(&(zone(&site) + &servers), &[]);
    let out = ends(2, "one is dead", &mut srv(&dns, &site, &["--authoritative", "--no-connect", DOMAIN]));
    assert!(out.contains(&format!("warning S21 ns2.{DOMAIN} [127.99.57.73]")), "{out}");
}

#[test]
fn a_zone_before_it_is_published() {
    let site = Site::with_users(&["alice"]);
    let nothing = Dns::start("else.test. A 127.0.0.1", &[]);
    let good = site.write("good.zone", format!("$ORIGIN {DOMAIN}.\n$TTL 1h\n{}", zone(&site)));
    let good = good.to_str().unwrap();
    ends(0, "sound", &mut srv(&nothing, &site, &["--zone-file", good, DOMAIN]));
    let live = ends(0, "visited as well", &mut srv(&nothing, &site, &["--zone-file", good, "--connect", DOMAIN]));
    assert!(live.contains("TLS 1.3"), "{live}");
    // The mistake of mistakes.
    let bad = site.write("bad.zone", format!("_impps-client._tcp SRV 0 0 5773 im.{DOMAIN}\nim A 127.0.0.1\n"));
    let out = ends(1, "no dot", &mut srv(&nothing, &site, &["--zone-file", bad.to_str().unwrap(), DOMAIN]));
    assert!(out.contains("the dot at its end is missing"), "{out}");
    assert!(nothing.asked().iter().all(|question| !question.contains("SRV")), "{:?}", nothing.asked());
    let broken = site.write("broken.zone", "im A 127.0.0.1\nim A 127.0.0\n");
    let output = run(&mut srv(&nothing, &site, &["--zone-file", broken.to_str().unwrap(), DOMAIN]), b"");
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2"), "{output:?}");
    ends(66, "no file", &mut srv(&nothing, &site, &["--zone-file", "/nonexistent/zone", DOMAIN]));
}

#[test]
fn what_is_expected() {
    let site = Site::with_users(&["alice"]);
    let dns = Dns::start(&zone(&site), &[]);
    let records = site.write("expected.zone", zone(&site));
    let place = format!("im.{DOMAIN}:{}", site.tls.port());
    for expect in [records.to_str().unwrap(), &place] {
        ends(0, expect, &mut srv(&dns, &site, &["--expect", expect, "--no-connect", DOMAIN]));
    }
    let fewer: Vec<String> = zone(&site).lines().skip(1).map(str::to_owned).collect();
    let fewer = site.write("fewer.zone", fewer.join("\n"));
    for expect in [fewer.to_str().unwrap(), "im9.demo.test:5773"] {
        let out = ends(1, expect, &mut srv(&dns, &site, &["--expect", expect, "--no-connect", DOMAIN]));
        assert!(out.contains("S24"), "{out}");
    }
}

#[test]
fn the_shares_of_many_draws() {
    let site = Site::with_users(&["alice"]);
    let lines = [10, 30, 60].map(|weight| format!("_impps-client._tcp.{DOMAIN}. SRV 1 {weight} 5773 im{weight}.{DOMAIN}.\n"));
    let dns = Dns::start(&lines.concat(), &[]);
    let draw = |seed: &str| {
        ends(0, "draws", &mut srv(&dns, &site, &["--client", "--order", "100000", "--seed", seed, "--json", DOMAIN]))
    };
    let first = draw("7");
    assert_eq!(first, draw("7"), "the same dice fall alike");
    assert_ne!(first, draw("8"));
    let shares: Vec<f64> =
        first.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["share"].as_f64().unwrap()).collect();
    for (share, expected) in shares.iter().zip([0.6, 0.3, 0.1]) {
        assert!((share - expected).abs() < 0.01, "{shares:?}");
    }
}

#[test]
fn records_to_publish() {
    let site = Site::with_users(&["alice"]);
    let dns = Dns::start(&zone(&site), &[]);
    let place = format!("im.{DOMAIN}:{}", site.tls.port());
    let certificate = site.path("cert.pem");
    let from_file =
        ends(0, "file", &mut srv(&dns, &site, &["--print-zone", &place, "--cert", certificate.to_str().unwrap(), DOMAIN]));
    let from_server = ends(0, "server", &mut srv(&dns, &site, &["--print-zone", &place, DOMAIN]));
    assert_eq!(from_file, from_server);
    let port = site.tls.port();
    assert!(
        from_file.starts_with(&format!("_impps-client._tcp.{DOMAIN}. 3600 IN SRV 10 100 {port} im.{DOMAIN}.\n")),
        "{from_file}"
    );
    assert!(from_file.contains(&format!("_{port}._tcp.im.{DOMAIN}. 3600 IN TLSA 3 1 1 ")), "{from_file}");
    // What it prints is what it finds sound.
    let zone_file = site.write("printed.zone", from_file + &format!("im.{DOMAIN}. 3600 IN A 127.0.0.1\n"));
    ends(0, "round trip", &mut srv(&dns, &site, &["--zone-file", zone_file.to_str().unwrap(), "--connect", DOMAIN]));
    let both =
        ends(0, "both kinds", &mut srv(&dns, &site, &["--print-zone", "im.demo.test", "--no-connect", "--client", DOMAIN]));
    assert_eq!(both.lines().count(), 2, "{both}");
    ends(64, "an address", &mut srv(&dns, &site, &["--print-zone", "127.0.0.1", DOMAIN]));
}

#[test]
fn a_login_is_tried() {
    let site = Site::with_users(&["alice"]);
    let dns = Dns::start(&zone(&site), &[]);
    let wrong = site.write("wrong.pass", "not it\n");
    let pass = site.path("alice.pass");
    let login = |file: &std::path::Path, domain: &str| {
        let alice = format!("alice@{DOMAIN}");
        srv(&dns, &site, &["--probe-login", "--login", &alice, "--pass-file", file.to_str().unwrap(), domain])
    };
    let out = ends(0, "right", &mut login(&pass, DOMAIN));
    assert!(out.contains("login  alice@demo.test: logged in at "), "{out}");
    let out = ends(1, "wrong", &mut login(&wrong, DOMAIN));
    assert!(out.contains("error   S30 ") && !out.contains("not it"), "{out}");
    ends(64, "elsewhere", &mut login(&pass, "other.test"));
}

#[test]
fn findings_are_explained() {
    let mut command = bare(program("impp-srv"));
    let out = ends(0, "S07", command.args(["--explain", "s07"]));
    assert!(out.starts_with("S07  a target has no address (error)\n") && out.contains("To do: "), "{out}");
    ends(64, "none", bare(program("impp-srv")).args(["--explain", "S99"]));
    ends(64, "no domain", &mut bare(program("impp-srv")));
    ends(65, "bad domain", bare(program("impp-srv")).arg("not a domain"));
}

#[test]
fn the_manual_says_what_explain_says() {
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/srv.md")).unwrap();
    let findings = manual.split_once("## The findings\n\n").unwrap().1;
    for (written, meant) in findings.lines().zip(impp::cli::tools::srv::explain::markdown().lines()) {
        assert_eq!(written, meant, "docs/srv.md repeats what --explain says");
    }
    assert_eq!(findings, impp::cli::tools::srv::explain::markdown());
}

/// A TLS server with this certificate, that says nothing once the handshake is over; and the certificate's file.
fn secured(site: &Site, adapt: impl Fn(&mut rcgen::CertificateParams)) -> (SocketAddr, std::path::PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![DOMAIN.to_owned()]).unwrap();
    adapt(&mut params);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let certificate = site.write(&format!("{}.pem", address.port()), params.self_signed(&key).unwrap().pem());
    let file = site.write(&format!("{}.key", address.port()), key.serialize_pem());
    let source = CertificateSource { domain: None, certificate: certificate.clone(), key: file };
    let server = ServerTls::new(ServerTlsOptions { certificates: vec![source], ..ServerTlsOptions::default() }).unwrap();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = server.accept(stream).await;
            }
        });
    });
    (address, certificate)
}

/// Speaks IMPP, has no TLS, and would take passwords in the clear.
fn careless() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 2048]);
            let hello = format!(
                "OK (HELLO) 1 impp/1.0\r\nDomain: {DOMAIN}\r\nAgent: careless/1\u{202e}\r\nTLS: none\r\nMechanisms: PLAIN\r\nServices: \r\n\
                 Max-Body: 65536\r\nMax-Outstanding: 1\r\nLease-Min: 60\r\nLease-Max: 60\r\n\r\n"
            );
            let _ = stream.write_all(hello.as_bytes());
            let _ = stream.read(&mut [0; 2048]);
        }
    });
    address
}

fn leads_to(kind: &str, address: SocketAddr) -> Dns {
    let zone = format!("_{kind}-client._tcp.{DOMAIN}. SRV 0 0 {} im.{DOMAIN}.\nim.{DOMAIN}. A 127.0.0.1", address.port());
    Dns::start(&zone, &[])
}

#[test]
fn certificates_are_judged_by_their_dates_and_issuers() {
    let site = Site::with_users(&["alice"]);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let day = |days: i64| {
        let seconds = since.checked_add_signed(days * 86_400 + 3600).unwrap();
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    };
    for (row, days, words) in [("over", -1, "error   S16"), ("urgent", 3, "warning S16"), ("soon", 20, "info    S16")] {
        let (address, certificate) = secured(&site, |params| {
            params.not_before = day(-90);
            params.not_after = day(days);
        });
        let dns = leads_to("impps", address);
        let mut command = bare(program("impp-srv"));
        command.args(["--resolver", &dns.address.to_string(), "--ca", certificate.to_str().unwrap(), "--client", DOMAIN]);
        let out = text(&run(&mut command, b""));
        assert!(out.contains(words), "{row}: {out}");
        assert!(out.contains("S18"), "it says nothing: {out}");
    }
    let dns = leads_to("impps", site.tls);
    let mut command = bare(program("impp-srv"));
    let out = ends(1, "nobody vouches", command.args(["--resolver", &dns.address.to_string(), "--client", DOMAIN]));
    assert!(out.contains("error   S29") && out.contains("self-signed"), "{out}");
}

#[test]
fn a_server_without_tls() {
    let site = Site::with_users(&["alice"]);
    let dns = leads_to("impp", careless());
    let out = ends(1, "no TLS", &mut srv(&dns, &site, &["--client", DOMAIN]));
    for id in ["S14", "S19"] {
        assert!(out.contains(&format!("error   {id} ")), "{id}: {out}");
    }
    assert!(out.contains("careless/1\\u{202e}") && !out.contains('\u{202e}'), "{out}");
}

#[test]
fn dane_in_a_zone_that_is_really_signed() {
    if !Knot::is_installed() {
        return;
    }
    let site = Site::with_users(&["alice"]);
    let port = site.tls.port();
    let nothing = Dns::start("else.test. A 127.0.0.1", &[]);
    let place = format!("im.{DOMAIN}:{port}");
    let certificate = site.path("cert.pem");
    let printed =
        ends(0, "TLSA", &mut srv(&nothing, &site, &["--print-zone", &place, "--cert", certificate.to_str().unwrap(), DOMAIN]));
    let right = printed.lines().find(|line| line.contains(" TLSA ")).unwrap().to_owned();
    let (_, hash) = right.split_once(" 3 1 1 ").unwrap();
    let wrong = format!("{}{}", &hash[..63], if hash.ends_with('0') { "1" } else { "0" });
    let zone = |hash: &str| {
        format!("_impps-client._tcp 60 SRV 0 0 {port} im.{DOMAIN}.\nim 60 A 127.0.0.1\n_{port}._tcp.im 60 TLSA 3 1 1 {hash}\n")
    };
    for (row, chain, hash, status, words) in [
        ("right", Chain::Signed, hash, 0, "TLSA fits"),
        ("one bit", Chain::Signed, &wrong, 1, right.as_str()),
        ("unsigned", Chain::Unsigned, hash, 1, "S29"),
        ("broken", Chain::Broken, hash, 1, "error   S22"),
    ] {
        let knot = Knot::start(DOMAIN, &zone(hash), chain);
        let mut command = bare(program("impp-srv"));
        command.args([
            "--resolver",
            &knot.address.to_string(),
            "--dnssec-anchor",
            knot.anchor().to_str().unwrap(),
            "--client",
            DOMAIN,
        ]);
        let out = ends(status, row, &mut command);
        assert!(out.contains(words), "{row}: {out}");
        assert_eq!(out.contains("DNSSEC secure"), chain == Chain::Signed, "{row}: {out}");
    }
}

#[test]
fn a_relay_judges_its_own_domains() {
    let site = Site::with_users(&["alice"]);
    let dns = Dns::start(&zone(&site), &[]);
    let (resolver, ca) = (dns.address.to_string(), site.path("cert.pem"));
    let check = |what, more: &[&str]| {
        let mut command = site.relay_command(&["check", what, "--resolver", &resolver]);
        command.args(more);
        command
    };
    let ca = ["--ca", ca.to_str().unwrap()];
    let out = ends(0, "dns", &mut check("dns", &[]));
    assert!(out.contains("for clients:") && !out.contains("TLS 1.3"), "{out}");
    let out = ends(0, "connect", &mut check("connect", &ca));
    assert!(out.contains("TLS 1.3"), "{out}");
    ends(0, "certs", &mut check("certs", &ca));
    let out = ends(1, "certs that nobody trusts", &mut check("certs", &["--json"]));
    let judged: Value = serde_json::from_str(out.trim()).unwrap();
    assert!(judged["ids"].as_array().unwrap().iter().all(|id| id == "S29"), "{out}");
}
