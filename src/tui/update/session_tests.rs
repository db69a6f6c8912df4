//! What is done with sessions: what it asks first, and what it sends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use serde_json::json;

use super::*;
use crate::tui::effect::Each;
use crate::tui::msg::{Done, Failure, Launched, Msg, Refused};
use crate::tui::testing::{Rig, session};

fn rig() -> Rig {
    let at = |minute: u32| format!("2026-03-01T11:{minute:02}:00Z");
    let done =
        |minute| json!({"status": "completed", "live": false, "last_activity_at": at(minute)});
    Rig::new(
        (80, 24),
        &[
            session(
                "w1",
                json!({"last_activity_at": at(50), "title": "At work"}),
            ),
            session("w2", json!({"last_activity_at": at(40)})),
            session("d1", done(30)),
            session("d2", done(20)),
            session(
                "e1",
                json!({"status": "completed", "external": true, "live": false,
                "asker": "deploy-bot", "last_activity_at": at(10)}),
            ),
        ],
        &[],
    )
}

fn each(what: Each, ids: &[&str]) -> [Effect; 1] {
    let sessions = ids.iter().map(ToString::to_string).collect();
    [Effect::Each { what, sessions }]
}

#[test]
fn something_is_done_to_all_that_are_marked_after_a_summary() {
    for (keys, title, effects) in [
        (
            "i",
            "Interrupt 2 sessions?",
            each(Each::Interrupt, &["w1", "w2"]),
        ),
        ("x", "End 2 sessions?", each(Each::End, &["w1", "w2"])),
    ] {
        let mut rig = rig();
        let _ = rig.keys("space space space");
        assert_eq!(rig.keys(keys), []);
        let screen = rig.screen();
        assert!(
            screen.contains(title) && screen.contains("At work"),
            "{screen}"
        );
        assert!(screen.contains("1 skipped:"), "{screen}");
        insta::assert_snapshot!(format!("many_{keys}_80"), screen);
        assert_eq!(rig.keys("n"), []);
        assert_eq!(rig.app.sessions.marked.len(), 3, "no keeps the marks");
        let _ = rig.keys(keys);
        assert_eq!(rig.keys("y"), effects);
        assert!(rig.app.sessions.marked.is_empty());
    }
}

#[test]
fn marked_sessions_are_put_away_and_taken_back() {
    let mut rig = rig();
    // What works is left out.
    let _ = rig.keys("space space space space z");
    assert!(rig.screen().contains("2 skipped"), "{}", rig.screen());
    let away = |archived| Effect::Archive {
        sessions: vec!["d1".to_owned(), "d2".to_owned()],
        archived,
    };
    assert_eq!(rig.keys("y"), [away(true)]);
    for id in ["d1", "d2"] {
        let state = session(
            id,
            json!({"archived": true, "status": "completed", "live": false}),
        );
        let _ = rig.event(
            "session_updated",
            json!({"session_id": id, "session": state}),
        );
    }
    let _ = rig.keys("A G h space z");
    assert!(
        rig.screen().contains("Unarchive 2 sessions?"),
        "{}",
        rig.screen()
    );
    assert_eq!(rig.keys("y"), [away(false)]);
    // One alone needs no question.
    let mut rig = self::rig();
    let _ = rig.keys("j j");
    assert_eq!(rig.keys("z").len(), 1);
    // One that works is ended first.
    let _ = rig.keys("g");
    assert_eq!(rig.keys("z"), []);
    assert!(
        rig.screen().contains("end it first (x)"),
        "{}",
        rig.screen()
    );
}

fn marked(rig: &Rig) -> usize {
    rig.app.sessions.marked.len()
}

