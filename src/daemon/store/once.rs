//! Requests that are carried out once, and only while somebody waits for them.
//!
//! Owns the request that a task serves, and the record of the idempotency keys of those that were carried out, which
//! is written in the transaction of what they asked for. A request that its client has given up, or that comes after
//! its deadline, is refused where its transaction begins. Must not know which methods there are, nor sockets.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::micros;
use super::tx::Write;
use super::{Doing as _, Store, StoreError};

/// Keys that are kept: the last ones. By their number, not their age, as clocks leap.
const KEPT: i64 = 20_000;

/// How a request is told from others, and whether it is still to be carried out.
pub struct OnceRequest {
    /// The method.
    pub method: &'static str,
    /// Its idempotency key.
    pub key: Option<String>,
    /// What is asked for, by whom: the same key with another one of these names another request.
    pub fingerprint: [u8; 32],
    /// When it is not to be carried out any more.
    pub deadline: Option<Timestamp>,
    /// Whether whoever sent it does not wait for it any more.
    pub is_given_up: Box<dyn Fn() -> bool + Send + Sync>,
}

tokio::task_local! {
    static REQUEST: Arc<OnceRequest>;
    /// Set where what is written is only a part of what the request asks for.
    static APART: ();
}

/// Serves a request: what is written meanwhile is written only while it is to be carried out.
pub async fn serving<T>(request: Arc<OnceRequest>, serve: impl Future<Output = T>) -> T {
    REQUEST.scope(request, serve).await
}

/// Does a part of what a request asks for: when that is done, the request is not.
pub async fn apart<T>(part: impl Future<Output = T>) -> T {
    APART.scope((), part).await
}

/// The request that this task serves.
pub(super) fn current() -> Option<Arc<OnceRequest>> {
    REQUEST.try_with(Arc::clone).ok()
}

/// The same, where the record is to be kept that it was carried out.
pub(super) fn to_be_noted() -> Option<Arc<OnceRequest>> {
    match APART.try_with(|()| ()) {
        Ok(()) => None,
        Err(_) => current().filter(|request| request.key.is_some()),
    }
}

/// The idempotency key of the request that this task serves.
#[must_use]
pub fn request_key() -> Option<String> {
    current()?.key.clone()
}

impl Store {
    /// Whether a request is on record as carried out.
    pub async fn was_carried_out(&self, request: Arc<OnceRequest>) -> bool {
        let looked = self
            .readers
            .run(move |db| {
                Ok(matches!(
                    request.must_be_new(db),
                    Err(StoreError::DoneBefore)
                ))
            })
            .await;
        looked.unwrap_or(false)
    }
}

impl OnceRequest {
    /// Checks that it is still to be carried out.
    pub(super) fn must_be_wanted(&self) -> Result<(), StoreError> {
        if self.deadline.is_some_and(|until| Timestamp::now() > until) {
            return Err(StoreError::Expired);
        }
        if (self.is_given_up)() {
            return Err(StoreError::GivenUp);
        }
        Ok(())
    }

    /// Checks that it was not carried out before.
    pub(super) fn must_be_new(&self, db: &Connection) -> Result<(), StoreError> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        let before: Option<Vec<u8>> = db
            .prepare_cached("SELECT fingerprint FROM idempotency_keys WHERE key = ?")
            .and_then(|mut query| query.query_row([key], |row| row.get(0)).optional())
            .doing("look for a request's key")?;
        match before {
            None => Ok(()),
            Some(of) if of == self.fingerprint => Err(StoreError::DoneBefore),
            Some(_) => Err(StoreError::KeyTaken),
        }
    }

    /// Notes, with what it asked for, that it was carried out.
    pub(super) fn note(&self, write: &Write<'_>) -> Result<(), StoreError> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        let insert = |db: &Connection| {
            db.prepare_cached(
                "INSERT INTO idempotency_keys (key, fingerprint, done_at) VALUES (?, ?, ?)",
            )?
            .execute(params![key, self.fingerprint, micros(write.now)])?;
            db.prepare_cached("DELETE FROM idempotency_keys WHERE id <= ?")?
                .execute([db.last_insert_rowid() - KEPT])
        };
        insert(write.db).doing("note that a request was carried out")?;
        crate::failpoint::hit_at("request.noted", self.method);
        Ok(())
    }
}
