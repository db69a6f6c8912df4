//! A session's phase and status, and telling of changes of them.

use rusqlite::params;

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, StoreError, events, session_reads};
use crate::domain::{EventBody, Phase, Session, Status};

/// Puts a session into a phase of work and lets its status follow.
pub fn set_phase(write: &mut Write<'_>, key: i64, phase: Phase) -> Result<Session, StoreError> {
    // An interrupt leaves `completed_at`: it tells whether a turn runs or only background work.
    let completed = if phase == Phase::Interrupting {
        "completed_at"
    } else {
        "NULL"
    };
    let sql = format!(
        "UPDATE sessions SET phase = ?2, completed_at = {completed}, last_activity_at = ?3 WHERE key = ?1"
    );
    write
        .db
        .prepare_cached(&sql)
        .and_then(|mut update| update.execute(params![key, phase.as_str(), micros(write.now)]))
        .doing("change a session's phase")?;
    refresh_status(write, key)
}

/// Lets a session's status follow from what is stored of it.
pub fn refresh_status(write: &mut Write<'_>, key: i64) -> Result<Session, StoreError> {
    let session = session_reads::by_key(write.db, key)?;
    follow_status(write, session)
}

/// The one place that writes a status: from the phase and the pending approvals, which must be as
/// they are stored. Announces a change.
pub fn follow_status(write: &mut Write<'_>, mut session: Session) -> Result<Session, StoreError> {
    let status = Status::of(session.phase, session.pending_approvals);
    if status != session.status {
        write
            .db
            .prepare_cached("UPDATE sessions SET status = ?2 WHERE key = ?1")
            .and_then(|mut update| update.execute(params![session.key, status.as_str()]))
            .doing("change a session's status")?;
        let old = std::mem::replace(&mut session.status, status);
        events::status_changed(write, &session, old)?;
    }
    Ok(session)
}

/// Tells live subscribers the session's present record, which is as it is stored.
pub fn announce_updated(write: &mut Write<'_>, session: &Session) {
    let body = EventBody::SessionUpdated(Box::new(session.clone()));
    write.announce_live(&session.id, &session.run_id, body);
}

/// What works is in sight.
pub fn unarchive(write: &mut Write<'_>, session: &Session) -> Result<(), StoreError> {
    if !session.archived {
        return Ok(());
    }
    write
        .db
        .prepare_cached("UPDATE sessions SET archived = 0 WHERE key = ?")
        .and_then(|mut update| update.execute([session.key]))
        .doing("bring an archived session back")?;
    events::settings_changed(write, session, events::archived_data(false))
}
