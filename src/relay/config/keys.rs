//! Every key of `impp-relay.toml` with its default and what it is for: reader, sample and manual all take them from here.

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Section and name. *Shape:* `mailbox.max-age`
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// The value that holds where the file names none, as it would be written; `None`: see `about`.
    pub default: Option<&'static str>,
    /// One sentence for people.
    pub about: &'static str,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file or folder; relative to the configuration.
    Path,
    /// Domain names.
    Domains,
    /// IP addresses with ports; IPv6 in brackets.
    Sockets,
    /// One of them.
    Socket,
    /// IP addresses, perhaps with ports.
    Resolvers,
    /// A domain name.
    Domain,
    /// A host, perhaps with a port.
    Host,
    /// The hash of a key.
    Pin,
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Count,
    /// Octets: a whole number, or a text such as `"64K"` or `"10M"`.
    Size,
    /// A text such as `"90s"`, `"10m"`, `"12h"` or `"30d"`.
    Time,
    /// One of a few words, or several.
    Words(&'static [&'static str]),
    /// Access rules.
    Rules,
}

impl Kind {
    /// The kind in a sentence: "must be ...".
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Path => "a path in quotes",
            Self::Domains => "a list of domain names, such as [\"example.org\"]",
            Self::Sockets => "a list of addresses with ports, such as [\"[::]:5772\"] or [\"192.0.2.1:5772\"]",
            Self::Socket => "an address with a port, such as \"127.0.0.1:9572\" or \"[::1]:9572\"",
            Self::Resolvers => "a list of addresses, such as [\"127.0.0.1\"] or [\"[::1]:5353\"]",
            Self::Domain => "a domain name in quotes",
            Self::Host => "a host with or without a port, such as \"im.example.org\" or \"10.0.0.5:5773\"",
            Self::Pin => "the hash of a key, such as \"sha256:\" with 44 characters of base64, in quotes",
            Self::Switch => "true or false",
            Self::Count => "a whole number",
            Self::Size => "octets: a whole number, or a text such as \"64K\" or \"10M\"",
            Self::Time => "a time such as \"90s\", \"10m\", \"12h\" or \"30d\", in quotes",
            Self::Words(_) => "words from its list, in quotes",
            Self::Rules => "a list of rules, such as [{ who = \"*\", op = [\"send\"], action = \"allow\" }]",
        }
    }
}

/// The words of `services`.
pub(super) const SERVICES: &[&str] = &["presence", "messages"];
/// The words of `auth.mechanisms`.
pub(super) const MECHANISMS: &[&str] = &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "EXTERNAL"];
/// The words of `listen.control-mode`: never everybody.
pub(super) const CONTROL_MODES: &[&str] = &["0600", "0660"];
/// The words of `dns.dnssec`.
pub(super) const DNSSEC: &[&str] = &["validate", "trust-ad", "off"];
/// The words of `log.level`.
pub const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
/// The words of `log.format`.
pub(super) const FORMATS: &[&str] = &["text", "json"];

const fn key(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { name, kind, default: Some(default), about }
}

const fn open(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, default: None, about }
}

