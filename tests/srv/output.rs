//! The forms in which it is told, and the other things that the tool does.

use crate::support::dns::{Dns, Quirk};
use crate::support::{DOMAIN, Site, bare, program, run};
use crate::{ends, srv, zone};
use impp::cli::tools::MANUALS;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};

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
    let octets = site.write("octets.zone", [0xff_u8; 64]);
    ends(65, "no text at all", &mut srv(&nothing, &site, &["--zone-file", octets.to_str().unwrap(), DOMAIN]));
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
fn what_init_prints_is_what_the_judge_finds_sound() {
    let folder = tempfile::tempdir().unwrap();
    let mut init = bare(program("impp-relay"));
    let printed = ends(0, "init", init.args(["init", DOMAIN, "--host", &format!("im.{DOMAIN}"), "--dir"]).arg(folder.path()));
    let lines: String =
        printed.lines().filter(|line| line.contains(" IN SRV ")).map(|line| format!("{}\n", line.trim())).collect();
    let zone = folder.path().join("printed.zone");
    std::fs::write(&zone, format!("{lines}im A 127.0.0.1\n")).unwrap();
    let nothing = Dns::start("else.test. A 127.0.0.1", &[]);
    let mut judge = bare(program("impp-srv"));
    judge.args(["--resolver", &nothing.address.to_string(), "--zone-file"]).arg(&zone).arg(DOMAIN);
    let out = ends(0, "judged", &mut judge);
    assert!(out.ends_with("demo.test: sound\n") && !out.contains("info "), "{out}");
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

#[test]
fn each_status_of_the_manual() {
    let site = Site::with_users(&["alice"]);
    let good = Dns::start(&zone(&site), &[]);
    let nobody = Dns::start("else.test. A 127.0.0.1", &[]);
    let name = format!("_impps-client._tcp.{DOMAIN}");
    let unsure = Dns::start(&zone(&site), &[(&name, "SRV", Quirk::ServFail)]);
    let one_role: String = zone(&site).lines().filter(|line| !line.contains("-server")).map(|line| format!("{line}\n")).collect();
    let warned = Dns::start(&one_role, &[]);
    let config = site.write("wrong.toml", "nonsense = 1\n");
    let config = config.to_str().unwrap();
    let (alice, pass) = (format!("alice@{DOMAIN}"), site.path("alice.pass"));
    let login = ["--probe-login", "--login", &alice, "--pass-file", pass.to_str().unwrap(), DOMAIN];
    let mut seen = BTreeSet::new();
    for (status, dns, words, part) in [
        (0, &good, &[DOMAIN][..], ""),
        (1, &nobody, &[DOMAIN], ""),
        (2, &warned, &[DOMAIN], ""),
        (3, &unsure, &[DOMAIN], ""),
        (64, &good, &["--frobnicate", DOMAIN], "--frobnicate"),
        (65, &good, &["not a domain"], "is no domain"),
        (66, &good, &["--zone-file", "/nonexistent/zone", DOMAIN], "/nonexistent/zone"),
        (73, &good, &[&login[..], &["--trace=/proc/nowhere"]].concat(), "cannot create /proc/nowhere"),
        (78, &good, &[&login[..], &["-c", config]].concat(), "wrong.toml:1"),
    ] {
        let done = run(&mut srv(dns, &site, words), b"");
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(status) && errors.contains(part), "{words:?}: {:?} {errors}", done.status);
        assert!(status < 64 || !errors.is_empty(), "{words:?}");
        seen.insert(status);
    }
    for (status, script, part) in
        [(74, "exec \"$@\" > /dev/full", "no space left"), (70, "ulimit -n 4; exec \"$@\"", "cannot start")]
    {
        let judge = srv(&good, &site, &["--no-connect", DOMAIN]);
        let mut shell = bare("/bin/sh");
        let done = run(shell.args(["-c", script, "sh"]).arg(judge.get_program()).args(judge.get_args()), b"");
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(status) && errors.contains(part), "{script}: {errors}");
        seen.insert(status);
    }
    // Who says nothing keeps nobody. What could not be found out is 3; a certificate that did not come in time, 75.
    let (resolver, server) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let resolver = resolver.local_addr().unwrap().to_string();
    let server = format!("im.{DOMAIN}:{}", server.local_addr().unwrap().port());
    for (status, words) in
        [(3, &["--resolver", &resolver][..]), (75, &["--resolver", &good.address.to_string(), "--print-zone", &server])]
    {
        let mut judge = bare(program("impp-srv"));
        ends(status, "silence", judge.args(words).args(["--timeout", "2s", "--connect-timeout", "60s", DOMAIN]));
        seen.insert(status);
    }
    let (_, manual) = MANUALS.iter().find(|(name, _)| *name == "impp-srv").unwrap();
    let promised: BTreeSet<i32> = manual.meanings().iter().map(|(code, _)| i32::from(*code)).collect();
    assert_eq!(seen, promised);
}

#[test]
fn a_password_is_asked_for_before_anything_is_judged() {
    if !crate::support::has("script") {
        return;
    }
    let site = Site::with_users(&["alice"]);
    let dns = Dns::start(&zone(&site), &[]);
    let judge = srv(&dns, &site, &["--probe-login", "--login", &format!("alice@{DOMAIN}"), DOMAIN]);
    let words: Vec<&str> = judge.get_args().map(|word| word.to_str().unwrap()).collect();
    let line = format!("{} {}", program("impp-srv"), words.join(" "));
    let mut terminal = crate::support::Tool::spawn(bare("script").args(["-qec", &line, "/dev/null"]));
    // The terminal takes it whenever it comes.
    terminal.type_in("alice's secret\n");
    let out = terminal.out().clone();
    assert!(terminal.end().success(), "{}", out.text());
    assert!(out.all().contains("logged in at"), "{}", out.text());
}
