//! Maps by what strangers name: hashed with a secret of this process, in a fraction of the time that the standard library's hash takes.

/// A map. An empty one is made by `default`.
///
/// The standard library's own, taken from where it comes from: there a key can be looked up by the texts of which it would be made.
pub(super) type HashMap<K, V> = hashbrown::HashMap<K, V, foldhash::quality::RandomState>;
