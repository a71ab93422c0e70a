//! How much the store has of everything: counted by one reader at a time, however many want to know.

use crate::service::store::Totals;
use crate::store::thread::StoreThread;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use tokio::sync::watch;

/// Holds on to nothing but the count that is under way.
#[derive(Default)]
pub(super) struct Inventory(Mutex<Weak<Answer>>);

/// Dropped when it has been given, or when nobody will give it any more.
type Answer = watch::Sender<Option<Totals>>;

impl Inventory {
    /// What there is. Whoever asks while it is counted shares that answer: those who scrape a store that hangs do not queue up
    /// in front of its readers. `None`: it cannot be read.
    pub(super) async fn take(&self, store: &StoreThread) -> Option<Totals> {
        let mut told = self.join(|answer| {
            store.totals(move |found| {
                answer.send_replace(found.ok());
            });
        });
        // Either the answer has come, or its end tells that it came before, or never will.
        let _ = told.changed().await;
        *told.borrow()
    }

    fn join(&self, count: impl FnOnce(Arc<Answer>)) -> watch::Receiver<Option<Totals>> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = under_way.upgrade() {
            return answer.subscribe();
        }
        let (answer, told) = watch::channel(None);
        let answer = Arc::new(answer);
        *under_way = Arc::downgrade(&answer);
        count(answer);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_count_answers_all_who_wait() {
        let inventory = Inventory::default();
        let mut counting = None;
        let mut first = inventory.join(|answer| counting = Some(answer));
        let mut second = inventory.join(|_| panic!("it is counted already"));
        let found = Some(Totals { accounts: 7, ..Totals::default() });
        counting.take().unwrap().send_replace(found);
        for told in [&mut first, &mut second] {
            told.changed().await.unwrap();
            assert_eq!(*told.borrow(), found);
        }
        // The next one counts anew, and hears of an end without an answer.
        let mut third = inventory.join(drop);
        assert!(third.changed().await.is_err() && third.borrow().is_none());
    }
}
