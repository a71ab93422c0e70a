//! What the manual tells of the commands to a running relay, and of the objects that they print.

use impp::cli::manual::{Chapter, Place, Records, key};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "A RUNNING RELAY",
    text: &[
        "`sessions`, `subscriptions`, `links`, `mailbox` and `kick` ask or tell a relay that runs, over its control socket: `control` in the \
         data folder, or where `[listen] control` of impp-relay.toml(5) says. Whoever may open the socket is an administrator: its mode lets nobody \
         but the relay's own user and root. Long lists are told in parts, so that the relay goes on with its work meanwhile.",
        "What a command changes has happened, and is on the disk where it has to be, when the command ends with 0.",
        "`kick` says BYE with the cause `kicked`, at which our tools end (77) rather than come back; what the user watched is no longer watched. It \
         keeps nobody out: for that there is `user disable`.",
        "`mailbox drop` deletes messages that were promised to their senders as stored. Nobody is told.",
    ],
};

pub(super) const SESSIONS: Records = Records {
    title: "`sessions`: one object per session",
    place: Place::Line,
    parts: &[&[
        key("user", "whose"),
        key("connection", "its name, the Connection-ID"),
        key("state", "`connected`; `away`: its client may still come back to it"),
        key("address", "the other end; `null`: away"),
        key("since", "when it logged in; `null`: away"),
        key("tls", "the version of TLS; `null`: in the clear, or away"),
        key("inbox", "whose messages it takes; `null`: nobody's"),
        key("subscriptions", "how many it holds"),
        key("unanswered", "its requests that are not answered yet"),
        key("outstanding", "requests to it that it has not answered"),
        key("waiting", "what waits until it has"),
    ]],
};

pub(super) const SUBSCRIPTIONS: Records = Records {
    title: "`subscriptions`: one object per subscription that begins or ends here",
    place: Place::Line,
    parts: &[&[
        key("watcher", "who watches"),
        key("connection", "the watching session"),
        key("watched", "whom"),
        key("since", "since when; `null`: the domain of the watched keeps it"),
        key("until", "when its lease ends; `null`: nothing is granted yet"),
        key("shown", "`yes`; `concealed`: the rules show closed, whatever is true"),
        key("behind", "whether there is a value that the watcher has not acknowledged"),
    ]],
};

pub(super) const KICK: Records = Records {
    title: "`kick`: one object per session that ended",
    place: Place::Line,
    parts: &[&[key("user", "whose"), key("connection", "its name")]],
};

pub(super) const MAILBOX: Records = Records {
    title: "`mailbox list`: one object per message that waits; `mailbox drop`: per message that is gone",
    place: Place::Line,
    parts: &[&[
        key("message", "its number, by which `mailbox drop` knows it"),
        key("id", "its Message-ID"),
        key("from", "who sent it"),
        key("octets", "its size, headers included"),
        key("stored", "when it came"),
        key("age_s", "for how many seconds it has waited"),
        key("expires", "when its sender no longer wants it delivered; `null`: never"),
    ]],
};

pub(super) const LINKS: Records = Records {
    title: "`links`: one object per pair of domains",
    place: Place::Line,
    parts: &[&[
        key("ours", "the domain served here"),
        key("theirs", "the other one"),
        key("state", "`up`, `opening`, `down`"),
        key("links", "a list of objects, the oldest link first"),
        key("waiting", "requests and answers that wait for a link, or for room at the other side"),
        key("sent", "our requests that they have not answered"),
        key("owed", "their requests that we have not answered"),
        key("subscriptions", "how many their users hold here"),
        key("retry_in_s", "seconds until the next link is tried; `null`: nothing has to wait"),
        key("error", "why the last try failed; `null`: a link stands, or none was tried"),
    ]],
};

pub(super) const EACH_LINK: Records = Records {
    title: "Each of `links`",
    place: Place::Within,
    parts: &[&[
        key("direction", "`out`: opened here, `in`: by the other side"),
        key("address", "the other end; `null`: it is gone by now"),
        key("since", "when it stood"),
        key("tls", "the version of TLS; `null`: in the clear"),
        key("idle_s", "for how many seconds nothing has happened on it"),
    ]],
};
