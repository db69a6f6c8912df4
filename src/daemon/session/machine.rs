//! The session's state machine: lines of the agent in, effects out.
//!
//! Pure and synchronous. It moves the session's record on and says as data what else is to happen;
//! the store carries both out in one transaction. It never decides about a question: that is for a
//! person, or for a rule of theirs that the store applies.

use jiff::Timestamp;

use super::credentials;
use crate::daemon::claude::control;
use crate::daemon::claude::line::{
    AgentLine, ApiRetry, Assistant, Block, MessageUsage, TurnResult, User,
};
use crate::domain::conversation::NewConversationEvent;
use crate::domain::{Effect, EventType, Phase, Question, Session};

/// Characters of a tool's reason or of an error that are kept in a session's error message.
const ERROR_CHARS: usize = 2_000;

/// Moves a session on by one line of its agent.
pub fn apply(session: &mut Session, line: AgentLine, now: Timestamp) -> Vec<Effect> {
    session.last_activity_at = now;
    match line {
        AgentLine::Init(init) => {
            if init.session_id.is_some() {
                session.claude_session_id = init.session_id;
            }
            if init.model.is_some() {
                session.model_id = init.model;
            }
            begin_turn(session);
            Vec::new()
        }
        AgentLine::Assistant(line) => assistant(session, line),
        AgentLine::User(line) => user(line),
        AgentLine::Question(asked) => {
            let request = asked.request;
            vec![Effect::Ask(Box::new(Question {
                request_id: Some(asked.request_id),
                tool_use_id: request.tool_use_id,
                tool_name: request.tool_name,
                tool_input: request.input,
                input_state: crate::domain::approval::InputState::Readable,
                raw_input: None,
                description: request.description,
                decision_reason: request.decision_reason.map(|reason| match reason {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                }),
                blocked_path: request.blocked_path,
                suggestions: request.permission_suggestions.unwrap_or_default(),
                agent_id: request.agent_id,
            }))]
        }
        AgentLine::Withdrawn { request_id } => vec![Effect::Withdraw { request_id }],
        AgentLine::OtherRequest {
            request_id,
            subtype,
        } => {
            let answer = control::unsupported(session.id.as_str(), &request_id, &subtype);
            vec![Effect::Send(answer)]
        }
        AgentLine::ApiRetry(retry) => vec![note(describe_retry(&retry))],
        AgentLine::CompactBoundary => vec![note("The conversation was compacted.".to_owned())],
        AgentLine::BackgroundTasks(tasks) => {
            session.background_tasks = tasks;
            rest_without_turn(session);
            Vec::new()
        }
        AgentLine::Result(result) => end_turn(session, *result, now),
        AgentLine::Response { .. } => {
            rest_without_turn(session);
            Vec::new()
        }
        AgentLine::Delta(_) | AgentLine::Other | AgentLine::Malformed => Vec::new(),
    }
}

/// Lets a session rest that has no turn and no background work left. An interrupt of background
/// work alone brings no result of a turn, only its receipt and the end of that work.
fn rest_without_turn(session: &mut Session) {
    if session.completed_at.is_none() || !session.background_tasks.is_empty() {
        return;
    }
    match session.phase {
        Phase::Running => session.phase = Phase::Completed,
        Phase::Interrupting => session.phase = Phase::Interrupted,
        Phase::Starting | Phase::Completed | Phase::Failed | Phase::Interrupted => {}
    }
}

fn note(text: String) -> Effect {
    Effect::Say(NewConversationEvent::words(
        EventType::System,
        "system",
        text,
    ))
}

fn begin_turn(session: &mut Session) {
    session.completed_at = None;
    match session.phase {
        // An interrupt that was sent before the turn began still applies to it.
        Phase::Interrupting => {}
        Phase::Starting
        | Phase::Running
        | Phase::Completed
        | Phase::Failed
        | Phase::Interrupted => {
            session.phase = Phase::Running;
            session.error_message = None;
        }
    }
}

