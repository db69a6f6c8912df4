//! Approvals: deciding and reading them. (Asked: [`super::asking`]; ended: [`super::resolve`].)

use std::sync::Arc;

use rusqlite::params;

use super::{Doing as _, Store, StoreError, approval_delivery, approval_reads, resolve, seals};
use crate::domain::approval::DecidedBy;
use crate::domain::{Approval, Decision, Outcome};

impl Store {
    /// Whether a person gave a session a permission mode with an approval.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_granted_mode(
        &self,
        session_key: i64,
        mode: String,
    ) -> Result<bool, StoreError> {
        let sealer = Arc::clone(&self.sealer);
        self.readers
            .run(move |db| {
                let rows: Vec<i64> = db.prepare_cached(
                    "SELECT a.key FROM approvals a, json_each(a.updated_permissions) u
                     WHERE a.session_key = ?1 AND a.outcome = 'approved' AND a.updated_permissions IS NOT NULL
                         AND json_extract(u.value, '$.type') = 'setMode' AND json_extract(u.value, '$.mode') = ?2",
                )
                .and_then(|mut query| {
                    query
                        .query_map(params![session_key, mode], |row| row.get(0))?
                        .collect()
                })
                .doing("look up who gave a permission mode")?;
                let ours = seals::ours(db, &sealer, "grants", rows, i64::to_string)?;
                Ok(!ours.is_empty())
            })
            .await
    }

    /// Decides, if nobody has.
    ///
    /// # Errors
    /// [`StoreError::AlreadyResolved`] with the outcome that stands, [`StoreError::Unfit`],
    /// [`StoreError::NotFound`].
    pub async fn decide(
        &self,
        id: &str,
        decision: Decision,
        by: DecidedBy,
    ) -> Result<Approval, StoreError> {
        let id = id.to_owned();
        self.writer
            .run_once(move |write| {
                let approval = approval_reads::find(write.db, &id)?;
                if approval.outcome != Outcome::Pending {
                    return Err(StoreError::AlreadyResolved(Box::new(approval)));
                }
                approval.check(&decision)?;
                let resolution = resolve::Resolution::of(&approval, decision, by);
                let resolved = resolve::resolve_as(write, &approval, &resolution)?;
                resolve::apply_granted_rules(write, &resolved, &resolution.by)?;
                Ok(resolved)
            })
            .await
    }

    /// An approval by its id or a unique prefix of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Ambiguous`].
    pub async fn approval(&self, id: &str) -> Result<Approval, StoreError> {
        let id = id.to_owned();
        self.readers
            .run(move |db| approval_reads::find(db, &id))
            .await
    }

    /// A page of approvals: pending ones oldest first, all of them newest first.
    ///
    /// # Errors
    /// When the database cannot be read, or the filter names something unknown.
    pub async fn approvals(
        &self,
        filter: super::ApprovalFilter,
    ) -> Result<super::ApprovalPage, StoreError> {
        self.readers
            .run(move |db| approval_reads::list(db, &filter))
            .await
    }

    /// Notes that the program that asked has been told the outcome.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn outcome_fetched(&self, key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| approval_delivery::mark_delivered(write, key))
            .await
    }
}
