//! How long the writer has waited of late for programs that hold the database locked, and for which.
//!
//! Nobody else has to write to the database, so that such a wait is never the daemon's own doing. It counts however
//! it is spread: a lock that is given up and taken again in a moment holds everybody up as one that lasts.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::platform;

/// How long of [`WINDOW`] the writer may wait before that is said.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time of late over which it is counted.
const WINDOW: Duration = Duration::from_secs(4);

/// How long a transaction waits to be begun.
const GIVE_UP: Duration = Duration::from_secs(5);

/// After how long it is looked who holds it, and how often.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(250));

/// The pauses between two tries: at first, and once a wait has lasted for [`SHORT`]. SQLite's own grow to a tenth of a
/// second, in which a lock can be given up and taken again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_micros(200));
const SHORT: Duration = Duration::from_millis(200);

/// Most waits that are remembered.
const REMEMBERED: usize = 256;

/// Who holds the database locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Who, and what helps.
    pub by: String,
    /// Whether nothing could be written for a second.
    pub lasts: bool,
}

#[derive(Default)]
struct Waits {
    /// Since when the writer waits, or has given up.
    since: Option<Instant>,
    /// Those that are over.
    past: VecDeque<(Instant, Instant)>,
    /// Who was found to hold it, and when that was.
    holder: Option<(String, Instant)>,
}

impl Waits {
    /// How much of the time of late was spent with waiting.
    fn of_late(&self, now: Instant) -> Duration {
        let within = |(begun, over): (Instant, Instant)| {
            let begun = match now.checked_sub(WINDOW) {
                Some(first) => begun.max(first),
                None => begun,
            };
            over.saturating_duration_since(begun)
        };
        let past: Duration = self.past.iter().copied().map(within).sum();
        past + self
            .since
            .map(|since| within((since, now)))
            .unwrap_or_default()
    }

    fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take()
            && now.saturating_duration_since(since) >= PAUSES.0
        {
            if self.past.len() == REMEMBERED {
                self.past.pop_front();
            }
            self.past.push_back((since, now));
        }
        let is_old = |over: Instant| now.saturating_duration_since(over) > WINDOW;
        while self.past.front().is_some_and(|(_, over)| is_old(*over)) {
            self.past.pop_front();
        }
    }
}

/// The waits of late.
#[derive(Default)]
pub struct LockWaits(Mutex<Waits>);

impl LockWaits {
    /// Who holds the database locked, once the writer has waited for that for a second, at once or of late in all.
    pub fn locked(&self, path: &Path) -> Option<Locked> {
        let now = Instant::now();
        let waits = self.lock();
        if waits.of_late(now) < PATIENCE {
            return None;
        }
        let lasts = waits
            .since
            .is_some_and(|since| now.saturating_duration_since(since) >= PATIENCE);
        let last = waits.holder.as_ref();
        let last = last
            .filter(|(_, at)| now.saturating_duration_since(*at) <= 2 * WINDOW)
            .map(|(who, _)| who.clone());
        drop(waits);
        // Between two locks there is nobody to be found.
        let by = platform::who_holds_database(path)
            .or(last)
            .unwrap_or_else(|| "another program".to_owned());
        Some(Locked { by, lasts })
    }

    /// Begins a transaction.
    pub fn begin(&self, db: &Connection) -> Result<(), String> {
        let begun = Instant::now();
        self.lock().since.get_or_insert(begun);
        let sql = |error: rusqlite::Error| error.to_string();
        db.busy_timeout(Duration::ZERO).map_err(sql)?;
        let tried = self.try_until(db, begun);
        db.busy_timeout(GIVE_UP).map_err(sql)?;
        let error = match tried {
            Ok(()) => {
                self.lock().end(Instant::now());
                return Ok(());
            }
            Err(error) => error,
        };
        if !is_locked(&error) {
            self.lock().end(Instant::now());
            return Err(error.to_string());
        }
        let who = self.lock().holder.clone();
        Err(match who.filter(|(_, at)| *at >= begun) {
            Some((who, _)) => format!("{error} by {who}"),
            None => error.to_string(),
        })
    }

    fn try_until(&self, db: &Connection, begun: Instant) -> rusqlite::Result<()> {
        let mut look = begun + LOOK.0;
        loop {
            let tried = db.execute_batch("BEGIN IMMEDIATE");
            let now = Instant::now();
            let waited = now.saturating_duration_since(begun);
            match tried {
                Err(error) if is_locked(&error) && waited < GIVE_UP => {}
                done => return done,
            }
            if now >= look {
                look = now + LOOK.1;
                self.look(db, now);
            }
            std::thread::sleep(pause(waited));
        }
    }

    fn look(&self, db: &Connection, now: Instant) {
        let found = db
            .path()
            .and_then(|path| platform::who_holds_database(Path::new(path)));
        if let Some(who) = found {
            self.lock().holder = Some((who, now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed)
    )
}

fn pause(waited: Duration) -> Duration {
    if waited < SHORT { PAUSES.0 } else { PAUSES.1 }
}

/// Has a connection wait for locks as the writer does.
pub fn wait_by_short_pauses(db: &mut Connection) -> rusqlite::Result<()> {
    use std::cell::Cell;
    thread_local! {
        static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    db.busy_handler(Some(|tries| {
        let now = Instant::now();
        let begun = BEGUN.get().filter(|_| tries > 0).unwrap_or(now);
        BEGUN.set(Some(begun));
        let waited = now.saturating_duration_since(begun);
        std::thread::sleep(pause(waited));
        waited < GIVE_UP
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn waits_count_together_as_long_as_they_are_of_late() {
        let begun = Instant::now() + Duration::from_secs(3600);
        let at = |millis: u64| begun + Duration::from_millis(millis);
        let mut waits = Waits::default();
        for second in 0..3 {
            waits.since = Some(at(second * 1000));
            waits.end(at(second * 1000 + 800));
        }
        assert_eq!(waits.of_late(at(2_900)), Duration::from_millis(2_400));
        // Of what began before that time only the rest counts.
        assert_eq!(waits.of_late(at(4_500)), Duration::from_millis(1_900));
        assert_eq!(waits.of_late(at(60_000)), Duration::ZERO);
        waits.since = Some(at(60_000));
        assert_eq!(waits.of_late(at(60_700)), Duration::from_millis(700));
        // One that has given up waits still.
        assert_eq!(waits.of_late(at(99_000)), WINDOW);
        waits.end(at(99_000));
        assert_eq!(waits.past.len(), 1);
    }

    #[test]
    fn a_lock_that_is_given_up_for_a_moment_is_taken_in_that_moment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n)")
            .unwrap();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = std::sync::Arc::clone(&stop);
        let other = Connection::open(&path).unwrap();
        let (held, is_held) = std::sync::mpsc::channel();
        let holder = std::thread::spawn(move || {
            while !stopped.load(std::sync::atomic::Ordering::Acquire) {
                if other.execute_batch("BEGIN IMMEDIATE").is_ok() {
                    let _ = held.send(());
                    std::thread::sleep(Duration::from_millis(400));
                    other.execute_batch("ROLLBACK").unwrap();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        is_held.recv().unwrap();
        let waiting = LockWaits::default();
        let begun = Instant::now();
        for _ in 0..4 {
            waiting.begin(&db).unwrap();
            db.execute_batch("COMMIT").unwrap();
            // The next one finds it held.
            is_held.recv().unwrap();
        }
        let took = begun.elapsed();
        stop.store(true, std::sync::atomic::Ordering::Release);
        holder.join().unwrap();
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(!waiting.lock().past.is_empty());
    }
}
