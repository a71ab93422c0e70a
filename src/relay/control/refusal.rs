//! Why a command is not obeyed: a sentence for the administrator, and the exit status with which the command ends.

use crate::model::ErrorKind;
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
    /// What was read is not fit to be used, and what was in force stays so.
    Configuration = 78,
}

impl Refusal {
    pub(in crate::relay) fn new(why: Why, reason: impl Into<String>) -> Self {
        Self { why, reason: reason.into() }
    }

    /// The relay ends before it has an answer.
    pub(in crate::relay) fn stopping() -> Self {
        Self::new(Why::Later, "the relay is stopping")
    }

    /// What an ERROR to an owner's request means to the administrator who made it.
    pub(super) fn of_kind(kind: ErrorKind, reason: Option<&str>) -> Self {
        let why = match kind {
            ErrorKind::TargetUnknown => Why::NoUser,
            ErrorKind::MimeTypeNotUnderstood | ErrorKind::OperationNotSupported | ErrorKind::MessageTooLarge => Why::Data,
            ErrorKind::ServerError => Why::Store,
            ErrorKind::Conflict => Why::Later,
            _ => Why::Usage,
        };
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        Self::new(why, format!("{kind}{reason}"))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(Why::Store, error.to_string())
    }
}
