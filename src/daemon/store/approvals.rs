//! Approvals: asked once, decided once, delivered once.
//!
//! Every end of an approval goes through [`resolve_as`], whose `UPDATE … WHERE outcome = 'pending'`
//! is what makes a second decision impossible, and which keeps the session's status in step.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use super::rows::{self, micros};
use super::writer::Write;
use super::{Doing as _, Store, StoreError, events, outbox, sessions};
use crate::domain::approval::{DecidedBy, standing_rule};
use crate::domain::{
    Approval, ApprovalId, Decision, EventBody, Kind, Outcome, OutgoingLine, Question, RunId,
    Session, Source,
};

/// Makes the line that answers a question of the agent, once its outcome stands; the flag also ends
/// the turn. None for an outcome that the agent is not told.
pub type AnswerLine = fn(&Approval, bool) -> Option<OutgoingLine>;

/// A question that came over MCP.
#[derive(Clone, Debug)]
pub struct NewMcpApproval {
    /// The session's id or run id, as the caller gave it.
    pub run_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its whole input.
    pub tool_input: Value,
    /// The tool call, where the caller knows it.
    pub tool_use_id: Option<String>,
}

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
    /// Records a question that came over MCP.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when no session goes by that run id or id; [`StoreError::Conflict`]
    /// when the session is over.
    pub async fn create_mcp_approval(&self, new: NewMcpApproval) -> Result<Approval, StoreError> {
        self.writer.run(move |write| create_mcp(write, new)).await
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
            .run(move |write| {
                let approval = find(write.db, &id)?;
                approval.check(&decision)?;
                let resolution = Resolution::of(decision, by);
                resolve_as(write, &approval, &resolution)
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

    /// Approvals: pending ones oldest first, all of them newest first.
    ///
    /// # Errors
    /// When the database cannot be read, or the filter names something unknown.
    pub async fn approvals(&self, filter: ApprovalFilter) -> Result<Vec<Approval>, StoreError> {
        self.readers.run(move |db| list(db, &filter)).await
    }

    /// Notes that the program that waits for an MCP approval has been told its outcome.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mcp_outcome_fetched(&self, key: i64) -> Result<(), StoreError> {
        self.writer
            .run(move |write| mark_delivered(write, key))
            .await
    }
}

/// How an approval ends.
struct Resolution {
    outcome: Outcome,
    comment: Option<String>,
    updated_input: Option<Value>,
    updated_permissions: Option<Vec<Value>>,
    answers: Option<Value>,
    interrupt: bool,
    by: DecidedBy,
}

impl Resolution {
    fn of(decision: Decision, by: DecidedBy) -> Self {
        let outcome = decision.outcome();
        let base = Self::plain(outcome, None, by);
        match decision {
            Decision::Approve {
                comment,
                updated_input,
                updated_permissions,
            } => Self {
                comment,
                updated_input,
                updated_permissions,
                ..base
            },
            Decision::Deny { reason, interrupt } => Self {
                comment: Some(reason),
                interrupt,
                ..base
            },
            Decision::Answer { answers, comment } => Self {
                answers: Some(Value::Object(answers)),
                comment,
                ..base
            },
        }
    }

    fn plain(outcome: Outcome, comment: Option<String>, by: DecidedBy) -> Self {
        Self {
            outcome,
            comment,
            updated_input: None,
            updated_permissions: None,
            answers: None,
            interrupt: false,
            by,
        }
    }

    fn by_rule(by: DecidedBy) -> Self {
        let comment = format!("approved by {}", by.describe());
        Self::plain(Outcome::Approved, Some(comment), by)
    }
}

/// Records a question of the agent.
pub fn ask(write: &mut Write<'_>, session: &Session, question: Question) -> Result<(), StoreError> {
    let new = NewRow {
        run_id: session.run_id.as_str(),
        source: Source::Claude,
        request_id: Some(&question.request_id),
        tool_use_id: question.tool_use_id.as_deref(),
        tool_name: &question.tool_name,
        tool_input: &question.tool_input,
        description: question.description.as_deref(),
        decision_reason: question.decision_reason.as_deref(),
        blocked_path: question.blocked_path.as_deref(),
        suggestions: &question.suggestions,
        agent_id: question.agent_id.as_deref(),
    };
    match insert(write, session, &new)? {
        Some(key) => settle_new(write, session, key).map(drop),
        // The agent repeats a question that is recorded already.
        None => Ok(()),
    }
}

fn create_mcp(write: &mut Write<'_>, new: NewMcpApproval) -> Result<Approval, StoreError> {
    let session = sessions::resolve(write.db, &new.run_id)?;
    if session.process == crate::domain::session::Process::Gone {
        return Err(StoreError::Conflict {
            id: session.id,
            problem: "has ended: nothing of it can ask any more".to_owned(),
        });
    }
    let row = NewRow {
        run_id: session.run_id.as_str(),
        source: Source::Mcp,
        request_id: None,
        tool_use_id: new.tool_use_id.as_deref(),
        tool_name: &new.tool_name,
        tool_input: &new.tool_input,
        description: None,
        decision_reason: None,
        blocked_path: None,
        suggestions: &[],
        agent_id: None,
    };
    let key = insert(write, &session, &row)?.ok_or_else(|| {
        StoreError::Commit(
            "a question without a request id was taken for a repeated one".to_owned(),
        )
    })?;
    settle_new(write, &session, key)
}

struct NewRow<'a> {
    run_id: &'a str,
    source: Source,
    request_id: Option<&'a str>,
    tool_use_id: Option<&'a str>,
    tool_name: &'a str,
    tool_input: &'a Value,
    description: Option<&'a str>,
    decision_reason: Option<&'a str>,
    blocked_path: Option<&'a str>,
    suggestions: &'a [Value],
    agent_id: Option<&'a str>,
}

