//! Alarms: what must not have happened and has.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::rows::{self, micros};
use super::runners::OF_NO_PROCESS;
use super::tx::Write;
use super::{Doing as _, Store, StoreError, conversation, seals, session_reads};
use crate::daemon::callers::{Alarm, AlarmKind};
use crate::domain::{EventBody, Outcome, RunId, Session, SessionId};

const COLUMNS: &str =
    "id, kind, session_id, detail, boot_id, since, created_at, acknowledged_at, acknowledged_by";

/// Most open alarms of one kind that are about no session. They differ in who did it.
const MOST_OF_A_KIND: i64 = 8;

/// Most alarms of one listing.
const PAGE: i64 = 200;

fn alarm(row: &Row<'_>) -> rusqlite::Result<Alarm> {
    let kind: String = row.get(1)?;
    let session: String = row.get(2)?;
    Ok(Alarm {
        id: row.get(0)?,
        kind: AlarmKind::parse(&kind),
        session_id: SessionId::from(session),
        detail: row.get(3)?,
        boot: row.get(4)?,
        since: row.get::<_, i64>(5)?.cast_unsigned(),
        created_at: rows::time(row, 6)?,
        acknowledged_at: rows::optional_time(row, 7)?,
        acknowledged_by: row.get(8)?,
    })
}

/// Records an alarm in the transaction of what shows it.
fn raise(
    write: &mut Write<'_>,
    kind: AlarmKind,
    (session, run): (&SessionId, &RunId),
    detail: &str,
    (boot, since): (&str, u64),
) -> Result<(), StoreError> {
    tracing::error!(%session, kind = kind.as_str(), detail, "alarm");
    let now = micros(write.now);
    write
        .db
        .prepare_cached(
            "INSERT INTO alarms (kind, session_id, detail, boot_id, since, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                kind.as_str(),
                session.as_str(),
                detail,
                boot,
                since.cast_signed(),
                now
            ])
        })
        .map(drop)
        .doing("record an alarm")?;
    announce(write, session, run)
}

/// Raises an alarm that is about no session.
pub fn raise_without_session(
    write: &mut Write<'_>,
    kind: AlarmKind,
    detail: &str,
) -> Result<(), StoreError> {
    let nobody = (&SessionId::from(String::new()), &RunId::from(String::new()));
    raise(write, kind, nobody, detail, ("", 0))
}

/// Raises an alarm about a session, unless one of that kind is open about it.
pub fn raise_once(
    write: &mut Write<'_>,
    kind: AlarmKind,
    session: &Session,
    detail: &str,
) -> Result<(), StoreError> {
    let known = write
        .db
        .prepare_cached(
            "SELECT 1 FROM alarms WHERE acknowledged_at IS NULL AND kind = ? AND session_id = ?",
        )
        .and_then(|mut query| query.exists(params![kind.as_str(), session.id.as_str()]))
        .doing("look for an open alarm")?;
    if known {
        return Ok(());
    }
    raise(write, kind, (&session.id, &session.run_id), detail, ("", 0))
}

/// Whether an alarm of a kind is open.
pub fn is_open(db: &Connection, kind: AlarmKind) -> Result<bool, StoreError> {
    db.prepare_cached("SELECT 1 FROM alarms WHERE acknowledged_at IS NULL AND kind = ?")
        .and_then(|mut query| query.exists([kind.as_str()]))
        .doing("look for an open alarm")
}

