//! Holds the prose to the tree: links, tests that are named, sections, dependencies, commands, exit statuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its sources has failed")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOOLS: &[(&str, &str)] = &[
    ("impp-send", env!("CARGO_BIN_EXE_impp-send")),
    ("impp-recv", env!("CARGO_BIN_EXE_impp-recv")),
    ("impp-watch", env!("CARGO_BIN_EXE_impp-watch")),
    ("impp-fetch", env!("CARGO_BIN_EXE_impp-fetch")),
    ("impp-set", env!("CARGO_BIN_EXE_impp-set")),
    ("impp-acl", env!("CARGO_BIN_EXE_impp-acl")),
    ("impp-srv", env!("CARGO_BIN_EXE_impp-srv")),
    ("impp-relay", env!("CARGO_BIN_EXE_impp-relay")),
];

/// The layers of ARCHITECTURE.md, which are the folders of src.
const LAYERS: [&str; 9] = ["wire", "model", "engine", "service", "net", "store", "relay", "cli", "bin"];

/// How many requirements RFC 2779 has, and how many rows the list of older systems.
const REQUIREMENTS: (usize, usize) = (93, 50);

#[test]
fn every_link_leads_somewhere() {
    let mut faults = Vec::new();
    for file in documents() {
        let text = read(&file);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            let found = there.exists() && (anchor.is_empty() || anchors(&read(&there)).contains(anchor));
            if !found {
                faults.push(format!("{}: {target}", file.display()));
            }
        }
    }
    none(&faults);
}

#[test]
fn coverage_names_tests_that_exist() {
    let (mut faults, mut named) = (Vec::new(), 0);
    for row in coverage() {
        for name in quoted(&row.tests) {
            named += 1;
            if !is_test(name) {
                faults.push(format!("{}: there is no {name}", row.number));
            }
        }
    }
    let text = read("docs/coverage.md");
    let tools = table_rows(&text)
        .into_iter()
        .filter(|cells| cells[0].strip_prefix('T').is_some_and(|number| number.parse::<u8>().is_ok()));
    for cells in tools {
        let names: Vec<&str> = quoted(&cells[3]).collect();
        assert!(!names.is_empty(), "{} is shown by no test", cells[0]);
        faults.extend(names.iter().filter(|name| !is_test(name)).map(|name| format!("{}: there is no {name}", cells[0])));
        named += names.len();
    }
    none(&faults);
    assert!(named > REQUIREMENTS.0 + 50, "the tables were read: {named}");
}

#[test]
fn coverage_is_whole_and_counts_right() {
    let text = read("docs/coverage.md");
    let (systems, requirements): (Vec<Row>, Vec<Row>) = coverage().into_iter().partition(|row| row.number.starts_with('H'));
    assert_eq!((requirements.len(), systems.len()), REQUIREMENTS);
    for (rows, states, heading) in [
        (&requirements, &["shown", "in part", "no test", "by design", "not yet"][..], "| RFC 2779 | rows |"),
        (&systems, &["done", "in part", "not yet", "out of scope"], "| older systems | rows |"),
    ] {
        let numbers: BTreeSet<&str> = rows.iter().map(|row| row.number.as_str()).collect();
        assert_eq!(numbers.len(), rows.len(), "each number once");
        for row in rows {
            assert!(states.contains(&row.state.as_str()), "{}: {}", row.number, row.state);
            let proved = quoted(&row.tests).next().is_some();
            assert!(proved || !matches!(row.state.as_str(), "shown" | "done"), "{} is {} by no test", row.number, row.state);
        }
        let counted = |state: &str| rows.iter().filter(|row| row.state == state).count();
        let tally: Vec<String> = states.iter().map(|state| format!("| {state} | {} |", counted(state))).collect();
        let expected = format!("{heading}\n| --- | --- |\n{}\n| all | {} |\n", tally.join("\n"), rows.len());
        assert!(text.contains(&expected), "the tally should be\n{expected}");
    }
}

