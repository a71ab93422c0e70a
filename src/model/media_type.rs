//! The names of the body types, and how a Content-Type is compared with one (SPEC §7, §8).

/// A presence object in Simple XML.
pub const PRESENCE: &str = "application/presence";
/// A presence object in the format of RFC 3863.
pub const PIDF: &str = "application/pidf+xml";
/// An access control list.
pub const ACL: &str = "application/impp-acl";
/// Who watches.
pub const WATCHERS: &str = "application/impp-watchers";
/// A mail message.
pub const RFC822: &str = "message/rfc822";
/// A mail message with UTF-8 in its headers (RFC 6532).
pub const GLOBAL: &str = "message/global";

/// Whether a Content-Type names this type, whatever its parameters.
///
/// *Shape:* `is("Application/Presence; charset=utf-8", PRESENCE)`
#[must_use]
pub fn is(content_type: &str, name: &str) -> bool {
    content_type == name
        || content_type.split(';').next().unwrap_or_default().trim_matches([' ', '\t']).eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_matter() {
        for (value, expected) in [
            ("application/presence", true),
            ("Application/PRESENCE ; charset=utf-8", true),
            ("application/presence+xml", false),
            ("application", false),
            ("text/plain; x=application/presence", false),
            ("", false),
        ] {
            assert_eq!(is(value, PRESENCE), expected, "{value}");
        }
    }
}
