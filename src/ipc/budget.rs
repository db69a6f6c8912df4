//! How many bytes may be held for requests and answers that are under way, and for whom.
//!
//! Owns that count, as [`super::slots`] owns that of connections. A line that was begun, a request that is being
//! answered and an answer that is not read yet are all kept in memory; who sends half a line over each of many
//! connections would have the daemon keep all of them. What each connection needs for ordinary calls is never
//! counted, so that whoever takes what there is keeps nobody from asking. The user is not bounded.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;
use tokio_util::sync::CancellationToken;

use super::codec::{Item, LineCodec};
use super::limits::Limits;
use super::slots::Holder;

/// What a connection may hold without its being counted (64 KiB).
pub const UNCOUNTED_BYTES: usize = 64 * 1024;

/// Too much is held; whose, and the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdrawn {
    /// Its holder's.
    Holders(usize),
    /// That of everybody but the user.
    Others(usize),
}

impl fmt::Display for Overdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, limit) = match self {
            Self::Holders(limit) => ("the programs of this session, or this program, have", limit),
            Self::Others(limit) => (
                "agents and other programs that are not proven to be a person's have",
                limit,
            ),
        };
        write!(
            f,
            "{whose} {limit} bytes of requests and answers under way, the most there may be; \
             finish one first"
        )
    }
}

impl std::error::Error for Overdrawn {}

struct Entry {
    holder: String,
    bytes: usize,
    evicted: CancellationToken,
}

#[derive(Default)]
struct Counts {
    next: u64,
    others: usize,
    entries: HashMap<u64, Entry>,
}

impl Counts {
    fn of_holder(&self, holder: &str) -> usize {
        let own = |entry: &&Entry| entry.holder == holder;
        self.entries
            .values()
            .filter(own)
            .map(|entry| entry.bytes)
            .sum()
    }

    /// The holder that has the most, and how much.
    fn largest(&self) -> Option<(String, usize)> {
        let mut by_holder: HashMap<&str, usize> = HashMap::new();
        for entry in self.entries.values() {
            *by_holder.entry(&entry.holder).or_default() += entry.bytes;
        }
        by_holder
            .into_iter()
            .max_by_key(|(_, bytes)| *bytes)
            .map(|(holder, bytes)| (holder.to_owned(), bytes))
    }

    /// Ends the connection of a holder that holds the most.
    fn evict_of(&mut self, holder: &str) -> bool {
        let of_holder = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.holder == holder && entry.bytes > 0);
        let Some(id) = of_holder
            .max_by_key(|(_, entry)| entry.bytes)
            .map(|(id, _)| *id)
        else {
            return false;
        };
        let Some(entry) = self.entries.remove(&id) else {
            return false;
        };
        self.others -= entry.bytes;
        entry.evicted.cancel();
        true
    }
}

/// The bytes that all connections hold.
pub(super) struct Budget {
    of_holder: usize,
    of_others: usize,
    counts: Mutex<Counts>,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            of_holder: limits.held_per_holder,
            of_others: limits.held_by_others,
            counts: Mutex::default(),
        }
    }

    /// Opens the account of a connection.
    pub(super) fn open(self: &Arc<Self>, holder: &Holder) -> Account {
        let evicted = CancellationToken::new();
        let id = match holder {
            Holder::User => None,
            Holder::Other(name) => {
                let mut counts = self.lock();
                counts.next += 1;
                let id = counts.next;
                let entry = Entry {
                    holder: name.clone(),
                    bytes: 0,
                    evicted: evicted.clone(),
                };
                counts.entries.insert(id, entry);
                Some(id)
            }
        };
        Account(Arc::new(Open {
            budget: Arc::clone(self),
            id,
            evicted,
            held: Mutex::default(),
        }))
    }

    /// Sets what a connection holds. Where all together would have too much, whoever has the most gives way.
    fn set(&self, id: u64, bytes: usize) -> Result<(), Overdrawn> {
        let bytes = bytes.saturating_sub(UNCOUNTED_BYTES);
        let mut counts = self.lock();
        // One that had to give way ends in a moment.
        let Some(entry) = counts.entries.get(&id) else {
            return Err(Overdrawn::Others(self.of_others));
        };
        let (before, holder) = (entry.bytes, entry.holder.clone());
        if bytes > before {
            let of_holder = counts.of_holder(&holder) - before + bytes;
            if of_holder > self.of_holder {
                return Err(Overdrawn::Holders(self.of_holder));
            }
            while counts.others - before + bytes > self.of_others {
                let largest = counts
                    .largest()
                    .filter(|(other, most)| *other != holder && *most > of_holder);
                if !largest.is_some_and(|(other, _)| counts.evict_of(&other)) {
                    return Err(Overdrawn::Others(self.of_others));
                }
            }
        }
        counts.others = counts.others - before + bytes;
        if let Some(entry) = counts.entries.get_mut(&id) {
            entry.bytes = bytes;
        }
        Ok(())
    }

    fn close(&self, id: u64) {
        let mut counts = self.lock();
        if let Some(entry) = counts.entries.remove(&id) {
            counts.others -= entry.bytes;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one connection holds, by its parts.
#[derive(Default)]
struct Held {
    request: usize,
    answer: usize,
}

struct Open {
    budget: Arc<Budget>,
    /// None for the user.
    id: Option<u64>,
    evicted: CancellationToken,
    held: Mutex<Held>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.budget.close(id);
        }
    }
}

/// The bytes that one connection holds; given back when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Account(Arc<Open>);

impl Account {
    /// Whether it is the user's.
    pub(super) fn is_the_users(&self) -> bool {
        self.0.id.is_none()
    }

