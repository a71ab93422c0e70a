//! From exec to the first answer on the first connection, with what was there before.

use crate::measure;
use crate::outcome::Outcome;
use crate::peers::Peer;
use crate::peers::impp::{self, DOMAIN, Stock};
use crate::peers::mosquitto::{self, Settings};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Users in the store that is opened.
const USERS: usize = 1000;
const START: Duration = Duration::from_secs(30);

/// CPU time is that of the whole start, and of an end by SIGKILL.
pub fn run(peer: Peer, many: usize) -> Option<Outcome> {
    let (_folder, mut command, plain, hello) = match peer {
        Peer::Impp => {
            let prepared = impp::prepared(&Stock { users: USERS, ..Stock::default() });
            let hello = format!("HELLO 1 impp/1.0\r\nDomain: {DOMAIN}\r\nConnection-ID: first\r\n\r\n").into_bytes();
            (prepared.folder, prepared.command, prepared.plain, hello)
        }
        Peer::Mosquitto => {
            let prepared = mosquitto::prepared(Settings { no_delay: true, password: false })?;
            (prepared.folder, prepared.command, prepared.plain, mosquitto::hello("first"))
        }
        Peer::Nats | Peer::Ejabberd | Peer::Prosody => return None,
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    once(&mut command, plain, &hello);
    let (begun, cpu) = (Instant::now(), measure::cpu_of_children());
    let mut latencies: Vec<Duration> = (0..many).map(|_| once(&mut command, plain, &hello)).collect();
    latencies.sort_unstable();
    let cpu = Some(measure::cpu_of_children() - cpu);
    Some(Outcome { operations: many, elapsed: begun.elapsed(), cpu, latencies, ..Outcome::default() })
}

fn once(command: &mut Command, to: SocketAddr, hello: &[u8]) -> Duration {
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let answered = || {
        let mut stream = TcpStream::connect(to).ok()?;
        stream.write_all(hello).ok()?;
        stream.read_exact(&mut [0]).ok()
    };
    while answered().is_none() {
        assert!(begun.elapsed() < START, "{command:?} does not answer");
        std::thread::sleep(Duration::from_micros(50));
    }
    let took = begun.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    took
}
