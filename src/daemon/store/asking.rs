//! Asking: a question becomes a pending approval, once, or is decided at once by a standing rule.
//!
//! Every question goes through [`insert`] and [`settle_new`], whatever its source: the agent's own
//! control protocol, a permission prompt over MCP, or (see [`super::requests`]) a program.

use jiff::Timestamp;
use rusqlite::params;
use serde_json::Value;

use super::correlate::same_json;
use super::external::{self, Asker};
use super::resolve::Resolution;
use super::rows::micros;
use super::tx::Write;
use super::{
    Doing as _, Store, StoreError, approval_reads, asker_processes, bounds, events, resolve,
    session_reads, session_state,
};
use crate::claude::input::ToolInput;
use crate::daemon::clock;
use crate::domain::approval::{DecidedBy, InputState, ResponseOption};
use crate::domain::decision::standing_rule;
use crate::domain::session::Process;
use crate::domain::{Approval, ApprovalId, EventBody, Kind, Outcome, Question, Session, Source};
use crate::platform::ProcessId;

/// A question that came over MCP.
#[derive(Clone, Debug)]
pub struct NewMcpApproval {
    /// The session's id or run id, as the caller gave it.
    pub run_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its whole input.
    pub tool_input: ToolInput,
    /// The tool call, where the caller knows it.
    pub tool_use_id: Option<String>,
    /// The caller's name for the request, under which asking again asks nothing twice.
    pub call_id: Option<String>,
    /// Whether the caller takes more than yes or no.
    pub accepts_edits: bool,
    /// Who asks, where it may be for an agent that is no session of ours.
    pub external: Option<Asker>,
    /// The process with which the question ends.
    pub ends_with: Option<ProcessId>,
}

impl Store {
    /// Records a question that came over MCP. With `external`, a run that is not known becomes a
    /// session of its own.
    ///
    /// # Errors
    /// [`StoreError::Full`] when too much is pending, [`StoreError::NotFound`] for an unknown session, [`StoreError::Conflict`] for one that is over
    /// and for a `call_id` under which something else was asked.
    pub async fn create_mcp_approval(&self, new: NewMcpApproval) -> Result<Approval, StoreError> {
        self.writer
            .run(move |write| {
                let ends_with = new.ends_with;
                let approval = create_mcp(write, new)?;
                asker_processes::note(write, &approval, ends_with)?;
                Ok(approval)
            })
            .await
    }
}

/// Records a question of the agent.
pub fn ask(write: &mut Write<'_>, session: &Session, question: Question) -> Result<(), StoreError> {
    let new = NewRow {
        request_id: question.request_id.as_deref(),
        input_state: question.input_state,
        raw_input: question.raw_input.as_deref(),
        tool_use_id: question.tool_use_id.as_deref(),
        description: question.description.as_deref(),
        decision_reason: question.decision_reason.as_deref(),
        blocked_path: question.blocked_path.as_deref(),
        suggestions: &question.suggestions,
        agent_id: question.agent_id.as_deref(),
        ..NewRow::of_tool(
            session.run_id.as_str(),
            Source::Claude,
            &question.tool_name,
            &question.tool_input,
        )
    };
    let bytes = new.tool_input.len() + new.raw_input.map_or(0, str::len);
    let asker = bounds::Asker::Session(session.key);
    let full = match bounds::check(write.db, new.source, asker, bytes, bounds::OF_AGENT) {
        Ok(()) => None,
        Err(full @ StoreError::Full { .. }) => Some(full.to_string()),
        Err(error) => return Err(error),
    };
    match insert(write, session, &new)? {
        Some(key) => {
            let approval = settle_new(write, session, key)?;
            let full = full.filter(|_| approval.outcome == Outcome::Pending);
            full.map_or(Ok(()), |reason| deny_beyond_bound(write, &approval, reason))
        }
        // The agent repeats a question that is recorded already.
        None => Ok(()),
    }
}

/// Denies a question of which there are too many.
fn deny_beyond_bound(
    write: &mut Write<'_>,
    approval: &Approval,
    reason: String,
) -> Result<(), StoreError> {
    let by = DecidedBy::Rule {
        rule: "too_many_pending".to_owned(),
        granted_by: None,
        expires_at: None,
    };
    let denied = Resolution::plain(Outcome::Denied, Some(reason), by);
    resolve::resolve_as(write, approval, &denied).map(drop)
}

fn create_mcp(write: &mut Write<'_>, new: NewMcpApproval) -> Result<Approval, StoreError> {
    let session = match (session_reads::resolve(write.db, &new.run_id), &new.external) {
        (Err(StoreError::NotFound { .. }), Some(asker)) => {
            external::find_or_make(write, &new.run_id, asker)?
        }
        (found, _) => found?,
    };
    if session.process == Process::Gone {
        return Err(StoreError::Conflict {
            id: session.id,
            problem: "has ended: nothing of it can ask any more".to_owned(),
        });
    }
    if let Some(known) = asked_before(write, &session, &new)? {
        return Ok(known);
    }
    let row = NewRow {
        input_state: new.tool_input.state,
        raw_input: new.tool_input.raw.as_deref(),
        tool_use_id: new.tool_use_id.as_deref(),
        call_id: new.call_id.as_deref(),
        accepts_edits: new.accepts_edits,
        asker: session.asker.as_deref(),
        ..NewRow::of_tool(
            session.run_id.as_str(),
            Source::Mcp,
            &new.tool_name,
            &new.tool_input.value,
        )
    };
    let bytes = row.raw_input.map_or(row.tool_input.len(), str::len);
    let asker = bounds::Asker::Session(session.key);
    bounds::check(write.db, Source::Mcp, asker, bytes, bounds::OF_MCP)?;
    let key = insert(write, &session, &row)?.ok_or_else(repeated)?;
    settle_new(write, &session, key)
}

