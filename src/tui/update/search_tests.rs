//! Looking for words, and going to where they are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value, json};

use crate::tui::effect::{ConversationPage, Effect};
use crate::tui::forms::Form;
use crate::tui::msg::{EffectResult, Msg, Stream};
use crate::tui::state::Pane;
use crate::tui::testing::{TuiHarness, session};

fn tui(size: (u16, u16)) -> TuiHarness {
    let sessions = [
        session("s1", json!({"title": "Fix the login"})),
        session("s2", json!({"title": "Write docs", "status": "completed"})),
        session(
            "s3",
            json!({"title": "Old login work", "archived": true, "status": "completed"}),
        ),
    ];
    TuiHarness::new(size, &sessions, &[])
}

/// What is looked for: numbers and words.
fn asked(effects: &[Effect]) -> Vec<(u64, &str)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Find { number, query } => Some((*number, query.words.as_str())),
        _ => None,
    });
    asked.collect()
}

fn hit(session: &str, sequence: i64, excerpt: &str) -> Value {
    json!({"session_id": session, "sequence": sequence, "event_type": "message",
        "created_at": "2026-03-01T11:30:00Z", "excerpt": excerpt})
}

fn answer(tui: &mut TuiHarness, number: u64, hits: &[Value], complete: bool) -> Vec<Effect> {
    let found = json!({"hits": hits, "complete": complete});
    let effects = tui.tell(Msg::Done(EffectResult::SearchResults {
        number,
        found: Ok(serde_json::from_value(found).unwrap()),
    }));
    tui.draw();
    effects
}

fn piece(sequence: i64, text: &str) -> Value {
    json!({"id": sequence, "session_id": "s2", "sequence": sequence, "event_type": "message",
        "role": "assistant", "content": text, "created_at": "2026-03-01T11:30:00Z",
        "is_completed": true})
}

#[test]
fn matches_that_are_left_out_are_counted_and_tab_lists_all_of_a_session() {
    for size in [(80, 24), (140, 40)] {
        let mut effects = Vec::new();
        let mut tui = tui(size);
        tui.keys("S");
        for key in "needle".chars() {
            effects.extend(tui.press(&key.to_string()));
        }
        let (number, _) = *asked(&effects).last().unwrap();
        let mut last = tui.tell(Msg::Done(EffectResult::SearchResults {
            number,
            found: Err("looked for half of it".to_owned()),
        }));
        let (number, words) = asked(&last)[0];
        assert_eq!(words, "needle");
        let found = json!({"complete": true, "left_out": [{"session_id": "s2", "places": 14}],
            "hits": [hit("s2", 9, "a needle"), hit("s1", 4, "one needle"), hit("s2", 7, "old needle")]});
        last = tui.tell(Msg::Done(EffectResult::SearchResults {
            number,
            found: Ok(serde_json::from_value(found).unwrap()),
        }));
        assert!(asked(&last).is_empty());
        tui.draw();
        let screen = tui.screen();
        assert!(screen.contains("3 of 17 matches"), "{screen}");
        let marked = screen
            .lines()
            .filter(|line| line.contains("+14 in"))
            .count();
        assert_eq!(marked, 1, "the last of the session's: {screen}");
        assert!(screen.contains("all of this session"), "{screen}");
        let within = tui.press("tab");
        let Some(Effect::Find { query, .. }) = within.first() else {
            panic!("{within:?}");
        };
        assert_eq!(query.session.as_deref(), Some("s2"));
        let screen = tui.screen();
        assert!(screen.contains("Search “Write docs”"), "{screen}");
        assert!(screen.contains("all sessions"), "{screen}");
    }
}

#[test]
fn titles_are_found_at_once_and_conversations_one_search_at_a_time() {
    let mut tui = tui((80, 24));
    tui.keys("S");
    assert!(
        asked(&tui.press("l")).is_empty(),
        "one letter is everywhere"
    );
    let first = tui.press("o");
    assert_eq!(asked(&first), [(1, "lo")]);
    assert!(asked(&tui.press("g")).is_empty(), "one is under way");
    let screen = tui.screen();
    assert!(screen.contains("Fix the login") && screen.contains("Old login work archived"));
    assert!(screen.contains("looking…"), "{screen}");
    let next = answer(&mut tui, 1, &[hit("s2", 40, "lo and behold")], true);
    assert_eq!(asked(&next), [(2, "log")], "what is typed by now");
    // An answer of a search that is over changes nothing.
    let _ = answer(&mut tui, 1, &[], true);
    let _ = answer(
        &mut tui,
        2,
        &[hit("s2", 40, "the log of it"), hit("s1", 7, "a Login")],
        false,
    );
    insta::assert_snapshot!("search_80", tui.screen());
    tui.press("x");
    tui.keys("esc");
    assert!(tui.app.form.is_none());
    assert!(
        answer(&mut tui, 3, &[], true).is_empty(),
        "nobody waits any more"
    );
}

