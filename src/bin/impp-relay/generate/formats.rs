//! The pages of the configurations, where there are tables made of those that their readers are held to.

use super::page::Page;
use super::program;
use impp::cli::config_keys;
use impp::relay::config::{KEYS, Key, Kind, PEER_KEYS};

const CLIENT_EXAMPLE: &str = r#"[account.default]
login = "ann@example.org"
pass-cmd = "pass show impp/ann"

[account.alerts]
login = "alerts@example.org"
pass-file = "alerts.password"
server = "im1.example.org"

[aliases]
bob = "bob@example.net"
ops = ["ann@example.org", "bob"]"#;

const ALIASES_EXAMPLE: &str = "\
root: ann@example.org, bob@example.org
postmaster: root
www-data: web-team@example.org
default: ops@example.org";

const RELAY_EXAMPLE: &str = r#"domains = ["example.org", "example.net"]
data-dir = "/var/lib/impp-relay"

[tls]
certificate = "fullchain.pem"
key = "privkey.pem"

[tls."example.net"]
certificate = "example.net/fullchain.pem"
key = "example.net/privkey.pem"

[acl]
default = [
  { who = "local", op = ["fetch", "subscribe", "send"], action = "allow" },
  { who = "*", op = ["send"], action = "allow" },
]"#;

/// impp.toml(5)
pub(super) fn client() -> String {
    let mut page = Page::new("impp.toml", "5", "accounts and aliases for the tools of IMPP");
    page.heading("DESCRIPTION");
    page.paragraphs(&[
        "The tools read one such file: the one that `--config` or IMPP_CONFIG names, else `$XDG_CONFIG_HOME/impp/impp.toml` (where that \
         variable is not set, `~/.config/impp/impp.toml`), else `/etc/impp/impp.toml`. None of them need exist. The file is TOML. Paths in it are \
         relative to the file. A key that is not known is an error that names its line, with status 78.",
    ]);
    page.heading("ACCOUNTS");
    page.paragraphs(&[
        "`[account.NAME]` holds who logs in, and where and how. `-a NAME` or IMPP_ACCOUNT choose one; otherwise it is `[account.default]`. Options \
         go before what stands here.",
    ]);
    for key in config_keys::KEYS {
        page.item(&format!("{} = {}", key.name, key.example), &[key.about, &format!("Option: `{}`.", key.option)]);
    }
    page.heading("ALIASES");
    page.paragraphs(&[
        "`[aliases]` gives names to addresses. A name may stand for one address or for a list, and names may stand for names, eight deep. An \
         alias has no `@`. It goes wherever a tool takes an address.",
    ]);
    page.heading("FILES");
    program::items(&mut page, impp::cli::manual::COMMON_FILES);
    page.heading("EXAMPLES");
    page.lines(CLIENT_EXAMPLE);
    page.heading("SECURITY");
    page.paragraphs(&[
        "A file with a `password` in it must be readable by its owner alone (`chmod 600`), or, if it belongs to root, by its group as well; \
         otherwise the tools refuse it with status 78. A `pass-cmd` or `pass-file` keeps the secret out of it.",
    ]);
    program::see_also(&mut page, &["impp-send(1)", "impp-recv(1)", "impp(7)"]);
    page.finish()
}

/// impp-aliases(5)
pub(super) fn aliases() -> String {
    let mut page = Page::new("impp-aliases", "5", "whom names of a machine stand for");
    page.heading("DESCRIPTION");
    page.paragraphs(&[
        "Programs that write to `sendmail` address it to users of the machine: `root`, `www-data`. Where impp-send(1) stands in for sendmail, this          file says who reads that. It is `/etc/impp/aliases`, or the file that IMPP_ALIASES names; it need not exist.",
        "A line is NAME: ADDRESS, ADDRESS. A name stands once, in upper or lower case alike; it may be an address of the machine, such as          `root@web1.example.org`. What it stands for are addresses of IMPP, in either form, or other names of the file, eight deep.          NAME@localhost is NAME. A line that begins with a blank goes on with the one before; `#` begins a comment.",
        "The name `default` is for whoever has no line of their own and no alias in impp.toml(5). Without it such a message is refused with \
         status 67.",
        "Commands, files and `:include:`, which other such files know, are refused; a wrong line is an error that names it, with status 78.",
    ]);
    page.heading("FILES");
    page.item("/etc/impp/aliases", &["The names."]);
    page.heading("EXAMPLES");
    page.lines(ALIASES_EXAMPLE);
    page.heading("SECURITY");
    page.paragraphs(&["Whoever can write the file decides who reads what the machine has to say: it should belong to root."]);
    program::see_also(&mut page, &["impp-send(1)", "impp.toml(5)", "impp(7)"]);
    page.finish()
}

