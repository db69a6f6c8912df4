//! Ingesting: lines of a journal become rows, and the journal's offset moves, in one transaction.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::rows::micros;
use super::tx::Write;
use super::writer::Urgency;
use super::{
    Doing as _, Store, StoreError, adoption, alarms, asking, conversation, correlate, messages,
    outbox, process_end, resolve, rows, session_state, wire_ids,
};
use crate::domain::session::{Process, Usage};
use crate::domain::stream_state::SinceBoot;
use crate::domain::{Effect, EventType, Session};

/// Lines of the agent, kept as they were written: one text for all of them, because a text each would
/// be most of what ingesting allocates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawLines {
    text: String,
    lines: Vec<RawLine>,
}

/// A line among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RawLine {
    /// Where it begins in the journal.
    offset: u64,
    /// Where it ends in their text.
    end: usize,
    /// Whether all of it was understood. One that was not is kept until a person deletes it.
    understood: bool,
}

impl RawLines {
    /// Adds a line without its newline, where it begins in the journal, in bytes, and whether all of
    /// it was understood.
    pub fn push(&mut self, offset: u64, line: &str, understood: bool) {
        self.text.push_str(line);
        self.lines.push(RawLine {
            offset,
            end: self.text.len(),
            understood,
        });
    }

    /// Makes room for lines of so many bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The length of all of them, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Each line: where it begins, its text, whether it was understood.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str, bool)> {
        let mut begin = 0;
        self.lines.iter().map(move |line| {
            let text = self.text.get(begin..line.end).unwrap_or_default();
            begin = line.end;
            (line.offset, text, line.understood)
        })
    }
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
    pub lines: RawLines,
    /// Works out what the lines do, from the session's record, which it moves on.
    pub apply: Apply,
    /// Set when nothing of this process will come after this.
    pub end: Option<super::process_end::End>,
    /// Whether it may wait some milliseconds to share a commit with other sessions.
    pub urgency: Urgency,
}

impl Store {
    /// Takes in a stretch of a journal, all of it or nothing. Returns the session as it is after.
    ///
    /// # Errors
    /// [`StoreError::OutOfStep`] when it does not begin where the last one ended; a passing error
    /// when the database cannot be written, after which the same stretch is given again.
    pub async fn ingest(&self, ingest: Ingest) -> Result<Arc<Session>, StoreError> {
        self.writer
            .run_with(ingest.urgency, move |write| run(write, ingest))
            .await
    }
}

fn run(write: &mut Write<'_>, ingest: Ingest) -> Result<Arc<Session>, StoreError> {
    let key = ingest.session_key;
    let before = write.known.get(write.db, key)?;
    if before.journal_offset != ingest.from {
        return Err(StoreError::OutOfStep {
            given: ingest.from,
            stored: before.journal_offset,
        });
    }
    keep_lines(write, key, &ingest.lines)?;
    let mut session = Session::clone(&before);
    let mut effects = (ingest.apply)(&mut session, write.now);
    if before.was_read_before() {
        effects = adoption::with_messages(write, &session, effects)?;
    }
    session.journal_offset = ingest.to;
    if ingest.end.is_some() {
        session.process = Process::Gone;
        session.background_tasks.clear();
    }
    if before.claude_session_id != session.claude_session_id && !session.is_duplicate {
        claim_conversation(write, &session)?;
    }
    let words = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Say(_)))
        .count();
    let sequence = save(write, &before, &mut session, words)?;
    let mut touched = perform(write, (&before, &session), sequence, effects)?;
    if let Some(end) = &ingest.end {
        // Nothing came after what was read before.
        let is_lost = (1..=before.stream.read_before).contains(&before.journal_offset);
        let reason = match is_lost {
            true => format!("{}; {}", end.reason, adoption::DECISION_LOST),
            false => end.reason.clone(),
        };
        resolve::abandon_all(write, key, &reason)?;
        process_end::process_ended(write, &session, end)?;
        touched = Touched::Questions;
    }
    crate::failpoint::hit("ingest.applied");
    let after = match touched {
        // Nothing but what was just saved has changed: it need not be read again.
        Touched::Words => session_state::follow_status(write, session)?,
        Touched::Questions => session_state::refresh_status(write, key)?,
    };
    if seen_differently(&before, &after) {
        session_state::announce_updated(write, &after);
    }
    let after = Arc::new(after);
    if ingest.end.is_none() {
        write.known.keep(&after);
    }
    Ok(after)
}

