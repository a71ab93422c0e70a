//! What the manual tells of the commands to a running relay, and of the objects that they print.

use impp::cli::manual::{Chapter, Place, Records, key};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "A RUNNING RELAY",
    text: &[
        "All commands but `demo`, `init`, `serve`, `check` and `user` ask or tell a relay that runs, over its control socket: `control` in the \
         data folder, or where `[listen] control` of impp-relay.toml(5) says. Whoever may open the socket is an administrator: its mode lets nobody \
         but the relay's own user and root, or its group too (`[listen] control-mode`). Long lists are told in parts, so that the relay goes on with its work meanwhile.",
        "What a command changes has happened, and is on the disk where it has to be, when the command ends with 0.",
        "`reload` reads everything again that `serve` reads at its start: the configuration, certificates and keys, authorities, secrets. All of it is \
         checked, and new ports are open, before anything changes; one fault, and everything stays as it was, with one line that says why and status 78. \
         What is new holds for whoever comes from then on; rules and limits hold at once, and users of a domain that is gone are sent away. Ports that \
         are named no more are closed, and the sessions behind them go on. `data-dir`, `listen.control`, `listen.control-mode`, `listen.http` and `log.format` cannot change so. SIGHUP does \
         the same, and tells the log.",
        "`drain` closes all ports, says BYE to everybody, spread over `--over`, and ends the relay when all are gone, at the latest at \
         `--deadline`. Each is told when to come back (Retry-After): when the last has gone, and then spread over as long again, so that a new relay is not \
         stormed. What was promised is written as always. Where a service manager keeps the listening sockets (see SOCKETS), a restart by `drain` refuses \
         nobody: whoever comes meanwhile waits for the next relay.",
        "`health` goes in by every port as a client does, as far as HELLO, has the rules answer and the store read and write (a page, synced), and looks whether a body of \
         `limits.body` still has room on the disk: 0 if all parts do their work, else 1.",
        "`log-level` changes how much is logged until the next reload or start.",
        "`acl ADDR COMMAND` reads and changes the rules of any user by the commands of impp-acl(1), and with their statuses; the user sees the \
         change as if it were their own.",
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

pub(super) const STATUS: Records = Records {
    title: "`status`: one object",
    place: Place::Line,
    parts: &[&[
        key("version", "of the relay that runs"),
        key("pid", "its process"),
        key("started", "when it was started"),
        key("uptime_s", "seconds since then"),
        key("domains", "a list: those that are served"),
        key("plain", "a list: where it listens without TLS at first"),
        key("tls", "a list: where it listens with TLS"),
        key("connections", "all of them, links and those that have not logged in included"),
        key("sessions", "connected or away"),
        key("away", "those whose clients may still come back"),
        key("accounts", "users and aliases; `null`: the store does not say"),
        key("users_in_memory", "users, and addresses of nobody, that are known without asking the store"),
        key("subscriptions", "to users here, whoever holds them"),
        key("subscriptions_abroad", "of users here, in other domains"),
        key("messages", "that wait in all mailboxes; `null`: the store does not say"),
        key("octets", "of these messages"),
        key("unsettled", "messages that nobody has acknowledged and that are not stored yet"),
        key("forwarded", "requests to other domains that are not answered"),
        key("writes", "that the store has not done"),
        key("fault", "what is wrong with rules or store; `null`: nothing"),
        key("certificates", "a list of objects"),
        key("links", "to other domains"),
        key("peers_up", "pairs of domains with a link"),
        key("peers_down", "a list: the other domains with which something goes on and there is no link"),
        key("log_level", "how much is logged"),
        key("sample_s", "seconds between samples"),
        key("samples", "a list of objects, oldest first, ten minutes at most; `null` without `--watch`"),
    ]],
};

pub(super) const CERTIFICATES: Records = Records {
    title: "Each of `certificates`",
    place: Place::Within,
    parts: &[&[
        key("domain", "for whom; `null`: for all others"),
        key("names", "a list: the names in it"),
        key("until", "the end of its time"),
        key("days_left", "whole days until then; below 0: over"),
    ]],
};

pub(super) const SAMPLES: Records = Records {
    title: "Each of `samples`",
    place: Place::Within,
    parts: &[&[
        key("at", "when"),
        key("connections", "at that moment"),
        key("sessions", "at that moment"),
        key("received", "requests and responses since the sample before"),
        key("sent", "the same in the other direction"),
        key("writes", "that the store had not done"),
    ]],
};

pub(super) const HEALTH: Records = Records {
    title: "`health`: one object per part",
    place: Place::Line,
    parts: &[&[
        key("part", "`rules`, `store-write`, `store-read`, `store-room`, `plain ADDRESS`, `tls ADDRESS`"),
        key("well", "whether it does its work"),
        key("fault", "what is wrong; `null`: nothing"),
        key("ms", "milliseconds until it answered"),
    ]],
};

pub(super) const RELOAD: Records = Records {
    title: "`reload`: one object, of what is in force",
    place: Place::Line,
    parts: &[&[
        key("domains", "a list: those that are served"),
        key("plain", "a list: where it listens without TLS at first"),
        key("tls", "a list: where it listens with TLS"),
    ]],
};

pub(super) const DRAIN: Records = Records {
    title: "`drain`: one object, when it has begun",
    place: Place::Line,
    parts: &[&[
        key("connections", "that are sent away"),
        key("over_s", "seconds over which that is spread"),
        key("deadline_s", "seconds after which whoever is left is cut off"),
        key("pid", "the process that will end"),
    ]],
};

pub(super) const LOG_LEVEL: Records =
    Records { title: "`log-level`: one object", place: Place::Line, parts: &[&[key("level", "how much is logged now")]] };
