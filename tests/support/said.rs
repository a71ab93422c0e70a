//! What a program writes, kept, so that lines and words in it can be waited for.

use super::PATIENCE;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// The output of a program so far. Clones share it.
#[derive(Clone, Default)]
pub struct Said(Arc<(Mutex<Text>, Condvar)>);

#[derive(Default)]
struct Text {
    text: String,
    ended: bool,
}

impl Said {
    /// Reads until the other end is closed.
    pub fn listen(from: impl Read + Send + 'static) -> Self {
        let said = Self::default();
        let writer = said.clone();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|octets| octets > 0) {
                writer.update(|text| text.text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
            writer.update(|text| text.ended = true);
        });
        said
    }

    fn update(&self, change: impl FnOnce(&mut Text)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    /// Waits until `find` finds something in it; `None` if it never did before the end or the end of patience.
    pub fn find<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        let mut text = self.0.0.lock().unwrap();
        loop {
            if let Some(found) = find(&text.text) {
                return Some(found);
            }
            if text.ended {
                return None;
            }
            let left = PATIENCE.checked_sub(begun.elapsed())?;
            text = self.0.1.wait_timeout(text, left).unwrap().0;
        }
    }

    /// Waits for a text.
    pub fn wait_for(&self, needle: &str) {
        let found = self.find(|text| text.contains(needle).then_some(()));
        assert!(found.is_some(), "never said {needle:?}:\n{}", self.text());
    }

    /// Waits until a text has been said so often.
    pub fn wait_for_times(&self, needle: &str, times: usize) {
        let found = self.find(|text| (text.matches(needle).count() >= times).then_some(()));
        assert!(found.is_some(), "said {needle:?} less than {times} times:\n{}", self.text());
    }

    /// The whole line number `index`, when it has come.
    pub fn line(&self, index: usize) -> Option<String> {
        self.find(|text| {
            let mut lines = text.split_inclusive('\n');
            let line = lines.nth(index)?;
            // The last line of a program that ended may lack its end.
            line.strip_suffix('\n').map(str::to_owned)
        })
    }

    /// Waits for the end, then gives everything.
    pub fn all(&self) -> String {
        let mut text = self.0.0.lock().unwrap();
        while !text.ended {
            text = self.0.1.wait(text).unwrap();
        }
        text.text.clone()
    }
}
