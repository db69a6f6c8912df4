//! How many connections there may be, and whose.
//!
//! Owns the count. The user's own connections are bounded by the whole alone, of which a part is kept
//! for them; everybody else shares the rest, and each holder has a bound of its own, so that nobody can
//! take what others need. What a holder is, is the daemon's to say ([`Holder`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// For whom a connection is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The user.
    User,
    /// Somebody else; connections with the same name count together.
    Other(String),
}

/// Why there is no room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All that may be are there.
    All(usize),
    /// All that are not kept for the user are there.
    Others(usize),
    /// Its holder has all that one may have.
    Holders(usize),
}

#[derive(Default)]
struct Counts {
    all: usize,
    others: usize,
    by_holder: HashMap<String, usize>,
}

/// The count of open connections.
pub(super) struct Slots {
    connections: usize,
    others: usize,
    per_holder: usize,
    counts: Mutex<Counts>,
}

/// One connection's place; given back when it is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    holder: Holder,
}

impl Slots {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            others: limits.connections.saturating_sub(limits.kept_for_user),
            per_holder: limits.connections_per_holder,
            counts: Mutex::default(),
        }
    }

    /// Takes a place.
    pub(super) fn take(self: &Arc<Self>, holder: Holder) -> Result<Slot, Taken> {
        let mut counts = self.lock();
        if counts.all >= self.connections {
            return Err(Taken::All(self.connections));
        }
        if let Holder::Other(name) = &holder {
            let of_holder = counts.by_holder.get(name).copied().unwrap_or_default();
            if of_holder >= self.per_holder {
                return Err(Taken::Holders(self.per_holder));
            }
            if counts.others >= self.others {
                return Err(Taken::Others(self.others));
            }
            counts.others += 1;
            *counts.by_holder.entry(name.clone()).or_default() += 1;
        }
        counts.all += 1;
        drop(counts);
        Ok(Slot {
            slots: Arc::clone(self),
            holder,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock();
        counts.all -= 1;
        if let Holder::Other(name) = &self.holder {
            counts.others -= 1;
            if let Some(count) = counts.by_holder.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    counts.by_holder.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn slots() -> Arc<Slots> {
        Arc::new(Slots::new(&Limits {
            connections: 6,
            kept_for_user: 2,
            connections_per_holder: 3,
            ..Limits::default()
        }))
    }

    fn other(name: &str) -> Holder {
        Holder::Other(name.to_owned())
    }

    #[test]
    fn nobody_takes_what_is_kept_for_the_user_nor_more_than_a_holders_part() {
        let slots = slots();
        let mut held: Vec<_> = (0..3).map(|_| slots.take(other("a")).unwrap()).collect();
        assert_eq!(slots.take(other("a")).err(), Some(Taken::Holders(3)));
        held.push(slots.take(other("b")).unwrap());
        assert_eq!(slots.take(other("b")).err(), Some(Taken::Others(4)));
        held.push(slots.take(Holder::User).unwrap());
        held.push(slots.take(Holder::User).unwrap());
        assert_eq!(slots.take(Holder::User).err(), Some(Taken::All(6)));
        held.clear();
        let _user: Vec<_> = (0..6).map(|_| slots.take(Holder::User).unwrap()).collect();
        assert!(
            slots.lock().by_holder.is_empty(),
            "nothing is kept of those that left"
        );
    }
}
