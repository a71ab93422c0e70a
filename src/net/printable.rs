//! A stranger's text for an error or a trace: short, one line, nothing that a terminal obeys.

/// At most `chars` characters, with escapes for control characters and for the invisible marks that reorder text.
pub(super) fn printable(text: &str, chars: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(chars) {
        let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || invisible {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(chars).is_some() {
        out.push_str(" ...");
    }
    out
}
