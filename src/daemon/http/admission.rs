//! Which connections are kept: those with a good key before those without one.
//!
//! Everybody on this machine can connect, so a connection is a stranger's until a request with a good
//! key has come over it. A stranger has [`STRANGER_WAIT`] for that, and when there are too many, the
//! oldest one goes: who has a key shows it at once. One with a key counts among its key's.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long a connection may be open before a request with a good key has come over it.
pub const STRANGER_WAIT: Duration = Duration::from_secs(10);

/// Most connections without a good key; beyond them the oldest is closed.
pub const STRANGERS: usize = 256;

/// Most connections without a good key from one address that is not this machine's.
pub const STRANGERS_OF_ADDRESS: usize = 32;

/// Most connections of one key.
pub const OF_KEY: usize = 512;

/// Most connections with a good key.
pub const WITH_KEY: usize = 768;

#[derive(Default)]
struct State {
    next: u64,
    strangers: BTreeMap<u64, (IpAddr, CancellationToken)>,
    with_key: usize,
    of_key: HashMap<i64, usize>,
}

/// All connections.
#[derive(Default)]
pub struct Admissions {
    state: Mutex<State>,
}

/// One connection's place; given back when it is dropped.
pub struct Admission {
    admissions: Arc<Admissions>,
    number: u64,
    key: Mutex<Option<i64>>,
    /// Cancelled when the connection must make room.
    pub closed: CancellationToken,
}

impl Admissions {
    /// Takes a new connection in.
    pub fn admit(self: &Arc<Self>, from: IpAddr) -> Arc<Admission> {
        let mut state = self.lock();
        let from = from.to_canonical();
        let of_address = |state: &State| {
            let same = state.strangers.values().filter(|(ip, _)| *ip == from);
            same.count()
        };
        let oldest = if !from.is_loopback() && of_address(&state) >= STRANGERS_OF_ADDRESS {
            let mut same = state.strangers.iter().filter(|(_, (ip, _))| *ip == from);
            same.next().map(|(number, _)| *number)
        } else if state.strangers.len() >= STRANGERS {
            state.strangers.keys().next().copied()
        } else {
            None
        };
        if let Some((_, closed)) = oldest.and_then(|number| state.strangers.remove(&number)) {
            closed.cancel();
        }
        let number = state.next;
        state.next += 1;
        let closed = CancellationToken::new();
        state.strangers.insert(number, (from, closed.clone()));
        drop(state);
        Arc::new(Admission {
            admissions: Arc::clone(self),
            number,
            key: Mutex::new(None),
            closed,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Counts the connection with its key from now on. Says whether there is room for it.
    pub fn shows_key(&self, id: i64) -> bool {
        let mut key = self.key();
        if key.is_some() {
            // It counts with the first one that it showed.
            return true;
        }
        let mut state = self.admissions.lock();
        let of_key = state.of_key.get(&id).copied().unwrap_or_default();
        if state.with_key >= WITH_KEY || of_key >= OF_KEY {
            return false;
        }
        // One that had to make room in this moment is on its way out.
        state.strangers.remove(&self.number);
        state.with_key += 1;
        *state.of_key.entry(id).or_default() += 1;
        *key = Some(id);
        true
    }

    /// Whether no good key has come over it.
    pub fn is_a_strangers(&self) -> bool {
        self.key().is_none()
    }

    fn key(&self) -> MutexGuard<'_, Option<i64>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let key = *self.key();
        let mut state = self.admissions.lock();
        state.strangers.remove(&self.number);
        if let Some(id) = key {
            state.with_key -= 1;
            if let Some(count) = state.of_key.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    state.of_key.remove(&id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn the_oldest_stranger_makes_room_and_who_has_a_key_stays() {
        let admissions = Arc::new(Admissions::default());
        let keyed = admissions.admit(HERE);
        assert!(keyed.shows_key(7));
        let strangers: Vec<_> = (0..=STRANGERS).map(|_| admissions.admit(HERE)).collect();
        let closed = |admission: &Arc<Admission>| admission.closed.is_cancelled();
        assert_eq!(
            strangers
                .iter()
                .map(closed)
                .filter(|closed| *closed)
                .count(),
            1
        );
        assert!(strangers.first().is_some_and(closed), "the oldest");
        assert!(!keyed.closed.is_cancelled());
    }

    #[test]
    fn one_address_elsewhere_has_a_bound_of_its_own() {
        let admissions = Arc::new(Admissions::default());
        let here = admissions.admit(HERE);
        let all: Vec<_> = (0..STRANGERS_OF_ADDRESS + 3)
            .map(|_| admissions.admit(THERE))
            .collect();
        let open = all.iter().filter(|one| !one.closed.is_cancelled()).count();
        assert_eq!(open, STRANGERS_OF_ADDRESS);
        assert!(!here.closed.is_cancelled());
    }

    #[test]
    fn a_key_has_a_bound_and_what_is_closed_makes_room() {
        let admissions = Arc::new(Admissions::default());
        let mut held: Vec<_> = (0..OF_KEY).map(|_| admissions.admit(HERE)).collect();
        assert!(held.iter().all(|admission| admission.shows_key(1)));
        let further = admissions.admit(HERE);
        assert!(!further.shows_key(1));
        assert!(further.shows_key(2), "another key has its own");
        assert!(held.first().is_some_and(|first| first.shows_key(1)));
        held.pop();
        assert!(admissions.admit(HERE).shows_key(1));
        held.clear();
        assert_eq!(admissions.lock().with_key, 1);
    }
}
