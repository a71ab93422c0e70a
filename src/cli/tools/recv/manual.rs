//! What the manual tells of impp-recv beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, LOGGED_IN, Manual, Place, Records, key};

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-recv` logs in, takes the messages that wait and those that come, and writes them to standard output: for people, or as \
         `--json`, `--format`, `--mime`, `--body` and `--mbox` say. It goes on until `--count`, `--once` or `--timeout` ends it.",
        "A message is acknowledged to the server only when it has been written (and, with `--dir` and `--log`, is on the disk), or when the \
         command of `--exec` has taken it. Whatever happens before that leaves the message with the server.",
        "If the connection is lost, `impp-recv` connects again by itself, with growing pauses, under the same session: nothing is lost and \
         nothing is shown twice. With `--session` this holds over runs, too.",
        "In patterns `*` stands for anything and `?` for one character; case does not count. A message that does not match `--from` or \
         `--match` is neither taken nor refused: it goes to the next program that receives for the same user.",
    ],
    chapters: &[
        Chapter {
            title: "COMMANDS",
            text: &[
                "The command of `--exec` is run by `/bin/sh` for one message after another. Its standard input is the text of the message (with \
             `--mime` the whole message as it came), and variables of the environment say what the message is about; see ENVIRONMENT. Each is \
             one line of at most 4096 octets.",
                "Its exit status decides: 0, the message is taken; 75, it is left for later; anything else, it is refused and the sender hears \
             so. Statuses 126 and 127 and death by a signal count as 75, since they are this machine's fault and not the message's. With \
             `--ack auto` the status does not matter. When `impp-recv` has to end, so does the command, with what it has started, and the message \
             comes again.",
            ],
        },
        Chapter {
            title: "MAILBOXES",
            text: &[
                "In a maildir (`--dir`) and a mbox (`--mbox`) the message has four fields on top that whoever reads it there can rely on: \
             `Return-Path` and `X-IMPP-From` (the proven sender), `Delivered-To`, and `X-IMPP-Auth` (as `auth`). Where the message's own From is \
             not the sender's it becomes `X-Claimed-From`, and the sender's takes its place; fields of these names that a message brought along \
             become `X-Claimed-..` as well. The body is not touched.",
            ],
        },
    ],
    records: &[
        Records {
            title: "One object per message, also in `--log`",
            place: Place::Line,
            parts: &[&[
                key("from", "the sender, as IMPP proves it"),
                key("to", "whose message it is: mine, or with `--inbox` the other user's"),
                key("id", "Message-ID"),
                key("subject", "of the message's own headers; `null`: none"),
                key("date", "when its sender says that it was written; `null`: not said"),
                key("received", "when it came here"),
                key("urgency", "`low`, `normal`, `high`, `emergency`"),
                key("type", "its media type"),
                key(
                    "auth",
                    "`verified`: the sender's own domain let `from` log in and vouches for it, and the message names nobody else; \
                     `claims-other`: it vouches for `from`, but the message's own From names somebody else; `anonymous`: nobody vouches",
                ),
                key("claims", "the message's own From, if it names somebody else; else `null`"),
                key("in_reply_to", "the Message-ID that it answers; `null`: none"),
                key("text", "the text; of an HTML message what can be read of it"),
                key("attachments", "a list of objects"),
            ]],
        },
        Records {
            title: "Each of `attachments`",
            place: Place::Within,
            parts: &[&[
                key("name", "what the sender calls it, made safe as a file name"),
                key("type", "its media type"),
                key("size", "octets"),
                key("saved", "with `--save-attachments` the path of the file; else `null`"),
            ]],
        },
    ],
    statuses: &[
        (Exit::Yes, "As many messages as were asked for were taken."),
        (Exit::No, "Nothing came within `--timeout`."),
        (Exit::Partly, "Fewer than `--count` came within `--timeout`."),
        (Exit::Unavailable, "Displaced: another program took the session over."),
    ],
    failures: LOGGED_IN,
    variables: &[
        ("IMPP_FROM", "For the command of `--exec`: the sender, as IMPP proves it."),
        ("IMPP_TO", "Whose message it is."),
        ("IMPP_ID", "Its Message-ID."),
        ("IMPP_SUBJECT", "Its subject."),
        ("IMPP_URGENCY", "`low`, `normal`, `high` or `emergency`."),
        ("IMPP_DATE", "When it was written, or else came here."),
        ("IMPP_TYPE", "Its media type."),
        ("IMPP_AUTH", "`verified`, `claims-other` or `anonymous`, as `auth` above."),
        ("IMPP_CLAIMS", "The message's own From, if it names somebody else; else empty."),
    ],
    files: &[],
    security: &[
        "Everything about a message but its sender's address was written by a stranger. On a terminal and in the environment of commands, \
         control characters are shown as escapes and each value is one line; in JSON they are JSON's own escapes. The body that a command \
         reads is as it came. Quote variables in the command, never evaluate them, and print them with `printf %s`: the `echo` of some \
         shells turns a written `\\n` into a line.",
        "Names of attachments are reduced to plain file names; no file is overwritten, and none is written outside of the folder.",
        "What the protocol proves is who sent a message, from domain to domain: a command that asks for `verified` alone is never led astray \
         by what the message says of itself. Signatures inside the message (PGP, S/MIME) pass untouched and are for other programs to check.",
        "The variables with the password are not passed to the command.",
    ],
    see: &["impp-send(1)", "impp-acl(1)"],
};
