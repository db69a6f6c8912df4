//! When agents ran, and the terminals that a person has confirmed.

use std::sync::Arc;

use rusqlite::{Row, params};

use super::rows::{self, micros};
use super::{Doing as _, Store, StoreError, Urgency, seals};
use crate::daemon::callers::{AgentTime, ConfirmedTerminal};
use crate::platform::ProcessId;

fn terminal(row: &Row<'_>) -> rusqlite::Result<ConfirmedTerminal> {
    Ok(ConfirmedTerminal {
        process: ProcessId {
            pid: row.get(0)?,
            start_time: row.get::<_, i64>(1)?.cast_unsigned(),
        },
        program: row.get(2)?,
        confirmed_by: row.get(3)?,
        confirmed_at: rows::time(row, 4)?,
    })
}

impl Store {
    /// Notes when an agent's process started, or ended too.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_agent_time(
        &self,
        boot: String,
        directory: String,
        time: AgentTime,
    ) -> Result<(), StoreError> {
        self.writer
            .run_with(Urgency::Soon, move |write| {
                write
                    .db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO agent_processes (boot_id, directory, started, ended) VALUES (?, ?, ?, ?)",
                    )
                    .and_then(|mut insert| {
                        insert.execute(params![
                            boot,
                            directory,
                            time.started.cast_signed(),
                            time.ended.map(u64::cast_signed)
                        ])
                    })
                    .map(drop)
                    .doing("note when an agent ran")
            })
            .await
    }

    /// When agents ran in this run of the system; other runs are forgotten.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn agent_times(&self, boot: String) -> Result<Vec<AgentTime>, StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .execute("DELETE FROM agent_processes WHERE boot_id <> ?", [&boot])
                    .and_then(|_| {
                        write.db.execute(
                            "DELETE FROM confirmed_terminals WHERE boot_id <> ?",
                            [&boot],
                        )
                    })
                    .doing("forget earlier runs of the system")?;
                write
                    .db
                    .prepare_cached("SELECT started, ended FROM agent_processes")
                    .and_then(|mut query| {
                        query
                            .query_map([], |row| {
                                Ok(AgentTime {
                                    started: row.get::<_, i64>(0)?.cast_unsigned(),
                                    ended: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
                                })
                            })?
                            .collect()
                    })
                    .doing("list when agents ran")
            })
            .await
    }

    /// The terminals that a person has confirmed in this run of the system.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn confirmed_terminals(
        &self,
        boot: String,
    ) -> Result<Vec<ConfirmedTerminal>, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.readers
            .run(move |db| {
                let terminals: Vec<ConfirmedTerminal> = db
                    .prepare_cached(
                        "SELECT pid, start_time, program, confirmed_by, confirmed_at FROM confirmed_terminals
                         WHERE boot_id = ? ORDER BY confirmed_at",
                    )
                    .and_then(|mut query| query.query_map([&boot], terminal)?.collect())
                    .doing("list the confirmed terminals")?;
                seals::ours(db, &sealer, "confirmed_terminals", terminals, |terminal| {
                    let ProcessId { pid, start_time } = terminal.process;
                    format!("{boot} {pid} {}", start_time.cast_signed())
                })
            })
            .await
    }

    /// Records that a person has confirmed a terminal.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn confirm_terminal(
        &self,
        boot: String,
        process: ProcessId,
        program: String,
        by: String,
    ) -> Result<(), StoreError> {
        self.writer
            .run_once(move |write| {
                write
                    .db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO confirmed_terminals (boot_id, pid, start_time, program, confirmed_by, confirmed_at)
                         VALUES (?, ?, ?, ?, ?, ?)",
                    )
                    .and_then(|mut insert| {
                        insert.execute(params![
                            boot,
                            process.pid,
                            process.start_time.cast_signed(),
                            program,
                            by,
                            micros(write.now)
                        ])
                    })
                    .map(drop)
                    .doing("record a confirmed terminal")
            })
            .await
    }
}
