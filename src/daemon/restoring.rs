//! Putting a backup in the place of the database, at a person's word: when the daemon that has it open stops, or where
//! none runs.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::callers::Callers;
use super::store::{self, BackupError, Prepared};
use crate::domain::Origin;
use crate::platform;

/// How long after a person's word a daemon that stops puts a backup in place.
const VALID: Duration = Duration::from_secs(120);

/// A backup that is to be put in place.
#[derive(Debug, Default)]
pub struct Restoring(Mutex<Option<(Prepared, Instant)>>);

impl Restoring {
    /// Has a backup put in place when the daemon stops, within two minutes.
    pub fn order(&self, prepared: Prepared) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((prepared, Instant::now()));
    }

    /// Does that, once the database is closed.
    pub fn carry_out(&self, database: &Path) {
        let ordered = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((prepared, at)) = ordered else {
            return;
        };
        if at.elapsed() > VALID {
            tracing::warn!(
                "a backup was to be put in place, and it was not stopped for that in time"
            );
            return;
        }
        match store::put_in_place(&prepared, database) {
            Ok(()) => {
                tracing::warn!(contents = prepared.contents, kept = %prepared.kept.display(), "a backup was put in the place of the database");
            }
            Err(error) => tracing::error!(%error, "the backup cannot be put in place"),
        }
    }
}

/// Why a backup is not put in place where no daemon runs.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Nobody shows that it is a person.
    #[error("only a person may put a backup in place: {0}")]
    NotAPerson(String),
    /// A daemon runs after all.
    #[error(transparent)]
    Running(#[from] super::DaemonError),
    /// The files.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Puts a backup in the place of a database that no daemon has open.
///
/// # Errors
/// [`RestoreError`]; the database is as it was then.
pub fn restore_at_rest(from: &Path, database: &Path) -> Result<Prepared, RestoreError> {
    let callers = Callers::default();
    callers.set_places(store::places_at_rest(database));
    let steps = platform::walk(std::process::id())
        .map_err(|error| RestoreError::NotAPerson(error.to_string()))?;
    // This process judges itself: who started it counts.
    let steps: Vec<_> = steps.into_iter().skip(1).collect();
    let origin = callers.origin(&steps);
    match origin {
        Origin::Person { .. } => {}
        Origin::Agent { session_id, .. } => {
            let who = format!("this is session {}", session_id.short());
            return Err(RestoreError::NotAPerson(who));
        }
        Origin::OtherAgent { evidence, .. } => return Err(RestoreError::NotAPerson(evidence)),
        Origin::Unverified { reason } => return Err(RestoreError::NotAPerson(reason)),
    }
    let _locks = super::locks::hold_database(database)?;
    let prepared = store::prepare(from, database)?;
    store::put_in_place(&prepared, database)?;
    Ok(prepared)
}
