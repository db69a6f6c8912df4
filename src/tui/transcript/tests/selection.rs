//! The selected block: moving it, keeping it, and what the approval panel asks about.

use proptest::prelude::*;
use serde_json::json;

use super::support::{approval, below, call, drawn, result, says};
use crate::domain::Outcome;
use crate::protocol::conversation::ConversationEvent;
use crate::tui::transcript::{Scroll, Transcript};

/// Words, calls with results, and one block of forty rows.
fn mixed() -> Vec<ConversationEvent> {
    let output = |of: i64| -> String { (1..=40).map(|at| format!("{of} row {at}\n")).collect() };
    vec![
        says(1, "user", "first words"),
        says(2, "assistant", "second words"),
        call(3, "c3", "Bash", &json!({"command": "third"})),
        result(4, "c3", &output(3)),
        says(5, "assistant", &"a long paragraph \n\n".repeat(20)),
        call(6, "c6", "Bash", &json!({"command": "sixth"})),
        result(7, "c6", "done"),
        says(8, "user", "eighth words"),
        says(9, "assistant", "ninth words"),
    ]
}

fn filled() -> Transcript {
    let mut transcript = Transcript::new();
    transcript.replace(mixed(), false);
    transcript
}

fn selected(transcript: &Transcript) -> String {
    let text = transcript.selected_text().unwrap();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The rows that the bar is beside.
fn barred(rows: &[String]) -> Vec<&str> {
    let barred = rows.iter().filter_map(|row| row.strip_prefix('▌'));
    barred.map(str::trim).collect()
}

#[test]
fn every_block_is_reached_and_every_row_of_it_is_seen_on_the_way() {
    for height in [4, 7, 12, 60] {
        let mut transcript = filled();
        drawn(&mut transcript, 60, height);
        transcript.scroll(Scroll::Top);
        transcript.fold_all(false);
        let mut visited = vec![selected(&transcript)];
        let mut seen = drawn(&mut transcript, 60, height);
        for _ in 0..200 {
            transcript.scroll(Scroll::NextItem);
            let rows = drawn(&mut transcript, 60, height);
            assert!(!barred(&rows).is_empty(), "{rows:?}");
            seen.extend(rows);
            let here = selected(&transcript);
            if visited.last() != Some(&here) {
                visited.push(here);
            }
        }
        let blocks = [
            "first words",
            "second words",
            "third",
            "a long paragraph",
            "sixth",
            "eighth words",
            "ninth words",
        ];
        assert_eq!(visited, blocks, "at {height}");
        assert!(transcript.is_following(), "past the last one");
        for at in 1..=40 {
            let row = format!("3 row {at}");
            let is_it = |seen: &String| seen.trim_end_matches("↓ more").trim_end().ends_with(&row);
            assert!(seen.iter().any(is_it), "{row}");
        }
        for _ in 0..200 {
            transcript.scroll(Scroll::PreviousItem);
            let rows = drawn(&mut transcript, 60, height);
            assert!(!barred(&rows).is_empty(), "{rows:?}");
            let here = selected(&transcript);
            if visited.last() != Some(&here) {
                visited.push(here);
            }
        }
        let back: Vec<String> = visited.split_off(blocks.len() - 1);
        assert!(back.iter().rev().eq(blocks.iter()), "{back:?}");
    }
}

#[test]
fn a_folded_block_in_the_middle_is_unfolded_and_copied_whole() {
    let mut transcript = filled();
    drawn(&mut transcript, 60, 12);
    for _ in 0..4 {
        transcript.scroll(Scroll::PreviousItem);
    }
    while selected(&transcript) != "third" {
        transcript.scroll(Scroll::PreviousItem);
    }
    let folded = drawn(&mut transcript, 60, 12).join("\n");
    assert!(!folded.contains("3 row 20"), "{folded}");
    let copied = transcript.selected_text().unwrap();
    assert!(copied.contains("3 row 40"), "also what is folded: {copied}");
    transcript.toggle_fold();
    let rows = drawn(&mut transcript, 60, 12);
    assert!(rows.join("\n").contains("3 row 6"), "{rows:?}");
    assert!(barred(&rows).iter().any(|row| row.contains("third")));
    transcript.toggle_fold();
    let again = drawn(&mut transcript, 60, 12);
    assert!(barred(&again).iter().any(|row| row.contains("third")));
}

#[test]
fn everything_unfolds_and_folds_again() {
    let mut transcript = filled();
    drawn(&mut transcript, 60, 80);
    transcript.toggle_fold_all();
    let open = drawn(&mut transcript, 60, 80).join("\n");
    assert!(open.contains("3 row 20"), "{open}");
    transcript.toggle_fold_all();
    let folded = drawn(&mut transcript, 60, 80).join("\n");
    assert!(!folded.contains("3 row 20"), "{folded}");
}

#[test]
fn a_short_conversation_keeps_what_is_selected_as_it_grows() {
    let mut transcript = Transcript::new();
    transcript.replace(
        vec![says(1, "user", "one"), says(2, "assistant", "two")],
        false,
    );
    drawn(&mut transcript, 40, 8);
    transcript.scroll(Scroll::PreviousItem);
    assert_eq!(selected(&transcript), "one");
    for at in 3..=20 {
        transcript.push(says(at, "assistant", &format!("piece {at}")));
        let rows = drawn(&mut transcript, 40, 8);
        assert_eq!(barred(&rows), ["❯ one"], "after {at}: {rows:?}");
    }
    assert!(!transcript.is_following() && transcript.unseen() > 0);
    transcript.scroll(Scroll::Bottom);
    let rows = drawn(&mut transcript, 40, 8);
    assert_eq!(barred(&rows), ["piece 20"]);
    transcript.push(says(21, "assistant", "piece 21"));
    assert_eq!(barred(&drawn(&mut transcript, 40, 8)), ["piece 21"]);
}

#[test]
fn a_block_that_is_being_written_stays_selected() {
    let mut transcript = filled();
    drawn(&mut transcript, 60, 12);
    let delta = |value: serde_json::Value| value;
    transcript.delta(&delta(
        json!({"type": "message_start", "message": {"role": "assistant"}}),
    ));
    transcript.delta(&delta(json!({"type": "content_block_start", "index": 0,
        "content_block": {"type": "text", "text": ""}})));
    let grow = |transcript: &mut Transcript, words: &str| {
        transcript.delta(&json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": words}}));
    };
    grow(&mut transcript, "It begins");
    assert_eq!(barred(&drawn(&mut transcript, 60, 12)), ["It begins"]);
    grow(&mut transcript, " and goes on");
    let rows = drawn(&mut transcript, 60, 12);
    assert_eq!(barred(&rows), ["It begins and goes on"]);
    transcript.scroll(Scroll::PreviousItem);
    let before = selected(&transcript);
    for _ in 0..30 {
        grow(&mut transcript, "\n\nmore words");
        drawn(&mut transcript, 60, 12);
        assert_eq!(selected(&transcript), before);
    }
}

/// A message with three calls, the first of which is asked about, far above the end.
fn three_calls(after: i64) -> Transcript {
    let mut transcript = filled();
    let input = |of: &str| json!({"command": format!("echo {of}")});
    for (at, id) in [(10, "a"), (11, "b"), (12, "c")] {
        transcript.push(call(at, id, "Bash", &input(id)));
        transcript.approval(&approval(id, Outcome::Pending));
    }
    for at in 13..13 + after {
        transcript.push(says(at, "assistant", &format!("later {at}")));
    }
    transcript
}

#[test]
fn the_call_that_is_asked_about_is_selected_and_in_view_wherever_it_is() {
    for after in [0, 1, 5, 40] {
        let mut transcript = three_calls(after);
        drawn(&mut transcript, 60, 10);
        for id in ["a", "b", "c", "a"] {
            transcript.set_asked(Some(id));
            let rows = drawn(&mut transcript, 60, 10);
            let bar = barred(&rows).join("\n");
            assert!(bar.contains(&format!("echo {id}")), "{id}: {rows:?}");
            assert!(bar.contains("pending"), "{rows:?}");
            assert_eq!(transcript.selected_text().unwrap(), format!("echo {id}"));
            // What comes meanwhile changes nothing about that.
            let next = transcript.newest().unwrap() + 1;
            transcript.push(says(next, "assistant", "even later"));
            assert_eq!(barred(&drawn(&mut transcript, 60, 10)).join("\n"), bar);
            let whole = drawn(&mut transcript, 60, 200).join("\n");
            assert_eq!(whole.matches("⏸ queued").count(), 2, "{whole}");
            drawn(&mut transcript, 60, 10);
        }
        transcript.set_asked(None);
        assert!(transcript.is_following(), "back to the end");
        drawn(&mut transcript, 60, 10);
    }
}

#[test]
fn calls_that_were_not_asked_about_yet_are_queued_behind_the_one_that_is() {
    let mut transcript = filled();
    for (at, id) in [(10, "a"), (11, "b"), (12, "c")] {
        let input = json!({"command": format!("echo {id}")});
        transcript.push(call(at, id, "Bash", &input));
    }
    transcript.push(says(13, "assistant", "another message"));
    transcript.push(call(14, "d", "Bash", &json!({"command": "echo d"})));
    let marks = |transcript: &mut Transcript| -> Vec<String> {
        let rows = drawn(transcript, 60, 200);
        let calls = rows.iter().filter(|row| row.contains("● Bash  echo"));
        let marks = calls.map(|row| match row.split_once('⏸') {
            Some((_, mark)) => mark.trim().to_owned(),
            None => String::new(),
        });
        marks.collect()
    };
    assert_eq!(marks(&mut transcript), ["", "", "", ""]);
    transcript.approval(&approval("a", Outcome::Pending));
    transcript.set_asked(Some("a"));
    let waiting = "pending";
    assert_eq!(marks(&mut transcript), [waiting, "queued", "queued", ""]);
    // The first is decided and done, the second is asked about.
    transcript.approval(&approval("a", Outcome::Approved));
    transcript.set_asked(None);
    assert_eq!(marks(&mut transcript), ["", "", "", ""]);
    transcript.approval(&approval("b", Outcome::Pending));
    transcript.set_asked(Some("b"));
    assert_eq!(marks(&mut transcript), ["", waiting, "queued", ""]);
}

#[test]
fn a_step_of_a_folded_call_is_asked_about_beside_that_call() {
    let mut transcript = filled();
    transcript.push(call(10, "task", "Task", &json!({"description": "look"})));
    transcript.push(below(
        "task",
        call(11, "step", "Bash", &json!({"command": "ls"})),
    ));
    for at in 12..40 {
        transcript.push(says(at, "assistant", "later"));
    }
    transcript.approval(&approval("step", Outcome::Pending));
    transcript.set_asked(Some("step"));
    let bar = barred(&drawn(&mut transcript, 60, 10)).join("\n");
    assert!(bar.contains("look"), "{bar}");
    transcript.toggle_fold();
    let rows = drawn(&mut transcript, 60, 10).join("\n");
    assert!(rows.contains("⏸ pending"), "{rows}");
}

#[test]
fn a_selection_made_by_hand_is_not_taken_away_by_what_is_asked() {
    let mut transcript = three_calls(5);
    drawn(&mut transcript, 60, 10);
    transcript.scroll(Scroll::Top);
    transcript.set_asked(Some("a"));
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "first words");
    // A person who goes to the approval has the conversation with it.
    transcript.release_selection();
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "echo a");
    // And may leave it: to the end, or elsewhere.
    transcript.scroll(Scroll::Bottom);
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "later 17");
    transcript.push(says(18, "assistant", "newest"));
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "newest");
    transcript.set_asked(Some("b"));
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "echo b", "the next one is new");
    transcript.scroll(Scroll::PreviousItem);
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "echo a");
    transcript.set_asked(Some("c"));
    drawn(&mut transcript, 60, 10);
    assert_eq!(selected(&transcript), "echo a");
}

