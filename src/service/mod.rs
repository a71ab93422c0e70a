//! The domain's rules, pure: a request and the time go in, effects come out.
//!
//! *Order:* call one of the methods of [`Service`] that take `now`, then [`Service::poll_effect`] until it
//! gives `None` and perform each effect in that order, then look at [`Service::poll_timeout`].

pub mod effect;
pub mod store;

pub use effect::{ConnectionKey, Effect, Octets, SessionState, Ticket};
