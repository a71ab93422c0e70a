//! The demo's folder: certificate, configurations, two users with their passwords, and the tools under their names.

use super::stage;
use crate::password;
use crate::settings;
use crate::user::Desk;
use impp::cli::exit::{Exit, Failure, Outcome};
use impp::model::{Address, Domain};
use impp::net::{Clock, random};
use impp::relay::config::Config;
use impp::relay::selfsigned::self_signed;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// A domain that is nobody's (RFC 2606).
pub(super) const DOMAIN: &str = "demo.test";
/// Who is shown.
pub(super) const USERS: [&str; 2] = ["alice", "bob"];
/// The tools that this program is as well.
pub(super) const TOOLS: [&str; 6] = ["impp-send", "impp-recv", "impp-watch", "impp-fetch", "impp-set", "impp-acl"];

/// Ports that the system chooses, and leases short enough to be watched running out.
const RELAY_TOML: &str = "\
domains = [\"demo.test\"]
data-dir = \"data\"

[listen]
plain = [\"127.0.0.1:0\"]
tls = [\"127.0.0.1:0\"]

[tls]
certificate = \"cert.pem\"
key = \"key.pem\"

[lease]
min = \"2s\"
";

/// A temporary folder that only its owner can look into; removed when dropped, unless it is to stay.
pub(super) struct Folder {
    path: PathBuf,
    stays: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.stays {
            _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl Folder {
    /// Makes an empty one under a name that nobody can foresee.
    pub(super) fn make(stays: bool) -> Outcome<Self> {
        let name = u64::from_le_bytes(random::octets());
        let path = std::env::temp_dir().join(format!("impp-demo-{name:016x}"));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| Failure::creating(&path, &error))?;
        Ok(Self { path, stays })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the tools are.
    pub(super) fn bin(&self) -> PathBuf {
        self.path.join("bin")
    }

    /// Makes certificate, relay's configuration and users.
    pub(super) fn furnish(&self) -> Outcome<Config> {
        let domain = Domain::parse(DOMAIN).map_err(|why| Failure::new(Exit::Internal, why.to_string()))?;
        let pair = self_signed(std::slice::from_ref(&domain), Clock::now().unix);
        let pair = pair.map_err(|why| Failure::new(Exit::Internal, why.to_string()))?;
        self.file("cert.pem", 0o600, &pair.certificate)?;
        self.file("key.pem", 0o600, pair.key.declassify())?;
        let config = settings::load(&self.file("impp-relay.toml", 0o600, RELAY_TOML)?)?;
        let mut desk = Desk::open(config.clone())?;
        for user in USERS {
            let address = Address::new(user, &domain).map_err(|why| Failure::new(Exit::Internal, why.to_string()))?;
            let secret = password::generate();
            self.file(&password_file(user), 0o600, &format!("{}\n", secret.declassify()))?;
            desk.add(&address, &secret)?;
        }
        Ok(config)
    }

    /// Makes the users' configuration for a relay at `address`, and the tools that read it without being told.
    pub(super) fn hand_out_tools(&self, address: SocketAddr) -> Outcome<()> {
        let config = self.file("impp.toml", 0o600, &accounts(address))?;
        let program = std::env::current_exe().map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        let names = self.path.join("tools");
        for folder in [&names, &self.bin()] {
            DirBuilder::new().mode(0o700).create(folder).map_err(|error| Failure::creating(folder, &error))?;
        }
        let link = |path: &Path| symlink(&program, path).map_err(|error| Failure::creating(path, &error));
        link(&self.bin().join("impp-relay"))?;
        for tool in TOOLS {
            let named = names.join(tool);
            link(&named)?;
            self.file(&format!("bin/{tool}"), 0o700, &wrapper(&config, &named))?;
        }
        Ok(())
    }

    fn file(&self, name: &str, mode: u32, text: &str) -> Outcome<PathBuf> {
        let path = self.path.join(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        let mut file = made.map_err(|error| Failure::creating(&path, &error))?;
        file.write_all(text.as_bytes()).map_err(|error| Failure::writing(&path, &error))?;
        Ok(path)
    }
}

fn password_file(user: &str) -> String {
    format!("{user}.password")
}

/// `impp.toml`; its paths are relative to itself.
fn accounts(address: SocketAddr) -> String {
    let account = |user| {
        format!(
            "[account.{user}]\nlogin = \"{user}@{DOMAIN}\"\nserver = \"{address}\"\ntls = \"require\"\nca = \"cert.pem\"\npass-file = \"{}\"\n",
            password_file(user)
        )
    };
    USERS.map(account).join("\n")
}

/// A script that is the tool with the demo's configuration, whatever the person's own environment says.
fn wrapper(config: &Path, tool: &Path) -> String {
    format!(
        "#!/bin/sh\n\
         unset IMPP_LOGIN IMPP_PASSWORD IMPP_PASSWORD_FILE IMPP_SERVER IMPP_RESOLVER IMPP_CA IMPP_TIMEOUT CREDENTIALS_DIRECTORY\n\
         IMPP_CONFIG={}\n\
         export IMPP_CONFIG\n\
         exec {} \"$@\"\n",
        stage::quoted(&config.display().to_string()),
        stage::quoted(&tool.display().to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_the_owners_alone_and_nothing_stays() {
        let folder = Folder::make(false).unwrap();
        let config = folder.furnish().unwrap();
        assert_eq!(config.lease.min.as_secs(), 2);
        folder.hand_out_tools("127.0.0.1:4711".parse().unwrap()).unwrap();
        for name in ["", "alice.password", "bob.password", "key.pem", "impp.toml", "bin/impp-send"] {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
        }
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn the_tools_get_the_demos_surroundings() {
        let folder = Folder::make(false).unwrap();
        let tool = folder.file("tool", 0o700, "#!/bin/sh\nprintf '%s|' \"$IMPP_CONFIG\" \"$IMPP_SERVER\" \"$@\"\n").unwrap();
        let script = folder.file("it's", 0o700, &wrapper(Path::new("/x y/it's.toml"), &tool)).unwrap();
        let done = std::process::Command::new("/bin/sh").arg(script).args(["a b", "c"]).env("IMPP_SERVER", "elsewhere").output();
        assert_eq!(String::from_utf8(done.unwrap().stdout).unwrap(), "/x y/it's.toml||a b|c|");
    }
}