#[derive(Clone, Debug)]
enum Step {
    Scroll(Scroll),
    Fold,
    FoldAll,
    Click(u16),
    Arrive,
    Asked(Option<usize>),
    Height(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let scroll = prop_oneof![
        (-6i32..6).prop_map(Scroll::Lines),
        (-2i32..3).prop_map(Scroll::HalfPages),
        (-2i32..3).prop_map(Scroll::Pages),
        Just(Scroll::Top),
        Just(Scroll::Bottom),
        Just(Scroll::NextTurn),
        Just(Scroll::PreviousTurn),
        Just(Scroll::NextItem),
        Just(Scroll::PreviousItem),
    ];
    let step = prop_oneof![
        6 => scroll.prop_map(Step::Scroll),
        1 => Just(Step::Fold),
        1 => Just(Step::FoldAll),
        1 => (0u16..14).prop_map(Step::Click),
        4 => Just(Step::Arrive),
        2 => proptest::option::of(0usize..3).prop_map(Step::Asked),
        1 => (1u16..30).prop_map(Step::Height),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn what_arrives_never_moves_a_selection_and_the_selection_is_always_in_view(
        steps in steps(), height in 3u16..20,
    ) {
        let (mut transcript, mut height) = (three_calls(4), height);
        let mut next = transcript.newest().unwrap();
        drawn(&mut transcript, 60, height);
        for step in steps {
            let before = drawn(&mut transcript, 60, height);
            let (was, was_following) = (transcript.selected_text(), transcript.is_following());
            match step {
                Step::Scroll(scroll) => transcript.scroll(scroll),
                Step::Fold => transcript.toggle_fold(),
                Step::FoldAll => transcript.toggle_fold_all(),
                Step::Click(row) => drop(transcript.click(row)),
                Step::Asked(asked) => {
                    transcript.set_asked(asked.map(|at| ["a", "b", "c"][at]));
                }
                Step::Height(rows) => height = rows,
                Step::Arrive => {
                    next += 1;
                    transcript.push(says(next, "assistant", &format!("new {next}")));
                    let after = drawn(&mut transcript, 60, height);
                    if !was_following {
                        prop_assert_eq!(transcript.selected_text(), was);
                        // Whatever was there stays where it was; the last row may say what is new.
                        let kept = before.iter().rposition(|row| !row.is_empty()).unwrap_or(0);
                        prop_assert_eq!(&before[..kept], &after[..kept]);
                    }
                }
            }
            let rows = drawn(&mut transcript, 60, height);
            // An empty row that sets a block apart has no bar.
            let is_bare = rows.iter().all(|row| row.trim().is_empty() || row.contains('↓'));
            prop_assert!(is_bare || height < 3 || !barred(&rows).is_empty(), "{:?}", rows);
        }
    }
}
