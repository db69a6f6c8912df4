//! Approvals: decided once, delivered once. (Asked once: [`super::asking`].)
//!
//! Every end of an approval goes through [`resolve_as`], whose `UPDATE … WHERE outcome = 'pending'`
//! is what makes a second decision impossible, and which keeps the session's status in step.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::rows::{self, micros};
use super::writer::Write;
use super::{
    Doing as _, Store, StoreError, adoption, api_outbox, bounds, events, outbox, projects, seals,
    sessions,
};
use crate::daemon::clock;
use crate::domain::allow_rule;
use crate::domain::approval::DecidedBy;
use crate::domain::decision::{self, standing_rule};
use crate::domain::{
    Approval, Decision, EventBody, Kind, Outcome, OutgoingLine, RunId, Session, Source,
};

/// Makes the line that answers a question of the agent, once its outcome stands; the flag also ends
/// the turn. None for an outcome that the agent is not told.
pub type AnswerLine = fn(&Approval, bool) -> Option<OutgoingLine>;

/// Which approvals a list wants.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    /// Only this session's.
    pub session: Option<String>,
    /// Only undecided ones.
    pub pending_only: bool,
    /// Most approvals to return; none means all.
    pub limit: Option<u32>,
    /// Continue after this approval of an earlier page.
    pub after: Option<String>,
}

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
                let approval = find(write.db, &id)?;
                if approval.outcome != Outcome::Pending {
                    return Err(StoreError::AlreadyResolved(Box::new(approval)));
                }
                approval.check(&decision)?;
                let resolution = Resolution::of(&approval, decision, by);
                let resolved = resolve_as(write, &approval, &resolution)?;
                apply_granted_rules(write, &resolved, &resolution.by)?;
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
        self.readers.run(move |db| find(db, &id)).await
    }

    /// A page of approvals: pending ones oldest first, all of them newest first.
    ///
    /// # Errors
    /// When the database cannot be read, or the filter names something unknown.
    pub async fn approvals(&self, filter: ApprovalFilter) -> Result<ApprovalPage, StoreError> {
        self.readers.run(move |db| list(db, &filter)).await
    }

    /// Notes that the program that asked has been told the outcome.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn outcome_fetched(&self, key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| mark_delivered(write, key))
            .await
    }
}

/// How an approval ends.
pub struct Resolution {
    outcome: Outcome,
    comment: Option<String>,
    updated_input: Option<Value>,
    updated_permissions: Option<Vec<Value>>,
    unread_lines: Option<u32>,
    answers: Option<Value>,
    option: Option<String>,
    interrupt: bool,
    by: DecidedBy,
}

impl Resolution {
    fn of(approval: &Approval, decision: Decision, by: DecidedBy) -> Self {
        let base = Self::plain(decision.outcome(), None, by);
        match decision {
            Decision::Approve {
                comment,
                updated_input,
                updated_permissions,
                unread_lines,
            } => Self {
                comment,
                // An edit that changes nothing is none.
                updated_input: updated_input.filter(|input| *input != approval.tool_input),
                updated_permissions,
                unread_lines,
                ..base
            },
            Decision::Deny {
                reason,
                interrupt,
                option,
            } => Self {
                comment: decision::words(approval, Some(&reason), option.as_deref()),
                interrupt,
                option,
                ..base
            },
            Decision::Answer { answers, comment } => Self {
                answers: Some(Value::Object(answers)),
                comment,
                ..base
            },
            Decision::Respond { text, option } => Self {
                comment: decision::words(approval, text.as_deref(), option.as_deref()),
                option,
                ..base
            },
        }
    }

    /// An end without edits, answers or options.
    pub fn plain(outcome: Outcome, comment: Option<String>, by: DecidedBy) -> Self {
        Self {
            outcome,
            comment,
            updated_input: None,
            updated_permissions: None,
            unread_lines: None,
            answers: None,
            option: None,
            interrupt: false,
            by,
        }
    }

    /// The same with the option that was chosen.
    pub fn with_option(self, option: Option<String>) -> Self {
        Self { option, ..self }
    }

    /// A yes in the name of a standing permission.
    pub fn by_rule(by: DecidedBy) -> Self {
        let comment = match &by {
            DecidedBy::Rule { rule, .. } => Some(format!("approved by rule {rule}")),
            DecidedBy::Person { .. }
            | DecidedBy::Key { .. }
            | DecidedBy::Elsewhere { .. }
            | DecidedBy::Agent => None,
        };
        Self::plain(Outcome::Approved, comment, by)
    }
}

