//! What the manual tells of impp-send beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, LOGGED_IN, Manual, Place, Records, key};

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
    chapters: &[Chapter {
        title: "LINES OF --ndjson",
        text: &[
            "Each line is a JSON object. Only `to` is required; it and `attach` may be a single string. A `v` is ignored; \
             other keys are refused.",
            r#"    {"to":["ann@example.org"],"subject":"..","text":"..","attach":["FILE[:TYPE]"],"urgency":"high","id":"<word@domain>","in_reply_to":"<..>"}"#,
            "A line that cannot be sent is told on standard error with its number, and the next one is tried. Here, and with `--lines`, what may \
             succeed later is tried ten times where `--retry` says nothing.",
        ],
    }],
    records: &[Records {
        title: "One object per recipient",
        place: Place::Line,
        parts: &[&[
            key("to", "the recipient"),
            key(
                "state",
                "`delivered`, `stored`, `sent` (`--wait none`: handed over), `skipped` (`--if-open`: not open), `failed`; with `--probe`: \
                 `open`, `closed`, `unknown`",
            ),
            key("id", "Message-ID in angle brackets; `null` with `--probe`"),
            key("server", "`host:port` of the server that was reached"),
            key("ms", "milliseconds from asking to the answer"),
            key(
                "error",
                "the protocol's error token (`mailbox-full`), or where there was no answer `timeout`, `network`, `dns`, `no-server`, `tls`, \
                 `login`, `files`, `moved`, `protocol`; `null` on success",
            ),
            key("code", "the exit status that this recipient alone would give"),
            key("retry", "`true` if the same may succeed later"),
        ]],
    }],
    statuses: &[
        (Exit::Yes, "All were delivered or stored. With `--probe`: the login worked and all recipients exist."),
        (Exit::No, "`--if-open`: nobody was open, so that nothing was sent."),
        (Exit::Partly, "Some were sent, some were not; or several failed for different reasons."),
        (Exit::Unknown, "Stored, where `--wait delivered` asked for more."),
    ],
    failures: LOGGED_IN,
    variables: &[],
    files: &[],
    security: &[
        "A subject or body that is made of what strangers wrote is safe to pass: header values cannot begin another header, and receiving \
         tools show control characters as escapes. In `-H` the name must be a header's name, and the value stays on one line.",
        "With `--raw` the message is sent as it is, with whatever From it has: the receiver sees who really sent it, and that the message \
         says otherwise.",
    ],
    see: &["impp-recv(1)", "impp-fetch(1)"],
};
