//! A set of which most have one value or none: no larger than what is in it, and looked through from end to end.

/// Values in the order in which they came, each once.
#[derive(Debug)]
pub(super) struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Few<T> {
    pub(super) fn insert(&mut self, value: T) {
        if !self.contains(&value) {
            self.0.reserve_exact(1);
            self.0.push(value);
        }
    }

    pub(super) fn remove(&mut self, value: &T) {
        self.0.retain(|other| other != value);
        self.0.shrink_to_fit();
    }

    pub(super) fn contains(&self, value: &T) -> bool {
        self.0.contains(value)
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        assert_eq!((few.iter().collect::<Vec<_>>(), few.len(), few.0.capacity()), (vec![&3, &2], 2, 2));
        assert!(few.contains(&2) && !few.contains(&1) && !few.is_empty());
    }
}
