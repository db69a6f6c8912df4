//! Searching.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use super::support::{annotated, below, call, drawn, result, says};
use crate::tui::theme::Theme;
use crate::tui::transcript::{Found, MatchCount, Transcript};

fn filled() -> Transcript {
    let mut transcript = Transcript::new();
    let mut events: Vec<_> = (1..=60)
        .map(|at| says(at, "assistant", &format!("piece {at}")))
        .collect();
    events.push(call(61, "t", "Task", &json!({"prompt": "p"})));
    let output: String = (1..=60).map(|at| format!("row {at}\n")).collect();
    events.push(below(
        "t",
        call(62, "b", "Bash", &json!({"command": "seq"})),
    ));
    events.push(below("t", result(63, "b", &output)));
    events.push(says(64, "assistant", "Ünïcödé at the end"));
    transcript.replace(events, false);
    drawn(&mut transcript, 40, 12);
    transcript
}

#[test]
fn matches_are_gone_to_whatever_their_case_around_the_end() {
    let mut transcript = filled();
    assert!(transcript.search("PIECE 1"));
    let mut found = Vec::new();
    for _ in 0..12 {
        let text = transcript.selected_text().unwrap();
        assert!(drawn(&mut transcript, 40, 12).join("\n").contains(&text));
        found.push(text);
        assert_ne!(transcript.next_match(), Found::Nothing);
    }
    let expected: Vec<String> = [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1]
        .iter()
        .map(|at| format!("piece {at}"))
        .collect();
    assert_eq!(found, expected);
    assert_ne!(transcript.previous_match(), Found::Nothing);
    assert_eq!(transcript.selected_text().unwrap(), "piece 1");
    assert_ne!(transcript.previous_match(), Found::Nothing);
    assert_eq!(transcript.selected_text().unwrap(), "piece 19");
    assert!(!transcript.search("nowhere"));
}

#[test]
fn what_is_folded_is_found_and_unfolded() {
    let mut transcript = filled();
    assert!(transcript.search("row 33"));
    let shown = drawn(&mut transcript, 40, 12).join("\n");
    assert!(shown.contains("row 33"), "{shown}");
}

#[test]
fn words_broken_over_two_rows_are_found() {
    let mut transcript = filled();
    transcript.push(says(
        65,
        "user",
        "these are words that are broken over rows",
    ));
    transcript.push(says(66, "user", "the last"));
    drawn(&mut transcript, 24, 12);
    assert!(transcript.search("that are broken"));
    assert!(transcript.selected_text().unwrap().starts_with("these"));
}

#[test]
fn the_names_of_fields_are_no_words() {
    let mut transcript = Transcript::new();
    transcript.push(call(1, "t", "Bash", &json!({"command": "ls"})));
    assert!(!transcript.search("command"));
    assert!(transcript.search("LS"));
}

#[test]
fn matches_in_view_are_marked() {
    let mut transcript = filled();
    assert!(transcript.search("ünïc"));
    let area = Rect::new(0, 0, 40, 4);
    let mut buf = Buffer::empty(area);
    let theme = Theme::dark();
    transcript.draw(area, &mut buf, &theme, true);
    let rows = annotated(&buf, &theme).join("\n");
    assert!(rows.contains("‹matched:Ünïc›ödé at the end"), "{rows}");
    transcript.search("");
    transcript.draw(area, &mut buf, &theme, true);
    assert!(!annotated(&buf, &theme).join("\n").contains("matched"));
}

fn count(transcript: &mut Transcript) -> MatchCount {
    drawn(transcript, 40, 12);
    transcript.matches().unwrap()
}

#[test]
fn each_step_is_one_further_in_the_count_and_a_wrap_is_told() {
    let mut transcript = filled();
    // Eleven pieces and, in a folded call's folded step, eleven rows.
    assert!(transcript.search(" 1"));
    let total = count(&mut transcript).total;
    assert_eq!(total, 22);
    let counted = |at| MatchCount {
        at: Some(at),
        total,
        more: false,
    };
    let mut here = count(&mut transcript).at.unwrap();
    for _ in 0..2 * total {
        let found = transcript.next_match();
        let expected = if here == total {
            Found::Wrapped
        } else {
            Found::Match
        };
        assert_eq!(found, expected, "at {here}");
        here = here % total + 1;
        assert_eq!(count(&mut transcript), counted(here));
    }
    for _ in 0..2 * total {
        let found = transcript.previous_match();
        let expected = if here == 1 {
            Found::Wrapped
        } else {
            Found::Match
        };
        assert_eq!(found, expected, "at {here}");
        here = (here + total - 2) % total + 1;
        assert_eq!(count(&mut transcript), counted(here));
    }
}

#[test]
fn the_count_follows_what_comes_and_another_width() {
    let mut transcript = filled();
    assert!(transcript.search("ünïc"));
    assert_eq!(count(&mut transcript).total, 1);
    transcript.push(says(65, "assistant", "and ÜNÏC again"));
    assert_eq!(count(&mut transcript).total, 2);
    drawn(&mut transcript, 24, 12);
    assert_eq!(transcript.matches().unwrap().total, 2);
    assert!(!transcript.search("nowhere"));
    assert_eq!(count(&mut transcript), MatchCount::default());
    transcript.search("");
    assert_eq!(transcript.matches(), None);
}

#[test]
fn counting_is_bounded() {
    let mut transcript = Transcript::new();
    let events = (1..=3_000).map(|at| says(at, "assistant", &format!("piece {at}")));
    transcript.replace(events.collect(), false);
    drawn(&mut transcript, 40, 12);
    assert!(transcript.search("piece"));
    let count = count(&mut transcript);
    assert!(
        count.more && count.total == 1_000 && count.at.is_none(),
        "{count:?}"
    );
    assert!(!transcript.wants_frame());
    assert!(transcript.laid_out() < 3_000, "{}", transcript.laid_out());
}
