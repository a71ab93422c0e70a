//! Runs the rows of `tests/wire/*.txt`: octets into an accepting engine, and what it makes of them.
//!
//! A row is `OCTETS => OUTCOME`. In OCTETS `\r`, `\n`, `\t`, `\\` and `\xNN` stand for one octet and `{S*N}` for N times S.
//! OUTCOME lists answers, as `ERROR token (METHOD) id` or `OK (METHOD) id`, and frames handed out, as `request METHOD id` or
//! `response METHOD id`; behind a semicolon stands `stays`, `answered` (closed, the answer being the last thing said) or
//! `silent` (closed without a word). `[fresh]`, `[greeted]` and `[open]` say how far the connection is.

#[cfg(test)]
#[path = "wire/harness.rs"]
mod harness;

#[cfg(test)]
#[path = "wire/unescape.rs"]
mod unescape;

#[cfg(test)]
mod rows {
    use super::harness::outcome;
    use super::unescape::unescape;

    const TAIL: &str = "PING tail impp/1.0\r\n\r\n";

    fn run(text: &str, least: usize) {
        let mut state = "fresh";
        let mut failures = Vec::new();
        let mut rows = 0;
        for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line)) {
            match line {
                "" => continue,
                "[fresh]" | "[greeted]" | "[open]" => {
                    state = line.trim_matches(['[', ']']);
                    continue;
                }
                line if line.starts_with('#') => continue,
                _ => {}
            }
            rows += 1;
            let (octets, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("line {number}: {line}"));
            let octets = unescape(octets);
            let mut check = |how: &str, got: String, expected: &str| {
                if got != expected {
                    failures.push(format!("line {number}, {how}: {line}\n  came to {got}"));
                }
            };
            check("whole", outcome(state, std::iter::once(&octets[..])), expected);
            check("octet by octet", outcome(state, octets.chunks(1)), expected);
            let tail = [&octets[..], TAIL.as_bytes()].concat();
            let expected_tail = match expected.split_once(';') {
                Some((seen, " stays")) => with_tail(seen, state),
                _ => expected.to_owned(),
            };
            check("with a tail", outcome(state, std::iter::once(&tail[..])), &expected_tail);
            check("with a tail, octet by octet", outcome(state, tail.chunks(1)), &expected_tail);
        }
        assert!(rows >= least, "{rows} rows");
        assert!(failures.is_empty(), "{} of {rows} rows:\n{}", failures.len(), failures.join("\n"));
    }

    /// What a PING behind a row adds: its answer stands behind the others and before the frames handed out.
    fn with_tail(seen: &str, state: &str) -> String {
        let pong = if state == "fresh" { "ERROR malformed-request (PING) tail" } else { "OK (PING) tail" };
        let (handed, mut all): (Vec<&str>, Vec<&str>) =
            seen.split(", ").filter(|part| !part.is_empty()).partition(|part| part.starts_with("re"));
        all.push(pong);
        all.extend(handed);
        format!("{}; stays", all.join(", "))
    }

    #[test]
    fn bad_rows() {
        run(include_str!("wire/bad.txt"), 60);
    }

    #[test]
    fn good_rows() {
        run(include_str!("wire/good.txt"), 25);
    }
}

/// Where a line has a CR of its own, that is what is wrong with it, whatever else is.
#[test]
fn a_bare_cr_counts_before_the_other_faults_of_its_line() {
    for (frame, at) in [
        ("PING 1\r impp/1.0\r\n\r\n", 6),
        ("PING 1 impp/1.0\r\nFrom\r: x\r\n\r\n", 21),
        ("PING 1 impp/1.0\r\nFrom: \u{1}\r\u{2}\r\n\r\n", 24),
        ("PING 1 impp/1.0\r\nno name\r\r\n\r\n", 24),
    ] {
        let mut splitter = impp::wire::Splitter::new(0);
        splitter.push(frame.as_bytes());
        let malformed = splitter.poll().unwrap_err();
        assert_eq!((malformed.fault, malformed.at), (impp::wire::Fault::BareCr, at), "{frame:?}");
    }
}
