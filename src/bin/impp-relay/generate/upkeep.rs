//! What impp-relay(8) says of backups: made, judged and put back.

use impp::cli::manual::{Chapter, Key, Place, Records, key};

/// The chapter.
pub(super) const BACKUPS: Chapter = Chapter {
    title: "BACKUPS",
    text: &[
        "`backup DIR` copies the store, the memory of deliveries and the configuration to a folder, while the relay runs or not. What was \
         acknowledged before it began is in it. The folder is made as `.DIR.impp-half`, synced and judged, and gets its name only then; with \
         `--replace` an earlier backup is set aside as `.DIR.impp-replaced`, and goes when the new one has its place. What bears one of these \
         names and is none of this user's backups is refused, never removed. `manifest.json` in it names time, schema, digests and counts. \
         Certificate, key and the secrets of peers are not in it: keep `/etc/impp` as well.",
        "`verify DIR` judges a backup, or a data folder, also of a running relay: digests, the structure of the database, a checksum of each row \
         and of each remembered delivery, and whether every record makes sense. Each fault is a line that says what is lost, and whose it was. \
         Stores of schema 1 and 2 have no checksums; they get them when a relay of this version starts.",
        "`restore DIR` makes a backup the relay's data again, while no relay runs. A data folder with a store in it is left alone, unless with \
         `--replace`: then that store is set aside in it, as `before-TIME`, and what its log says was delivered since the backup is not delivered \
         again. The version of every presence is lifted to the present, so that whoever watches believes what they are told. If it is \
         killed in the midst of exchanging the two, the relay does not start until it is run again.",
        "When `verify` finds a data folder damaged, stop the relay, and either restore a backup that is whole, or export what is sound and import it \
         into a fresh data folder: `export` then ends with 2 and names what is not in it. Where nobody can know any more whether something is allowed, \
         it is not, and that is named too: a user whose account is lost is disabled (`user enable`), one whose rules are lost allows nobody anything, and one \
         whose password is lost has none (`user passwd`).",
        "A newer program brings the store to its own form when it first opens it, in one transaction, and keeps it as it was as `store-vN.db` in the \
         data folder. To go back, stop the relay, put that file in the place of `store.db`, remove `store.db-wal` and `store.db-shm`, and start the \
         older program: what happened since is lost. An older program refuses a newer store with status 74.",
    ],
};

/// The chapter.
pub(super) const EXPORTS: Chapter = Chapter {
    title: "EXPORT AND IMPORT",
    text: &[
        "`export` writes all that the relay keeps, as of one moment, as one JSON object per line: to be read by other programs, or moved to another          machine. `import` fills the data folder of a relay that nobody has used yet; no relay may run there. It checks every line, and          if one is wrong it says which and why, with status 65, and imports nothing. An export of what was imported is the same, octet for octet.",
        "An export has no passwords, but what SCRAM-SHA-256 needs to check them, and the messages that wait: it is a secret. `-o FILE` makes it mode 0600;          before a `>` set `umask 077`. Versions of presence come back as they are: to go back to an earlier state of a relay that          others have talked to since, use `restore`.",
        "The first line is of kind `export`; then come the kinds `domain`, `user`, `acl`, `presence`, `subscription`, `message` and `delivery`, in this order. Addresses are          URLs (`impp://example.org/ann`), times and versions are numbers, times in milliseconds since 1970. Octets stand as text where they are text, else as          `{\"base64\":\"..\"}`; keys and salts are base64. A field that is not known is refused.",
    ],
};

const KIND: Key = key("kind", "which of them");
const ADDRESS: Key = key("address", "whose");

/// The lines of an export.
pub(super) const LINES: [Records; 8] = [
    Records {
        title: "`export`: the first line",
        place: Place::Line,
        parts: &[&[
            key("kind", "`export`"),
            key("of", "`impp-relay`"),
            key("last_message", "the largest number that a message ever had; none is given twice"),
        ]],
    },
    Records {
        title: "`export`: what a domain keeps about itself",
        place: Place::Line,
        parts: &[&[
            key("kind", "`domain`"),
            key("domain", "its name, in A-labels"),
            key("decoy_key", "from it come the salts shown for users that do not exist"),
            key("iterations", "PBKDF2 rounds of every password of the domain"),
        ]],
    },
    Records {
        title: "`export`: a user",
        place: Place::Line,
        parts: &[&[
            key("kind", "`user`"),
            key("address", "the user"),
            key("created", "when the account was made"),
            key("disabled", "no login and no new messages"),
            key("presence", "has presence"),
            key("inbox", "takes messages"),
            key("moved_to", "the new address; `null`: still here"),
            key("moved_permanently", "whether senders shall learn it; `null`: still here"),
            key("scram_sha_256", "`iterations`, `salt`, `stored_key` and `server_key`; `null`: no login by password"),
        ]],
    },
    Records {
        title: "`export`: a user's rules",
        place: Place::Line,
        parts: &[&[
            KIND,
            ADDRESS,
            key("version", "ACL-Version"),
            key("concealed", "for each rule the Presence-Version that the concealed are shown, or `null`"),
            key("body", "the rules, `application/impp-acl`"),
        ]],
    },
    Records {
        title: "`export`: what a user published, if anything ever",
        place: Place::Line,
        parts: &[&[
            KIND,
            ADDRESS,
            key("version", "Presence-Version"),
            key(
                "values",
                "a list of objects with `view` and `until` (`null`: the ordinary view; permanent), `content_type`, `transfer_encoding`, `disposition` and `body`",
            ),
        ]],
    },
    Records {
        title: "`export`: a subscription from another domain",
        place: Place::Line,
        parts: &[&[
            KIND,
            key("address", "to whose presence"),
            key("subscriber", "whose"),
            key("connection", "the session's Connection-ID"),
            key("since", "when it began"),
            key("until", "when its lease ends"),
            key("told", "the newest version that the subscriber is known to have"),
        ]],
    },
    Records {
        title: "`export`: a message that waits",
        place: Place::Line,
        parts: &[&[
            KIND,
            key("address", "for whom"),
            key("number", "its place in the order of delivery"),
            key("from", "the sender"),
            key("id", "Message-ID in angle brackets"),
            key("stored", "since when it waits"),
            key("expires", "when the sender no longer wants it delivered; `null`: never"),
            key("frame", "the SEND, octet for octet"),
        ]],
    },
    Records {
        title: "`export`: a delivery that a repeated SEND must not repeat",
        place: Place::Line,
        parts: &[&[
            key("kind", "`delivery`"),
            key("fingerprint", "the first half of SHA-256 over sender, target and Message-ID, each with a line feed behind it"),
            key("at", "when; for `taken-out`: when it had been stored"),
            key("what", "`delivered` or `stored`: what its sender was told; `taken-out`: of the store"),
        ]],
    },
];

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
