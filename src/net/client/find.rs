//! From a client's options to the race for a connection: a named server, or whatever the DNS says.

use super::error::Error;
use super::open::{ClientDrive, Opener};
use super::options::Options;
use crate::net::connect::{Candidates, ConnectError, HostPort, Limits, Race, TlsKind};
use crate::net::dns::{Failure, Published, Resolver};
use crate::net::random;
use std::sync::Arc;
use std::time::Instant;
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
use tokio::net::TcpStream;

/// The attempts of one client.
#[allow(clippy::disallowed_types, reason = "sockets live in net")]
pub(in crate::net) type Attempts = Race<ClientDrive<TcpStream>, Error>;

/// Begins the race, and tells whether its connections prove who the server is.
pub(in crate::net) async fn begin(
    options: &Arc<Options>,
    server: Option<&HostPort>,
    deadline: Instant,
) -> Result<(Attempts, bool), Error> {
    let (opener, found) = tokio::join!(Opener::new(options), candidates(options, server, deadline));
    let (opener, (candidates, resolver)) = (Arc::new(opener?), found?);
    let limits =
        Limits { attempt: options.connect_timeout, deadline, family: options.family, clear_anywhere: options.clear_anywhere };
    let verifies = opener.verifies();
    let open = Arc::new(move |stream, place: crate::net::connect::Place| {
        let opener = opener.clone();
        let opening = async move { opener.open(stream, place.candidate.tls, &place.expected).await };
        Box::pin(opening) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
    });
    Ok((Race::new(candidates, resolver, options.trust.heeds_tlsa(), limits, open), verifies))
}

async fn candidates(
    options: &Options,
    server: Option<&HostPort>,
    deadline: Instant,
) -> Result<(Candidates, Option<Resolver>), ConnectError> {
    if let Some(server) = server {
        return Ok((Candidates::named(&options.domain, server, options.tls), options.resolver.clone()));
    }
    let resolver = match &options.resolver {
        Some(resolver) => resolver.clone(),
        None => Resolver::system().map_err(|_| ConnectError::NoResolver)?,
    };
    let asking = Published::ask(&resolver, &options.domain, options.role());
    let published = tokio::time::timeout_at(deadline.into(), asking).await.map_err(|_| {
        let question = format!("{} SRV", options.role().question(TlsKind::Require, &options.domain));
        ConnectError::Undecided { question, why: Failure::Timeout }
    })?;
    Ok((Candidates::published(&published, options.tls, &mut random::below)?, Some(resolver)))
}
