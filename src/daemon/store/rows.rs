//! Rows to domain types and back; the only place that knows column orders.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::Value;

use super::StoreError;
use crate::domain::approval::{DecidedBy, InputState};
use crate::domain::conversation::{CallApproval, NewConversationEvent};
use crate::domain::session::{Process, Settings, Usage};
use crate::domain::stream_state::StreamState;
use crate::domain::{
    Approval, ApprovalId, ConversationEvent, Delivery, EventType, Kind, LaunchConfig, Outcome,
    Phase, RunId, Session, SessionId, Source, Status,
};

/// Columns of a session, to be read with [`session`].
pub const SESSION: &str = "s.key, s.id, s.run_id, s.claude_session_id, s.parent_id, s.phase, s.status, s.process,
    s.query, s.summary, s.title, s.model_id, s.working_dir, s.config, s.auto_accept_edits, s.skip_permissions,
    s.skip_permissions_until, s.created_at, s.last_activity_at, s.completed_at, s.error_message, s.result_content,
    s.cost_usd, s.input_tokens, s.output_tokens, s.cache_creation_input_tokens, s.cache_read_input_tokens,
    s.context_tokens, s.context_limit, s.num_turns, s.duration_ms, s.archived, s.background_tasks, s.journal_offset,
    (SELECT count(*) FROM approvals p WHERE p.session_key = s.key AND p.outcome = 'pending'), s.asker, s.asker_pid,
    s.stream_state,
    (SELECT f.id FROM sessions f WHERE f.key = s.forked_from), s.fork_sequence, s.generation, s.directory,
    s.journal_base, s.permission_mode, s.end_requested_at, s.waiting_for, s.duplicate_of IS NOT NULL,
    s.activity, s.directory_problem, s.directory_candidate";

/// Columns of an approval, to be read with [`approval`]; needs `JOIN sessions s`.
pub const APPROVAL: &str = "a.key, a.id, s.id, a.session_key, a.run_id, a.source, a.kind, a.request_id, a.tool_use_id,
    a.tool_name, a.tool_input, a.description, a.decision_reason, a.blocked_path, a.suggestions, a.agent_id, a.outcome,
    a.comment, a.updated_input, a.updated_permissions, a.answers, a.decided_by, a.created_at, a.decided_at,
    a.delivered_at, a.undelivered, a.call_id, a.channel, a.sdk_state, a.options, a.asker, a.chosen_option,
    a.accepts_edits, a.input_state, a.raw_input, a.unread_lines";

/// How many columns that are; further ones come after them.
pub const APPROVAL_COLUMNS: usize = 36;

/// Columns of a piece of conversation, to be read with [`conversation`]; needs `JOIN sessions s`.
pub const CONVERSATION: &str =
    "c.seq, s.id, s.claude_session_id, c.sequence, c.created_at, c.event_type, c.role,
    c.content, c.tool_id, c.tool_name, c.tool_input, c.parent_tool_use_id, c.tool_result_for_id,
    c.tool_result_content, c.is_error,
    c.tool_id IS NOT NULL AND EXISTS (SELECT 1 FROM conversation r
        WHERE r.session_key = c.session_key AND r.tool_result_for_id = c.tool_id),
    (SELECT a.id || '/' || a.outcome || '/' || coalesce(a.unread_lines, '') || coalesce('/' || a.updated_input, '')
        FROM approvals a
        WHERE c.tool_id IS NOT NULL AND a.session_key = c.session_key AND a.tool_use_id = c.tool_id
        ORDER BY a.key DESC LIMIT 1),
    c.delivery";

/// How many columns that are; further ones come after them.
pub const CONVERSATION_COLUMNS: usize = 18;

/// A time as it is stored.
pub fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// Now, as exactly as times are stored: what is announced and what is read again are the same.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(micros(now)).unwrap_or(now)
}

fn unreadable(index: usize, problem: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, problem.into().into())
}

/// A stored time.
pub fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    let stored: i64 = row.get(index)?;
    Timestamp::from_microsecond(stored).map_err(|error| unreadable(index, error.to_string()))
}

/// A stored time that may be absent.
pub fn optional_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(index)?
        .map(|stored| {
            Timestamp::from_microsecond(stored)
                .map_err(|error| unreadable(index, error.to_string()))
        })
        .transpose()
}

pub fn named<T>(
    row: &Row<'_>,
    index: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let name = row.get_ref(index)?.as_str()?;
    parse(name).ok_or_else(|| unreadable(index, format!("unknown value {name:?}")))
}

pub fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(index)?.as_str()?)
        .map_err(|error| unreadable(index, error.to_string()))
}

fn optional_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(index)?
        .as_str_or_null()?
        .map(|text| {
            serde_json::from_str(text).map_err(|error| unreadable(index, error.to_string()))
        })
        .transpose()
}

