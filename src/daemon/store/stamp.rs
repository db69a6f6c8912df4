//! Shows whether the database is the one that was used here last: a file beside it remembers which opening that was,
//! and how far its numbers had come.
//!
//! An older copy that is put back permits what was permitted then, sealed as it was. So whoever opens one finds it out
//! here, and takes the seals off what permits something until a person has confirmed it ([`super::foreign_writer`]).
//! (Who also puts back the file beside it of that time is not found out; see SECURITY.)

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::{Doing as _, Store, StoreError, seals, sequence};
use crate::platform::{self, Links};

/// Longest file that is read.
const MAX_FILE: u64 = 4096;

/// What is said when the database is another one than was used last.
pub const PUT_BACK: &str = "the database is not as it was when it was used here last: a backup was put back, or another file. No standing permission, grant or key applies until you have looked at what is in force and acknowledged this; requests can be decided one by one";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    /// The openings that may have been the last: two while one is noted.
    openings: Vec<i64>,
    /// The highest sequence number that was seen in the database.
    seq: i64,
}

/// The stamp of an open database.
#[derive(Debug)]
pub struct Stamps {
    path: PathBuf,
    /// None where it could not be noted.
    opening: Option<i64>,
    seq: std::sync::atomic::AtomicI64,
    was_put_back: bool,
}

impl Stamps {
    /// Looks whether a database that was just opened is the one that was used last, and notes this opening in both.
    /// One that is not begins with the sequence numbers after those that were given out here.
    ///
    /// # Errors
    /// When the database cannot be read or written. A file beside it that cannot be read shows nothing.
    pub fn begin(db: &Connection, database: &Path) -> Result<Self, StoreError> {
        let path = path_beside(database);
        let last = read(&path);
        let known: Option<i64> = db
            .query_row(
                "SELECT value FROM counters WHERE name = 'opening'",
                [],
                |row| row.get(0),
            )
            .optional()
            .doing("look when it was opened last")?;
        let seq = sequence::last_seq(db)?;
        let was_put_back = is_other(last.as_ref(), known, seq);
        let opening = random();
        let seq = seq.max(last.as_ref().map_or(0, |last| last.seq));
        // A daemon that dies between the two notes leaves the one or the other.
        let mut both = last.unwrap_or_default();
        if !was_put_back {
            both.openings = known.into_iter().collect();
        }
        both.openings.push(opening);
        if !write(&path, &both) && !was_put_back {
            // The disk is full, perhaps. Noted in the database alone, it would make that another one's at the next
            // opening; so this one counts as the last one's.
            return Ok(Self {
                path,
                opening: known,
                seq: i64::MIN.into(),
                was_put_back,
            });
        }
        let note = || -> rusqlite::Result<()> {
            let tx = db.unchecked_transaction()?;
            tx.execute(
                "INSERT INTO counters (name, value) VALUES ('opening', ?)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [opening],
            )?;
            if was_put_back {
                // Numbers that clients have seen mean something else now: they begin anew.
                tx.execute(
                    "UPDATE counters SET value = max(value, ?) WHERE name IN ('seq', 'pruned_seq')",
                    params![seq],
                )?;
                seals::take_off(&tx)?;
            }
            tx.commit()
        };
        note().doing("note that it was opened")?;
        let stamps = Self {
            path,
            opening: Some(opening),
            seq: i64::MIN.into(),
            was_put_back,
        };
        stamps.note(seq);
        Ok(stamps)
    }

    /// Whether the database is another one than was used here last.
    pub fn was_put_back(&self) -> bool {
        self.was_put_back
    }

    /// Notes how far the sequence numbers have come.
    pub fn note(&self, seq: i64) {
        use std::sync::atomic::Ordering;
        let Some(opening) = self.opening else {
            return;
        };
        let stamp = Stamp {
            openings: vec![opening],
            seq,
        };
        // What could not be written is tried again.
        if self.seq.load(Ordering::Acquire) != seq && write(&self.path, &stamp) {
            self.seq.store(seq, Ordering::Release);
        }
    }

    /// Writes the note again where its file was taken away.
    pub fn write_back(&self) {
        let seq = self.seq.swap(i64::MIN, std::sync::atomic::Ordering::AcqRel);
        self.note(seq);
    }
}

