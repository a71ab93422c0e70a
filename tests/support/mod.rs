//! What tests that run the programs themselves share: a relay as a process, tools, hand-written connections.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test crate uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

pub mod dice;
pub mod disk;
pub mod dns;
pub mod http;
pub mod knot;
pub mod proxy;
pub mod records;
pub mod said;
pub mod signed;
pub mod signer;
pub mod site;
pub mod talk;
pub mod tool;
pub mod wire;

pub use dice::Dice;
pub use disk::SmallDisk;
pub use dns::{Dns, Quirk};
pub use proxy::Proxy;
pub use signed::{By, Chain, Signed};
pub use site::Site;
pub use tool::{Tool, expect, expect_text, run};
pub use wire::Wire;

use std::process::Command;
use std::time::{Duration, Instant};

/// The domain of every test relay.
pub const DOMAIN: &str = "demo.test";
/// How long anything may take before a test gives up; never how long something is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The path of one of our programs.
pub fn program(name: &str) -> &'static str {
    match name {
        "impp-send" => env!("CARGO_BIN_EXE_impp-send"),
        "impp-recv" => env!("CARGO_BIN_EXE_impp-recv"),
        "impp-watch" => env!("CARGO_BIN_EXE_impp-watch"),
        "impp-fetch" => env!("CARGO_BIN_EXE_impp-fetch"),
        "impp-set" => env!("CARGO_BIN_EXE_impp-set"),
        "impp-srv" => env!("CARGO_BIN_EXE_impp-srv"),
        "impp-acl" => env!("CARGO_BIN_EXE_impp-acl"),
        "impp-relay" => env!("CARGO_BIN_EXE_impp-relay"),
        other => panic!("no program {other}"),
    }
}

/// Whether a program of the system is there; a test that needs it says so and ends.
pub fn has(name: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()));
    if !found {
        eprintln!("skipped: {name} is not installed");
    }
    found
}

/// A command that inherits none of the tester's own settings.
pub fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("IMPP_")) {
        command.env_remove(name);
    }
    command.env_remove("CREDENTIALS_DIRECTORY").env("NO_COLOR", "1");
    command
}

/// Tries again and again until it is so.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
    }
}

/// `name@demo.test`
pub fn at(name: &str) -> String {
    format!("{name}@{DOMAIN}")
}

/// `impp://demo.test/name`
pub fn url(name: &str) -> String {
    format!("impp://{DOMAIN}/{name}")
}
