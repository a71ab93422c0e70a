//! What the manual tells of impp-fetch beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, LOGGED_IN, Manual, Place, Records, key};
use crate::cli::seen;

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-fetch` asks for the presence of each address once, several at a time, and prints a line per address in the order in which \
         they were named: the status first, then address, activity, note, and since when it is so. The exit status is the answer for \
         scripts.",
        "Without `--any` and `--all` the status is 0 if all are open, 1 if all are closed and 2 otherwise. What could not be found out never \
         becomes a no: if the known addresses do not settle the question, the first error is the status.",
        "With `--list`, a file has one address or alias per line; `#` begins a comment.",
    ],
    chapters: &[
        Chapter {
            title: "MONITORS AND OTHER SYSTEMS",
            text: &[
                "`--nagios` writes one line, and ends with the monitor's own statuses: 0 all are open (`--any`: one is), 1 some are, 2 none is (`--all`: \
             not all are), 3 it could not be found out. Trouble of any kind is 3, never an alarm; only a wrong command line is 64.",
                "    PRESENCE WARNING - 1 of 2 open; closed: bob@example.org | open=1 closed=1 unknown=0",
                "`--pidf` writes documents of RFC 3863, one per line, and none for what is withheld or cannot be read. The status of the whole is the \
             tuple `impp`, the tuples follow under their own names; activities are RPID's (RFC 4480), those in own words `other`; of the card \
             `fn`, `url` and `photo-url` go along (RFC 4482).",
            ],
        },
        Chapter {
            title: "A CHECK FROM CRON",
            text: &[
                "This alarms somebody if nobody of a list is open, and does not if the network is down:",
                "    impp-fetch -q --any --list duty.txt || [ $? -ne 1 ] || impp-send -m 'nobody there' boss@example.org",
            ],
        },
    ],
    records: &[
        Records {
            title: "One object per address",
            place: Place::Line,
            parts: &[
                seen::KEYS,
                &[
                    key("error", "as impp-send has it; `permission-denied`: withheld; `null` on success"),
                    key("code", "the exit status that this address alone would give: 0 open, 1 closed, 3 withheld, or an error"),
                ],
            ],
        },
        Records { title: "Each of `tuples`", place: Place::Within, parts: &[seen::TUPLE_KEYS] },
    ],
    statuses: &[
        (Exit::Yes, "All are open; with `--any`: at least one is."),
        (Exit::No, "All are closed; with `--any`: none is open; with `--all`: one is closed."),
        (Exit::Partly, "Some are open, some are closed or could not be asked."),
        (Exit::Unknown, "They do not show it to me."),
    ],
    failures: LOGGED_IN,
    variables: &[],
    files: &[],
    security: &["Activity, note and card were written by whoever is asked about; they are made safe wherever they are printed."],
    see: &["impp-watch(1)", "impp-set(1)"],
};
