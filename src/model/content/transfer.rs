//! Content-Transfer-Encoding, there and back (RFC 2045).

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// Octets of a line of text that goes as it is; RFC 5322's limit.
const PLAIN_LINE: usize = 998;
/// Octets of an encoded line without its line break.
const ENCODED_LINE: usize = 76;
/// Octets that fill an encoded line of base64.
const BASE64_CHUNK: usize = 57;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// How octets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As they are: ASCII text in lines.
    SevenBit,
    /// As they are, whatever they are.
    Binary,
    /// Mostly readable.
    QuotedPrintable,
    /// Not readable.
    Base64,
}

impl Encoding {
    /// The name in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// Reads the name in the header; unknown ones stand for octets that nobody decodes.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        [Self::QuotedPrintable, Self::Base64].into_iter().find(|e| e.as_str().eq_ignore_ascii_case(text)).unwrap_or(Self::Binary)
    }

    /// Undoes the encoding. What is not of its form is passed over or stays as it is: a garbled part is better
    /// shown than lost.
    #[must_use]
    pub fn decode(self, octets: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::SevenBit | Self::Binary => None,
            Self::QuotedPrintable => Some(unquote(octets)),
            Self::Base64 => unbase64(octets),
        }
    }
}

/// Text with every line ended by CRLF, as mail has it. A lone CR stays.
#[must_use]
pub fn canonical_text(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 32);
    let mut rest = octets;
    while let Some(at) = memchr::memchr(b'\n', rest) {
        let (line, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(line);
        if line.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(b'\n');
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Encodes text: as it is where that is safe, else in the shorter of the two ways.
///
/// A line feed is a line end, which readers turn back into their own. Base64 keeps the octets as they came, so that
/// they come out the same whatever the reader takes for a line end; text with a carriage return in it has no other way.
#[must_use]
pub fn encode_text(octets: &[u8]) -> (Encoding, Vec<u8>) {
    if octets.contains(&b'\r') {
        return (Encoding::Base64, base64(octets));
    }
    let canonical = canonical_text(octets);
    if is_plain(&canonical) {
        return (Encoding::SevenBit, canonical);
    }
    let quoted = quote(&canonical);
    let base64_len = octets.len().div_ceil(BASE64_CHUNK) * 2 + octets.len().div_ceil(3) * 4;
    if quoted.len() <= base64_len { (Encoding::QuotedPrintable, quoted) } else { (Encoding::Base64, base64(octets)) }
}

/// Encodes anything.
#[must_use]
pub fn base64(octets: &[u8]) -> Vec<u8> {
    let mut out = String::with_capacity(octets.len() / 3 * 4 + octets.len() / 28 + 8);
    for line in octets.chunks(BASE64_CHUNK) {
        STANDARD.encode_string(line, &mut out);
        out.push_str("\r\n");
    }
    out.into_bytes()
}

fn unbase64(octets: &[u8]) -> Option<Vec<u8>> {
    let sound = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
    let mut letters: Vec<u8> = octets.iter().copied().take_while(|c| *c != b'=').filter(sound).collect();
    // A single letter left over stands for no octet.
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    LENIENT.decode(letters).ok()
}

/// Whether text may go as it is: short lines of printable ASCII without white space at their ends, which some
/// programs drop, and no control character but HTAB.
fn is_plain(canonical: &[u8]) -> bool {
    canonical.split(|c| *c == b'\n').all(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.len() <= PLAIN_LINE
            && !matches!(line.last(), Some(b' ' | b'\t' | b'\r'))
            && line.iter().all(|c| matches!(c, b' '..=b'~' | b'\t'))
    }) && !canonical.ends_with(b"\r")
}

fn quote(canonical: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(canonical.len() + canonical.len() / 8);
    let mut column = 0;
    let mut rest = canonical;
    while let Some((&octet, after)) = rest.split_first() {
        if rest.starts_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
            column = 0;
            rest = rest.get(2..).unwrap_or_default();
            continue;
        }
        let ends_line = after.is_empty() || after.starts_with(b"\r\n");
        let literal = match octet {
            b'=' => false,
            b' ' | b'\t' => !ends_line,
            c => c.is_ascii_graphic(),
        };
        let width = if literal { 1 } else { 3 };
        // One column is kept for the `=` of a soft line break.
        if column + width > ENCODED_LINE - usize::from(!ends_line) {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if literal {
            out.push(octet);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'=', digit(octet >> 4), digit(octet & 15)]);
        }
        column += width;
        rest = after;
    }
    out
}