/// The approval of a caller that asks again: under the same name, or about the same tool call while
/// that still waits. A caller without a name is asking anew.
fn asked_before(
    write: &Write<'_>,
    session: &Session,
    new: &NewMcpApproval,
) -> Result<Option<Approval>, StoreError> {
    let Some(call_id) = &new.call_id else {
        return Ok(None);
    };
    let same = |known: &Approval| {
        known.tool_name == new.tool_name && same_json(&known.tool_input, &new.tool_input.value)
    };
    if let Some(known) = approval_reads::by_call(write.db, Source::Mcp, call_id)? {
        if same(&known) {
            return Ok(Some(known));
        }
        return Err(StoreError::Conflict {
            id: known.session_id,
            problem: format!("has asked something else under the call id {call_id:?}"),
        });
    }
    let Some(tool_use_id) = &new.tool_use_id else {
        return Ok(None);
    };
    let waiting = approval_reads::pending_of_tool_call(write.db, session.key, tool_use_id)?;
    Ok(waiting
        .into_iter()
        .find(|known| known.source == Source::Mcp && same(known)))
}

/// What cannot be: a row without a name of its own that conflicts with another.
pub fn repeated() -> StoreError {
    StoreError::Commit("a new question was taken for a repeated one".to_owned())
}

/// A question to be recorded.
pub struct NewRow<'a> {
    pub run_id: &'a str,
    pub source: Source,
    pub kind: Kind,
    pub request_id: Option<&'a str>,
    pub tool_use_id: Option<&'a str>,
    pub tool_name: &'a str,
    /// As text, once: it may be long, and is counted and stored.
    pub tool_input: String,
    pub input_state: InputState,
    pub raw_input: Option<&'a str>,
    pub description: Option<&'a str>,
    pub decision_reason: Option<&'a str>,
    pub blocked_path: Option<&'a str>,
    pub suggestions: &'a [Value],
    pub agent_id: Option<&'a str>,
    pub call_id: Option<&'a str>,
    pub channel: Option<&'a Value>,
    pub sdk_state: Option<&'a Value>,
    pub options: &'a [ResponseOption],
    pub accepts_edits: bool,
    pub asker: Option<&'a str>,
    /// When it was asked, where that was elsewhere and earlier.
    pub asked_at: Option<Timestamp>,
}

impl<'a> NewRow<'a> {
    /// A question about a tool, with nothing else known.
    pub fn of_tool(
        run_id: &'a str,
        source: Source,
        tool_name: &'a str,
        tool_input: &Value,
    ) -> Self {
        Self {
            run_id,
            source,
            kind: Kind::of_tool(tool_name),
            request_id: None,
            tool_use_id: None,
            tool_name,
            tool_input: tool_input.to_string(),
            input_state: InputState::Readable,
            raw_input: None,
            description: None,
            decision_reason: None,
            blocked_path: None,
            suggestions: &[],
            agent_id: None,
            call_id: None,
            channel: None,
            sdk_state: None,
            options: &[],
            accepts_edits: false,
            asker: None,
            asked_at: None,
        }
    }
}

/// Inserts a pending approval; none when the same request is there already.
pub fn insert(
    write: &mut Write<'_>,
    session: &Session,
    new: &NewRow<'_>,
) -> Result<Option<i64>, StoreError> {
    let options = serde_json::to_string(new.options).map_err(|error| StoreError::Value {
        what: "options",
        problem: error.to_string(),
    })?;
    let inserted = write
        .db
        .prepare_cached(
            "INSERT INTO approvals (id, session_key, run_id, source, kind, request_id, tool_use_id, tool_name,
                tool_input, description, decision_reason, blocked_path, suggestions, agent_id, call_id, channel,
                sdk_state, options, accepts_edits, asker, input_state, raw_input, outcome, created_at, generation)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)
             ON CONFLICT (session_key, generation, request_id) WHERE request_id IS NOT NULL DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                ApprovalId::random().as_str(),
                session.key,
                new.run_id,
                new.source.as_str(),
                new.kind.as_str(),
                new.request_id,
                new.tool_use_id,
                new.tool_name,
                new.tool_input,
                new.description,
                new.decision_reason,
                new.blocked_path,
                Value::from(new.suggestions).to_string(),
                new.agent_id,
                new.call_id,
                new.channel.map(Value::to_string),
                new.sdk_state.map(Value::to_string),
                options,
                new.accepts_edits,
                new.asker,
                new.input_state.as_str(),
                new.raw_input,
                micros(new.asked_at.map_or(write.now, |at| at.min(write.now))),
                session.generation,
            ])
        })
        .doing("record a question")?;
    Ok((inserted > 0).then(|| write.db.last_insert_rowid()))
}

/// Announces a new approval and lets a standing rule decide it.
pub fn settle_new(
    write: &mut Write<'_>,
    session: &Session,
    key: i64,
) -> Result<Approval, StoreError> {
    let approval = approval_reads::by_key(write.db, key)?;
    events::approval_event(
        write,
        &session.run_id,
        approval.clone(),
        EventBody::NewApproval,
    )?;
    let covers = |approval: &Approval| write.follower.covers_edit(session, approval);
    let rule = standing_rule(&session.settings, &approval, covers, clock::never_back());
    match rule.filter(|_| session.process != Process::External) {
        Some(by) if !super::foreign_writer::suspends_rules(write)? => {
            resolve::resolve_as(write, &approval, &Resolution::by_rule(by))
        }
        Some(_) | None => {
            session_state::refresh_status(write, session.key)?;
            Ok(approval)
        }
    }
}
