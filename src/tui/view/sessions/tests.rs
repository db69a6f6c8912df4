//! The list as it looks.

use serde_json::{Value, json};

use crate::tui::testing::{TuiHarness, approval, session};

fn sample() -> Vec<Value> {
    let at = |minutes: u32| format!("2026-03-01T11:{:02}:00Z", 60 - minutes);
    vec![
        session(
            "s1",
            json!({"title": "Fix the login form", "status": "waiting_input", "pending_approvals": 3,
                "last_activity_at": at(1)}),
        ),
        session(
            "s2",
            json!({"title": "Write the migration guide for version two of the API",
                "effective_context_tokens": 171_000, "input_tokens": 2_400_000, "cost_usd": 12.3,
                "last_activity_at": at(2)}),
        ),
        session(
            "s3",
            json!({"title": "Requests of deploy-bot", "external": true, "asker": "deploy-bot",
                "model": null, "cost_usd": null, "effective_context_tokens": null,
                "status": "waiting_input", "pending_approvals": 1, "last_activity_at": at(4)}),
        ),
        session(
            "s4",
            json!({"title": "Try the new parser", "status": "interrupted", "live": false,
                "last_activity_at": at(20), "working_dir": "/home/me/src/a/very/long/way/down"}),
        ),
        session(
            "s5",
            json!({"title": "Go on with the parser", "status": "completed", "live": false,
                "parent_session_id": "s4", "last_activity_at": at(10)}),
        ),
        session(
            "s6",
            json!({"title": "Its tests", "status": "running", "parent_session_id": "s4",
                "dangerously_skip_permissions": true, "last_activity_at": at(3)}),
        ),
        session(
            "s7",
            json!({"title": "漢字と絵文字🦀 und Umlaute äöü", "status": "failed", "live": false,
                "error_message": "the model is overloaded", "last_activity_at": at(50)}),
        ),
        session(
            "s8",
            json!({"title": "Old", "archived": true, "status": "completed"}),
        ),
    ]
}

fn tui(size: (u16, u16)) -> TuiHarness {
    TuiHarness::new(size, &sample(), &[])
}

#[test]
fn the_list_at_both_sizes_and_narrow() {
    insta::assert_snapshot!("list_80", tui((80, 24)).screen());
    insta::assert_snapshot!("list_140", tui((140, 40)).screen());
    insta::assert_snapshot!("list_40", tui((40, 20)).screen());
}

#[test]
fn the_list_filtered_marked_and_folded() {
    let mut tui = tui((140, 40));
    tui.keys("A G h k space /");
    tui.type_in("parser");
    insta::assert_snapshot!("list_filtered_140", tui.screen());
    tui.keys("esc");
    insta::assert_snapshot!("list_folded_140", tui.screen());
}

#[test]
fn letters_that_fit_stand_out() {
    let mut tui = tui((140, 40));
    tui.keys("/");
    tui.type_in("logfo");
    let shown: String = tui
        .buffer()
        .content()
        .iter()
        .filter(|cell| cell.style().fg == tui.app.theme.matched.fg)
        .filter(|cell| {
            let underlined = ratatui::style::Modifier::UNDERLINED;
            cell.style().add_modifier.contains(underlined)
        })
        .map(|cell| cell.symbol())
        .collect();
    assert_eq!(shown, "logfo");
}

#[test]
fn where_all_sessions_ask_the_list_says_where_they_are() {
    let asks = session(
        "s1",
        json!({"status": "waiting_input", "pending_approvals": 1}),
    );
    let mut tui = TuiHarness::new((80, 24), &[asks], &[approval("a1", "s1", json!({}))]);
    let screen = tui.screen();
    assert!(
        screen.contains("All sessions are in the inbox."),
        "{screen}"
    );
}

#[test]
fn the_costs_total_says_that_it_is_only_the_least_where_a_turns_cost_is_not_known() {
    let sum = |unpriced: u64| {
        let sessions = [
            session("s1", json!({"cost_usd": 12.34, "unpriced_turns": unpriced})),
            session("s2", json!({"cost_usd": 1.0})),
        ];
        TuiHarness::new((80, 24), &sessions, &[]).screen()
    };
    assert!(sum(1).contains(" ≥$13.34 last 24h"), "{}", sum(1));
    assert!(sum(1).contains(" ≥$12.34 "), "{}", sum(1));
    assert!(sum(0).contains(" $13.34 last 24h"), "{}", sum(0));
}

