//! Why a command is not obeyed: a sentence for the administrator, and the exit status with which the command ends.

use crate::service::store::StoreError;

/// A refusal. The sentence is ours, never a stranger's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::relay) struct Refusal {
    pub(in crate::relay) why: Why,
    pub(in crate::relay) reason: String,
}

/// What a refusal means, as the number that `impp-relay` ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Why {
    /// The question makes no sense.
    Usage = 64,
    /// A value in it makes no sense.
    Data = 65,
    /// There is no such user.
    NoUser = 67,
    /// There is no such thing to do it to.
    Nothing = 69,
    /// The store cannot be read or written.
    Store = 74,
    /// Something is under way; later perhaps.
    Later = 75,
}

impl Refusal {
    pub(in crate::relay) fn new(why: Why, reason: impl Into<String>) -> Self {
        Self { why, reason: reason.into() }
    }

    /// The relay ends before it has an answer.
    pub(in crate::relay) fn stopping() -> Self {
        Self::new(Why::Later, "the relay is stopping")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(Why::Store, error.to_string())
    }
}
