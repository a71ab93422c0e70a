//! Addresses: `impp://DOMAIN/USER` and `USER@DOMAIN`, one value with two spellings (SPEC §1).

use core::fmt;
use precis_core::profile::Profile;
use precis_profiles::UsernameCaseMapped;
use std::borrow::Cow;
use std::sync::Arc;

/// Octets of the user part, percent-decoded.
pub const USER_OCTETS: usize = 256;
/// Octets of a domain.
pub const DOMAIN_OCTETS: usize = 253;
const SCHEME: &str = "impp://";

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither `impp://DOMAIN/USER` nor `USER@DOMAIN`.
    Form,
    /// The domain is not an IDNA2008 host name, or is an IP address.
    Domain,
    /// The user part is empty where one is needed, too long, `*`, or holds a control character.
    User,
    /// A percent sign that is not followed by two hexadecimal digits, or octets that are not UTF-8.
    Percent,
    /// A user part that needs quotes and has none, or whose quotes do not match.
    Quotes,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "an address is written user@domain or impp://domain/user",
            Self::Domain => "the domain is not a host name",
            Self::User => "the user part is empty, too long, or has a control character",
            Self::Percent => "a percent sign must be followed by two hexadecimal digits that spell UTF-8",
            Self::Quotes => "the user part needs quotes, or its quotes do not match",
        })
    }
}

impl std::error::Error for AddressError {}

/// A domain name in its canonical form: lower-case A-labels.
///
/// *Shape:* `example.org`, `xn--bcher-kva.example`. At most 253 octets; no port, IP literal or trailing dot.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Reads a domain in A- or U-labels, any case.
    ///
    /// # Errors
    /// [`AddressError::Domain`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if is_plain_domain(text) {
            return Ok(Self(text.into()));
        }
        // idna would drop a trailing dot's meaning and knows nothing of IP literals: both are refused below.
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| AddressError::Domain)?;
        let last = ascii.rsplit('.').next().unwrap_or_default();
        let sound = !ascii.is_empty() && ascii.len() <= DOMAIN_OCTETS && !last.bytes().all(|c| c.is_ascii_digit());
        if sound { Ok(Self(ascii.into())) } else { Err(AddressError::Domain) }
    }

    /// The A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for people: U-labels where they are valid.
    #[must_use]
    pub fn shown(&self) -> String {
        match idna::domain_to_unicode(&self.0) {
            (text, Ok(())) => text,
            _ => self.0.to_string(),
        }
    }
}

/// Lower-case letters, digits and single hyphens within labels: needs no IDNA tables.
fn is_plain_domain(text: &str) -> bool {
    // One pass: every message's addresses are looked at here.
    let (mut len, mut digits, mut last) = (0_usize, true, b'.');
    for octet in text.bytes() {
        match octet {
            b'a'..=b'z' => digits = false,
            b'0'..=b'9' => {}
            b'-' if len == 0 || (len == 3 && last == b'-') => return false,
            b'-' => digits = false,
            b'.' if len == 0 || last == b'-' => return false,
            b'.' => (len, digits) = (0, true),
            _ => return false,
        }
        if octet != b'.' {
            len += 1;
            if len > 63 {
                return false;
            }
        }
        last = octet;
    }
    (1..=DOMAIN_OCTETS).contains(&text.len()) && len > 0 && last != b'-' && !digits
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The address of a user, or of a domain itself (empty user). Cloning is cheap.
///
/// *Shape:* canonical form `impp://example.org/john%20smith`, email form `"john smith"@example.org`.
/// Equality and order are those of the canonical form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    url: Arc<str>,
    /// Where the slash behind the domain is: the rules ask for the domain time and again.
    slash: u16,
}

impl std::hash::Hash for Address {
    /// That of its text, by which it can be looked up.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.url.hash(state);
    }
}