#[test]
fn a_place_opens_where_it_is() {
    let mut tui = tui((140, 40));
    tui.keys("S");
    tui.type_in("needle");
    let _ = answer(&mut tui, 1, &[hit("s2", 400, "here is the needle")], true);
    insta::assert_snapshot!("search_140", tui.screen());
    let effects = tui.keys("enter");
    assert!(effects.contains(&Effect::Follow(Some("s2".to_owned()))));
    assert_eq!(tui.app.focus, Pane::Conversation);
    let gap = Msg::Stream {
        session: "s2".to_owned(),
        what: Stream::Gap,
    };
    let page = ConversationPage::After(391);
    let read = Effect::Page {
        session: "s2".to_owned(),
        page,
    };
    assert_eq!(tui.tell(gap), [read]);
    // What is said meanwhile belongs to the end, and comes with the pages that lead there.
    let live = json!({"seq": 9, "type": "conversation_updated", "timestamp": "2026-03-01T12:00:00Z",
        "data": piece(900, "live")});
    let live = Msg::Stream {
        session: "s2".to_owned(),
        what: Stream::Event(serde_json::from_value(live).unwrap()),
    };
    assert_eq!(tui.tell(live), []);
    assert!(tui.app.detail.transcript.is_empty());
    let pieces: Vec<Value> = (392..=591)
        .map(|n| {
            piece(
                n,
                if n == 400 {
                    "here is the needle"
                } else {
                    "filler"
                },
            )
        })
        .collect();
    let after = tui.tell(Msg::Done(EffectResult::Page {
        session: "s2".to_owned(),
        page,
        pieces: Ok(serde_json::from_value(json!({"events": pieces})).unwrap()),
        full: true,
    }));
    let further = Effect::Page {
        session: "s2".to_owned(),
        page: ConversationPage::After(591),
    };
    assert_eq!(after, [further], "to the end");
    let screen = tui.screen();
    assert!(screen.contains("here is the needle"), "{screen}");
    // And back: the search is as it was left, and what is typed replaces the words.
    tui.keys("S");
    assert!(tui.screen().contains("1 match"));
    tui.type_in("x");
    assert!(matches!(&tui.app.form, Some(Form::Search(form)) if form.needle() == "x"));
}

#[test]
fn of_several_matches_in_a_conversation_the_chosen_one_is_gone_to() {
    for (sequence, count) in [(3, "3/3"), (2, "2/3"), (1, "1/3")] {
        let mut tui = tui((80, 24));
        tui.keys("S");
        tui.type_in("zebra");
        let hits = [
            hit("s2", 3, "gamma zebra"),
            hit("s2", 2, "beta zebra"),
            hit("s2", 1, "alpha zebra"),
        ];
        let _ = answer(&mut tui, 1, &hits, true);
        for _ in sequence..3 {
            tui.keys("down");
        }
        tui.keys("enter");
        let pieces = [
            piece(1, "alpha zebra"),
            piece(2, "beta zebra"),
            piece(3, "gamma zebra"),
        ];
        tui.tell(Msg::Done(EffectResult::Page {
            session: "s2".to_owned(),
            page: ConversationPage::After(0),
            pieces: Ok(serde_json::from_value(json!({"events": pieces})).unwrap()),
            full: false,
        }));
        tui.draw();
        let screen = tui.screen();
        assert!(screen.contains(count), "{count}: {screen}");
    }
}

#[test]
fn an_archived_session_is_shown_when_it_is_opened() {
    let mut tui = tui((140, 40));
    tui.keys("S");
    tui.type_in("old");
    tui.keys("enter");
    assert_eq!(tui.app.sessions.selected.as_deref(), Some("s3"));
    assert!(tui.screen().contains("▾ Archived 1"));
}

#[test]
fn what_cannot_be_looked_through_is_said_and_titles_still_are() {
    let mut tui = tui((80, 24));
    tui.keys("S");
    tui.type_in("login");
    tui.tell(Msg::Done(EffectResult::SearchResults {
        number: 1,
        found: Err("the daemon is gone".to_owned()),
    }));
    let screen = tui.screen();
    assert!(screen.contains("conversations were not looked through: the daemon is gone"));
    assert!(screen.contains("Fix the login"));
    tui.keys("esc S");
    tui.type_in("qqqq");
    for _ in 0..2 {
        let number = tui.app.searches;
        let _ = answer(&mut tui, number, &[], true);
    }
    assert!(
        tui.screen().contains("Nothing has these words."),
        "{}",
        tui.screen()
    );
}
