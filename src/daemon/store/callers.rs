//! What is on record about who calls: places, and programs that ask.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::rows::{self, micros};
use super::tx::Write;
use super::{Doing as _, Store, StoreError, seals};
use crate::daemon::callers::{Place, PlaceRecord};
use crate::daemon::secrets::Sealer;
use crate::platform::ProcessId;

const PLACE: &str = "id, kind, name, boot_id, pid, start_time, program, added_by, created_at";

fn place(row: &Row<'_>) -> rusqlite::Result<PlaceRecord> {
    let text = |index| {
        row.get::<_, Option<String>>(index)
            .map(Option::unwrap_or_default)
    };
    let number = |index| {
        row.get::<_, Option<i64>>(index)
            .map(Option::unwrap_or_default)
    };
    let start_time = number(5)?.cast_unsigned();
    let place = match row.get::<_, String>(1)?.as_str() {
        "unit" => Place::Unit { name: text(2)? },
        "container" => Place::Container {
            boot: text(3)?,
            start_time,
        },
        _ => Place::Process {
            boot: text(3)?,
            process: ProcessId {
                pid: u32::try_from(number(4)?).unwrap_or_default(),
                start_time,
            },
        },
    };
    Ok(PlaceRecord {
        id: row.get(0)?,
        place,
        program: row.get(6)?,
        added_by: row.get(7)?,
        created_at: rows::time(row, 8)?,
    })
}

impl Store {
    /// Puts a place on record; one that is there already stays as it is.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn add_place(
        &self,
        new: Place,
        program: String,
        added_by: String,
    ) -> Result<PlaceRecord, StoreError> {
        self.writer
            .run_once(move |write| add(write, &new, &program, &added_by))
            .await
    }

    /// Completes a start. If it is the first one of this database, the given place is put on record.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn first_start(
        &self,
        first: Option<(Place, String, String)>,
    ) -> Result<Option<PlaceRecord>, StoreError> {
        self.writer
            .run(move |write| {
                let was_first = write
                    .db
                    .execute("DELETE FROM counters WHERE name = 'first_start'", [])
                    .doing("note the first start")?
                    > 0;
                match first.filter(|_| was_first) {
                    Some((place, program, by)) => add(write, &place, &program, &by).map(Some),
                    None => Ok(None),
                }
            })
            .await
    }

    /// All places on record, the oldest first; none that somebody else wrote.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn places(&self) -> Result<Vec<PlaceRecord>, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.readers.run(move |db| places(db, &sealer)).await
    }

    /// Takes a place off the record.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]
    pub async fn remove_place(&self, id: i64) -> Result<PlaceRecord, StoreError> {
        self.writer
            .run_once(move |write| {
                write
                    .db
                    .prepare_cached(&format!(
                        "DELETE FROM places WHERE id = ? RETURNING {PLACE}"
                    ))
                    .and_then(|mut delete| delete.query_row([id], place).optional())
                    .doing("remove a place")?
                    .ok_or(StoreError::NotFound {
                        what: "place",
                        id: id.to_string(),
                    })
            })
            .await
    }

    /// Puts programs that ask on record.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_asking(
        &self,
        boot: String,
        processes: Vec<ProcessId>,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                for process in processes {
                    write
                        .db
                        .prepare_cached(
                            "INSERT OR IGNORE INTO asking_programs (boot_id, pid, start_time) VALUES (?, ?, ?)",
                        )
                        .and_then(|mut insert| {
                            insert.execute(params![
                                boot,
                                process.pid,
                                process.start_time.cast_signed()
                            ])
                        })
                        .doing("note a program that asks")?;
                }
                Ok(())
            })
            .await
    }

    /// The programs on record that ask; those of earlier runs of the system are forgotten.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn asking_programs(&self, boot: String) -> Result<Vec<ProcessId>, StoreError> {
        self.writer
            .run(move |write| {
                write
                    .db
                    .execute("DELETE FROM asking_programs WHERE boot_id <> ?", [&boot])
                    .doing("forget programs of an earlier run of the system")?;
                write
                    .db
                    .prepare_cached("SELECT pid, start_time FROM asking_programs")
                    .and_then(|mut query| {
                        query
                            .query_map([], |row| {
                                Ok(ProcessId {
                                    pid: row.get(0)?,
                                    start_time: row.get::<_, i64>(1)?.cast_unsigned(),
                                })
                            })?
                            .collect()
                    })
                    .doing("list the programs that ask")
            })
            .await
    }

    /// Takes programs that have ended off the record.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_asking(&self, gone: Vec<ProcessId>) -> Result<(), StoreError> {
        self.writer
            .run(move |write| {
                for process in gone {
                    write
                        .db
                        .prepare_cached(
                            "DELETE FROM asking_programs WHERE pid = ? AND start_time = ?",
                        )
                        .and_then(|mut delete| {
                            delete.execute(params![process.pid, process.start_time.cast_signed()])
                        })
                        .doing("forget a program that asked")?;
                }
                Ok(())
            })
            .await
    }
}

/// All places on record; none that somebody else wrote.
pub fn places(db: &Connection, sealer: &Sealer) -> Result<Vec<PlaceRecord>, StoreError> {
    let places: Vec<PlaceRecord> = db
        .prepare_cached(&format!("SELECT {PLACE} FROM places ORDER BY id"))
        .and_then(|mut query| query.query_map([], place)?.collect())
        .doing("list the places")?;
    seals::ours(db, sealer, "places", places, |place| place.id.to_string())
}

fn add(
    write: &mut Write<'_>,
    new: &Place,
    program: &str,
    added_by: &str,
) -> Result<PlaceRecord, StoreError> {
    let (kind, name, boot, pid, start_time) = match new {
        Place::Unit { name } => ("unit", Some(name), None, None, None),
        Place::Container { boot, start_time } => {
            let start_time = start_time.cast_signed();
            ("container", None, Some(boot), None, Some(start_time))
        }
        Place::Process { boot, process } => {
            let start_time = process.start_time.cast_signed();
            (
                "process",
                None,
                Some(boot),
                Some(process.pid),
                Some(start_time),
            )
        }
    };
    let known = format!(
        "SELECT {PLACE} FROM places
         WHERE kind = ?1 AND name IS ?2 AND boot_id IS ?3 AND pid IS ?4 AND start_time IS ?5"
    );
    let known = write
        .db
        .prepare_cached(&known)
        .and_then(|mut query| {
            query
                .query_row(params![kind, name, boot, pid, start_time], place)
                .optional()
        })
        .doing("look for a place")?;
    if let Some(known) = known {
        return Ok(known);
    }
    let insert = format!(
        "INSERT INTO places (kind, name, boot_id, pid, start_time, program, added_by, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING {PLACE}"
    );
    let now = micros(write.now);
    write
        .db
        .prepare_cached(&insert)
        .and_then(|mut insert| {
            insert.query_row(
                params![kind, name, boot, pid, start_time, program, added_by, now],
                place,
            )
        })
        .doing("record a place")
}
