//! The manual pages, the completions and the tables of docs/json.md are what the programs' own tables say; the shells load what was made.
//!
//! `UPDATE=1 cargo test --test manual` writes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot read its files has failed, and one that is skipped says so"
)]

use impp::cli::tools::MANUALS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const FOLDERS: [&str; 2] = ["man", "completions"];

/// What the tables say now, in a folder; with UPDATE=1 written into the tree, before any test looks there.
fn made() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let made = tempfile::tempdir().unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_impp-relay")).arg("generate").arg(made.path()).env_clear().output().unwrap();
        assert!(done.status.success() && done.stdout.is_empty() && done.stderr.is_empty(), "{done:?}");
        for folder in FOLDERS.into_iter().filter(|_| update()) {
            let (new, old) = (made.path().join(folder), Path::new(folder));
            fs::create_dir_all(old).unwrap();
            names(old).difference(&names(&new)).for_each(|name| fs::remove_file(old.join(name)).unwrap());
            names(&new).iter().for_each(|name| _ = fs::copy(new.join(name), old.join(name)).unwrap());
        }
        made
    });
    made.path()
}

fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

#[test]
fn what_is_committed_is_what_the_tables_say() {
    if cfg!(feature = "keyring") {
        return println!("skipped: what is committed is made without the feature keyring");
    }
    let mut faults = Vec::new();
    for folder in FOLDERS {
        let (new, old) = (made().join(folder), Path::new(folder));
        for name in names(&new).union(&names(old)) {
            let (new, old) = (fs::read_to_string(new.join(name)).ok(), fs::read_to_string(old.join(name)).ok());
            if new != old {
                let differing =
                    |(new, old): (&str, &str)| (new != old).then(|| format!("\n  is        {old}\n  should be {new}"));
                let both = new.as_deref().zip(old.as_deref());
                let first = both.and_then(|(new, old)| new.lines().zip(old.lines()).find_map(differing)).unwrap_or_default();
                faults.push(format!("{folder}/{name}{first}"));
            }
        }
    }
    assert!(faults.is_empty(), "UPDATE=1 cargo test --test manual writes anew:\n{}", faults.join("\n"));
}

#[test]
fn the_tables_of_the_documents_are_those_of_the_programs() {
    let path = "docs/json.md";
    let mut text = fs::read_to_string(path).unwrap();
    for (name, manual) in MANUALS {
        let (begin, end) = (format!("<!-- keys of {name} -->\n"), "<!-- end of keys -->\n");
        let before = text.split_once(&begin).unwrap_or_else(|| unreachable!("{path} has no {begin}")).0.len() + begin.len();
        let length = text[before..].find(end).unwrap();
        let tables: Vec<String> = manual.records.iter().map(|records| format!("\n{}\n", records.to_markdown())).collect();
        text.replace_range(before..before + length, &tables.concat());
    }
    if update() {
        fs::write(path, &text).unwrap();
    }
    assert!(text == fs::read_to_string(path).unwrap(), "UPDATE=1 cargo test --test manual writes the tables of {path} anew");
}

#[test]
fn the_findings_of_the_documents_are_those_of_the_judge() {
    let path = "docs/srv.md";
    let text = fs::read_to_string(path).unwrap();
    let (before, told) = text.split_once("## The findings\n\n").unwrap();
    let findings = impp::cli::tools::srv::explain::markdown();
    if update() {
        fs::write(path, format!("{before}## The findings\n\n{findings}")).unwrap();
    } else {
        assert!(told == findings, "UPDATE=1 cargo test --test manual writes the findings of {path} anew");
    }
}

#[test]
fn mandoc_finds_nothing_wrong() {
    made();
    if !is_there("mandoc") {
        return;
    }
    for name in names(Path::new("man")) {
        let done = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(Path::new("man").join(&name)).output().unwrap();
        assert!(done.status.success() && done.stdout.is_empty(), "{name}:\n{}{}", text(&done.stdout), text(&done.stderr));
    }
}

#[test]
fn every_page_has_its_sections_and_every_reference_a_page() {
    made();
    let pages = names(Path::new("man"));
    for name in &pages {
        let text = fs::read_to_string(Path::new("man").join(name)).unwrap();
        let sections: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix(".SH ")).map(|title| title.trim_matches('"')).collect();
        let program = name.ends_with(".1") || name.ends_with(".8");
        let expected = ["NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SECURITY", "SEE ALSO"];
        let further = if program { &["SYNOPSIS", "EXIT STATUS", "ENVIRONMENT"][..] } else { &[] };
        for section in expected.iter().chain(further) {
            assert!(sections.contains(section), "{name} has no {section}: {sections:?}");
        }
        let also = text.split_once(".SH \"SEE ALSO\"\n").unwrap().1.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
        for reference in also.split_whitespace().map(|word| word.trim_end_matches(',')) {
            let file = reference.replace('(', ".").replace(')', "");
            assert!(pages.contains(&file) && file != *name, "{name} refers to {reference}");
        }
    }
}

/// What people type, up to where they press the key, and the word that is completed.
const COMPLETED: [(&str, &str); 2] = [("--retry-w", "--retry-wait"), ("-a wo", "workplace")];

