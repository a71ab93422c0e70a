//! The TLS handshake of an accepted connection, wherever it comes: first of all, or behind STARTTLS.

use super::metrics::Outcome;
use super::session::Shared;
use crate::engine::TlsInfo;
use crate::net::LINGER;
use crate::net::MaybeTls;
use std::net::SocketAddr;
#[allow(clippy::disallowed_types, reason = "it comes from a socket of the relay")]
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio::time::timeout_at;

impl Shared {
    /// Does it by `until`, and while the relay runs; a relay without TLS takes no part in it.
    ///
    /// # Errors
    /// How the connection ends. Unless the relay ends it, it is counted as a handshake that failed.
    #[allow(clippy::disallowed_types, reason = "it comes from a socket of the relay")]
    pub(super) async fn shake_hands(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<(MaybeTls, TlsInfo), Outcome> {
        let Some(tls) = &self.tls else { return Err(Outcome::Handshake) };
        let closed = async {
            self.hub.closes().await;
            // Whoever is about to end it is still told BYE.
            tokio::time::sleep(LINGER).await;
        };
        let shaken = tokio::select! {
            shaken = timeout_at(until, tls.accept(stream)) => shaken,
            () = closed => return Err(Outcome::Dropped),
        };
        let outcome = match shaken {
            Ok(Ok((stream, info))) => return Ok((MaybeTls::Tls(Box::new(stream.into())), info)),
            Ok(Err(error)) => {
                if let Some(unsaid) = self.hub.may_say("handshake") {
                    tracing::info!(%peer, %error, unsaid, "TLS handshake failed");
                }
                Outcome::Handshake
            }
            Err(_) => Outcome::LoginTime,
        };
        self.hub.metrics().handshakes_failed.up();
        Err(outcome)
    }
}
