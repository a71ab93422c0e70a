//! The page of impp-relay, with its subcommands.

use super::control;
use super::page::Page;
use super::program;
use super::upkeep;
use crate::args::RelayArgs;
use clap::{Command, CommandFactory as _};
use impp::cli::exit::Exit;
use impp::cli::manual::{Chapter, Manual, Place, Records, key};

/// The definition of its options.
pub(super) fn definition() -> Command {
    RelayArgs::command()
}

/// impp-relay(8)
pub(super) fn page() -> String {
    let mut definition = program::told(definition());
    definition.build();
    let mut page = Page::new("impp-relay", "8", &definition.get_about().map(ToString::to_string).unwrap_or_default());
    page.heading("SYNOPSIS");
    page.paragraphs(&["`impp-relay` [`-c` FILE] COMMAND [OPTIONS]"]);
    page.heading("DESCRIPTION");
    page.paragraphs(MANUAL.description);
    page.heading("OPTIONS");
    page.item(
        "-c, --config FILE",
        &["The configuration; goes with every command that reads one. Default: `/etc/impp/impp-relay.toml`."],
    );
    page.item("-h, --help", &["Help, for each command its own."]);
    page.item("-V, --version", &["The version."]);
    program::commands(&mut page, &definition);
    program::body(&mut page, &MANUAL, false);
    program::statuses(&mut page, &MANUAL);
    page.heading("ENVIRONMENT");
    program::items(&mut page, MANUAL.variables);
    page.heading("FILES");
    program::items(&mut page, MANUAL.files);
    program::examples(&mut page, &definition);
    page.heading("SECURITY");
    page.paragraphs(MANUAL.security);
    program::see_also(&mut page, MANUAL.see);
    page.finish()
}