#[test]
fn bash_completes_an_option_and_an_account() {
    made();
    if !is_there("bash") {
        return;
    }
    for tool in MANUALS.iter().map(|(name, _)| *name) {
        for (typed, word) in wanted(tool) {
            // As bash itself does: the function that is registered, with the command, the word and the one before it.
            let script = format!(
                "source completions/{tool}.bash; set -- $(complete -p {tool}); while [ \"$1\" != -F ]; do shift; done; function=$2
                 COMP_WORDS=({tool} {typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_LINE='{tool} {typed}'; COMP_POINT=${{#COMP_LINE}}
                 $function {tool} \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
            );
            let done = Shell::new("bash", &["--norc", "--noprofile", "-c", &script]).run();
            assert_eq!(text(&done.stdout), format!("{word}\n"), "{tool} {typed}: {done:?}");
        }
    }
}

#[test]
fn the_commands_of_the_relay_are_completed() {
    made();
    for (shell, script) in [
        (
            "bash",
            "source completions/impp-relay.bash; COMP_WORDS=(impp-relay user ad); COMP_CWORD=2; _impp__relay impp-relay ad user; echo ${COMPREPLY[@]}",
        ),
        ("fish", "source completions/impp-relay.fish; complete -C 'impp-relay user ad' | cut -f 1"),
    ] {
        if is_there(shell) {
            let done = Shell::new(shell, &["-c", script]).run();
            assert_eq!(text(&done.stdout), "add\n", "{shell}: {done:?}");
        }
    }
    let all: String = names(Path::new("completions")).iter().map(|name| read(&Path::new("completions").join(name))).collect();
    assert!(!all.contains(",generate)"), "what is meant for the repository is offered to nobody");
}

#[test]
fn zsh_completes_an_option_and_an_account() {
    made();
    if !is_there("zsh") {
        return;
    }
    // The beginning of a zsh takes its time: a tool of each kind stands for all.
    for tool in ["impp-send", "impp-acl", "impp-srv"] {
        for (typed, word) in wanted(tool) {
            // A zsh with a terminal of its own, in which the line is typed; what became of it is printed and the shell ends.
            let script = format!(
                "zmodload zsh/zpty; zpty inner 'zsh -f -i'
                 zpty -w inner \"PROMPT= fpath=($PWD/completions \\$fpath); autoload -Uz compinit; compinit -u -D\"
                 zpty -w inner 'became() {{ print -r -- \"became: $BUFFER\" > $OUT; exit }}; zle -N became; bindkey \"^X^X\" became'
                 zpty -w -n inner '{tool} {typed}'$'\\t\\x18\\x18'
                 while zpty -r inner line; do :; done"
            );
            let out = tempfile::NamedTempFile::new().unwrap();
            let done = Shell::new("zsh", &["-f", "-c", &script]).with("OUT", out.path()).run();
            let became = fs::read_to_string(out.path()).unwrap();
            let before = typed.rsplit_once(' ').map_or_else(|| tool.to_owned(), |(before, _)| format!("{tool} {before}"));
            assert_eq!(became.trim_end().trim_end_matches('='), format!("became: {before} {word}"), "{tool} {typed}: {done:?}");
        }
    }
}

#[test]
fn fish_completes_an_option_and_an_account() {
    made();
    if !is_there("fish") {
        return;
    }
    for tool in MANUALS.iter().map(|(name, _)| *name) {
        for (typed, word) in wanted(tool) {
            let script = format!("source completions/{tool}.fish; complete -C '{tool} {typed}'");
            let done = Shell::new("fish", &["--no-config", "-c", &script]).run();
            let offered: Vec<String> =
                text(&done.stdout).lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
            assert_eq!(offered, [word], "{tool} {typed}: {done:?}");
        }
    }
}

/// The lines that are tried with a tool.
fn wanted(tool: &str) -> Vec<(&'static str, &'static str)> {
    match tool {
        // Never tries again.
        "impp-srv" => vec![("--print-z", "--print-zone"), COMPLETED[1]],
        // The options stand behind its commands, too.
        "impp-acl" => vec![COMPLETED[0], COMPLETED[1], ("show --retry-w", "--retry-wait"), ("show -a wo", "workplace")],
        _ => COMPLETED.to_vec(),
    }
}

/// A shell that knows our programs and a configuration with two accounts.
struct Shell {
    command: Command,
    home: tempfile::TempDir,
}

impl Shell {
    fn new(shell: &str, words: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("impp.toml"), "[account.default]\n[account.workplace]\n[account.'wo$(kill $PPID)']\n")
            .unwrap();
        let programs = Path::new(env!("CARGO_BIN_EXE_impp-send")).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = [programs].into_iter().chain(std::env::split_paths(&path)).collect();
        // A shell that waits for more than it is given would wait for ever.
        let mut command = Command::new("timeout");
        command
            .args(["60", shell])
            .args(words)
            .env_clear()
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("TERM", "dumb");
        command.env("HOME", home.path()).env("IMPP_CONFIG", home.path().join("impp.toml"));
        Self { command, home }
    }

    fn with(mut self, name: &str, value: &Path) -> Self {
        self.command.env(name, value);
        self
    }

    fn run(mut self) -> Output {
        let done = self.command.output().unwrap();
        drop(self.home);
        done
    }
}

/// Whether a program is installed; says that the test is skipped if not.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        println!("skipped: there is no {program}");
    }
    found
}

fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
