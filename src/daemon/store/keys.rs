//! Keys of the local API: who may ask, and who may also decide.
//!
//! A key is stored as its SHA-256 only. Names are unique among the keys that are good; a revoked
//! key stays in the record.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::rows::{self, micros};
use super::{Doing as _, Store, StoreError, seals};

/// A key's hash.
pub type KeyHash = [u8; 32];

/// A key, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its place in the store.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The hash of the key itself.
    pub hash: KeyHash,
    /// Whether it may also answer requests.
    pub may_decide: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, hash, may_decide, created_at, last_used_at, revoked_at";

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get(0)?,
        name: row.get(1)?,
        hash: row.get(2)?,
        may_decide: row.get(3)?,
        created_at: rows::time(row, 4)?,
        last_used_at: rows::optional_time(row, 5)?,
        revoked_at: rows::optional_time(row, 6)?,
    })
}

impl Store {
    /// Records a key.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when a good key has that name.
    pub async fn create_api_key(
        &self,
        name: String,
        hash: KeyHash,
        may_decide: bool,
    ) -> Result<ApiKey, StoreError> {
        self.writer
            .run_once(move |write| {
                let taken = write
                    .db
                    .prepare_cached("SELECT 1 FROM api_keys WHERE name = ? AND revoked_at IS NULL")
                    .and_then(|mut query| query.exists([&name]))
                    .doing("look for a key of that name")?;
                if taken {
                    return Err(StoreError::Taken {
                        what: "key",
                        name,
                    });
                }
                let sql = format!(
                    "INSERT INTO api_keys (name, hash, may_decide, created_at) VALUES (?, ?, ?, ?) RETURNING {COLUMNS}"
                );
                write
                    .db
                    .prepare_cached(&sql)
                    .and_then(|mut insert| {
                        insert.query_row(params![name, hash, may_decide, micros(write.now)], key)
                    })
                    .doing("record a key")
            })
            .await
    }

    /// All keys, the newest first; revoked ones too, but none that somebody else wrote.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.readers
            .run(move |db| {
                let keys: Vec<ApiKey> = db
                    .prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys ORDER BY id DESC"))
                    .and_then(|mut query| query.query_map([], key)?.collect())
                    .doing("list the keys")?;
                seals::ours(db, &sealer, "api_keys", keys, |key| key.id.to_string())
            })
            .await
    }

    /// Ends a key for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when no good key has that name.
    pub async fn revoke_api_key(&self, name: String) -> Result<ApiKey, StoreError> {
        self.writer
            .run_once(move |write| {
                let sql = format!(
                    "UPDATE api_keys SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL RETURNING {COLUMNS}"
                );
                write
                    .db
                    .prepare_cached(&sql)
                    .and_then(|mut update| {
                        update.query_row(params![name, micros(write.now)], key).optional()
                    })
                    .doing("revoke a key")?
                    .ok_or(StoreError::NotFound {
                        what: "key",
                        id: name,
                    })
            })
            .await
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn api_key_used(&self, id: i64) -> Result<(), StoreError> {
        self.writer
            .run_with(super::Urgency::Soon, move |write| {
                write
                    .db
                    .prepare_cached("UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1")
                    .and_then(|mut update| update.execute(params![id, micros(write.now)]))
                    .doing("note a key's use")
                    .map(drop)
            })
            .await
    }
}
