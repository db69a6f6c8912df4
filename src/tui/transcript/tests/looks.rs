//! The looks of a whole conversation, at several widths and with its styles.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rstest::rstest;
use serde_json::json;

use super::support::{
    annotated, approval, below, by_person, call, drawn, piece, result, rows, says,
};
use crate::domain::approval::DecidedBy;
use crate::domain::text::is_deceptive;
use crate::domain::{EventType, Outcome};
use crate::protocol::conversation::ConversationEvent;
use crate::tui::theme::{NAMES, Theme};
use crate::tui::transcript::render::grammars;
use crate::tui::transcript::{Scroll, Transcript};

fn failed(event: ConversationEvent) -> ConversationEvent {
    ConversationEvent {
        is_error: true,
        ..event
    }
}

fn everything() -> Transcript {
    grammars::compile_now(&["rs", "py", "sh"]);
    let thinking = ConversationEvent {
        content: Some(
            "I should look first.\n\nThen write, as there is much to be written about this."
                .to_owned(),
        ),
        ..piece(2, EventType::Thinking)
    };
    let long: String = (1..=1_247)
        .map(|at| format!("test case_{at} ... ok\n"))
        .collect();
    let mut transcript = Transcript::new();
    let events = vec![
        says(1, "user", "Please make it **faster**.\nAnd mind the tests."),
        thinking,
        says(
            3,
            "assistant",
            "# Plan\n\nI'll *measure* first with `cargo bench`:\n\n1. before\n2. after\n\n```rust\nfn main() {}\n```\n\n| what | ms |\n|---|--:|\n| old | 12 |\n| new | 3 |",
        ),
        call(4, "read", "Read", &json!({"file_path": "/p/src/main.rs"})),
        result(
            5,
            "read",
            "     1→fn main() {\n     2→    let x = 1;\n     3→    run(x);\n     4→    // one\n     5→    // two\n     6→    // three\n     7→}\n",
        ),
        call(6, "test", "Bash", &json!({"command": "cargo test"})),
        result(7, "test", &long),
        call(
            8,
            "fail",
            "Bash",
            &json!({"command": "cargo bench --bench all -- --exact a_rather_long_name_of_a_benchmark"}),
        ),
        failed(result(
            9,
            "fail",
            "Exit code 101\nerror: no bench target named `all`\n",
        )),
        call(
            10,
            "grep",
            "Grep",
            &json!({"pattern": "slow", "path": "/p"}),
        ),
        result(11, "grep", "Found 2 files\n/p/a.rs\n/p/b.rs"),
        call(
            12,
            "edit",
            "Edit",
            &json!({"file_path": "/p/src/main.rs", "old_string": "    let x = 1;\n", "new_string": "    let x = 2;\n"}),
        ),
        result(
            13,
            "edit",
            "The file /p/src/main.rs has been updated successfully.",
        ),
        call(14, "denied", "Bash", &json!({"command": "rm -rf /"})),
        failed(result(15, "denied", "not on my watch")),
        call(
            16,
            "todo",
            "TodoWrite",
            &json!({"todos": [{"content": "measure", "status": "completed"}, {"content": "improve", "status": "in_progress", "activeForm": "improving"}]}),
        ),
        result(17, "todo", "Todos have been modified successfully."),
        call(
            18,
            "task",
            "Task",
            &json!({"description": "look around", "subagent_type": "Explore", "prompt": "Look around"}),
        ),
        below("task", says(19, "user", "Look around")),
        below("task", call(20, "sub", "Bash", &json!({"command": "ls"}))),
        below("task", result(21, "sub", "a\nb")),
        below(
            "task",
            call(22, "sub2", "Bash", &json!({"command": "ls -l"})),
        ),
        call(23, "mcp", "mcp__tracker__list", &json!({"project": "p"})),
        result(
            24,
            "mcp",
            r#"{"issues": [{"id": 1, "title": "slow"}], "total": 1}"#,
        ),
        says(25, "system", "The conversation was compacted."),
        call(
            26,
            "ask",
            "AskUserQuestion",
            &json!({"questions": [{"question": "Which?", "options": [{"label": "A"}, {"label": "B"}]}]}),
        ),
        result(27, "ask", "answered"),
        call(28, "wait", "Bash", &json!({"command": "git push"})),
    ];
    transcript.replace(events, false);
    let mut edit = approval("edit", Outcome::Approved);
    edit.decided_by = Some(DecidedBy::Rule {
        rule: "auto_accept_edits".to_owned(),
        granted_by: None,
        expires_at: None,
    });
    transcript.approval(&edit);
    let mut denied = approval("denied", Outcome::Denied);
    denied.comment = Some("not on my watch".to_owned());
    denied.decided_by = by_person("humanlayer");
    transcript.approval(&denied);
    let mut ask = approval("ask", Outcome::Answered);
    ask.answers = Some(json!({"Which?": "B"}));
    ask.decided_by = by_person("humanlayer");
    transcript.approval(&ask);
    transcript.approval(&approval("wait", Outcome::Pending));
    transcript
}

fn shown(transcript: &mut Transcript, width: u16) -> String {
    drawn(transcript, width, 130)
        .join("\n")
        .trim_end()
        .to_owned()
}

#[rstest]
fn a_conversation_of_everything(#[values(40, 80, 140)] width: u16) {
    let mut transcript = everything();
    insta::assert_snapshot!(
        format!("everything_at_{width}"),
        shown(&mut transcript, width)
    );
}

#[test]
fn a_conversation_of_everything_unfolded() {
    let mut transcript = everything();
    transcript.fold_all(false);
    transcript.scroll(Scroll::Top);
    insta::assert_snapshot!("everything_unfolded", shown(&mut transcript, 80));
}

