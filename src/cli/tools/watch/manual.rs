//! What the manual tells of impp-watch beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, LOGGED_IN, Manual, Place, Records, key};
use crate::cli::seen;

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-watch` subscribes to the presence of each address. The first line per address is its state now; then there is one line per \
         change, at once when it happens. It goes on until `--until`, `--count` or `--timeout` ends it, or until nobody is left to watch.",
        "A line has the address, the status, the activity, the note, since when it is so, and why the line was written: `initial`, `change`, \
         `lease-expired` (nobody renewed the value), `refused`, `terminated`, `lost` (the connection) or `resumed`.",
        "Subscriptions are renewed as long as the program runs. A lost connection is opened again by itself, with growing pauses.",
        "The command of `--exec` is run by `/bin/sh` for one line after another; its status does not matter. When `impp-watch` ends, so does the \
         command, and what it has started.",
        "With `--list`, a file has one address or alias per line; `#` begins a comment.",
    ],
    chapters: &[
        Chapter {
            title: "CHARTS",
            text: &[
                "`--chart` draws who was open when: a row per address, a column per step of time, behind each row the share of the known time in \
                 which it was open. With addresses it is live: on a terminal the chart grows where it stands, elsewhere it is written once, at the \
                 end. Without addresses, or with `--read`, it is drawn of what an earlier `--json` wrote; addresses then choose rows. `--span` \
                 keeps to the last so much time.",
                "    impp-watch --json --list team.txt >> team.log\n    impp-watch --chart --span 1d < team.log\n    impp-watch --chart=team.svg --list team.txt",
                "`--chart=FILE.svg` writes the same as a picture, with exact times; live it is written anew with each change and every minute. The log does not \
                 say when a run ended: until the next `initial` the last state is taken to have gone on.",
            ],
        },
        Chapter {
            title: "OTHER SYSTEMS",
            text: &[
                "`--pidf` writes a document of RFC 3863 for each line instead, none where the state is not known; see impp-fetch(1).",
            ],
        },
    ],
    records: &[
        Records {
            title: "One object per line",
            place: Place::Line,
            parts: &[
                seen::KEYS,
                &[
                    key("why", "`initial`, `change`, `lease-expired`, `refused`, `terminated`, `lost`, `resumed`"),
                    key("at", "when the line was written"),
                    key("error", "why it was refused or terminated; else `null`"),
                ],
            ],
        },
        Records { title: "Each of `tuples`", place: Place::Within, parts: &[seen::TUPLE_KEYS] },
    ],
    statuses: &[
        (Exit::Yes, "What was waited for happened; or time ran out and nothing in particular was waited for."),
        (Exit::No, "It did not happen within `--timeout`."),
        (Exit::Partly, "Nobody is left to watch, for different reasons."),
        (Exit::CannotCreate, "The picture of `--chart` cannot be created."),
    ],
    failures: LOGGED_IN,
    variables: &[
        ("IMPP_ADDR", "For the command of `--exec`: whose line it is."),
        ("IMPP_STATUS", "`open`, `closed` or `unknown`."),
        ("IMPP_ACTIVITY", "The activity; empty: none."),
        ("IMPP_NOTE", "The note; empty: none."),
        ("IMPP_WHY", "Why there is a line."),
    ],
    files: &[],
    security: &[
        "Activity, note and card were written by whoever is watched. They are made safe wherever they are printed or passed on; quote the \
         variables in a command, never evaluate them, and print them with `printf %s`: some shells' `echo` turns a written `\\n` into a line.",
        "Whoever is watched can see who watches (`impp-acl watchers`), and may show different people different things: a concealing rule \
         looks like somebody who is away.",
    ],
    see: &["impp-fetch(1)", "impp-set(1)", "impp-acl(1)"],
};
