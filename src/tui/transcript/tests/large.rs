//! Large conversations: the work of a frame does not grow with them.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use super::support::{call, drawn, result, says};
use crate::protocol::conversation::ConversationEvent;
use crate::tui::theme::Theme;
use crate::tui::transcript::render::grammars;
use crate::tui::transcript::render::highlight_budget::TEXT;
use crate::tui::transcript::{NoFiles, Scroll, Transcript, highlight, tool_card};

/// A hundred thousand pieces of every kind.
fn large(count: i64) -> Vec<ConversationEvent> {
    (1..=count)
        .map(|at| match at % 5 {
            1 => says(at, "user", &format!("question {at}")),
            2 => says(
                at,
                "assistant",
                "Some *words*.\n\n- one\n- two\n\n```rust\nlet a = 1;\n```\n",
            ),
            3 => call(
                at,
                &format!("t{at}"),
                "Bash",
                &json!({"command": format!("echo {at}")}),
            ),
            4 => result(at, &format!("t{}", at - 1), &format!("{at}\n").repeat(20)),
            _ => says(at, "assistant", "done"),
        })
        .collect()
}

#[test]
fn a_frame_costs_what_it_shows() {
    let mut transcript = Transcript::new();
    transcript.replace(large(100_000), false);
    assert_eq!(
        transcript.laid_out(),
        0,
        "nothing is laid out before it is looked at"
    );
    drawn(&mut transcript, 80, 40);
    let first = transcript.laid_out();
    assert!(first < 100, "{first} parts for the first frame");
    transcript.scroll(Scroll::Top);
    drawn(&mut transcript, 80, 40);
    let mut most = 0;
    for scroll in [
        Scroll::Lines(3),
        Scroll::Pages(1),
        Scroll::NextTurn,
        Scroll::Lines(-1),
    ] {
        for _ in 0..200 {
            let before = transcript.laid_out();
            transcript.scroll(scroll);
            drawn(&mut transcript, 80, 40);
            most = most.max(transcript.laid_out() - before);
        }
    }
    assert!(most < 200, "{most} parts for a frame");
    let before = transcript.laid_out();
    transcript.push(says(100_001, "assistant", "one more"));
    assert_eq!(
        transcript.laid_out(),
        before,
        "a piece that comes costs no layout"
    );
}

#[test]
fn ten_megabytes_cost_what_is_seen_of_them() {
    let line = "a line of output that is neither long nor short\n";
    for output in [
        line.repeat(10 * 1024 * 1024 / line.len()),
        "x".repeat(10 * 1024 * 1024),
    ] {
        let mut transcript = Transcript::new();
        transcript.push(call(1, "t", "Bash", &json!({"command": "cat big"})));
        transcript.push(result(2, "t", &output));
        let folded = drawn(&mut transcript, 80, 60).join("\n");
        assert!(folded.contains(" more "), "{folded}");
        let before = transcript.laid_out();
        transcript.toggle_fold();
        drawn(&mut transcript, 80, 60);
        transcript.scroll(Scroll::Pages(3));
        drawn(&mut transcript, 80, 60);
        transcript.scroll(Scroll::Bottom);
        drawn(&mut transcript, 80, 60);
        let work = transcript.laid_out() - before;
        assert!(work < 30, "{work} parts");
    }
}

#[test]
fn of_a_long_text_that_is_asked_about_the_beginning_is_highlighted() {
    grammars::compile_now(&["sh"]);
    let line = "if true; then echo 'word'; fi\n";
    let input = json!({"command": line.repeat(64 * 1024 / line.len())});
    let rows = tool_card("Bash", &input, &NoFiles, 80, &Theme::dark());
    let highlighted = rows.iter().filter(|row| row.spans.len() > 3).count();
    let most = TEXT / line.len() + 1;
    assert!(
        (most - 1..=most).contains(&highlighted),
        "{highlighted} of {}",
        rows.len()
    );
    assert!(rows.len() > 2_000);
}

#[test]
fn a_frame_highlights_a_bounded_amount_and_the_next_ones_the_rest() {
    grammars::compile_now(&["rs"]);
    let block = format!("```rust\n{}```\n\n", "let a = 1;\n".repeat(8));
    let mut transcript = Transcript::new();
    for at in 1..=40 {
        transcript.push(says(at, "assistant", &block));
    }
    let area = Rect::new(0, 0, 60, 200);
    let keyword = highlight::code("let", "rs", &Theme::dark())[0].spans[0]
        .style
        .fg;
    let mut highlighted = Vec::new();
    loop {
        let mut buf = Buffer::empty(area);
        transcript.draw(area, &mut buf, &Theme::dark(), true);
        let keywords = buf
            .content
            .iter()
            .filter(|cell| cell.symbol() == "l" && cell.style().fg == keyword);
        highlighted.push(keywords.count());
        if !transcript.wants_frame() {
            break;
        }
    }
    assert!(highlighted.len() > 1, "{highlighted:?}");
    assert!(
        highlighted[0] > 0 && highlighted[0] < 110,
        "{highlighted:?}"
    );
    assert!(highlighted.is_sorted(), "{highlighted:?}");
    assert!(*highlighted.last().unwrap() > 150, "{highlighted:?}");
}

#[test]
fn what_is_laid_out_is_forgotten() {
    let mut transcript = Transcript::new();
    transcript.replace(large(20_000), false);
    drawn(&mut transcript, 80, 40);
    transcript.scroll(Scroll::Top);
    for _ in 0..1_000 {
        transcript.scroll(Scroll::Pages(1));
        drawn(&mut transcript, 80, 40);
    }
    assert!(transcript.cache.len() < 2_500, "{}", transcript.cache.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_way_of_moving_is_bounded_work_and_harms_nobody(
        moves in proptest::collection::vec(0u8..12, 1..60), width in 1u16..120, height in 1u16..60,
    ) {
        let mut transcript = Transcript::new();
        transcript.replace(large(2_000), false);
        for step in moves {
            let before = transcript.laid_out();
            match step {
                0 => transcript.scroll(Scroll::Lines(-7)),
                1 => transcript.scroll(Scroll::Lines(5)),
                2 => transcript.scroll(Scroll::HalfPages(-1)),
                3 => transcript.scroll(Scroll::Pages(-2)),
                4 => transcript.scroll(Scroll::Top),
                5 => transcript.scroll(Scroll::Bottom),
                6 => transcript.scroll(Scroll::PreviousTurn),
                7 => transcript.scroll(Scroll::NextItem),
                8 => transcript.scroll(Scroll::PreviousItem),
                9 => transcript.toggle_fold(),
                10 => transcript.fold_all(false),
                _ => drop(transcript.click(height / 2)),
            }
            let rows = drawn(&mut transcript, width, height);
            prop_assert_eq!(rows.len(), usize::from(height));
            let work = transcript.laid_out() - before;
            prop_assert!(work < 600, "{} parts", work);
        }
    }
}
