//! The tools, one folder each; a binary is three lines that call one of these.

use super::manual::Manual;
use std::process::ExitCode;

/// impp-acl.
pub mod acl;
/// impp-fetch.
pub mod fetch;
/// impp-recv.
pub mod recv;
/// impp-send.
pub mod send;
/// impp-set.
pub mod set;
/// impp-srv.
pub mod srv;
/// impp-watch.
pub mod watch;

/// The tool of this name: what a program does that is called as another, by a link to it.
///
/// *Shape:* `dispatch("impp-send")`, `dispatch("/usr/bin/impp-send")`
#[must_use]
pub fn dispatch(called_as: &str) -> Option<fn() -> ExitCode> {
    let name = called_as.rsplit('/').next().unwrap_or(called_as);
    let tool: fn() -> ExitCode = match name {
        "impp-send" => send::main,
        "impp-recv" => recv::main,
        "impp-watch" => watch::main,
        "impp-fetch" => fetch::main,
        "impp-set" => set::main,
        "impp-acl" => acl::main,
        "impp-srv" => srv::main,
        _ => return None,
    };
    Some(tool)
}

/// The definitions of all tools, for whatever is made from them: manual pages, completions.
#[must_use]
pub fn definitions() -> Vec<clap::Command> {
    use crate::cli::run::Tool as _;
    vec![
        send::SendArgs::definition(),
        recv::RecvArgs::definition(),
        watch::WatchArgs::definition(),
        fetch::FetchArgs::definition(),
        set::SetArgs::definition(),
        acl::AclArgs::definition(),
        srv::SrvArgs::definition(),
    ]
}

/// What the manual tells of each, by its name.
pub const MANUALS: &[(&str, &Manual)] = {
    use crate::cli::run::Tool as _;
    &[
        (send::SendArgs::NAME, send::SendArgs::MANUAL),
        (recv::RecvArgs::NAME, recv::RecvArgs::MANUAL),
        (watch::WatchArgs::NAME, watch::WatchArgs::MANUAL),
        (fetch::FetchArgs::NAME, fetch::FetchArgs::MANUAL),
        (set::SetArgs::NAME, set::SetArgs::MANUAL),
        (acl::AclArgs::NAME, acl::AclArgs::MANUAL),
        (srv::SrvArgs::NAME, srv::SrvArgs::MANUAL),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_found_by_its_name() {
        for definition in definitions() {
            assert!(dispatch(&format!("/usr/bin/{}", definition.get_name())).is_some());
            definition.debug_assert();
        }
        assert!(dispatch("impp-relay").is_none());
    }

    #[test]
    fn help_is_one_screen_with_three_examples() {
        for mut definition in definitions() {
            let help = definition.render_help().to_string();
            let lines = help.lines().count();
            assert!(lines <= 50, "{}: {lines} lines\n{help}", definition.get_name());
            let examples: Vec<_> = help.split("Examples:\n").nth(1).unwrap_or_default().lines().collect();
            assert_eq!(examples.len(), 3, "{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        }
    }
}
