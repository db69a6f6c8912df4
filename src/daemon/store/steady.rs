//! How much time has surely passed, whatever was done to the calendar, and how far the record had come then.
//!
//! What is deleted by its age must not go because a clock leapt. Within one run of the system its own clock,
//! which nobody sets and which goes on while the machine sleeps, says how much time has passed; over a restart
//! of the machine only the calendar does, and is believed for a day. At each look a mark is left: by this time
//! the record had come to here. What is younger than the mark of so many days ago is not old, whatever
//! the times that it carries.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Doing as _, StoreError};
use crate::daemon::clock::Mark;
use crate::platform;

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// Time between two marks, at least.
const BETWEEN: i64 = DAY / 4;

/// What a mark is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The agents' own lines, by their ids.
    Lines,
    /// Events, by their sequence numbers.
    Events,
}

impl Record {
    fn prefix(self) -> &'static str {
        match self {
            Self::Lines => "mark:lines:",
            Self::Events => "mark:events:",
        }
    }
}

fn counter(db: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    db.prepare_cached("SELECT value FROM counters WHERE name = ?")
        .and_then(|mut query| query.query_row([name], |row| row.get(0)).optional())
        .doing("look how much time has passed")
}

fn set_counter(db: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)")
        .and_then(|mut insert| insert.execute(params![name, value]))
        .map(drop)
        .doing("note how much time has passed")
}

pub(super) fn since_boot() -> Option<i64> {
    platform::since_boot().and_then(|passed| i64::try_from(passed.as_micros()).ok())
}

/// Counts the time since an earlier daemon left off: what its mark of the clock is, in which run of the system this
/// one is, and what the calendar says.
pub(super) fn take_over(
    db: &Connection,
    before: Option<&Mark>,
    boot: &str,
    since_boot: Option<i64>,
    calendar: i64,
) -> Result<(), StoreError> {
    let passed = match before {
        Some(mark) if mark.boot == boot => return advance(db, since_boot).map(drop),
        Some(mark) => calendar.saturating_sub(mark.time).clamp(0, DAY),
        None => 0,
    };
    let steady = counter(db, "steady")?.unwrap_or(0).saturating_add(passed);
    set_counter(db, "steady", steady)?;
    set_counter(db, "steady_since_boot", since_boot.unwrap_or(0))
}

/// Counts the time since the last look in this run of the system; gives all that was counted.
pub(super) fn advance(db: &Connection, since_boot: Option<i64>) -> Result<i64, StoreError> {
    let before = counter(db, "steady")?.unwrap_or(0);
    let (Some(now), Some(then)) = (since_boot, counter(db, "steady_since_boot")?) else {
        if let Some(now) = since_boot {
            set_counter(db, "steady_since_boot", now)?;
        }
        return Ok(before);
    };
    let steady = before.saturating_add(now.saturating_sub(then).max(0));
    set_counter(db, "steady", steady)?;
    set_counter(db, "steady_since_boot", now)?;
    Ok(steady)
}

/// Notes how far a record has come by a time.
pub(super) fn mark(db: &Connection, of: Record, steady: i64, last: i64) -> Result<(), StoreError> {
    let prefix = of.prefix();
    let newest: Option<String> = db
        .prepare_cached("SELECT max(name) FROM counters WHERE name > ?1 AND name < ?1 || '~'")
        .and_then(|mut query| query.query_row([prefix], |row| row.get(0)))
        .doing("look how far the record had come")?;
    let at = newest.and_then(|name| name.strip_prefix(prefix)?.parse::<i64>().ok());
    if at.is_some_and(|at| steady.saturating_sub(at) < BETWEEN) {
        return Ok(());
    }
    set_counter(db, &format!("{prefix}{steady:020}"), last)
}

/// How far a record had come so many days ago: what is beyond that is younger. Forgets earlier marks.
pub(super) fn old(db: &Connection, of: Record, steady: i64, days: i64) -> Result<i64, StoreError> {
    let prefix = of.prefix();
    let then = steady.saturating_sub(days * DAY);
    if then < 0 {
        return Ok(-1);
    }
    let name = format!("{prefix}{then:020}");
    let found: Option<(String, i64)> = db
        .prepare_cached(
            "SELECT name, value FROM counters WHERE name > ?1 AND name <= ?2 ORDER BY name DESC LIMIT 1",
        )
        .and_then(|mut query| {
            query
                .query_row([prefix, name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("look how far the record had come")?;
    let Some((name, last)) = found else {
        return Ok(-1);
    };
    db.prepare_cached("DELETE FROM counters WHERE name > ?1 AND name < ?2")
        .and_then(|mut delete| delete.execute([prefix, name.as_str()]))
        .doing("forget how far the record had come")?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
            .unwrap();
        db
    }

    fn at(boot: &str, since_boot: i64, time: i64) -> Mark {
        Mark {
            boot: boot.to_owned(),
            since_boot: Some(since_boot),
            time,
        }
    }

    #[test]
    fn only_time_that_has_surely_passed_counts() {
        let db = database();
        take_over(&db, None, "one", Some(10), 1_000).unwrap();
        assert_eq!(advance(&db, Some(60)).unwrap(), 50);
        // A later daemon in the same run of the system, with the calendar 400 days ahead.
        let before = at("one", 10, 1_000);
        take_over(&db, Some(&before), "one", Some(100), 400 * DAY).unwrap();
        assert_eq!(advance(&db, Some(100)).unwrap(), 90);
        assert_eq!(advance(&db, Some(70)).unwrap(), 90, "never back");
        // After a restart of the machine the calendar is believed for a day, and never for less than nothing.
        let before = at("one", 100, 0);
        take_over(&db, Some(&before), "two", Some(5), 400 * DAY).unwrap();
        assert_eq!(advance(&db, Some(5)).unwrap(), 90 + DAY);
        let before = at("two", 5, 400 * DAY);
        take_over(&db, Some(&before), "three", Some(5), 10).unwrap();
        assert_eq!(advance(&db, Some(6)).unwrap(), 91 + DAY);
        assert_eq!(advance(&db, None).unwrap(), 91 + DAY);
    }

    #[test]
    fn old_is_what_the_record_held_so_many_days_ago() {
        let db = database();
        let look = |day: i64, last| {
            mark(&db, Record::Lines, day * DAY, last).unwrap();
            mark(&db, Record::Events, day * DAY, last * 10).unwrap();
            old(&db, Record::Lines, day * DAY, 14).unwrap()
        };
        assert_eq!(look(0, 100), -1);
        assert_eq!(look(0, 120), -1, "so soon it is the same mark");
        assert_eq!(look(5, 200), -1);
        assert_eq!(look(13, 300), -1);
        assert_eq!(look(15, 400), 100);
        assert_eq!(look(20, 500), 200);
        assert_eq!(old(&db, Record::Events, 20 * DAY, 7).unwrap(), 3_000);
        let marks: i64 = db
            .query_row(
                "SELECT count(*) FROM counters WHERE name LIKE 'mark:lines:%'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(marks, 4, "those of days 5, 13, 15 and 20");
    }
}
