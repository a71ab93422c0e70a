//! Configurations as text, and what is read or refused.

use super::*;
use crate::service::Rate;
use std::fmt::Write;

const LEAST: &str = "domains = [\"example.org\"]\ndata-dir = \"data\"\ntls.certificate = \"c.pem\"\ntls.key = \"k.pem\"\n";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/impp/impp-relay.toml"), text)
}

#[test]
fn the_least_configuration_and_the_defaults() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.domains, [Domain::parse("example.org").unwrap()]);
    assert_eq!(config.data_dir, Path::new("/etc/impp/data"));
    let pair = KeyPair { certificate: "/etc/impp/c.pem".into(), key: "/etc/impp/k.pem".into() };
    assert_eq!(config.tls, Tls { certificate: Some(pair), domains: BTreeMap::new(), required: true, client_ca: None });
    assert_eq!(config.listen.plain, ["[::]:5772".parse().unwrap()]);
    assert_eq!(config.listen.tls, ["[::]:5773".parse().unwrap()]);
    assert_eq!(config.lease, LeaseBounds::default());
    assert_eq!(config.acl, Acl::shipped_default());
    assert_eq!((config.limits.body, config.limits.outstanding), (32 << 20, 64));
    assert_eq!((config.mailbox.max_octets, config.mailbox.max_age.as_secs()), (100 << 20, 30 * 86_400));
    assert_eq!((config.log.level, config.log.json), ("info", false));
    assert_eq!(config.auth.mechanisms, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "EXTERNAL"]);
}

/// Every default, written out, is what holds when nothing is written.
#[test]
fn the_table_of_keys_tells_the_truth() {
    let mut text = LEAST.to_owned();
    for key in KEYS {
        if let Some(default) = key.default {
            writeln!(text, "{} = {default}", key.name).unwrap();
        }
    }
    assert_eq!(parse(&text).unwrap(), parse(LEAST).unwrap());
}