fn assistant(session: &mut Session, line: Assistant) -> Vec<Effect> {
    if line.parent_tool_use_id.is_none()
        && line.error.is_none()
        && let Some(usage) = line.usage
    {
        session.usage.context_tokens = Some(context_tokens(&usage));
    }
    if session.phase == Phase::Starting {
        session.phase = Phase::Running;
    }
    let parent = line.parent_tool_use_id;
    line.blocks
        .into_iter()
        .map(|block| Effect::Say(piece("assistant", block, parent.clone())))
        .collect()
}

fn context_tokens(usage: &MessageUsage) -> i64 {
    usage.input_tokens
        + usage.cache_creation_input_tokens
        + usage.cache_read_input_tokens
        + usage.output_tokens
}

fn user(line: User) -> Vec<Effect> {
    // What we sent is in the conversation since it was sent.
    if line.is_replay {
        return Vec::new();
    }
    let parent = line.parent_tool_use_id;
    let mut effects = Vec::with_capacity(line.blocks.len() * 2);
    for block in line.blocks {
        let finished = match &block {
            Block::ToolResult { tool_use_id, .. } => Some(tool_use_id.clone()),
            Block::Text(_) | Block::Thinking(_) | Block::ToolUse { .. } | Block::Unknown(_) => None,
        };
        effects.push(Effect::Say(piece("user", block, parent.clone())));
        effects.extend(finished.map(|tool_use_id| Effect::ToolFinished { tool_use_id }));
    }
    effects
}

fn piece(
    role: &'static str,
    block: Block,
    parent_tool_use_id: Option<String>,
) -> NewConversationEvent {
    let piece = match block {
        Block::Text(text) => NewConversationEvent::words(EventType::Message, role, text),
        Block::Thinking(text) => NewConversationEvent::words(EventType::Thinking, role, text),
        Block::ToolUse { id, name, input } => NewConversationEvent {
            role: Some(role),
            tool_id: Some(id),
            tool_name: Some(name),
            tool_input: Some(input),
            ..NewConversationEvent::new(EventType::ToolCall)
        },
        Block::ToolResult {
            tool_use_id,
            content,
            is_error,
        } => NewConversationEvent {
            role: Some(role),
            tool_result_for_id: Some(tool_use_id),
            tool_result_content: Some(content),
            is_error,
            ..NewConversationEvent::new(EventType::ToolResult)
        },
        Block::Unknown(raw) => NewConversationEvent::words(EventType::System, "system", raw),
    };
    NewConversationEvent {
        parent_tool_use_id,
        ..piece
    }
}

fn describe_retry(retry: &ApiRetry) -> String {
    let status = retry
        .error_status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let error = retry.error.as_deref().unwrap_or("error");
    format!(
        "The model's API failed ({status}, {error}); trying again, attempt {} of {}.",
        retry.attempt, retry.max_retries
    )
}

fn end_turn(session: &mut Session, result: TurnResult, now: Timestamp) -> Vec<Effect> {
    let interrupted = session.phase == Phase::Interrupting
        || result
            .terminal_reason
            .as_deref()
            .is_some_and(|reason| reason.starts_with("aborted"));
    let failed = result.is_error || result.subtype != "success";
    session.completed_at = Some(now);
    session.phase = match (failed, interrupted) {
        (true, true) => Phase::Interrupted,
        (true, false) => Phase::Failed,
        (false, _) if session.background_tasks.is_empty() => Phase::Completed,
        (false, _) => Phase::Running,
    };
    session.error_message = (session.phase == Phase::Failed).then(|| describe_failure(&result));
    count(session, &result);
    if result.result.is_some() {
        session.result_content = result.result;
    }
    let failure = session.error_message.as_deref();
    failure
        .and_then(|failure| credentials::advice(failure, session.id.short()))
        .map(note)
        .into_iter()
        .collect()
}

fn describe_failure(result: &TurnResult) -> String {
    let mut text = result
        .errors
        .iter()
        .map(|error| {
            error
                .as_str()
                .map_or_else(|| error.to_string(), str::to_owned)
        })
        .collect::<Vec<_>>()
        .join("; ");
    if text.is_empty() {
        text = result
            .result
            .clone()
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| result.subtype.clone());
    }
    text.chars().take(ERROR_CHARS).collect()
}

