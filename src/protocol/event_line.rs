//! An event's way out: its JSON text, written straight from what was committed.
//!
//! The text is that of an [`EventNotification`], which is what clients read and what the protocol's
//! document describes. Pieces of conversation, of which there are many and long ones, are written
//! without a copy of their words being made first; all other events go through the notification.

use jiff::Timestamp;
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::convert::content_type;
use super::event::EventNotification;
use crate::domain::{
    ApprovalId, ConversationEvent, Delivery, Event, EventBody, EventType, Outcome, RunId, SessionId,
};

/// An event, to be written.
#[derive(Clone, Copy, Debug)]
pub struct EventLine<'a>(pub &'a Event);

impl Serialize for EventLine<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0.body {
            EventBody::ConversationUpdated(piece) => Notification {
                seq: self.0.seq,
                r#type: self.0.body.name().as_str(),
                timestamp: self.0.at,
                data: Piece::of(self.0, piece),
            }
            .serialize(to),
            EventBody::NewApproval(_)
            | EventBody::ApprovalResolved(_)
            | EventBody::ApprovalDelivered(_)
            | EventBody::SessionStatusChanged { .. }
            | EventBody::MessageUpdated { .. }
            | EventBody::SessionSettingsChanged(_)
            | EventBody::SessionDeleted
            | EventBody::SessionUpdated(_)
            | EventBody::AlarmsChanged { .. }
            | EventBody::ProblemChanged { .. }
            | EventBody::MessageDelta(_) => EventNotification::from(self.0).serialize(to),
        }
    }
}

/// The fields of [`EventNotification`].
#[derive(serde::Serialize)]
struct Notification<'a> {
    seq: i64,
    r#type: &'static str,
    timestamp: Timestamp,
    data: Piece<'a>,
}

/// The fields of the wire's `ConversationEvent`, and what an event has beside them.
#[derive(serde::Serialize)]
struct Piece<'a> {
    id: i64,
    session_id: &'a SessionId,
    claude_session_id: &'a str,
    sequence: i64,
    event_type: EventType,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_input_json: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_tool_use_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_result_for_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_result_content: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_error: bool,
    is_completed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<&'a ApprovalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_input_json: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_lines: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery>,
    content_type: &'static str,
    /// Of a tool call that no subagent made, as the older daemon has it: empty.
    #[serde(rename = "parent_tool_use_id", skip_serializing_if = "Option::is_none")]
    no_parent: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_input: Option<&'a RawValue>,
    run_id: &'a RunId,
}