#[test]
fn nothing_fits() {
    let mut tui = tui((80, 24));
    tui.keys("/");
    tui.type_in("zzzz");
    assert!(
        tui.screen()
            .contains("No matching sessions (esc: clear the filter).")
    );
    let mut all_away = TuiHarness::new((80, 24), &sample()[7..], &[]);
    assert!(
        all_away
            .screen()
            .contains("All sessions are archived (A: show).")
    );
}

#[test]
fn a_long_list_shows_where_one_is() {
    let many: Vec<Value> = (0..200)
        .map(|n| session(&format!("s{n:03}"), json!({})))
        .collect();
    let mut tui = TuiHarness::new((80, 40), &many, &[approval("a1", "s000", json!({}))]);
    let thumb = |tui: &mut TuiHarness| {
        let screen = tui.screen();
        let lines = screen.lines().enumerate();
        lines
            .filter(|(_, line)| line.ends_with('┃'))
            .map(|(y, _)| y)
            .collect::<Vec<_>>()
    };
    let top = thumb(&mut tui);
    assert!(!top.is_empty());
    tui.keys("2 G");
    let bottom = thumb(&mut tui);
    assert!(bottom > top, "{bottom:?} is below {top:?}");
    assert!(tui.screen().contains("the work of s199"));
}

/// Sessions of which something is worth knowing beside the status: a tool, tries, what is missing.
fn busy(size: (u16, u16)) -> TuiHarness {
    TuiHarness::new(
        size,
        &[
            session(
                "s1",
                json!({"title": "Fix the login", "turn_started_at": "2026-03-01T11:58:55Z",
                    "current_tool": "Bash: cargo test --workspace"}),
            ),
            session(
                "s2",
                json!({"title": "Write the migration guide for version two of the API",
                    "turn_started_at": "2026-03-01T11:59:48Z",
                    "retrying": {"attempt": 3, "max_retries": 10, "error": "529, overloaded"}}),
            ),
            session(
                "s3",
                json!({"title": "Deploy the service to staging", "status": "completed", "live": false,
                    "waiting_for": "its credentials have expired"}),
            ),
        ],
        &[],
    )
}

#[test]
fn a_row_says_with_which_tool_an_agent_works_and_what_holds_it_up() {
    for (size, name) in [((80, 24), "busy_80"), ((140, 40), "busy_140")] {
        let mut tui = busy(size);
        tui.keys("j");
        insta::assert_snapshot!(name, tui.screen());
    }
    let screen = busy((80, 24)).screen();
    assert!(screen.contains("retrying 3/10"), "{screen}");
    assert!(screen.contains("◔"), "{screen}");
    assert!(screen.contains("waiting: its cr"), "{screen}");
    let wide = busy((80, 24)).screen();
    assert!(wide.contains("Bash: c"), "{wide}");
}

#[test]
fn the_conversations_head_says_what_a_session_waits_for() {
    let mut tui = busy((140, 40));
    tui.keys("G");
    let screen = tui.screen();
    let head = screen.lines().nth(1).unwrap_or_default();
    assert!(
        head.contains("~/src/api · waiting: its credentials have expired · opus-5-5"),
        "{screen}"
    );
}

#[test]
fn the_conversations_foot_has_one_line_for_all_tries() {
    let mut tui = busy((140, 40));
    tui.keys("j");
    assert!(
        tui.screen()
            .contains("12s · retrying 3/10: 529, overloaded"),
        "{}",
        tui.screen()
    );
    let next = session(
        "s2",
        json!({"turn_started_at": "2026-03-01T11:59:48Z",
            "retrying": {"attempt": 4, "max_retries": 10, "error": "529, overloaded"}}),
    );
    tui.event(
        "session_updated",
        json!({"session_id": "s2", "session": next}),
    );
    let screen = tui.screen();
    assert!(screen.contains("retrying 4/10"), "{screen}");
    assert!(!screen.contains("retrying 3/10"), "{screen}");
}
