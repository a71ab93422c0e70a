//! What the shells' completions ask of a tool: the names of the accounts that `-a` may take.

use super::config::Config;
use std::ffi::OsString;
use std::path::PathBuf;

/// The first word of the question; behind it stands the command line as far as it goes.
pub const QUESTION: &str = "--complete-accounts";

/// The names, one per line, if that is what was asked. Who presses a key wants no complaints: what cannot be read has no names.
#[must_use]
pub fn answer(arguments: &[OsString]) -> Option<Vec<String>> {
    let [_, question, line @ ..] = arguments else { return None };
    (question == QUESTION).then(|| names(&Config::find(file(line).as_deref()).unwrap_or_default()))
}

/// The configuration that the line names, as far as it can be told from words that the shell has not expanded.
fn file(line: &[OsString]) -> Option<PathBuf> {
    let behind = line.iter().position(|word| word == "-c" || word == "--config").and_then(|at| line.get(at + 1));
    let within = line.iter().find_map(|word| word.to_str()?.strip_prefix("--config="));
    let named = behind.map(PathBuf::from).or_else(|| within.map(PathBuf::from));
    let named = named.or_else(|| std::env::var_os("IMPP_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from))?;
    match (named.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Some(PathBuf::from(home).join(rest)),
        _ => Some(named),
    }
}

/// Only names that stand for themselves wherever a shell reads them: bash expands the words that it is offered, so that a name
/// such as `$(reboot)` in a file of somebody else's would be run at the press of a key.
fn names(config: &Config) -> Vec<String> {
    let plain = |name: &&String| {
        !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_alphanumeric() || "_-.@+".contains(c))
    };
    config.account.keys().filter(plain).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> Option<Vec<String>> {
        answer(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_names_are_those_of_the_file_that_the_line_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("impp.toml");
        std::fs::write(&path, "[account.work]\n[account.home]\n[account.'a b']\n[account.\"c\\u001b\"]\n[account.'$(id)']\n[account.'`id`']\n[account.'-x']\n").unwrap();
        let path = path.to_str().unwrap();
        let found = Some(vec!["home".to_owned(), "work".to_owned()]);
        assert_eq!(ask(&["impp-send", QUESTION, "-a", "", "-c", path]), found);
        assert_eq!(ask(&["impp-send", QUESTION, &format!("--config={path}"), "-a"]), found);
    }

    #[test]
    fn nothing_is_said_of_what_cannot_be_read() {
        assert_eq!(ask(&["impp-send", QUESTION, "-c", "/nonexistent/impp.toml"]), Some(Vec::new()));
        assert_eq!(ask(&["impp-send", QUESTION, "-c", "/dev/null"]), Some(Vec::new()));
        assert_eq!(ask(&["impp-send", "-c", "x"]), None);
        assert_eq!(ask(&["impp-send"]), None);
    }
}
