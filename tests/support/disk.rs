//! A small file system, for what happens when the disk is full.

use super::{Site, Tool, bare, has, run};
use std::process::Command;

/// A small file system over a folder of the site, in a mount namespace that lives as long as this.
pub struct SmallDisk(Tool);

impl SmallDisk {
    /// With these options of tmpfs, like `size=8M`, and what is in the folder. `None`, with a word about it, where this
    /// user may not mount.
    pub fn over(site: &Site, folder: &str, options: &str) -> Option<Self> {
        let mounts = ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
        if !has("unshare") || !has("nsenter") || !run(Command::new("unshare").args(mounts), b"").status.success() {
            eprintln!("skipped: a small file system needs root");
            return None;
        }
        let script = format!(
            "mkdir small && mount -t tmpfs -o mode=700,{options} tmpfs small && cp -a {folder}/. small/ && mount --bind small {folder} \
             && echo mounted && read -r _"
        );
        let mut holder = Tool::spawn(Command::new("unshare").args(["-m", "sh", "-c", &script]).current_dir(site.path(".")));
        assert_eq!(holder.line(), "mounted");
        Some(Self(holder))
    }

    /// A command that sees the small disk.
    pub fn inside(&self, program: &str, args: &[&str]) -> Command {
        let mut command = bare("nsenter");
        command.args(["-t", &self.0.pid().to_string(), "-m", program]).args(args);
        command
    }
}
