//! The limits in force: one value, exchanged whole by a reload, and read where it counts.

use super::config::Limits;
use arc_swap::ArcSwap;

/// What one party may take, now.
pub(super) type InForce = ArcSwap<Limits>;

/// The defaults, but for what is changed.
#[cfg(test)]
pub(super) fn testing(change: impl FnOnce(&mut Limits)) -> std::sync::Arc<InForce> {
    let text = "domains = [\"a.test\"]\ndata-dir = \"d\"\ntls.required = false\n";
    let mut limits = super::config::Config::parse(std::path::Path::new("t.toml"), text).unwrap().limits;
    change(&mut limits);
    std::sync::Arc::new(ArcSwap::from_pointee(limits))
}
