//! Asking a resolver on this machine that validates, and believing what it says of its answers: the AD bit (RFC 6840, section 5.8).

use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer, RetryDnsHandle};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::{DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::sync::Arc;

/// The resolver. It has the cache, so that none is needed here.
#[derive(Clone)]
pub(super) struct Trusting {
    servers: RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>,
}

impl Trusting {
    /// `None`: the crate cannot be set up.
    pub(super) fn new(config: &ResolverConfig, settings: ResolverOpts) -> Option<Self> {
        let attempts = settings.attempts;
        let context = Arc::new(PoolContext::new(settings, TlsConfig::new().ok()?));
        let servers = config.name_servers().to_vec();
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Some(Self { servers: RetryDnsHandle::new(pool, attempts) })
    }

    /// The records of an answer, each as far proven as all of them.
    pub(super) async fn lookup(&self, name: Name, kind: RecordType) -> Result<Vec<Record>, NetError> {
        let mut options = DnsRequestOptions::default();
        // Only who shows that they know the bit are told by it.
        options.use_edns = true;
        options.edns_set_dnssec_ok = true;
        let response = self.servers.lookup(Query::query(name, kind), options).first_answer().await?;
        let response = DnsError::from_response(response)?;
        let proof = if response.metadata.authentic_data { Proof::Secure } else { Proof::Insecure };
        let mut records = response.into_message().answers;
        records.iter_mut().for_each(|record| record.proof = proof);
        Ok(records)
    }
}
