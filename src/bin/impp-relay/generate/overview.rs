//! impp(7): what the tools have in common.

use super::page::Page;
use super::{program, relay};
use clap::{Arg, Command};
use clap_mangen::Man;
use impp::cli::exit::STATUSES;
use impp::cli::manual::{COMMON_FILES, COMMON_SECURITY, COMMON_VARIABLES};
use impp::cli::tools;

/// The tool whose options are shown: it has all that are common.
const WITH_ALL: &str = "impp-fetch";

const EXAMPLES: &str = "\
impp-relay demo
df -h | impp-send -s disks ann@example.org
impp-recv --once --body --timeout 5m
impp-set open --activity meeting --lease 1h
impp-watch -q --until open ann@example.org && echo ann is there
impp-srv example.org";

/// The page.
pub(super) fn page() -> String {
    let mut page = Page::new("impp", "7", "instant messages and presence as part of a Unix system");
    page.heading("DESCRIPTION");
    page.paragraphs(&[
        "Small programs send and receive instant messages and publish, ask for and watch presence (who is open to messages now). Each user has \
         an account at the relay of their domain, as with mail. The protocol is IMPP/1.0.",
    ]);
    for definition in tools::definitions().into_iter().chain([relay::definition()]) {
        let about = definition.get_about().map(ToString::to_string).unwrap_or_default();
        page.item(definition.get_name(), &[&format!("{}.", program::purpose(&about).trim_end_matches('.'))]);
    }
    page.heading("ADDRESSES");
    page.paragraphs(&[
        "An address is USER@DOMAIN or, the same in other words, `impp://DOMAIN/USER`. Wherever a tool takes one, it also takes an alias of the \
         configuration, which may stand for several. A user that is not a plain word is quoted as in mail: `\"john smith\"@example.org`.",
    ]);
    page.heading("FINDING AND TRUSTING A SERVER");
    page.paragraphs(&[
        "The DNS says where the server of a domain is: SRV records of `_impps-client._tcp` (TLS from the first octet) and `_impp-client._tcp` (plain \
         start, then STARTTLS); without any, the addresses of the domain itself, ports 5773 and 5772. Every address of every target is tried until one is \
         open in every respect. `impp-srv DOMAIN` says what is wrong if none is.",
        "The server's certificate has to name the domain. The name of the host counts only where DNSSEC secures the SRV record; where it secures a TLSA \
         record too, that decides alone. What DNSSEC finds forged, and an answer that fails, are a temporary failure (75), never a reason to try \
         something less safe.",
    ]);
    page.heading("PASSWORDS");
    page.paragraphs(&[
        "The password is taken from the first of these that there is: `--pass-file` or `--pass-cmd`; the credential `impp-password` of the service \
         manager; IMPP_PASSWORD_FILE; IMPP_PASSWORD; `password`, `pass-file` or `pass-cmd` of the account; a prompt on a terminal.",
    ]);
    options(&mut page);
    page.heading("INPUT AND OUTPUT");
    page.paragraphs(&[
        "Data goes through standard input and output, talk goes to standard error, and nothing is said on success unless asked. With `--json` there is one \
         object per line; each tool's page lists the keys. `--format` fills a template: `--format '{to}\\t{state}\\n'`. Times are RFC 3339 with the local \
         offset. Text of strangers is made safe before it is printed.",
        "A reader of standard output that goes away ends a tool quietly. SIGINT and SIGTERM end it orderly, with status 128+n.",
        "Durations are a number and a unit, `90s`, `10m`, `12h`, `7d`; a plain number is seconds. Sizes are octets, `64K` or `10M`.",
    ]);
    page.heading("EXIT STATUS");
    for status in STATUSES {
        page.item(&format!("{} {}", status.exit.code(), status.name), &[status.means]);
    }
    page.item("128+n", &["Ended by signal n."]);
    page.heading("ENVIRONMENT");
    program::items(&mut page, COMMON_VARIABLES);
    page.heading("FILES");
    program::items(&mut page, COMMON_FILES);
    page.heading("EXAMPLES");
    page.lines(EXAMPLES);
    page.heading("SECURITY");
    page.paragraphs(COMMON_SECURITY);
    let mut pages: Vec<String> = tools::MANUALS.iter().map(|(name, _)| format!("{name}(1)")).collect();
    pages.extend(["impp-relay(8)", "impp.toml(5)", "impp-relay.toml(5)", "impp-aliases(5)"].map(str::to_owned));
    program::see_also(&mut page, &pages.iter().map(String::as_str).collect::<Vec<_>>());
    page.finish()
}

/// Those that all tools share.
fn options(page: &mut Page) {
    let Some(tool) = tools::definitions().into_iter().find(|definition| definition.get_name() == WITH_ALL) else { return };
    let common = |arg: &&Arg| arg.get_help_heading().is_some();
    let shared: Vec<Arg> = program::told(tool).get_arguments().filter(common).cloned().collect();
    let mut bare = Command::new("x").version("x").disable_help_flag(true).disable_version_flag(true).args(shared);
    bare.build();
    page.add(|out| Man::new(bare).render_options_section(out));
}
