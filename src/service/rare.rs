//! What few of many have: the others pay a pointer for it.

use super::abroad::Abroad;
use super::mailbox::Mailbox;
use super::map::OrderedMap;
use super::sessions::SessionKey;
use super::subscribe::Subscription;
use super::users::Held;
use super::watchers::Refusal;
use crate::model::Address;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

/// A value that has room of its own from its first change on; until then it is as [`Blank::blank`] shows it.
///
/// Whoever changes nothing in it must not ask for `&mut` of it, or the room is taken.
#[derive(Debug)]
pub(super) struct Rare<T>(Option<Box<T>>);

/// A value that looks alike wherever nothing has happened.
pub(super) trait Blank: Default + 'static {
    /// As it is in the beginning.
    fn blank() -> &'static Self;
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Blank> Deref for Rare<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::blank())
    }
}

impl<T: Blank> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Blank> Rare<T> {
    /// The value, if it has been changed: what is to be found in it can only be there then.
    pub(super) fn changed(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// The value itself.
    pub(super) fn into_inner(self) -> T {
        self.0.map(|value| *value).unwrap_or_default()
    }
}

macro_rules! blank {
    ($value:ty) => {
        impl Blank for $value {
            fn blank() -> &'static Self {
                static BLANK: LazyLock<$value> = LazyLock::new(Default::default);
                &BLANK
            }
        }
    };
}

blank!(Mailbox);
blank!(OrderedMap<SessionKey, Subscription>);
blank!(BTreeSet<Address>);
blank!(VecDeque<Held>);
blank!(VecDeque<Refusal>);
blank!(BTreeMap<Address, Abroad>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_by_the_first_change() {
        let mut seen: Rare<BTreeSet<Address>> = Rare::default();
        assert!(seen.is_empty() && seen.changed().is_none());
        let alice: Address = "alice@a.test".parse().unwrap();
        seen.insert(alice.clone());
        assert!(seen.contains(&alice) && seen.changed().is_some());
        assert_eq!(seen.into_inner().len(), 1);
        assert_eq!(size_of::<Rare<Mailbox>>(), size_of::<usize>());
    }
}