impl Address {
    /// Reads either form, as a person may type it: the domain in A- or U-labels.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match text.get(..SCHEME.len()) {
            Some(scheme) if scheme.eq_ignore_ascii_case(SCHEME) => Self::read_url(text),
            _ => Self::parse_email(text),
        }
    }

    /// Reads the URL form as it stands on the wire, needless percent-encoding and upper-case schemes and hosts included.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse_url(text: &str) -> Result<Self, AddressError> {
        // SPEC §1.2: two relays with different Unicode tables must not route the same octets differently.
        if text.is_ascii() { Self::read_url(text) } else { Err(AddressError::Form) }
    }

    /// Whether [`Address::parse_url`] takes this text; in most cases without making anything of it.
    #[must_use]
    pub fn is_url(text: &str) -> bool {
        let plain = text.strip_prefix(SCHEME).and_then(cut).is_some_and(|(domain, user)| is_plain(domain, user));
        plain || Self::parse_url(text).is_ok()
    }

    fn read_url(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_at_checked(SCHEME.len()).ok_or(AddressError::Form)?;
        let (domain, user) = cut(rest).ok_or(AddressError::Form)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(AddressError::Form);
        }
        if scheme == SCHEME && is_plain(domain, user) {
            return Ok(Self { url: text.into(), slash: slash(domain) });
        }
        let domain = Domain::parse(domain)?;
        if user.bytes().any(|c| !is_bare(c) && c != b'%') {
            return Err(AddressError::Form);
        }
        if user.is_empty() { Ok(Self::of_domain(&domain)) } else { Self::new(&percent_decode(user)?, &domain) }
    }

    /// Reads the email form: split at the last `@`, the user bare or in quotes.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse_email(text: &str) -> Result<Self, AddressError> {
        let (user, domain) = text.rsplit_once('@').ok_or(AddressError::Form)?;
        let domain = Domain::parse(domain)?;
        if user.starts_with('"') {
            return Self::new(&unquote(user)?, &domain);
        }
        if !user.is_empty() && !is_dot_atom(user) {
            return Err(AddressError::Quotes);
        }
        Self::new(user, &domain)
    }

    /// The address of a user given as plain text.
    ///
    /// # Errors
    /// [`AddressError::User`].
    pub fn new(user: &str, domain: &Domain) -> Result<Self, AddressError> {
        let sound = (1..=USER_OCTETS).contains(&user.len()) && user != "*" && !user.chars().any(char::is_control);
        if !sound {
            return Err(AddressError::User);
        }
        let mut url = String::with_capacity(SCHEME.len() + domain.as_str().len() + 1 + user.len());
        url.push_str(SCHEME);
        url.push_str(domain.as_str());
        url.push('/');
        for octet in user.bytes() {
            if is_bare(octet) {
                url.push(char::from(octet));
            } else {
                url.push_str(&format!("%{octet:02X}"));
            }
        }
        Ok(Self { url: url.into(), slash: slash(domain.as_str()) })
    }

    /// `impp://DOMAIN/`, the domain itself.
    #[must_use]
    pub fn of_domain(domain: &Domain) -> Self {
        Self { url: format!("{SCHEME}{domain}/").into(), slash: slash(domain.as_str()) }
    }

    /// The canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The domain in A-labels.
    #[must_use]
    pub fn domain_str(&self) -> &str {
        self.parts().0
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> Domain {
        Domain(self.domain_str().into())
    }

    /// The user, percent-decoded; empty for a domain itself.
    #[must_use]
    pub fn user(&self) -> Cow<'_, str> {
        let user = self.parts().1;
        if user.contains('%') { percent_decode(user).map_or(Cow::Borrowed(user), Cow::Owned) } else { Cow::Borrowed(user) }
    }

    /// Whether this names a domain itself.
    #[must_use]
    pub fn is_domain(&self) -> bool {
        self.parts().1.is_empty()
    }

    /// The email form; for a domain itself its URL, which has no other form.
    #[must_use]
    pub fn to_email(&self) -> String {
        self.email_with(self.domain_str())
    }

    /// The email form for people, with U-labels.
    #[must_use]
    pub fn shown(&self) -> String {
        self.email_with(&self.domain().shown())
    }

    /// The form under which the user's own domain keeps it: PRECIS UsernameCaseMapped (RFC 8265) and no `@`.
    /// `None` if the profile refuses the user; then the domain has no such user.
    #[must_use]
    pub fn canonical_local(&self) -> Option<Self> {
        let user = self.parts().1;
        if user.is_empty() || user.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_')) {
            return Some(self.clone());
        }
        let decoded = self.user();
        let mapped = UsernameCaseMapped::new().enforce(decoded.as_ref()).ok()?;
        if mapped.contains('@') {
            return None;
        }
        Self::new(&mapped, &self.domain()).ok()
    }

    fn email_with(&self, domain: &str) -> String {
        let user = self.user();
        if user.is_empty() {
            return self.url.to_string();
        }
        if is_dot_atom(&user) {
            return format!("{user}@{domain}");
        }
        let quoted = user.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{quoted}\"@{domain}")
    }

    fn parts(&self) -> (&str, &str) {
        let slash = usize::from(self.slash);
        let part = |range: std::ops::Range<usize>| self.url.get(range).unwrap_or_default();
        (part(SCHEME.len()..slash), part(slash + 1..self.url.len()))
    }
}

/// Where the slash behind the domain is in the canonical form.
fn slash(domain: &str) -> u16 {
    // A domain has at most DOMAIN_OCTETS.
    (SCHEME.len() + domain.len()) as u16
}

