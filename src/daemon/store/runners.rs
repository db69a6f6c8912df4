//! The runners of processes that are not over, and the keys by which they are known.

use std::sync::Arc;

use rusqlite::params;

use super::{Doing as _, Store, StoreError, seals};
use crate::platform::ProcessId;
use crate::runner::identity::PublicKey;

/// A runner that was started.
#[derive(Clone, Debug)]
pub struct NewRunner {
    /// The key that it signs with.
    pub key: PublicKey,
    /// Its directory.
    pub directory: String,
    /// Its session.
    pub session_id: String,
    /// The run of the system in which it was started.
    pub boot: String,
    /// Which process it is.
    pub process: ProcessId,
}

/// What is on record of the runner of a directory.
#[derive(Clone, Debug, Default)]
pub struct KnownRunner {
    /// The keys of those that were started there: one, or more after a daemon died while it started one.
    /// None for a runner of an earlier release.
    pub keys: Vec<PublicKey>,
    /// The run of the system in which the first was started.
    pub boot: Option<String>,
    /// Their processes, in the order in which they were started.
    pub processes: Vec<ProcessId>,
    /// Whether this daemon, or an earlier one, wrote all of that, and nobody took anything away.
    pub is_sealed: bool,
}

/// Whether a row of `runners` is of a process that is said to be over, as SQL.
pub const OF_NO_PROCESS: &str = "NOT EXISTS
    (SELECT 1 FROM sessions s WHERE s.directory = runners.directory AND s.process <> 'gone')";

impl Store {
    /// Puts a runner on record.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn add_runner(&self, new: NewRunner) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .prepare_cached(
                        "INSERT INTO runners (public_key, directory, session_id, boot_id, pid, start_time)
                         VALUES (?, ?, ?, ?, ?, ?)",
                    )
                    .and_then(|mut insert| {
                        insert.execute(params![
                            new.key.as_bytes(),
                            new.directory,
                            new.session_id,
                            new.boot,
                            new.process.pid,
                            new.process.start_time.cast_signed()
                        ])
                    })
                    .map(drop)
                    .doing("put a runner on record")
            })
            .await
    }

    /// Whether somebody else has changed what is on record of runners while no daemon ran.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runners_are_foreign(&self) -> Result<bool, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.readers
            .run(move |db| {
                let unsealed =
                    seals::runners_are_foreign(db, &sealer).doing("look who wrote of runners")?;
                // They go in the transaction in which their process is over.
                let left = db
                    .prepare_cached(&format!("SELECT 1 FROM runners WHERE {OF_NO_PROCESS}"))
                    .and_then(|mut query| query.exists([]))
                    .doing("look for runners of no process")?;
                Ok(unsealed || left)
            })
            .await
    }

    /// What is on record of the runner of a directory.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runner_of(&self, directory: String) -> Result<KnownRunner, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.readers
            .run(move |db| {
                let rows: Vec<(Vec<u8>, String, u32, i64)> = db
                    .prepare_cached(
                        "SELECT public_key, boot_id, pid, start_time FROM runners WHERE directory = ? ORDER BY start_time, pid",
                    )
                    .and_then(|mut query| {
                        query
                            .query_map([directory], |row| {
                                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                            })?
                            .collect()
                    })
                    .doing("look up a runner")?;
                let is_sealed = seals::holds(db, &sealer, "runners", seals::ALL)
                    .doing("look who wrote of a runner")?;
                Ok(KnownRunner {
                    boot: rows.first().map(|(_, boot, ..)| boot.clone()),
                    processes: rows
                        .iter()
                        .map(|(_, _, pid, start_time)| ProcessId {
                            pid: *pid,
                            start_time: start_time.cast_unsigned(),
                        })
                        .collect(),
                    keys: rows
                        .into_iter()
                        .map(|(key, ..)| PublicKey::from_bytes(key))
                        .collect(),
                    is_sealed,
                })
            })
            .await
    }
}