/// Decides what is pending in a session and a standing permission now answers.
pub fn apply_standing_rules(write: &mut Write<'_>, session_key: i64) -> Result<(), StoreError> {
    let session = sessions::by_key(write.db, session_key)?;
    if super::foreign_writer::suspends_rules(write)? {
        return Ok(());
    }
    for approval in pending(write.db, session_key, "1", None)? {
        let covers = |approval: &Approval| write.follower.covers_edit(&session, approval);
        if let Some(by) = standing_rule(&session.settings, &approval, covers, clock::never_back()) {
            resolve_as(write, &approval, &Resolution::by_rule(by))?;
        }
    }
    Ok(())
}

/// Decides what else is pending in the session and is covered by the rules that a person has just
/// granted with an approval, in the name of those rules.
fn apply_granted_rules(
    write: &mut Write<'_>,
    granted_for: &Approval,
    granted_by: &DecidedBy,
) -> Result<(), StoreError> {
    let updates = granted_for.updated_permissions.as_deref();
    let rules = allow_rule::granted(updates.unwrap_or_default());
    if rules.is_empty() {
        return Ok(());
    }
    let session = sessions::by_key(write.db, granted_for.session_key)?;
    let directory = Some(session.working_dir.as_str());
    for other in pending(write.db, granted_for.session_key, "1", None)? {
        let covers = |other: &Approval| write.follower.covers_tool(&session, other);
        let rule = allow_rule::covering(&rules, granted_for, &other, directory, covers);
        if let Some(rule) = rule {
            let by = DecidedBy::Rule {
                rule: rule.to_string(),
                granted_by: Some(Box::new(granted_by.clone())),
                expires_at: None,
            };
            resolve_as(write, &other, &Resolution::by_rule(by))?;
        }
    }
    Ok(())
}

/// The agent withdrew a request.
pub fn withdraw(
    write: &mut Write<'_>,
    session_key: i64,
    request_id: &str,
    reason: &str,
) -> Result<(), StoreError> {
    end_pending(
        write,
        session_key,
        "a.request_id = ?2",
        Some(request_id),
        Outcome::Withdrawn,
        reason,
    )
}

/// A tool call ended while something about it was pending.
pub fn tool_finished(
    write: &mut Write<'_>,
    session_key: i64,
    tool_use_id: &str,
    was_read_before: bool,
) -> Result<(), StoreError> {
    end_pending(
        write,
        session_key,
        // What a remote API still waits for is settled there; the next poll tells how.
        "a.tool_use_id = ?2 AND a.source <> 'remote_api'",
        Some(tool_use_id),
        Outcome::Abandoned,
        if was_read_before {
            adoption::DECISION_LOST
        } else {
            "the tool call ended without this answer"
        },
    )
}

/// The agent is gone.
pub fn abandon_all(
    write: &mut Write<'_>,
    session_key: i64,
    reason: &str,
) -> Result<(), StoreError> {
    end_pending(write, session_key, "1", None, Outcome::Abandoned, reason)
}

fn end_pending(
    write: &mut Write<'_>,
    session_key: i64,
    condition: &'static str,
    value: Option<&str>,
    outcome: Outcome,
    comment: &str,
) -> Result<(), StoreError> {
    for approval in pending(write.db, session_key, condition, value)? {
        let resolution = Resolution::plain(outcome, Some(comment.to_owned()), DecidedBy::Agent);
        resolve_as(write, &approval, &resolution)?;
    }
    Ok(())
}

fn pending(
    db: &Connection,
    session_key: i64,
    condition: &'static str,
    value: Option<&str>,
) -> Result<Vec<Approval>, StoreError> {
    let sql = format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key
         WHERE a.session_key = ?1 AND a.outcome = 'pending' AND ?2 IS ?2 AND {condition} ORDER BY a.key",
        rows::APPROVAL
    );
    db.prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(params![session_key, value], rows::approval)?
                .collect()
        })
        .doing("find pending approvals")
}

/// What waits about a tool call.
pub fn pending_of_tool_call(
    db: &Connection,
    session_key: i64,
    tool_use_id: &str,
) -> Result<Vec<Approval>, StoreError> {
    pending(db, session_key, "a.tool_use_id = ?2", Some(tool_use_id))
}

