//! Who waits for the end of one approval, woken when it comes.
//!
//! Rung by the bus right after the commit, so nothing is missed and an end costs one look-up, however
//! many wait for others. Who waits for one approval need not hear the whole bus.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::ApprovalId;

struct Bell {
    notify: Arc<Notify>,
    waiting: usize,
}

type Bells = HashMap<ApprovalId, Bell>;

/// Everybody who waits; cheap to clone.
#[derive(Clone, Default)]
pub struct Waiters {
    bells: Arc<Mutex<Bells>>,
}

/// One who waits; leaves when dropped.
pub struct Waiter {
    id: ApprovalId,
    all: Waiters,
    /// Rings for all who wait for the same.
    pub notify: Arc<Notify>,
}

impl Waiters {
    /// Begins to wait. What is looked at after the waiter's `notified` was enabled is not missed.
    #[must_use]
    pub fn join(&self, id: &ApprovalId) -> Waiter {
        let mut bells = self.lock();
        let bell = bells.entry(id.clone()).or_insert_with(|| Bell {
            notify: Arc::new(Notify::new()),
            waiting: 0,
        });
        bell.waiting += 1;
        Waiter {
            id: id.clone(),
            all: self.clone(),
            notify: Arc::clone(&bell.notify),
        }
    }

    /// Wakes who waits for an approval.
    pub fn ring(&self, id: &ApprovalId) {
        if let Some(bell) = self.lock().get(id) {
            bell.notify.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bells> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut bells = self.all.lock();
        if let Some(bell) = bells.get_mut(&self.id) {
            bell.waiting -= 1;
            if bell.waiting == 0 {
                bells.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_for_one_are_woken_and_leave_nothing_behind() {
        let waiters = Waiters::default();
        let (id, other) = (ApprovalId::from("a"), ApprovalId::from("b"));
        let (first, second) = (waiters.join(&id), waiters.join(&id));
        let mut heard = [
            Box::pin(first.notify.notified()),
            Box::pin(second.notify.notified()),
        ];
        for one in &mut heard {
            assert!(!one.as_mut().enable());
        }
        waiters.ring(&other);
        assert!(!heard[0].as_mut().enable(), "nobody rang");
        waiters.ring(&id);
        for one in heard {
            one.await;
        }
        drop(first);
        assert_eq!(waiters.lock().len(), 1);
        drop(second);
        assert_eq!(waiters.lock().len(), 0);
    }
}
