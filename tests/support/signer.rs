//! A name server for tests that signs: a root and a zone below it, in this process, for machines without knot.

use super::dns::serve;
use super::signed::Chain;
use hickory_resolver::proto::dnssec::crypto::EcdsaSigningKey;
use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG};
use hickory_resolver::proto::dnssec::{Algorithm, DigestType, DnssecSigner, SigningKey};
use hickory_resolver::proto::op::{Edns, Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordSet, RecordType};
use hickory_resolver::proto::serialize::txt::Parser;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TTL: u32 = 60;
const HOUR: Duration = Duration::from_secs(3600);
/// What an answer over UDP may take (RFC 6891).
const UDP_OCTETS: u16 = 4096;

/// A root and a zone below it.
pub struct Signer {
    pub address: SocketAddr,
    /// The root's key, as `--dnssec-anchor` takes it.
    pub anchor: String,
}

impl Signer {
    /// Serves them with these records, names relative to the zone.
    pub fn start(zone: &str, records: &str, chain: Chain) -> Self {
        let child = Name::from_ascii(format!("{zone}.")).unwrap();
        let soa = "@ 60 SOA ns hostmaster 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n";
        let child = Zone::new(child.clone(), &format!("{soa}{records}"), chain != Chain::Unsigned);
        let mut root = Zone::new(Name::root(), &format!("{soa}{zone}. 60 NS ns.{zone}.\n"), true);
        if let Some(key) = &child.key {
            let public = key.key().to_public_key().unwrap();
            let mut ds = DS::from_key(&public, &child.name, DigestType::SHA256).unwrap();
            if chain == Chain::Broken {
                let mut digest = ds.digest().to_vec();
                *digest.last_mut().unwrap() ^= 1;
                ds = DS::new(ds.key_tag(), ds.algorithm(), ds.digest_type(), digest);
            }
            root.add(&child.name, RData::DNSSEC(DNSSECRData::DS(ds)));
        }
        let anchor = format!(". {TTL} IN DNSKEY {}\n", root.key.as_ref().unwrap().to_dnskey());
        let zones = [child, root];
        Self { address: serve(move |octets, _| answer(&zones, octets)), anchor }
    }
}

/// The most special of the zones answers; a DS record belongs to the one above.
fn answer(zones: &[Zone; 2], octets: &[u8]) -> Option<Vec<u8>> {
    let question = Message::from_vec(octets).ok()?;
    let query = question.queries.first()?.clone();
    let (mut name, kind) = (query.name().clone(), query.query_type());
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.metadata.authoritative = true;
    answer.add_query(query);
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_OCTETS).set_dnssec_ok(true);
    answer.set_edns(edns);
    // Aliases are followed as a resolver does.
    for _ in 0..10 {
        let holds = |zone: &&Zone| zone.name.zone_of(&name) && (kind != RecordType::DS || zone.name != name);
        let zone = zones.iter().find(holds).unwrap_or(&zones[1]);
        match zone.look_up(&name, kind, &mut answer) {
            Some(next) => name = next,
            None => break,
        }
    }
    answer.to_vec().ok()
}

/// One zone.
struct Zone {
    name: Name,
    sets: BTreeMap<(Name, RecordType), RecordSet>,
    /// `None`: it is not signed.
    key: Option<DnssecSigner>,
}

impl Zone {
    fn new(name: Name, text: &str, signed: bool) -> Self {
        let (_, sets) = Parser::new(format!("$TTL {TTL}\n{text}\n"), None, Some(name.clone())).parse().unwrap();
        let key = signed.then(|| key(&name));
        let mut zone = Self { name: name.clone(), sets: BTreeMap::new(), key };
        for record in sets.values().flat_map(|set| set.records_without_rrsigs()) {
            zone.add(&record.name, record.data.clone());
        }
        if let Some(key) = zone.key.as_ref().map(DnssecSigner::to_dnskey) {
            zone.add(&name, RData::DNSSEC(DNSSECRData::DNSKEY(key)));
        }
        zone
    }

    fn add(&mut self, name: &Name, data: RData) {
        let kind = data.record_type();
        let set = self.sets.entry((name.clone(), kind)).or_insert_with(|| RecordSet::with_ttl(name.clone(), kind, TTL));
        set.add_rdata(data);
    }

    /// Answers, or proves that there is nothing to answer; gives the name that an alias leads to.
    fn look_up(&self, name: &Name, kind: RecordType, answer: &mut Message) -> Option<Name> {
        if let Some(set) = self.sets.get(&(name.clone(), kind)) {
            answer.add_answers(self.signed(set));
            return None;
        }
        if let Some(set) = self.sets.get(&(name.clone(), RecordType::CNAME)) {
            answer.add_answers(self.signed(set));
            return set.records_without_rrsigs().find_map(|record| match &record.data {
                RData::CNAME(to) => Some(to.0.clone()),
                _ => None,
            });
        }
        let exists = |name: &Name| self.sets.keys().any(|(owner, _)| name.zone_of(owner));
        if !exists(name) {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = self.sets.get(&(self.name.clone(), RecordType::SOA)).unwrap();
        answer.add_authorities(self.signed(soa));
        if self.key.is_some() {
            let mut proofs = vec![self.gap(name)];
            if !exists(name) {
                // Nor does an asterisk stand for it.
                let mut above = name.base_name();
                while !exists(&above) {
                    above = above.base_name();
                }
                let wildcard = self.gap(&above.prepend_label("*").unwrap());
                if wildcard.name() != proofs[0].name() {
                    proofs.push(wildcard);
                }
            }
            proofs.iter().for_each(|proof| _ = answer.add_authorities(self.signed(proof)));
        }
        None
    }

    /// The NSEC record of a name, or of the one before it.
    fn gap(&self, name: &Name) -> RecordSet {
        let mut owners: Vec<&Name> = self.sets.keys().map(|(owner, _)| owner).collect();
        owners.dedup();
        let at = owners.iter().rposition(|owner| *owner <= name).unwrap();
        let (owner, next) = (owners[at], owners[(at + 1) % owners.len()]);
        let kinds: Vec<RecordType> = self.sets.keys().filter(|(of, _)| of == owner).map(|(_, kind)| *kind).collect();
        let mut set = RecordSet::with_ttl(owner.clone(), RecordType::NSEC, TTL);
        set.add_rdata(RData::DNSSEC(DNSSECRData::NSEC(NSEC::new_cover_self(next.clone(), kinds))));
        set
    }

    /// The records with their signature.
    fn signed(&self, set: &RecordSet) -> Vec<Record> {
        let mut records: Vec<Record> = set.records_without_rrsigs().cloned().collect();
        if let Some(key) = &self.key {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let since = rcgen::date_time_ymd(1970, 1, 1) + (now - HOUR);
            let signature = RRSIG::from_rrset(set, DNSClass::IN, since, key).unwrap();
            records.push(Record::from_rdata(set.name().clone(), TTL, RData::DNSSEC(DNSSECRData::RRSIG(signature))));
        }
        records
    }
}

/// A new key of a zone.
fn key(zone: &Name) -> DnssecSigner {
    const ALGORITHM: Algorithm = Algorithm::ECDSAP256SHA256;
    let octets = EcdsaSigningKey::generate_pkcs8(ALGORITHM).unwrap();
    let key = EcdsaSigningKey::from_pkcs8(&octets, ALGORITHM).unwrap();
    let public = DNSKEY::from_key(&key.to_public_key().unwrap());
    DnssecSigner::new(public, Box::new(key), zone.clone(), 2 * HOUR)
}