fn unquote(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|c| *c == b'\n') {
        let content = line.strip_suffix(b"\n").map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l));
        let ending = line.get(content.len()..).unwrap_or_default();
        // White space at the end of an encoded line was added on the way.
        let blanks = content.iter().rev().take_while(|c| matches!(c, b' ' | b'\t')).count();
        let content = content.get(..content.len() - blanks).unwrap_or_default();
        let (content, ending) = match content.strip_suffix(b"=") {
            Some(content) => (content, &b""[..]),
            None => (content, ending),
        };
        let mut rest = content;
        while let Some((&octet, after)) = rest.split_first() {
            let digit = |at: usize| after.get(at).and_then(|c| char::from(*c).to_digit(16));
            rest = match (octet, digit(0), digit(1)) {
                (b'=', Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    after.get(2..).unwrap_or_default()
                }
                _ => {
                    out.push(octet);
                    after
                }
            };
        }
        out.extend_from_slice(ending);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_takes_the_lightest_safe_encoding() {
        use Encoding::{Base64, QuotedPrintable, SevenBit};
        let long = "x".repeat(PLAIN_LINE);
        let longer = "x".repeat(PLAIN_LINE + 1);
        let rows: &[(&[u8], Encoding, &[u8])] = &[
            (b"", SevenBit, b""),
            (b"a\nb", SevenBit, b"a\r\nb"),
            (b"a\r\nb\n", Base64, b"YQ0KYgo=\r\n"),
            (b".\n..\nFrom me\n", SevenBit, b".\r\n..\r\nFrom me\r\n"),
            (long.as_bytes(), SevenBit, long.as_bytes()),
            (b"end \nnext\n", QuotedPrintable, b"end=20\r\nnext\r\n"),
            (b"end\t", QuotedPrintable, b"end=09"),
            (b"10% \r|", Base64, b"MTAlIA18\r\n"),
            (b"a=\x1b[1m\0b", QuotedPrintable, b"a=3D=1B[1m=00b"),
            ("caf\u{e9} with milk".as_bytes(), QuotedPrintable, b"caf=C3=A9 with milk"),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\n".as_bytes(), Base64, b"w6nDqcOpw6kK\r\n"),
        ];
        for (text, encoding, expected) in rows {
            assert_eq!(encode_text(text), (*encoding, expected.to_vec()), "{}", text.escape_ascii());
        }
        assert_eq!(encode_text(longer.as_bytes()).0, QuotedPrintable);
    }

    #[test]
    fn decoding_is_lenient() {
        let rows: &[(Encoding, &[u8], &[u8])] = &[
            (Encoding::QuotedPrintable, b"a=3db=3D=\r\nc \t\r\nd", b"a=b=c\r\nd"),
            (Encoding::QuotedPrintable, b"50% = half =zz =", b"50% = half =zz "),
            (Encoding::QuotedPrintable, b"a=  \nb", b"ab"),
            (Encoding::Base64, b"YWJj\r\nZGU=\r\n", b"abcde"),
            (Encoding::Base64, b"YW Jj!ZGU", b"abcde"),
            (Encoding::Base64, b"YWJjZ", b"abc"),
            (Encoding::Base64, b"", b""),
        ];
        for (encoding, text, expected) in rows {
            assert_eq!(encoding.decode(text).unwrap(), *expected, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_comes_back(octets in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'=')], 0..400)) {
            let canonical = canonical_text(&octets);
            let (encoding, encoded) = encode_text(&octets);
            let expected = if encoding == Encoding::Base64 { octets.clone() } else { canonical.clone() };
            prop_assert_eq!(encoding.decode(&encoded).unwrap_or_else(|| encoded.clone()), expected);
            prop_assert!(encoding == Encoding::SevenBit || encoded.split(|c| *c == b'\n').all(|line| line.len() <= ENCODED_LINE + 1));
            let quoted = quote(&canonical);
            prop_assert!(quoted.split(|c| *c == b'\n').all(|line| line.len() <= ENCODED_LINE + 1));
            prop_assert_eq!(unquote(&quoted), canonical);
            prop_assert_eq!(unbase64(&base64(&octets)), Some(octets));
        }
    }
}