#[test]
fn marked_sessions_that_have_ended_are_deleted_once_that_is_confirmed_with_another_key() {
    let mut rig = rig();
    let _ = rig.keys("ctrl-a");
    assert_eq!(rig.keys("X"), []);
    let screen = rig.screen();
    for words in [
        "Delete 3 sessions and their conversations?",
        "This cannot be undone.",
        "2 that have not ended are left alone (end them first: x).",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    insta::assert_snapshot!("delete_80", screen);
    // The key that opened it, and the one that chooses in the palette, do nothing.
    assert_eq!(rig.keys("X enter"), []);
    assert!(matches!(rig.app.form, Some(Form::Several(_))));
    assert_eq!(rig.keys("n"), []);
    assert_eq!(marked(&rig), 5, "no keeps the marks");
    let ids = ["d1", "d2", "e1"].map(str::to_owned).to_vec();
    assert_eq!(rig.keys("X y"), [Effect::Delete(ids)]);
    assert_eq!(marked(&rig), 0);
}

#[test]
fn the_selected_session_is_deleted_once_it_has_ended() {
    let mut rig = rig();
    assert_eq!(rig.keys("X"), []);
    assert!(rig.app.form.is_none());
    let screen = rig.screen();
    assert!(
        screen.contains("“At work” has not ended: end it first (x)"),
        "{screen}"
    );
    let _ = rig.keys("j j");
    assert_eq!(rig.keys("X"), []);
    let screen = rig.screen();
    assert!(
        screen.contains("Delete 1 session and its conversation?"),
        "{screen}"
    );
    rig.resize((140, 40));
    insta::assert_snapshot!("delete_one_140", rig.screen());
    assert_eq!(rig.keys("y"), [Effect::Delete(vec!["d1".to_owned()])]);
    let _ = rig.event("session_deleted", json!({"session_id": "d1"}));
    rig.draw();
    assert_eq!(rig.app.sessions.selected.as_deref(), Some("d2"));
}

#[test]
fn nothing_is_deleted_where_no_marked_session_has_ended_or_requests_are_pending() {
    let mut rig = rig();
    let _ = rig.keys("V X");
    assert!(rig.app.form.is_none());
    let screen = rig.screen();
    assert!(
        screen.contains("No selected session has ended: end them first (x)"),
        "{screen}"
    );
    let asking = session(
        "e1",
        json!({"status": "waiting_input", "external": true, "live": false,
            "asker": "deploy-bot", "pending_approvals": 1}),
    );
    let _ = rig.event(
        "session_updated",
        json!({"session_id": "e1", "session": asking}),
    );
    rig.app.sessions.marked.clear();
    rig.app.sessions.select(Some("e1".to_owned()));
    rig.draw();
    let _ = rig.keys("2 X");
    assert!(rig.app.form.is_none());
    let screen = rig.screen();
    assert!(screen.contains("has pending requests"), "{screen}");
}

#[test]
fn another_programs_run_is_not_steered() {
    let mut rig = rig();
    let _ = rig.keys("G");
    for key in ["r", "F", "i", "x", "E"] {
        assert_eq!(rig.keys(key), [], "{key}");
        assert!(rig.app.form.is_none(), "{key}");
        assert!(
            rig.screen().contains("This is a run of deploy-bot"),
            "{key}"
        );
    }
    let _ = rig.keys("R");
    assert!(rig.app.form.is_some(), "it can be given a title");
}

#[test]
fn a_text_that_did_not_arrive_is_shown_again_or_kept() {
    let mut rig = rig();
    let _ = rig.keys("r");
    rig.type_in("go on so");
    let effects = rig.keys("enter");
    let text = "go on so".to_owned();
    let sent = Effect::Message {
        session: "w1".to_owned(),
        text: text.clone(),
        env: std::collections::BTreeMap::new(),
    };
    assert_eq!(effects, [sent]);
    let failed = || Done::Told {
        session: "w1".to_owned(),
        about: About::Reply,
        text: text.clone(),
        answer: Err("the connection is lost".to_owned()),
    };
    let _ = rig.tell(Msg::Done(failed()));
    let shown = |rig: &Rig| match &rig.app.form {
        Some(Form::Say(form)) => form.text.text(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&rig), text);
    assert!(rig.screen().contains("the connection is lost"));
    let _ = rig.keys("enter ?");
    let _ = rig.tell(Msg::Done(failed()));
    let notice = rig.app.notice.clone().unwrap();
    assert!(notice.text.contains("text kept: r"), "{notice:?}");
    let _ = rig.keys("esc r");
    assert_eq!(shown(&rig), text);
    // Put by with Esc it is kept, too; and it is the session's own.
    let _ = rig.keys("esc j r");
    assert_eq!(shown(&rig), "");
    let _ = rig.keys("esc k r");
    assert_eq!(shown(&rig), text);
}

#[test]
fn a_continuation_that_did_not_start_shows_its_text_again() {
    let mut rig = rig();
    let _ = rig.keys("j j F");
    rig.type_in("try it so");
    let effects = rig.keys("enter");
    assert!(matches!(&effects[..], [Effect::Continue(params)]
        if params.fork == Some(true) && params.session_id == "d1"));
    let refused = Refused {
        query: "try it so".to_owned(),
        by: Launched::From {
            session: "d1".to_owned(),
            about: About::Fork,
        },
        why: Failure::NotDone("its agent never began".to_owned()),
    };
    let _ = rig.tell(Msg::Done(Done::Started(Err(refused))));
    assert!(matches!(&rig.app.form, Some(Form::Say(form))
        if form.about == About::Fork && form.text.text() == "try it so"));
}

#[test]
fn what_is_sent_to_one_at_work_is_queued() {
    let mut rig = rig();
    let told = |id: &str| Done::Told {
        session: id.to_owned(),
        about: About::Reply,
        text: "x".to_owned(),
        answer: Ok(id == "w1"),
    };
    let _ = rig.tell(Msg::Done(told("w1")));
    assert!(
        rig.screen()
            .contains("Queued until the agent reads it (W withdraws it)")
    );
    let _ = rig.tell(Msg::Done(told("d1")));
    assert!(rig.screen().contains(" sent"));
}

#[test]
fn an_export_asks_for_the_file_and_again_before_it_overwrites_one() {
    let mut rig = rig();
    rig.app.launch.exports = "/home/me/Downloads".to_owned();
    assert_eq!(rig.keys("w"), []);
    let screen = rig.screen();
    assert!(screen.contains("~/Downloads/At-work.md"), "{screen}");
    let _ = rig.keys("ctrl-u");
    rig.type_in("~/talk.md");
    let export = |overwrite| Effect::Export {
        session: "w1".to_owned(),
        path: "/home/me/talk.md".to_owned(),
        overwrite,
    };
    let effects = rig.keys("enter");
    assert_eq!(effects.first(), Some(&export(false)));
    assert!(matches!(&effects[1..], [Effect::Remember(what)]
        if what.export_directory.as_deref() == Some("/home/me")));
    let there = || Done::ExportExists {
        session: "w1".to_owned(),
        path: "/home/me/talk.md".to_owned(),
    };
    let _ = rig.tell(Msg::Done(there()));
    assert!(rig.screen().contains("Overwrite ~/talk.md?"));
    assert_eq!(rig.keys("n"), []);
    let _ = rig.tell(Msg::Done(there()));
    rig.draw();
    assert_eq!(rig.keys("y"), [export(true)]);
    // The next one goes to the same place; an empty path to none.
    let _ = rig.keys("w");
    assert!(rig.screen().contains("~/At-work.md"), "{}", rig.screen());
    assert_eq!(rig.keys("ctrl-u enter"), []);
}

#[test]
fn a_session_is_restarted_with_the_persons_environment_once_that_is_confirmed() {
    let mut rig = Rig::new((80, 24), &[session("s1", json!({"live": true}))], &[]);
    let key = "ANTHROPIC_API_KEY".to_owned();
    rig.app.launch.environment = [(key.clone(), "new".to_owned())].into();
    let _ = rig.keys(":");
    rig.type_in("restart-session");
    let effects = rig.keys("enter");
    let asked = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::RestartSession(params) => Some(params.clone()),
            _ => None,
        })
    };
    assert!(asked(&effects).is_none(), "{effects:?}");
    assert!(
        rig.screen().contains("current credentials?"),
        "{}",
        rig.screen()
    );
    let effects = rig.keys("y");
    let Some(params) = asked(&effects) else {
        panic!("{effects:?}");
    };
    assert_eq!(params.session_id, "s1");
    assert_eq!(params.env, Some([(key, "new".to_owned())].into()));
}
