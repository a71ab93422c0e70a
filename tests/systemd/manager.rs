//! A service manager of the test's own: it keeps the listening sockets, and starts and stops the relay on them.

use super::support::{Site, Tool, bare, program};
use std::net::SocketAddr;
use std::process::Command;

/// Opens sockets, passes them as descriptors from 3 on, and does what it is told on standard input.
const SCRIPT: &str = r#"
import os, socket, subprocess, sys
names, relay = sys.argv[1], sys.argv[2:]
sockets = []
for name in names.split(':'):
    one = socket.socket()
    one.bind(('127.0.0.1', 0))
    if name != 'deaf':
        one.listen(16)
    sockets.append(one)
# Out of the way first: a socket may have one of these numbers now.
high = [os.dup(one.fileno()) for one in sockets]
keep = [os.dup2(fd, 60 + at) for at, fd in enumerate(high)]
for at, fd in enumerate(keep):
    os.dup2(fd, 3 + at, inheritable=True)
print(*[one.getsockname()[1] for one in sockets], flush=True)
env = dict(os.environ, LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names)
running = None
for line in sys.stdin:
    if line == 'start\n':
        # The number of the process is known only to itself.
        words = ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'] + relay
        running = subprocess.Popen(words, env=env, pass_fds=[3 + at for at in range(len(sockets))])
        print('started', running.pid, flush=True)
    else:
        if line == 'stop\n':
            running.terminate()
        print('ended', running.wait(), flush=True)
if running and running.poll() is None:
    running.kill()
"#;

/// The manager, with its sockets.
pub(crate) struct Manager {
    tool: Tool,
    starts: usize,
    /// Where the sockets listen, in the order of their names.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Manager {
    /// Opens a socket for each name. One that is called `deaf` is bound and does not listen.
    pub(crate) fn of(site: &Site, names: &str) -> Self {
        let mut command: Command = bare("python3");
        command.args(["-c", SCRIPT, names, program("impp-relay"), "serve", "-c"]).arg(site.path("impp-relay.toml"));
        let mut tool = Tool::spawn(&mut command);
        let address = |port: &str| SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        let addresses = tool.line().split(' ').map(address).collect();
        Self { tool, starts: 0, addresses }
    }

    /// Starts the relay and waits until it is ready.
    pub(crate) fn start(&mut self) {
        self.tool.type_in("start\n");
        assert!(self.tool.line().starts_with("started "));
        self.starts += 1;
        self.tool.errors().wait_for_times("relay is ready", self.starts);
    }

    /// Starts a relay that ends by itself; its status and what was said.
    pub(crate) fn fail(mut self) -> (String, String) {
        self.tool.type_in("start\nwait\n");
        assert!(self.tool.line().starts_with("started "));
        let status = self.tool.line();
        let said = self.tool.errors().clone();
        self.tool.end();
        (status, said.all())
    }

    /// Asks the relay to end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.tool.type_in("stop\n");
        assert_eq!(self.tool.line(), "ended 0");
    }
}
