//! The session's state machine: lines of the agent in, effects out.
//!
//! Pure and synchronous. It moves the session's record on and says as data what else is to happen;
//! the store carries both out in one transaction. It never decides about a question: that is for a
//! person, or for a rule of theirs that the store applies.

mod activity;
mod background;
mod messages;
mod tokens;

use jiff::Timestamp;

use super::credentials;
use crate::claude::control;
use crate::claude::line::{AgentLine, ApiRetry, Assistant, Block, Init, TurnResult, User};
use crate::domain::conversation::NewConversationEvent;
use crate::domain::stream_state::{LastLine, Retrying};
use crate::domain::{Effect, EventType, Phase, Question, Session};

/// Characters of a tool's reason or of an error that are kept in a session's error message.
const ERROR_CHARS: usize = 2_000;

/// How the agent's words for an interrupt begin.
const INTERRUPTED: &str = "[Request interrupted by user";

/// Moves a session on by one line of its agent.
pub fn apply(session: &mut Session, line: AgentLine, now: Timestamp) -> Vec<Effect> {
    if line.is_activity() {
        session.last_activity_at = now;
    }
    match line {
        AgentLine::Init(line) => init(session, line, now),
        AgentLine::Assistant(line) => assistant(session, line),
        AgentLine::User(line) => user(session, line),
        AgentLine::Question(asked) => {
            let request = asked.request;
            vec![Effect::Ask(Box::new(Question {
                request_id: asked.request_id,
                tool_use_id: request.tool_use_id,
                tool_name: request.tool_name,
                tool_input: request.input,
                input_state: request.input_state,
                raw_input: request.raw_input,
                description: request.description,
                decision_reason: request.decision_reason,
                blocked_path: request.blocked_path,
                suggestions: request.permission_suggestions,
                agent_id: request.agent_id,
            }))]
        }
        AgentLine::Withdrawn { request_id } => {
            // An agent whose turn is interrupted withdraws what it has asked.
            let reason = match session.phase {
                Phase::Interrupting => "the turn was interrupted",
                _ => "the agent withdrew the request",
            };
            vec![Effect::Withdraw { request_id, reason }]
        }
        AgentLine::OtherRequest {
            request_id,
            subtype,
        } => {
            let answer = control::unsupported(session.id.as_str(), &request_id, &subtype);
            vec![Effect::Send(answer)]
        }
        AgentLine::ApiRetry(retry) => {
            session.stream.retrying = Some(retrying(retry));
            Vec::new()
        }
        AgentLine::Mode(mode) => {
            session.permission_mode = Some(mode);
            Vec::new()
        }
        AgentLine::CompactBoundary => {
            session.stream.last = LastLine::Command;
            vec![note("The conversation was compacted.".to_owned())]
        }
        AgentLine::ContextCleared => {
            session.stream.cleared = true;
            context_cleared(session)
        }
        AgentLine::Notice { text, stopped_by } => match stopped_by {
            // Said when the turn ends.
            Some(reason) => {
                session.stream.stopped_by = Some(first_of(reason, &text));
                Vec::new()
            }
            None => vec![note(text)],
        },
        AgentLine::HookStopped(reason) => {
            session.stream.stopped_by = Some(reason);
            Vec::new()
        }
        AgentLine::BackgroundTasks(tasks) => {
            session.stream.tells_tasks = true;
            session.background_tasks = tasks;
            rest_without_turn(session);
            Vec::new()
        }
        AgentLine::TaskEnded(task) => {
            background::ended(session, &task);
            Vec::new()
        }
        AgentLine::Result(result) => end_turn(session, *result, now),
        AgentLine::Command { uuid, state } => messages::command(session, uuid, state)
            .into_iter()
            .collect(),
        AgentLine::Response {
            request_id,
            cancelled,
            ..
        } => match control::cancelled_message(&request_id) {
            Some(uuid) => {
                let cancelled = cancelled.unwrap_or(false);
                vec![messages::cancel_answered(session, uuid, cancelled)]
            }
            None => {
                rest_without_turn(session);
                Vec::new()
            }
        },
        AgentLine::Malformed(beginning) => {
            vec![note(format!(
                "A line of the agent could not be read: {beginning}"
            ))]
        }
        AgentLine::Delta(_) | AgentLine::HookProgress | AgentLine::Other | AgentLine::Unknown => {
            Vec::new()
        }
    }
}

