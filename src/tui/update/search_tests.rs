//! Looking for words, and going to where they are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value, json};

use crate::tui::effect::{Effect, Page};
use crate::tui::forms::Form;
use crate::tui::msg::{Done, Msg, Stream};
use crate::tui::state::Pane;
use crate::tui::testing::{Rig, session};

fn rig(size: (u16, u16)) -> Rig {
    let sessions = [
        session("s1", json!({"title": "Fix the login"})),
        session("s2", json!({"title": "Write docs", "status": "completed"})),
        session(
            "s3",
            json!({"title": "Old login work", "archived": true, "status": "completed"}),
        ),
    ];
    Rig::new(size, &sessions, &[])
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

fn answer(rig: &mut Rig, number: u64, hits: &[Value], complete: bool) -> Vec<Effect> {
    let found = json!({"hits": hits, "complete": complete});
    let effects = rig.tell(Msg::Done(Done::Found {
        number,
        found: Ok(serde_json::from_value(found).unwrap()),
    }));
    rig.draw();
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
        let mut rig = rig(size);
        let _ = rig.keys("S");
        for key in "needle".chars() {
            effects.extend(rig.press(&key.to_string()));
        }
        let (number, _) = *asked(&effects).last().unwrap();
        let mut last = rig.tell(Msg::Done(Done::Found {
            number,
            found: Err("looked for half of it".to_owned()),
        }));
        let (number, words) = asked(&last)[0];
        assert_eq!(words, "needle");
        let found = json!({"complete": true, "left_out": [{"session_id": "s2", "places": 14}],
            "hits": [hit("s2", 9, "a needle"), hit("s1", 4, "one needle"), hit("s2", 7, "old needle")]});
        last = rig.tell(Msg::Done(Done::Found {
            number,
            found: Ok(serde_json::from_value(found).unwrap()),
        }));
        assert!(asked(&last).is_empty());
        rig.draw();
        let screen = rig.screen();
        assert!(screen.contains("3 of 17 matches"), "{screen}");
        let marked = screen
            .lines()
            .filter(|line| line.contains("+14 in"))
            .count();
        assert_eq!(marked, 1, "the last of the session's: {screen}");
        assert!(screen.contains("all of this session"), "{screen}");
        let within = rig.press("tab");
        let Some(Effect::Find { query, .. }) = within.first() else {
            panic!("{within:?}");
        };
        assert_eq!(query.session.as_deref(), Some("s2"));
        let screen = rig.screen();
        assert!(screen.contains("Search “Write docs”"), "{screen}");
        assert!(screen.contains("all sessions"), "{screen}");
    }
}

#[test]
fn titles_are_found_at_once_and_conversations_one_search_at_a_time() {
    let mut rig = rig((80, 24));
    let _ = rig.keys("S");
    assert!(
        asked(&rig.press("l")).is_empty(),
        "one letter is everywhere"
    );
    let first = rig.press("o");
    assert_eq!(asked(&first), [(1, "lo")]);
    assert!(asked(&rig.press("g")).is_empty(), "one is under way");
    let screen = rig.screen();
    assert!(screen.contains("Fix the login") && screen.contains("Old login work archived"));
    assert!(screen.contains("looking…"), "{screen}");
    let next = answer(&mut rig, 1, &[hit("s2", 40, "lo and behold")], true);
    assert_eq!(asked(&next), [(2, "log")], "what is typed by now");
    // An answer of a search that is over changes nothing.
    let _ = answer(&mut rig, 1, &[], true);
    let _ = answer(
        &mut rig,
        2,
        &[hit("s2", 40, "the log of it"), hit("s1", 7, "a Login")],
        false,
    );
    insta::assert_snapshot!("search_80", rig.screen());
    let _ = rig.press("x");
    let _ = rig.keys("esc");
    assert!(rig.app.form.is_none());
    assert!(
        answer(&mut rig, 3, &[], true).is_empty(),
        "nobody waits any more"
    );
}

