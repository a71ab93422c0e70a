//! A set of which most have one value or none: these take no room beside it, and it is looked through from end to end.

use std::mem;
use std::slice;

/// Values in the order in which they came, each once.
#[derive(Clone, Debug, Default)]
pub(crate) enum Few<T> {
    #[default]
    None,
    One(T),
    /// At least two, without room for more.
    More(Vec<T>),
}

impl<T: PartialEq> Few<T> {
    pub(crate) fn insert(&mut self, value: T) {
        if self.contains(&value) {
            return;
        }
        *self = match mem::take(self) {
            Self::None => Self::One(value),
            Self::One(first) => Self::More(vec![first, value]),
            Self::More(mut values) => {
                values.reserve_exact(1);
                values.push(value);
                Self::More(values)
            }
        };
    }

    pub(crate) fn remove(&mut self, value: &T) {
        if !self.contains(value) {
            return;
        }
        *self = match mem::take(self) {
            Self::None | Self::One(_) => Self::None,
            Self::More(mut values) => {
                values.retain(|other| other != value);
                match values.len() {
                    0 | 1 => values.pop().map_or(Self::None, Self::One),
                    _ => {
                        values.shrink_to_fit();
                        Self::More(values)
                    }
                }
            }
        };
    }

    pub(crate) fn contains(&self, value: &T) -> bool {
        self.as_slice().contains(value)
    }

    pub(crate) fn iter(&self) -> slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(value) => slice::from_ref(value),
            Self::More(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_and_no_room_for_more() {
        let mut few = Few::default();
        for value in [3, 1, 3, 2] {
            few.insert(value);
        }
        few.remove(&1);
        few.remove(&7);
        assert_eq!((few.iter().collect::<Vec<_>>(), few.len()), (vec![&3, &2], 2));
        assert!(few.contains(&2) && !few.contains(&1) && !few.is_empty());
        assert!(matches!(&few, Few::More(values) if values.capacity() == 2));
        few.remove(&3);
        assert!(matches!(few, Few::One(2)));
        few.remove(&7);
        few.insert(2);
        assert!(matches!(few, Few::One(2)));
        few.remove(&2);
        assert!(few.is_empty() && few.iter().next().is_none());
    }
}
