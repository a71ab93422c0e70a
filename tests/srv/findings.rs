//! What is found, and what it says to change.

use crate::support::dns::{Dns, Quirk};
use crate::support::{By, Chain, DOMAIN, Signed, Site, bare, program};
use crate::{SCREEN, broken, careless, ends, leads_to, srv, zone};
use impp::net::judge::catalogue::CATALOGUE;

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

/// Each set-up names its mistake, with the record to change, before a screen is full.
#[test]
fn every_finding_has_a_broken_set_up_and_says_what_to_change() {
    let site = Site::with_users(&["alice"]);
    let mut missing: Vec<&str> = CATALOGUE.iter().map(|entry| entry.code).collect();
    for mut broken in broken::all(&site) {
        let out = ends(broken.status, broken.what, &mut broken.command);
        let screen: Vec<&str> = out.lines().take(SCREEN).collect();
        let named = format!("{:<7} {} ", broken.severity, broken.id);
        // What is more than a screen can hold fills it.
        let whole: Vec<&str> = out.lines().collect();
        let lines = if broken.what == "more than anybody tries" { whole } else { screen };
        assert!(lines.iter().any(|line| line.starts_with(&named)), "{}: {named}\n{out}", broken.what);
        assert!(lines.iter().any(|line| line.contains(&broken.change)), "{}: {}\n{out}", broken.what, broken.change);
        missing.retain(|code| *code != broken.id);
    }
    assert!(missing.is_empty(), "no set-up for {missing:?}");
}

/// A domain that does everything rightly, and its zone file: what is wrong nowhere is found nowhere.
#[test]
fn no_finding_is_made_of_a_good_set_up() {
    let site = Site::with_users(&["alice"]);
    let (tls, certificate) = (site.tls.port(), site.path("cert.pem"));
    let nothing = Dns::start("else.test. A 127.0.0.1", &[]);
    let place = format!("im.{DOMAIN}:{tls}");
    let words = ["--print-zone", &place, "--cert", certificate.to_str().unwrap(), DOMAIN];
    let printed = ends(0, "the records to publish", &mut srv(&nothing, &site, &words));
    let records = format!("{printed}im A 127.0.0.1\n");
    for by in By::all() {
        let zones = Signed::start(by, DOMAIN, &records, Chain::Signed);
        let mut command = bare(program("impp-srv"));
        command.arg("--dnssec-anchor").arg(zones.anchor()).args(["--resolver", &zones.address.to_string()]);
        command.args(["--authoritative", "--expect", &place, "--probe-login", "--login", &format!("alice@{DOMAIN}")]);
        command.arg("--pass-file").arg(site.path("alice.pass")).arg(DOMAIN);
        let out = ends(0, "all is well", &mut command);
        assert!(out.contains("DNSSEC secure") && out.contains("TLSA fits") && out.contains(": logged in"), "{out}");
        // The ports are those that were free.
        assert!(found(&out).iter().all(|id| *id == "S11"), "{by:?}: {out}");
    }
    let usual = records.replace(&tls.to_string(), "5773");
    let file = site.write("usual.zone", format!("$ORIGIN {DOMAIN}.\n{usual}"));
    let out = ends(0, "a zone file", &mut srv(&nothing, &site, &["--zone-file", file.to_str().unwrap(), DOMAIN]));
    assert!(found(&out).is_empty(), "{out}");
}

/// The findings of an output.
fn found(out: &str) -> Vec<&str> {
    let words = ["error", "unknown", "warning", "info"];
    out.lines()
        .filter(|line| words.iter().any(|word| line.starts_with(word)))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect()
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
    let rows = [
        ("right", Chain::Signed, hash, 0, "TLSA fits"),
        ("one bit", Chain::Signed, &wrong, 1, right.as_str()),
        ("unsigned", Chain::Unsigned, hash, 1, "S29"),
        ("broken", Chain::Broken, hash, 1, "error   S22"),
    ];
    for (by, (row, chain, hash, status, words)) in By::all().into_iter().flat_map(|by| rows.map(|row| (by, row))) {
        let zones = Signed::start(by, DOMAIN, &zone(hash), chain);
        let mut command = bare(program("impp-srv"));
        let (resolver, anchor) = (zones.address.to_string(), zones.anchor().to_str().unwrap());
        command.args(["--resolver", &resolver, "--dnssec-anchor", anchor, "--client", DOMAIN]);
        let out = ends(status, row, &mut command);
        assert!(out.contains(words), "{by:?} {row}: {out}");
        assert_eq!(out.contains("DNSSEC secure"), chain == Chain::Signed, "{by:?} {row}: {out}");
    }
}