/// Ends an approval, if it is pending, and puts its answer on the way.
pub fn resolve_as(
    write: &mut Write<'_>,
    approval: &Approval,
    resolution: &Resolution,
) -> Result<Approval, StoreError> {
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let by = serde_json::to_string(&resolution.by).map_err(|error| StoreError::Value {
        what: "decided_by",
        problem: error.to_string(),
    })?;
    let changed = write
        .db
        .prepare_cached(
            "UPDATE approvals SET outcome = ?2, comment = ?3, updated_input = ?4, updated_permissions = ?5,
                answers = ?6, decided_by = ?7, decided_at = ?8, chosen_option = ?9, unread_lines = ?10
             WHERE key = ?1 AND outcome = 'pending'",
        )
        .and_then(|mut update| {
            update.execute(params![
                approval.key,
                resolution.outcome.as_str(),
                resolution.comment,
                json(&resolution.updated_input),
                resolution.updated_permissions.as_ref().map(|list| Value::from(list.clone()).to_string()),
                json(&resolution.answers),
                by,
                micros(write.now),
                resolution.option,
                resolution.unread_lines,
            ])
        })
        .doing("decide an approval")?;
    let resolved = by_key(write.db, approval.key)?;
    if changed == 0 {
        return Err(StoreError::AlreadyResolved(Box::new(resolved)));
    }
    let mut unanswerable = false;
    if resolved.kind == Kind::Plan && resolved.outcome == Outcome::Approved {
        leave_plan_mode(write, &resolved)?;
    }
    match resolved.source {
        Source::Claude => match (write.answer)(&resolved, resolution.interrupt) {
            Some(line) => {
                outbox::enqueue(write, resolved.session_key, Some(resolved.key), &line)?;
            }
            None => unanswerable = resolved.outcome.is_decision(),
        },
        Source::RemoteApi => api_outbox::enqueue(write, &resolved)?,
        // The asker waits for the event and fetches the outcome.
        Source::Mcp | Source::Program | Source::LocalApi => {}
        // The session's next process is started by it.
        Source::Launch => {
            mark_delivered(write, resolved.key)?;
            projects::answered(write, &resolved, &resolution.by)?;
        }
    }
    let session = sessions::refresh_status(write, resolved.session_key)?;
    events::approval_event(
        write,
        &session.run_id,
        resolved.clone(),
        EventBody::ApprovalResolved,
    )?;
    if unanswerable {
        let reason =
            "the agent's name for the request could not be read; interrupt the turn instead";
        mark_undelivered(write, resolved.key, reason)?;
        return by_key(write.db, resolved.key);
    }
    Ok(resolved)
}

/// With its plan approved the agent leaves plan mode, for the one that was granted with it. Not every
/// version of it says so; what it says later holds.
fn leave_plan_mode(write: &mut Write<'_>, plan: &Approval) -> Result<(), StoreError> {
    let granted = plan
        .updated_permissions
        .iter()
        .flatten()
        .filter(|update| update.get("type").and_then(Value::as_str) == Some("setMode"))
        .find_map(|update| update.get("mode").and_then(Value::as_str));
    write
        .db
        .prepare_cached("UPDATE sessions SET permission_mode = ?2 WHERE key = ?1")
        .and_then(|mut update| {
            update.execute(params![plan.session_key, granted.unwrap_or("default")])
        })
        .map(drop)
        .doing("note that a plan was approved")
}

/// Notes that an answer arrived, once.
pub fn mark_delivered(write: &mut Write<'_>, key: i64) -> Result<(), StoreError> {
    let changed = write
        .db
        .prepare_cached("UPDATE approvals SET delivered_at = ?2 WHERE key = ?1 AND delivered_at IS NULL AND outcome <> 'pending'")
        .and_then(|mut update| update.execute(params![key, micros(write.now)]))
        .doing("note a delivery")?;
    if changed > 0 {
        announce_delivery(write, key)
    } else {
        Ok(())
    }
}

/// Notes that an answer can never arrive.
pub fn mark_undelivered(write: &mut Write<'_>, key: i64, reason: &str) -> Result<(), StoreError> {
    write
        .db
        .prepare_cached(
            "UPDATE approvals SET undelivered = ?2 WHERE key = ?1 AND delivered_at IS NULL",
        )
        .and_then(|mut update| update.execute(params![key, reason]))
        .doing("note a failed delivery")?;
    announce_delivery(write, key)
}

/// The tools of the calls that were approved in a session's present process and that have no result.
pub fn without_result(db: &Connection, session: &Session) -> Result<Vec<String>, StoreError> {
    db.prepare_cached(
        "SELECT a.tool_name FROM approvals a
         WHERE a.session_key = ?1 AND a.generation = ?2 AND a.outcome = 'approved' AND a.kind = 'permission'
            AND a.delivered_at IS NOT NULL AND a.tool_use_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM conversation r
                WHERE r.session_key = ?1 AND r.tool_result_for_id = a.tool_use_id)
         ORDER BY a.key",
    )
    .and_then(|mut query| {
        query
            .query_map(params![session.key, session.generation], |row| row.get(0))?
            .collect()
    })
    .doing("find approved calls without a result")
}