/// Whether an alarm says already what another one would, or there are enough of its kind.
fn is_told(db: &Connection, kind: AlarmKind, detail: &str) -> Result<bool, StoreError> {
    let (open, same): (i64, bool) = db
        .prepare_cached(
            "SELECT count(*), ifnull(max(detail = ?2), 0) FROM alarms
             WHERE acknowledged_at IS NULL AND kind = ?1",
        )
        .and_then(|mut query| {
            query.query_row(params![kind.as_str(), detail], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .doing("look for an open alarm")?;
    Ok(same || open >= MOST_OF_A_KIND)
}

/// Tells clients how many alarms are open.
fn announce(write: &mut Write<'_>, session: &SessionId, run: &RunId) -> Result<(), StoreError> {
    let open = count_open(write.db)?;
    write.announce_live(session, run, EventBody::AlarmsChanged { open });
    Ok(())
}

/// How many alarms nobody has acknowledged.
pub fn count_open(db: &Connection) -> Result<u64, StoreError> {
    db.prepare_cached("SELECT count(*) FROM alarms WHERE acknowledged_at IS NULL")
        .and_then(|mut query| query.query_row([], |row| row.get::<_, i64>(0)))
        .map(|open| u64::try_from(open).unwrap_or(0))
        .doing("count the open alarms")
}

/// Raises an alarm about a session.
pub fn raise_in(
    write: &mut Write<'_>,
    kind: AlarmKind,
    session: &Session,
    detail: &str,
) -> Result<(), StoreError> {
    raise(write, kind, (&session.id, &session.run_id), detail, ("", 0))
}

/// Notes that whoever decided what an alarm in a session was about has seen it.
pub fn settle(
    write: &mut Write<'_>,
    kind: AlarmKind,
    session: &Session,
    by: &str,
) -> Result<(), StoreError> {
    let changed = write
        .db
        .prepare_cached(
            "UPDATE alarms SET acknowledged_at = ?3, acknowledged_by = ?4
             WHERE kind = ?1 AND session_id = ?2 AND acknowledged_at IS NULL",
        )
        .and_then(|mut update| {
            update.execute(params![
                kind.as_str(),
                session.id.as_str(),
                micros(write.now),
                by
            ])
        })
        .doing("acknowledge an alarm")?;
    match changed {
        0 => Ok(()),
        _ => announce(write, &session.id, &session.run_id),
    }
}

/// Raises an alarm where a tool has run about which a question is open, or was denied.
pub fn tool_ran(
    write: &mut Write<'_>,
    session: &Session,
    tool_use_id: &str,
) -> Result<(), StoreError> {
    // What a remote API answered is known by the next poll.
    let found: Option<(String, String, String)> = write
        .db
        .prepare_cached(
            "SELECT id, tool_name, outcome FROM approvals
             WHERE session_key = ?1 AND tool_use_id = ?2 AND outcome IN ('pending', 'denied') AND source <> 'remote_api'
             ORDER BY key DESC LIMIT 1",
        )
        .and_then(|mut query| {
            query
                .query_row(params![session.key, tool_use_id], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .doing("look whether a tool was approved")?;
    let Some((approval, tool, outcome)) = found else {
        return Ok(());
    };
    let how = if outcome == Outcome::Denied.as_str() {
        "although it was denied"
    } else {
        "although nobody had approved it"
    };
    let detail = format!("{tool} ran {how} (approval {approval})");
    let of = (&session.id, &session.run_id);
    raise(write, AlarmKind::RanUnapproved, of, &detail, ("", 0))
}

fn listed(db: &Connection, condition: &str) -> Result<Vec<Alarm>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alarms WHERE {condition} ORDER BY id DESC LIMIT {PAGE}"
    ))
    .and_then(|mut query| query.query_map([], alarm)?.collect())
    .doing("list the alarms")
}

impl Store {
    /// Records that a runner was killed, or may as well have been.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn raise_runner_killed(
        &self,
        session_key: i64,
        boot: String,
        since: u64,
        detail: &'static str,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                // A daemon that died right after it had noted this notes it once.
                let known = write
                    .db
                    .prepare_cached(
                        "SELECT 1 FROM alarms WHERE kind = ? AND session_id = ? AND boot_id = ? AND since = ?",
                    )
                    .and_then(|mut query| {
                        query.exists(params![
                            AlarmKind::RunnerKilled.as_str(),
                            session.id.as_str(),
                            boot,
                            since.cast_signed()
                        ])
                    })
                    .doing("look for an alarm")?;
                if known {
                    return Ok(());
                }
                raise(
                    write,
                    AlarmKind::RunnerKilled,
                    (&session.id, &session.run_id),
                    detail,
                    (&boot, since),
                )
            })
            .await
    }

    /// Records that somebody else has changed what is on record of runners, unless that is open already: a
    /// runner may have been killed of which nothing tells any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn raise_runners_changed(&self, boot: String) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .execute(&format!("DELETE FROM runners WHERE {OF_NO_PROCESS}"), [])
                    .doing("forget runners of no process")?;
                let known = write
                    .db
                    .prepare_cached(
                        "SELECT 1 FROM alarms WHERE kind = ? AND session_id = '' AND boot_id = ? AND acknowledged_at IS NULL",
                    )
                    .and_then(|mut query| {
                        query.exists(params![AlarmKind::RunnerKilled.as_str(), boot])
                    })
                    .doing("look for an alarm")?;
                if known {
                    return Ok(());
                }
                let nobody = (&SessionId::from(String::new()), &RunId::from(String::new()));
                let detail = "while no daemon ran, another program changed what is on record of runners: what an agent left behind may have escaped";
                raise(write, AlarmKind::RunnerKilled, nobody, detail, (&boot, 0))
            })
            .await
    }

    /// Records that a signal has stopped a session's runner, unless that is open already.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn raise_runner_stopped(
        &self,
        session: SessionId,
        pid: u32,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::resolve(write.db, session.as_str())?;
                let detail = format!(
                    "a signal stopped the session's runner (process {pid}); it was told to go on"
                );
                raise_once(write, AlarmKind::RunnerStopped, &session, &detail)
            })
            .await
    }

    /// Records an alarm that is about no session, unless one of its kind is open.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn raise_about_daemon(
        &self,
        kind: AlarmKind,
        detail: String,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                if is_told(write.db, kind, &detail)? {
                    return Ok(());
                }
                raise_without_session(write, kind, &detail)
            })
            .await
    }

    /// Records that a session's journal is not what its agent wrote, and says so in its conversation.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn raise_journal_damaged(
        &self,
        session_key: i64,
        detail: String,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let session = session_reads::by_key(write.db, session_key)?;
                raise_once(write, AlarmKind::JournalDamaged, &session, &detail)?;
                conversation::note(write, &session, detail)
            })
            .await
    }

    /// Has a session's journal count on from its beginning: what was before in it is gone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn rebase_journal(&self, session_key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .prepare_cached(
                        "UPDATE sessions SET journal_base = journal_offset WHERE key = ?",
                    )
                    .and_then(|mut update| update.execute([session_key]))
                    .map(drop)
                    .doing("take note of a journal that was cut off")
            })
            .await
    }

    /// The alarms, the newest first; only those that nobody has acknowledged, if so wanted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn alarms(&self, open_only: bool) -> Result<Vec<Alarm>, StoreError> {
        self.readers
            .run(move |db| {
                listed(
                    db,
                    if open_only {
                        "acknowledged_at IS NULL"
                    } else {
                        "1"
                    },
                )
            })
            .await
    }

    /// Acknowledges an alarm.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when no open alarm has that number.
    pub async fn acknowledge_alarm(&self, id: i64, by: String) -> Result<Alarm, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.writer
            .run_once(move |write| {
                let now = micros(write.now);
                let sql = format!(
                    "UPDATE alarms SET acknowledged_at = ?2, acknowledged_by = ?3
                     WHERE id = ?1 AND acknowledged_at IS NULL RETURNING {COLUMNS}"
                );
                let acknowledged = write
                    .db
                    .prepare_cached(&sql)
                    .and_then(|mut update| update.query_row(params![id, now, by], alarm).optional())
                    .doing("acknowledge an alarm")?
                    .ok_or(StoreError::NotFound {
                        what: "open alarm",
                        id: id.to_string(),
                    })?;
                if acknowledged.kind == AlarmKind::ForeignWriter {
                    seals::seal_all(write.db, &sealer).doing("confirm what is in force")?;
                }
                let run = RunId::from(String::new());
                announce(write, &acknowledged.session_id, &run)?;
                Ok(acknowledged)
            })
            .await
    }
}
