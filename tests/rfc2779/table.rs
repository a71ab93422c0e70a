//! The table of docs/coverage.md: that it is what the tests say, and with `UPDATE=1` how it is written.
//!
//! `UPDATE=1 cargo test --test rfc2779 table` runs all tests and writes the table only if each of them passed, none skipped. In
//! every other run the table is compared with the sources, and that the tests pass is for that same run to say.

use crate::rows::{GROUPS, Met, Row};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const BEGIN: &str = "<!-- of tests/rfc2779 -->\n";
const END: &str = "<!-- end of tests/rfc2779 -->\n";

/// A test of this crate for one requirement.
struct Shows {
    /// `names::r_2_1_3_one_name_serves_both`
    path: String,
    asked: String,
}

/// The tests in the sources, by requirement.
fn tests() -> BTreeMap<String, Shows> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rfc2779"));
    let mut found = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for at in lines.iter().enumerate().filter(|(_, line)| line.starts_with("fn r_")).map(|(at, _)| at) {
            let name = lines[at].trim_start_matches("fn ").split('(').next().unwrap();
            assert_eq!(lines[at - 1], "#[test]", "{name} runs with all others");
            let number: Vec<&str> = name.split('_').skip(1).take(3).collect();
            let asked = lines[at + 1].strip_prefix("    // ").unwrap_or_else(|| panic!("{name} does not say what is asked for"));
            let path = format!("{}::{name}", file.file_stem().unwrap().to_str().unwrap());
            let twice = found.insert(number.join("."), Shows { path, asked: asked.to_owned() });
            assert!(twice.is_none(), "two tests for {}", number.join("."));
        }
    }
    found
}

/// The whole section as it should be.
fn section(tests: &BTreeMap<String, Shows>) -> String {
    let mut text = String::new();
    let mut counted = [0; 3];
    for (heading, rows) in GROUPS {
        text += &format!(
            "\n### {heading}\n\n| no | asked for | how it is met | state | shown by |\n| --- | --- | --- | --- | --- |\n"
        );
        for row in *rows {
            let own = tests.get(row.number);
            let (asked, state, count) = match row.met {
                Met::Shown => (own.unwrap().asked.as_str(), "shown", 0),
                Met::InPart => (own.unwrap().asked.as_str(), "in part", 1),
                Met::ByDesign(asked) => (asked, "by design", 2),
            };
            counted[count] += 1;
            let own = own.map(|own| format!("`rfc2779/{}`", own.path));
            let by: Vec<&str> = own.iter().map(String::as_str).chain((!row.also.is_empty()).then_some(row.also)).collect();
            let by = if by.is_empty() { "the document".to_owned() } else { by.join(", ") };
            text += &format!("| {} | {asked} | {} | {state} | {by} |\n", row.number, row.how);
        }
    }
    let [shown, in_part, by_design] = counted;
    let all = shown + in_part + by_design;
    text + &format!(
        "\n### How many\n\n| RFC 2779 | rows |\n| --- | --- |\n| shown | {shown} |\n| in part | {in_part} |\n| no test | 0 |\n\
         | by design | {by_design} |\n| not yet | 0 |\n| all | {all} |\n\n"
    )
}

/// Runs all tests of this crate, and insists that each one passed and did not skip.
fn run(tests: &BTreeMap<String, Shows>) {
    let mut all = Command::new(std::env::current_exe().unwrap());
    let done = all.args(["::r_", "--show-output", "--color", "never"]).env_remove("UPDATE").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    for test in tests.values() {
        assert!(said.contains(&format!("test {} ... ok\n", test.path)), "{} did not pass: nothing is written\n{said}", test.path);
        let output = said.split_once(&format!("---- {} stdout ----\n", test.path)).map(|(_, rest)| rest);
        let output = output.and_then(|rest| rest.split("\n---- ").next()).unwrap_or_default();
        assert!(!output.contains("skipped: "), "{} skipped something: nothing is written\n{output}", test.path);
    }
}

#[test]
fn the_table_in_the_documents_is_what_the_tests_say() {
    let tests = tests();
    let rows: Vec<&Row> = GROUPS.iter().flat_map(|(_, rows)| *rows).collect();
    for row in &rows {
        let is_run = !matches!(row.met, Met::ByDesign(_));
        assert_eq!(is_run, tests.contains_key(row.number), "{} and its test", row.number);
    }
    assert_eq!((rows.len(), tests.len()), (93, 88), "a test for each requirement that can be shown on a running system");
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/coverage.md"));
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (now, after) = rest.split_once(END).unwrap();
    let expected = section(&tests);
    if now == expected {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "docs/coverage.md is not what the tests say; UPDATE=1 runs them all and writes it"
    );
    run(&tests);
    fs::write(path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
}
