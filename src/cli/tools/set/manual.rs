//! What the manual tells of impp-set beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, LOGGED_IN, Manual, Place, Records, key};
use crate::cli::seen;

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-set` publishes presence: whether messages reach me now (`open` or `closed`), and if wanted an activity, a note, ways to reach \
         me, and a card. With `open` and `closed` the activity and the note begin anew, so that yesterday's note does not stay; contacts, card and other \
         tuples stay. Without a status only what is named is changed.",
        "Without `--lease` the value holds for good, and a leased value that lies over it is taken away, so that it shows at once. With \
         `--lease` the value holds for that time; then the one before shows again. The server may bring the time within its own bounds: a shorter one than was asked for is \
         said on standard error, unless `-q`; a longer one with `-v`.",
        "`--file` takes `application/presence`, which is published as it is, or PIDF (RFC 3863). Of PIDF the whole is open if a tuple is, where \
         there is no tuple `impp`; of several notes in one place the first counts; an extension that says it must be understood, and is not, \
         is refused. What is said of somebody else is not published.",
        "`--hold` stays, renews the lease and takes the value back at the end; `--exec` does so while a command runs, and passes the \
         command's status on. The command is not run if its presence cannot be published at first; it goes on if it cannot be renewed. Nothing is printed on success, except with `--show`, `--json` and `--format`.",
    ],
    chapters: &[Chapter {
        title: "A DEAD MAN'S SWITCH",
        text: &[
            "A lease that a job renews ends by itself if the job does not run any more, and what shows then is what was set for good: never set, or \
             set once by `impp-set closed`, that is closed. In a crontab of the machine that is watched over:",
            "    */5 * * * * impp-set open --lease 12m",
            "and elsewhere somebody is told within seconds when the lease ends, each time it does:",
            "    impp-watch --changes-only --exec '[ \"$IMPP_WHY\" != lease-expired ] || impp-send -m \"$IMPP_ADDR is silent\" ops' machine@example.org",
            "or, where nothing shall stay running, from cron; that the network is down (75) is no alarm:",
            "    */5 * * * * impp-fetch -q machine@example.org || [ $? -ne 1 ] || impp-send -m 'the machine is silent' ops",
        ],
    }],
    records: &[
        Records {
            title: "What was published, or with `--show` what is",
            place: Place::Line,
            parts: &[
                seen::KEYS,
                &[key("lease", "the lease that was granted: seconds as text, or `infinity`; `null` with `--show`")],
            ],
        },
        Records { title: "Each of `tuples`", place: Place::Within, parts: &[seen::TUPLE_KEYS] },
    ],
    statuses: &[
        (Exit::Yes, "Published. With `--show`: open. With `--hold`: the time was over."),
        (Exit::No, "With `--show`: not open."),
    ],
    failures: LOGGED_IN,
    variables: &[],
    files: &[],
    security: &[
        "Who gets to see a value is decided by the rules (`impp-acl`). A value for a view is shown to those alone whom a rule shows this \
         view.",
        "The variables with the password are not passed to the command of `--exec`.",
    ],
    see: &["impp-watch(1)", "impp-fetch(1)", "impp-acl(1)"],
};
