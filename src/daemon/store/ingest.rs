//! Ingesting: lines of a journal become rows, and the journal's offset moves, in one transaction.

use jiff::Timestamp;
use rusqlite::params;

use super::rows::micros;
use super::writer::{Urgency, Write};
use super::{Doing as _, Store, StoreError, conversation, correlate, outbox, sessions};
use super::{approvals, asking};
use crate::domain::session::Process;
use crate::domain::{Effect, EventType, Session};

/// A line of the agent, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLine {
    /// Where it begins in the journal, in bytes.
    pub offset: u64,
    /// The line without its newline.
    pub text: String,
}

/// Moves a session's record on by some lines and says what else is to happen.
pub type Apply = Box<dyn FnOnce(&mut Session, Timestamp) -> Vec<Effect> + Send>;

/// A stretch of a journal.
pub struct Ingest {
    /// The session.
    pub session_key: i64,
    /// Where the stretch begins; must be where the last one ended.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// Its lines, less the live deltas.
    pub lines: Vec<RawLine>,
    /// Works out what the lines do, from the session's record, which it moves on.
    pub apply: Apply,
    /// Set when nothing will come after this: why what is pending ends.
    pub last: Option<String>,
    /// Whether it may wait some milliseconds to share a commit with other sessions.
    pub urgency: Urgency,
}

impl Store {
    /// Takes in a stretch of a journal, all of it or nothing. Returns the session as it is after.
    ///
    /// # Errors
    /// [`StoreError::OutOfStep`] when it does not begin where the last one ended; a passing error
    /// when the database cannot be written, after which the same stretch is given again.
    pub async fn ingest(&self, ingest: Ingest) -> Result<Session, StoreError> {
        self.writer
            .run_with(ingest.urgency, move |write| run(write, ingest))
            .await
    }
}

fn run(write: &mut Write<'_>, ingest: Ingest) -> Result<Session, StoreError> {
    let key = ingest.session_key;
    let before = sessions::by_key(write.db, key)?;
    if before.journal_offset != ingest.from {
        return Err(StoreError::OutOfStep {
            given: ingest.from,
            stored: before.journal_offset,
        });
    }
    for line in &ingest.lines {
        write
            .db
            .prepare_cached(
                "INSERT INTO raw_lines (session_key, journal_offset, line) VALUES (?, ?, ?)",
            )
            .and_then(|mut insert| insert.execute(params![key, signed(line.offset), line.text]))
            .doing("keep a line of the agent")?;
    }
    let mut session = before.clone();
    let effects = (ingest.apply)(&mut session, write.now);
    session.journal_offset = ingest.to;
    if ingest.last.is_some() {
        session.process = Process::Gone;
        session.background_tasks.clear();
    }
    save(write, &session)?;
    perform(write, &session, effects)?;
    if let Some(reason) = &ingest.last {
        approvals::abandon_all(write, key, reason)?;
        outbox::give_up(write, key, reason)?;
    }
    crate::failpoint::hit("ingest.applied");
    let after = sessions::refresh_status(write, key)?;
    if seen_differently(&before, &after) {
        sessions::announce_updated(write, key)?;
    }
    Ok(after)
}

/// Whether a list would show the session differently for more than its status.
fn seen_differently(before: &Session, after: &Session) -> bool {
    before.usage != after.usage
        || before.model_id != after.model_id
        || before.process != after.process
        || before.claude_session_id != after.claude_session_id
        || before.error_message != after.error_message
        || before.background_tasks != after.background_tasks
}

fn perform(
    write: &mut Write<'_>,
    session: &Session,
    effects: Vec<Effect>,
) -> Result<(), StoreError> {
    let words = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Say(_)))
        .count();
    let mut sequence: i64 = write
        .db
        .prepare_cached("UPDATE sessions SET next_sequence = next_sequence + ?2 WHERE key = ?1 RETURNING next_sequence - ?2")
        .and_then(|mut update| update.query_row(params![session.key, i64::try_from(words).unwrap_or(i64::MAX)], |row| row.get(0)))
        .doing("number a conversation")?;
    // Most tool calls end with nothing pending in their session; then nothing is looked up for them.
    let mut pending = session.pending_approvals > 0;
    // Nor is a request looked for while none lacks its tool call.
    let calls = |effect: &Effect| matches!(effect, Effect::Say(body) if body.event_type == EventType::ToolCall);
    let without_call = effects.iter().any(calls) && correlate::any_without_call(write.db)?;
    for effect in effects {
        match effect {
            Effect::Say(body) => {
                if without_call
                    && body.event_type == EventType::ToolCall
                    && let (Some(id), Some(name), Some(input)) =
                        (&body.tool_id, &body.tool_name, &body.tool_input)
                {
                    correlate::adopt(write, session, id, name, input)?;
                    pending = true;
                }
                conversation::append(write, session, sequence, body)?;
                sequence += 1;
            }
            Effect::Ask(question) => {
                pending = true;
                asking::ask(write, session, *question)?;
            }
            Effect::Withdraw { request_id } => {
                approvals::withdraw(write, session.key, &request_id)?
            }
            Effect::ToolFinished { tool_use_id } => {
                if pending {
                    approvals::tool_finished(write, session.key, &tool_use_id)?;
                }
            }
            Effect::AbandonAll { reason } => approvals::abandon_all(write, session.key, &reason)?,
            Effect::Send(line) => outbox::enqueue(write, session.key, None, &line)?,
        }
    }
    Ok(())
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// Writes back what the state machine may change; what people change is not touched.
fn save(write: &mut Write<'_>, session: &Session) -> Result<(), StoreError> {
    let tasks =
        serde_json::to_string(&session.background_tasks).map_err(|error| StoreError::Value {
            what: "background_tasks",
            problem: error.to_string(),
        })?;
    let usage = &session.usage;
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET phase = ?2, process = ?3, claude_session_id = ?4, model_id = ?5, last_activity_at = ?6,
                completed_at = ?7, error_message = ?8, result_content = ?9, cost_usd = ?10, input_tokens = ?11,
                output_tokens = ?12, cache_creation_input_tokens = ?13, cache_read_input_tokens = ?14,
                context_tokens = ?15, context_limit = ?16, num_turns = ?17, duration_ms = ?18, background_tasks = ?19,
                journal_offset = ?20
             WHERE key = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                session.key,
                session.phase.as_str(),
                session.process.as_str(),
                session.claude_session_id,
                session.model_id,
                micros(session.last_activity_at),
                session.completed_at.map(micros),
                session.error_message,
                session.result_content,
                usage.cost_usd,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_creation_input_tokens,
                usage.cache_read_input_tokens,
                usage.context_tokens,
                usage.context_limit,
                usage.num_turns,
                usage.duration_ms,
                tasks,
                signed(session.journal_offset),
            ])
        })
        .doing("move a session on")
        .map(drop)
}
