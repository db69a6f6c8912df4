//! From the domain to the wire.

use serde_json::{Map, Value, json};

use super::approval::Approval;
use super::conversation::ConversationEvent;
use super::event::{self, EventNotification};
use super::session::{SessionInfo, SessionState, TurnSummary};
use crate::domain::session::{Process, Session};
use crate::domain::{self, Event, EventBody, Outcome, Status};

impl From<&Session> for SessionState {
    fn from(session: &Session) -> Self {
        let usage = &session.usage;
        Self {
            id: session.id.to_string(),
            run_id: session.run_id.to_string(),
            claude_session_id: session.claude_session_id.clone(),
            parent_session_id: session.forked_from.as_ref().map(ToString::to_string),
            status: session.status,
            query: session.query.clone(),
            summary: session.summary.clone(),
            title: session.title.clone(),
            model: session
                .config
                .model
                .clone()
                .or_else(|| session.model_id.clone()),
            model_id: session.model_id.clone(),
            working_dir: Some(session.working_dir.clone()),
            created_at: session.created_at,
            last_activity_at: session.last_activity_at,
            activity: session.activity,
            completed_at: session.completed_at,
            error_message: session.error_message.clone(),
            cost_usd: usage.cost_usd,
            unpriced_turns: session.stream.unpriced.turns,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_creation_input_tokens: usage.cache_creation_input_tokens,
            cache_read_input_tokens: usage.cache_read_input_tokens,
            effective_context_tokens: usage.context_tokens,
            context_limit: usage.context_limit,
            duration_ms: usage.duration_ms,
            num_turns: usage.num_turns,
            auto_accept_edits: session.settings.auto_accept_edits,
            dangerously_skip_permissions: session.settings.skip_permissions,
            dangerously_skip_permissions_expires_at: session.settings.skip_permissions_until,
            archived: session.archived,
            live: session.process.is_ours_and_alive(),
            pending_approvals: session.pending_approvals,
            approvals: session.config.approvals,
            permission_mode: session
                .permission_mode
                .clone()
                .or_else(|| session.config.permission_mode.clone()),
            isolated: session.config.isolated,
            ending: session.end_requested_at.is_some(),
            waiting_for: session.waiting_for.clone(),
            directory_problem: session.directory_problem.clone(),
            directory_candidate: session.directory_candidate.clone(),
            background_tasks: session.background_tasks.len() as u64,
            turn_started_at: session.stream.turn_started_at,
            current_tool: session
                .stream
                .current_tool
                .as_ref()
                .map(|tool| tool.summary.clone()),
            retrying: session.stream.retrying.clone(),
            result: session.result_content.clone(),
            external: session.process == Process::External,
            asker: session.asker.clone(),
            asker_pid: session.asker_pid,
        }
    }
}

impl From<&Session> for SessionInfo {
    fn from(session: &Session) -> Self {
        let mut state = SessionState::from(session);
        let text = state.result.take();
        let failed = session.status == Status::Failed;
        let result = (text.is_some() || failed).then(|| TurnSummary {
            r#type: "result".to_owned(),
            subtype: "session_completed".to_owned(),
            total_cost_usd: session.usage.cost_usd.unwrap_or_default(),
            is_error: failed,
            duration_ms: session.usage.duration_ms.unwrap_or_default(),
            duration_api_ms: 0,
            num_turns: session.usage.num_turns.unwrap_or_default(),
            result: text.unwrap_or_default(),
            session_id: session.claude_session_id.clone().unwrap_or_default(),
            error: session.error_message.clone(),
        });
        Self {
            start_time: session.created_at,
            end_time: session.completed_at,
            error: session.error_message.clone(),
            result,
            proxy_enabled: session.config.proxy.is_some(),
            state,
        }
    }
}