#[test]
fn every_key_can_be_set() {
    let text = r#"
        domains = ["example.org", "BÜCHER.example"]
        data-dir = "/srv/impp"
        services = ["messages"]
        [listen]
        control = "/run/impp/control"
        control-mode = "0660"
        plain = ["127.0.0.1:0"]
        tls = ["[::1]:0", "192.0.2.1:443"]
        http = "[::1]:9572"
        [tls]
        certificate = "c.pem"
        key = "/k.pem"
        required = false
        client-ca = "users.pem"
        [tls."bücher.example"]
        certificate = "b/c.pem"
        key = "b/k.pem"
        [auth]
        mechanisms = ["PLAIN"]
        scram-iterations = 4096
        anonymous = true
        [dns]
        resolvers = ["127.0.0.1", "[::1]:5353"]
        dnssec = "validate"
        trust-anchor = "root.key"
        [interdomain]
        enabled = false
        ca = "ca.pem"
        response-timeout = "5s"
        [[peer]]
        domain = "LAB.internal"
        server = "10.0.0.5:5773"
        pin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        [[peer]]
        domain = "office.internal"
        secret-file = "/etc/office.secret"
        insecure = true
        [lease]
        min = "1s"
        max = "2h"
        default = "3m"
        [mailbox]
        enabled = false
        max-messages = 1
        max-octets = 2
        max-age = "3d"
        delivery-timeout = "4"
        [limits]
        body = 65_536
        outstanding = 1
        outstanding-octets = 12
        requests-per-second = 13
        requests-burst = 14
        messages-per-second = 15
        messages-burst = 16
        unacknowledged = 17
        memory = "18M"
        connections = 2
        logins = 19
        login-octets = "20K"
        failed-logins = 21
        failed-login-delay = "2s"
        connections-per-address = 3
        connections-per-user = 4
        subscriptions-per-session = 5
        subscribers-per-user = 6
        presence-octets = "7K"
        views-per-user = 8
        acl-rules = 9
        remembered-deliveries = 0x10
        cached-users = 11
        [acl]
        default = [
            { who = "impp://example.net/*", op = "send", action = "conceal" },
            { who = "ann@example.org", op = ["fetch", "subscribe"], action = "allow", view = "work" },
        ]
        [log]
        level = "trace"
        format = "json"
    "#;
    let config = parse(text).unwrap();
    let books = Domain::parse("bücher.example").unwrap();
    assert_eq!(config.domains[1], books);
    assert_eq!(config.data_dir, Path::new("/srv/impp"));
    assert_eq!(config.services, Services { presence: false, messages: true });
    assert_eq!((config.listen.control.as_path(), config.listen.control_mode), (Path::new("/run/impp/control"), 0o660));
    assert_eq!(config.key_pair(&books).unwrap().certificate, Path::new("/etc/impp/b/c.pem"));
    assert_eq!(config.key_pair(&config.domains[0]).unwrap().key, Path::new("/k.pem"));
    assert_eq!(config.tls.client_ca.as_deref(), Some(Path::new("/etc/impp/users.pem")));
    assert_eq!(config.listen.http, Some("[::1]:9572".parse().unwrap()));
    assert_eq!((config.listen.plain.len(), config.listen.tls.len(), config.tls.required), (1, 2, false));
    assert_eq!(config.auth, Auth { mechanisms: vec!["PLAIN"], scram_iterations: 4096, anonymous: true });
    let seconds = Duration::from_secs;
    let resolvers = vec!["127.0.0.1:53".parse().unwrap(), "[::1]:5353".parse().unwrap()];
    assert_eq!(config.dns, Dns { resolvers, dnssec: Dnssec::Validate, trust_anchor: Some("/etc/impp/root.key".into()) });
    let lab = Peer {
        domain: Domain::parse("lab.internal").unwrap(),
        server: HostPort::parse("10.0.0.5:5773"),
        secret_file: None,
        pin: Pin::parse(&"00".repeat(32)),
        insecure: false,
    };
    let office = Peer {
        domain: Domain::parse("office.internal").unwrap(),
        server: None,
        secret_file: Some("/etc/office.secret".into()),
        pin: None,
        insecure: true,
    };
    let ca = Some("/etc/impp/ca.pem".into());
    let limits = DomainLimits {
        links: 8,
        outstanding: 1024,
        outstanding_octets: 128 << 20,
        requests_per_second: 10_000,
        subscriptions: 100_000,
    };
    let (response_timeout, idle) = (seconds(5), seconds(300));
    assert_eq!(config.interdomain, Interdomain { enabled: false, ca, response_timeout, idle, limits, peers: vec![lab, office] });
    assert_eq!(config.lease, LeaseBounds { min: seconds(1), max: seconds(7200), default: seconds(180) });
    let mailbox =
        Mailbox { enabled: false, max_messages: 1, max_octets: 2, max_age: seconds(3 * 86_400), delivery_timeout: seconds(4) };
    assert_eq!(config.mailbox, mailbox);
    let limits = Limits {
        body: 65_536,
        outstanding: 1,
        outstanding_octets: 12,
        requests: Rate { per_second: 13, burst: 14 },
        messages: Rate { per_second: 15, burst: 16 },
        unacknowledged: 17,
        memory: 18 << 20,
        connections: 2,
        logins: 19,
        login_octets: 20 << 10,
        failed_logins: 21,
        failed_login_delay: seconds(2),
        connections_per_address: 3,
        connections_per_user: 4,
        subscriptions_per_session: 5,
        subscribers_per_user: 6,
        presence_octets: 7 << 10,
        views_per_user: 8,
        acl_rules: 9,
        remembered_deliveries: 16,
        cached_users: 11,
    };
    assert_eq!(config.limits, limits);
    let xml = "<acl><rule><who>impp://example.net/*</who><op>send</op><action>conceal</action></rule>\
        <rule><who>impp://example.org/ann</who><op>fetch</op><op>subscribe</op><action>allow</action><view>work</view></rule></acl>";
    assert_eq!(config.acl, Acl::parse(xml.as_bytes()).unwrap());
    assert_eq!((config.log.level, config.log.json), ("trace", true));
}

