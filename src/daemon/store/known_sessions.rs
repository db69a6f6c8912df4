//! Sessions as the writer last stored them, so that a stretch of a journal need not read its session's row again.
//!
//! Owns finding out when such a copy is no more what is stored: SQLite tells of every row that this connection changes,
//! and of every commit of another one. What a rollback undoes is forgotten with everything else. Only journals are
//! followed with these; whoever decides reads the row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::{Doing as _, StoreError, schema, seen_version, session_reads};
use crate::domain::Session;

/// Most sessions that are kept.
const MOST: usize = 256;

/// What has changed since it was last looked.
#[derive(Default)]
struct Changes {
    /// Rows of sessions.
    sessions: Vec<i64>,
    /// Whether any approval has: how many are pending is part of a session.
    approvals: bool,
}

/// Sessions as they are stored.
#[derive(Default)]
pub struct KnownSessions {
    sessions: HashMap<i64, Arc<Session>>,
    changes: Arc<Mutex<Changes>>,
    /// See [`seen_version::version`].
    data_version: Option<i64>,
}

impl KnownSessions {
    /// Follows what a connection changes, from now on.
    ///
    /// # Errors
    /// When the connection does not tell.
    pub fn follow(&mut self, db: &mut Connection) -> Result<(), StoreError> {
        self.forget();
        self.data_version = None;
        let changes = Arc::clone(&self.changes);
        let note = move |_, _: &str, table: &str, row: i64| match table {
            "sessions" => lock(&changes).sessions.push(row),
            "approvals" => lock(&changes).approvals = true,
            _ => {}
        };
        db.update_hook(Some(note)).doing("follow what is changed")
    }

    /// Forgets what is no more so. At the beginning of a transaction.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn look(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let version = seen_version::version(db)?;
        if self.data_version.replace(version) != Some(version) {
            self.forget();
            schema::drop_foreign_triggers(db)?;
        }
        // Nobody may ask for a session for a long time.
        self.drop_changed();
        Ok(())
    }

    /// Forgets everything: what was changed has been undone.
    pub fn forget(&mut self) {
        self.sessions.clear();
        *lock(&self.changes) = Changes::default();
    }

    /// A session as it is stored.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn get(&mut self, db: &Connection, key: i64) -> Result<Arc<Session>, StoreError> {
        self.drop_changed();
        let Some(known) = self.sessions.get(&key) else {
            return session_reads::by_key(db, key).map(Arc::new);
        };
        debug_assert_eq!(
            **known,
            session_reads::by_key(db, key)?,
            "not what is stored"
        );
        Ok(Arc::clone(known))
    }

    /// Keeps a session, which is as it is stored.
    pub fn keep(&mut self, session: &Arc<Session>) {
        // What led to this is known with it.
        self.drop_changed();
        self.sessions.insert(session.key, Arc::clone(session));
        if self.sessions.len() > MOST {
            let other = self.sessions.keys().find(|key| **key != session.key);
            let other = other.copied();
            other.and_then(|key| self.sessions.remove(&key));
        }
    }

    fn drop_changed(&mut self) {
        let mut changes = lock(&self.changes);
        if std::mem::take(&mut changes.approvals) {
            self.sessions.clear();
        }
        for key in changes.sessions.drain(..) {
            self.sessions.remove(&key);
        }
    }
}

fn lock(changes: &Mutex<Changes>) -> MutexGuard<'_, Changes> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::super::requests_tests::{Rig, rig};
    use super::super::{Ingest, RawLines, SettingsChange, StoreError, Urgency};
    use super::*;
    use crate::domain::Phase;

    /// Ingests a stretch that ends in a phase.
    async fn moved_on(
        rig: &Rig,
        key: i64,
        from: u64,
        phase: Phase,
    ) -> Result<Arc<Session>, StoreError> {
        let ingest = Ingest {
            session_key: key,
            from,
            to: from + 1,
            lines: RawLines::default(),
            apply: Box::new(move |session, _| {
                session.phase = phase;
                Vec::new()
            }),
            end: None,
            urgency: Urgency::Now,
        };
        rig.store.ingest(ingest).await
    }

    #[tokio::test]
    async fn what_is_known_of_a_session_is_what_is_stored_whoever_changes_it() {
        let rig = rig();
        let session = rig.session("a", None).await;
        let (key, at) = (session.key, session.journal_offset);
        moved_on(&rig, key, at, Phase::Running).await.unwrap();
        // Another job of the same writer.
        let change = SettingsChange {
            title: Some("by a person".to_owned()),
            ..SettingsChange::default()
        };
        rig.store.change_settings("a", change).await.unwrap();
        let after = moved_on(&rig, key, at + 1, Phase::Completed).await.unwrap();
        assert_eq!(after.title, "by a person");
        // Another connection.
        let other = Connection::open(rig.dir.path().join("db")).unwrap();
        other
            .execute("UPDATE sessions SET title = 'by another'", [])
            .unwrap();
        let after = moved_on(&rig, key, at + 2, Phase::Running).await.unwrap();
        assert_eq!(after.title, "by another");
        // One that fails has changed nothing.
        let failed = moved_on(&rig, key, at, Phase::Failed).await;
        assert!(
            matches!(failed, Err(StoreError::OutOfStep { .. })),
            "{failed:?}"
        );
        let after = moved_on(&rig, key, at + 3, Phase::Completed).await.unwrap();
        assert_eq!(*after, rig.store.session_by_key(key).await.unwrap());
        assert_eq!(after.phase, Phase::Completed);
    }

    #[tokio::test]
    async fn of_many_sessions_a_bounded_number_is_kept() {
        let session = rig().session("a", None).await;
        let mut known = KnownSessions::default();
        for key in 0..1_000 {
            let mut session = session.clone();
            session.key = key;
            known.keep(&Arc::new(session));
            assert!(known.sessions.contains_key(&key));
            assert!(known.sessions.len() <= MOST);
        }
    }

    #[tokio::test]
    async fn what_has_changed_is_not_noted_for_ever_where_no_journal_is_followed() {
        let rig = rig();
        rig.session("a", None).await;
        let mut db = Connection::open(rig.dir.path().join("db")).unwrap();
        let mut known = KnownSessions::default();
        known.follow(&mut db).unwrap();
        for _ in 0..100 {
            known.look(&db).unwrap();
            // Without the triggers of the writer's own connection.
            db.execute("UPDATE sessions SET title = title || '.'", [])
                .unwrap();
            assert_eq!(lock(&known.changes).sessions.len(), 1);
        }
    }
}
