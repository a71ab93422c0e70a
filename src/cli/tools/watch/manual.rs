//! What the manual tells of impp-watch beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{LOGGED_IN, Manual, Place, Records, key};
use crate::cli::seen;

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-watch` subscribes to the presence of each address. The first line per address is its state now; then there is one line per \
         change, at once when it happens. It goes on until `--until`, `--count` or `--timeout` ends it, or until nobody is left to watch.",
        "A line has the address, the status, the activity, the note, since when it is so, and why the line was written: `initial`, `change`, \
         `lease-expired` (nobody renewed the value), `refused`, `terminated`, `lost` (the connection) or `resumed`.",
        "Subscriptions are renewed as long as the program runs. A lost connection is opened again by itself, with growing pauses.",
        "With `--list`, a file has one address or alias per line; `#` begins a comment.",
    ],
    chapters: &[],
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
         variables in a command, and never evaluate them.",
        "Whoever is watched can see who watches (`impp-acl watchers`), and may show different people different things: a concealing rule \
         looks like somebody who is away.",
    ],
    see: &["impp-fetch(1)", "impp-set(1)", "impp-acl(1)"],
};
