//! The named limits of the grammar (SPEC §3); what a receiver may choose for itself is not here.

/// Octets of start line and headers together, the blank line included.
pub const HEAD_OCTETS: usize = 16_384;
/// Header lines of one frame.
pub const HEADERS: usize = 64;
/// Octets of a method.
pub const METHOD_OCTETS: usize = 32;
/// Octets of a request-id.
pub const REQUEST_ID_OCTETS: usize = 32;
/// Octets of the name in another protocol's version, such as `HTTP/1.1`.
pub const VERSION_NAME_OCTETS: usize = 32;
/// Octets of a header name.
pub const HEADER_NAME_OCTETS: usize = 64;
/// Digits of Content-Length.
pub const CONTENT_LENGTH_DIGITS: usize = 15;
/// The smallest Max-Body that an authenticated party may announce.
pub const MAX_BODY_FLOOR: u64 = 65_536;
/// The Max-Body to which a connection may be held before it is authenticated.
pub const MAX_BODY_UNAUTHENTICATED: u64 = 4_096;
/// The Max-Body of a client that named none.
pub const MAX_BODY_DEFAULT: u64 = 1_048_576;
/// The largest oversize body that is read and thrown away so that the connection can go on.
pub const DISCARD_OCTETS: u64 = 4 * 1_048_576;
/// The Max-Outstanding of a party that named none.
pub const OUTSTANDING_DEFAULT: u32 = 64;
