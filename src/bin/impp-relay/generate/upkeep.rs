//! What impp-relay(8) says of backups: made, judged and put back.

use impp::cli::manual::{Chapter, Key, Place, Records, key};

/// The chapter.
pub(super) const BACKUPS: Chapter = Chapter {
    title: "BACKUPS",
    text: &[
        "`backup DIR` copies the store, the memory of deliveries and the configuration to a folder, while the relay runs or not. What was \
         acknowledged before it began is in it. The folder is made as `DIR.half`, synced and judged, and gets its name only then; with \
         `--replace` an earlier backup goes when the new one has its place. `manifest.json` in it names time, schema, digests and counts. \
         Certificate, key and the secrets of peers are not in it: keep `/etc/impp` as well.",
        "`verify DIR` judges a backup, or a data folder, also of a running relay: digests, the structure of the database, a checksum of each row \
         and of each remembered delivery, and whether every record makes sense. Each fault is a line that says what is lost, and whose it was. \
         Stores of schema 1 and 2 have no checksums; they get them when a relay of this version starts.",
        "`restore DIR` makes a backup the relay's data again, while no relay runs. A data folder with a store in it is left alone, unless with \
         `--replace`: then that store is set aside in it, as `before-TIME`, and what its log says was delivered since the backup is not delivered \
         again. The version of every presence is lifted to the present, so that whoever watches believes what they are told. If it is \
         killed in the midst of exchanging the two, the relay does not start until it is run again.",
        "A newer program brings the store to its own form when it first opens it, in one transaction, and keeps it as it was as `store-vN.db` in the \
         data folder. To go back, stop the relay, put that file in the place of `store.db`, remove `store.db-wal` and `store.db-shm`, and start the \
         older program: what happened since is lost. An older program refuses a newer store with status 74.",
    ],
};

const COUNTS: &[Key] = &[
    key("accounts", "how many accounts there are, aliases among them"),
    key("messages", "how many messages wait"),
    key("octets", "of these messages"),
    key("subscriptions", "how many users of other domains subscribe here"),
    key("deliveries", "how many deliveries are remembered by the log"),
];

/// `backup`
pub(super) const BACKUP: Records = Records {
    title: "`backup`: one object",
    place: Place::Line,
    parts: &[
        &[
            key("dir", "the backup"),
            key("time", "when it began"),
            key("schema", "the version of the store's form"),
            key("faults", "how much was damaged in the store already"),
        ],
        COUNTS,
    ],
};

/// `verify`, the faults.
pub(super) const FAULT: Records = Records {
    title: "`verify`: one object per fault",
    place: Place::Line,
    parts: &[&[
        key(
            "about",
            "`backup`, `database`, `domain`, `account`, `credentials`, `acl`, `presence`, `message`, `subscription`, `delivery`",
        ),
        key("user", "whose loss it is; `null`: nobody's alone, or not known"),
        key("count", "how many records are damaged or lost; `null`: not known"),
        key("text", "what is lost, a sentence"),
    ]],
};

/// `verify`, the end.
pub(super) const VERDICT: Records = Records {
    title: "`verify`: and a last one for the whole",
    place: Place::Line,
    parts: &[
        &[
            key("whole", "`true`: nothing is damaged"),
            key("faults", "how many objects came before"),
            key("backup", "`true`: it is a backup; `false`: a data folder"),
            key("time", "when the backup was made; `null`: it is none"),
            key("schema", "the version of the store's form"),
            key("checksums", "whether damage within values could be seen"),
        ],
        COUNTS,
    ],
};

/// `restore`
pub(super) const RESTORE: Records = Records {
    title: "`restore`: one object",
    place: Place::Line,
    parts: &[
        &[
            key("dir", "the backup"),
            key("data", "the data folder"),
            key("time", "when the backup was made"),
            key("aside", "the folder with what was there; `null`: nothing was"),
            key("delivered_since", "messages of the backup that were delivered since, and are left out"),
            key("lifted", "how many versions of presence were lifted"),
        ],
        COUNTS,
    ],
};