#[test]
fn without_a_certificate_only_what_the_operator_allowed() {
    let least = "domains = [\"example.org\"]\ndata-dir = \"data\"\n";
    let config = parse(&format!("{least}tls.required = false\n")).unwrap();
    assert_eq!((config.listen.plain.len(), config.listen.tls.len()), (1, 0));
    let own = format!("{least}[tls.\"example.org\"]\ncertificate = \"c\"\nkey = \"k\"\n");
    assert_eq!(parse(&own).unwrap().listen.tls.len(), 1);
}

/// What follows the least configuration, which has four lines; and the error.
#[test]
fn what_is_refused_and_in_which_words() {
    let rows = [
        ("mailboxx = 1", "5: unknown key \"mailboxx\"; did you mean \"mailbox\"?"),
        ("\n[mailbox]\nmax-mesages = 1", "7: unknown key \"mailbox.max-mesages\"; did you mean \"mailbox.max-messages\"?"),
        ("[interdomain]\nenable = true", "6: unknown key \"interdomain.enable\"; did you mean \"interdomain.enabled\"?"),
        (
            "dns.resolvers = [\"dns.example\"]",
            "5: \"dns.resolvers\" must be a list of addresses, such as [\"127.0.0.1\"] or [\"[::1]:5353\"]",
        ),
        ("dns.dnssec = \"yes\"", "5: \"dns.dnssec\" knows these words: validate, trust-ad, off"),
        (
            "[dns]\ndnssec = \"off\"\ntrust-anchor = \"k\"",
            "7: \"dns.trust-anchor\" means nothing unless \"dns.dnssec\" is \"validate\"; take one of the two away",
        ),
        (
            "[dns]\ndnssec = \"trust-ad\"\nresolvers = [\"127.0.0.53\", \"192.0.2.1\"]",
            "7: 192.0.2.1 is not on this machine, so that \"dns.dnssec\" must not be \"trust-ad\": anybody between could vouch in its place",
        ),
        ("[peer]\ndomain = \"x\"", "5: \"peer\" must be a section in double brackets: [[peer]]"),
        ("peer = [1]", "5: \"peer\" must be a section in double brackets: [[peer]]"),
        ("[[peer]]\nserver = \"h\"", "5: \"peer.domain\" is missing"),
        ("[[peer]]\n\ndomain = 5", "7: \"peer.domain\" must be a domain name in quotes"),
        (
            "[[peer]]\ndomain = \"x\"\npassword = \"y\"",
            "7: unknown key \"peer.password\"; the file that impp-relay init writes lists them all",
        ),
        (
            "[[peer]]\ndomain = \"x\"\nserver = \"a b\"",
            "7: \"peer.server\" must be a host with or without a port, such as \"im.example.org\" or \"10.0.0.5:5773\"",
        ),
        (
            "[[peer]]\ndomain = \"x\"\npin = \"sha1:00\"",
            "7: \"peer.pin\" must be the hash of a key, such as \"sha256:\" with 44 characters of base64, in quotes",
        ),
        ("[[peer]]\ndomain = \"x\"\nsecret-file = 1", "7: \"peer.secret-file\" must be a path in quotes"),
        ("[[peer]]\ndomain = \"x\"\ninsecure = \"no\"", "7: \"peer.insecure\" must be true or false"),
        (
            "[[peer]]\ndomain = \"x\"",
            "5: [[peer]] x says nothing that is not found by itself; give \"server\", \"secret-file\" or \"pin\"",
        ),
        (
            "[[peer]]\ndomain = \"x\"\nserver = \"h\"\ninsecure = true",
            "5: [[peer]] x is \"insecure\": without TLS only a secret can prove who it is; give \"secret-file\"",
        ),
        (
            "[[peer]]\ndomain = \"x\"\nsecret-file = \"s\"\npin = \"0000000000000000000000000000000000000000000000000000000000000000\"\ninsecure = true",
            "5: [[peer]] x is \"insecure\", so that there is no key to \"pin\"; take one of the two away",
        ),
        ("[[peer]]\ndomain = \"Example.org\"\nserver = \"h\"", "5: example.org is one of \"domains\", and no [[peer]]"),
        ("[[peer]]\ndomain = \"x\"\nserver = \"h\"\n[[peer]]\ndomain = \"X\"\nserver = \"h\"", "8: x is there twice"),
        ("listen.https = \"x\"", "5: unknown key \"listen.https\"; did you mean \"listen.http\"?"),
        (
            "listen.http = \"9572\"",
            "5: \"listen.http\" must be an address with a port, such as \"127.0.0.1:9572\" or \"[::1]:9572\"",
        ),
        ("services = []", "5: \"services\" is empty: the relay would be of no use; name presence, messages or both"),
        ("services = [\"mail\"]", "5: \"services\" knows these words: presence, messages"),
        ("listen.control-mode = \"0666\"", "5: \"listen.control-mode\" knows these words: 0600, 0660"),
        ("limits.failed-login-delay = \"16s\"", "5: \"limits.failed-login-delay\" must be \"15s\" or less"),
        ("mailbox = 1", "5: \"mailbox\" must be a section: [mailbox]"),
        ("[mailbox]\nenabled = \"yes\"", "6: \"mailbox.enabled\" must be true or false"),
        (
            "[mailbox]\nmax-age = 30",
            "6: \"mailbox.max-age\" must be a time such as \"90s\", \"10m\", \"12h\" or \"30d\", in quotes",
        ),
        ("limits.body = \"1X\"", "5: \"limits.body\" must be octets: a whole number, or a text such as \"64K\" or \"10M\""),
        ("limits.body = 100", "5: \"limits.body\" must be from 65536 to 1073741824"),
        ("limits.connections = 0", "5: \"limits.connections\" must be from 1 to 4294967295"),
        ("mailbox.max-messages = 0", "5: \"mailbox.max-messages\" must be at least 1"),
        ("auth.scram-iterations = 1000", "5: \"auth.scram-iterations\" must be from 4096 to 1000000"),
        ("auth.scram-iterations = -5", "5: \"auth.scram-iterations\" must be a whole number"),
        (
            "auth.mechanisms = [\"GSSAPI\"]",
            "5: \"auth.mechanisms\" knows these words: SCRAM-SHA-256-PLUS, SCRAM-SHA-256, PLAIN, EXTERNAL",
        ),
        ("log.level = \"loud\"", "5: \"log.level\" knows these words: error, warn, info, debug, trace"),
        (
            "listen.plain = [\"localhost:5772\"]",
            "5: \"listen.plain\" must be a list of addresses with ports, such as [\"[::]:5772\"] or [\"192.0.2.1:5772\"]",
        ),
        ("listen.plain = []\nlisten.tls = []", "5: \"listen.plain\" and \"listen.tls\" are both empty: nobody could connect"),
        ("lease.min = \"2h\"", "5: \"lease.min\", \"lease.default\" and \"lease.max\" must be in this order, and not zero"),
        ("[tls.\"example.net\"]\nkey = \"k\"", "5: \"example.net\" is not one of \"domains\""),
        ("[tls.\"example.org\"]\nkey = \"k\"", "6: [tls.\"example.org\"] needs both \"certificate\" and \"key\""),
        ("[tls.\"example.org\"]", "5: [tls.\"example.org\"] needs both \"certificate\" and \"key\""),
        (
            "[tls.\"example.org\"]\nkye = \"k\"",
            "6: unknown key \"tls.example.org.kye\"; the file that impp-relay init writes lists them all",
        ),
        ("tls.client-ca = 5", "5: \"tls.client-ca\" must be a path in quotes"),
        (
            "acl.default = [{ who = \"*\", op = [\"read\"], action = \"allow\" }]",
            "5: rule 1 of \"acl.default\": op must be a list of fetch, subscribe and send",
        ),
        (
            "acl.default = [{ who = \"*\", op = [\"send\"], action = \"allow\" }, { who = \"*\", op = [\"send\"] }]",
            "5: rule 2 of \"acl.default\": action must be allow, deny or conceal",
        ),
        (
            "acl.default = [{ who = \"*\", op = \"send\", action = \"allow\", view = \"x\" }]",
            "5: rule 1 of \"acl.default\": view must be a word, on a rule that allows fetch or subscribe",
        ),
        (
            "acl.default = [{ whom = \"*\", op = \"send\", action = \"allow\" }]",
            "5: rule 1 of \"acl.default\": \"whom\" is unknown; a rule has who, op, action and view",
        ),
    ];
    for (more, expected) in rows {
        let error = parse(&format!("{LEAST}{more}\n")).map(|_| ()).unwrap_err().to_string();
        assert_eq!(error, format!("/etc/impp/impp-relay.toml:{expected}"), "{more}");
    }
}

