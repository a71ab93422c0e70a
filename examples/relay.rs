//! A relay inside a program: a domain on loopback for two users, and one message between them.
//!
//! `cargo run --example relay`

#![allow(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use impp::engine::sasl::{PasswordRefused, SALT_OCTETS, derive};
use impp::model::{Address, Credentials, Domain, Secret};
use impp::net::client::{Event, Message};
use impp::net::connect::HostPort;
use impp::net::tls::Trust;
use impp::net::tls::files::read_authorities;
use impp::net::{Clock, random};
use impp::relay::config::Config;
use impp::relay::init::{Init, Random};
use impp::relay::{Bound, Given, Sockets, serve};
use impp::store::accounts::Accounts;
use impp::{Client, Options};
use std::error::Error;
use tokio::sync::{oneshot, watch};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let domain = Domain::parse("demo.test")?;
    let password = Secret::new("correct horse".into());

    // What `impp-relay init` does: configuration, certificate, store, and the first user.
    let report = Init {
        domain: domain.clone(),
        host: None,
        admin: Some("alice"),
        folder: Some(folder.path()),
        owner: None,
        has_unit: false,
        program: "impp-relay".as_ref(),
        password: Some(password.clone()),
        random: Random { password: random::octets(), decoy_key: random::octets() },
        now: Clock::now().unix,
        derive: &hash,
    }
    .run()?;
    let mut config = Config::load(&report.config)?;
    config.listen.plain.clear();
    config.listen.tls = vec!["127.0.0.1:0".parse()?];

    // A second user.
    let bob = Address::parse("bob@demo.test")?;
    let mut accounts = Accounts::open(&config.data_dir, [domain.clone()])?;
    let iterations = accounts.domain(&impp::relay::fresh_record(&domain, &config))?.iterations;
    accounts.add(&bob, Some(&hash(&password, iterations)?), Clock::now().unix)?;
    drop(accounts);

    // The relay runs until it is told to stop.
    let (ready, is_ready) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let (_reread, reread) = watch::channel(());
    let sockets = Sockets::open(&config, Vec::new())?;
    let relay = tokio::spawn(async move {
        let ready = move |bound: &Bound| drop(ready.send(bound.clone()));
        serve(&config, sockets, Given { ready, reread, stop: async { drop(stopped.await) }, log: None, stage: None }).await
    });
    let Some(port) = is_ready.await?.tls.first().map(std::net::SocketAddr::to_string) else { return Err("no port".into()) };

    let login = |user: &Address, messages| -> Result<Options, Box<dyn Error>> {
        let mut options = Options::password(user, password.clone());
        options.server = HostPort::parse(&port);
        options.trust = Trust::Authorities(read_authorities(&report.certificate)?);
        options.accepts_messages = messages;
        Ok(options)
    };
    let receiver = Client::connect(login(&bob, true)?).await?;
    let alice = Address::parse("alice@demo.test")?;
    let sender = Client::connect(login(&alice, false)?).await?;

    let id = random::message_id(&domain);
    let body = format!("From: alice@demo.test\r\nMessage-ID: {id}\r\nSubject: hello\r\n\r\nHello, Bob.\r\n");
    let message = Message { id, content_type: "message/rfc822".into(), body: body.into(), wanted: None };
    let sending = tokio::spawn(async move { sender.send(&bob, &message).await });
    if let Some(Event::Message(incoming)) = receiver.next_event().await {
        println!("bob has got from {}:\n{}", incoming.from, String::from_utf8_lossy(incoming.body()));
        incoming.accept();
    }
    println!("alice was told: {:?}", sending.await??.delivery);

    receiver.close().await?;
    let _ = stop.send(());
    relay.await??;
    Ok(())
}

fn hash(password: &Secret, iterations: u32) -> Result<Credentials, PasswordRefused> {
    derive(password, iterations, &random::octets::<SALT_OCTETS>())
}
