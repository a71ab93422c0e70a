//! Transcripts out of docs/protocol.md, so that the document and the relay cannot drift apart.

/// One side's turn in a talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// What C sends; each line without its CRLF.
    Client(Vec<String>),
    /// What S answers.
    Server(Vec<String>),
}

/// The first `talk` block behind this sentence of the specification.
pub fn behind(sentence: &str) -> Vec<Turn> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md")).unwrap();
    let (_, rest) = text.split_once(sentence).unwrap_or_else(|| panic!("the specification does not say {sentence:?}"));
    let (_, rest) = rest.split_once("```talk\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let mut turns: Vec<Turn> = Vec::new();
    for line in block.lines().filter(|line| !line.starts_with('#')) {
        let (side, said) = line.split_once(':').unwrap_or_else(|| panic!("no line of a talk: {line}"));
        let said = said.strip_prefix(' ').unwrap_or(said).to_owned();
        match (side, turns.last_mut()) {
            ("C", Some(Turn::Client(lines))) | ("S", Some(Turn::Server(lines))) => lines.push(said),
            ("C", _) => turns.push(Turn::Client(vec![said])),
            ("S", _) => turns.push(Turn::Server(vec![said])),
            _ => panic!("nobody says {line:?}"),
        }
    }
    turns
}