/// Lets a session rest of which the turn is over: background work goes on beside it, and an
/// interrupt that came after the turn brings no result, only its receipt.
fn rest_without_turn(session: &mut Session) {
    if session.completed_at.is_none() {
        return;
    }
    match session.phase {
        Phase::Running => session.phase = Phase::Completed,
        Phase::Interrupting => session.phase = Phase::Interrupted,
        Phase::Starting | Phase::Completed | Phase::Failed | Phase::Interrupted => {}
    }
}

/// A remark of ours in the conversation.
pub fn note(text: String) -> Effect {
    Effect::Say(NewConversationEvent::words(
        EventType::System,
        "system",
        text,
    ))
}

fn first_of(preferred: String, other: &str) -> String {
    if preferred.trim().is_empty() {
        other.to_owned()
    } else {
        preferred
    }
}

fn init(session: &mut Session, line: Init, now: Timestamp) -> Vec<Effect> {
    let renamed = match (&session.claude_session_id, &line.session_id) {
        (Some(old), Some(new)) => old != new,
        (None | Some(_), _) => false,
    };
    let told = std::mem::take(&mut session.stream.cleared);
    // Within a process only a new conversation has a new name.
    let effects = if renamed && session.stream.begun && !told {
        context_cleared(session)
    } else {
        Vec::new()
    };
    session.stream.begun = true;
    if line.session_id.is_some() {
        session.claude_session_id = line.session_id;
    }
    if line.model.is_some() {
        if session.model_id != line.model {
            session.usage.context_limit = None;
        }
        session.model_id = line.model;
    }
    if line.permission_mode.is_some() {
        session.permission_mode = line.permission_mode;
    }
    if line.version.is_some() {
        session.stream.version = line.version;
    }
    tokens::expect_context_limit(session);
    begin_turn(session, now);
    effects
}

fn context_cleared(session: &mut Session) -> Vec<Effect> {
    session.usage.context_tokens = None;
    session.stream.last = LastLine::Command;
    vec![note("Context cleared.".to_owned())]
}

fn begin_turn(session: &mut Session, now: Timestamp) {
    activity::turn_began(session, now);
    messages::turn_began(session);
    session.completed_at = None;
    if session.stream.last != LastLine::Command {
        session.stream.last = LastLine::Nothing;
    }
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
    tokens::count_message(session, &line);
    if session.phase == Phase::Starting {
        session.phase = Phase::Running;
    }
    let mut effects = Vec::with_capacity(line.blocks.len());
    let parent = line.parent_tool_use_id;
    if parent.is_none() {
        effects.extend(messages::acted(session));
        session.stream.last = LastLine::Assistant;
        if session.stream.retrying.is_some() {
            effects.extend(retried(session, line.error.is_some()));
        }
    }
    for block in line.blocks {
        if let Block::ToolUse { id, name, input } = &block {
            background::called(session, id, name, input);
            if parent.is_none() {
                activity::tool_called(session, id, name, input);
            }
        }
        effects.push(Effect::Say(piece("assistant", block, parent.clone())));
    }
    effects
}

/// What is left of the tries once the model has answered, or was given up.
fn retried(session: &mut Session, gave_up: bool) -> Option<Effect> {
    let retrying = session.stream.retrying.take()?;
    let times = match retrying.attempt {
        ..=1 => "once".to_owned(),
        attempt => format!("{attempt} times"),
    };
    let end = if gave_up {
        "and was given up"
    } else {
        "before it answered"
    };
    Some(note(format!(
        "The API failed {times} ({}) {end}.",
        retrying.error
    )))
}

fn retrying(retry: ApiRetry) -> Retrying {
    let status = retry
        .error_status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let error = match retry.error {
        Some(error) => format!("{status}, {error}"),
        None => status,
    };
    Retrying {
        attempt: retry.attempt,
        max_retries: retry.max_retries,
        error,
    }
}