impl From<&domain::Approval> for Approval {
    fn from(approval: &domain::Approval) -> Self {
        let waited = approval
            .decided_at
            .map(|at| at.duration_since(approval.created_at).as_millis());
        Self {
            id: approval.id.to_string(),
            run_id: approval.run_id.clone(),
            session_id: approval.session_id.to_string(),
            tool_use_id: approval.tool_use_id.clone(),
            status: approval.outcome.compatible_status().to_owned(),
            outcome: approval.outcome,
            created_at: approval.created_at,
            responded_at: approval.decided_at,
            tool_name: approval.tool_name.clone(),
            tool_input: approval.tool_input.clone(),
            input_state: approval.input_state,
            comment: approval.comment.clone(),
            kind: approval.kind,
            source: approval.source,
            description: approval.description.clone(),
            decision_reason: approval.decision_reason.clone(),
            blocked_path: approval.blocked_path.clone(),
            permission_suggestions: approval.suggestions.clone(),
            agent_id: approval.agent_id.clone(),
            asker: approval.asker.clone(),
            call_id: approval.call_id.clone(),
            channel: approval.channel.clone(),
            sdk_state: approval.sdk_state.clone(),
            options: approval.options.clone(),
            accepts_edits: approval.accepts_edits,
            capabilities: Some(approval.capabilities()),
            updated_input: approval.updated_input.clone(),
            updated_permissions: approval.updated_permissions.clone(),
            unread_lines: approval.unread_lines,
            answers: approval.answers.clone(),
            chosen_option: approval.chosen_option.clone(),
            decided_by: approval.decided_by.clone(),
            waited_ms: waited.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            delivered_at: approval.delivered_at,
            undelivered: approval.undelivered.clone(),
        }
    }
}

impl From<&domain::ConversationEvent> for ConversationEvent {
    fn from(event: &domain::ConversationEvent) -> Self {
        event.clone().into()
    }
}

/// Of a long conversation nothing is copied.
impl From<domain::ConversationEvent> for ConversationEvent {
    fn from(event: domain::ConversationEvent) -> Self {
        let body = event.body;
        let (mut approval_status, mut approval_outcome) = (None, None);
        let (mut approval_id, mut edited_input_json, mut unread_lines) = (None, None, None);
        if let Some(approval) = event.approval {
            approval_status = Some(approval.outcome.compatible_status().to_owned());
            approval_outcome = Some(approval.outcome);
            approval_id = Some(approval.id.to_string());
            edited_input_json = approval.edited_input;
            unread_lines = approval.unread_lines;
        }
        Self {
            id: event.seq,
            session_id: event.session_id.to_string(),
            claude_session_id: event
                .claude_session_id
                .as_deref()
                .unwrap_or_default()
                .to_owned(),
            sequence: event.sequence,
            event_type: body.event_type,
            created_at: event.created_at,
            role: body.role.map(str::to_owned),
            content: body.content,
            tool_id: body.tool_id,
            tool_name: body.tool_name,
            tool_input_json: body.tool_input,
            parent_tool_use_id: body.parent_tool_use_id,
            tool_result_for_id: body.tool_result_for_id,
            tool_result_content: body.tool_result_content,
            is_error: body.is_error,
            is_completed: event.is_completed,
            approval_status,
            approval_outcome,
            approval_id,
            edited_input_json,
            unread_lines,
            delivery: event.delivery,
        }
    }
}

