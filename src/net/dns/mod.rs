//! What the DNS says: records with how far they can be believed, the services of a domain, and their order (SPEC §2).
//!
//! [`Resolver`] asks, [`Outcome`] is what came of it, [`Published`] is what a domain says of one role, and
//! [`order`] puts records into the order of RFC 2782.

pub mod anchors;
pub mod answer;
pub mod order;
mod read;
pub mod resolver;
pub mod service;
mod trusting;
pub mod zone_file;

pub use anchors::{AnchorError, Anchors};
pub use answer::{Absence, Absent, Addresses, Answer, Failure, Outcome, Security, Srv, Tlsa};
pub use resolver::{Resolver, ResolverError, ResolverOptions, Validation};
pub use service::{NoOffer, Offer, Published, Role};
pub use zone_file::{ZoneError, ZoneFault, ZoneFile};
