//! The two servers as Debian has them, without what these rows do not need.

use super::{DOMAIN, PASSWORD, PUBLISHER};
use crate::server::{Prepared, Server, certificate, find, free_port};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// Either of them, with users `u0`, `s0` and so on.
pub struct Xmpp {
    pub server: Server,
    pub(super) tls: tokio_rustls::TlsConnector,
    /// Whether all users watch the publisher from the start.
    pub(super) subscribed: bool,
}

impl Xmpp {
    /// `None` if it is not installed.
    pub fn ejabberd() -> Option<Self> {
        find("ejabberdctl")?;
        let erlang = find("erl")?;
        let (folder, plain, tls) = place();
        let at = folder.path();
        let shown = at.display();
        // Anonymous in its terms: whatever name and password are said, which spares its start the making of accounts.
        let config = format!(
            "loglevel: error\nhosts: [{DOMAIN}]\ncertfiles: [\"{shown}/cert.pem\", \"{shown}/key.pem\"]\nacme: {{auto: false}}\n\
             auth_method: [anonymous]\nanonymous_protocol: login_anon\nallow_multiple_connections: true\n\
             listen:\n  - {{port: {}, ip: 127.0.0.1, module: ejabberd_c2s}}\n\
             \x20 - {{port: {}, ip: 127.0.0.1, module: ejabberd_c2s, tls: true}}\n\
             modules:\n  mod_roster: {{}}\n  mod_ping: {{}}\n",
            plain.port(),
            tls.port()
        );
        fs::write(at.join("ejabberd.yml"), config).unwrap();
        // What ejabberdctl would start, but as no node of a cluster: that would need a daemon beside it.
        let mut command = Command::new(erlang);
        command
            .args(["+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir"])
            .arg(format!("\"{shown}/database\""))
            .args(["-s", "ejabberd"])
            .env("HOME", at)
            .env("ERL_LIBS", "/usr/lib/x86_64-linux-gnu")
            .env("ERL_MAX_PORTS", "32000")
            .env("ERL_CRASH_DUMP_BYTES", "0")
            .env("EJABBERD_CONFIG_PATH", at.join("ejabberd.yml"))
            .env("EJABBERD_LOG_PATH", at.join("ejabberd.log"));
        let server = Prepared { folder, command, plain, tls }.start();
        Some(Self { server, tls: crate::tls::connector(None), subscribed: false })
    }

    /// The same, with so many users of each kind; it would take minutes to write their subscriptions one by one.
    pub fn prosody(users: usize) -> Option<Self> {
        let program = find("prosody")?;
        let (folder, plain, tls) = place();
        let at = folder.path();
        let shown = at.display();
        let config = format!(
            "run_as_root = true\ndata_path = \"{shown}\"\npidfile = \"{shown}/pid\"\nlog = {{ error = \"{shown}/log\" }}\n\
             modules_enabled = {{ \"roster\", \"saslauth\", \"tls\", \"ping\" }}\nmodules_disabled = {{ \"s2s\" }}\n\
             c2s_require_encryption = false\nallow_unencrypted_plain_auth = true\nauthentication = \"internal_plain\"\n\
             interfaces = {{ \"127.0.0.1\" }}\nc2s_ports = {{ {} }}\nc2s_direct_tls_ports = {{ {} }}\n\
             ssl = {{ certificate = \"{shown}/cert.pem\", key = \"{shown}/key.pem\" }}\nVirtualHost \"{DOMAIN}\"\n",
            plain.port(),
            tls.port()
        );
        fs::write(at.join("prosody.cfg.lua"), config).unwrap();
        accounts(at, users);
        let mut command = Command::new(program);
        command.arg("--config").arg(at.join("prosody.cfg.lua")).arg("-F");
        let server = Prepared { folder, command, plain, tls }.start();
        Some(Self { server, tls: crate::tls::connector(None), subscribed: true })
    }
}

/// A folder with a certificate, and two ports.
fn place() -> (tempfile::TempDir, SocketAddr, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    (folder, free_port(), free_port())
}

fn accounts(data: &Path, users: usize) {
    let folders = ["accounts", "roster"].map(|name| data.join(DOMAIN).join(name));
    folders.iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
    let write = |kind: usize, name: &str, table: &str| {
        fs::write(folders[kind].join(format!("{name}.dat")), format!("return {{ {table} }};\n")).unwrap();
    };
    let contact = |name: &str, subscription: &str| {
        format!("[\"{name}@{DOMAIN}\"] = {{ subscription = \"{subscription}\"; groups = {{}}; }};")
    };
    let password = format!("[\"password\"] = \"{PASSWORD}\";");
    let mut watchers = String::new();
    for number in 0..users {
        let (user, sender) = (format!("u{number}"), format!("s{number}"));
        write(0, &user, &password);
        write(0, &sender, &password);
        write(1, &user, &contact(PUBLISHER, "to"));
        watchers += &contact(&user, "from");
    }
    write(0, PUBLISHER, &password);
    write(1, PUBLISHER, &watchers);
}