const MANUAL: Manual = Manual {
    description: &[
        "`impp-relay` serves one domain or several: it takes connections of users, keeps their presence and rules, and stores messages for \
         those who are not connected. `init` makes everything that is needed to begin, `serve` runs it, `check` judges it, `links` \
         tells with whom it talks, and `user` looks after accounts, whether the relay runs or not.",
        "`serve` stays in the foreground and logs to standard error. It is ready when both ports accept, and says so to a service manager \
         that asked for it (`Type=notify`).",
    ],
    chapters: &[
        Chapter {
            title: "CHECKS",
            text: &[
                "`check config` reads the configuration and the files that it names, and changes nothing. `check dns`, `check certs` and `check \
                 connect` look at the configured domains from outside, by the judge of impp-srv(1): its page has the findings, and the keys of \
                 `--json`.",
            ],
        },
        control::CHAPTER,
        upkeep::BACKUPS,
        upkeep::EXPORTS,
        Chapter {
            title: "SIGNALS",
            text: &[
                "SIGTERM and SIGINT end `serve` orderly: no new connections, BYE to all, what was promised is written, status 0. A second one \
                 ends it at once.",
                "SIGHUP has everything read again, as `reload` does. Certificates, keys, authorities and secrets are looked at every 10 s without it; \
                 what is new and can be used is used from the next connection on, and of what cannot be used the log says why once.",
            ],
        },
        Chapter {
            title: "UNDER A SERVICE MANAGER",
            text: &[
                "`serve` speaks systemd's protocol (`Type=notify`): it tells when it is ready, what it serves, when it reads its configuration again, and when it ends. If the unit has WatchdogSec= it gives a sign of life twice in that time, and only if it lives: its \
                 rules answer, and so do reader and writer of the store. A relay that hangs is silent, and is started anew; what is wrong with it \
                 is in its status and log.",
                "Listening sockets that the service manager passes (LISTEN_FDS) are used in place of what `[listen]` says. Each is what its name \
                 says, FileDescriptorName=plain or FileDescriptorName=tls; without either, what `[listen]` has on its port; FileDescriptorName=http is for `/metrics` and `/healthz`. If only one kind was \
                 passed, the other one is opened as always. What is neither is refused with status 78. Such sockets stay open while no relay runs: \
                 whoever connects in a restart waits, and is not refused.",
                "Started as root it opens its sockets, becomes the owner of the data folder for good, with that user's groups and without any \
                 capability, and only then reads keys and store. A data folder of root's leaves it root, with a warning in the log. It raises its limit of open files \
                 as far as it may, and warns if that is too low for `limits.connections`; below 64 it does not start (70).",
            ],
        },
        Chapter {
            title: "THE LOG",
            text: &[
                "There is one event per line, without message bodies and secrets at any level. Two lines are stable, for watchers of logs:",
                "    INFO relay is ready plain=[[::]:5772] tls=[[::]:5773]\n\
                 WARN login failed address=192.0.2.7 user=\"impp://example.org/bob\" mechanism=\"SCRAM-SHA-256\"",
            ],
        },
    ],
    records: &[
        Records {
            title: "`user list`, `user show`: one object per user",
            place: Place::Line,
            parts: &[&[
                key("address", "the user"),
                key("state", "`active`, `disabled`, `moved`"),
                key("disabled", "`true` or `false`"),
                key("moved_to", "the new address; `null`: still here"),
                key("moved_permanently", "whether senders shall learn the new address; `null`: still here"),
                key("presence", "whether it has presence; see `--without`"),
                key("inbox", "whether it takes messages; see `--without`"),
                key("password", "whether there is one"),
                key("messages", "how many wait"),
                key("octets", "of these messages"),
                key("created", "when the account was made"),
                key("presence_version", "counts changes of presence"),
                key("acl_version", "counts changes of the rules"),
            ]],
        },
        Records {
            title: "`user add` and `user passwd` with `--generate`: one object",
            place: Place::Line,
            parts: &[&[key("address", "the user"), key("password", "the password that was made")]],
        },
        control::STATUS,
        control::CERTIFICATES,
        control::SAMPLES,
        control::HEALTH,
        control::RELOAD,
        control::DRAIN,
        control::LOG_LEVEL,
        control::SESSIONS,
        control::SUBSCRIPTIONS,
        control::KICK,
        control::MAILBOX,
        control::LINKS,
        control::EACH_LINK,
        Records {
            title: "`check config`: one object per finding",
            place: Place::Line,
            parts: &[&[
                key("severity", "`error`, `warning`"),
                key("text", "what is wrong and what to do, a sentence"),
                key("line", "the line of the configuration; `null`: none"),
            ]],
        },
        Records {
            title: "`check peers`: one object per domain of ours",
            place: Place::Line,
            parts: &[&[
                key("ours", "the domain served here"),
                key("theirs", "the other one"),
                key("verdict", "the worst of all steps: `ok`, `warning`, `unknown`, `error`"),
                key("code", "the exit status that this pair alone would give"),
                key("steps", "a list of objects, in order"),
            ]],
        },
        Records {
            title: "Each of `steps`",
            place: Place::Within,
            parts: &[&[
                key(
                    "about",
                    "`peer`, `srv`, `servers`, `address`, `tlsa`, `server`, `certificate`, `login`; and back: `our srv`, `our servers`, \
                     `our certificate`",
                ),
                key("state", "`ok`, `warning`, `unknown`, `error`"),
                key("text", "what was found or decided, a sentence"),
            ]],
        },
        upkeep::BACKUP,
        upkeep::FAULT,
        upkeep::VERDICT,
        upkeep::RESTORE,
        upkeep::LINES[0],
        upkeep::LINES[1],
        upkeep::LINES[2],
        upkeep::LINES[3],
        upkeep::LINES[4],
        upkeep::LINES[5],
        upkeep::LINES[6],
        upkeep::LINES[7],
    ],
    statuses: &[
        (Exit::Yes, "Done; `serve`: ended because it was asked to; `check`: sound."),
        (
            Exit::No,
            "`check`: errors were found; `verify`: something is damaged or lost; `health`: something does not do its work.",
        ),
        (Exit::Partly, "`check`: warnings, and nothing worse; `backup`, `export`: made, of a store that is damaged."),
        (Exit::Unknown, "`check`: something could not be found out."),
        (Exit::Data, "No valid address or password; `restore`: the backup is damaged; `import`: a line is wrong."),
        (Exit::NoInput, "There is no such configuration, file or backup."),
        (Exit::NoUser, "There is no such user."),
        (Exit::NoHost, "A domain that is not in the configuration."),
        (Exit::CannotCreate, "A file, or the user, is there already or cannot be created; an address cannot be listened on."),
        (Exit::Io, "The data folder cannot be used."),
        (Exit::Unavailable, "There is no such session or message."),
        (Exit::TryLater, "Another process uses the data folder; no relay runs that could be asked, or it is ending."),
        (Exit::Protocol, "The answer of the relay makes no sense: it is of another version, perhaps."),
        (Exit::Denied, "This user may not ask the relay."),
        (
            Exit::Config,
            "The configuration, a certificate or a key is wrong, named as `file:line` where it has one; `reload`: all stays as it was.",
        ),
    ],
    failures: &[Exit::Usage, Exit::Internal],
    variables: &[
        ("NOTIFY_SOCKET", "The socket of the service manager that `serve` tells how it does."),
        ("WATCHDOG_USEC, WATCHDOG_PID", "How often the service manager wants a sign of life, and from which process."),
        ("LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "The sockets that the service manager passes."),
        ("NO_COLOR", "If it is not empty: no colours."),
    ],
    files: &[
        ("/etc/impp/impp-relay.toml", "The configuration, see impp-relay.toml(5)."),
        ("/etc/impp/fullchain.pem, /etc/impp/privkey.pem", "Certificate and key, as `init` makes them."),
        ("/etc/impp/impp-relay.service", "A unit for systemd, as `init` makes it where no package brought one."),
        (
            "/var/lib/impp-relay/store.db",
            "Accounts, presence, rules and messages: one SQLite file. `impp-relay backup` copies it; `cp` would not, while a relay runs.",
        ),
        ("/var/lib/impp-relay/control", "The socket by which commands ask the running relay; `[listen] control` names another."),
        ("/var/lib/impp-relay/recent-*.log", "The memory of deliveries of the last 24 hours."),
    ],
    security: &[
        "Nothing needs root: the ports are above 1024. Run it as a user of its own, which alone can read the key and the data folder.",
        "The store holds no passwords, only what SCRAM-SHA-256 needs to check them, and the messages that wait. A copy of it deserves the same \
         care. Passwords never stand on the command line.",
        "Whoever runs the relay can read what passes through it, unless people encrypt their messages end to end.",
    ],
    see: &["impp-relay.toml(5)", "impp-srv(1)", "impp-send(1)", "impp-acl(1)", "impp(7)"],
};
