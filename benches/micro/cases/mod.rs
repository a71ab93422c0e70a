//! What is counted and timed: each case prepares its input out of sight, and then does one round of its work.

mod fan_out;
mod messages;
mod parse;
mod people;
#[path = "../../../tests/hostile/relay.rs"]
mod relay;
#[path = "../../../tests/scenes/store.rs"]
mod store;

/// The work of one case, with its state.
pub(crate) trait Work {
    /// Makes what the next round works on, and checks what the round before came to.
    fn prepare(&mut self);
    /// One round.
    fn run(&mut self);
}

/// One case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Of what one is counted.
    pub(crate) operation: &'static str,
    /// How many of them are one round.
    pub(crate) operations: usize,
    pub(crate) make: fn() -> Box<dyn Work>,
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "message",
        operation: "message from octets to octets, acknowledged by its receiver: two reads, two frames out",
        operations: messages::ROUND,
        make: || Box::new(messages::Answered::here(1)),
    },
    Case {
        name: "message-16",
        operation: "the same, sixteen in one read",
        operations: messages::ROUND,
        make: || Box::new(messages::Answered::here(16)),
    },
    Case {
        name: "message-stored",
        operation: "message to somebody who is not there, the store itself left out",
        operations: messages::ROUND,
        make: || Box::new(messages::Absent::new()),
    },
    Case {
        name: "message-link",
        operation: "message to another domain and its answer",
        operations: messages::ROUND,
        make: || Box::new(messages::Answered::abroad()),
    },
    Case {
        name: "change",
        operation: "subscriber of 1000 who is told of a change",
        operations: fan_out::WATCHERS,
        make: || Box::new(fan_out::Change::new()),
    },
    Case {
        name: "change-told",
        operation: "subscriber's acknowledgement of a change",
        operations: fan_out::WATCHERS,
        make: || Box::new(fan_out::Told::new()),
    },
    Case {
        name: "fetch",
        operation: "presence asked for: located, judged and answered",
        operations: messages::ROUND,
        make: || Box::new(messages::Asked::new()),
    },
    Case {
        name: "splitter",
        operation: "frame of 330 octets found among others and its places noted",
        operations: parse::ROUND,
        make: || Box::new(parse::Split::new(usize::MAX)),
    },
    Case {
        name: "splitter-pieces",
        operation: "the same frame when its octets come by sixteen",
        operations: parse::ROUND,
        make: || Box::new(parse::Split::new(16)),
    },
    Case {
        name: "request",
        operation: "request read out of a frame",
        operations: parse::ROUND,
        make: || Box::new(parse::Requests::new()),
    },
    Case {
        name: "address-url",
        operation: "address read, as frames have it",
        operations: parse::ROUND,
        make: || Box::new(parse::Addresses::new(&["impp://example.org/alice"])),
    },
    Case {
        name: "address-email",
        operation: "address read, as people write it; names beyond ASCII among them",
        operations: parse::ROUND,
        make: || Box::new(parse::Addresses::new(&["alice@example.org", "\"john smith\"@example.org", "bücher@bücher.example"])),
    },
    Case {
        name: "presence",
        operation: "presence of two devices and a card read",
        operations: parse::ROUND,
        make: || Box::new(parse::Bodies::new()),
    },
];
