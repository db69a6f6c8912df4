//! Conversations for tests, and what is drawn as text.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use crate::domain::approval::{DecidedBy, InputState};
use crate::domain::{EventType, Kind, Outcome, Source};
use crate::protocol::approval::Approval;
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
        edited_input_json: None,
        unread_lines: None,
        delivery: None,
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
                    skip = crate::tui::transcript::render::text::width(symbol).saturating_sub(1);
                } else {
                    skip -= 1;
                }
            }
            row.trim_end().to_owned()
        })
        .collect()
}

/// The rows of a buffer with the styles that carry meaning: `‹bad:text›`.
pub fn annotated(buf: &Buffer, theme: &Theme) -> Vec<String> {
    let area = buf.area;
    let mut shown = Vec::new();
    for y in area.top()..area.bottom() {
        let mut runs: Vec<(Option<&'static str>, String)> = Vec::new();
        let mut skip = 0;
        for x in area.left()..area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let cell = &buf[(x, y)];
            skip = crate::tui::transcript::render::text::width(cell.symbol()).saturating_sub(1);
            let name = name_of(cell.style(), theme);
            match runs.last_mut() {
                Some((last, text)) if *last == name => text.push_str(cell.symbol()),
                Some(_) | None => runs.push((name, cell.symbol().to_owned())),
            }
        }
        let row: String = runs
            .into_iter()
            .map(|(name, text)| match name {
                Some(name) if !text.trim().is_empty() => {
                    let kept = text.trim_end();
                    format!("‹{name}:{kept}›{}", &text[kept.len()..])
                }
                Some(_) | None => text,
            })
            .collect();
        shown.push(row.trim_end().to_owned());
    }
    shown
}

/// Lines as a buffer of their own.
pub fn buffer_of(lines: &[Line<'static>], width: u16) -> Buffer {
    let height = u16::try_from(lines.len()).unwrap();
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    for (y, line) in (0..height).zip(lines) {
        buf.set_line(0, y, line, width);
    }
    buf
}

fn name_of(style: Style, theme: &Theme) -> Option<&'static str> {
    let grounds = [
        ("unmasked", theme.unmasked),
        ("added", theme.added),
        ("added-word", theme.added_word),
        ("removed", theme.removed),
        ("removed-word", theme.removed_word),
    ];
    for (name, ground) in grounds {
        if ground.bg.is_some() && style.bg == ground.bg {
            return Some(name);
        }
    }
    let looks = [
        ("matched", theme.matched),
        ("accent", theme.accent),
        ("user", theme.user),
        ("thinking", theme.thinking),
        ("tool", theme.tool),
        ("waiting", theme.waiting),
        ("working", theme.working),
        ("good", theme.good),
        ("bad", theme.bad),
        ("dim", theme.dim),
        ("code", theme.code),
        ("link", theme.link),
        ("heading", theme.heading),
        ("border", theme.border),
    ];
    looks
        .iter()
        .find(|(_, look)| look.fg == style.fg && look.add_modifier == style.add_modifier)
        .map(|(name, _)| *name)
}

/// An approval of a call.
pub fn approval(call: &str, outcome: Outcome) -> Approval {
    Approval {
        id: "a".to_owned(),
        run_id: "r".to_owned(),
        session_id: "s".to_owned(),
        tool_use_id: Some(call.to_owned()),
        status: outcome.compatible_status().to_owned(),
        outcome,
        created_at: Timestamp::UNIX_EPOCH,
        responded_at: None,
        tool_name: "Bash".to_owned(),
        tool_input: serde_json::json!({"command": "x"}),
        comment: None,
        kind: Kind::Permission,
        source: Source::Claude,
        description: None,
        decision_reason: None,
        blocked_path: None,
        permission_suggestions: Vec::new(),
        agent_id: None,
        updated_input: None,
        updated_permissions: None,
        unread_lines: None,
        answers: None,
        decided_by: None,
        waited_ms: None,
        delivered_at: None,
        undelivered: None,
        asker: None,
        call_id: None,
        channel: None,
        sdk_state: None,
        options: Vec::new(),
        chosen_option: None,
        input_state: InputState::Readable,
        accepts_edits: false,
        capabilities: None,
    }
}

/// A person's decision.
pub fn by_person(program: &str) -> Option<DecidedBy> {
    Some(DecidedBy::Person {
        pid: 1,
        uid: 1,
        program: program.to_owned(),
        user: None,
        client: None,
    })
}
