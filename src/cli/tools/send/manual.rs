//! What the manual tells of impp-send beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, Key, LOGGED_IN, Manual, Place, Records, key};

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-send` logs in to the server of the sender's domain, hands a message over for each recipient, and waits until each is \
         delivered to a program of the recipient or stored for them. Nothing is printed on success. The exit status tells what became \
         of the message; it is the status for a script to decide by.",
        "The body is read from standard input, or given with `-m` or `--file`. It is sent as a mail message (RFC 5322, MIME), so that \
         text may be of any language and files can be attached. With `-t` and `--raw` the input is such a message already.",
        "A recipient is USER@DOMAIN, `impp://DOMAIN/USER`, or a name from `[aliases]` of the configuration, which may stand for several. \
         Recipients who forward to another address are followed, at most five times.",
        "A message that is tried again (with `--retry`, or because the connection was lost) keeps its Message-ID, so that it does not \
         arrive twice.",
    ],
    chapters: &[
        Chapter {
            title: "LINES OF --ndjson",
            text: &[
                "Each line is a JSON object. Only `to` is required; it and `attach` may be a single string. A `v` is ignored; \
             other keys are refused.",
                r#"    {"to":["ann@example.org"],"subject":"..","text":"..","attach":["FILE[:TYPE]"],"urgency":"high","id":"<word@domain>","in_reply_to":"<..>"}"#,
                "A line that cannot be sent is told on standard error with its number, and the next one is tried. Here, and with `--lines`, what may \
             succeed later is tried ten times where `--retry` says nothing.",
            ],
        },
        Chapter {
            title: "THE SPOOL",
            text: &[
                "With `--queue` the message is on disk before anything else is tried, and leaves the spool when somebody has it. What may succeed later \
                 (status 75) stays there, and the status is 3; what is refused for good is told as without `--queue`. `--flush` sends what waits, by the \
                 account that each message came from; a timer calls it. `--queue-list` shows it.",
                "Each recipient gets messages in the order in which they came, and of several recipients only those are tried again who have it not. A \
                 message is tried for five days, or as long as `--expires` says; then it goes to `dead/` in the spool. Any number of processes may use \
                 one spool at the same time.",
                "With `--lines` and `--ndjson` each line goes into the spool at once, so that a pipe does not wait for a server that is away.",
            ],
        },
        Chapter {
            title: "COMMANDS",
            text: &[
                "Everything behind `--exec` is a command. Its output is sent if it fails, with a line about its status, of more than 256K (or `--max-size`) \
                 head and tail. The status is the command's. It is run whatever the configuration or the network is like; if nobody can be told, its \
                 output is printed.",
                "    impp-send -s 'backup of web1' --queue ops@example.org --exec /usr/local/bin/backup --full",
                "`--fallback` runs a command if nobody got the message, also if it was queued: the message is on its standard input. It has 30 seconds, \
                 and does not change the status.",
                "    impp-send --first-open -m 'web1 is down' ann bob carol --fallback 'sms-gateway ops'",
            ],
        },
        Chapter {
            title: "AS SENDMAIL",
            text: &[
                "Called by the name `sendmail`, or with `--sendmail` before sendmail's own options, it takes what cron, mdadm and others write to sendmail: \
                 `-t`, `-i`, `-F NAME`, `-bp` (list the spool), `-q` (flush it) and recipients; what has no meaning here is ignored, and what only a mail \
                 server does is refused. The message is always kept in the spool until somebody has it; 0 means delivered, stored or safe there, and \
                 nothing is said.",
                "Names of the machine are looked up in `/etc/impp/aliases`, then in `[aliases]` of the configuration; the name `default` is for all others. A \
                 line is NAME: ADDRESS, ADDRESS; a line that begins with a blank goes on with the one before; `#` begins a comment.",
                "    root: ann@example.org, bob@example.org\n    default: ops@example.org",
            ],
        },
        Chapter {
            title: "TIME",
            text: &[
                "`--timeout` is for the whole run, standard input included. Where it is not given, half a minute is for finding the server, logging in \
                 and sending; the input may take as long as it takes, but a body ends at 64M unless `--max-size` says otherwise. `--lines`, `--ndjson` \
                 and `--flush` have no limit of their own.",
            ],
        },
    ],
    records: &[
        Records { title: "One object per recipient", place: Place::Line, parts: &[SENT] },
        Records {
            title: "With `--queue-list` one per recipient who waits, and per one for whom a message was given up (`failed`)",
            place: Place::Line,
            parts: &[
                SENT,
                &[
                    key("queued", "when it came into the spool"),
                    key("expires", "when it is given up"),
                    key("octets", "the size of the message"),
                ],
            ],
        },
    ],
    statuses: &[
        (
            Exit::Yes,
            "All were delivered or stored. With `--probe`: the login worked and all recipients exist. With `--flush`: nothing waits any more.",
        ),
        (Exit::No, "`--if-open`, `--first-open`: nobody was open, so that nothing was sent."),
        (Exit::Partly, "Some were sent, some were not; or several failed for different reasons."),
        (Exit::Unknown, "Queued in the spool; or stored, where `--wait delivered` asked for more."),
        (Exit::CannotCreate, "The spool, or the file of `--trace`, cannot be made."),
    ],
    failures: LOGGED_IN,
    variables: &[
        ("IMPP_SPOOL", "The folder of the spool, where `--queue` names none."),
        ("IMPP_ALIASES", "The file that sendmail's names are looked up in, instead of `/etc/impp/aliases`."),
        ("XDG_STATE_HOME", "The folder for `impp/spool` instead of `~/.local/state`."),
        (
            "IMPP_TO, IMPP_ID, IMPP_ERROR",
            "For the command of `--fallback`: the recipients, the Message-ID, and why nobody got it, a word as in the records.",
        ),
    ],
    files: &[
        ("~/.local/state/impp/spool", "The spool: a file for each message, `dead/` for those that were given up."),
        ("/var/spool/impp", "The spool of root."),
        ("/etc/impp/aliases", "Whom names of this machine stand for, with `--sendmail`."),
    ],
    security: &[
        "A subject or body that is made of what strangers wrote is safe to pass: header values cannot begin another header, and receiving \
         tools show control characters as escapes. In `-H` the name must be a header's name, and the value stays on one line.",
        "With `--raw` the message is sent as it is, with whatever From it has: the receiver sees who really sent it, and that the message \
         says otherwise.",
        "The spool holds whole messages. Folder and files are for their owner alone; a spool that others can get at, or put another in the \
         place of, is refused.",
    ],
    see: &["impp-recv(1)", "impp-fetch(1)", "impp-aliases(5)"],
};

/// What is told of a recipient.
const SENT: &[Key] = &[
    key("to", "the recipient"),
    key(
        "state",
        "`delivered`, `stored`, `sent` (`--wait none`: handed over), `skipped` (`--if-open`, `--first-open`: not sent), `queued` (in the \
         spool), `failed`; with `--probe`: `open`, `closed`, `unknown`",
    ),
    key("id", "Message-ID in angle brackets; `null` with `--probe`"),
    key("server", "`host:port` of the server that was reached"),
    key("ms", "milliseconds from asking to the answer"),
    key(
        "error",
        "the protocol's error token (`mailbox-full`), or where there was no answer `timeout`, `network`, `dns`, `no-server`, `tls`, \
         `login`, `files`, `moved`, `protocol`, `expired` (too long in the spool), `local` (a fault of this machine); `null` on success",
    ),
    key("code", "the exit status that this recipient alone would give"),
    key("retry", "`true` if the same may succeed later"),
];
