//! The shape of the database and how it grows.
//!
//! Migrations are ordered and never edited once released; each runs in one transaction together
//! with the version that it makes, so a daemon killed in the middle of one starts over cleanly.
//! A database that is not ours is recognised and left exactly as it is.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{StoreError, conversations_migration, seals};
use crate::daemon::secrets::Sealer;

/// Marks a database as ours ("HLYR").
pub const APPLICATION_ID: i32 = 0x484c_5952;

/// Each entry takes the schema one version further.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_v1.sql"),
    include_str!("schema_programs.sql"),
    include_str!("schema_session_counts.sql"),
    include_str!("schema_raw_input.sql"),
    include_str!("schema_launch_secrets.sql"),
    include_str!("schema_asker_processes.sql"),
    include_str!("schema_stream_state.sql"),
    CONVERSATIONS,
    include_str!("schema_unread_lines.sql"),
    include_str!("schema_callers.sql"),
    include_str!("schema_alarms.sql"),
    include_str!("schema_terminals.sql"),
    SEALS,
    include_str!("schema_messages.sql"),
    include_str!("schema_projects.sql"),
    RUNNERS,
    include_str!("schema_process_deaths.sql"),
    include_str!("schema_idempotency_keys.sql"),
    include_str!("schema_activity.sql"),
    include_str!("schema_directories.sql"),
];

/// The migration from which on rows that permit something are sealed.
const SEALS: &str = include_str!("schema_seals.sql");

/// The migration from which on runners are known by their keys.
const RUNNERS: &str = include_str!("schema_runners.sql");

/// The migration whose data are brought together by [`conversations_migration`].
const CONVERSATIONS: &str = include_str!("schema_conversations.sql");

/// Brings an opened database to the current version. It has the functions that migrations use
/// ([`super::secret_functions::add_functions`]).
///
/// # Errors
/// When the database belongs to another program or a newer binary, is damaged, or cannot be
/// written; it is unchanged then.
pub fn migrate(db: &mut Connection, path: &Path, sealer: &Sealer) -> Result<(), StoreError> {
    let from = recognise(db, path)?;
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(from) {
        let mut step = || -> rusqlite::Result<()> {
            let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            tx.execute_batch(sql)?;
            if *sql == CONVERSATIONS {
                conversations_migration::run(&tx)?;
            }
            if *sql == SEALS {
                seals::seal_all(&tx, sealer)?;
            }
            if *sql == RUNNERS {
                seals::seal_kinds(&tx, sealer, &["runners", "grants", "repositories"])?;
            }
            crate::failpoint::hit("store.migrating");
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.pragma_update(
                None,
                "user_version",
                i64::try_from(index + 1).unwrap_or(i64::MAX),
            )?;
            tx.commit()
        };
        step().map_err(|source| StoreError::Migrate {
            path: path.to_owned(),
            version: index + 1,
            source,
        })?;
    }
    Ok(())
}

/// Takes out triggers that no migration has made. They would run in the transactions of this daemon, and what they
/// change would be sealed as its own.
///
/// # Errors
/// When the database cannot be read or written.
pub fn drop_foreign_triggers(db: &Connection) -> rusqlite::Result<()> {
    let found: Vec<(String, String)> = db
        .prepare_cached("SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, sql) in found {
        if MIGRATIONS.iter().any(|migration| migration.contains(&sql)) {
            continue;
        }
        tracing::error!(name, "a trigger that another program has made is dropped");
        let quoted = name.replace('"', "\"\"");
        db.execute_batch(&format!("DROP TRIGGER main.\"{quoted}\""))?;
    }
    Ok(())
}

/// Refuses a database that is not ours, or not yet, before it is opened for writing: merely closing
/// it again would fold its write-ahead log in, which its own program may be writing at this moment.
/// What is said here is true for what the file itself holds; the log is looked at later.
///
/// # Errors
/// [`StoreError::Foreign`], [`StoreError::Newer`]. Whatever else is wrong shows when it is opened.
pub fn refuse_untouched(path: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Immutable: no locks are taken and no files are made beside it.
    let Ok(db) = Connection::open_with_flags(uri(path) + "?immutable=1", flags) else {
        return Ok(());
    };
    match recognise(&db, path) {
        Err(error @ (StoreError::Foreign { .. } | StoreError::Newer { .. })) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A path as SQLite's URI, with everything escaped that could mean something in one.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-') {
            uri.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Has SQLite plan a statement once and not again for every new value. Otherwise each statement whose
/// plan could use a partial index is compiled anew whenever a value is bound to it, which costs
/// more than running it.
///
/// # Errors
/// When SQLite does not know the setting.
pub fn keep_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG,
        true,
    )
    .map(drop)
}

/// Which version a database has; 0 for an empty one.
fn recognise(db: &Connection, path: &Path) -> Result<usize, StoreError> {
    let read = || -> rusqlite::Result<(i32, usize, bool, i64)> {
        let application_id = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
        let version = usize::try_from(version).unwrap_or(usize::MAX);
        let count = |filter: &str| -> rusqlite::Result<i64> {
            db.query_row(
                &format!("SELECT count(*) FROM sqlite_master WHERE type = 'table' {filter}"),
                [],
                |row| row.get(0),
            )
        };
        Ok((
            application_id,
            version,
            count("AND name = 'schema_version'")? > 0,
            count("")?,
        ))
    };
    let (application_id, version, has_schema_version, tables) =
        read().map_err(|source| unreadable(path, source))?;
    if application_id == APPLICATION_ID {
        if version > MIGRATIONS.len() {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                version,
                known: MIGRATIONS.len(),
            });
        }
        return Ok(version);
    }
    if tables == 0 {
        return Ok(0);
    }
    Err(StoreError::Foreign {
        path: path.to_owned(),
        what: if has_schema_version {
            "the database of hld, the older daemon"
        } else {
            "the database of another program"
        },
    })
}