/// All keys, in the order of the manual. A section `[tls."DOMAIN"]` may repeat `certificate` and `key` for one domain.
pub const KEYS: &[Key] = &[
    open("domains", Kind::Domains, "The domains whose users live here. Required."),
    open(
        "data-dir",
        Kind::Path,
        "The folder for accounts, presence and mailboxes; only the relay's user needs access. Required.",
    ),
    key(
        "services",
        Kind::Words(SERVICES),
        r#"["presence", "messages"]"#,
        "What these domains offer: either of the two alone, or both. The rest is refused (operation-not-supported).",
    ),
    key("listen.plain", Kind::Sockets, r#"["[::]:5772"]"#, "Where connections begin in the clear and go on with STARTTLS."),
    key(
        "listen.tls",
        Kind::Sockets,
        r#"["[::]:5773"]"#,
        "Where connections are TLS from the first octet; nowhere if there is no certificate.",
    ),
    open(
        "listen.http",
        Kind::Socket,
        "Where /metrics and /healthz are told to whoever asks, such as \"127.0.0.1:9572\". Absent: nowhere.",
    ),
    open(
        "listen.control",
        Kind::Path,
        "The socket by which commands such as impp-relay links ask the running relay. Absent: control in the data folder.",
    ),
    key(
        "listen.control-mode",
        Kind::Words(CONTROL_MODES),
        r#""0600""#,
        "Who may open that socket, and is an administrator by that: the relay's user and root, or with 0660 its group too.",
    ),
    open(
        "tls.certificate",
        Kind::Path,
        "The certificate with its chain, PEM. It must name every domain that has none of its own.",
    ),
    open("tls.key", Kind::Path, "The certificate's private key, PEM; nobody else may be able to read it."),
    key(
        "tls.required",
        Kind::Switch,
        "true",
        "Whether nothing but STARTTLS is taken before TLS. With false, messages may travel in the clear.",
    ),
    open(
        "tls.client-ca",
        Kind::Path,
        "Certificates, PEM, whose client certificates prove a user (EXTERNAL). Absent: none is asked for.",
    ),
    key(
        "auth.mechanisms",
        Kind::Words(MECHANISMS),
        r#"["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "EXTERNAL"]"#,
        "How users may log in, best first. PLAIN is offered within TLS only, EXTERNAL to client certificates only.",
    ),
    key(
        "auth.scram-iterations",
        Kind::Count,
        "10000",
        "Rounds of hashing for passwords. Takes effect for a domain that has no password yet.",
    ),
    key(
        "auth.anonymous",
        Kind::Switch,
        "false",
        "Whether anyone may connect without an account; what they may do is up to the rules.",
    ),
    open("dns.resolvers", Kind::Resolvers, "The name servers to ask, as ADDRESS or ADDRESS:PORT. Absent: the system's."),
    key(
        "dns.dnssec",
        Kind::Words(DNSSEC),
        r#""validate""#,
        "Who validates answers: this relay, a resolver on this machine (trust-ad), or nobody (off: TLSA records count for nothing).",
    ),
    open(
        "dns.trust-anchor",
        Kind::Path,
        "Keys (DNSKEY lines) from which on validation always holds. Absent: the root's, as far as the name server passes signatures on.",
    ),
    key("interdomain.enabled", Kind::Switch, "true", "Whether messages and presence are exchanged with other domains."),
    open("interdomain.ca", Kind::Path, "Certificates, PEM, of authorities that vouch for other domains. Absent: the system's."),
    key(
        "interdomain.response-timeout",
        Kind::Time,
        r#""30s""#,
        "How long another domain may take to answer before the user is told connection-failure.",
    ),
    key("interdomain.idle", Kind::Time, r#""5m""#, "A link on which nothing happens for so long is closed."),
    key("interdomain.links", Kind::Count, "8", "Links of one other domain at a time."),
    key(
        "interdomain.outstanding",
        Kind::Count,
        "1024",
        "Unanswered requests of one other domain; one more is answered try-later.",
    ),
    key("interdomain.outstanding-octets", Kind::Size, r#""128M""#, "Octets of these, and of our own to one other domain."),
    key("interdomain.requests-per-second", Kind::Count, "10000", "Requests of one other domain; one more is answered try-later."),
    key("interdomain.subscriptions", Kind::Count, "100000", "Subscriptions that the users of one other domain hold here."),
    key("lease.min", Kind::Time, r#""60s""#, "No subscription or presence lease is shorter."),
    key("lease.max", Kind::Time, r#""1d""#, "No subscription or presence lease is longer."),
    key("lease.default", Kind::Time, r#""1h""#, "What is granted where nothing was asked for."),
    key("mailbox.enabled", Kind::Switch, "true", "Whether messages to users who are not connected are stored."),
    key("mailbox.max-messages", Kind::Count, "10000", "Messages that may wait for one user."),
    key("mailbox.max-octets", Kind::Size, r#""100M""#, "Octets of messages that may wait for one user."),
    key("mailbox.max-age", Kind::Time, r#""30d""#, "Messages that waited longer are deleted."),
    key(
        "mailbox.delivery-timeout",
        Kind::Time,
        r#""10s""#,
        "How long a connected client may take to acknowledge before the message is stored.",
    ),
    key("limits.body", Kind::Size, r#""32M""#, "The largest body that is taken; at least 64K."),
    key("limits.outstanding", Kind::Count, "64", "Unanswered requests of one connection; one more is answered try-later."),
    key(
        "limits.outstanding-octets",
        Kind::Size,
        r#""64M""#,
        "Octets of one session's unanswered requests; one more is answered try-later. A request that is alone is always taken.",
    ),
    key("limits.requests-per-second", Kind::Count, "500", "Requests of one user, over all its sessions, in the long run."),
    key(
        "limits.requests-burst",
        Kind::Count,
        "5000",
        "Requests of one user at once, after a rest; one more is answered try-later.",
    ),
    key("limits.messages-per-second", Kind::Count, "200", "Messages that one user sends, in the long run."),
    key(
        "limits.messages-burst",
        Kind::Count,
        "5000",
        "Messages that one user sends at once, after a rest; one more is answered try-later.",
    ),
    key(
        "limits.unacknowledged",
        Kind::Size,
        r#""4M""#,
        "Octets that one client was sent and has not acknowledged; with more, messages and presence wait for it.",
    ),
    key(
        "limits.memory",
        Kind::Size,
        r#""256M""#,
        "Octets that connections hold, and as many of unanswered requests. With more, whoever holds most is sent away.",
    ),
    key("limits.connections", Kind::Count, "10000", "Connections in all."),
    key(
        "limits.logins",
        Kind::Count,
        "1000",
        "Connections that have not logged in. One more takes the place of one that dawdles, or of one from where most are.",
    ),
    key("limits.login-octets", Kind::Size, r#""64K""#, "Octets that a connection may say before it has logged in."),
    key(
        "limits.failed-logins",
        Kind::Count,
        "5",
        "Logins that may fail, from one place and for one user, before the next one waits.",
    ),
    key(
        "limits.failed-login-delay",
        Kind::Time,
        r#""8s""#,
        "The longest that it waits; the first is 250 ms, each next twice as long, and one failure is forgotten in 60 s.",
    ),
    key("limits.connections-per-address", Kind::Count, "1000", "Connections from one IPv4 address or one IPv6 /64."),
    key("limits.connections-per-user", Kind::Count, "64", "Sessions of one user, connected or not."),
    key("limits.subscriptions-per-session", Kind::Count, "1024", "Presences that one session subscribes to."),
    key("limits.subscribers-per-user", Kind::Count, "4096", "Subscriptions to one user's presence."),
    key("limits.presence-octets", Kind::Size, r#""64K""#, "The largest presence object that is taken."),
    key("limits.views-per-user", Kind::Count, "16", "Views for which one user may publish a presence of its own."),
    key("limits.acl-rules", Kind::Count, "1024", "Rules that one user may set."),
    key(
        "limits.remembered-deliveries",
        Kind::Count,
        "1000000",
        "Deliveries of the last 24 hours that are known when they are sent again; about 100 octets each.",
    ),
    key("limits.cached-users", Kind::Count, "10000", "Users kept in memory while nothing goes on with them."),
    key(
        "acl.default",
        Kind::Rules,
        r#"[{ who = "local", op = ["fetch", "subscribe", "send"], action = "allow" }, { who = "*", op = ["send"], action = "allow" }]"#,
        "The rules for users who set none, and for what a user's own rules leave open. The first that matches decides; none: denied.",
    ),
    key("log.level", Kind::Words(LEVELS), r#""info""#, "The least that is logged."),
    key("log.format", Kind::Words(FORMATS), r#""text""#, "One line of text or one JSON object per event."),
];

/// The keys of a section `[[peer]]`, of which there may be many: what is known of another domain beyond its name.
pub const PEER_KEYS: &[Key] = &[
    open("domain", Kind::Domain, "The other domain. Required."),
    open(
        "server",
        Kind::Host,
        "Where its server is; the DNS is not asked. Its certificate must still name the domain, or be pinned.",
    ),
    open(
        "secret-file",
        Kind::Path,
        "A file with the secret that both share, on its first line. Who opens a link logs in with it, and not with a certificate.",
    ),
    open("pin", Kind::Pin, "The hash of its server's key: that key alone proves who it is, and no authority does."),
    key(
        "insecure",
        Kind::Switch,
        "false",
        "Whether to do without TLS. Everybody in between can read and change all; needs secret-file.",
    ),
];

/// The row of a key.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether keys begin with this name and a dot.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The key or section that was perhaps meant: few letters off, or the same name in another section.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let sections = KEYS.iter().filter_map(|key| key.name.split_once('.').map(|(section, _)| section));
    let names = KEYS.iter().map(|key| key.name).chain(sections);
    let close = names.map(|known| (distance(name, known), known)).min_by_key(|(distance, _)| *distance);
    // A third of the letters of the shortest part: `http` is not `tls`, whatever stands before it.
    let shortest = name.split('.').map(|part| part.chars().count()).min().unwrap_or_default();
    let close = close.filter(|(distance, _)| *distance <= (shortest / 3).max(1)).map(|(_, known)| known);
    let last = name.rsplit('.').next().unwrap_or(name);
    close.or_else(|| KEYS.iter().map(|key| key.name).find(|known| known.rsplit('.').next() == Some(last)))
}

/// How many letters must be added, taken away or replaced.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut left = index + 1;
        let mut next = vec![left];
        for (pair, known) in row.windows(2).zip(&other) {
            let [diagonal, above] = *pair else { continue };
            left = (diagonal + usize::from(letter != *known)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_was_meant() {
        let rows = [
            ("mailboxx", Some("mailbox")),
            ("mailbox.max-mesages", Some("mailbox.max-messages")),
            ("domain", Some("domains")),
            ("data_dir", Some("data-dir")),
            ("certificate", Some("tls.certificate")),
            ("tls.anonymous", Some("auth.anonymous")),
            ("limit.body", Some("limits.body")),
            ("colour", None),
        ];
        for (name, meant) in rows {
            assert_eq!(nearest(name), meant, "{name}");
        }
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("kitten", "sitting")), (3, 3, 3));
    }

    #[test]
    fn each_key_once_and_each_told_in_one_sentence() {
        for (at, key) in KEYS.iter().chain(PEER_KEYS).enumerate() {
            assert_eq!(KEYS.iter().chain(PEER_KEYS).position(|other| other.name == key.name), Some(at), "{}", key.name);
            assert!(key.about.ends_with('.') && key.about.len() < 140, "{}", key.name);
        }
    }
}
