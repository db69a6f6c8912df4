//! The model: order, gaps, pages, following, folding, turns.

use proptest::prelude::*;
use serde_json::json;

use super::support::{approval, below, call, drawn, result, says};
use crate::domain::Outcome;
use crate::tui::transcript::{Found, PageWanted, Scroll, Transcript};

fn talk(count: i64) -> Vec<crate::protocol::conversation::ConversationEvent> {
    (1..=count)
        .map(|at| {
            let role = if at % 5 == 1 { "user" } else { "assistant" };
            says(at, role, &format!("piece {at}"))
        })
        .collect()
}

fn filled(count: i64) -> Transcript {
    let mut transcript = Transcript::new();
    transcript.replace(talk(count), false);
    transcript
}

#[test]
fn the_newest_is_at_the_foot_and_followed() {
    let mut transcript = filled(30);
    let rows = drawn(&mut transcript, 40, 6);
    assert_eq!(rows.last().unwrap(), "▌   piece 30");
    transcript.push(says(31, "assistant", "one more"));
    let rows = drawn(&mut transcript, 40, 6);
    assert_eq!(rows.last().unwrap(), "▌   one more");
    assert!(transcript.is_following());
}

#[test]
fn scrolling_up_stops_following_and_counts_what_comes() {
    let mut transcript = filled(30);
    drawn(&mut transcript, 40, 6);
    transcript.scroll(Scroll::Lines(-4));
    assert!(!transcript.is_following());
    let before = drawn(&mut transcript, 40, 6);
    transcript.push(says(31, "assistant", "below"));
    transcript.push(says(31, "assistant", "below"));
    assert_eq!(transcript.unseen(), 1);
    let after = drawn(&mut transcript, 40, 6);
    assert_eq!(before[..5], after[..5]);
    assert!(after[5].ends_with("↓ 1 new"), "{after:?}");
    transcript.scroll(Scroll::Bottom);
    assert!(transcript.is_following());
    assert_eq!(transcript.unseen(), 0);
    transcript.scroll(Scroll::Lines(-4));
    transcript.scroll(Scroll::Lines(4));
    assert!(transcript.is_following(), "the end is in view again");
}

