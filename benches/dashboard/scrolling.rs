//! A frame of a very long conversation while somebody scrolls through it; beside a frame of as many
//! plain rows.

use std::time::{Duration, Instant};

use humanlayer::domain::EventType;
use humanlayer::protocol::conversation::ConversationEvent;
use humanlayer::tui::theme::Theme;
use humanlayer::tui::transcript::{Scroll, Transcript};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget};
use serde_json::{Value, json};

use crate::table::{Row, Spread, time, times};

const PIECES: i64 = 100_000;
const FRAMES: usize = 500;
const AREA: Rect = Rect::new(0, 0, 140, 40);

pub fn run() -> Vec<Row> {
    let plain = plain();
    let mut transcript = Transcript::new();
    let begun = Instant::now();
    transcript.replace((1..=PIECES).map(piece).collect(), false);
    let taken_in = begun.elapsed();
    let mut buf = Buffer::empty(AREA);
    let theme = Theme::dark();
    let mut frame = |transcript: &mut Transcript| {
        buf.reset();
        transcript.draw(AREA, &mut buf, &theme, true);
        let shown = buf.content().iter().filter(|cell| cell.symbol() != " ");
        assert!(shown.count() > 100, "the frame shows something");
    };
    let begun = Instant::now();
    frame(&mut transcript);
    let first = begun.elapsed();
    let mut taken = Vec::new();
    // From the end upwards, then from the beginning and back down, by all ways there are.
    for (start, ways) in [
        (
            Scroll::Bottom,
            [
                Scroll::Lines(-3),
                Scroll::HalfPages(-1),
                Scroll::Pages(-1),
                Scroll::PreviousTurn,
            ],
        ),
        (
            Scroll::Top,
            [
                Scroll::Lines(3),
                Scroll::HalfPages(1),
                Scroll::Pages(1),
                Scroll::NextTurn,
            ],
        ),
    ] {
        transcript.scroll(start);
        frame(&mut transcript);
        for way in ways {
            for _ in 0..FRAMES {
                let begun = Instant::now();
                transcript.scroll(way);
                frame(&mut transcript);
                taken.push(begun.elapsed());
            }
        }
    }
    let taken = Spread::of(taken);
    let worst = taken.at(0.99);
    vec![
        Row::limit(
            "a frame of a 100,000-event conversation, scrolling",
            format!(
                "p50 {}, p99 {}, max {}",
                time(taken.median()),
                time(worst),
                time(taken.at(1.0))
            ),
            "p99 < 5 ms",
            worst < Duration::from_millis(5),
        )
        .beside(
            format!("40 plain rows: p99 {}", time(plain.at(0.99))),
            times(worst, plain.at(0.99)),
        ),
        Row::told(
            "… taking all 100,000 in; its first frame",
            format!("{}; {}", time(taken_in), time(first)),
        ),
    ]
}

/// What drawing costs when there is nothing to lay out.
fn plain() -> Spread {
    let mut buf = Buffer::empty(AREA);
    let words = "some plain words of no meaning ".repeat(4);
    let frames = (0..FRAMES).map(|_| {
        let begun = Instant::now();
        buf.reset();
        let lines: Vec<Line<'_>> = (0..AREA.height)
            .map(|_| Line::from(words.as_str()))
            .collect();
        Paragraph::new(lines).render(AREA, &mut buf);
        begun.elapsed()
    });
    Spread::of(frames.collect())
}

/// A piece of a conversation as they are: questions, Markdown with code, commands, edits, results.
fn piece(at: i64) -> ConversationEvent {
    match at % 8 {
        1 => says(
            at,
            "user",
            &format!("question {at}: why does the test fail?"),
        ),
        2 => says(
            at,
            "assistant",
            "It fails because of *this*:\n\n- one reason\n- another one\n\n```rust\nfn add(a: u32, b: u32) \
             -> u32 {\n    // The sum of both.\n    a + b\n}\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n",
        ),
        3 => call(
            at,
            "Bash",
            &json!({"command": format!("cargo test case_{at} 2>&1 | tail")}),
        ),
        5 => call(
            at,
            "Edit",
            &json!({"file_path": "/work/src/add.rs",
                "old_string": format!("fn add() {{\n    one({at});\n    two();\n}}\n"),
                "new_string": format!("fn add() {{\n    one({at});\n    three();\n    four();\n}}\n")}),
        ),
        4 | 6 => ConversationEvent {
            role: Some("user".to_owned()),
            tool_result_for_id: Some(format!("t{}", at - 1)),
            tool_result_content: Some(format!("test case_{at} ... ok\n").repeat(20)),
            ..nothing(at, EventType::ToolResult)
        },
        7 => says(at, "assistant", "That is done; the tests pass now."),
        _ => says(
            at,
            "assistant",
            &"A paragraph that is long enough to be wrapped. ".repeat(12),
        ),
    }
}

fn says(at: i64, role: &str, text: &str) -> ConversationEvent {
    ConversationEvent {
        role: Some(role.to_owned()),
        content: Some(text.to_owned()),
        ..nothing(at, EventType::Message)
    }
}

fn call(at: i64, name: &str, input: &Value) -> ConversationEvent {
    ConversationEvent {
        role: Some("assistant".to_owned()),
        tool_id: Some(format!("t{at}")),
        tool_name: Some(name.to_owned()),
        tool_input_json: Some(input.to_string()),
        ..nothing(at, EventType::ToolCall)
    }
}

fn nothing(at: i64, event_type: EventType) -> ConversationEvent {
    ConversationEvent {
        id: at,
        session_id: "s".to_owned(),
        claude_session_id: String::new(),
        sequence: at,
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
