//! Live words, before the stored piece comes.

use serde_json::{Value, json};

use super::support::{below, call, drawn, says};
use crate::tui::transcript::{Scroll, Transcript};

fn event(parent: Option<&str>, event: &Value) -> Value {
    json!({"type": "stream_event", "event": event, "parent_tool_use_id": parent})
}

fn started(index: u64, block: &Value) -> Value {
    event(
        None,
        &json!({"type": "content_block_start", "index": index, "content_block": block}),
    )
}

fn said(index: u64, delta: &Value) -> Value {
    event(
        None,
        &json!({"type": "content_block_delta", "index": index, "delta": delta}),
    )
}

fn words(text: &str) -> Value {
    json!({"type": "text_delta", "text": text})
}

fn shown(transcript: &mut Transcript) -> String {
    drawn(transcript, 60, 16).join("\n").trim_end().to_owned()
}

#[test]
fn words_grow_and_the_stored_piece_takes_their_place() {
    let mut transcript = Transcript::new();
    transcript.push(says(1, "user", "hello"));
    transcript.delta(&event(None, &json!({"type": "message_start"})));
    transcript.delta(&started(0, &json!({"type": "text", "text": ""})));
    assert_eq!(shown(&mut transcript), "▌ ❯ hello");
    transcript.delta(&said(0, &words("Good *mor")));
    assert_eq!(shown(&mut transcript), "  ❯ hello\n\n▌   Good *mor");
    transcript.delta(&said(0, &words("ning*")));
    let drafted = shown(&mut transcript);
    assert_eq!(drafted, "  ❯ hello\n\n▌   Good morning");
    transcript.push(says(2, "assistant", "Good *morning*"));
    assert_eq!(shown(&mut transcript), drafted);
    assert_eq!(transcript.to_markdown().matches("morning").count(), 1);
}

#[test]
fn a_call_is_seen_while_it_is_written() {
    let mut transcript = Transcript::new();
    transcript.delta(&started(
        0,
        &json!({"type": "tool_use", "id": "t", "name": "Write", "input": {}}),
    ));
    for part in [
        r#"{"file_path": "/a/b.rs", "#,
        r#""content": "fn a() {\n    b"#,
    ] {
        transcript.delta(&said(
            0,
            &json!({"type": "input_json_delta", "partial_json": part}),
        ));
    }
    insta::assert_snapshot!(shown(&mut transcript), @r#"
    ▌ ● Write  /a/b.rs +2  writing …
    ▌   fn a() {
    ▌       b
"#);
    let input = json!({"file_path": "/a/b.rs", "content": "fn a() {\n    b();\n}\n"});
    transcript.push(call(1, "t", "Write", &input));
    insta::assert_snapshot!(shown(&mut transcript), @r#"
    ▌ ● Write  /a/b.rs +3
    ▌   1 + fn a() {
    ▌   2 +     b();
    ▌   3 + }
"#);
}

#[test]
fn subagents_words_are_kept_apart() {
    let mut transcript = Transcript::new();
    transcript.push(call(1, "task", "Task", &json!({"prompt": "p"})));
    transcript.fold_all(false);
    transcript.delta(&said(0, &words("main")));
    let below_task = |text| {
        let delta = json!({"type": "content_block_delta", "index": 0, "delta": words(text)});
        event(Some("task"), &delta)
    };
    transcript.delta(&below_task("sub"));
    transcript.delta(&said(0, &words(" words")));
    transcript.delta(&below_task(" words"));
    insta::assert_snapshot!(shown(&mut transcript), @r#"
      ● Task  p  ▾ 1 message
        p

          sub words

    ▌   main words
"#);
    transcript.push(below("task", says(2, "assistant", "sub words")));
    transcript.push(says(3, "assistant", "main words"));
    let shown = shown(&mut transcript);
    assert_eq!(shown.matches("sub words").count(), 1);
    assert_eq!(shown.matches("main words").count(), 1);
}

#[test]
fn what_was_broken_off_goes_away() {
    let mut transcript = Transcript::new();
    transcript.push(says(1, "user", "hello"));
    transcript.delta(&said(0, &words("half a")));
    transcript.delta(&event(None, &json!({"type": "message_start"})));
    assert_eq!(shown(&mut transcript), "▌ ❯ hello");
    transcript.delta(&said(0, &words("half a")));
    transcript.drop_drafts();
    assert_eq!(shown(&mut transcript), "▌ ❯ hello");
}

#[test]
fn a_note_among_the_words_stands_before_them() {
    let mut transcript = Transcript::new();
    transcript.delta(&said(0, &words("still being said")));
    transcript.push(says(1, "system", "a note"));
    let rows = shown(&mut transcript);
    assert!(
        rows.find("a note").unwrap() < rows.find("still").unwrap(),
        "{rows}"
    );
}

#[test]
fn the_view_stays_while_words_grow_below() {
    let mut transcript = Transcript::new();
    for at in 1..40 {
        transcript.push(says(at, "user", &format!("piece {at}")));
    }
    drawn(&mut transcript, 60, 10);
    transcript.scroll(Scroll::Lines(-10));
    let before = drawn(&mut transcript, 60, 10);
    for _ in 0..200 {
        transcript.delta(&said(0, &words("word ")));
    }
    assert_eq!(drawn(&mut transcript, 60, 10), before);
}

#[test]
fn long_words_are_laid_out_at_their_end_only() {
    let paragraph = "Some words that make a paragraph of a fair length.\n\n".repeat(2_000);
    let code = format!("```rust\n{}", "let a = 1;\n\n".repeat(8_000));
    for text in [paragraph, code] {
        let mut transcript = Transcript::new();
        transcript.delta(&said(0, &words(&text)));
        drawn(&mut transcript, 80, 24);
        let before = transcript.laid_out();
        for _ in 0..100 {
            transcript.delta(&said(0, &words("word ")));
            drawn(&mut transcript, 80, 24);
        }
        let each = (transcript.laid_out() - before) / 100;
        assert!(each <= 2, "{each} parts for a word");
    }
}

#[test]
fn long_code_looks_like_one_block_while_it_grows() {
    let mut grown = Transcript::new();
    let line = "    let a = 1;\n";
    grown.delta(&said(0, &words("Look:\n\n```rust\n")));
    for _ in 0..600 {
        grown.delta(&said(0, &words(line)));
        drawn(&mut grown, 60, 10);
    }
    grown.delta(&said(0, &words("```\nThe end.")));
    let text = format!("Look:\n\n```rust\n{}```\nThe end.", line.repeat(600));
    let mut whole = Transcript::new();
    whole.push(says(1, "assistant", &text));
    for scroll in [
        Scroll::Bottom,
        Scroll::Pages(-1),
        Scroll::Pages(-20),
        Scroll::Top,
    ] {
        grown.scroll(scroll);
        whole.scroll(scroll);
        assert_eq!(drawn(&mut grown, 60, 10), drawn(&mut whole, 60, 10));
    }
    let top = drawn(&mut whole, 60, 10).join("\n");
    assert!(!top.contains("```") && top.contains("▏     let a"), "{top}");
}

#[test]
fn unknown_deltas_change_nothing() {
    let mut transcript = Transcript::new();
    for delta in [
        json!(null),
        json!({"event": 7}),
        json!({"event": {"type": "content_block_delta"}}),
        json!({"event": {"type": "brand_new"}}),
        said(3, &json!({"type": "signature_delta", "signature": "x"})),
        said(3, &json!({"type": "input_json_delta", "partial_json": "{"})),
    ] {
        transcript.delta(&delta);
    }
    assert!(transcript.is_empty());
}
