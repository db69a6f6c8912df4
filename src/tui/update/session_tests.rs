//! What is done with sessions: what it asks first, and what it sends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use serde_json::json;

use super::*;
use crate::tui::effect::ForEachSession;
use crate::tui::msg::{EffectResult, Failure, LaunchSource, Msg, Refused};
use crate::tui::testing::{TuiHarness, session};

fn tui() -> TuiHarness {
    let at = |minute: u32| format!("2026-03-01T11:{minute:02}:00Z");
    let done =
        |minute| json!({"status": "completed", "live": false, "last_activity_at": at(minute)});
    TuiHarness::new(
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

fn each(what: ForEachSession, ids: &[&str]) -> [Effect; 1] {
    let sessions = ids.iter().map(ToString::to_string).collect();
    [Effect::ForEachSession { what, sessions }]
}

#[test]
fn something_is_done_to_all_that_are_marked_after_a_summary() {
    for (keys, title, effects) in [
        (
            "i",
            "Interrupt 2 sessions?",
            each(ForEachSession::Interrupt, &["w1", "w2"]),
        ),
        (
            "x",
            "End 2 sessions?",
            each(ForEachSession::End, &["w1", "w2"]),
        ),
    ] {
        let mut tui = tui();
        tui.keys("space space space");
        assert_eq!(tui.keys(keys), []);
        let screen = tui.screen();
        assert!(
            screen.contains(title) && screen.contains("At work"),
            "{screen}"
        );
        assert!(screen.contains("1 skipped:"), "{screen}");
        insta::assert_snapshot!(format!("many_{keys}_80"), screen);
        assert_eq!(tui.keys("n"), []);
        assert_eq!(tui.app.sessions.marked.len(), 3, "no keeps the marks");
        tui.keys(keys);
        assert_eq!(tui.keys("y"), effects);
        assert!(tui.app.sessions.marked.is_empty());
    }
}

#[test]
fn marked_sessions_are_put_away_and_taken_back() {
    let mut tui = tui();
    // What works is left out.
    tui.keys("space space space space z");
    assert!(tui.screen().contains("2 skipped"), "{}", tui.screen());
    let away = |archived| Effect::Archive {
        sessions: vec!["d1".to_owned(), "d2".to_owned()],
        archived,
    };
    assert_eq!(tui.keys("y"), [away(true)]);
    for id in ["d1", "d2"] {
        let state = session(
            id,
            json!({"archived": true, "status": "completed", "live": false}),
        );
        tui.event(
            "session_updated",
            json!({"session_id": id, "session": state}),
        );
    }
    tui.keys("A G h space z");
    assert!(
        tui.screen().contains("Unarchive 2 sessions?"),
        "{}",
        tui.screen()
    );
    assert_eq!(tui.keys("y"), [away(false)]);
    // One alone needs no question.
    let mut tui = self::tui();
    tui.keys("j j");
    assert_eq!(tui.keys("z").len(), 1);
    // One that works is ended first.
    tui.keys("g");
    assert_eq!(tui.keys("z"), []);
    assert!(
        tui.screen().contains("end it first (x)"),
        "{}",
        tui.screen()
    );
}

fn marked(tui: &TuiHarness) -> usize {
    tui.app.sessions.marked.len()
}

#[test]
fn marked_sessions_that_have_ended_are_deleted_once_that_is_confirmed_with_another_key() {
    let mut tui = tui();
    tui.keys("ctrl-a");
    assert_eq!(tui.keys("X"), []);
    let screen = tui.screen();
    for words in [
        "Delete 3 sessions and their conversations?",
        "This cannot be undone.",
        "2 that have not ended are left alone (end them first: x).",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    insta::assert_snapshot!("delete_80", screen);
    // The key that opened it, and the one that chooses in the palette, do nothing.
    assert_eq!(tui.keys("X enter"), []);
    assert!(matches!(tui.app.form, Some(Form::Bulk(_))));
    assert_eq!(tui.keys("n"), []);
    assert_eq!(marked(&tui), 5, "no keeps the marks");
    let ids = ["d1", "d2", "e1"].map(str::to_owned).to_vec();
    assert_eq!(tui.keys("X y"), [Effect::Delete(ids)]);
    assert_eq!(marked(&tui), 0);
}

#[test]
fn the_selected_session_is_deleted_once_it_has_ended() {
    let mut tui = tui();
    assert_eq!(tui.keys("X"), []);
    assert!(tui.app.form.is_none());
    let screen = tui.screen();
    assert!(
        screen.contains("“At work” has not ended: end it first (x)"),
        "{screen}"
    );
    tui.keys("j j");
    assert_eq!(tui.keys("X"), []);
    let screen = tui.screen();
    assert!(
        screen.contains("Delete 1 session and its conversation?"),
        "{screen}"
    );
    tui.resize((140, 40));
    insta::assert_snapshot!("delete_one_140", tui.screen());
    assert_eq!(tui.keys("y"), [Effect::Delete(vec!["d1".to_owned()])]);
    tui.event("session_deleted", json!({"session_id": "d1"}));
    tui.draw();
    assert_eq!(tui.app.sessions.selected.as_deref(), Some("d2"));
}

#[test]
fn nothing_is_deleted_where_no_marked_session_has_ended_or_requests_are_pending() {
    let mut tui = tui();
    tui.keys("V X");
    assert!(tui.app.form.is_none());
    let screen = tui.screen();
    assert!(
        screen.contains("No selected session has ended: end them first (x)"),
        "{screen}"
    );
    let asking = session(
        "e1",
        json!({"status": "waiting_input", "external": true, "live": false,
            "asker": "deploy-bot", "pending_approvals": 1}),
    );
    tui.event(
        "session_updated",
        json!({"session_id": "e1", "session": asking}),
    );
    tui.app.sessions.marked.clear();
    tui.app.sessions.select(Some("e1".to_owned()));
    tui.draw();
    tui.keys("2 X");
    assert!(tui.app.form.is_none());
    let screen = tui.screen();
    assert!(screen.contains("has pending requests"), "{screen}");
}

#[test]
fn another_programs_run_is_not_steered() {
    let mut tui = tui();
    tui.keys("G");
    for key in ["r", "F", "i", "x", "E"] {
        assert_eq!(tui.keys(key), [], "{key}");
        assert!(tui.app.form.is_none(), "{key}");
        assert!(
            tui.screen().contains("This is a run of deploy-bot"),
            "{key}"
        );
    }
    tui.keys("R");
    assert!(tui.app.form.is_some(), "it can be given a title");
}

#[test]
fn a_text_that_did_not_arrive_is_shown_again_or_kept() {
    let mut tui = tui();
    tui.keys("r");
    tui.type_in("go on so");
    let effects = tui.keys("enter");
    let text = "go on so".to_owned();
    let sent = Effect::Message {
        session: "w1".to_owned(),
        text: text.clone(),
        env: std::collections::BTreeMap::new(),
    };
    assert_eq!(effects, [sent]);
    let failed = || EffectResult::MessageSent {
        session: "w1".to_owned(),
        about: MessagePurpose::Reply,
        text: text.clone(),
        answer: Err("the connection is lost".to_owned()),
    };
    tui.tell(Msg::Done(failed()));
    let shown = |tui: &TuiHarness| match &tui.app.form {
        Some(Form::Message(form)) => form.text.text(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&tui), text);
    assert!(tui.screen().contains("the connection is lost"));
    tui.keys("enter ?");
    tui.tell(Msg::Done(failed()));
    let notice = tui.app.notice.clone().unwrap();
    assert!(notice.text.contains("text kept: r"), "{notice:?}");
    tui.keys("esc r");
    assert_eq!(shown(&tui), text);
    // Put by with Esc it is kept, too; and it is the session's own.
    tui.keys("esc j r");
    assert_eq!(shown(&tui), "");
    tui.keys("esc k r");
    assert_eq!(shown(&tui), text);
}

#[test]
fn a_continuation_that_did_not_start_shows_its_text_again() {
    let mut tui = tui();
    tui.keys("j j F");
    tui.type_in("try it so");
    let effects = tui.keys("enter");
    assert!(matches!(&effects[..], [Effect::Continue(params)]
        if params.fork == Some(true) && params.session_id == "d1"));
    let refused = Refused {
        query: "try it so".to_owned(),
        by: LaunchSource::From {
            session: "d1".to_owned(),
            about: MessagePurpose::Fork,
        },
        why: Failure::NotDone("its agent never began".to_owned()),
    };
    tui.tell(Msg::Done(EffectResult::Started(Err(refused))));
    assert!(matches!(&tui.app.form, Some(Form::Message(form))
        if form.about == MessagePurpose::Fork && form.text.text() == "try it so"));
}

#[test]
fn what_is_sent_to_one_at_work_is_queued() {
    let mut tui = tui();
    let told = |id: &str| EffectResult::MessageSent {
        session: id.to_owned(),
        about: MessagePurpose::Reply,
        text: "x".to_owned(),
        answer: Ok(id == "w1"),
    };
    tui.tell(Msg::Done(told("w1")));
    assert!(
        tui.screen()
            .contains("Queued until the agent reads it (W withdraws it)")
    );
    tui.tell(Msg::Done(told("d1")));
    assert!(tui.screen().contains(" sent"));
}

#[test]
fn an_export_asks_for_the_file_and_again_before_it_overwrites_one() {
    let mut tui = tui();
    tui.app.launch.exports = "/home/me/Downloads".to_owned();
    assert_eq!(tui.keys("w"), []);
    let screen = tui.screen();
    assert!(screen.contains("~/Downloads/At-work.md"), "{screen}");
    tui.keys("ctrl-u");
    tui.type_in("~/talk.md");
    let export = |overwrite| Effect::Export {
        session: "w1".to_owned(),
        path: "/home/me/talk.md".to_owned(),
        overwrite,
    };
    let effects = tui.keys("enter");
    assert_eq!(effects.first(), Some(&export(false)));
    assert!(matches!(&effects[1..], [Effect::SaveMemory(what)]
        if what.export_directory.as_deref() == Some("/home/me")));
    let there = || EffectResult::ExportExists {
        session: "w1".to_owned(),
        path: "/home/me/talk.md".to_owned(),
    };
    tui.tell(Msg::Done(there()));
    assert!(tui.screen().contains("Overwrite ~/talk.md?"));
    assert_eq!(tui.keys("n"), []);
    tui.tell(Msg::Done(there()));
    tui.draw();
    assert_eq!(tui.keys("y"), [export(true)]);
    // The next one goes to the same place; an empty path to none.
    tui.keys("w");
    assert!(tui.screen().contains("~/At-work.md"), "{}", tui.screen());
    assert_eq!(tui.keys("ctrl-u enter"), []);
}

#[test]
fn a_session_is_restarted_with_the_persons_environment_once_that_is_confirmed() {
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({"live": true}))], &[]);
    let key = "ANTHROPIC_API_KEY".to_owned();
    tui.app.launch.environment = [(key.clone(), "new".to_owned())].into();
    tui.keys(":");
    tui.type_in("restart-session");
    let effects = tui.keys("enter");
    let asked = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::RestartSession(params) => Some(params.clone()),
            _ => None,
        })
    };
    assert!(asked(&effects).is_none(), "{effects:?}");
    assert!(
        tui.screen().contains("current credentials?"),
        "{}",
        tui.screen()
    );
    let effects = tui.keys("y");
    let Some(params) = asked(&effects) else {
        panic!("{effects:?}");
    };
    assert_eq!(params.session_id, "s1");
    assert_eq!(params.env, Some([(key, "new".to_owned())].into()));
}