impl<'a> Piece<'a> {
    fn of(event: &'a Event, piece: &'a ConversationEvent) -> Self {
        let body = &piece.body;
        let approval = piece.approval.as_ref();
        let of_no_subagent =
            body.event_type == EventType::ToolCall && body.parent_tool_use_id.is_none();
        // Taken over as it is when it is JSON, which an agent's always was.
        let input = body.tool_input.as_deref();
        let tool_input = input.map(|input| serde_json::from_str(input).unwrap_or(RawValue::NULL));
        Self {
            id: piece.seq,
            session_id: &event.session_id,
            claude_session_id: piece.claude_session_id.as_deref().unwrap_or_default(),
            sequence: piece.sequence,
            event_type: body.event_type,
            created_at: piece.created_at,
            role: body.role,
            content: body.content.as_deref(),
            tool_id: body.tool_id.as_deref(),
            tool_name: body.tool_name.as_deref(),
            tool_input_json: input,
            parent_tool_use_id: body.parent_tool_use_id.as_deref(),
            tool_result_for_id: body.tool_result_for_id.as_deref(),
            tool_result_content: body.tool_result_content.as_deref(),
            is_error: body.is_error,
            is_completed: piece.is_completed,
            approval_status: approval.map(|of| of.outcome.compatible_status()),
            approval_outcome: approval.map(|of| of.outcome),
            approval_id: approval.map(|of| &of.id),
            edited_input_json: approval.and_then(|of| of.edited_input.as_deref()),
            unread_lines: approval.and_then(|of| of.unread_lines),
            delivery: piece.delivery,
            content_type: content_type(body.event_type),
            no_parent: of_no_subagent.then_some(""),
            tool_input,
            run_id: &event.run_id,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::domain::conversation::{CallApproval, NewConversationEvent};
    use crate::domain::{Approval, EventName, Source, Status};
    use crate::protocol::event;
    use serde_json::json;

    fn event_of(body: EventBody) -> Event {
        Event {
            seq: 7,
            at: Timestamp::UNIX_EPOCH,
            session_id: SessionId::from("s".to_owned()),
            run_id: RunId::from("r".to_owned()),
            body,
        }
    }

    fn piece(body: NewConversationEvent) -> ConversationEvent {
        ConversationEvent {
            seq: 7,
            session_id: SessionId::from("s".to_owned()),
            claude_session_id: None,
            sequence: 3,
            created_at: Timestamp::UNIX_EPOCH,
            body,
            is_completed: false,
            approval: None,
            delivery: None,
        }
    }

    /// Each of them, as clients read them: what is written is read as the same event.
    #[test]
    fn each_event_is_read_as_what_was_written() {
        let words = NewConversationEvent::words(EventType::Message, "user", "a".into());
        let approval = || Box::new(Approval::example("Bash", Source::Claude, json!({})));
        let bodies = [
            EventBody::NewApproval(approval()),
            EventBody::ApprovalResolved(approval()),
            EventBody::ApprovalDelivered(approval()),
            EventBody::SessionStatusChanged {
                old: Status::Starting,
                new: Status::Running,
                parent_session_id: Some(SessionId::from("p".to_owned())),
            },
            EventBody::ConversationUpdated(Box::new(piece(words))),
            EventBody::MessageUpdated {
                id: 3,
                sequence: 1,
                delivery: None,
            },
            EventBody::SessionSettingsChanged(json!({"title": "x"})),
            EventBody::SessionDeleted,
            EventBody::AlarmsChanged { open: 2 },
            EventBody::ProblemChanged { problem: None },
            EventBody::MessageDelta(RawValue::from_string("{}".to_owned()).unwrap()),
        ];
        let mut names: Vec<EventName> = bodies.iter().map(EventBody::name).collect();
        for event in bodies.map(event_of) {
            let text = serde_json::to_string(&EventLine(&event)).unwrap();
            let read: EventNotification = serde_json::from_str(&text).unwrap();
            let name = event.body.name();
            assert_eq!(read.name(), Some(name));
            assert_eq!(read.session_id(), Some("s"));
            assert_eq!(read.data["run_id"], "r");
            let is_known = !matches!(read.body(), event::EventBody::Unknown);
            assert!(is_known, "{text}");
        }
        // These need a whole session, or none at all; the dashboard's tests read the first.
        names.extend([EventName::SessionUpdated, EventName::Resync]);
        assert!(EventName::ALL.iter().all(|name| names.contains(name)));
    }

    #[test]
    fn what_is_not_known_is_kept_and_passed_on_whole() {
        let later = json!({"seq": 9, "type": "of_tomorrow", "timestamp": "2026-01-01T00:00:00Z",
            "data": {"session_id": "s", "more": [1]}});
        let odd = json!({"seq": 9, "type": "new_approval", "timestamp": "2026-01-01T00:00:00Z",
            "data": {"approval": 3}});
        for text in [later, odd] {
            let read: EventNotification = serde_json::from_value(text.clone()).unwrap();
            assert!(matches!(read.body(), event::EventBody::Unknown), "{text}");
            assert_eq!(serde_json::to_value(&read).unwrap(), text);
        }
    }

    #[test]
    fn the_text_is_that_of_the_notification() {
        let words =
            NewConversationEvent::words(EventType::Message, "user", "a \"b\"\n\u{1b}".into());
        let full = ConversationEvent {
            claude_session_id: Some("c".into()),
            is_completed: true,
            approval: Some(CallApproval {
                id: ApprovalId::from("a".to_owned()),
                outcome: Outcome::Approved,
                edited_input: Some(r#"{"z":1}"#.to_owned()),
                unread_lines: Some(217),
            }),
            ..piece(NewConversationEvent {
                role: Some("assistant"),
                content: Some("words".to_owned()),
                tool_id: Some("t".to_owned()),
                tool_name: Some("Bash".to_owned()),
                tool_input: Some(r#"{"z":[1,2.5],"a":null}"#.to_owned()),
                parent_tool_use_id: Some("p".to_owned()),
                tool_result_for_id: Some("f".to_owned()),
                tool_result_content: Some("out".to_owned()),
                is_error: true,
                ..NewConversationEvent::new(EventType::ToolCall)
            })
        };
        let queued = ConversationEvent {
            delivery: Some(crate::domain::Delivery::Queued),
            ..piece(NewConversationEvent::words(
                EventType::Message,
                "user",
                "later".into(),
            ))
        };
        let odd = piece(NewConversationEvent {
            tool_input: Some("no JSON".to_owned()),
            ..NewConversationEvent::new(EventType::ToolCall)
        });
        let bodies = [
            EventBody::ConversationUpdated(Box::new(piece(words))),
            EventBody::ConversationUpdated(Box::new(full)),
            EventBody::ConversationUpdated(Box::new(odd)),
            EventBody::ConversationUpdated(Box::new(queued)),
            EventBody::SessionStatusChanged {
                old: Status::Starting,
                new: Status::Running,
                parent_session_id: None,
            },
        ];
        for event in bodies.map(event_of) {
            let wanted = serde_json::to_string(&EventNotification::from(&event)).unwrap();
            assert_eq!(serde_json::to_string(&EventLine(&event)).unwrap(), wanted);
        }
    }
}