#[test]
fn a_place_opens_where_it_is() {
    let mut rig = rig((140, 40));
    let _ = rig.keys("S");
    rig.type_in("needle");
    let _ = answer(&mut rig, 1, &[hit("s2", 400, "here is the needle")], true);
    insta::assert_snapshot!("search_140", rig.screen());
    let effects = rig.keys("enter");
    assert!(effects.contains(&Effect::Follow(Some("s2".to_owned()))));
    assert_eq!(rig.app.focus, Pane::Conversation);
    let gap = Msg::Stream {
        session: "s2".to_owned(),
        what: Stream::Gap,
    };
    let page = Page::After(391);
    let read = Effect::Page {
        session: "s2".to_owned(),
        page,
    };
    assert_eq!(rig.tell(gap), [read]);
    // What is said meanwhile belongs to the end, and comes with the pages that lead there.
    let live = json!({"seq": 9, "type": "conversation_updated", "timestamp": "2026-03-01T12:00:00Z",
        "data": piece(900, "live")});
    let live = Msg::Stream {
        session: "s2".to_owned(),
        what: Stream::Event(serde_json::from_value(live).unwrap()),
    };
    assert_eq!(rig.tell(live), []);
    assert!(rig.app.detail.transcript.is_empty());
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
    let after = rig.tell(Msg::Done(Done::Page {
        session: "s2".to_owned(),
        page,
        pieces: Ok(serde_json::from_value(json!({"events": pieces})).unwrap()),
        full: true,
    }));
    let further = Effect::Page {
        session: "s2".to_owned(),
        page: Page::After(591),
    };
    assert_eq!(after, [further], "to the end");
    let screen = rig.screen();
    assert!(screen.contains("here is the needle"), "{screen}");
    // And back: the search is as it was left, and what is typed replaces the words.
    let _ = rig.keys("S");
    assert!(rig.screen().contains("1 match"));
    rig.type_in("x");
    assert!(matches!(&rig.app.form, Some(Form::Search(form)) if form.needle() == "x"));
}

#[test]
fn of_several_matches_in_a_conversation_the_chosen_one_is_gone_to() {
    for (sequence, count) in [(3, "3/3"), (2, "2/3"), (1, "1/3")] {
        let mut rig = rig((80, 24));
        let _ = rig.keys("S");
        rig.type_in("zebra");
        let hits = [
            hit("s2", 3, "gamma zebra"),
            hit("s2", 2, "beta zebra"),
            hit("s2", 1, "alpha zebra"),
        ];
        let _ = answer(&mut rig, 1, &hits, true);
        for _ in sequence..3 {
            let _ = rig.keys("down");
        }
        let _ = rig.keys("enter");
        let pieces = [
            piece(1, "alpha zebra"),
            piece(2, "beta zebra"),
            piece(3, "gamma zebra"),
        ];
        let _ = rig.tell(Msg::Done(Done::Page {
            session: "s2".to_owned(),
            page: Page::After(0),
            pieces: Ok(serde_json::from_value(json!({"events": pieces})).unwrap()),
            full: false,
        }));
        rig.draw();
        let screen = rig.screen();
        assert!(screen.contains(count), "{count}: {screen}");
    }
}

#[test]
fn an_archived_session_is_shown_when_it_is_opened() {
    let mut rig = rig((140, 40));
    let _ = rig.keys("S");
    rig.type_in("old");
    let _ = rig.keys("enter");
    assert_eq!(rig.app.sessions.selected.as_deref(), Some("s3"));
    assert!(rig.screen().contains("▾ Archived 1"));
}

#[test]
fn what_cannot_be_looked_through_is_said_and_titles_still_are() {
    let mut rig = rig((80, 24));
    let _ = rig.keys("S");
    rig.type_in("login");
    let _ = rig.tell(Msg::Done(Done::Found {
        number: 1,
        found: Err("the daemon is gone".to_owned()),
    }));
    let screen = rig.screen();
    assert!(screen.contains("conversations were not looked through: the daemon is gone"));
    assert!(screen.contains("Fix the login"));
    let _ = rig.keys("esc S");
    rig.type_in("qqqq");
    for _ in 0..2 {
        let number = rig.app.searches;
        let _ = answer(&mut rig, number, &[], true);
    }
    assert!(
        rig.screen().contains("Nothing has these words."),
        "{}",
        rig.screen()
    );
}
