//! Patterns with `*` and `?`, as people know them from file names; case does not count.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<char>);

impl Pattern {
    /// Reads a pattern: `*` stands for anything, `?` for one character.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase().chars().collect())
    }

    /// Whether the whole text fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        // Only the last star needs to be remembered, so that no pattern takes more than pattern x text steps.
        let (mut p, mut t) = (0, 0);
        let mut star = None;
        while let Some(c) = text.get(t) {
            match self.0.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(want) if *want == '?' || want == c => (p, t) = (p + 1, t + 1),
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        (p, t) = (at + 1, taken + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
    }
}

/// `HEADER=PATTERN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderPattern {
    /// The header's name.
    pub name: String,
    /// What its value must be like.
    pub pattern: Pattern,
}

impl HeaderPattern {
    /// Reads `Subject=*disk*`.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, pattern)) if !name.is_empty() && name.bytes().all(|c| c.is_ascii_graphic() && c != b':') => {
                Ok(Self { name: name.to_owned(), pattern: Pattern::new(pattern) })
            }
            _ => Err(format!("{text:?} is not HEADER=PATTERN")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("*@example.org", "ann@example.org", true),
            ("*@example.org", "ann@example.org.evil", false),
            ("a?n@*", "Ann@x", true),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**a*b**", "xxaxxbxx", true),
            ("a*b", "ab", true),
            ("a*b", "abc", false),
            ("*disk*", "The DISK is full", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_nasty_pattern_ends() {
        let stars = "*a".repeat(200);
        assert!(!Pattern::new(&stars).fits(&"b".repeat(20_000)));
    }

    #[test]
    fn header_patterns() {
        let read = HeaderPattern::parse("Subject=*=*").unwrap();
        assert_eq!((read.name.as_str(), read.pattern.fits("a=b")), ("Subject", true));
        assert!(HeaderPattern::parse("Subject").is_err());
        assert!(HeaderPattern::parse("=x").is_err());
    }
}