#[test]
fn every_section_that_is_cited_exists() {
    let headings = sections();
    let mut faults = Vec::new();
    for file in files(Path::new("src")).into_iter().chain(files(Path::new("tests"))).chain(documents()) {
        let text = read(&file);
        for rest in text.split('§').skip(1) {
            let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let number = number.trim_end_matches('.');
            if !number.is_empty() && !headings.contains(number) {
                faults.push(format!("{}: §{number}", file.display()));
            }
        }
    }
    none(&faults);
    assert!(headings.contains("5.7") && headings.len() > 50, "the headings were read: {headings:?}");
}

#[test]
fn every_dependency_has_its_row_and_its_layers() {
    let text = read("docs/dependencies.md");
    let mut rows = BTreeMap::new();
    for cells in table_rows(&text) {
        let [crates, layers, ..] = cells.as_slice() else { continue };
        for name in crates.split(", ") {
            rows.insert(name.split(" (").next().unwrap().to_owned(), layers.clone());
        }
    }
    rows.retain(|name, _| name != "crate" && name != "---");
    let named: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
    let manifest = read("Cargo.toml");
    assert_eq!(named, declared(&manifest, "[dependencies]"), "left: docs/dependencies.md, right: Cargo.toml");

    let development = text.split_once("Development only: ").unwrap().1.replace('\n', " ");
    let told: BTreeSet<&str> =
        development.split("), ").map(|part| part.split(" (").next().unwrap().trim()).filter(|name| !name.is_empty()).collect();
    let mut tests_only = declared(&manifest, "[dev-dependencies]");
    tests_only.retain(|name| *name != "tokio");
    assert_eq!(told, tests_only, "left: docs/dependencies.md, right: Cargo.toml");

    let mut faults = Vec::new();
    for (name, told) in &rows {
        let library = if name == "rustls-webpki" { "webpki".to_owned() } else { name.replace('-', "_") };
        let used: Vec<&str> = LAYERS.into_iter().filter(|layer| uses(layer, &library)).collect();
        if told.split(", ").collect::<BTreeSet<_>>() != used.iter().copied().collect() {
            faults.push(format!("{name} is used in {}, not in {told}", used.join(", ")));
        }
    }
    none(&faults);
}

#[test]
fn commands_in_the_prose_have_options_that_exist() {
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    let mut helps = BTreeMap::new();
    for file in ["README.md", "docs/relay.md", "docs/sending.md", "docs/coverage.md"].map(Path::new) {
        for call in calls(&read(file)) {
            let Some((tool, program)) = TOOLS.iter().find(|(tool, _)| *tool == call[0]) else {
                if !is_announced(&call[0]) {
                    faults.push(format!("{}: there is no program {}", file.display(), call[0]));
                }
                continue;
            };
            seen.insert(*tool);
            let before: Vec<String> = call[1..].iter().take_while(|word| !word.starts_with('-')).cloned().collect();
            let help = helps.entry((*tool, before.clone())).or_insert_with(|| {
                let done = Command::new(program).args(&before).arg("--help").env_clear().output().unwrap();
                String::from_utf8(done.stdout).unwrap()
            });
            if !help.contains("Usage:") {
                faults.push(format!("{}: {} is not understood", file.display(), call.join(" ")));
            }
            // Behind --exec is another program's command line.
            let own = call.iter().position(|word| word == "--exec").and_then(|at| call.get(..=at)).unwrap_or(&call);
            for option in own.iter().filter_map(|word| option(word)) {
                let known = help.split(|c: char| c.is_whitespace() || ",;[]=".contains(c)).any(|word| word == option);
                if !known {
                    faults.push(format!("{}: {} does not know {option}", file.display(), call.join(" ")));
                }
            }
        }
    }
    none(&faults);
    assert_eq!(seen.len(), TOOLS.len(), "{seen:?}");
}

#[test]
fn every_variable_of_the_environment_exists() {
    let sources: String = files(Path::new("src")).iter().map(read).collect();
    let mut faults = Vec::new();
    for file in documents() {
        for rest in read(&file).split("IMPP_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            if !sources.contains(&format!("\"IMPP_{name}\"")) {
                faults.push(format!("{}: IMPP_{name}", file.display()));
            }
        }
    }
    none(&faults);
}

