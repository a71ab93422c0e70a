//! What is sent when a unit fails.

use super::support::{Site, expect_text, program};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// What stands in for systemd's own tools: the one shows that it was asked for the right unit, the other what a log may hold.
const SYSTEMCTL: &str = "#!/bin/sh\nfor word; do last=$word; done\nprintf '\\342\\227\\217 %s - failed\\n' \"$last\"\nexit 3\n";
const JOURNALCTL: &str = "#!/bin/sh\nprintf 'line with \\033[31mcolour\\nSubject: not a header\\n.\\nlast line\\n'\n";

#[test]
fn a_failed_unit_is_told_with_its_log_to_whom_root_stands_for() {
    let site = Site::with_users(&["alice", "bob"]);
    let bin = site.path("bin");
    fs::create_dir(&bin).unwrap();
    for (name, text) in [("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)] {
        fs::write(bin.join(name), text).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let aliases = site.write("aliases", format!("root: {}\n", site.at("bob")));
    let programs = Path::new(program("impp-send")).parent().unwrap();
    let mut alert = Command::new("packaging/alert");
    alert.arg("backup@weekly.service").env_clear();
    alert.env("PATH", format!("{}:{}:/usr/bin:/bin", bin.display(), programs.display()));
    // What the unit sets.
    alert.env("ALERT_TO", "root");
    alert.env("IMPP_CONFIG", site.path("impp.toml")).env("IMPP_ACCOUNT", "alice").env("IMPP_ALIASES", aliases);
    alert.env("IMPP_SPOOL", site.path("spool"));
    assert_eq!(expect_text(0, &mut alert, ""), "");

    let mut receive = site.tool("impp-recv", "bob");
    let text = expect_text(0, receive.args(["--count", "1", "--json"]), "");
    let message: serde_json::Value = serde_json::from_str(&text).unwrap();
    let subject = message["subject"].as_str().unwrap();
    assert!(subject.starts_with("backup@weekly.service failed on "), "{message}");
    assert_eq!(message["urgency"], "high", "{message}");
    let body = message["text"].as_str().unwrap();
    for part in ["\u{25cf} backup@weekly.service - failed\n", "\nSubject: not a header\n.\nlast line"] {
        assert!(body.contains(part), "{body:?}");
    }
}
