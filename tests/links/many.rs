//! Hundreds of domains that watch each other: how many links that takes, how much memory, and how long news travel.
//!
//! `cargo test --release --test links -- --ignored --nocapture hundreds` prints the figures.

use crate::support::site::{address, private};
use crate::support::{Dns, bare, program, until};
use impp::Options;
use impp::engine::sasl;
use impp::model::presence::{Presence, Status};
use impp::model::{Address, Domain, Lease, Secret};
use impp::net::Clock;
use impp::net::client::{Change, Client, Content, Event};
use impp::net::connect::{HostPort, TlsKind};
use impp::store::accounts::Accounts;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RELAYS: usize = 3;
const DOMAINS: usize = 300;
/// Every domain subscribes to every so-manieth other.
const EVERY: usize = 10;
const CHANGES: usize = 60;

struct Relay {
    folder: tempfile::TempDir,
    child: Child,
    plain: SocketAddr,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(domain: usize) -> String {
    format!("d{domain:03}.test")
}

fn user(of: usize) -> Address {
    format!("u@{}", name(of)).parse().unwrap()
}

/// The domains that one relay serves.
fn served(relay: usize) -> impl Iterator<Item = usize> {
    (0..DOMAINS).filter(move |domain| domain % RELAYS == relay)
}

fn prepare(folder: &Path, relay: usize, dns: SocketAddr) -> String {
    let names: Vec<String> = served(relay).map(name).collect();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(names.clone()).unwrap().self_signed(&key).unwrap().pem();
    private(&folder.join("key.pem"), &key.serialize_pem());
    fs::write(folder.join("cert.pem"), &certificate).unwrap();
    let config = format!(
        "domains = {names:?}\ndata-dir = \"data\"\n[listen]\nplain = [\"127.0.0.1:0\"]\ntls = [\"127.0.0.1:0\"]\n\
         [tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nrequired = false\n[auth]\nscram-iterations = 4096\n\
         [dns]\nresolvers = [\"{dns}\"]\ndnssec = \"off\"\n[interdomain]\nca = \"others.pem\"\n\
         [limits]\nconnections = 20000\nconnections-per-address = 20000\n\
         [acl]\ndefault = [{{ who = \"*\", op = [\"fetch\", \"subscribe\", \"send\"], action = \"allow\" }}]\n\
         [log]\nlevel = \"info\"\nformat = \"json\"\n"
    );
    fs::write(folder.join("impp-relay.toml"), config).unwrap();
    let domains: Vec<Domain> = names.iter().map(|name| Domain::parse(name).unwrap()).collect();
    let mut accounts = Accounts::open(&folder.join("data"), domains).unwrap();
    let credentials = sasl::derive(&Secret::new("secret".to_owned()), 4096, &[7; 16]).unwrap();
    for domain in served(relay) {
        accounts.add(&user(domain), Some(&credentials), Clock::now().unix).unwrap();
    }
    certificate
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = bare(program("impp-relay"));
    command.args(words).arg("-c").arg(folder.join("impp-relay.toml"));
    command
}

/// Starts a relay; the second address is that of its TLS port.
fn start(folder: tempfile::TempDir) -> (Relay, SocketAddr) {
    let log = folder.path().join("log");
    let out = fs::File::create(&log).unwrap();
    let child = command(folder.path(), &["serve"]).stdin(Stdio::null()).stderr(out).spawn().unwrap();
    let ready = || fs::read_to_string(&log).unwrap().lines().find(|line| line.contains("relay is ready")).map(str::to_owned);
    until("the relay is ready", || ready().is_some());
    let line = ready().unwrap();
    (Relay { plain: address(&line, "plain"), folder, child }, address(&line, "tls"))
}

/// Resident memory of a process in KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time of a process, in hundredths of a second.
fn worked(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn links(relay: &Relay) -> usize {
    let done = command(relay.folder.path(), &["links", "--json"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let lines = String::from_utf8(done.stdout).unwrap();
    let count = |line: &str| serde_json::from_str::<Value>(line).unwrap()["links"].as_array().unwrap().len();
    lines.lines().map(count).sum()
}

async fn connect(relay: &Relay, of: usize) -> Client {
    let mut options = Options::password(&user(of), Secret::new("secret".to_owned()));
    options.server = HostPort::parse(&relay.plain.to_string());
    options.tls = TlsKind::Off;
    Client::connect(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; run it for its figures"]
async fn hundreds_of_domains_watch_each_other() {
    let dns = Dns::start("", &[]);
    let folders: Vec<_> = (0..RELAYS).map(|_| tempfile::tempdir().unwrap()).collect();
    let all: String = folders.iter().enumerate().map(|(at, folder)| prepare(folder.path(), at, dns.address)).collect();
    folders.iter().for_each(|folder| fs::write(folder.path().join("others.pem"), &all).unwrap());
    let mut zone = String::new();
    let mut relays = Vec::new();
    for (at, folder) in folders.into_iter().enumerate() {
        let (relay, tls) = start(folder);
        for domain in served(at) {
            let _ = writeln!(zone, "_impps-server._tcp.{0}. SRV 0 0 {1} im{at}.test.", name(domain), tls.port());
        }
        let _ = writeln!(zone, "im{at}.test. A 127.0.0.1");
        relays.push(relay);
    }
    dns.change(&zone, &[]);
    let at_rest: Vec<u64> = relays.iter().map(|relay| resident(relay.child.id())).collect();

    let mut clients = Vec::new();
    for domain in 0..DOMAINS {
        clients.push(connect(&relays[domain % RELAYS], domain).await);
    }
    let logged_in: Vec<u64> = relays.iter().map(|relay| resident(relay.child.id())).collect();
    let begun = Instant::now();
    let asking = clients.iter().enumerate().map(|(domain, client)| {
        let client = client.clone();
        tokio::spawn(async move {
            let others = (0..DOMAINS).filter(|other| *other != domain && other % EVERY == domain % EVERY);
            for other in others {
                client.subscribe(&user(other), Some(Duration::from_secs(3600))).await.unwrap();
            }
        })
    });
    for task in asking.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let subscriptions = DOMAINS * (DOMAINS / EVERY - 1);
    let (took, ends) = (begun.elapsed(), relays.iter().map(links).sum::<usize>());
    println!(
        "{DOMAINS} domains at {RELAYS} relays, {subscriptions} subscriptions in {:.1} s, {} links",
        took.as_secs_f64(),
        ends / 2
    );
    for (at, relay) in relays.iter().enumerate() {
        let now = resident(relay.child.id());
        let grown = now.saturating_sub(logged_in[at]);
        println!("relay {at}: {} KiB at rest, {} with clients, {now} with links: {grown} KiB more", at_rest[at], logged_in[at]);
    }

    // Each value goes to every watcher; the next comes when all have it.
    let watchers = DOMAINS / EVERY - 1;
    let worked_before: u64 = relays.iter().map(|relay| worked(relay.child.id())).sum();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for change in 0..CHANGES {
        let domain = change * 7 % DOMAINS;
        let waiting: Vec<_> = (0..DOMAINS)
            .filter(|other| *other != domain && other % EVERY == domain % EVERY)
            .map(|other| {
                let client = clients[other].clone();
                tokio::spawn(async move {
                    while !matches!(client.next_event().await.unwrap(), Event::Changed { .. }) {}
                    Instant::now()
                })
            })
            .collect();
        let presence = Presence { status: Status::Open, note: Some(format!("change {change}")), ..Presence::closed() };
        let begun = Instant::now();
        let value = Change { lease: Lease::Infinity, if_version: None, view: None, content: Some(Content::presence(&presence)) };
        clients[domain].change(&user(domain), &value).await.unwrap();
        let mut times = Vec::new();
        for task in waiting {
            times.push(task.await.unwrap().duration_since(begun));
        }
        times.sort_unstable();
        assert_eq!(times.len(), watchers);
        first.push(times[0]);
        last.push(times[watchers - 1]);
    }
    let worked: u64 = relays.iter().map(|relay| worked(relay.child.id())).sum::<u64>() - worked_before;
    first.sort_unstable();
    last.sort_unstable();
    let (middle, most) = (CHANGES / 2, CHANGES - 1);
    println!(
        "{CHANGES} changes, {watchers} watchers each: the last one told after {:.1} ms (median), {:.1} ms (worst); the first after {:.1} ms",
        last[middle].as_secs_f64() * 1e3,
        last[most].as_secs_f64() * 1e3,
        first[middle].as_secs_f64() * 1e3
    );
    println!("{:.0} us of the relays' processor time a notification", worked as f64 * 1e4 / (CHANGES * watchers) as f64);
}
