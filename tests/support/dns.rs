//! A name server for tests: one zone file for all the names there are, and quirks where something is to go wrong.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::disallowed_types, reason = "each test crate uses its part")]

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::txt::Parser;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};
use std::thread;

/// The largest answer over UDP to whoever asked for no more.
const UDP_OCTETS: usize = 512;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    ServFail,
    Refused,
    /// No answer.
    Silent,
    /// Over UDP a truncated answer, over TCP the whole.
    Truncated,
}

/// A name server on 127.0.0.1, UDP and TCP on one port. It knows everything there is: what is not in its zone does not
/// exist. It runs until the test's process ends.
pub struct Dns {
    pub address: SocketAddr,
    zone: Arc<Zone>,
}

#[derive(Default)]
struct Zone {
    knows: Mutex<Knows>,
    asked: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Knows {
    /// Whether it says that it has validated what it answers.
    authentic: bool,
    records: Vec<Record>,
    quirks: Vec<(Name, RecordType, Quirk)>,
}

impl Dns {
    /// `zone`: lines of a master file with full names; `quirks`: name, kind of record, what goes wrong there.
    pub fn start(zone: &str, quirks: &[(&str, &str, Quirk)]) -> Self {
        Self::at(sockets(), zone, quirks)
    }

    /// The same at 127.0.0.2 and this one's port: another name server of the same zone, which says something else.
    pub fn beside(&self, zone: &str) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 2], self.address.port()));
        Self::at((UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap()), zone, &[])
    }

    fn at(sockets: (UdpSocket, TcpListener), zone: &str, quirks: &[(&str, &str, Quirk)]) -> Self {
        let knows = Arc::<Zone>::default();
        let answers = knows.clone();
        let address = serve_at(sockets, move |octets, udp| answers.answer(octets, udp));
        let dns = Self { address, zone: knows };
        dns.change(zone, quirks);
        dns
    }

    /// From now on this is all there is.
    pub fn change(&self, zone: &str, quirks: &[(&str, &str, Quirk)]) {
        let (_, sets) = Parser::new(format!("$TTL 60\n{zone}\n"), None, Some(Name::root())).parse().unwrap();
        let records = sets.values().flat_map(|set| set.records_without_rrsigs().cloned()).collect();
        let quirk = |(name, kind, quirk): &(&str, &str, Quirk)| {
            (Name::from_ascii(format!("{name}.")).unwrap(), RecordType::from_str(kind).unwrap(), *quirk)
        };
        let mut knows = self.zone.knows.lock().unwrap();
        (knows.records, knows.quirks) = (records, quirks.iter().map(quirk).collect());
    }

    /// From now on it says, to whoever knows what that is, that its answers are authentic.
    pub fn authenticate(&self, authentic: bool) {
        self.zone.knows.lock().unwrap().authentic = authentic;
    }

    /// What it was asked so far: `_impps-client._tcp.demo.test. SRV`.
    pub fn asked(&self) -> Vec<String> {
        self.zone.asked.lock().unwrap().clone()
    }
}

/// One port that is free for both.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

/// Answers questions on a port of 127.0.0.1, over UDP (`true`) and TCP, until the test's process ends.
pub fn serve(answer: impl Fn(&[u8], bool) -> Option<Vec<u8>> + Send + Sync + 'static) -> SocketAddr {
    serve_at(sockets(), answer)
}

fn serve_at(
    (udp, tcp): (UdpSocket, TcpListener),
    answer: impl Fn(&[u8], bool) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> SocketAddr {
    let address = udp.local_addr().unwrap();
    let answer = Arc::new(answer);
    let over_tcp = answer.clone();
    thread::spawn(move || {
        let mut octets = [0; 4096];
        while let Ok((size, from)) = udp.recv_from(&mut octets) {
            if let Some(answer) = answer(&octets[..size], true) {
                let _ = udp.send_to(&answer, from);
            }
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            let answer = over_tcp.clone();
            thread::spawn(move || drop(talk(stream, &*answer)));
        }
    });
    address
}

fn talk(mut stream: TcpStream, answer: &impl Fn(&[u8], bool) -> Option<Vec<u8>>) -> std::io::Result<()> {
    loop {
        let mut size = [0; 2];
        stream.read_exact(&mut size)?;
        let mut octets = vec![0; usize::from(u16::from_be_bytes(size))];
        stream.read_exact(&mut octets)?;
        let Some(answer) = answer(&octets, false) else { continue };
        stream.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes())?;
        stream.write_all(&answer)?;
    }
}

impl Zone {
    fn answer(&self, octets: &[u8], udp: bool) -> Option<Vec<u8>> {
        let question = Message::from_vec(octets).ok()?;
        let query = question.queries.first()?.clone();
        let (name, kind) = (query.name().clone(), query.query_type());
        self.asked.lock().unwrap().push(format!("{name} {kind}"));
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.add_query(query);
        let knows = self.knows.lock().unwrap();
        answer.metadata.authentic_data = knows.authentic && question.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
        let quirk = knows.quirks.iter().find(|(at, what, _)| *at == name && *what == kind).map(|(.., quirk)| *quirk);
        match quirk {
            Some(Quirk::Silent) => return None,
            Some(Quirk::ServFail) => answer.metadata.response_code = ResponseCode::ServFail,
            Some(Quirk::Refused) => answer.metadata.response_code = ResponseCode::Refused,
            Some(Quirk::Truncated) if udp => answer.metadata.truncation = true,
            _ => knows.look_up(name, kind, &mut answer),
        }
        let whole = answer.to_vec().ok()?;
        let room = question.edns.as_ref().map_or(UDP_OCTETS, |edns| edns.max_payload().into());
        if !udp || whole.len() <= room {
            return Some(whole);
        }
        answer.metadata.truncation = true;
        answer.answers.clear();
        answer.to_vec().ok()
    }
}

impl Knows {
    /// Follows aliases as a resolver does.
    fn look_up(&self, mut name: Name, kind: RecordType, answer: &mut Message) {
        for _ in 0..10 {
            let here: Vec<&Record> = self.records.iter().filter(|record| record.name == name).collect();
            let found: Vec<Record> = here.iter().filter(|record| record.record_type() == kind).map(|r| (*r).clone()).collect();
            if !found.is_empty() {
                answer.add_answers(found);
                return;
            }
            match here
                .iter()
                .find_map(|record| if let RData::CNAME(to) = &record.data { Some((to.0.clone(), *record)) } else { None })
            {
                Some((to, record)) => {
                    answer.add_answer(record.clone());
                    name = to;
                }
                None => {
                    // A name exists if it or one below it has records.
                    if !self.records.iter().any(|record| name.zone_of(&record.name)) {
                        answer.metadata.response_code = ResponseCode::NXDomain;
                    }
                    return;
                }
            }
        }
    }
}
