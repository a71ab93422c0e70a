//! From the configuration to what engine, service and TLS want to be told.

use super::config::Config;
use super::config::KeyPair;
use super::neighbours::Introduction;
use crate::engine;
use crate::engine::LinkPolicy;
use crate::engine::Mechanism;
use crate::engine::PeerPolicy;
use crate::engine::TlsPolicy;
use crate::model::Domain;
use crate::net::tls::CertificateSource;
use crate::net::tls::ServerTlsOptions;
use crate::service::DomainRules;
use crate::service::LinkRules;
use crate::service::MailboxRules;
use crate::service::ServiceConfig;
use crate::store::DomainRecord;
use std::collections::BTreeMap;

/// What the relay calls itself.
const AGENT: &str = concat!("impp-relay/", env!("CARGO_PKG_VERSION"));

/// The certificates; `None` where there are none, and so no TLS.
pub(super) fn tls_options(config: &Config) -> Option<ServerTlsOptions> {
    let source = |domain: Option<&Domain>, pair: &KeyPair| CertificateSource {
        domain: domain.cloned(),
        certificate: pair.certificate.clone(),
        key: pair.key.clone(),
    };
    let own = config.tls.domains.iter().map(|(domain, pair)| source(Some(domain), pair));
    let certificates: Vec<_> = own.chain(config.tls.certificate.iter().map(|pair| source(None, pair))).collect();
    (!certificates.is_empty()).then(|| ServerTlsOptions {
        certificates,
        client_authority: config.tls.client_ca.clone(),
        asks_domains: config.interdomain.enabled,
    })
}

/// What every connection's engine is told; `domains` are those of the store, in any order.
pub(super) fn engine_config(
    config: &Config,
    domains: &[DomainRecord],
    tls: bool,
    peers: BTreeMap<Domain, PeerPolicy>,
) -> engine::ServerConfig {
    let policy = match (tls, config.tls.required) {
        (false, _) => TlsPolicy::None,
        (true, false) => TlsPolicy::Offered,
        (true, true) => TlsPolicy::Required,
    };
    let mechanisms: Vec<_> = config.auth.mechanisms.iter().filter_map(|name| Mechanism::parse(name)).collect();
    // Without TLS nobody can come but whom the operator allowed to do without.
    let enabled = config.interdomain.enabled && (tls || peers.values().any(|peer| peer.clear));
    let domain = |record: &DomainRecord| engine::DomainConfig {
        mechanisms: mechanisms.clone(),
        iterations: record.iterations,
        decoy_key: record.decoy_key,
        anonymous: config.auth.anonymous,
        services: config.services,
        lease: config.lease,
    };
    engine::ServerConfig {
        domains: domains.iter().map(|record| (record.name.clone(), domain(record))).collect(),
        max_body: config.limits.body,
        max_outstanding: config.limits.outstanding,
        login_octets: config.limits.login_octets,
        links: LinkPolicy { enabled, max_outstanding: link_rules(config).outstanding, peers },
        tls: policy,
        ..engine::ServerConfig::new(AGENT)
    }
}

/// What other domains are told.
pub(super) fn introduction(config: &Config) -> Introduction {
    Introduction { agent: AGENT, max_body: config.limits.body, max_outstanding: link_rules(config).outstanding }
}

fn link_rules(config: &Config) -> LinkRules {
    let others = &config.interdomain;
    LinkRules {
        enabled: others.enabled,
        response_timeout: others.response_timeout,
        idle: others.idle,
        connections: others.limits.links,
        outstanding: others.limits.outstanding,
        outstanding_octets: others.limits.outstanding_octets,
        requests_per_second: others.limits.requests_per_second,
        subscriptions: others.limits.subscriptions,
    }
}

/// What the rules are told.
pub(super) fn service_config(config: &Config, request_prefix: String) -> ServiceConfig {
    let (mailbox, limits) = (&config.mailbox, &config.limits);
    let rules = DomainRules {
        services: config.services,
        lease: config.lease,
        default_acl: config.acl.clone(),
        mailbox: MailboxRules {
            enabled: mailbox.enabled,
            max_messages: mailbox.max_messages,
            max_octets: mailbox.max_octets,
            max_age: mailbox.max_age,
            delivery_timeout: mailbox.delivery_timeout,
        },
    };
    let domains = config.domains.iter().map(|name| (name.clone(), rules.clone())).collect();
    ServiceConfig {
        outstanding: limits.outstanding,
        outstanding_octets: limits.outstanding_octets,
        memory_octets: limits.memory,
        unacknowledged_octets: limits.unacknowledged,
        requests: limits.requests,
        messages: limits.messages,
        remembered_max: limits.remembered_deliveries,
        cached_users: limits.cached_users,
        sessions_per_user: limits.connections_per_user,
        subscriptions_per_session: limits.subscriptions_per_session,
        subscribers_per_user: limits.subscribers_per_user,
        views_per_user: limits.views_per_user,
        presence_octets: limits.presence_octets,
        acl_rules: limits.acl_rules,
        links: link_rules(config),
        ..ServiceConfig::new(domains, request_prefix)
    }
}
