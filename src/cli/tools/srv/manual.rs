//! What the manual tells of impp-srv beside its options and its findings.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, Manual, Place, Records, key};

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "A user names `ann@example.org` and nothing else; everything else the DNS and the servers have to say rightly. `impp-srv` looks at \
         all of it at once, and says what is wrong and which record to change. It needs no account and sends nothing secret.",
        "First, for each role (for clients, and for the servers of other domains), the places are shown in the order in which a client tries \
         them: the record, its share of the first draws, whether the answer is secured by DNSSEC, and the TLSA records. Below each stands \
         every address with the time that TCP took, the TLS version and the days that the certificate has left, whether it fits the domain \
         (`yes`, `by its host`: allowed as the SRV record is signed, `no`, `not trusted`, `out of date`), whether a TLSA record fits it, and \
         what HELLO answered.",
        "Then come the findings, the worst first: severity, number, what it is about, what was seen, and behind `->` what to change, mostly \
         the record as a master file has it.",
        "`--expect FILE`: exactly these SRV records (a master file) at the names of the roles looked at. `--expect HOST:PORT`: at least one \
         record of each role leads there. A file of that name goes first.",
        "`--print-zone` prints SRV lines for DOMAIN, and a TLSA line `3 1 1` per port, made of the certificate in `--cert` or of the one that \
         the server shows now, whoever signed it: look before you publish. Without a port both kinds are printed. Several hosts get \
         priorities 10, 20 and so on.",
        "`--authoritative` asks without recursion. Where `--resolver` names a port, the name servers are asked at that port, too, for zones on \
         a test bench.",
        "`--zone-file` takes records from the file as far as it has a say; names outside of it are asked in the DNS. The domain is the origin \
         until the file says otherwise.",
    ],
    chapters: &[Chapter {
        title: "MONITORING",
        text: &[
            "`--nagios` prints a plugin's line; the numbers behind its bar are `errors`, `warnings`, `days` (of the certificate that ends \
             first) and `tcp` (the slowest connection).",
            "`--prometheus` writes, for a textfile collector, `impp_srv_status`, `impp_srv_findings`, `impp_srv_up`, `impp_srv_tcp_seconds` and \
             `impp_srv_certificate_expiry_timestamp_seconds`.",
        ],
    }],
    records: &[
        Records {
            title: "One object per domain",
            place: Place::Line,
            parts: &[&[
                key("domain", "the domain, with A-labels"),
                key("verdict", "`ok`, `warning`, `unknown` (something could not be found out), `error`"),
                key("code", "the exit status that this domain alone would give: 0, 2, 3, 1"),
                key("errors", "how many findings are errors"),
                key("warnings", "how many are warnings"),
                key("ids", r#"a list of the findings' numbers, the worst first: `["S07","S26"]`"#),
                key("findings", "a list of objects"),
                key("roles", "a list of objects"),
                key("login", "what `--probe-login` came to, a sentence; else `null`"),
            ]],
        },
        Records {
            title: "Each of `findings`",
            place: Place::Within,
            parts: &[&[
                key("id", "its number: `S07`"),
                key("severity", "`error`, `unknown`, `warning`, `info`"),
                key("role", "`client`, `server`, `both`"),
                key("about", "the name, record or address that it is about"),
                key("text", "what was seen, a sentence"),
                key("change", "a list of lines: what to change"),
            ]],
        },
        Records {
            title: "Each of `roles`",
            place: Place::Within,
            parts: &[&[
                key("role", "`client`, `server`"),
                key("state", "`offered`, `fallback` (no SRV record), `declined`, `unknown`"),
                key("places", "a list of objects, in the order in which a client tries them"),
            ]],
        },
        Records {
            title: "Each of `places`",
            place: Place::Within,
            parts: &[&[
                key("name", "of the SRV record"),
                key("record", r#"`"10 100 5773 im1.example.org."`; `null`: the fallback"#),
                key("ttl", "seconds; `null`: the fallback"),
                key("share", "of the first draws, 0 to 1; `null`: the fallback"),
                key("host", "the target"),
                key("port", "its port"),
                key("tls", "`require`, `starttls`"),
                key("dnssec", "`secure`, `unsigned`, `unchecked`"),
                key("tlsa", "a list of TLSA records as a master file has them"),
                key("addresses", "a list of objects; where nobody was visited they have an `address` alone"),
            ]],
        },
        Records {
            title: "Each of `addresses` that was visited",
            place: Place::Within,
            parts: &[&[
                key("address", "the IP address"),
                key("tcp-ms", "milliseconds until TCP was connected; `null`: it was not"),
                key("error", "why not; else `null`"),
                key("tls", "an object; `null`: not tried"),
                key("hello", "an object; `null`: not tried"),
            ]],
        },
        Records {
            title: "`tls`; where the handshake failed there is an `error` alone",
            place: Place::Within,
            parts: &[&[
                key("version", "of TLS"),
                key("names", "a list of the certificate's names"),
                key("issuer", "who signed it"),
                key("not-after", "when it runs out"),
                key("days", "how many are left"),
                key("pin", "the fingerprint of its key, as `--pin` takes it"),
                key("domain", "`yes`, `by its host`, `no`, `not trusted`, `out of date`"),
                key("tlsa", "`fits`, `does not fit`, `not used`; `null`: none"),
                key("accepted", "whether a client would go on"),
            ]],
        },
        Records {
            title: "`hello`; where there was no good answer there is an `error` alone",
            place: Place::Within,
            parts: &[&[key("agent", "the program; `null`: not said"), key("mechanisms", "a list of the ways to log in")]],
        },
        Records {
            title: "With `--order` one object per record instead",
            place: Place::Line,
            parts: &[&[
                key("domain", "the domain"),
                key("role", "`client`, `server`"),
                key("record", "the name and the record"),
                key("first", "how often it came first"),
                key("share", "the same as a part of 1"),
            ]],
        },
        Records {
            title: "With `--explain` one object per finding instead",
            place: Place::Line,
            parts: &[&[
                key("id", "its number"),
                key("title", "what it is called"),
                key("severity", "how bad it is"),
                key("means", "what it means"),
                key("change", "what to do"),
            ]],
        },
    ],
    statuses: &[
        (Exit::Yes, "Nothing worse than information. With `--nagios`: OK."),
        (
            Exit::No,
            "Errors were found; also where there is no domain or no service at all (S01), since the status is a verdict. With `--nagios`: \
             warning.",
        ),
        (
            Exit::Partly,
            "Warnings, and nothing worse. With `--print-zone`: a server could not be asked for its certificate. With `--nagios`: critical, \
             that is errors.",
        ),
        (Exit::Unknown, "No errors were found, but something could not be found out (S28)."),
        (Exit::TryLater, "The whole did not end within `--timeout`."),
    ],
    failures: &[Exit::Usage, Exit::Data, Exit::NoInput, Exit::Internal, Exit::CannotCreate, Exit::Io, Exit::Config],
    variables: &[],
    files: &[("/etc/resolv.conf", "The name servers that are asked, unless `--resolver` names one.")],
    security: &[
        "What is seen is seen from here: another network may have another resolver, another firewall, no IPv6.",
        "Names, certificates and answers come from strangers; they are made safe wherever they are printed, also in the lines for a zone. \
         Nothing is sent to a server but HELLO, unless `--probe-login` asks for a login, which happens only inside verified TLS.",
    ],
    see: &["impp-relay(8)", "impp-relay.toml(5)"],
};
