//! Servers under load: started in a folder of their own on ports of loopback, and ended with it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);

/// A process that ends with this value.
pub struct Server {
    child: Child,
    /// Where it takes connections in the clear.
    pub plain: SocketAddr,
    /// Where it takes TLS.
    pub tls: SocketAddr,
    /// Goes when the server does.
    folder: tempfile::TempDir,
}

/// A server that was never started.
pub struct Prepared {
    /// Its configuration, and what it keeps.
    pub folder: tempfile::TempDir,
    pub command: Command,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
}

impl Prepared {
    /// Starts it and waits until both ports accept.
    pub fn start(self) -> Server {
        let Self { folder, mut command, plain, tls } = self;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Server { child, plain, tls, folder };
        let begun = Instant::now();
        while !(TcpStream::connect(plain).is_ok() && TcpStream::connect(tls).is_ok()) {
            assert!(begun.elapsed() < START, "{command:?} does not take connections");
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("{command:?} ended: {status}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of loopback that nobody uses at the moment.
pub fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// The relay to be measured: `IMPP_RELAY` names another one than was built with this, to compare the two.
pub fn relay() -> std::ffi::OsString {
    let built = option_env!("CARGO_BIN_EXE_impp-relay").map(Into::into);
    std::env::var_os("IMPP_RELAY").or(built).expect("built by cargo bench")
}

/// impp-send of this build.
pub fn sender() -> std::ffi::OsString {
    option_env!("CARGO_BIN_EXE_impp-send").map(Into::into).expect("built by cargo bench")
}

/// A program of the system, also where only root's path leads.
pub fn find(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    if found.is_none() {
        eprintln!("{name} is not installed: left out");
    }
    found
}

/// `cert.pem` and `key.pem` for a server that is not ours, readable for the user that it becomes.
pub fn certificate(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    // ejabberd reads no years of the far future.
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2045, 1, 1));
    std::fs::write(folder.join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(folder.join("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
}
