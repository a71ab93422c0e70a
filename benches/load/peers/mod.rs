//! The servers under load, each behind its own protocol.

pub mod impp;
pub mod mosquitto;
pub mod nats;
pub mod xmpp;

use crate::flow::{Receiver, Sender, Stream};

/// A server that can be loaded.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// impp-relay of this build
    Impp,
    /// mosquitto, MQTT 3.1.1 with QoS 1
    Mosquitto,
    /// nats-server, request and reply
    Nats,
    /// ejabberd, XMPP with receipts
    Ejabberd,
    /// Prosody, XMPP with receipts
    Prosody,
}

impl Peer {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Impp => "impp-relay",
            Self::Mosquitto => "mosquitto",
            Self::Nats => "nats",
            Self::Ejabberd => "ejabberd",
            Self::Prosody => "prosody",
        }
    }

    /// What an XMPP server has users for; `None` if it is not installed, or does not speak it.
    pub fn xmpp(self, users: usize) -> Option<xmpp::Xmpp> {
        match self {
            Self::Ejabberd => xmpp::Xmpp::ejabberd(),
            Self::Prosody => xmpp::Xmpp::prosody(users),
            Self::Impp | Self::Mosquitto | Self::Nats => None,
        }
    }
}

/// One end of a flow of messages: a connection that has logged in, and its protocol.
pub struct Sending {
    pub stream: Stream,
    pub protocol: Box<dyn Sender>,
}

/// The other end.
pub struct Receiving {
    pub stream: Stream,
    pub protocol: Box<dyn Receiver>,
}
