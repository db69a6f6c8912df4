//! What migrations do with launch secrets: SQL functions that seal them, and the rewriting of a file that held them
//! in clear.

use std::sync::Arc;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use crate::daemon::secrets::{Sealer, take_from_config};
use crate::domain::SessionId;

/// Gives a connection the functions that the migration uses.
pub(super) fn add_functions(db: &Connection, sealer: &Arc<Sealer>) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8;
    let sealing = Arc::clone(sealer);
    db.create_scalar_function("sealed_launch_secrets", 2, flags, move |args| {
        let (id, config) = (args.get::<String>(0)?, args.get::<String>(1)?);
        // What is no configuration cannot be read later either; it holds nothing to take out.
        let Some(taken) = parsed(&config).as_ref().and_then(take_from_config) else {
            return Ok(None);
        };
        sealing
            .seal(&SessionId::from(id), &taken.secrets)
            .map(Some)
            .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
    })?;
    let rebinder = Arc::clone(sealer);
    db.create_scalar_function("rebound_launch_secrets", 3, flags, move |args| {
        let (from, to) = (args.get::<String>(0)?, args.get::<String>(1)?);
        let sealed = args.get::<Vec<u8>>(2)?;
        // What cannot be read is not worth keeping under another id either.
        let opened = rebinder.open(&SessionId::from(from), &sealed).ok();
        let again = opened.map(|secrets| rebinder.seal(&SessionId::from(to), &secrets));
        Ok(again.and_then(Result::ok))
    })?;
    db.create_scalar_function("config_without_secrets", 1, flags, |args| {
        let config = args.get::<String>(0)?;
        let taken = parsed(&config).as_ref().and_then(take_from_config);
        Ok(taken.map_or(config, |taken| taken.config.to_string()))
    })
}

fn parsed(config: &str) -> Option<Value> {
    serde_json::from_str(config).ok()
}

/// Writes the file anew if a migration asked for it, so that nothing is left of what its free pages
/// and its log held. A failure is logged and made good at the next start.
pub(super) fn rewrite_if_asked(db: &Connection) {
    let rewrite = || -> rusqlite::Result<bool> {
        let asked = db
            .query_row(
                "SELECT 1 FROM counters WHERE name = 'rewrite_file'",
                [],
                |_| Ok(()),
            )
            .optional()?;
        if asked.is_none() {
            return Ok(true);
        }
        tracing::info!(
            "rewriting the database once, so that old copies of launch environments are gone"
        );
        db.execute_batch("VACUUM")?;
        crate::failpoint::hit("store.rewritten");
        let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            db.execute("DELETE FROM counters WHERE name = 'rewrite_file'", [])?;
        }
        Ok(!busy)
    };
    match rewrite() {
        Ok(true) => {}
        Ok(false) => tracing::warn!(
            "another program reads the database, so its log keeps old data; the next start removes it"
        ),
        Err(error) => {
            tracing::warn!(%error, "the database cannot be rewritten, so old data stays in its free pages; the next start tries again")
        }
    }
}