#[test]
fn pieces_that_are_there_are_ignored_and_gaps_are_reported() {
    let mut transcript = filled(3);
    transcript.push(says(2, "assistant", "again"));
    assert_eq!(transcript.needs_page(), None);
    transcript.push(says(6, "assistant", "piece 6"));
    assert_eq!(transcript.needs_page(), Some(PageWanted::After(3)));
    transcript.append(talk(6), false);
    assert_eq!(transcript.needs_page(), None);
    let shown = transcript.to_markdown();
    let places: Vec<usize> = (1..=6)
        .map(|at| shown.find(&format!("piece {at}")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{shown}");
    assert_eq!(shown.matches("piece").count(), 6);
}

#[test]
fn a_page_without_what_was_missing_closes_the_gap() {
    let mut transcript = filled(3);
    transcript.push(says(9, "assistant", "nine"));
    transcript.append(vec![says(8, "assistant", "eight")], true);
    assert_eq!(transcript.needs_page(), Some(PageWanted::After(8)));
    transcript.append(Vec::new(), false);
    assert_eq!(transcript.needs_page(), None);
}

#[test]
fn older_pages_are_wanted_near_the_top_and_do_not_move_the_view() {
    let mut transcript = Transcript::new();
    let mut all = talk(200);
    let newest = all.split_off(150);
    transcript.replace(newest, true);
    drawn(&mut transcript, 40, 10);
    assert_eq!(transcript.needs_page(), None);
    transcript.scroll(Scroll::Top);
    let before = drawn(&mut transcript, 40, 10);
    assert_eq!(transcript.needs_page(), Some(PageWanted::Before(151)));
    transcript.prepend(all.split_off(100), true);
    assert_eq!(drawn(&mut transcript, 40, 10), before);
    transcript.scroll(Scroll::Lines(-2));
    let shown = drawn(&mut transcript, 40, 10).join("\n");
    assert!(shown.contains("piece 150"), "{shown}");
    transcript.prepend(all, false);
    transcript.scroll(Scroll::Top);
    assert!(drawn(&mut transcript, 40, 10)[0].ends_with("❯ piece 1"));
    assert_eq!(transcript.needs_page(), None);
}

#[test]
fn turns_are_jumped_between() {
    let mut transcript = filled(30);
    drawn(&mut transcript, 40, 8);
    transcript.scroll(Scroll::PreviousTurn);
    transcript.scroll(Scroll::PreviousTurn);
    assert!(drawn(&mut transcript, 40, 8)[0].ends_with("❯ piece 21"));
    transcript.scroll(Scroll::PreviousTurn);
    assert!(drawn(&mut transcript, 40, 8)[0].ends_with("❯ piece 16"));
    transcript.scroll(Scroll::NextTurn);
    assert!(drawn(&mut transcript, 40, 8)[0].ends_with("❯ piece 21"));
    transcript.scroll(Scroll::NextTurn);
    transcript.scroll(Scroll::NextTurn);
    assert!(transcript.is_following());
}

#[test]
fn results_and_steps_find_their_call_whichever_comes_first() {
    let task = json!({"description": "look", "prompt": "look around"});
    let events = vec![
        says(1, "user", "go"),
        call(2, "task", "Task", &task),
        below("task", call(3, "bash", "Bash", &json!({"command": "ls"}))),
        below("task", result(4, "bash", "file.txt")),
        result(5, "task", "found it"),
        says(6, "assistant", "done"),
    ];
    let mut forward = Transcript::new();
    forward.replace(events.clone(), false);
    for split in 1..events.len() {
        let mut paged = Transcript::new();
        paged.replace(events[split..].to_vec(), true);
        drawn(&mut paged, 60, 20);
        paged.prepend(events[..split].to_vec(), false);
        paged.scroll(Scroll::Bottom);
        assert_eq!(paged.to_markdown(), forward.to_markdown(), "at {split}");
        assert_eq!(
            drawn(&mut paged, 60, 20),
            drawn(&mut forward, 60, 20),
            "at {split}"
        );
    }
    let shown = drawn(&mut forward, 60, 20).join("\n");
    assert!(shown.contains("1 step"), "{shown}");
    assert!(!shown.contains("file.txt"), "folded: {shown}");
    forward.fold_all(false);
    let shown = drawn(&mut forward, 60, 20).join("\n");
    assert!(shown.contains("file.txt"), "{shown}");
}

#[test]
fn a_call_that_is_a_step_of_itself_harms_nobody() {
    let input = json!({});
    let mut transcript = Transcript::new();
    transcript.push(below("a", call(1, "a", "Task", &input)));
    transcript.push(below("c", call(2, "b", "Task", &input)));
    transcript.push(below("b", call(3, "c", "Task", &input)));
    transcript.fold_all(false);
    drawn(&mut transcript, 40, 20);
    for _ in 0..10 {
        transcript.scroll(Scroll::PreviousItem);
    }
    assert!(transcript.to_markdown().matches("Task").count() >= 3);
}

#[test]
fn the_item_under_the_cursor_folds_and_clicks_select() {
    let mut transcript = filled(3);
    let output: String = (1..=40).map(|at| format!("line {at}\n")).collect();
    transcript.push(call(4, "c", "Bash", &json!({"command": "seq 40"})));
    transcript.push(result(5, "c", &output));
    let folded = drawn(&mut transcript, 40, 60).join("\n");
    assert!(!folded.contains("line 20"), "{folded}");
    transcript.toggle_fold();
    let open = drawn(&mut transcript, 40, 60);
    assert!(open.join("\n").contains("line 20"));
    let head = open.iter().position(|row| row.contains("seq 40")).unwrap();
    let row = u16::try_from(head).unwrap();
    assert!(transcript.click(row), "it was selected");
    assert!(
        drawn(&mut transcript, 40, 60)
            .join("\n")
            .contains("line 20")
    );
    transcript.toggle_fold();
    assert_eq!(drawn(&mut transcript, 40, 60).join("\n"), folded);
    assert!(!transcript.click(0));
    assert_eq!(transcript.selected_text().unwrap(), "piece 1");
}

#[test]
fn what_points_into_the_old_is_forgotten_with_it() {
    let mut transcript = filled(100);
    drawn(&mut transcript, 40, 10);
    transcript.scroll(Scroll::Top);
    assert!(transcript.search("piece 99"));
    drawn(&mut transcript, 40, 10);
    transcript.replace(talk(2), true);
    assert_eq!(transcript.needs_page(), None, "not before it is drawn");
    transcript.click(3);
    assert_eq!(transcript.next_match(), Found::Nothing);
    drawn(&mut transcript, 40, 10);
    assert_eq!(transcript.needs_page(), Some(PageWanted::Before(1)));
    transcript.replace(Vec::new(), false);
    transcript.toggle_fold();
    transcript.scroll(Scroll::PreviousItem);
    assert_eq!(transcript.selected_text(), None);
    assert_eq!(drawn(&mut transcript, 10, 1), [""]);
}

#[test]
fn steps_nested_without_end_are_kept() {
    let input = json!({});
    let mut transcript = Transcript::new();
    transcript.push(call(1, "c1", "Task", &input));
    for at in 2..=200 {
        let event = call(at, &format!("c{at}"), "Task", &input);
        transcript.push(below(&format!("c{}", at - 1), event));
    }
    transcript.push(says(201, "assistant", "the end"));
    transcript.fold_all(false);
    transcript.scroll(Scroll::Top);
    for _ in 0..199 {
        transcript.scroll(Scroll::NextItem);
    }
    transcript.scroll(Scroll::NextItem);
    assert_eq!(transcript.selected_text().unwrap(), "the end");
    assert_eq!(transcript.to_markdown().matches("Task").count(), 200);
}

#[test]
fn the_view_and_the_folds_outlast_a_new_beginning() {
    let mut transcript = filled(100);
    drawn(&mut transcript, 40, 10);
    transcript.scroll(Scroll::Lines(-30));
    let before = drawn(&mut transcript, 40, 10);
    transcript.replace(talk(100), false);
    assert_eq!(drawn(&mut transcript, 40, 10), before);
}

proptest! {
    #[test]
    fn what_is_shown_is_in_order_wherever_the_view_is(
        count in 1i64..60, moves in proptest::collection::vec(-20i32..20, 0..20), height in 1u16..20,
    ) {
        let mut transcript = filled(count);
        drawn(&mut transcript, 30, height);
        for rows in moves {
            transcript.scroll(Scroll::Lines(rows));
            let shown: Vec<i64> = drawn(&mut transcript, 30, height)
                .iter()
                .filter_map(|row| row.split("piece ").nth(1)?.split(' ').next()?.parse().ok())
                .collect();
            prop_assert!(shown.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{shown:?}");
        }
    }

    #[test]
    fn a_page_before_never_moves_the_view(
        split in 10i64..90, up in 0i32..60, height in 2u16..20,
    ) {
        let mut all = talk(100);
        let newest = all.split_off(usize::try_from(split).unwrap());
        let mut transcript = Transcript::new();
        transcript.replace(newest, true);
        drawn(&mut transcript, 30, height);
        transcript.scroll(Scroll::Lines(-up));
        let before = drawn(&mut transcript, 30, height);
        transcript.prepend(all, false);
        // A view that was not full yet is filled; any other stays as it is.
        if (100 - split) * 2 > i64::from(height) {
            prop_assert_eq!(drawn(&mut transcript, 30, height), before);
        }
    }
}

#[test]
fn while_its_panel_is_open_a_pending_call_is_one_line_and_the_others_are_queued() {
    let mut transcript = Transcript::new();
    let input = json!({"file_path": "/a", "content": "one\ntwo\nthree\n"});
    transcript.replace(
        vec![
            says(1, "assistant", "I will write two files."),
            call(2, "t1", "Write", &input),
            call(3, "t2", "Write", &input),
        ],
        false,
    );
    for id in ["t1", "t2"] {
        transcript.approval(&approval(id, Outcome::Pending));
    }
    let before = drawn(&mut transcript, 80, 30).join("\n");
    assert!(before.contains("three"), "{before}");
    transcript.set_asked(Some("t1"));
    let during = drawn(&mut transcript, 80, 30).join("\n");
    assert!(!during.contains("three"), "{during}");
    assert!(during.contains("I will write two files"), "{during}");
    let line = |words: &str| during.lines().position(|line| line.contains(words));
    let (asked, queued) = (line("⏸ pending"), line("⏸ queued"));
    assert!(asked.is_some() && asked < queued, "{during}");
    assert_eq!(line("▌"), asked, "{during}");
    transcript.set_asked(None);
    assert!(drawn(&mut transcript, 80, 30).join("\n").contains("three"));
}