fn count(session: &mut Session, result: &TurnResult) {
    let usage = &mut session.usage;
    if result.total_cost_usd.is_some() {
        usage.cost_usd = result.total_cost_usd;
    }
    usage.num_turns = Some(usage.num_turns.unwrap_or(0) + result.num_turns.unwrap_or(0));
    usage.duration_ms = Some(usage.duration_ms.unwrap_or(0) + result.duration_ms.unwrap_or(0));
    if result.model_usage.is_empty() {
        // An older agent reports each turn only.
        let turn = result.usage.unwrap_or_default();
        let add = |sum: &mut Option<i64>, tokens: i64| *sum = Some(sum.unwrap_or(0) + tokens);
        add(&mut usage.input_tokens, turn.input_tokens);
        add(&mut usage.output_tokens, turn.output_tokens);
        add(
            &mut usage.cache_creation_input_tokens,
            turn.cache_creation_input_tokens,
        );
        add(
            &mut usage.cache_read_input_tokens,
            turn.cache_read_input_tokens,
        );
        return;
    }
    let models = result.model_usage.values();
    usage.input_tokens = Some(models.clone().map(|model| model.input_tokens).sum());
    usage.output_tokens = Some(models.clone().map(|model| model.output_tokens).sum());
    usage.cache_creation_input_tokens = Some(
        models
            .clone()
            .map(|model| model.cache_creation_input_tokens)
            .sum(),
    );
    usage.cache_read_input_tokens = Some(
        models
            .clone()
            .map(|model| model.cache_read_input_tokens)
            .sum(),
    );
    let main = session
        .model_id
        .as_ref()
        .and_then(|model| result.model_usage.get(model));
    let window = main.map_or_else(
        || models.map(|model| model.context_window).max().unwrap_or(0),
        |model| model.context_window,
    );
    if window > 0 {
        usage.context_limit = Some(window);
    }
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why there is no proper end: it could not be started, its runner is gone …
    pub problem: Option<String>,
    /// The last of its standard error.
    pub stderr_tail: String,
}

impl Exit {
    /// In a few words, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.problem, self.code, self.signal) {
            (Some(problem), _, _) => problem.clone(),
            (None, Some(code), _) => format!("the agent exited with code {code}"),
            (None, None, Some(signal)) => format!("the agent was killed by signal {signal}"),
            (None, None, None) => "the agent exited".to_owned(),
        }
    }
}

/// Moves a session on by the end of its process. Everything that it wrote has been applied before.
pub fn exit(session: &mut Session, exit: &Exit, now: Timestamp) -> Vec<Effect> {
    session.last_activity_at = now;
    session.background_tasks.clear();
    let in_a_turn = session.completed_at.is_none();
    match session.phase {
        Phase::Interrupting => {
            session.phase = Phase::Interrupted;
            session.completed_at = Some(now);
            Vec::new()
        }
        Phase::Starting => fail(session, exit, now),
        Phase::Running if in_a_turn => fail(session, exit, now),
        // Only background work was left.
        Phase::Running => {
            session.phase = Phase::Completed;
            Vec::new()
        }
        Phase::Completed | Phase::Failed | Phase::Interrupted => Vec::new(),
    }
}

fn fail(session: &mut Session, exit: &Exit, now: Timestamp) -> Vec<Effect> {
    let at_startup = session.phase == Phase::Starting;
    session.phase = Phase::Failed;
    session.completed_at = Some(now);
    let mut message = exit.describe();
    if exit.problem.is_none() {
        message.push_str(if at_startup {
            " at startup"
        } else {
            " during a turn"
        });
    }
    let tail = exit.stderr_tail.trim();
    if !tail.is_empty() {
        let skip = tail.chars().count().saturating_sub(ERROR_CHARS);
        message.push_str(": ");
        message.extend(tail.chars().skip(skip));
    }
    session.error_message = Some(message.clone());
    vec![note(message)]
}
