//! Conversations for tests, and what is drawn as text.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use crate::domain::EventType;
use crate::protocol::conversation::ConversationEvent;
use crate::tui::theme::Theme;
use crate::tui::transcript::Transcript;

/// A piece with nothing in it.
pub fn piece(sequence: i64, event_type: EventType) -> ConversationEvent {
    ConversationEvent {
        id: sequence,
        session_id: "s".to_owned(),
        claude_session_id: String::new(),
        sequence,
        event_type,
        created_at: Timestamp::UNIX_EPOCH,
        role: None,
        content: None,
        tool_id: None,
        tool_name: None,
        tool_input_json: None,
        parent_tool_use_id: None,
        tool_result_for_id: None,
        tool_result_content: None,
        is_error: false,
        is_completed: false,
        approval_status: None,
        approval_outcome: None,
        approval_id: None,
    }
}

/// Words of somebody.
pub fn says(sequence: i64, role: &str, text: &str) -> ConversationEvent {
    ConversationEvent {
        role: Some(role.to_owned()),
        content: Some(text.to_owned()),
        ..piece(sequence, EventType::Message)
    }
}

/// A tool call.
pub fn call(sequence: i64, id: &str, name: &str, input: &Value) -> ConversationEvent {
    ConversationEvent {
        role: Some("assistant".to_owned()),
        tool_id: Some(id.to_owned()),
        tool_name: Some(name.to_owned()),
        tool_input_json: Some(input.to_string()),
        ..piece(sequence, EventType::ToolCall)
    }
}

/// A tool's result.
pub fn result(sequence: i64, id: &str, text: &str) -> ConversationEvent {
    ConversationEvent {
        role: Some("user".to_owned()),
        tool_result_for_id: Some(id.to_owned()),
        tool_result_content: Some(text.to_owned()),
        ..piece(sequence, EventType::ToolResult)
    }
}

/// The same piece as a subagent's step.
pub fn below(parent: &str, event: ConversationEvent) -> ConversationEvent {
    ConversationEvent {
        parent_tool_use_id: Some(parent.to_owned()),
        ..event
    }
}

/// Draws a conversation; its rows without the white space at their ends.
pub fn drawn(transcript: &mut Transcript, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    transcript.draw(area, &mut buf, &Theme::dark(), true);
    rows(&buf)
}

/// A buffer's rows without the white space at their ends.
pub fn rows(buf: &Buffer) -> Vec<String> {
    let area = buf.area;
    (area.top()..area.bottom())
        .map(|y| {
            let mut row = String::new();
            let mut skip = 0;
            for x in area.left()..area.right() {
                let symbol = buf[(x, y)].symbol();
                if skip == 0 {
                    row.push_str(symbol);
                    skip = crate::tui::transcript::text::width(symbol).saturating_sub(1);
                } else {
                    skip -= 1;
                }
            }
            row.trim_end().to_owned()
        })
        .collect()
}
