//! Watches somebody's presence, whatever becomes of the connection, until interrupted.
//!
//! `IMPP_PASSWORD=.. cargo run --example watch_presence -- alice@example.org im.example.org bob@example.org`
//!
//! With a fourth argument, a PEM file: trusts the authorities in it instead of those of this system.

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use impp::Options;
use impp::model::{Address, Secret};
use impp::net::client::{Steady, SteadyEvent};
use impp::net::connect::HostPort;
use impp::net::tls::Trust;
use impp::net::tls::files::read_authorities;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [login, server, target, authorities @ ..] = arguments.as_slice() else {
        return Err("watch_presence LOGIN SERVER TARGET [CA-FILE]".into());
    };
    let (login, target): (Address, Address) = (login.parse()?, target.parse()?);
    let mut options = Options::password(&login, Secret::new(std::env::var("IMPP_PASSWORD")?));
    options.server = HostPort::parse(server);
    if let Some(file) = authorities.first() {
        options.trust = Trust::Authorities(read_authorities(file.as_ref())?);
    }

    let mut steady = Steady::connect(options).await?;
    steady.subscribe(&target, None);
    loop {
        let event = tokio::select! {
            event = steady.next_event() => event,
            _ = tokio::signal::ctrl_c() => break,
        };
        match event {
            Some(SteadyEvent::Changed { value, .. }) => match value.presence {
                // A note is a stranger's text: Debug shows what a terminal would obey as escapes.
                Some(presence) => println!("{target}: {} {:?}", presence.status.as_str(), presence.note.unwrap_or_default()),
                None => println!("{target}: something that this program cannot read"),
            },
            Some(SteadyEvent::Terminated { cause, .. }) => println!("{target}: ended, {}", cause.as_str()),
            Some(SteadyEvent::Refused { error, .. }) => return Err(error.into()),
            Some(SteadyEvent::Lost { error, retry_in }) => println!("{error}; coming back in {} s", retry_in.as_secs()),
            Some(SteadyEvent::Resumed { .. }) => println!("back again"),
            Some(SteadyEvent::Over(error)) => return Err(error.into()),
            Some(_) => {}
            None => break,
        }
    }
    steady.close().await;
    Ok(())
}
