//! The TLS handshake of an accepted connection, wherever it comes: first of all, or behind STARTTLS.

use super::metrics::Outcome;
use super::session::Shared;
use crate::engine::TlsInfo;
use crate::net::MaybeTls;
use std::net::SocketAddr;
#[allow(clippy::disallowed_types, reason = "it comes from a socket of the relay")]
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio::time::timeout_at;

impl Shared {
    /// Does it by `until`; a relay without TLS takes no part in it.
    ///
    /// # Errors
    /// How the connection ends; it is counted as a handshake that failed.
    #[allow(clippy::disallowed_types, reason = "it comes from a socket of the relay")]
    pub(super) async fn shake_hands(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<(MaybeTls, TlsInfo), Outcome> {
        let Some(tls) = &self.tls else { return Err(Outcome::Handshake) };
        let outcome = match timeout_at(until, tls.accept(stream)).await {
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