#[test]
fn what_must_be_there() {
    let rows = [
        ("", ": \"domains\" is missing"),
        ("domains = []", "1: \"domains\" is missing"),
        ("domains = [\"a_b\"]", "1: \"domains\" must be a list of domain names, such as [\"example.org\"]"),
        ("\ndomains = [\"a.example\", \"A.example\"]", "2: a.example is there twice"),
        ("domains = [\"a.example\"]\ntls.required = false", ": \"data-dir\" is missing"),
        (
            "domains = [\"a.example\"]",
            ": [tls] \"certificate\" and \"key\" are missing; set them, or \"required = false\" to let messages travel in the clear",
        ),
        ("domains = [\"a.example\"]\ntls.key = \"k\"", "2: [tls] needs both \"certificate\" and \"key\""),
        (
            "domains = [\"a.example\"]\ndata-dir = \"d\"\ntls.required = false\nlisten.tls = [\"[::]:1\"]",
            "4: \"listen.tls\" needs \"certificate\" and \"key\" in [tls]",
        ),
    ];
    for (text, expected) in rows {
        let error = parse(text).map(|_| ()).unwrap_err().to_string();
        let expected = expected.strip_prefix(':').map_or_else(|| format!(":{expected}"), |whole| format!(":{whole}"));
        assert_eq!(error, format!("/etc/impp/impp-relay.toml{expected}"), "{text}");
    }
    let syntax = parse("domains = [\n\"example.org\"\ndata-dir = 1").unwrap_err();
    assert_eq!(syntax.line, Some(3), "{syntax}");
    let missing = Config::load(Path::new("/nowhere/impp-relay.toml")).unwrap_err().to_string();
    assert_eq!(missing, "/nowhere/impp-relay.toml: cannot be read: entity not found");
}