    /// Waits until the connection has to give way to others; gives why.
    pub(super) async fn evicted(&self) -> Overdrawn {
        self.0.evicted.cancelled().await;
        Overdrawn::Others(self.0.budget.of_others)
    }

    /// Sets how much of requests is held.
    pub(super) fn request(&self, bytes: usize) -> Result<(), Overdrawn> {
        self.set(|held| held.request = bytes)
    }

    /// Sets how much of an answer is not written yet.
    pub(super) fn answer(&self, bytes: usize) -> Result<(), Overdrawn> {
        self.set(|held| held.answer = bytes)
    }

    fn set(&self, change: impl FnOnce(&mut Held)) -> Result<(), Overdrawn> {
        let Some(id) = self.0.id else {
            return Ok(());
        };
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held.request + held.answer;
        change(&mut held);
        let now = held.request + held.answer;
        // Most calls never get to where it counts.
        if before.max(now) <= UNCOUNTED_BYTES {
            return Ok(());
        }
        self.0.budget.set(id, now)
    }
}

/// Splits a stream into lines, and counts what it holds meanwhile: of a line that is not whole what has come, and
/// a line that was handed out until the next one is asked for.
pub(super) struct Counted {
    codec: LineCodec,
    account: Account,
}

impl Counted {
    pub(super) fn new(codec: LineCodec, account: Account) -> Self {
        Self { codec, account }
    }

    fn count(&self, item: Option<Item>, waiting: usize) -> io::Result<Option<Item>> {
        let given = match &item {
            Some(Item::Line(line)) => line.len(),
            Some(Item::TooLong { .. } | Item::NotUtf8 | Item::Unfinished { .. }) | None => 0,
        };
        self.account
            .request(given + waiting)
            .map_err(io::Error::other)?;
        Ok(item)
    }
}

impl Decoder for Counted {
    type Item = Item;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Item>> {
        let item = self.codec.decode(src)?;
        self.count(item, src.len())
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Item>> {
        let item = self.codec.decode_eof(src)?;
        self.count(item, src.len())
    }
}

/// Why reading failed, where it was that too much is held.
pub(super) fn overdrawn(error: &io::Error) -> Option<Overdrawn> {
    error.get_ref()?.downcast_ref::<Overdrawn>().copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn budget() -> Arc<Budget> {
        Arc::new(Budget::new(&Limits {
            held_per_holder: 100,
            held_by_others: 250,
            ..Limits::default()
        }))
    }

    fn other(name: &str) -> Holder {
        Holder::Other(name.to_owned())
    }

    /// Beyond what is not counted.
    fn counted(bytes: usize) -> usize {
        UNCOUNTED_BYTES + bytes
    }

    #[test]
    fn a_holder_has_its_part_over_all_its_connections_and_gets_it_back() {
        let budget = budget();
        let (first, second) = (budget.open(&other("a")), budget.open(&other("a")));
        first.request(counted(60)).unwrap();
        assert_eq!(
            second.request(counted(41)).unwrap_err(),
            Overdrawn::Holders(100)
        );
        second.request(counted(20)).unwrap();
        assert_eq!(
            second.answer(21).unwrap_err(),
            Overdrawn::Holders(100),
            "requests and answers count together"
        );
        first.request(0).unwrap();
        second.answer(21).unwrap();
        drop(second);
        first.request(counted(100)).unwrap();
        drop(first);
        let counts = budget.lock();
        assert!(counts.entries.is_empty() && counts.others == 0);
    }

    #[test]
    fn whoever_has_the_most_gives_way_to_others_and_small_calls_always_pass() {
        let budget = budget();
        let hoarders = ["a", "b"].map(|name| budget.open(&other(name)));
        for hoarder in &hoarders {
            hoarder.request(counted(100)).unwrap();
        }
        let (third, fourth) = (budget.open(&other("c")), budget.open(&other("d")));
        third.request(counted(50)).unwrap();
        fourth.request(UNCOUNTED_BYTES).unwrap();
        fourth.request(counted(40)).unwrap();
        let evicted = |account: &Account| account.0.evicted.is_cancelled();
        assert_eq!(hoarders.iter().filter(|one| evicted(one)).count(), 1);
        assert!(!evicted(&third) && !evicted(&fourth));
        // The one that gave way takes nothing more, nor gives back what it has not.
        let gone = hoarders.iter().find(|one| evicted(one)).unwrap();
        gone.request(counted(1)).unwrap_err();
        assert_eq!(budget.lock().others, 190);
        // Who would have the most itself does not push others out.
        let fifth = budget.open(&other("e"));
        assert_eq!(
            fifth.request(counted(100)).unwrap_err(),
            Overdrawn::Others(250)
        );
        let user = budget.open(&Holder::User);
        user.request(usize::MAX).unwrap();
    }

    #[test]
    fn what_is_held_follows_the_lines() {
        let budget = budget();
        let account = budget.open(&other("a"));
        let mut lines = Counted::new(LineCodec::new(counted(1000)), account.clone());
        let held = || account.0.held.lock().unwrap().request;
        let mut buffer = BytesMut::from("abc\nhalf".as_bytes());
        assert_eq!(
            lines.decode(&mut buffer).unwrap(),
            Some(Item::Line("abc".to_owned()))
        );
        assert_eq!(held(), 7);
        assert_eq!(lines.decode(&mut buffer).unwrap(), None);
        assert_eq!(held(), 4);
        buffer.extend_from_slice(&vec![b'x'; counted(97)]);
        let error = lines.decode(&mut buffer).unwrap_err();
        assert_eq!(overdrawn(&error), Some(Overdrawn::Holders(100)));
    }
}
