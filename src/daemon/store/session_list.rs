//! Lists of sessions, page by page. Must not read more than the page.

use rusqlite::{Connection, params};

use super::{Doing as _, SessionFilter, Store, StoreError, rows, session_reads};
use crate::domain::Session;

impl Store {
    /// Sessions, the last active first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions(&self, filter: SessionFilter) -> Result<Vec<Session>, StoreError> {
        self.readers.run(move |db| read(db, &filter)).await
    }
}

/// Sessions, the last active first.
pub fn read(db: &Connection, filter: &SessionFilter) -> Result<Vec<Session>, StoreError> {
    let after = filter
        .after
        .as_ref()
        .map(|id| session_reads::resolve(db, id.as_str()))
        .transpose()?;
    let after = after.map_or(i64::MAX, |session| session.activity);
    let limit = filter.limit.map_or(-1, i64::from);
    db.prepare_cached(&query(filter))
        .and_then(|mut statement| {
            statement
                .query_map(params![after, limit], rows::session)?
                .collect()
        })
        .doing("list sessions")
}

/// The index is of those in the archive and of the others, each in order: where both are wanted, the two are merged, and
/// a page costs as much as its sessions whatever lies behind it.
fn query(filter: &SessionFilter) -> String {
    let archived: &[u8] = match filter.archived {
        Some(true) => &[1],
        Some(false) => &[0],
        None => &[0, 1],
    };
    let statuses: Vec<String> = filter
        .statuses
        .iter()
        .map(|s| format!("'{}'", s.as_str()))
        .collect();
    let of_status = if statuses.is_empty() {
        String::new()
    } else {
        format!("AND s.status IN ({})", statuses.join(", "))
    };
    let parts: Vec<String> = archived
        .iter()
        .map(|archived| {
            format!(
                "SELECT {} FROM sessions s WHERE s.archived = {archived} AND s.activity < ?1 {of_status}",
                rows::SESSION
            )
        })
        .collect();
    format!(
        "{} ORDER BY s.activity DESC LIMIT ?2",
        parts.join(" UNION ALL ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;

    use super::super::{schema, secret_functions};
    use super::*;
    use crate::daemon::secrets::Sealer;

    #[test]
    fn no_list_of_sessions_is_sorted_before_its_first_page() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let sealer = Arc::new(Sealer::beside(&path));
        let mut db = Connection::open_in_memory().unwrap();
        secret_functions::add_functions(&db, &sealer).unwrap();
        schema::migrate(&mut db, &path, &sealer).unwrap();
        for archived in [None, Some(true), Some(false)] {
            let filter = SessionFilter {
                archived,
                limit: Some(100),
                ..SessionFilter::default()
            };
            let plan: Vec<String> = db
                .prepare(&format!("EXPLAIN QUERY PLAN {}", query(&filter)))
                .unwrap()
                .query_map(params![i64::MAX, 100], |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let plan = plan.join("\n");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            assert!(!plan.contains("SCAN s"), "{plan}");
        }
    }
}