fn announce_delivery(write: &mut Write<'_>, key: i64) -> Result<(), StoreError> {
    let approval = by_key(write.db, key)?;
    let run_id = RunId::from(approval.run_id.clone());
    events::approval_event(write, &run_id, approval, EventBody::ApprovalDelivered)
}

/// An approval by its key.
pub fn by_key(db: &Connection, key: i64) -> Result<Approval, StoreError> {
    one(db, "a.key = ?1", &key)?.ok_or_else(|| StoreError::NotFound {
        what: "approval",
        id: key.to_string(),
    })
}

/// The one approval that a condition on `?1` names.
pub fn one(
    db: &Connection,
    condition: &'static str,
    value: &dyn rusqlite::ToSql,
) -> Result<Option<Approval>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key WHERE {condition}",
        rows::APPROVAL
    ))
    .and_then(|mut query| query.query_row([value], rows::approval).optional())
    .doing("read an approval")
}

/// An approval by its whole id, or a unique prefix with or without the `local-` that ids begin with.
pub fn find(db: &Connection, id: &str) -> Result<Approval, StoreError> {
    if let Some(approval) = one(db, "a.id = ?1", &id)? {
        return Ok(approval);
    }
    let not_found = || StoreError::NotFound {
        what: "approval",
        id: id.to_owned(),
    };
    let with_prefix = if id.starts_with("local-") {
        id.to_owned()
    } else {
        format!("local-{id}")
    };
    if id.is_empty() {
        return Err(not_found());
    }
    let end = sessions::prefix_end(&with_prefix).ok_or_else(not_found)?;
    let keys: Vec<i64> = db
        .prepare_cached("SELECT key FROM approvals WHERE id >= ?1 AND id < ?2 LIMIT 2")
        .and_then(|mut query| {
            query
                .query_map([with_prefix, end], |row| row.get(0))?
                .collect()
        })
        .doing("find an approval")?;
    match keys.as_slice() {
        [] => Err(not_found()),
        [key] => by_key(db, *key),
        _ => Err(StoreError::Ambiguous {
            what: "approval",
            id: id.to_owned(),
        }),
    }
}

/// Bytes of one page: what an answer may hold, with room for how they are written. A page has one
/// approval at least.
const PAGE_BYTES: u64 = 16 * 1024 * 1024;

/// A page of a list.
#[derive(Clone, Debug, Default)]
pub struct ApprovalPage {
    /// The approvals.
    pub approvals: Vec<Approval>,
    /// Whether the page is full before its number of approvals is reached.
    pub cut: bool,
}

/// Approvals of a list.
pub fn list(db: &Connection, filter: &ApprovalFilter) -> Result<ApprovalPage, StoreError> {
    let session_key = filter
        .session
        .as_deref()
        .map(|id| sessions::resolve(db, id))
        .transpose()?
        .map(|s| s.key);
    let after = filter
        .after
        .as_deref()
        .map(|id| find(db, id))
        .transpose()?
        .map(|a| a.key);
    let (pending, order, past) = if filter.pending_only {
        ("AND a.outcome = 'pending'", "ASC", ">")
    } else {
        ("", "DESC", "<")
    };
    let sql = format!(
        "SELECT {}, {} AS bytes FROM approvals a JOIN sessions s ON s.key = a.session_key
         WHERE (?1 IS NULL OR a.session_key = ?1) AND (?2 IS NULL OR a.key {past} ?2) {pending}
         ORDER BY a.key {order} LIMIT ?3",
        rows::APPROVAL,
        bounds::BYTES
    );
    let read = || -> rusqlite::Result<ApprovalPage> {
        let mut query = db.prepare_cached(&sql)?;
        let limit = filter.limit.map_or(-1, i64::from);
        let mut rows = query.query(params![session_key, after, limit])?;
        let (mut page, mut bytes) = (ApprovalPage::default(), 0_u64);
        while let Some(row) = rows.next()? {
            bytes = bytes.saturating_add(row.get::<_, i64>("bytes")?.unsigned_abs());
            if bytes > PAGE_BYTES && !page.approvals.is_empty() {
                page.cut = true;
                break;
            }
            page.approvals.push(rows::approval(row)?);
        }
        Ok(page)
    };
    read().doing("list approvals")
}
