//! `--order N`: the order drawn N times as clients draw it, and how often each record came first.

use super::Setting;
use super::args::SrvArgs;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::print::{Printer, Record};
use crate::model::Domain;
use crate::net::connect::TlsKind;
use crate::net::dns::{NoOffer, Offer, Published};
use crate::net::judge::Books;
use crate::net::random;
use std::collections::HashMap;

pub(super) async fn work(args: &SrvArgs, draws: u32, domains: &[Domain], setting: &Setting, out: &Printer) -> Outcome<Exit> {
    let mut exits = Vec::new();
    for domain in domains {
        let books: Books = setting.books(args, domain)?;
        for (role, _) in &setting.roles {
            let published = books.published(domain, *role).await;
            exits.push(one(&published, draws, args.seed, out)?);
        }
    }
    Ok(exits.into_iter().max_by_key(|exit| exit.code()).unwrap_or(Exit::Yes))
}

fn one(published: &Published, draws: u32, seed: Option<u64>, out: &Printer) -> Outcome<Exit> {
    let (role, domain) = (published.role, &published.domain);
    let mut dice = dice(seed);
    let mut firsts: HashMap<(String, u16, bool), u32> = HashMap::new();
    let mut all: Vec<Offer> = Vec::new();
    for _ in 0..draws {
        let offers = match published.offers(&mut dice) {
            Ok(offers) => offers,
            Err(NoOffer::Declined) => {
                out.note(&format!("{}: {} is decidedly not offered", domain.shown(), role.question(TlsKind::Require, domain)));
                return Ok(Exit::No);
            }
            Err(NoOffer::Undecided(tls, failure)) => {
                let question = role.question(tls, domain);
                return Err(Failure::new(Exit::Unknown, format!("cannot draw: {question} SRV: {failure}")));
            }
        };
        if let Some(first) = offers.first() {
            *firsts.entry(key(first)).or_default() += 1;
        }
        if all.is_empty() {
            all = offers;
        }
    }
    all.sort_by_key(|offer| {
        let priority = offer.record.as_ref().map_or(0, |srv| srv.priority);
        (priority, std::cmp::Reverse(firsts.get(&key(offer)).copied().unwrap_or(0)), offer.host.clone())
    });
    for offer in &all {
        let question = role.question(offer.tls, domain);
        let record = match &offer.record {
            Some(srv) => format!("{question}. SRV {srv}"),
            None => format!("{}:{} (no SRV record)", offer.host, offer.port),
        };
        let first = firsts.get(&key(offer)).copied().unwrap_or(0);
        let share = f64::from(first) / f64::from(draws);
        let line = format!("{:5.1} %  {first:>8}  {record}", share * 100.0);
        let fields = Record::new()
            .with("domain", domain.as_str())
            .with("role", super::report::role_word(Some(role)))
            .with("record", record)
            .with("first", first)
            .with("share", share);
        out.record(&fields, &line)?;
    }
    Ok(Exit::Yes)
}

fn key(offer: &Offer) -> (String, u16, bool) {
    let record = offer.record.as_ref().map(ToString::to_string).unwrap_or_else(|| offer.host.clone());
    (record, offer.port, offer.tls == TlsKind::Require)
}

/// SplitMix64 with a seed; the system's dice without.
fn dice(seed: Option<u64>) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |bound| match &mut state {
        None => random::below(bound),
        Some(state) => {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u64::try_from((u128::from(mixed ^ (mixed >> 31)) * u128::from(bound)) >> 64).unwrap_or(0)
        }
    }
}