/// An agent says that it goes on with another conversation (`/clear` begins one). Should that be one
/// which another session's live process has, this session is the one that gives way.
fn claim_conversation(write: &Write<'_>, session: &Session) -> Result<(), StoreError> {
    let Some(other) = wire_ids::other_process(write.db, session)? else {
        return Ok(());
    };
    tracing::warn!(session = %session.id, %other, "two processes of one conversation; the later one is ended after its turn");
    write
        .db
        .prepare_cached("UPDATE sessions SET duplicate_of = (SELECT key FROM sessions WHERE id = ?2) WHERE key = ?1")
        .and_then(|mut update| update.execute(params![session.key, other.as_str()]))
        .map(drop)
        .doing("mark a second process of a conversation")
}

fn keep_lines(write: &Write<'_>, key: i64, lines: &RawLines) -> Result<(), StoreError> {
    let keep = || -> rusqlite::Result<()> {
        let mut insert = write.db.prepare_cached(
            "INSERT INTO raw_lines (session_key, journal_offset, line, understood) VALUES (?, ?, ?, ?)",
        )?;
        for (offset, line, understood) in lines.iter() {
            insert.execute(params![key, signed(offset), line, understood])?;
        }
        Ok(())
    };
    keep().doing("keep a line of the agent")
}

/// Whether a list would show the session differently for more than its status.
fn seen_differently(before: &Session, after: &Session) -> bool {
    before.usage != after.usage
        || before.model_id != after.model_id
        || before.permission_mode != after.permission_mode
        || before.process != after.process
        || before.claude_session_id != after.claude_session_id
        || before.error_message != after.error_message
        || before.background_tasks != after.background_tasks
        || before.stream.retrying != after.stream.retrying
        || before.stream.turn_started_at != after.stream.turn_started_at
        || before.stream.current_tool != after.stream.current_tool
}

/// What of a session effects have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touched {
    /// Its conversation only.
    Words,
    /// Its questions or its outbox.
    Questions,
}