fn user(session: &mut Session, line: User) -> Vec<Effect> {
    // What we sent is in the conversation since it was sent.
    if line.is_replay {
        let text = match line.blocks.first() {
            Some(Block::Text(text)) => text.as_str(),
            Some(_) | None => "",
        };
        let unknown = messages::unknown(session, line.uuid.as_deref(), text);
        let repeated = messages::repeated(session, line.uuid, text);
        let printed = line.blocks.iter().filter_map(command_output);
        return unknown.into_iter().chain(repeated).chain(printed).collect();
    }
    let parent = line.parent_tool_use_id;
    // A person's words are there already, and a subagent's prompt is what its parent told it: any
    // other words the agent has put there itself.
    let of_agent = parent.is_none() || line.is_synthetic;
    let mut effects = Vec::with_capacity(line.blocks.len() * 2);
    for block in line.blocks {
        match block {
            Block::ToolResult {
                tool_use_id,
                content,
                is_error,
            } => {
                background::answered(session, &tool_use_id, &content);
                activity::tool_answered(session, &tool_use_id);
                if parent.is_none() {
                    session.stream.last = LastLine::ToolResult;
                }
                let finished = tool_use_id.clone();
                let succeeded = !is_error;
                let block = Block::ToolResult {
                    tool_use_id,
                    content,
                    is_error,
                };
                effects.push(Effect::Say(piece("user", block, parent.clone())));
                effects.push(Effect::ToolFinished {
                    tool_use_id: finished,
                    succeeded,
                });
            }
            Block::Text(text) if of_agent => {
                if text.starts_with(INTERRUPTED) {
                    session.stream.last = LastLine::Interrupted;
                }
                effects.push(Effect::Say(NewConversationEvent {
                    parent_tool_use_id: parent.clone(),
                    ..NewConversationEvent::words(EventType::System, "system", text)
                }));
            }
            block => effects.push(Effect::Say(piece("user", block, parent.clone()))),
        }
    }
    effects
}

/// What a command of the agent's own (`/cost`) has printed, which older agents pass off as words.
fn command_output(block: &Block) -> Option<Effect> {
    let Block::Text(text) = block else {
        return None;
    };
    let output = text
        .trim()
        .strip_prefix("<local-command-stdout>")?
        .strip_suffix("</local-command-stdout>")?;
    (!output.trim().is_empty()).then(|| note(output.trim().to_owned()))
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
        Block::Named(text) | Block::Unknown(text) => {
            NewConversationEvent::words(EventType::System, "system", text)
        }
    };
    NewConversationEvent {
        parent_tool_use_id,
        ..piece
    }
}

fn end_turn(session: &mut Session, result: TurnResult, now: Timestamp) -> Vec<Effect> {
    let last = std::mem::take(&mut session.stream.last);
    let terminal_reason = result.terminal_reason.as_deref().unwrap_or_default();
    let interrupted = session.phase == Phase::Interrupting
        || last == LastLine::Interrupted
        || terminal_reason.starts_with("aborted");
    let failed = result.is_error || result.subtype != "success";
    let read = messages::turn_ended(session, &result, last);
    activity::turn_ended(session);
    let reason = session.stream.stopped_by.take();
    let reason = reason.as_deref().map(str::trim);
    let stopped = stopped(&result, reason, last, failed || interrupted);
    // The agent had come to its end and would have been sent on, or not, by a hook for that.
    let ended_by = reason.filter(|_| terminal_reason == "stop_hook_prevented");
    session.completed_at = Some(now);
    session.phase = match (failed, interrupted, &stopped) {
        (true, true, _) => Phase::Interrupted,
        (true, false, _) | (false, _, Some(_)) => Phase::Failed,
        (false, _, None) => Phase::Completed,
    };
    session.error_message = match (session.phase, &stopped) {
        (Phase::Failed, Some(reason)) => Some(shortened(reason)),
        (Phase::Failed, None) => Some(describe_failure(&result)),
        _ => None,
    };
    tokens::count_result(session, &result);
    let said = result.result.is_some();
    if said {
        session.result_content = result.result;
    }
    let failure = session.error_message.as_deref();
    let advice = failure.and_then(|failure| credentials::advice(failure, session.id.short()));
    let ended_by = ended_by.map(|reason| format!("A hook ended the turn: {reason}"));
    let answer = match (stopped.or(ended_by), last) {
        (Some(reason), _) => Some(reason),
        // Nothing was said in the turn but its result ("Unknown command").
        (None, LastLine::Nothing) if said && !failed => {
            let answer = session.result_content.clone();
            answer.filter(|text| !text.is_empty())
        }
        (None, _) => None,
    };
    let notes = answer.into_iter().chain(advice).map(note);
    read.into_iter().chain(notes).collect()
}

