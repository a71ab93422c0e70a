//! The octets of a row, out of the notation that tests/wire.rs explains.

/// In `text` `\r`, `\n`, `\t`, `\\` and `\xNN` stand for one octet and `{S*N}` for N times S.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (octets, used) = match (c, rest.get(1..2)) {
            ('\\', Some("r")) => (vec![b'\r'], 2),
            ('\\', Some("n")) => (vec![b'\n'], 2),
            ('\\', Some("t")) => (vec![b'\t'], 2),
            ('\\', Some("\\")) => (vec![b'\\'], 2),
            ('\\', Some("x")) => (vec![u8::from_str_radix(&rest[2..4], 16).unwrap()], 4),
            ('{', _) => {
                let end = rest.find('}').unwrap();
                let (unit, count) = rest[1..end].rsplit_once('*').unwrap();
                (unescape(unit).repeat(count.parse().unwrap()), end + 1)
            }
            _ => (c.to_string().into_bytes(), c.len_utf8()),
        };
        out.extend_from_slice(&octets);
        rest = &rest[used..];
    }
    out
}
