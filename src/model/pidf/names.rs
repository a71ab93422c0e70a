//! The names that PIDF and its extensions give to things.

/// RFC 3863.
pub(super) const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
/// RFC 4479: the person behind the tuples.
pub(super) const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
/// RFC 4480: activities.
pub(super) const RPID: &str = "urn:ietf:params:xml:ns:pidf:rpid";
/// RFC 4482: a person's particulars.
pub(super) const CIPID: &str = "urn:ietf:params:xml:ns:pidf:cipid";

/// The tuple that stands for the whole.
pub(super) const WHOLE: &str = "impp";
/// An activity in own words.
pub(super) const OTHER: &str = "other";

/// The activities for which RPID has an element, under the same names here.
const ACTIVITIES: &[&str] = &[
    "appointment",
    "away",
    "breakfast",
    "busy",
    "dinner",
    "holiday",
    "in-transit",
    "looking-for-work",
    "lunch",
    "meal",
    "meeting",
    "on-the-phone",
    "performance",
    "permanent-absence",
    "playing",
    "presentation",
    "shopping",
    "sleeping",
    "spectator",
    "steering",
    "travel",
    "tv",
    "unknown",
    "vacation",
    "working",
    "worship",
];

/// Fields of the card and CIPID's names for them.
pub(super) const CARD: &[(&str, &str)] = &[("fn", "display-name"), ("url", "homepage"), ("photo-url", "icon")];

pub(super) fn is_activity(word: &str) -> bool {
    ACTIVITIES.contains(&word)
}