/// Whether a database is another one than the file beside it speaks of. One of a release that noted nothing has no
/// such file either.
fn is_other(last: Option<&Stamp>, opening: Option<i64>, seq: i64) -> bool {
    match (last, opening) {
        (None, None) => false,
        (Some(last), Some(opening)) => !last.openings.contains(&opening) || seq < last.seq,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// Marks a copy of a database as one: it is none that was used anywhere last.
pub fn mark_as_copy(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "INSERT OR REPLACE INTO counters (name, value) VALUES ('opening', 0)",
        [],
    )
    .map(drop)
}

/// Where the stamp of a database is.
pub fn path_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".last");
    PathBuf::from(path)
}

fn read(path: &Path) -> Option<Stamp> {
    let bytes = platform::read_regular(path, Links::Refuse, MAX_FILE).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Says whether it could be written.
fn write(path: &Path, stamp: &Stamp) -> bool {
    let written = serde_json::to_vec(stamp)
        .map_err(std::io::Error::other)
        .and_then(|bytes| platform::write_atomically(path, &bytes));
    if let Err(error) = &written {
        tracing::warn!(%error, path = %path.display(), "cannot note how the database was used last");
    }
    written.is_ok()
}

fn random() -> i64 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let (first, _) = bytes.split_at(8);
    first
        .iter()
        .fold(0_i64, |number, byte| (number << 8) | i64::from(*byte))
}

impl Store {
    /// Whether the database was another one than was used here last when it was opened: a backup, perhaps.
    #[must_use]
    pub fn was_put_back(&self) -> bool {
        self.stamps.was_put_back()
    }

    /// Notes how far the database has come, so that an older one is known for that.
    pub async fn note_progress(&self) {
        if self.files.state() != super::files::State::InPlace {
            return;
        }
        match self.last_seq().await {
            Ok(seq) => {
                let stamps = std::sync::Arc::clone(&self.stamps);
                crate::daemon::blocking::blocking(move || stamps.note(seq)).await;
            }
            Err(error) => tracing::debug!(%error, "cannot note how far the database has come"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::requests_tests::rig;
    use super::*;

    #[tokio::test]
    async fn a_database_that_was_opened_on_a_full_disk_is_no_other_one_afterwards() {
        let rig = rig();
        rig.session("a", None).await;
        let path = rig.dir.path().join("db");
        rig.store.close().await;
        let begin = || {
            let db = Connection::open(&path).unwrap();
            let stamps = Stamps::begin(&db, &path).unwrap();
            (stamps.was_put_back(), stamps)
        };
        // What is in the way of the file that is written first stands for a disk that takes none.
        let in_the_way = rig.dir.path().join("db.last.tmp");
        for times in 1..3 {
            std::fs::create_dir(&in_the_way).unwrap();
            let (was_put_back, stamps) = begin();
            assert!(!was_put_back, "on the full disk, {times}");
            stamps.note(1);
            std::fs::remove_dir(&in_the_way).unwrap();
            if times > 1 {
                // There is room again before it ends.
                stamps.note(1);
            }
            drop(stamps);
            assert!(!begin().0, "after it, {times}");
        }
    }

    #[test]
    fn another_database_is_known_by_its_last_opening_and_by_how_far_it_had_come() {
        let stamp = |openings: &[i64], seq| Stamp {
            openings: openings.to_vec(),
            seq,
        };
        for (last, opening, seq, other) in [
            (None, None, 7, false),
            (Some(stamp(&[1], 7)), Some(1), 7, false),
            (Some(stamp(&[1], 7)), Some(1), 9, false),
            // Died while it noted that.
            (Some(stamp(&[1, 2], 0)), Some(1), 7, false),
            (Some(stamp(&[1, 2], 0)), Some(2), 7, false),
            // A copy of an earlier time of the same opening.
            (Some(stamp(&[1], 7)), Some(1), 6, true),
            (Some(stamp(&[2], 7)), Some(1), 9, true),
            // An empty one, or one of an earlier release.
            (Some(stamp(&[2], 7)), None, 0, true),
            // One from elsewhere.
            (None, Some(1), 7, true),
        ] {
            assert_eq!(
                is_other(last.as_ref(), opening, seq),
                other,
                "{last:?} {opening:?} {seq}"
            );
        }
    }
}
