//! Frames to meaning and back: values that cannot be invalid, each with one checked door.
//!
//! Knows no clock and no IO. Section numbers are those of `docs/protocol.md`.

pub mod acl;
pub mod address;
pub mod bye;
pub mod content;
pub mod credentials;
pub mod error_kind;
pub mod fingerprint;
pub mod id;
pub mod lease;
pub mod media_type;
pub mod method;
pub mod pidf;
pub mod presence;
pub mod request;
pub mod response;
pub mod secret;
pub mod services;
pub mod simple_xml;
pub mod time;
pub mod watchers;

pub use acl::{Acl, Watcher};
pub use address::{Address, AddressError, Domain};
pub use bye::ByeCause;
pub use credentials::Credentials;
pub use error_kind::ErrorKind;
pub use fingerprint::Fingerprint;
pub use id::{ConnectionId, MessageId, RequestId, Token, Version};
pub use lease::{Lease, LeaseBounds};
pub use method::Method;
pub use presence::{Presence, Status};
pub use request::{Fault, UserCall, UserRequest};
pub use response::Answer;
pub use secret::Secret;
pub use services::Services;
pub use time::{Now, UnixMillis};
pub use watchers::Watchers;
