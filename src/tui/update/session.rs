//! What is done to sessions: to the selected one, or to all that are marked.

use super::{Effect, say};
use crate::format::background_tasks;
use crate::protocol::session::{RestartSessionParams, SessionState, UpdateSessionSettingsParams};
use crate::tui::keymap::Action;
use crate::tui::state::form::Field;
use crate::tui::state::form::confirm::Confirm;
use crate::tui::state::form::say::{About, Say, export_name};
use crate::tui::state::form::several::{Several, What};
use crate::tui::state::{App, Form, notice::Tone};

/// The selected session; says so where there is none.
fn selected(app: &mut App) -> Option<SessionState> {
    let session = app.selected_session().cloned();
    if session.is_none() {
        say(app, Tone::Plain, "No session selected");
    }
    session
}

/// The selected session, if it is one that can be steered; says why not.
fn ours(app: &mut App) -> Option<SessionState> {
    let session = selected(app)?;
    if session.external {
        let asker = session.asker.as_deref().unwrap_or("another program");
        let words = format!("This is a run of {asker}: it can be answered, not steered");
        say(app, Tone::Plain, words);
        return None;
    }
    Some(session)
}

/// Opens the form for a text, with what was typed there before and did not arrive.
pub fn say_to(app: &mut App, about: About) -> Vec<Effect> {
    let session = match about {
        About::Title | About::Export => selected(app),
        About::Reply | About::Fork => ours(app),
    };
    if let Some(session) = session {
        let text = match (app.drafts.take(&session.id, about), about) {
            (Some(draft), _) => Field::holding(&draft),
            (None, About::Title) => Field::holding(&session.title),
            (None, About::Export) => {
                let name = export_name(&crate::format::subject(&session, 60));
                let remembered = app.launch.remembered.export_directory.as_ref();
                let directory = app.from_home(remembered.unwrap_or(&app.launch.exports));
                Field::holding(&format!("{}/{name}", directory.trim_end_matches('/')))
            }
            (None, About::Reply | About::Fork) => Field::default(),
        };
        app.form = Some(Form::Say(Say {
            session: session.id,
            about,
            text,
        }));
    }
    Vec::new()
}

/// A text did not arrive: it is shown again, or kept where another form is open.
pub fn unsent(app: &mut App, session: String, about: About, text: &str, why: &str) {
    if app.form.is_none() {
        app.form = Some(Form::Say(Say {
            session,
            about,
            text: Field::holding(text),
        }));
        return say(app, Tone::Bad, why);
    }
    app.drafts.keep(&session, about, text.to_owned());
    let key = app.keymap.key(match about {
        About::Reply => Action::Reply,
        About::Fork => Action::Fork,
        About::Title => Action::Rename,
        About::Export => Action::Export,
    });
    say(app, Tone::Bad, format!("{why} (text kept: {key})"));
}

/// A text arrived.
pub fn sent(app: &mut App, session: &str, about: About) {
    let works = app
        .data
        .session(session)
        .is_some_and(|session| session.status.is_active());
    match about {
        About::Reply if works => {
            app.activity.message_queued(session);
            say(app, Tone::Good, "queued; will be sent after this turn");
        }
        About::Reply => say(app, Tone::Good, "sent"),
        About::Fork | About::Title | About::Export => {}
    }
}

/// Stops the turn.
pub fn interrupt(app: &mut App) -> Vec<Effect> {
    let works = |session: &SessionState| session.status.is_active() && !session.external;
    if many(app, What::Interrupt, works) {
        return Vec::new();
    }
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    if !session.status.is_active() {
        let said = match background_tasks(session.background_tasks) {
            Some(tasks) => {
                format!("No turn to interrupt, only {tasks}; end the session to stop it")
            }
            None => "No turn to interrupt".to_owned(),
        };
        say(app, Tone::Plain, said);
        return Vec::new();
    }
    vec![Effect::Interrupt(session.id)]
}

/// Ends the process; asks first while it works.
pub fn end(app: &mut App) -> Vec<Effect> {
    if many(app, What::End, |session| session.live) {
        return Vec::new();
    }
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    if !session.live {
        say(app, Tone::Plain, "The process has already ended");
        return Vec::new();
    }
    let effects = vec![Effect::End(session.id.clone())];
    if !session.status.is_active() {
        return effects;
    }
    app.form = Some(Form::Confirm(Confirm {
        question: format!(
            "End “{}”? The current turn will be lost.",
            crate::format::subject(&session, 60)
        ),
        then: effects,
        approval: None,
        scroll: 0,
    }));
    Vec::new()
}

/// Ends the process so that the next one has the person's present credentials; asks first.
pub fn restart(app: &mut App) -> Vec<Effect> {
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    let subject = crate::format::subject(&session, 60);
    let loss = if session.status.is_active() {
        " The current turn will be lost."
    } else {
        ""
    };
    app.form = Some(Form::Confirm(Confirm {
        question: format!("Restart “{subject}” with your current credentials?{loss}"),
        then: vec![Effect::RestartSession(Box::new(RestartSessionParams {
            session_id: session.id,
            env: Some(app.launch.environment.clone()),
        }))],
        approval: None,
        scroll: 0,
    }));
    Vec::new()
}

