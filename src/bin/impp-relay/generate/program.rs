//! The page of a program: its options as clap knows them, and what its manual tells beside them.

use super::page::Page;
use clap::{Arg, Command};
use clap_mangen::Man;
use impp::cli::manual::{COMMON_FILES, COMMON_SECURITY, COMMON_VARIABLES, Manual, Place};
use impp::net::judge::catalogue::CATALOGUE;
use std::collections::BTreeMap;

/// The page of one of the tools.
pub(super) fn page(definition: Command, manual: &Manual) -> String {
    let name = definition.get_name().to_owned();
    let mut definition = told(definition);
    definition.build();
    let about = definition.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = Page::new(&name, "1", purpose(&about));
    let man = Man::new(definition.clone());
    page.add(|out| man.render_synopsis_section(out));
    page.heading("DESCRIPTION");
    page.paragraphs(manual.description);
    commands(&mut page, &definition);
    page.add(|out| man.render_options_section(out));
    body(&mut page, manual, name == "impp-srv");
    end(&mut page, &definition, manual);
    page.finish()
}

/// The name of a page says what a program does, without what its help adds about the status.
pub(super) fn purpose(about: &str) -> &str {
    about.split(". Status:").next().unwrap_or(about)
}

/// A definition with everything told that the help leaves out for want of space.
pub(super) fn told(definition: Command) -> Command {
    definition.mut_args(|arg| arg.hide_short_help(false).hide_possible_values(false).hide_env(false)).mut_subcommands(told)
}

/// The subcommands that are meant for people, those at the ends of the branches, each with its options.
pub(super) fn commands(page: &mut Page, definition: &Command) {
    if definition.has_subcommands() {
        page.heading("COMMANDS");
        branch(page, definition);
    }
}

fn branch(page: &mut Page, definition: &Command) {
    for command in definition.get_subcommands().filter(|command| !command.is_hide_set()) {
        if command.has_subcommands() {
            branch(page, command);
            continue;
        }
        let usage = command.clone().render_usage().to_string();
        page.subheading(usage.trim_start_matches("Usage: "));
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        page.paragraphs(&[&format!("{about}.")]);
        let own = |arg: &&Arg| !arg.is_hide_set() && !arg.is_global_set() && arg.get_id() != "help" && arg.get_id() != "version";
        let mut bare = Command::new("x").disable_help_flag(true).args(command.get_arguments().filter(own).cloned());
        bare.build();
        let mut options = Vec::new();
        // Writing to memory cannot fail.
        _ = Man::new(bare).render_options_section(&mut options);
        page.add(|out| {
            out.extend(String::from_utf8_lossy(&options).replace(".SH OPTIONS\n", "").into_bytes());
            Ok(())
        });
    }
}

/// Chapters, records and findings.
pub(super) fn body(page: &mut Page, manual: &Manual, with_findings: bool) {
    for chapter in manual.chapters {
        page.heading(chapter.title);
        page.paragraphs(chapter.text);
    }
    if !manual.records.is_empty() {
        page.heading("OUTPUT OF --json");
        page.paragraphs(&[
            "There is one object per line. Its first key is `\"v\":1`; that number changes if a key is ever renamed or its meaning changes. \
             Every key that is listed here is always present; what is not known is `null`. New keys may be added at the end. `--format` knows \
             the keys of a line by the same names.",
        ]);
        for records in manual.records {
            let title = if records.place == Place::Line { "" } else { " (an object within)" };
            page.subheading(&format!("{}{title}", records.title.replace('`', "")));
            records.keys().for_each(|key| page.item(key.name, &[key.about]));
        }
    }
    if with_findings {
        page.heading("FINDINGS");
        page.paragraphs(&["Their numbers are stable. `impp-srv --explain ID` says the same."]);
        for entry in CATALOGUE {
            let todo = format!("To do: {}", entry.change);
            page.item(&format!("{} {} ({})", entry.code, entry.title, entry.severity), &[entry.means, &todo]);
        }
    }
}

/// EXIT STATUS and all that follows.
fn end(page: &mut Page, definition: &Command, manual: &Manual) {
    statuses(page, manual);
    page.heading("ENVIRONMENT");
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    for arg in definition.get_arguments() {
        if let (Some(variable), Some(long)) = (arg.get_env(), arg.get_long()) {
            options.insert(variable.to_string_lossy().into_owned(), format!("Stands for `--{long}`, where that is not given."));
        }
    }
    options.iter().for_each(|(name, about)| page.item(name, &[about]));
    items(page, COMMON_VARIABLES);
    items(page, manual.variables);
    page.heading("FILES");
    items(page, COMMON_FILES);
    items(page, manual.files);
    examples(page, definition);
    page.heading("SECURITY");
    page.paragraphs(&[manual.security, COMMON_SECURITY].concat());
    see_also(page, &[manual.see, &["impp.toml(5)", "impp(7)"]].concat());
}

/// EXIT STATUS.
pub(super) fn statuses(page: &mut Page, manual: &Manual) {
    page.heading("EXIT STATUS");
    manual.meanings().into_iter().for_each(|(code, means)| page.item(&code.to_string(), &[means]));
    page.item("128+n", &["Ended by signal n."]);
}

/// The examples of the help.
pub(super) fn examples(page: &mut Page, definition: &Command) {
    let help = definition.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, examples)) = help.split_once("Examples:\n") {
        page.heading("EXAMPLES");
        page.lines(&examples.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n"));
    }
}

/// A list.
pub(super) fn items(page: &mut Page, all: &[(&str, &str)]) {
    all.iter().for_each(|(name, about)| page.item(name, &[about]));
}

/// SEE ALSO, in the order of sections and names, as manuals have it.
pub(super) fn see_also(page: &mut Page, all: &[&str]) {
    let mut all: Vec<&str> = all.to_vec();
    all.sort_by_key(|name| (name.split('(').nth(1), *name));
    all.dedup();
    page.heading("SEE ALSO");
    let bold: Vec<String> =
        all.iter().map(|name| name.split_once('(').map_or_else(String::new, |(n, s)| format!("`{n}`({s}"))).collect();
    page.paragraphs(&[&bold.join(", ")]);
}
