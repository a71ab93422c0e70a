//! Plays a talk: one side is an engine, the other is the file.

mod client;
pub(crate) mod script;
mod server;
mod words;

use bytes::Bytes;
use script::Step;
use script::Talk;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use words::Words;

/// One engine behind a common face.
trait Engine {
    fn input(&mut self, now: Instant, octets: &[u8]);
    fn eof(&mut self, now: Instant);
    fn timeout(&mut self, now: Instant);
    fn deadline(&self) -> Option<Instant>;
    fn output(&mut self) -> Option<Bytes>;
    /// The next event in the words of a talk; what the stage answers by itself is `Ok(None)` and left out of the dialogue's
    /// events.
    fn event(&mut self, now: Instant) -> Option<Shown>;
    /// A step that is a command.
    fn command(&mut self, now: Instant, step: &Step, octets: Bytes);
}

enum Shown {
    Event(String),
    /// Answered by the stage itself.
    Silent(String),
}

struct Stage {
    engine: Box<dyn Engine>,
    words: Words,
    now: Instant,
    /// The side that the file plays.
    file: char,
    said: VecDeque<String>,
    events: VecDeque<String>,
    dialogue: Vec<String>,
    /// What the file's side has sent, and how many octets more of it will arrive.
    sent: Vec<Vec<u8>>,
    left: usize,
}

impl Stage {
    fn new(talk: &Talk) -> Self {
        #[allow(clippy::disallowed_methods, reason = "any moment will do; from here on time is moved by hand")]
        let now = Instant::now();
        let client = talk.setting("side") == Some("client");
        let engine: Box<dyn Engine> =
            if client { Box::new(client::stage(talk, now)) } else { Box::new(server::stage(talk, now)) };
        let mut stage = Self {
            engine,
            words: Words::default(),
            now,
            file: if client { 'S' } else { 'C' },
            said: VecDeque::new(),
            events: VecDeque::new(),
            dialogue: Vec::new(),
            sent: Vec::new(),
            left: usize::MAX,
        };
        stage.collect();
        stage
    }

    /// Takes everything that the engine has to say.
    fn collect(&mut self) {
        let side = if self.file == 'C' { 'S' } else { 'C' };
        loop {
            let mut octets = Vec::new();
            while let Some(piece) = self.engine.output() {
                octets.extend_from_slice(&piece);
            }
            let mut idle = octets.is_empty();
            for line in words::to_lines(&mut octets) {
                self.words.note(&line);
                self.dialogue.push(format!("{side}: {line}"));
                self.said.push_back(line);
            }
            while let Some(shown) = self.engine.event(self.now) {
                idle = false;
                match shown {
                    Shown::Event(text) => {
                        self.dialogue.push(format!("event {text}"));
                        self.events.push_back(text);
                    }
                    Shown::Silent(text) => self.dialogue.push(text),
                }
            }
            if idle {
                return;
            }
        }
    }

    fn feed(&mut self, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| self.words.fill(line)).collect();
        for line in &lines {
            self.words.note(line);
            let shown: String = line.chars().take(200).collect();
            self.dialogue.push(format!("{}: {shown}", self.file));
        }
        let mut octets = words::to_octets(&lines);
        octets.truncate(self.left);
        self.left -= octets.len();
        self.engine.input(self.now, &octets);
        self.sent.push(octets);
        self.collect();
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        self.dialogue.push(format!("wait {}s", time.as_secs()));
        while let Some(deadline) = self.engine.deadline().filter(|deadline| *deadline <= until) {
            self.now = deadline.max(self.now);
            self.engine.timeout(self.now);
            self.collect();
        }
        self.now = until;
    }

    fn nothing_left(&self) -> Result<(), String> {
        if self.said.is_empty() && self.events.is_empty() {
            return Ok(());
        }
        Err(format!("not expected:\n{}", self.said.iter().chain(&self.events).cloned().collect::<Vec<_>>().join("\n")))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Line(_, expected) => {
                let said = self.said.pop_front().ok_or_else(|| format!("nothing was said, expected\n{expected}"))?;
                if self.words.fits(expected, said.trim_end()) {
                    Ok(())
                } else {
                    Err(format!("expected\n{expected}\nbut heard\n{said}"))
                }
            }
            Step::Event(expected) => {
                let event = self.events.pop_front().ok_or_else(|| format!("no event, expected\n{expected}"))?;
                if self.words.fits(expected, &event) { Ok(()) } else { Err(format!("expected\n{expected}\nbut saw\n{event}")) }
            }
            Step::Wait(time) => {
                self.nothing_left()?;
                self.wait(*time);
                Ok(())
            }
            Step::Eof => {
                self.nothing_left()?;
                self.dialogue.push("eof".into());
                self.engine.eof(self.now);
                self.collect();
                Ok(())
            }
            Step::Then => Ok(()),
            Step::Give(..) => Err("a frame that is given ends with an empty line".into()),
            Step::TlsUp | Step::Bye(_) | Step::Ping | Step::Reply(_) => {
                self.nothing_left()?;
                self.dialogue.push(format!("{step:?}"));
                self.engine.command(self.now, step, Bytes::new());
                self.collect();
                Ok(())
            }
        }
    }

    fn give(&mut self, step: &Step, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| self.words.fill(line)).collect();
        self.dialogue.extend(lines.iter().map(|line| format!("given: {line}")));
        self.engine.command(self.now, step, words::to_octets(&lines).into());
        self.collect();
    }
}

