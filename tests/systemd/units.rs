//! The units that are shipped: systemd understands them, and holds them to be tight.

use super::support::{expect_text, has, program, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const UNITS: &str = "packaging/systemd";
/// What `systemd-analyze security` may find of each service at most, in tenths; docs/relay.md says so of the relay.
const EXPOSURE: [(&str, u32); 3] = [("impp-relay.service", 15), ("impp-alert@.service", 30), ("impp-send-flush.service", 30)];

/// The units below a folder, with the programs of this build in the place of the installed ones.
fn units(from: &Path, to: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let mut text = fs::read_to_string(&path).unwrap();
            for name in ["impp-send", "impp-relay"] {
                text = text.replace(&format!("=/usr/bin/{name} "), &format!("={} ", program(name)));
            }
            let alert = fs::canonicalize("packaging/alert").unwrap();
            text = text.replace("=/usr/libexec/impp/alert ", &format!("={} ", alert.display()));
            let unit = to.join(path.file_name().unwrap());
            fs::write(&unit, text).unwrap();
            found.push(unit);
        }
    }
    found
}

#[test]
fn systemd_understands_every_unit() {
    if !has("systemd-analyze") {
        return;
    }
    for (folder, count, manager) in [(UNITS, 5, "--system"), ("packaging/systemd/user", 2, "--user")] {
        let copies = tempfile::tempdir().unwrap();
        let units = units(Path::new(folder), copies.path());
        assert_eq!(units.len(), count, "{units:?}");
        let runtime = tempfile::tempdir().unwrap();
        let mut analyze = Command::new("systemd-analyze");
        analyze.args([manager, "--man=no", "--recursive-errors=one", "verify"]).args(&units);
        let done = run(analyze.env("XDG_RUNTIME_DIR", runtime.path()), b"");
        // Some words of warning end with status 0.
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && said.trim().is_empty(), "{said}");
    }
}

#[test]
fn services_are_as_tight_as_they_are_said_to_be() {
    if !has("systemd-analyze") {
        return;
    }
    let judge = |unit: &str, tenths: u32| {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["security", "--offline=true", "--no-pager", &format!("--threshold={tenths}")]);
        run(analyze.arg(Path::new(UNITS).join(unit)), b"")
    };
    for (unit, tenths) in EXPOSURE {
        let done = judge(unit, tenths);
        assert!(done.status.success(), "{unit}:\n{}", String::from_utf8_lossy(&done.stdout));
        assert!(!judge(unit, 1).status.success(), "{unit}: the threshold does nothing");
    }
    let docs = fs::read_to_string("docs/relay.md").unwrap();
    assert!(docs.contains("below 1.5"), "docs/relay.md has another figure");
}

#[test]
fn the_alert_is_a_script_that_a_plain_shell_reads() {
    expect_text(0, Command::new("sh").args(["-n", "packaging/alert"]), "");
}
