//! The small values: what is accepted is written so that it is read as equal, and is within its limits.
#![no_main]

use impp::model::acl::Who;
use impp::model::content::plain_file_name;
use impp::model::lease::{LeaseBounds, parse_seconds};
use impp::model::request::Cause;
use impp::model::{
    Address, ByeCause, ConnectionId, Domain, ErrorKind, Lease, MessageId, Method, RequestId, Token, UnixMillis, Version,
    media_type,
};
use libfuzzer_sys::fuzz_target;

fn address(address: &Address) {
    assert_eq!(Address::parse_url(address.as_str()).as_ref(), Ok(address), "its URL");
    assert_eq!(Address::parse(address.as_str()).as_ref(), Ok(address));
    assert!(address.as_str().is_ascii() && !address.as_str().bytes().any(|c| c.is_ascii_control() || c == b' '));
    assert_eq!(Domain::parse(address.domain_str()).as_ref(), Ok(&address.domain()));
    assert!(address.domain_str().len() <= 253 && address.user().len() <= 256);
    assert!(!address.user().chars().any(char::is_control));
    let _ = address.shown();
    if address.is_domain() {
        assert_eq!(Address::of_domain(&address.domain()), *address);
        return;
    }
    assert_eq!(Address::parse_email(&address.to_email()).as_ref(), Ok(address), "{}", address.to_email());
    assert_eq!(Address::new(&address.user(), &address.domain()).as_ref(), Ok(address));
    if let Some(canonical) = address.canonical_local() {
        assert_eq!(canonical.canonical_local().as_ref(), Some(&canonical), "canonical once and for all");
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for parsed in [Address::parse(text), Address::parse_url(text), Address::parse_email(text)].into_iter().flatten() {
        address(&parsed);
    }
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
        assert_eq!(Domain::parse(&domain.shown()).as_ref(), Ok(&domain), "{}", domain.shown());
    }
    for (word, limit) in [
        (RequestId::parse(text).map(|id| id.as_str().to_owned()), 32),
        (ConnectionId::parse_any(text).map(|id| id.as_str().to_owned()), 32),
        (Token::parse(text).map(|token| token.as_str().to_owned()), 32),
        (MessageId::parse(text).map(|id| id.as_str().to_owned()), 255),
        (ErrorKind::parse(text).map(|kind| kind.as_str().to_owned()), 64),
        (Method::parse(text).map(|method| method.as_str().to_owned()), 32),
        (Cause::parse(text).map(|cause| cause.as_str().to_owned()), 32),
        (ByeCause::parse(text).map(|cause| cause.as_str().to_owned()), 32),
    ] {
        assert!(word.is_none_or(|word| word == text && word.len() <= limit));
    }
    if let Some(version) = Version::parse(text) {
        assert_eq!(Version::parse(&version.to_string()), Some(version));
        assert!(version.next(UnixMillis(0)) > version);
    }
    if let Some(lease) = Lease::parse(text) {
        assert_eq!(Lease::parse(&lease.to_string()), Some(lease));
    }
    if let Some(seconds) = parse_seconds(text) {
        let bounds = LeaseBounds::default();
        assert!((bounds.min..=bounds.max).contains(&bounds.grant(Some(seconds))));
    }
    if let Some(moment) = UnixMillis::parse_rfc3339(text) {
        let whole = UnixMillis(moment.0 / 1000 * 1000);
        assert_eq!(UnixMillis::parse_rfc3339(&moment.to_rfc3339()), Some(whole));
    }
    if let Some(who) = Who::parse(text) {
        assert_eq!(Who::parse(&who.to_string()).as_ref(), Some(&who));
    }
    if let Some(name) = plain_file_name(text) {
        assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != "..", "{name:?}");
        assert!(!name.chars().any(char::is_control) && !name.starts_with('.'), "{name:?}");
    }
    let _ = media_type::is(text, "application/presence");
});