/// What is said of a database in which nothing is.
pub const EMPTY: &str = "empty";

/// Looks at a database without changing it: says in a few words what is in it.
///
/// # Errors
/// What [`super::Store::open`] would refuse it for.
pub fn inspect(path: &Path) -> Result<String, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|source| unreadable(path, source))?;
    match recognise(&db, path)? {
        0 => Ok(EMPTY.to_owned()),
        version => {
            let count = |table: &str| -> rusqlite::Result<i64> {
                db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
            };
            let read = || Ok((count("sessions")?, count("approvals")?));
            let (sessions, approvals) = read().map_err(|source| unreadable(path, source))?;
            Ok(format!(
                "schema version {version}, {sessions} sessions, {approvals} approvals"
            ))
        }
    }
}

/// Names what is wrong with a file that SQLite cannot read.
pub fn unreadable(path: &Path, source: rusqlite::Error) -> StoreError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Corrupt {
            path: path.to_owned(),
            source,
        },
        _ => StoreError::Open {
            path: path.to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn migrate_alone(db: &mut Connection) -> Result<(), StoreError> {
        let keys = tempfile::tempdir().unwrap();
        let sealer = Sealer::beside(&keys.path().join("db"));
        migrate(db, Path::new("x"), &sealer)
    }
    use crate::daemon::secrets::Sealer;

    /// A database in memory, with a key for what is encrypted in it.
    fn in_memory() -> (Connection, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let db = Connection::open_in_memory().unwrap();
        let sealer = Sealer::beside(&dir.path().join("db"));
        super::super::secret_functions::add_functions(&db, &std::sync::Arc::new(sealer)).unwrap();
        (db, dir)
    }

    #[test]
    fn an_empty_database_reaches_the_current_version_once() {
        let (mut db, _dir) = in_memory();
        migrate_alone(&mut db).unwrap();
        migrate_alone(&mut db).unwrap();
        let version: i64 = db
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, i64::try_from(MIGRATIONS.len()).unwrap());
    }

    #[test]
    fn the_migration_to_version_1_was_not_edited() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(MIGRATIONS[0]).unwrap();
        let mut query = db
            .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
            .unwrap();
        let parts: Vec<String> = query
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let kept = include_str!("../../../tests/fixtures/database-v1/schema.sql");
        assert_eq!(format!("-- version 1\n{};\n", parts.join(";\n")), kept);
    }

    #[test]
    fn sessions_are_counted_whatever_happens_to_them() {
        let (mut db, _dir) = in_memory();
        db.execute_batch(MIGRATIONS[0]).unwrap();
        let add = |db: &Connection, id: &str, status: &str| {
            db.execute(
                "INSERT INTO sessions (id, run_id, phase, status, process, query, summary, title, working_dir, config,
                    created_at, last_activity_at)
                 VALUES (?1, ?1, 'x', ?2, 'gone', '', '', '', '', '{}', 0, 0)",
                [id, status],
            )
            .unwrap();
        };
        let counted = |db: &Connection, sql: &str| -> Vec<(i64, String, i64)> {
            let mut query = db.prepare(sql).unwrap();
            query
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        let check = |db: &Connection| {
            let kept = "SELECT archived, status, n FROM session_counts WHERE n <> 0 ORDER BY 1, 2";
            let real =
                "SELECT archived, status, count(*) FROM sessions GROUP BY 1, 2 ORDER BY 1, 2";
            assert_eq!(counted(db, kept), counted(db, real));
        };
        // Some that were there before anything was counted.
        add(&db, "a", "completed");
        add(&db, "b", "completed");
        db.pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        db.pragma_update(None, "user_version", 1).unwrap();
        migrate_alone(&mut db).unwrap();
        check(&db);
        add(&db, "c", "running");
        check(&db);
        for sql in [
            "UPDATE sessions SET status = 'failed' WHERE id = 'c'",
            "UPDATE sessions SET archived = 1 WHERE status = 'completed'",
            "UPDATE sessions SET status = status, title = 't'",
            "DELETE FROM sessions WHERE id = 'a'",
        ] {
            db.execute(sql, []).unwrap();
            check(&db);
        }
    }

    #[test]
    fn a_path_cannot_be_taken_for_a_part_of_the_uri() {
        assert_eq!(uri(Path::new("/a b/c?d#e%f")), "file:/a%20b/c%3Fd%23e%25f");
    }

    #[test]
    fn other_databases_are_refused_unchanged() {
        let cases = [
            ("CREATE TABLE schema_version (version INTEGER)", "hld"),
            ("CREATE TABLE t (x)", "another program"),
        ];
        for (sql, word) in cases {
            let mut db = Connection::open_in_memory().unwrap();
            db.execute_batch(sql).unwrap();
            let error = migrate_alone(&mut db).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            let tables: i64 = db
                .query_row("SELECT count(*) FROM sqlite_master", [], |r| r.get(0))
                .unwrap();
            assert_eq!(tables, 1);
        }
        let mut newer = Connection::open_in_memory().unwrap();
        newer
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        newer.pragma_update(None, "user_version", 999).unwrap();
        assert!(matches!(
            migrate_alone(&mut newer),
            Err(StoreError::Newer { .. })
        ));
    }
}
