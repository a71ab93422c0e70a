//! Sends one message.
//!
//! `IMPP_PASSWORD=.. cargo run --example send_one -- alice@example.org im.example.org bob@example.org "Lunch at one?"`
//!
//! With a fifth argument, a PEM file: trusts the authorities in it instead of those of this system.

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use impp::model::content::{Body, Draft};
use impp::model::{Address, Secret};
use impp::net::client::{Delivery, Message};
use impp::net::connect::HostPort;
use impp::net::tls::Trust;
use impp::net::tls::files::read_authorities;
use impp::net::{Clock, random};
use impp::{Client, Options};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [login, server, to, text, authorities @ ..] = arguments.as_slice() else {
        return Err("send_one LOGIN SERVER TO TEXT [CA-FILE]".into());
    };
    let (login, to): (Address, Address) = (login.parse()?, to.parse()?);

    let mut draft = Draft::new(login.clone(), random::message_id(&login.domain()), Clock::now().unix);
    draft.to = vec![to.clone()];
    draft.body = Some(Body::Text(text.clone().into()));
    let built = draft.build()?;
    let message = Message { id: draft.message_id, content_type: built.content_type.into(), body: built.octets, wanted: None };

    let mut options = Options::password(&login, Secret::new(std::env::var("IMPP_PASSWORD")?));
    options.server = HostPort::parse(server);
    // The message travels together with the last step of the login.
    options.early = true;
    if let Some(file) = authorities.first() {
        options.trust = Trust::Authorities(read_authorities(file.as_ref())?);
    }

    // The Message-ID stays the same, so that trying again cannot deliver twice.
    for wait in [1, 5, 25] {
        match attempt(&options, &to, &message).await {
            Ok(Delivery::Delivered) => {
                println!("delivered");
                return Ok(());
            }
            Ok(Delivery::Stored) => {
                println!("stored until somebody takes it");
                return Ok(());
            }
            Err(error) if error.is_temporary() => {
                println!("{error}; trying again in {wait} s");
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err("given up".into())
}

async fn attempt(options: &Options, to: &Address, message: &Message) -> Result<Delivery, impp::Error> {
    let client = Client::connect(options.clone()).await?;
    let (_, sent) = client.send_following(to, message).await?;
    client.close().await?;
    Ok(sent.delivery)
}
