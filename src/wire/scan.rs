//! Where a line ends, and whether it holds anything but printable ASCII: eight octets at a time.

/// A line with its LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where its LF is.
    pub(super) lf: usize,
    /// Nothing is in it but printable ASCII, HTAB and the CR before its LF: so it is UTF-8, and no control stands in a value.
    pub(super) plain: bool,
}

/// The line that starts at `start`; `None`: its LF is not there yet.
pub(super) fn line(octets: &[u8], start: usize) -> Option<Line> {
    let (mut at, mut plain) = (start, true);
    let (words, _) = octets.get(start..)?.as_chunks::<8>();
    for word in words {
        let mut odd = odd_octets(u64::from_le_bytes(*word));
        while odd != 0 {
            let here = at + odd.trailing_zeros() as usize / 8;
            if octets.get(here) == Some(&b'\n') {
                return Some(Line { lf: here, plain });
            }
            plain &= is_plain(octets, here);
            odd &= odd - 1;
        }
        at += 8;
    }
    for here in at..octets.len() {
        if octets.get(here) == Some(&b'\n') {
            return Some(Line { lf: here, plain });
        }
        plain &= is_plain(octets, here);
    }
    None
}

/// The highest bit of each octet that is no printable ASCII.
const fn odd_octets(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Without the highest bits no sum carries into the next octet.
    let low = word & (EACH * 0x7f);
    let from_space = low + EACH * 0x60;
    let delete = low + EACH;
    (word | !from_space | delete) & (EACH * 0x80)
}

fn is_plain(octets: &[u8], at: usize) -> bool {
    match octets.get(at) {
        Some(b' '..=b'~' | b'\t') => true,
        Some(b'\r') => octets.get(at + 1) == Some(&b'\n'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, octet by octet.
    fn expected(octets: &[u8], start: usize) -> Option<Line> {
        let lf = start + octets.get(start..)?.iter().position(|c| *c == b'\n')?;
        let text = octets[start..lf].strip_suffix(b"\r").unwrap_or(&octets[start..lf]);
        Some(Line { lf, plain: text.iter().all(|c| matches!(c, b' '..=b'~' | b'\t')) })
    }

    #[test]
    fn every_octet_at_every_place_of_a_word() {
        for place in 0..24 {
            for octet in 0..=u8::MAX {
                let mut octets = b"Name: a value of some words\r\nnext\n".to_vec();
                octets[place] = octet;
                for start in 0..octets.len() + 2 {
                    assert_eq!(line(&octets, start), expected(&octets, start), "{octet} at {place}, from {start}");
                }
            }
        }
    }

    #[test]
    fn a_line_without_its_end_is_none() {
        assert_eq!(line(b"", 0), None);
        assert_eq!(line(b"no end of this line\r", 0), None);
        assert_eq!(line(b"\n", 0), Some(Line { lf: 0, plain: true }));
    }
}
