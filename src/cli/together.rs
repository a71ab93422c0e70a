//! Several futures at once on one thread, a bounded number at a time.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Does `work` on each item, at most `width` at a time, beginning in their order. Ends when all are done.
pub async fn each<I>(items: &[I], width: usize, work: impl AsyncFn(usize, &I)) {
    let next = Cell::new(0);
    let worker = || async {
        loop {
            let at = next.get();
            let Some(item) = items.get(at) else { break };
            next.set(at + 1);
            work(at, item).await;
        }
    };
    all((0..width.clamp(1, items.len().max(1))).map(|_| Box::pin(worker()) as Boxed<'_>).collect()).await;
}

/// Waits for all of them. Every wake-up polls every one: they are few.
async fn all(mut futures: Vec<Boxed<'_>>) {
    poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[tokio::test]
    async fn no_more_than_so_many_at_a_time() {
        for (items, width, most) in [(10, 3, 3), (2, 16, 2), (0, 4, 0), (5, 0, 1)] {
            let (now, peak, done) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
            each(&(0..items).collect::<Vec<usize>>(), width, async |at, item: &usize| {
                now.set(now.get() + 1);
                peak.set(peak.get().max(now.get()));
                tokio::task::yield_now().await;
                now.set(now.get() - 1);
                assert_eq!(at, *item);
                done.borrow_mut().push(*item);
            })
            .await;
            assert_eq!((peak.get(), done.into_inner().len()), (most, items));
        }
    }
}