/// Inserts a pending approval; none when the same request is there already.
fn insert(
    write: &mut Write<'_>,
    session: &Session,
    new: &NewRow<'_>,
) -> Result<Option<i64>, StoreError> {
    let inserted = write
        .db
        .prepare_cached(
            "INSERT INTO approvals (id, session_key, run_id, source, kind, request_id, tool_use_id, tool_name,
                tool_input, description, decision_reason, blocked_path, suggestions, agent_id, outcome, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)
             ON CONFLICT (session_key, request_id) WHERE request_id IS NOT NULL DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                ApprovalId::random().as_str(),
                session.key,
                new.run_id,
                new.source.as_str(),
                Kind::of_tool(new.tool_name).as_str(),
                new.request_id,
                new.tool_use_id,
                new.tool_name,
                new.tool_input.to_string(),
                new.description,
                new.decision_reason,
                new.blocked_path,
                Value::from(new.suggestions).to_string(),
                new.agent_id,
                micros(write.now),
            ])
        })
        .doing("record a question")?;
    Ok((inserted > 0).then(|| write.db.last_insert_rowid()))
}

/// Announces a new approval and lets a standing rule decide it.
fn settle_new(write: &mut Write<'_>, session: &Session, key: i64) -> Result<Approval, StoreError> {
    let approval = by_key(write.db, key)?;
    events::approval_event(
        write,
        &session.run_id,
        approval.clone(),
        EventBody::NewApproval,
    )?;
    match standing_rule(
        &session.settings,
        approval.kind,
        &approval.tool_name,
        write.now,
    ) {
        Some(by) => resolve_as(write, &approval, &Resolution::by_rule(by)),
        None => {
            sessions::refresh_status(write, session.key)?;
            Ok(approval)
        }
    }
}

/// Decides what is pending in a session and a standing permission now answers.
pub fn apply_standing_rules(write: &mut Write<'_>, session_key: i64) -> Result<(), StoreError> {
    let session = sessions::by_key(write.db, session_key)?;
    for approval in pending(write.db, session_key, "1", None)? {
        if let Some(by) = standing_rule(
            &session.settings,
            approval.kind,
            &approval.tool_name,
            write.now,
        ) {
            resolve_as(write, &approval, &Resolution::by_rule(by))?;
        }
    }
    Ok(())
}

/// The agent took a question back.
pub fn withdraw(
    write: &mut Write<'_>,
    session_key: i64,
    request_id: &str,
) -> Result<(), StoreError> {
    end_pending(
        write,
        session_key,
        "a.request_id = ?2",
        Some(request_id),
        Outcome::Withdrawn,
        "the agent took the question back",
    )
}

/// A tool call ended while something about it was pending.
pub fn tool_finished(
    write: &mut Write<'_>,
    session_key: i64,
    tool_use_id: &str,
) -> Result<(), StoreError> {
    end_pending(
        write,
        session_key,
        "a.tool_use_id = ?2",
        Some(tool_use_id),
        Outcome::Abandoned,
        "the tool call ended without this answer",
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

fn resolve_as(
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
                answers = ?6, decided_by = ?7, decided_at = ?8
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
            ])
        })
        .doing("decide an approval")?;
    let resolved = by_key(write.db, approval.key)?;
    if changed == 0 {
        return Err(StoreError::AlreadyResolved(Box::new(resolved)));
    }
    if resolved.source == Source::Claude
        && let Some(line) = (write.answer)(&resolved, resolution.interrupt)
    {
        outbox::enqueue(write, resolved.session_key, Some(resolved.key), &line)?;
    }
    let session = sessions::refresh_status(write, resolved.session_key)?;
    events::approval_event(
        write,
        &session.run_id,
        resolved.clone(),
        EventBody::ApprovalResolved,
    )?;
    Ok(resolved)
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

fn announce_delivery(write: &mut Write<'_>, key: i64) -> Result<(), StoreError> {
    let approval = by_key(write.db, key)?;
    let run_id = RunId::from(approval.run_id.clone());
    events::approval_event(write, &run_id, approval, EventBody::ApprovalDelivered)
}

fn by_key(db: &Connection, key: i64) -> Result<Approval, StoreError> {
    one(db, "a.key = ?1", &key)?.ok_or_else(|| StoreError::NotFound {
        what: "approval",
        id: key.to_string(),
    })
}

fn one(
    db: &Connection,
    condition: &str,
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

/// Approvals of a list.
pub fn list(db: &Connection, filter: &ApprovalFilter) -> Result<Vec<Approval>, StoreError> {
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
        "SELECT {} FROM approvals a JOIN sessions s ON s.key = a.session_key
         WHERE (?1 IS NULL OR a.session_key = ?1) AND (?2 IS NULL OR a.key {past} ?2) {pending}
         ORDER BY a.key {order} LIMIT ?3",
        rows::APPROVAL
    );
    db.prepare_cached(&sql)
        .and_then(|mut query| {
            query
                .query_map(
                    params![session_key, after, filter.limit.map_or(-1, i64::from)],
                    rows::approval,
                )?
                .collect()
        })
        .doing("list approvals")
}