#[test]
fn the_sample_is_complete_and_says_what_holds() {
    let domain = Domain::parse("example.org").unwrap();
    let sample = Sample { domain: &domain, data_dir: "data", certificate: "c.pem", key: "k.pem" };
    let text = Config::sample(&sample);
    assert_eq!(parse(&text).unwrap(), parse(LEAST).unwrap());
    // With the defaults taken out of their comments it still means the same.
    let spoken: String = text
        .lines()
        .map(|line| {
            format!("{}\n", line.strip_prefix('#').filter(|rest| !rest.starts_with(' ') && !rest.ends_with(" =")).unwrap_or(line))
        })
        .collect();
    assert!(spoken.contains("\nmax-age = \"30d\"\n"));
    assert_eq!(parse(&spoken).unwrap(), parse(LEAST).unwrap());
    for key in KEYS {
        let name = key.name.rsplit('.').next().unwrap();
        assert!(text.contains(&format!("# {}\n", key.about)), "{}", key.name);
        assert!(text.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{name} ="))), "{}", key.name);
    }
    // With what is said of other domains taken out of its comments it is a section.
    let (_, peer) = text.split_once("# [[peer]]\n").unwrap();
    let peer: String = peer.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap())).collect();
    for key in PEER_KEYS {
        let value = key.default.map(|default| format!(" {default}")).unwrap_or_default();
        assert!(peer.contains(&format!("# {}\n{} ={value}\n", key.about, key.name)), "{}", key.name);
    }
}

#[test]
fn odd_paths_survive_the_sample() {
    let domain = Domain::parse("example.org").unwrap();
    let odd = "a \"b\"\\c\nd'e";
    let sample = Sample { domain: &domain, data_dir: odd, certificate: odd, key: "k" };
    assert_eq!(parse(&Config::sample(&sample)).unwrap().data_dir, Path::new("/etc/impp").join(odd));
}
