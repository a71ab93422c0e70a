//! `--list FILE`: one address or alias per line, `#` begins a comment, `-` is standard input.

use super::exit::{Failure, Outcome};
use std::io::Read as _;
use std::path::Path;

/// No list is larger.
const LARGEST: u64 = 16 << 20;

/// Reads a list.
///
/// # Errors
/// 66 or 74 if it cannot be read.
pub fn read(path: &Path) -> Outcome<Vec<String>> {
    let mut text = String::new();
    let done = match path == Path::new("-") {
        true => std::io::stdin().lock().take(LARGEST).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text)),
    };
    done.map_err(|error| Failure::reading(path, &error))?;
    Ok(lines(&text).map(str::to_owned).collect())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    // A user part may hold a `#`, so that a comment begins only after white space.
    text.lines()
        .map(|line| line.find(" #").or_else(|| line.find("\t#")).and_then(|at| line.get(..at)).unwrap_or(line).trim())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_do_not_count() {
        let text = "# team\nann@x  # on call\n\n  bob@x\t# no\nc#d@x\r\n";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["ann@x", "bob@x", "c#d@x"]);
    }
}
