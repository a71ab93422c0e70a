//! Maps by what strangers name: hashed with a secret of this process, in a fraction of the time that the standard library's hash takes.

/// A map. An empty one is made by `default`.
pub(super) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::quality::RandomState>;