/// impp-relay.toml(5)
pub(super) fn relay() -> String {
    let mut page = Page::new("impp-relay.toml", "5", "configuration of a relay for instant messages and presence");
    page.heading("DESCRIPTION");
    page.paragraphs(&[
        "The relay reads one such file: the one that `--config` names, else `/etc/impp/impp-relay.toml`. The file is TOML. Paths in it are \
         relative to the file. A key that is not known, and a value out of its bounds, are errors that name their line. `impp-relay init` writes \
         a file in which every key stands with its default, and `impp-relay check config` judges one.",
        "Sizes are whole numbers (octets) or texts such as `\"64K\"` and `\"10M\"`; durations are texts such as `\"90s\"`, `\"10m\"`, `\"12h\"` and \
         `\"30d\"`.",
    ]);
    let mut section = None;
    for key in KEYS {
        let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if section != Some(of) {
            section = Some(of);
            page.heading(if of.is_empty() { "KEYS BEFORE ALL SECTIONS".to_owned() } else { format!("[{of}]") }.as_str());
        }
        page.item(name, &[key.about, &value(key)]);
    }
    page.heading("[[peer]]");
    page.paragraphs(&["What is known of another domain beyond its name; one such section for each."]);
    PEER_KEYS.iter().for_each(|key| page.item(key.name, &[key.about, &value(key)]));
    page.heading("CERTIFICATES OF ONE DOMAIN");
    page.paragraphs(&[
        "A section `[tls.\"DOMAIN\"]` may hold a `certificate` and a `key` for one of the domains; the others use those of `[tls]`.",
    ]);
    page.heading("OTHER DOMAINS");
    page.paragraphs(&["For each other domain of which more is known than its name there may be a section `[[peer]]`:"]);
    for key in PEER_KEYS {
        let default = key.default.map(|value| format!(" Default: `{value}`.")).unwrap_or_default();
        page.item(key.name, &[key.about, &format!("Its value is {}.{default}", key.kind.expected())]);
    }
    page.heading("RULES");
    page.paragraphs(&[
        "`default` in `[acl]` is a list of rules; the first that fits decides. Each has `who` (an address, `impp://DOMAIN/*`, `local`, `*`, \
         `anonymous`), `op` (a list of `fetch`, `subscribe`, `send`, `change`, `read`), and `action` (`allow`, `deny`, `conceal`).",
    ]);
    page.heading("FILES");
    page.item("/etc/impp/impp-relay.toml", &["The configuration."]);
    page.heading("EXAMPLES");
    page.lines(RELAY_EXAMPLE);
    page.heading("SECURITY");
    page.paragraphs(&[
        "The file holds no secrets; the key that it names must be readable by the relay's user alone, which is checked.",
        "With `required = false` in `[tls]` messages may travel in the clear. The defaults are the safe ones.",
    ]);
    program::see_also(&mut page, &["impp-relay(8)", "impp-acl(1)", "impp-srv(1)", "impp(7)"]);
    page.finish()
}

/// What may stand there, and what holds if nothing does.
fn value(key: &Key) -> String {
    let words = match key.kind {
        Kind::Words(words) => format!(" Words: `{}`.", words.join("`, `")),
        _ => String::new(),
    };
    let default = key.default.map(|value| format!(" Default: `{value}`.")).unwrap_or_default();
    format!("Its value is {}.{words}{default}", key.kind.expected())
}