#[test]
fn a_conversation_of_everything_with_its_styles() {
    let mut transcript = everything();
    let area = Rect::new(0, 0, 80, 100);
    for name in ["dark", "mono"] {
        let theme = Theme::named(name).unwrap();
        let mut buf = Buffer::empty(area);
        transcript.draw(area, &mut buf, &theme, true);
        while transcript.wants_frame() {
            transcript.draw(area, &mut buf, &theme, true);
        }
        let rows = match name {
            "mono" => rows(&buf),
            _ => annotated(&buf, &theme),
        };
        insta::assert_snapshot!(format!("everything_in_{name}"), rows.join("\n").trim_end());
    }
}

#[test]
fn an_edited_input_is_shown_as_it_ran() {
    let mut transcript = Transcript::new();
    transcript.push(call(1, "t", "Bash", &json!({"command": "rm -rf /tmp/x"})));
    let mut edited = approval("t", Outcome::Approved);
    edited.updated_input = Some(json!({"command": "ls /tmp/x"}));
    edited.decided_by = by_person("humanlayer");
    transcript.approval(&edited);
    transcript.approval(&approval("t", Outcome::Pending));
    assert_eq!(
        shown(&mut transcript, 80),
        "▌ ● Bash  ls /tmp/x  ✓ approved by you, edited"
    );
    transcript.toggle_fold();
    let unfolded = shown(&mut transcript, 80);
    assert!(unfolded.contains("$ ls /tmp/x"), "{unfolded}");
    let asked = "the agent asked for:\n▌   $ rm -rf /tmp/x";
    assert!(unfolded.contains(asked), "{unfolded}");
    let exported = transcript.to_markdown();
    let ran = exported.find("ls /tmp/x");
    let asked = exported.find("The agent asked for:\n\n```\nrm -rf /tmp/x");
    assert!(ran.is_some() && asked > ran, "{exported}");
}

#[test]
fn a_reopened_conversation_shows_an_edited_input_as_it_ran() {
    let mut event = call(1, "t", "Bash", &json!({"command": "rm -rf /tmp/x"}));
    event.approval_outcome = Some(Outcome::Approved);
    event.edited_input_json = Some(r#"{"command":"ls /tmp/x"}"#.to_owned());
    let mut transcript = Transcript::new();
    transcript.push(event);
    assert_eq!(
        shown(&mut transcript, 80),
        "▌ ● Bash  ls /tmp/x  ✓ approved, edited"
    );
    let exported = transcript.to_markdown();
    assert!(exported.contains("approved, edited"), "{exported}");
    let copied = transcript.selected_text().unwrap_or_default();
    assert_eq!(copied, "ls /tmp/x");
}

#[test]
fn what_became_of_an_answer_is_said() {
    let mut transcript = Transcript::new();
    transcript.push(call(1, "t", "Bash", &json!({"command": "ls"})));
    let mut approved = approval("t", Outcome::Approved);
    approved.comment = Some("just this once".to_owned());
    approved.undelivered = Some("the agent had ended".to_owned());
    transcript.approval(&approved);
    insta::assert_snapshot!(shown(&mut transcript, 60), @r"
    ▌ ● Bash  ls  ✓ approved
    ▌   note: just this once
    ▌   the answer did not reach the agent: the agent had ended
    ");
    for (outcome, said) in [
        (Outcome::Withdrawn, "↩ withdrawn"),
        (Outcome::Abandoned, "↩ abandoned"),
        (Outcome::Expired, "✗ expired"),
    ] {
        let mut transcript = Transcript::new();
        transcript.approval(&approval("t", outcome));
        transcript.push(call(1, "t", "Bash", &json!({"command": "ls"})));
        assert_eq!(shown(&mut transcript, 60), format!("▌ ● Bash  ls  {said}"));
    }
}

#[test]
fn a_block_that_is_not_known_is_one_line_and_unfolds_to_its_fields() {
    let mut transcript = Transcript::new();
    transcript.push(says(1, "system", r#"{"type":"hologram","size":{"x":1}}"#));
    assert_eq!(shown(&mut transcript, 60), "▌ · unknown block: hologram");
    transcript.toggle_fold();
    insta::assert_snapshot!(shown(&mut transcript, 60), @r"
    ▌ type: hologram
    ▌ size:
    ▌   x: 1
    ");
}

#[test]
fn every_size_and_theme_is_survived() {
    let evil = "a\u{202e}b\u{1b}[2J 漢字🦀 e\u{301}\u{200b}\r\n\tz | `x` **b";
    let mut transcript = everything();
    for (at, role) in (29..).zip(["user", "assistant", "system"]) {
        transcript.push(says(at, role, evil));
    }
    transcript.push(call(32, evil, evil, &json!({evil: evil})));
    transcript.push(failed(result(33, evil, evil)));
    for name in NAMES {
        let theme = Theme::named(name).unwrap();
        for (width, height) in [
            (0, 0),
            (1, 1),
            (1, 50),
            (2, 9),
            (3, 3),
            (5, 40),
            (9, 200),
            (200, 5),
        ] {
            for folded in [true, false] {
                transcript.fold_all(folded);
                transcript.scroll(Scroll::Top);
                let area = Rect::new(0, 0, width, height);
                let mut buf = Buffer::empty(area);
                transcript.draw(area, &mut buf, &theme, true);
                transcript.scroll(Scroll::Bottom);
                transcript.draw(area, &mut buf, &theme, false);
                for cell in &buf.content {
                    assert!(!cell.symbol().contains(is_deceptive), "{:?}", cell.symbol());
                }
            }
        }
    }
    let text = transcript.to_markdown();
    assert!(!text.contains(|c| is_deceptive(c) && c != '\n' && c != '\t'));
}
