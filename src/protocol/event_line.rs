//! An event's way out: its JSON text, written straight from what was committed.
//!
//! The text is that of an [`EventNotification`], which is what clients read and what the protocol's
//! document describes. Pieces of conversation, of which there are many and long ones, are written
//! without a copy of their words being made first; all other events go through the notification.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::convert::content_type;
use super::event::EventNotification;
use crate::domain::{ConversationEvent, Event, EventBody, EventType, Outcome};

/// An event, to be written.
#[derive(Clone, Copy, Debug)]
pub struct EventLine<'a>(pub &'a Event);

impl Serialize for EventLine<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0.body {
            EventBody::ConversationUpdated(piece) => Notification {
                seq: self.0.seq,
                r#type: self.0.body.name(),
                timestamp: self.0.at,
                data: Piece {
                    event: self.0,
                    piece,
                },
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
struct Piece<'a> {
    event: &'a Event,
    piece: &'a ConversationEvent,
}

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (piece, body) = (self.piece, &self.piece.body);
        let approval = piece.approval.as_ref();
        let mut data = to.serialize_map(None)?;
        data.serialize_entry("id", &piece.seq)?;
        data.serialize_entry("session_id", &self.event.session_id)?;
        let claude_session_id = piece.claude_session_id.as_deref().unwrap_or_default();
        data.serialize_entry("claude_session_id", claude_session_id)?;
        data.serialize_entry("sequence", &piece.sequence)?;
        data.serialize_entry::<_, EventType>("event_type", &body.event_type)?;
        data.serialize_entry("created_at", &piece.created_at)?;
        let mut text = |name: &str, value: Option<&str>| match value {
            Some(value) => data.serialize_entry(name, value),
            None => Ok(()),
        };
        text("role", body.role)?;
        text("content", body.content.as_deref())?;
        text("tool_id", body.tool_id.as_deref())?;
        text("tool_name", body.tool_name.as_deref())?;
        text("tool_input_json", body.tool_input.as_deref())?;
        text("parent_tool_use_id", body.parent_tool_use_id.as_deref())?;
        text("tool_result_for_id", body.tool_result_for_id.as_deref())?;
        text("tool_result_content", body.tool_result_content.as_deref())?;
        if body.is_error {
            data.serialize_entry("is_error", &true)?;
        }
        data.serialize_entry("is_completed", &piece.is_completed)?;
        if let Some(approval) = approval {
            let outcome = approval.outcome;
            data.serialize_entry("approval_status", outcome.compatible_status())?;
            data.serialize_entry::<_, Outcome>("approval_outcome", &outcome)?;
            data.serialize_entry("approval_id", &approval.id)?;
            if let Some(input) = &approval.edited_input {
                data.serialize_entry("edited_input_json", input)?;
            }
            if let Some(lines) = approval.unread_lines {
                data.serialize_entry("unread_lines", &lines)?;
            }
        }
        if let Some(delivery) = &piece.delivery {
            data.serialize_entry("delivery", delivery)?;
        }
        data.serialize_entry("content_type", content_type(body.event_type))?;
        if body.event_type == EventType::ToolCall && body.parent_tool_use_id.is_none() {
            // As the older daemon has it.
            data.serialize_entry("parent_tool_use_id", "")?;
        }
        if let Some(input) = &body.tool_input {
            // Taken over as it is when it is JSON, which an agent's always was.
            let input = serde_json::from_str::<&RawValue>(input).unwrap_or(RawValue::NULL);
            data.serialize_entry("tool_input", input)?;
        }
        data.serialize_entry("run_id", &self.event.run_id)?;
        data.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::domain::conversation::{CallApproval, NewConversationEvent};
    use crate::domain::{ApprovalId, RunId, SessionId, Status};

    fn event(body: EventBody) -> Event {
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
        for event in bodies.map(event) {
            let wanted = serde_json::to_string(&EventNotification::from(&event)).unwrap();
            assert_eq!(serde_json::to_string(&EventLine(&event)).unwrap(), wanted);
        }
    }
}
