//! A relay whose system calls fail, or kill it, as a plan says: failing.c stands before them.

use crate::support::{Site, has, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A site whose relay, and commands, do as the plan says.
pub(crate) struct Failing {
    pub(crate) site: Site,
    library: PathBuf,
}

impl Failing {
    /// `None`, with a word about it, where there is no compiler for C.
    pub(crate) fn on(site: Site) -> Option<Self> {
        if !has("cc") {
            return None;
        }
        let library = site.path("failing.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upkeep/failing.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]).status();
        assert!(built.unwrap().success());
        let failing = Self { site, library };
        failing.plan("");
        Some(failing)
    }

    /// `impp-relay` under the plan.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.site.relay_command(args);
        command.env("LD_PRELOAD", &self.library).env("IMPP_TEST_PLAN", self.site.path("plan"));
        command
    }

    /// Starts the relay.
    pub(crate) fn start(&mut self) {
        let command = self.command(&["serve"]);
        self.site.start_as(command);
    }

    /// From now on this is the plan.
    pub(crate) fn plan(&self, plan: &str) {
        // The former stays until the end, so that its inode is not given to the next.
        let former = (0..).map(|number| self.site.path(&format!("plan.{number}"))).find(|path| !path.exists()).unwrap();
        let _ = fs::rename(self.site.path("plan"), former);
        fs::write(self.site.path("plan.new"), plan).unwrap();
        fs::rename(self.site.path("plan.new"), self.site.path("plan")).unwrap();
    }

    /// Kills the relay, and starts it on a disk that works.
    pub(crate) fn restart(&mut self) {
        self.site.kill();
        self.plan("");
        self.start();
    }

    /// Runs a command that is killed in place of the call that the plan numbers so; whether it was.
    ///
    /// `call` is `write`, `sync` or `name`, and a path's ending.
    pub(crate) fn killed_at(&self, call: &str, number: u32, args: &[&str]) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        self.plan(&format!("{call} -9 {number} {number}"));
        let Output { status, stderr, .. } = run(&mut self.command(args), b"");
        let killed = status.signal() == Some(9);
        assert!(killed || status.success(), "{args:?}, {call} {number}: {status} {}", String::from_utf8_lossy(&stderr));
        killed
    }
}

/// Copies a folder with all in it, in the place of what is there.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &copy);
        } else {
            fs::copy(entry.path(), copy).unwrap();
        }
    }
}
