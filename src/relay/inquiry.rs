//! What a login asks of the store or the DNS; whoever guesses waits before anybody is asked.

use super::guard::TooMany;
use super::session::Shared;
use crate::engine::ServerCommand;
use crate::engine::ServerEvent;
use crate::model::Address;
use crate::model::Domain;
use crate::net;
use crate::net::Clock;
use crate::net::link::Proof;
use crate::service::Limit;
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The answer that is to come. `None`: there is none, and the time to log in runs out.
///
/// # Errors
/// So many log in from there that this one cannot be looked at in time.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Option<ServerCommand>, TooMany>> + Send>>;

/// Somebody who logs in.
pub(super) struct Inquiry {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: IpAddr,
    /// What it showed in TLS.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl Inquiry {
    /// Has a question of the login answered.
    pub(super) fn ask(self, question: ServerEvent) -> Answering {
        Box::pin(self.answer(question))
    }

    async fn answer(self, question: ServerEvent) -> Result<Option<ServerCommand>, TooMany> {
        let neighbours = self.shared.neighbours.as_ref();
        Ok(match question {
            ServerEvent::LookUp(user) => {
                self.wait_for_turn(&user).await?;
                Some(ServerCommand::Credentials(self.shared.hub.credentials(user).await))
            }
            ServerEvent::LookUpPeer(origin) => {
                self.wait_for_turn(&Address::of_domain(&origin)).await?;
                Some(ServerCommand::Credentials(neighbours.and_then(|neighbours| neighbours.credentials(&origin))))
            }
            ServerEvent::JudgePeer(origin) => {
                self.wait_for_turn(&Address::of_domain(&origin)).await?;
                let Some(neighbours) = neighbours else { return Ok(None) };
                let judged = neighbours.judge(&origin, &self.chain, self.peer).await;
                Some(ServerCommand::PeerJudged(self.log_judgement(&origin, judged)))
            }
            _ => None,
        })
    }

    /// Whoever guesses waits, before it is looked whether the guess is right.
    async fn wait_for_turn(&self, who: &Address) -> Result<(), TooMany> {
        let hub = &self.shared.hub;
        let delay = hub.guard().delay(Clock::instant(), self.peer, who);
        if delay != Ok(Duration::ZERO) {
            hub.reached(Limit::FailedLogins, &self.peer.to_canonical());
        }
        tokio::time::sleep(delay?).await;
        Ok(())
    }

    /// Tells why another domain was believed or not.
    fn log_judgement(&self, origin: &Domain, judged: Result<Proof, net::client::Error>) -> bool {
        let address = self.peer.to_canonical();
        match &judged {
            Ok(proof) => tracing::debug!(%address, domain = %origin, by = %proof, "certificate accepted"),
            Err(error) => tracing::warn!(%address, domain = %origin, %error, "certificate not accepted for this domain"),
        }
        judged.is_ok()
    }
}
