//! Instant messages and presence as an ordinary part of a Unix system: small tools, one library, and a relay for a
//! small site. The protocol is IMPP/1.0; its specification comes with the sources, in `docs/protocol.md`.
//!
//! ```text
//!             bin              the programs, each a few lines; impp-relay the only one that knows the relay
//!              |
//!             cli ----------------.        what the tools share: options, accounts, exit status, printing
//!              |                   |  (impp-relay only)
//!             net              relay       sockets, clock, dice          one domain's server, put together
//!              |             /   |    \
//!           engine      store    |     net
//!              |            \    |         sessions without IO           SQLite, and the memory of deliveries
//!            model <------- service
//!              |                           frames to meaning             the domain's rules, pure
//!            wire                          octets to frames
//! ```
//!
//! A layer names only what lies below it. `ARCHITECTURE.md` says what each is for and how one message travels through
//! all of them.
//!
//! # For programs
//!
//! [`Client`] is one session with one's own domain; its requests may be under way side by side. [`Steady`] connects again
//! when a connection is lost, and loses and repeats nothing. [`Options`] says who, where and how; [`Event`] is what
//! arrives unasked: messages, changes of presence, the end of a subscription; [`Error`] says whose fault it was and
//! whether to try again. Addresses, presence and access rules are values of [`model`].
//!
//! ```no_run
//! use impp::model::content::{Body, Draft};
//! use impp::model::{Address, Secret};
//! use impp::net::client::Message;
//! use impp::net::connect::HostPort;
//! use impp::net::{Clock, random};
//! use impp::{Client, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let alice: Address = "alice@example.org".parse()?;
//! let bob: Address = "bob@example.org".parse()?;
//!
//! let mut options = Options::password(&alice, Secret::new("correct horse".into()));
//! options.server = HostPort::parse("im.example.org");
//! let client = Client::connect(options).await?;
//!
//! let mut draft = Draft::new(alice.clone(), random::message_id(&alice.domain()), Clock::now().unix);
//! draft.to = vec![bob.clone()];
//! draft.body = Some(Body::Text("Lunch at one?".into()));
//! let built = draft.build()?;
//! let message = Message { id: draft.message_id, content_type: built.content_type.into(), body: built.octets, wanted: None };
//! let sent = client.send(&bob, &message).await?;
//! println!("{:?}", sent.delivery);
//! client.close().await?;
//! # Ok(()) }
//! ```
//!
//! Whole programs are in `examples/`: `send_one`, `watch_presence`, and `relay`, a domain inside a program.
//!
//! # For other uses
//!
//! [`engine`] is both sides of a connection as state machines: whoever has streams, clocks or runtimes of another kind
//! drives them as [`net`] does. [`service`] is one domain's rules, to be put over any store. The feature `relay`, on by
//! default, adds `relay` and `store`: the server as a whole.
//!
//! [`cli`] is what the programs are made of. It is public for them, and may change with any version.

pub mod cli;
pub mod engine;
pub mod model;
pub mod net;
#[cfg(feature = "relay")]
pub mod relay;
pub mod service;
#[cfg(feature = "relay")]
pub mod store;
pub mod wire;

pub use net::client::Client;
pub use net::client::Error;
pub use net::client::Event;
pub use net::client::Options;
pub use net::client::Steady;