#[test]
fn what_ci_runs_is_a_script() {
    let done = std::process::Command::new("bash").args(["-n", ".ci/run"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn every_program_is_in_the_readme() {
    let readme = read("README.md");
    let programs = fs::read_dir("src/bin").unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<String> = programs.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    programs.sort_unstable();
    let mut tested: Vec<&str> = TOOLS.iter().map(|(tool, _)| *tool).collect();
    tested.sort_unstable();
    assert_eq!(programs, tested, "left: src/bin, right: TOOLS");
    for program in programs {
        assert!(readme.contains(&format!("| `{program}` |")), "{program} is missing from the table of tools");
    }
}

#[test]
fn the_readme_knows_every_exit_status() {
    let source = read("src/cli/exit.rs");
    let code = source.split_once("fn code(self)").unwrap().1.split_once("    }\n\n").unwrap().0;
    let given: BTreeSet<u8> =
        code.lines().filter_map(|line| line.split_once("=> ")?.1.trim_end_matches(',').parse().ok()).collect();
    let readme = read("README.md");
    let table = readme.split_once("## Exit status").unwrap().1.split_once("\n## ").unwrap().0;
    let told: BTreeSet<u8> = table_rows(table)
        .iter()
        .flat_map(|cells| cells[0].split(", ").filter_map(|code| code.parse().ok()).collect::<Vec<_>>())
        .collect();
    assert_eq!(told, given, "left: README.md, right: src/cli/exit.rs");
    assert!(table.contains("| 128+n |") && code.contains("128_u8.saturating_add"));
}

/// A threat model is worth as much as what would notice that it is no longer true.
#[test]
fn the_threat_model_names_tests_that_exist() {
    let rows = table_rows(&read("SECURITY.md"));
    let mut faults = Vec::new();
    let mut named = 0;
    for cells in rows.iter().filter(|cells| cells[0] != "tries") {
        let tests: Vec<&str> = quoted(&cells[cells.len() - 1]).collect();
        named += tests.len();
        faults.extend(tests.iter().filter(|name| !is_test(name)).map(|name| format!("{name} is no test")));
        if tests.is_empty() {
            faults.push(format!("nothing shows: {}", cells[0]));
        }
    }
    assert!(named > 50, "{named} tests are named");
    none(&faults);
}

/// The project stands on its own: nothing in it speaks of the place where it was written.
#[test]
fn nothing_speaks_of_where_it_was_written() {
    let words = [concat!("/wo", "rk/"), concat!("/tmp/", "impp/"), concat!("sha", "red/")];
    let number = |text: &str, word: &str| {
        let follows = |rest: &str| rest.trim_start_matches([' ', '#']).starts_with(|c: char| c.is_ascii_digit());
        text.to_lowercase().split(word).skip(1).any(follows)
    };
    let mut faults = Vec::new();
    for file in files(Path::new(".")) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (line, text) in text.lines().enumerate() {
            if words.iter().any(|word| text.contains(word)) || number(text, concat!("iss", "ue")) {
                faults.push(format!("{}:{}: {text}", file.display(), line + 1));
            }
        }
    }
    none(&faults);
}

/// A row of docs/coverage.md.
struct Row {
    number: String,
    state: String,
    tests: String,
}

fn coverage() -> Vec<Row> {
    let is_number = |text: &str| {
        let digits = text.trim_start_matches('H');
        digits.contains(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    let rows = table_rows(&read("docs/coverage.md")).into_iter().filter(|cells| is_number(&cells[0]));
    rows.map(|cells| match cells.as_slice() {
        [number, _, _, state, tests] => Row { number: number.clone(), state: state.clone(), tests: tests.clone() },
        other => unreachable!("a row of {} cells: {other:?}", other.len()),
    })
    .collect()
}

/// Whether this is a scene, a talk, rows, or a test function.
fn is_test(name: &str) -> bool {
    for (end, folder) in [(".scene", "tests/scenes"), (".talk", "tests/talks"), (".txt", "tests/wire")] {
        if name.ends_with(end) {
            return Path::new(folder).join(name).is_file();
        }
    }
    let Some((path, function)) = name.rsplit_once("::") else { return false };
    let path = if path.starts_with("src/") { path.to_owned() } else { format!("tests/{path}") };
    let places = [format!("{path}.rs"), format!("{path}/mod.rs")];
    let Some(text) = places.iter().find_map(|place| fs::read_to_string(place).ok()) else { return false };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = |line: &str| line.contains(&format!("fn {function}("));
    lines.iter().enumerate().filter(|(_, line)| declared(line)).any(|(at, _)| {
        // A helper of the same name would not stand behind an attribute.
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        above.filter_map(|line| line.strip_prefix("#[")?.split([']', '(']).next()).any(|attribute| attribute.ends_with("test"))
    })
}

/// The calls of our programs in code blocks and in backticks, each as its words.
fn calls(text: &str) -> Vec<Vec<String>> {
    let blocks = text.lines().filter(|line| line.starts_with("    ")).map(str::to_owned);
    let prose: String = text.lines().filter(|line| !line.starts_with("    ")).collect::<Vec<_>>().join("\n");
    let inline: Vec<String> = quoted(&prose.replace("\\|", "|")).map(|code| code.replace('\n', " ")).collect();
    let mut calls = Vec::new();
    for line in blocks.chain(inline) {
        for part in line.split("   ").flat_map(|part| part.split(['|', '&', ';', '(', ')', '>', '<'])) {
            let words: Vec<String> = words(part).into_iter().skip_while(|word| word == "umask").collect();
            if words
                .first()
                .is_some_and(|word| word.starts_with("impp-") && word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
            {
                calls.push(words);
            }
        }
    }
    calls
}

/// The words of a command; what stands in quotes, or in a comment, is not looked into. Words in capitals and in
/// brackets are placeholders.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or_default();
    let bare: String = line.split('\'').step_by(2).collect::<Vec<_>>().join("TEXT");
    let words = bare.split_whitespace().filter(|word| *word != "..." && *word != "..");
    words.map(|word| word.trim_matches(['[', ']']).to_owned()).collect()
}

/// The option that a word is, without its value.
fn option(word: &str) -> Option<&str> {
    let name = word.split('=').next().unwrap_or_default();
    (name.len() > 1 && name.starts_with('-')).then_some(name)
}

/// Programs that the README promises for later.
fn is_announced(program: &str) -> bool {
    let readme = read("README.md");
    readme
        .split_once("## Not there yet")
        .is_some_and(|(_, rest)| rest.split("\n## ").next().unwrap_or_default().contains(program))
}

/// The cells of every row of every table, but for the lines under the headings.
fn table_rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.map(|line| {
        let inner = line.trim_start_matches('|').trim_end();
        let inner = inner.strip_suffix('|').unwrap_or(inner).replace("\\|", "\u{0}");
        inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    })
    .collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The numbers of the protocol's headings.
fn sections() -> BTreeSet<String> {
    let text = read("docs/protocol.md");
    let headings = text.lines().filter_map(|line| line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")));
    headings.map(|heading| heading.split(' ').next().unwrap_or_default().trim_end_matches('.').to_owned()).collect()
}

/// Headings as links name them: lower case, spaces as hyphens, no punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let letter = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    headings.map(|heading| heading.chars().filter_map(letter).collect()).collect()
}

/// The names that a section of the manifest declares.
fn declared<'a>(manifest: &'a str, section: &str) -> BTreeSet<&'a str> {
    let body = manifest.split_once(&format!("\n{section}\n")).unwrap().1.split("\n[").next().unwrap_or_default();
    body.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.split_once(" = ")?.0)).collect()
}

/// Whether a layer's code, outside its tests, names this crate.
fn uses(layer: &str, library: &str) -> bool {
    let path = format!("{library}::");
    files(&Path::new("src").join(layer)).iter().filter(|file| !is_for_tests(file)).any(|file| {
        let text = read(file);
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        code.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
            line.match_indices(&path).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
                || line.trim() == format!("use {library};")
                || line.contains(&format!("{library}!("))
        })
    })
}

fn is_for_tests(file: &Path) -> bool {
    ["testing.rs", "conformance.rs", "tests.rs"].iter().any(|name| file.ends_with(name))
}

/// The prose of the project.
fn documents() -> Vec<PathBuf> {
    let is_prose = |path: &PathBuf| path.extension().is_some_and(|end| end == "md");
    let top = fs::read_dir(".").unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    top.chain(files(Path::new("docs"))).filter(is_prose).collect()
}

/// All files below a folder, without what is built and what is hidden.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "target" || (name.starts_with('.') && name != ".ci") {
            continue;
        }
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|why| unreachable!("{}: {why}", path.display()))
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
