//! Which messages were seen: a (From, Message-ID) is shown once, whatever becomes of connections (SPEC §5.4).

use super::events::{Incoming, Responder, Settled};
use crate::model::{Address, Answer, MessageId};
use crate::wire::Frame;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Accepted messages that are remembered.
const REMEMBERED: usize = 4096;

type Key = (Address, MessageId);

/// A memory of messages, shared by those that are in somebody's hands.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    accepted: HashSet<Key>,
    order: VecDeque<Key>,
    /// In somebody's hands; and the same again, come over later connections, which get the same answer.
    held: HashMap<Key, Vec<(Frame, Responder)>>,
}

impl Recent {
    /// The message, if it is to be shown; else it is answered here, now or when the first one is.
    pub(super) fn sift(&self, mut message: Incoming) -> Option<Incoming> {
        let key = (message.from.clone(), message.id.clone());
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.accepted.contains(&key) {
            drop(memory);
            message.accept();
            return None;
        }
        if let Some(again) = memory.held.get_mut(&key) {
            let frame = message.frame.clone();
            again.extend(message.responder.take().map(|responder| (frame, responder)));
            return None;
        }
        memory.held.insert(key.clone(), Vec::new());
        drop(memory);
        let shared = self.clone();
        if let Some(responder) = &mut message.responder {
            responder.settled = Some(Settled(Arc::new(move |refusal| shared.settle(&key, refusal))));
        }
        Some(message)
    }

    fn settle(&self, key: &Key, refusal: Option<&Answer>) {
        let again = {
            let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if refusal.is_none() && memory.accepted.insert(key.clone()) {
                memory.order.push_back(key.clone());
                if memory.order.len() > REMEMBERED
                    && let Some(oldest) = memory.order.pop_front()
                {
                    memory.accepted.remove(&oldest);
                }
            }
            memory.held.remove(key).unwrap_or_default()
        };
        again.into_iter().for_each(|(frame, responder)| responder.settle(&frame, refusal));
    }
}
