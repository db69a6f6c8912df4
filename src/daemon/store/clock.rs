//! What a daemon hands on to the next one of the time: how late it has been.

use rusqlite::{OptionalExtension as _, params};

use super::rows::micros;
use super::{Doing as _, Store, StoreError, steady};
use crate::daemon::clock::{self, Mark};

impl Store {
    /// Has the clock begin no earlier than an earlier daemon's had come to, and the time that has passed since
    /// where the system tells that; and leaves the same for the next one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn take_over_clock(&self, boot: String) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                let before: Option<Mark> = write
                    .db
                    .prepare_cached("SELECT boot_id, since_boot, time FROM clock")
                    .and_then(|mut query| {
                        query
                            .query_row([], |row| {
                                Ok(Mark {
                                    boot: row.get(0)?,
                                    since_boot: row.get(1)?,
                                    time: row.get(2)?,
                                })
                            })
                            .optional()
                    })
                    .doing("look how late it was")?;
                let since_boot = steady::since_boot();
                let calendar = micros(write.now);
                steady::take_over(write.db, before.as_ref(), &boot, since_boot, calendar)?;
                if let Some(time) = before.and_then(|mark| mark.now(&boot, since_boot)) {
                    clock::at_least(time);
                }
                let time = micros(clock::never_back());
                write
                    .db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO clock (id, boot_id, since_boot, time) VALUES (1, ?, ?, ?)",
                    )
                    .and_then(|mut insert| insert.execute(params![boot, since_boot, time]))
                    .map(drop)
                    .doing("note how late it is")
            })
            .await
    }
}