impl From<&Event> for EventNotification {
    fn from(event: &Event) -> Self {
        let mut data = event::EventBody::from(&event.body).data();
        data.insert("session_id".to_owned(), json!(event.session_id));
        data.insert("run_id".to_owned(), json!(event.run_id));
        Self {
            seq: event.seq,
            r#type: event.body.name().as_str().to_owned(),
            timestamp: event.at,
            data: Value::Object(data),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

impl event::EventBody {
    /// The members of `data` that are this event's own.
    fn data(&self) -> Map<String, Value> {
        match self {
            Self::NewApproval(change)
            | Self::ApprovalResolved(change)
            | Self::ApprovalDelivered(change) => object(json!(change)),
            Self::SessionStatusChanged(change) => object(json!(change)),
            Self::ConversationUpdated(piece) => conversation_data(piece),
            Self::MessageUpdated(change) => object(json!(change)),
            Self::SessionSettingsChanged(changed) => object(changed.clone()),
            Self::SessionUpdated(change) => object(json!(change)),
            Self::AlarmsChanged(change) => object(json!(change)),
            Self::ProblemChanged(change) => object(json!(change)),
            Self::MessageDelta(change) => object(json!(change)),
            Self::SessionDeleted | Self::Resync | Self::Unknown => Map::new(),
        }
    }
}

impl From<&EventBody> for event::EventBody {
    fn from(body: &EventBody) -> Self {
        match body {
            EventBody::NewApproval(approval) => Self::NewApproval(Box::new(change(approval))),
            EventBody::ApprovalResolved(approval) => {
                Self::ApprovalResolved(Box::new(ended(approval)))
            }
            EventBody::ApprovalDelivered(approval) => {
                Self::ApprovalDelivered(Box::new(ended(approval)))
            }
            EventBody::SessionStatusChanged {
                old,
                new,
                parent_session_id,
            } => Self::SessionStatusChanged(event::StatusChange {
                old_status: *old,
                new_status: *new,
                parent_session_id: parent_session_id.as_ref().map(ToString::to_string),
            }),
            EventBody::ConversationUpdated(piece) => {
                Self::ConversationUpdated(Box::new(piece.as_ref().into()))
            }
            EventBody::MessageUpdated {
                id,
                sequence,
                delivery,
            } => Self::MessageUpdated(event::MessageChange {
                message_id: *id,
                sequence: *sequence,
                delivery: *delivery,
            }),
            EventBody::SessionSettingsChanged(changed) => {
                Self::SessionSettingsChanged(changed.clone())
            }
            EventBody::SessionDeleted => Self::SessionDeleted,
            EventBody::SessionUpdated(session) => {
                let session = session.as_ref().into();
                Self::SessionUpdated(Box::new(event::SessionChange { session }))
            }
            EventBody::AlarmsChanged { open } => {
                Self::AlarmsChanged(event::AlarmsChange { open: *open })
            }
            EventBody::ProblemChanged { problem } => Self::ProblemChanged(event::ProblemChange {
                problem: problem.clone(),
            }),
            EventBody::MessageDelta(delta) => Self::MessageDelta(event::DeltaChange {
                delta: json!(delta),
            }),
        }
    }
}

fn change(approval: &domain::Approval) -> event::ApprovalChange {
    event::ApprovalChange {
        approval_id: approval.id.to_string(),
        tool_name: approval.tool_name.clone(),
        tool_use_id: approval.tool_use_id.clone(),
        approval: approval.into(),
        approved: None,
        response_text: None,
    }
}

fn ended(approval: &domain::Approval) -> event::ApprovalChange {
    let approved = matches!(approval.outcome, Outcome::Approved | Outcome::Answered);
    event::ApprovalChange {
        approved: Some(approved),
        response_text: Some(approval.comment.clone().unwrap_or_default()),
        ..change(approval)
    }
}

/// The piece, with what the older daemon's events have beside it.
fn conversation_data(event: &ConversationEvent) -> Map<String, Value> {
    let mut data = object(json!(event));
    data.insert(
        "content_type".to_owned(),
        json!(content_type(event.event_type)),
    );
    if event.event_type == domain::EventType::ToolCall {
        // Also where there is none, as the older daemon has it.
        let parent = event.parent_tool_use_id.as_deref().unwrap_or_default();
        data.insert("parent_tool_use_id".to_owned(), json!(parent));
    }
    if let Some(input) = &event.tool_input_json {
        data.insert(
            "tool_input".to_owned(),
            serde_json::from_str(input).unwrap_or_default(),
        );
    }
    data
}

/// The older daemon's name for what a piece is.
pub fn content_type(event_type: domain::EventType) -> &'static str {
    match event_type {
        domain::EventType::Message => "text",
        domain::EventType::ToolCall => "tool_use",
        domain::EventType::ToolResult => "tool_result",
        domain::EventType::System => "system",
        domain::EventType::Thinking => "thinking",
    }
}