fn perform(
    write: &mut Write<'_>,
    (before, session): (&Session, &Session),
    mut sequence: i64,
    effects: Vec<Effect>,
) -> Result<Touched, StoreError> {
    let mut conversation = conversation::Appender::new(write, session)?;
    // Most tool calls end with nothing pending in their session; then nothing is looked up for them.
    let mut pending = session.pending_approvals > 0;
    // Nor is a request looked for while none lacks its tool call.
    let calls = |effect: &Effect| matches!(effect, Effect::Say(body) if body.event_type == EventType::ToolCall);
    let without_call = effects.iter().any(calls) && correlate::any_without_call(write.db)?;
    let mut touched = Touched::Words;
    for effect in effects {
        match effect {
            Effect::Say(body) => {
                if without_call
                    && body.event_type == EventType::ToolCall
                    && let (Some(id), Some(name), Some(input)) =
                        (&body.tool_id, &body.tool_name, &body.tool_input)
                {
                    correlate::adopt(write, session, id, name, input)?;
                    conversation.asks();
                    pending = true;
                    touched = Touched::Questions;
                }
                conversation.append(write, session, sequence, body)?;
                sequence += 1;
                continue;
            }
            Effect::ToolFinished {
                tool_use_id,
                succeeded,
            } => {
                let was_read_before = before.was_read_before();
                if succeeded && !was_read_before {
                    alarms::tool_ran(write, session, &tool_use_id)?;
                }
                if !pending {
                    continue;
                }
                resolve::tool_finished(write, session.key, &tool_use_id, was_read_before)?;
            }
            Effect::Ask(question) => {
                pending = true;
                conversation.asks();
                asking::ask(write, session, *question)?;
            }
            Effect::Withdraw { request_id, reason } => {
                resolve::withdraw(write, session.key, &request_id, reason)?
            }
            Effect::AbandonAll { reason } => resolve::abandon_all(write, session.key, &reason)?,
            Effect::Messages(sign) => {
                messages::apply(write, session, &sign)?;
            }
            // They are words by now, or known.
            Effect::Repeated { .. } => {}
            Effect::Send(line) => outbox::enqueue(write, session.key, None, &line)?,
        }
        touched = Touched::Questions;
    }
    Ok(touched)
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// How exact the stored time of a session's last activity is while its agent only talks. The indices
/// on that time need not be changed for every word then.
const ACTIVITY: SignedDuration = SignedDuration::from_secs(1);

/// Writes back what the state machine may change; what people change is not touched. Takes places for
/// so many words in the conversation, and returns the first of them.
fn save(
    write: &Write<'_>,
    before: &Session,
    session: &mut Session,
    words: usize,
) -> Result<i64, StoreError> {
    let words = i64::try_from(words).unwrap_or(i64::MAX);
    let active = session
        .last_activity_at
        .duration_since(before.last_activity_at);
    if only_talked(before, session) && (SignedDuration::ZERO..ACTIVITY).contains(&active) {
        session.last_activity_at = before.last_activity_at;
        return save_talk(write, before, session, words);
    }
    session.stream.active = SinceBoot::now();
    let tasks =
        serde_json::to_string(&session.background_tasks).map_err(|error| StoreError::Value {
            what: "background_tasks",
            problem: error.to_string(),
        })?;
    let stream = rows::stream_state(&session.stream)?;
    let usage = &session.usage;
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET phase = ?2, process = ?3, claude_session_id = ?4, model_id = ?5, last_activity_at = ?6,
                completed_at = ?7, error_message = ?8, result_content = ?9, cost_usd = ?10, input_tokens = ?11,
                output_tokens = ?12, cache_creation_input_tokens = ?13, cache_read_input_tokens = ?14,
                context_tokens = ?15, context_limit = ?16, num_turns = ?17, duration_ms = ?18, background_tasks = ?19,
                journal_offset = ?20, next_sequence = next_sequence + ?21, stream_state = ?22, permission_mode = ?23
             WHERE key = ?1 RETURNING next_sequence - ?21",
        )
        .and_then(|mut update| {
            let values = params![
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
                words,
                stream,
                session.permission_mode,
            ];
            update.query_row(values, |row| row.get(0))
        })
        .and_then(|first| {
            // A trigger has put it into its place.
            session.activity = write
                .db
                .prepare_cached("SELECT activity FROM sessions WHERE key = ?")?
                .query_row([session.key], |row| row.get(0))?;
            Ok(first)
        })
        .doing("move a session on")
}

/// Whether nothing has changed but the place in the journal, what is remembered of the stream, and
/// the tokens.
fn only_talked(before: &Session, session: &Session) -> bool {
    let usage = Usage {
        input_tokens: session.usage.input_tokens,
        output_tokens: session.usage.output_tokens,
        cache_creation_input_tokens: session.usage.cache_creation_input_tokens,
        cache_read_input_tokens: session.usage.cache_read_input_tokens,
        context_tokens: session.usage.context_tokens,
        ..before.usage.clone()
    };
    usage == session.usage
        && before.phase == session.phase
        && before.process == session.process
        && before.claude_session_id == session.claude_session_id
        && before.model_id == session.model_id
        && before.permission_mode == session.permission_mode
        && before.completed_at == session.completed_at
        && before.error_message == session.error_message
        && before.result_content == session.result_content
        && before.background_tasks == session.background_tasks
}

/// Writes back what talk changes, none of which is in an index.
fn save_talk(
    write: &Write<'_>,
    before: &Session,
    session: &Session,
    words: i64,
) -> Result<i64, StoreError> {
    let stream = (session.stream != before.stream)
        .then(|| rows::stream_state(&session.stream))
        .transpose()?;
    let usage = &session.usage;
    write
        .db
        .prepare_cached(
            "UPDATE sessions SET journal_offset = ?2, context_tokens = ?3, next_sequence = next_sequence + ?4,
                input_tokens = ?5, output_tokens = ?6, cache_creation_input_tokens = ?7,
                cache_read_input_tokens = ?8, stream_state = coalesce(?9, stream_state)
             WHERE key = ?1 RETURNING next_sequence - ?4",
        )
        .and_then(|mut update| {
            let values = params![
                session.key,
                signed(session.journal_offset),
                usage.context_tokens,
                words,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_creation_input_tokens,
                usage.cache_read_input_tokens,
                stream,
            ];
            update.query_row(values, |row| row.get(0))
        })
        .doing("move a session on")
}
