//! Writes seeds for every target, of what the tests and the specification already have: `seeds FOLDER`.

#[path = "../../tests/hostile/corpus.rs"]
mod corpus;
mod texts;
#[path = "../../tests/wire/unescape.rs"]
mod unescape;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

// For the symbols that traced code asks for; it is never called.
libfuzzer_sys::fuzz_target!(|_octets: &[u8]| {});

/// Seeds by target; those of a name start with octets that choose what the target does with the rest.
#[derive(Default)]
struct Seeds(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Seeds {
    fn add(&mut self, target: &'static str, prefix: &[u8], octets: &[u8]) {
        self.0.entry(target).or_default().push([prefix, octets].concat());
    }

    /// A stretch of one side's octets. The choices are spread by number, so that each state gets its share.
    fn octets(&mut self, number: usize, client: bool, octets: &[u8]) {
        let spread = number.to_le_bytes()[0];
        self.add("splitter", &[spread], octets);
        self.add("request", &[], octets);
        if client {
            for state in 0..16 {
                self.add("server", &[state, spread], octets);
            }
            for state in 0..5 {
                self.add("link", &[0, state, spread], octets);
            }
        } else {
            for state in 0..10 {
                self.add("client", &[state, spread], octets);
            }
        }
        for state in 0..5 {
            self.add("link", &[1 | state << 1, spread], octets);
        }
    }

    /// Everything that may be said of one text.
    fn text(&mut self, text: &str) {
        self.add("values", &[], text.as_bytes());
        for choice in 0..3 {
            self.add("frame", &[choice], ["SEND", "1", text, text, "body"].join("\0").as_bytes());
        }
        for mechanism in 0..5 {
            for where_to in [0, 32, 64] {
                self.add("sasl", &[0, mechanism | where_to], text.as_bytes());
            }
        }
        for choice in 0..3 {
            self.add("sasl", &[1, choice], text.as_bytes());
        }
    }

    fn body(&mut self, octets: &[u8]) {
        for target in ["body", "pidf", "content"] {
            self.add(target, &[], octets);
        }
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        for (target, seeds) in &self.0 {
            let folder = folder.join(target);
            fs::create_dir_all(&folder)?;
            for (number, seed) in seeds.iter().filter(|seed| seed.len() <= 16_384).enumerate() {
                fs::write(folder.join(format!("seed-{number:05}")), seed)?;
            }
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else { return Err(io::Error::other("seeds FOLDER")) };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seeds = Seeds::default();
    let mut number = 0;
    for file in ["good.txt", "bad.txt"] {
        for octets in corpus::rows(&fs::read_to_string(root.join("tests/wire").join(file))?) {
            number += 1;
            seeds.octets(number, true, &octets);
        }
    }
    for entry in fs::read_dir(root.join("tests/talks"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "talk") {
            for (client, octets) in corpus::talks(&fs::read_to_string(path)?) {
                number += 1;
                seeds.octets(number, client, &octets);
            }
        }
    }
    let specification = fs::read_to_string(root.join("docs/protocol.md"))?;
    for block in texts::blocks(&specification) {
        seeds.body(block.as_bytes());
        for line in block.lines() {
            // Rows of tables of vectors, and values of headers.
            for part in line.split('|').map(str::trim).filter(|part| !part.is_empty()) {
                seeds.text(part.trim_matches('`'));
            }
        }
    }
    for text in texts::TEXTS {
        seeds.text(text);
    }
    for body in texts::BODIES {
        seeds.body(body.replace('\n', "\r\n").as_bytes());
        seeds.body(body.as_bytes());
    }
    seeds.write(Path::new(&folder))
}
