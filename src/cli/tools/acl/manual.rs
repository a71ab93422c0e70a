//! What the manual tells of impp-acl beside its options.

use crate::cli::exit::Exit;
use crate::cli::manual::{Chapter, LOGGED_IN, Manual, Place, Records, key};

pub(super) const MANUAL: Manual = Manual {
    description: &[
        "`impp-acl` shows and changes the rules by which the server decides who may see my presence and send me messages. The first rule \
         that matches decides. What my rules leave open is decided by the domain's own rules, and what these leave open is denied. I \
         myself may always do everything.",
        "A change is written only if nobody else changed the rules in between; otherwise it is tried once more on the new rules. `edit` opens the \
         rules in an editor and writes nothing if nothing changed. At a terminal a mistake is shown and may be edited again, and so are the \
         rules that somebody else wrote meanwhile; without a terminal the edited rules are kept in a file that is named.",
    ],
    chapters: &[Chapter {
        title: "RULES",
        text: &[
            "OP is `fetch` (ask for my presence once), `subscribe` (be told of changes), `send` (messages), `change` (set my presence), `read` \
             (take my messages); `all` stands for the first three. Several are joined by commas.",
            "WHO is USER@DOMAIN, an alias of the configuration, `*@DOMAIN`, `local` (users of my domain), `anonymous`, or `*` (anybody who is \
             logged in).",
            "`conceal` looks to WHO as if it were allowed: presence shows as closed, and messages seem to be stored. Where `subscribe` \
             is concealed and `fetch` allowed, or the reverse, one gives away what the other hides: that is warned of.",
        ],
    }],
    records: &[
        Records {
            title: "`show`: one object per rule",
            place: Place::Line,
            parts: &[&[
                key("rule", "its number, from 1"),
                key("who", "as in the XML: a URL, `impp://domain/*`, `local`, `*`, `anonymous`"),
                key("ops", "a list"),
                key("action", "`allow`, `deny`, `conceal`"),
                key("view", "what they see; `null`: the general value"),
            ]],
        },
        Records {
            title: "`test`: one object",
            place: Place::Line,
            parts: &[&[
                key("who", "who asks"),
                key("op", "for what"),
                key("allowed", "`true` or `false`"),
                key("action", "`allow`, `deny`, `conceal`"),
                key("rule", "the number of the rule that decides; `null`: the owner, or no rule"),
                key("view", "what they see; `null`: the general value"),
            ]],
        },
        Records {
            title: "`watchers`: one object per subscription",
            place: Place::Line,
            parts: &[&[
                key("who", "who subscribes"),
                key("connection", "which of their sessions"),
                key("since", "since when"),
                key("until", "when it ends unless it is renewed"),
            ]],
        },
        Records {
            title: "`refused`: one object per refusal",
            place: Place::Line,
            parts: &[&[key("who", "who was refused"), key("op", "what they wanted"), key("when", "when")]],
        },
    ],
    statuses: &[
        (Exit::Yes, "Done; `test`: allowed."),
        (Exit::No, "`test`: not allowed; `remove`: no rule speaks of WHO; `edit`: the editor failed."),
        (Exit::CannotCreate, "The file of `export` cannot be created."),
    ],
    failures: LOGGED_IN,
    variables: &[("VISUAL", "The editor of `edit`."), ("EDITOR", "The same, where VISUAL is not set; else `vi`.")],
    files: &[],
    security: &[
        "The rules are kept and applied by the server; whoever runs it can see all that the rules guard. The domain's rules say what holds \
         for users who set none.",
    ],
    see: &["impp-set(1)", "impp-recv(1)"],
};