/// Why a turn that is called a success did not come to its end: a hook refused the message, or
/// stopped the turn after a tool. Older agents do not say which hook, nor why.
fn stopped(
    result: &TurnResult,
    reason: Option<&str>,
    last: LastLine,
    told_otherwise: bool,
) -> Option<String> {
    if told_otherwise {
        return None;
    }
    let silent = result.result.as_deref().unwrap_or_default().is_empty();
    let unread = result.num_turns == Some(0);
    let is_cut_short = match result.terminal_reason.as_deref() {
        Some("hook_stopped") => {
            return Some(match reason {
                Some(reason) => format!("A hook stopped the turn: {reason}"),
                None => "A hook stopped the turn; Claude Code does not say why.".to_owned(),
            });
        }
        // Whatever a hook wanted: it was one of a subagent's, or it came when all was said.
        Some("completed" | "tool_deferred" | "stop_hook_prevented") => false,
        // Older agents do not say how a turn has ended.
        Some(_) | None => silent || unread,
    };
    match (reason, last) {
        _ if !is_cut_short => None,
        (Some(reason), LastLine::Nothing) => Some(format!("A hook blocked the message: {reason}")),
        (Some(reason), _) => Some(format!("A hook stopped the turn: {reason}")),
        (None, _) if !silent || result.terminal_reason.is_some() => None,
        (None, LastLine::Nothing) if unread => Some(
            "The message never reached the model: a UserPromptSubmit hook may have blocked it."
                .to_owned(),
        ),
        (None, LastLine::ToolResult) => {
            Some("The turn ended after a tool call: a hook may have stopped it.".to_owned())
        }
        (None, _) => None,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(ERROR_CHARS).collect()
}

fn describe_failure(result: &TurnResult) -> String {
    let text = result.errors.join("; ");
    if !text.is_empty() {
        return shortened(&text);
    }
    let said = result.result.as_deref().filter(|text| !text.is_empty());
    match said.unwrap_or(&result.subtype) {
        "" => "The agent ended the turn without saying how.".to_owned(),
        text => shortened(text),
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
    /// It was killed by nobody known while the kernel killed processes for want of memory.
    pub for_memory: bool,
}

impl Exit {
    /// Whether it could do nothing more at its end: it was killed, with its runner or by itself.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        self.problem.is_some() || self.signal == Some(9)
    }

    /// In a few words, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.problem, self.code, self.signal) {
            (Some(problem), _, _) => problem.clone(),
            (None, Some(code), _) => format!("the agent exited with code {code}"),
            (None, None, Some(signal)) if self.for_memory => format!(
                "the agent was killed by signal {signal}, probably by the kernel for want of memory"
            ),
            (None, None, Some(signal)) => format!("the agent was killed by signal {signal}"),
            (None, None, None) => "the agent exited".to_owned(),
        }
    }
}

/// Moves a session on by the end of its process. Everything that it wrote has been applied before.
pub fn exit(session: &mut Session, exit: &Exit, now: Timestamp) -> Vec<Effect> {
    session.background_tasks.clear();
    background::process_ended(session);
    let turn_runs = session.stream.turn_started_at.is_some();
    activity::turn_ended(session);
    tokens::process_ended(session, turn_runs, exit.was_killed());
    messages::process_ended(session);
    session.stream.stopped_by = None;
    let in_a_turn = session.completed_at.is_none();
    let ends_work = match session.phase {
        Phase::Interrupting | Phase::Starting => true,
        Phase::Running => in_a_turn,
        Phase::Completed | Phase::Failed | Phase::Interrupted => false,
    };
    // That a process which rests is ended is nothing that the session does.
    if ends_work {
        session.last_activity_at = now;
    }
    match session.phase {
        Phase::Interrupting => {
            session.phase = Phase::Interrupted;
            session.completed_at = Some(now);
            Vec::new()
        }
        Phase::Starting => fail(session, exit, now),
        Phase::Running if in_a_turn => fail(session, exit, now),
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
