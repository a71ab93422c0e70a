//! Whether a domain can be found and used: what was seen of it, and a judgement with what to change (SPEC §2).
//!
//! [`Facts`] is everything that was seen, and [`judge`] makes [`Finding`]s of it, without a look at anything else; `gather`
//! does the looking. Who prints them, and how, is no concern of this module.

pub mod catalogue;
pub mod facts;
pub mod finding;
pub mod gather;
mod records;
mod servers;
#[cfg(test)]
mod tests;

pub use catalogue::Id;
pub use facts::{Authority, Expected, Facts, Host, RoleFacts, Source, Visit};
pub use finding::{Finding, Severity, Verdict};
pub use gather::{Books, Look, Progress, gather};

/// Judges: the worst first, and what is alike in the order in which it was met.
#[must_use]
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = records::judge(facts);
    findings.extend(servers::judge(facts));
    // What is said of a host may come up with each of its records, and with each role.
    let mut told: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match told.iter_mut().find(|known| known.is_alike(&finding)) {
            Some(known) => known.join(finding),
            None => told.push(finding),
        }
    }
    told.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    told
}
