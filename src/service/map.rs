//! Maps by what strangers name: hashed with a secret of this process, in a fraction of the time that the standard library's hash takes.

/// A map. An empty one is made by `default`.
///
/// The standard library's own, taken from where it comes from: there a key can be looked up by the texts of which it would be made.
pub(super) type HashMap<K, V> = hashbrown::HashMap<K, V, foldhash::quality::RandomState>;

/// A map that is walked in the order in which its keys came, as long as none is taken out: the same calls have the same effects.
pub(super) type OrderedMap<K, V> = indexmap::IndexMap<K, V, foldhash::quality::RandomState>;

/// A set of the same kind.
pub(super) type HashSet<K> = hashbrown::HashSet<K, foldhash::quality::RandomState>;