/// Plays a talk to its end.
pub(crate) fn run(file: &str, talk: &Talk) -> Result<(), String> {
    let mut stage = Stage::new(talk);
    let mut number = 0;
    play(&mut stage, talk, &mut number)
        .map_err(|error| format!("{file}:{number}: {}\n{error}\n--- the dialogue\n{}", talk.title, stage.dialogue.join("\n")))
}

fn play(stage: &mut Stage, talk: &Talk, number: &mut usize) -> Result<(), String> {
    let mut steps = talk.steps.iter().peekable();
    while let Some((line, step)) = steps.next() {
        *number = *line;
        match step {
            Step::Line(side, text) if *side == stage.file => {
                stage.nothing_left()?;
                let mut lines = vec![text.clone()];
                while let Some((_, Step::Line(_, text))) =
                    steps.next_if(|(_, next)| matches!(next, Step::Line(s, _) if s == side))
                {
                    lines.push(text.clone());
                }
                stage.feed(&lines);
                if stage.left == 0 {
                    return Ok(());
                }
            }
            Step::Give(gift, text) => {
                stage.nothing_left()?;
                let mut lines = vec![text.clone()];
                while let Some((_, Step::Give(_, text))) =
                    steps.next_if(|(_, next)| matches!(next, Step::Give(g, _) if g == gift))
                {
                    lines.push(text.clone());
                }
                stage.give(step, &lines);
            }
            step => stage.step(step)?,
        }
    }
    stage.nothing_left()
}

/// What the file's side sends in a talk, piece by piece.
pub(crate) fn sent(talk: &Talk) -> Result<Vec<Vec<u8>>, String> {
    let mut stage = Stage::new(talk);
    play(&mut stage, talk, &mut 0)?;
    Ok(stage.sent)
}

/// Plays a talk until so many octets have arrived. Then the other side is gone, or there is nothing but silence. Gives how the
/// engine ended.
pub(crate) fn cut(talk: &Talk, octets: usize, gone: bool) -> Result<String, String> {
    let mut stage = Stage::new(talk);
    stage.left = octets;
    if octets > 0 {
        play(&mut stage, talk, &mut 0)?;
    }
    if gone {
        stage.engine.eof(stage.now);
        stage.collect();
    }
    // No time that it waits is longer.
    stage.wait(Duration::from_secs(3600));
    let last = stage.dialogue.iter().rev().find(|line| line.starts_with("event ")).cloned();
    last.filter(|line| line.starts_with("event end ")).ok_or_else(|| format!("no end\n{}", stage.dialogue.join("\n")))
}

/// Plays only what the file says, and gives what was said and seen, with nonces, salts and proofs taken out.
pub(crate) fn listen(talk: &Talk) -> Vec<String> {
    let stage = speak(talk);
    let mask = |line: &String| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["look-up", ..] => Some("look-up".to_owned()),
            ["S:", "Data:", ..] => Some("S: Data".to_owned()),
            ["event", "login-failed", _, rest @ ..] => Some(format!("event login-failed {}", rest.join(" "))),
            ["C:", ..] => None,
            _ => Some(line.clone()),
        }
    };
    stage.dialogue.iter().filter_map(mask).collect()
}

/// The salt and the iteration count that a talk ends with.
pub(crate) fn salt(talk: &Talk) -> (String, String) {
    speak(talk).words.salt()
}

fn speak(talk: &Talk) -> Stage {
    let mut stage = Stage::new(talk);
    let mut lines = Vec::new();
    for (_, step) in &talk.steps {
        match step {
            Step::Line(_, text) => lines.push(text.clone()),
            _ => stage.feed(&std::mem::take(&mut lines)),
        }
    }
    stage.feed(&lines);
    stage
}

/// How an end is written in a talk.
fn ended(end: impp::engine::End) -> String {
    format!("end {end}, {}", if end.lingers() { "linger" } else { "at once" })
}