/// Reads [`SESSION`].
pub fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        key: row.get(0)?,
        id: SessionId::from(row.get::<_, String>(1)?),
        run_id: RunId::from(row.get::<_, String>(2)?),
        claude_session_id: row.get(3)?,
        parent_session_id: row.get::<_, Option<String>>(4)?.map(SessionId::from),
        phase: named(row, 5, Phase::parse)?,
        status: named(row, 6, Status::parse)?,
        process: named(row, 7, Process::parse)?,
        query: row.get(8)?,
        summary: row.get(9)?,
        title: row.get(10)?,
        model_id: row.get(11)?,
        working_dir: row.get(12)?,
        config: json::<LaunchConfig>(row, 13)?,
        settings: Settings {
            auto_accept_edits: row.get(14)?,
            skip_permissions: row.get(15)?,
            skip_permissions_until: optional_time(row, 16)?,
        },
        created_at: time(row, 17)?,
        last_activity_at: time(row, 18)?,
        completed_at: optional_time(row, 19)?,
        error_message: row.get(20)?,
        result_content: row.get(21)?,
        usage: Usage {
            cost_usd: row.get(22)?,
            input_tokens: row.get(23)?,
            output_tokens: row.get(24)?,
            cache_creation_input_tokens: row.get(25)?,
            cache_read_input_tokens: row.get(26)?,
            context_tokens: row.get(27)?,
            context_limit: row.get(28)?,
            num_turns: row.get(29)?,
            duration_ms: row.get(30)?,
        },
        archived: row.get(31)?,
        background_tasks: json(row, 32)?,
        journal_offset: row.get::<_, i64>(33)?.unsigned_abs(),
        pending_approvals: row.get::<_, i64>(34)?.unsigned_abs(),
        asker: row.get(35)?,
        asker_pid: row.get(36)?,
        stream: json(row, 37)?,
        forked_from: row.get::<_, Option<String>>(38)?.map(SessionId::from),
        fork_sequence: row.get(39)?,
        generation: row.get(40)?,
        directory: row.get(41)?,
        journal_base: row.get::<_, i64>(42)?.unsigned_abs(),
        permission_mode: row.get(43)?,
        end_requested_at: optional_time(row, 44)?,
        waiting_for: row.get(45)?,
        is_duplicate: row.get(46)?,
        activity: row.get(47)?,
        directory_problem: row.get(48)?,
        directory_candidate: row.get(49)?,
    })
}

/// Reads [`APPROVAL`].
pub fn approval(row: &Row<'_>) -> rusqlite::Result<Approval> {
    Ok(Approval {
        key: row.get(0)?,
        id: ApprovalId::from(row.get::<_, String>(1)?),
        session_id: SessionId::from(row.get::<_, String>(2)?),
        session_key: row.get(3)?,
        run_id: row.get(4)?,
        source: named(row, 5, Source::parse)?,
        kind: named(row, 6, Kind::parse)?,
        request_id: row.get(7)?,
        tool_use_id: row.get(8)?,
        tool_name: row.get(9)?,
        tool_input: json::<Value>(row, 10)?,
        description: row.get(11)?,
        decision_reason: row.get(12)?,
        blocked_path: row.get(13)?,
        suggestions: json(row, 14)?,
        agent_id: row.get(15)?,
        outcome: named(row, 16, Outcome::parse)?,
        comment: row.get(17)?,
        updated_input: optional_json(row, 18)?,
        updated_permissions: optional_json(row, 19)?,
        answers: optional_json(row, 20)?,
        decided_by: optional_json::<DecidedBy>(row, 21)?,
        created_at: time(row, 22)?,
        decided_at: optional_time(row, 23)?,
        delivered_at: optional_time(row, 24)?,
        undelivered: row.get(25)?,
        call_id: row.get(26)?,
        channel: optional_json(row, 27)?,
        sdk_state: optional_json(row, 28)?,
        options: json(row, 29)?,
        asker: row.get(30)?,
        chosen_option: row.get(31)?,
        accepts_edits: row.get(32)?,
        input_state: named(row, 33, InputState::parse)?,
        raw_input: row.get(34)?,
        unread_lines: row.get(35)?,
    })
}

/// Reads [`CONVERSATION`].
pub fn conversation(row: &Row<'_>) -> rusqlite::Result<ConversationEvent> {
    Ok(ConversationEvent {
        seq: row.get(0)?,
        session_id: SessionId::from(row.get::<_, String>(1)?),
        claude_session_id: row.get(2)?,
        sequence: row.get(3)?,
        created_at: time(row, 4)?,
        body: NewConversationEvent {
            event_type: named(row, 5, EventType::parse)?,
            role: row.get_ref(6)?.as_str_or_null()?.map(role),
            content: row.get(7)?,
            tool_id: row.get(8)?,
            tool_name: row.get(9)?,
            tool_input: row.get(10)?,
            parent_tool_use_id: row.get(11)?,
            tool_result_for_id: row.get(12)?,
            tool_result_content: row.get(13)?,
            is_error: row.get(14)?,
        },
        is_completed: row.get(15)?,
        approval: row.get_ref(16)?.as_str_or_null()?.and_then(link),
        delivery: row.get_ref(17)?.as_str_or_null()?.and_then(Delivery::parse),
    })
}

fn role(name: &str) -> &'static str {
    match name {
        "user" => "user",
        "assistant" => "assistant",
        _ => "system",
    }
}

/// Reads `id/outcome/unread lines`, or `id/outcome/unread lines/input` where the input was edited.
pub fn link(text: &str) -> Option<CallApproval> {
    let mut parts = text.splitn(4, '/');
    Some(CallApproval {
        id: ApprovalId::from(parts.next()?),
        outcome: Outcome::parse(parts.next()?)?,
        unread_lines: parts.next()?.parse().ok(),
        edited_input: parts.next().map(str::to_owned),
    })
}

/// What is remembered of a stream, as it is stored.
pub fn stream_state(stream: &StreamState) -> Result<String, StoreError> {
    serde_json::to_string(stream).map_err(|error| StoreError::Value {
        what: "stream_state",
        problem: error.to_string(),
    })
}