/// Archives the marked sessions, or the selected one; brings back what is archived.
pub fn archive(app: &mut App) -> Vec<Effect> {
    let marked = |archived| {
        let mut sessions = app.sessions.marked.iter();
        sessions.any(|id| app.data.session(id).is_some_and(|s| s.archived == archived))
    };
    // Where both are marked, what is there goes away: that is what is asked for more often.
    let what = if marked(true) && !marked(false) {
        What::Unarchive
    } else {
        What::Archive
    };
    let archived = what == What::Archive;
    // What works is ended first: it would go on unseen.
    let fits = |session: &SessionState| {
        session.archived != archived && !(archived && session.status.is_active())
    };
    if many(app, what, fits) {
        return Vec::new();
    }
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    if !session.archived && session.status.is_active() && session.live {
        let name = crate::format::subject(&session, 40);
        let key = app.keymap.key(Action::EndSession);
        let text = format!("“{name}” is working: end it first ({key})");
        say(app, Tone::Plain, text);
        return Vec::new();
    }
    vec![Effect::Archive {
        archived: !session.archived,
        sessions: vec![session.id],
    }]
}

/// Deletes the marked sessions, or the selected one, as far as they have ended; asks first.
pub fn delete(app: &mut App) -> Vec<Effect> {
    // What the daemon refuses to delete.
    let asks = |session: &SessionState| session.external && session.pending_approvals > 0;
    let is_over = |session: &SessionState| !session.live && !asks(session);
    if many(app, What::Delete, is_over) {
        return Vec::new();
    }
    let Some(session) = selected(app) else {
        return Vec::new();
    };
    if is_over(&session) {
        app.form = Some(Form::Several(Several {
            what: What::Delete,
            sessions: vec![session.id],
            left_out: 0,
            scroll: 0,
        }));
        return Vec::new();
    }
    let name = crate::format::subject(&session, 40);
    let words = if session.live {
        let key = app.keymap.key(Action::EndSession);
        format!("“{name}” has not ended: end it first ({key})")
    } else {
        format!("“{name}” has pending requests: decide them first")
    };
    say(app, Tone::Plain, words);
    Vec::new()
}

/// Asks about the marked sessions, where there are any; says whether there are.
fn many(app: &mut App, what: What, fits: impl Fn(&SessionState) -> bool) -> bool {
    // In the order of the list, so that the summary reads like it.
    app.sessions.arrange(&app.data);
    let marked = &app.sessions.marked;
    let shown = app.sessions.ids().filter(|id| marked.contains(*id));
    let mut sessions: Vec<String> = shown.map(str::to_owned).collect();
    let seen: std::collections::BTreeSet<&str> = sessions.iter().map(String::as_str).collect();
    let rest: Vec<String> = marked
        .iter()
        .filter(|id| !seen.contains(id.as_str()) && app.data.session(id).is_some())
        .cloned()
        .collect();
    sessions.extend(rest);
    let all = sessions.len();
    sessions.retain(|id| app.data.session(id).is_some_and(&fits));
    if all == 0 {
        return false;
    }
    if sessions.is_empty() {
        let words = match what {
            What::Delete => {
                let key = app.keymap.key(Action::EndSession);
                format!("No selected session has ended: end them first ({key})")
            }
            What::Interrupt | What::End | What::Archive | What::Unarchive => {
                format!("All selected sessions are {}", what.why_not())
            }
        };
        say(app, Tone::Plain, words);
        return true;
    }
    app.form = Some(Form::Several(Several {
        what,
        left_out: all - sessions.len(),
        sessions,
        scroll: 0,
    }));
    true
}

/// Accepts the session's edits without asking, or stops that.
pub fn auto_accept(app: &mut App) -> Vec<Effect> {
    let Some(session) = ours(app) else {
        return Vec::new();
    };
    let on = !session.auto_accept_edits;
    let change = Effect::Settings(UpdateSessionSettingsParams {
        session_id: session.id.clone(),
        auto_accept_edits: Some(on),
        ..UpdateSessionSettingsParams::default()
    });
    if !on {
        return vec![change];
    }
    app.form = Some(Form::Confirm(Confirm {
        question: format!(
            "Auto-accept edits in “{}”? Edits will run without asking until you turn this off.",
            crate::format::subject(&session, 60)
        ),
        then: vec![change],
        approval: None,
        scroll: 0,
    }));
    Vec::new()
}

/// The file for an export is there already: asks whether it is to be overwritten.
pub fn export_exists(app: &mut App, session: String, path: String) {
    let question = format!("Overwrite {}?", app.from_home(&path));
    if app.form.is_some() {
        return say(app, Tone::Bad, format!("Not exported: {path} exists"));
    }
    app.form = Some(Form::Confirm(Confirm {
        question,
        then: vec![Effect::Export {
            session,
            path,
            overwrite: true,
        }],
        approval: None,
        scroll: 0,
    }));
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use serde_json::json;

    use super::*;
    use crate::tui::effect::Each;
    use crate::tui::msg::{Done, Launched, Msg, Refused};
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
            why: "its agent never began".to_owned(),
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
            answer: Ok(()),
        };
        let _ = rig.tell(Msg::Done(told("w1")));
        assert!(
            rig.screen()
                .contains("queued; will be sent after this turn")
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
}

#[cfg(test)]
mod restart_tests {
    #![allow(clippy::panic, reason = "a test fails by panicking")]
    use serde_json::json;

    use crate::tui::effect::Effect;
    use crate::tui::testing::{Rig, session};

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
}