/// Domain and user, of what stands behind the scheme. A domain is short: a search that begins at once is the fastest.
fn cut(rest: &str) -> Option<(&str, &str)> {
    let slash = rest.bytes().position(|c| c == b'/')?;
    Some((rest.get(..slash)?, rest.get(slash + 1..)?))
}

/// Whether both stand as they do in the canonical form.
fn is_plain(domain: &str, user: &str) -> bool {
    is_plain_domain(domain) && user.len() <= USER_OCTETS && user != "*" && user.bytes().all(is_bare)
}

/// RFC 3986 `unreserved / sub-delims / ":"`: what stands for itself in the URL form.
const fn is_bare(c: u8) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
        )
}

pub(super) fn percent_decode(text: &str) -> Result<String, AddressError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digit = |c: Option<u8>| c.and_then(|c| char::from(c).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => octets.push((high * 16 + low) as u8),
            _ => return Err(AddressError::Percent),
        }
    }
    String::from_utf8(octets).map_err(|_| AddressError::Percent)
}

fn unquote(text: &str) -> Result<String, AddressError> {
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).ok_or(AddressError::Quotes)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err(AddressError::Quotes),
            '\\' => out.push(chars.next().ok_or(AddressError::Quotes)?),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// RFC 5322's dot-atom, with non-ASCII as RFC 6532 allows.
fn is_dot_atom(user: &str) -> bool {
    let atext = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(
                c,
                '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}' | '~'
            )
            || (!c.is_ascii() && !c.is_whitespace())
    };
    user.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl std::borrow::Borrow<str> for Address {
    fn borrow(&self) -> &str {
        &self.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_one_address() {
        let rows = [
            ("impp://example.org/alice", "alice@example.org"),
            ("impp://example.org/john%20smith", "\"john smith\"@example.org"),
            ("impp://example.org/a%40b", "\"a@b\"@example.org"),
            ("impp://example.org/a%2Fb", "a/b@example.org"),
            ("impp://example.org/a%25b", "a%b@example.org"),
            ("impp://example.org/a%22b%5Cc", "\"a\\\"b\\\\c\"@example.org"),
            ("impp://localhost/x", "x@localhost"),
            ("impp://example.org/J%C3%BCrgen", "Jürgen@example.org"),
            ("impp://example.org/a:b", "\"a:b\"@example.org"),
        ];
        for (url, email) in rows {
            let from_url = Address::parse(url).unwrap();
            assert_eq!(from_url.as_str(), url);
            assert!(Address::is_url(url));
            assert_eq!(from_url.to_email(), email);
            assert_eq!(Address::parse(email).unwrap(), from_url, "{email}");
        }
    }

    #[test]
    fn readers_are_tolerant_where_the_specification_says_so() {
        let canonical = Address::parse("impp://example.org/alice").unwrap();
        for text in ["IMPP://EXAMPLE.org/alice", "impp://example.org/%61lice", "alice@EXAMPLE.ORG"] {
            assert_eq!(Address::parse(text).unwrap(), canonical, "{text}");
        }
        let idn = Address::parse("x@Bücher.example").unwrap();
        assert_eq!(idn.as_str(), "impp://xn--bcher-kva.example/x");
        assert_eq!(idn.shown(), "x@bücher.example");
        assert!(Address::parse("impp://example.org/").unwrap().is_domain());
    }

    #[test]
    fn what_is_no_address() {
        let long = format!("{}@example.org", "x".repeat(257));
        for text in [
            "",
            "alice",
            "@example.org",
            "alice@",
            "alice@1.2.3.4",
            "alice@[::1]",
            "alice@example.org.",
            "alice@exa_mple.org",
            "alice@-x.org",
            "*@example.org",
            "impp://example.org/*",
            "impp://example.org",
            "impp://example.org/a/b",
            "impp://example.org/a%4",
            "impp://example.org/a%zz",
            "impp://example.org/%FF",
            "impp://example.org/a b",
            "impp://example.org:5772/a",
            "a\u{1}@example.org",
            "impp://example.org/%00",
            "impp://example.org/%2A",
            "\"a@example.org",
            "a@b@example.org",
            "impp:///a",
            "alice@ex ample.org",
            &long,
        ] {
            assert!(Address::parse(text).is_err() && !Address::is_url(text), "{text}");
        }
    }

    #[test]
    fn a_domain_maps_its_own_users() {
        let local = |text: &str| Address::parse(text).unwrap().canonical_local().map(|a| a.to_email());
        assert_eq!(local("Alice@example.org").as_deref(), Some("alice@example.org"));
        assert_eq!(local("JÜRGEN@example.org").as_deref(), Some("jürgen@example.org"));
        assert_eq!(local("\"john smith\"@example.org"), None);
        assert_eq!(local("\"a@b\"@example.org"), None);
    }
}
