//! Holds the sources to the figure in ARCHITECTURE.md: who may name whom.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its sources has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Layer, what it may name in this crate, and the outside crates that it alone (or it too) may name.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("wire", &[], &["bytes", "bytestring", "itoa"]),
    (
        "model",
        &["wire"],
        &[
            "bytes",
            "base64",
            "idna",
            "jiff",
            "itoa",
            "memchr",
            "precis_core",
            "precis_profiles",
            "quick_xml",
            "mail_builder",
            "mail_parser",
            "sha2",
            "zeroize",
        ],
    ),
    (
        "engine",
        &["model", "wire"],
        &["base64", "bytes", "hmac", "pbkdf2", "precis_core", "precis_profiles", "rsasl", "sha2", "subtle", "zeroize"],
    ),
    ("service", &["model", "wire"], &["bytes", "foldhash", "hashbrown", "indexmap"]),
    (
        "net",
        &["engine", "model", "wire"],
        &[
            "arc_swap",
            "base64",
            "bytes",
            "getrandom",
            "hickory_resolver",
            "rustls",
            "rustls_platform_verifier",
            "sha2",
            "socket2",
            "tokio",
            "tokio_rustls",
            "webpki",
            "x509_parser",
        ],
    ),
    ("store", &["service", "model", "wire"], &["base64", "bytes", "crc32fast", "nix", "rusqlite", "serde_json", "sha2"]),
    (
        "relay",
        &["store", "net", "service", "engine", "model", "wire"],
        &[
            "arc_swap",
            "bytes",
            "foldhash",
            "getrandom",
            "rcgen",
            "rustls",
            "serde",
            "serde_json",
            "socket2",
            "tokio",
            "toml",
            "tracing",
            "x509_parser",
        ],
    ),
    (
        "cli",
        &["net", "engine", "model", "wire"],
        &[
            "base64",
            "bytes",
            "clap",
            "indicatif",
            "jiff",
            "keyring",
            "rpassword",
            "serde",
            "serde_json",
            "terminal_size",
            "tokio",
            "toml",
            "unicode_width",
            "zeroize",
        ],
    ),
];

/// Files that are compiled for tests only.
const TEST_ONLY: &[&str] = &["testing.rs", "conformance.rs", "fixtures.rs", "tests.rs"];

/// Words that begin a path without naming a crate.
const OWN: &[&str] = &["crate", "self", "super", "std", "core", "Self"];

#[test]
fn a_layer_names_only_what_lies_below() {
    let mut faults = Vec::new();
    for (layer, may, crates) in LAYERS {
        for file in sources(&Path::new("src").join(layer)) {
            for (number, line) in code(&file) {
                let place = || format!("{}:{number}: {}", file.display(), line.trim());
                for (at, _) in line.match_indices("crate::") {
                    let named = word(&line[at + "crate::".len()..]);
                    let inner = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
                    if !inner && is_layer(named) && named != *layer && !may.contains(&named) {
                        faults.push(format!("{} (a layer that {layer} may not know)", place()));
                    }
                }
                if let Some(path) = line.trim().strip_prefix("use ") {
                    let first = word(path.trim_start_matches("::"));
                    let outside = path.contains("::")
                        && !OWN.contains(&first)
                        && first.chars().all(|c| c.is_lowercase() || c == '_' || c.is_numeric());
                    let sibling =
                        file.parent().is_some_and(|dir| dir.join(format!("{first}.rs")).exists() || dir.join(first).exists());
                    if outside && !sibling && !crates.contains(&first) {
                        faults.push(format!("{} (a crate that {layer} may not use)", place()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The fuzz targets and the cases that are counted are made of four layers, and are not built with every change.
#[test]
fn packages_of_four_layers_have_the_crates_of_their_layers() {
    for manifest in ["fuzz/Cargo.toml", "benches/micro/Cargo.toml"] {
        let text = fs::read_to_string(manifest).unwrap();
        let named: Vec<String> =
            text.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_")).collect();
        let layers = LAYERS.iter().filter(|(layer, ..)| ["wire", "model", "engine", "service"].contains(layer));
        let missing: Vec<_> =
            layers.flat_map(|(.., crates)| *crates).filter(|name| !named.contains(&(**name).to_owned())).collect();
        assert!(missing.is_empty(), "{manifest} does not have {missing:?}");
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let silent: Vec<_> = sources(Path::new("src"))
        .into_iter()
        .chain(sources(Path::new("tests")))
        .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "no first line: {silent:?}");
}

#[test]
fn only_print_and_run_speak_and_only_run_ends() {
    let mut faults = Vec::new();
    for file in sources(Path::new("src")) {
        let allowed = file.starts_with("src/cli/print")
            || file.starts_with("src/cli/run")
            || file.ends_with("cli/print.rs")
            || file.ends_with("cli/run.rs");
        for (number, line) in code(&file) {
            let speaks = ["println!", "eprintln!", "print!(", "eprint!(", "process::exit", "stdout()", "stderr()"]
                .iter()
                .any(|word| line.contains(word));
            if speaks && !allowed && !line.contains("is_terminal") {
                faults.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn is_layer(word: &str) -> bool {
    LAYERS.iter().any(|(layer, _, _)| *layer == word)
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The lines of a file outside comments and before its test module, with their numbers.
fn code(file: &Path) -> Vec<(usize, String)> {
    fs::read_to_string(file)
        .unwrap()
        .lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !TEST_ONLY.iter().any(|name| path.ends_with(name)) {
            files.push(path);
        }
    }
    files.sort();
    files
}
