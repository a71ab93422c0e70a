//! Leases that make no sense are refused, and those that a server grants otherwise than wished are told.

use super::args::SetArgs;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::print::Printer;
use crate::cli::units;
use crate::model::Lease;
use std::time::Duration;

/// Refuses a lease that contradicts what is to be done with it.
///
/// # Errors
/// 64
pub(super) fn check(args: &SetArgs) -> Outcome<()> {
    let holds = args.hold || !args.exec.is_empty();
    match args.lease {
        Some(Lease::Seconds(0)) => Err(Failure::usage("a lease of 0 is none: --clear takes the leased value away")),
        Some(Lease::Infinity) if holds => Err(Failure::usage(
            "--hold and --exec take the value back, which is for leases: --lease infinity does not go with them",
        )),
        _ => Ok(()),
    }
}

/// Says what was granted where it differs. Shorter than wished matters to whoever counts on it, and is said unless `-q`;
/// longer is said with `-v`.
pub(super) fn mention(wish: Lease, granted: Lease, out: &Printer) {
    let (Lease::Seconds(wish), Lease::Seconds(granted)) = (wish, granted) else { return };
    let shown = |seconds| units::shown(Duration::from_secs(seconds));
    let line = format!("the lease is {}, not {}: the server grants no other", shown(granted), shown(wish));
    match granted < wish {
        true => out.note(&line),
        false if granted > wish => out.detail(&line),
        false => {}
    }
}
