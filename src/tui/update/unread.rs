//! Sessions that finished or failed while nobody looked, and the calls for attention.
//!
//! A session is unread from the end of its turn until its conversation is on the screen of somebody
//! who looks. What is unread is remembered; what finished while no dashboard was open is unread, too.

use jiff::civil::Time;

use super::Effect;
use crate::config::CallFor;
use crate::domain::Status;
use crate::format::subject;
use crate::protocol::session::SessionState;
use crate::tui::state::App;

/// What somebody is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// An approval is pending.
    NeedsYou,
    /// A turn failed.
    Failed,
    /// A turn finished.
    Finished,
}

impl Alert {
    fn is_wanted(self, wanted: CallFor) -> bool {
        match self {
            Self::NeedsYou => wanted.needs_you,
            Self::Failed => wanted.failed,
            Self::Finished => wanted.finished,
        }
    }
}

/// Whether a status says that a turn ended by itself, and how.
fn ended(status: Status) -> Option<Alert> {
    match status {
        Status::Completed => Some(Alert::Finished),
        Status::Failed => Some(Alert::Failed),
        Status::Draft
        | Status::Starting
        | Status::Running
        | Status::WaitingInput
        | Status::Interrupting
        | Status::Interrupted
        | Status::Discarded => None,
    }
}

/// A session has another status than before.
pub fn status_changed(app: &mut App, id: &str, before: Status, now: Status) -> Vec<Effect> {
    if now.is_active() {
        return match app.launch.memory.unread.remove(id) {
            true => remember(app),
            false => Vec::new(),
        };
    }
    let Some(what) = ended(now).filter(|_| before.is_active()) else {
        return Vec::new();
    };
    let Some(session) = app.data.session(id) else {
        return Vec::new();
    };
    // The runs of other programs have no turns that anybody here began.
    if session.external || session.archived {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if !is_on_screen(app, id) {
        let title = match what {
            Alert::Failed => "Failed",
            Alert::NeedsYou | Alert::Finished => "Finished",
        };
        let body = subject(session, 80);
        effects = call(app, what, title.to_owned(), body);
        app.launch.memory.unread.insert(id.to_owned());
    }
    effects.extend(remember(app));
    effects
}

/// Sessions came that were not known before: what finished since the last dashboard is unread.
pub fn learned(app: &mut App, sessions: &[SessionState]) {
    let Some(since) = app.launch.memory.seen_until else {
        return;
    };
    let missed = sessions.iter().filter(|session| {
        let end = session.completed_at.unwrap_or(session.last_activity_at);
        ended(session.status).is_some() && end > since && !session.external && !session.archived
    });
    let missed: Vec<String> = missed.map(|session| session.id.clone()).collect();
    app.launch.memory.unread.extend(missed);
}

/// All sessions are known: what is remembered of others is forgotten.
pub fn complete(app: &mut App) -> Vec<Effect> {
    let data = &app.data;
    app.launch
        .memory
        .unread
        .retain(|id| data.session(id).is_some());
    remember(app)
}

/// After anything changed: what is on the screen is read.
pub fn settle(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.detail.session.clone() else {
        return Vec::new();
    };
    if !app.launch.memory.unread.contains(&id) || !is_on_screen(app, &id) {
        return Vec::new();
    }
    app.launch.memory.unread.remove(&id);
    remember(app)
}

/// Whether somebody looks at a session's conversation.
fn is_on_screen(app: &App, id: &str) -> bool {
    app.attention
        && app.detail.session.as_deref() == Some(id)
        && !app.frame.panes.conversation.is_empty()
}

/// A session was deleted: it is not unread any more.
pub fn deleted(app: &mut App, id: &str) -> Vec<Effect> {
    match app.launch.memory.unread.remove(id) {
        true => remember(app),
        false => Vec::new(),
    }
}

fn remember(app: &mut App) -> Vec<Effect> {
    app.launch.memory.seen_until = Some(app.now);
    vec![Effect::SaveMemory(Box::new(app.launch.memory.clone()))]
}

/// Calls the user, as they wish to be called.
pub fn call(app: &App, what: Alert, title: String, body: String) -> Vec<Effect> {
    if is_quiet(app) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if what.is_wanted(app.preferences.bell) {
        effects.push(Effect::Bell);
    }
    if what.is_wanted(app.preferences.notify) && !app.attention {
        effects.push(Effect::Notify { title, body });
    }
    effects
}

/// Whether these are the hours in which nobody wants to be called.
fn is_quiet(app: &App) -> bool {
    let Some((from, until)) = app.preferences.quiet_hours else {
        return false;
    };
    is_between(local_time(app), from, until)
}

fn local_time(app: &App) -> Time {
    app.now.to_zoned_datetime(app.time_zone.clone()).time()
}

/// Whether a time of the day lies between two, over midnight where the second is the earlier one.
fn is_between(time: Time, from: Time, until: Time) -> bool {
    if from <= until {
        (from..until).contains(&time)
    } else {
        time >= from || time < until
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use jiff::civil::time;
    use serde_json::json;

    use super::*;
    use crate::tui::msg::Msg;
    use crate::tui::testing::{TuiHarness, session};

    #[test]
    fn quiet_hours_may_span_midnight() {
        let at = |hour, minute| time(hour, minute, 0, 0);
        let cases = [
            (at(23, 0), true),
            (at(6, 59), true),
            (at(7, 0), false),
            (at(21, 59), false),
            (at(22, 0), true),
        ];
        for (when, quiet) in cases {
            assert_eq!(is_between(when, at(22, 0), at(7, 0)), quiet, "{when}");
        }
        assert!(is_between(at(13, 0), at(12, 0), at(14, 0)));
        assert!(!is_between(at(14, 0), at(12, 0), at(14, 0)));
    }

    /// One on the screen, and one that works elsewhere.
    fn two() -> TuiHarness {
        TuiHarness::new(
            (140, 40),
            &[
                session("a", json!({"last_activity_at": "2026-03-01T11:59:50Z"})),
                session("b", json!({"last_activity_at": "2026-03-01T11:00:00Z"})),
            ],
            &[],
        )
    }

    fn ends(tui: &mut TuiHarness, id: &str, status: &str) -> Vec<Effect> {
        let data = json!({"session_id": id, "old_status": "running", "new_status": status});
        tui.event("session_status_changed", data)
    }

    fn unread(tui: &TuiHarness) -> Vec<String> {
        tui.app.launch.memory.unread.iter().cloned().collect()
    }

    fn bells(effects: &[Effect]) -> usize {
        let bells = effects.iter().filter(|effect| **effect == Effect::Bell);
        bells.count()
    }

    #[test]
    fn what_finishes_or_fails_unseen_is_unread_and_rings_until_it_is_looked_at() {
        for (status, rings) in [("completed", 1), ("failed", 1), ("interrupted", 0)] {
            let mut tui = two();
            assert_eq!(tui.app.sessions.selected.as_deref(), Some("a"));
            let effects = ends(&mut tui, "b", status);
            assert_eq!(bells(&effects), rings, "{status}");
            assert_eq!(unread(&tui).len(), rings, "{status}");
            // The same once more is no news.
            assert_eq!(bells(&ends(&mut tui, "b", status)), 0);
            if rings > 0 {
                assert!(tui.screen().contains("•"), "{}", tui.screen());
                assert!(
                    effects
                        .iter()
                        .any(|effect| matches!(effect, Effect::SaveMemory(what)
                        if what.unread.contains("b") && what.seen_until.is_some())),
                    "{effects:?}"
                );
            }
            tui.app.sessions.select(Some("b".to_owned()));
            tui.tell(Msg::Tick);
            assert_eq!(unread(&tui), [""; 0], "{status}: it is on the screen");
        }
    }

    #[test]
    fn what_is_on_the_screen_is_read_but_only_where_somebody_looks() {
        let mut tui = two();
        let effects = ends(&mut tui, "a", "completed");
        assert_eq!((bells(&effects), unread(&tui)), (0, vec![]));
        let mut tui = two();
        tui.tell(Msg::Attention(false));
        let effects = ends(&mut tui, "a", "failed");
        assert_eq!((bells(&effects), unread(&tui)), (1, vec!["a".to_owned()]));
        tui.tell(Msg::Attention(true));
        assert_eq!(unread(&tui), [""; 0]);
        // On a narrow screen the list alone shows no conversation.
        let mut tui = TuiHarness::new((80, 24), &[session("a", json!({}))], &[]);
        let _ = ends(&mut tui, "a", "completed");
        assert_eq!(unread(&tui), ["a"]);
        tui.keys("enter");
        tui.tell(Msg::Tick);
        assert_eq!(unread(&tui), [""; 0]);
    }

    #[test]
    fn each_event_rings_only_where_it_is_wanted_and_never_in_quiet_hours() {
        let mut tui = two();
        tui.app.preferences.bell = CallFor {
            finished: false,
            ..CallFor::ALL
        };
        assert_eq!(bells(&ends(&mut tui, "b", "completed")), 0);
        let mut tui = two();
        tui.app.preferences.quiet_hours = Some((time(0, 0, 0, 0), time(23, 59, 59, 0)));
        assert_eq!(bells(&ends(&mut tui, "b", "failed")), 0);
        assert_eq!(unread(&tui), ["b"], "it is unread all the same");
    }

    #[test]
    fn what_finished_while_no_dashboard_was_open_is_unread_at_the_next_start() {
        let done = |minute: u32| json!({"status": "completed", "completed_at": format!("2026-03-01T11:{minute:02}:00Z")});
        let sessions = [
            session("on-screen", json!({})),
            session("before", done(10)),
            session("after", done(50)),
        ];
        let mut tui = TuiHarness::unconnected((140, 40));
        tui.connect(&sessions, &[]);
        assert_eq!(
            unread(&tui),
            [""; 0],
            "at the first start everything is read"
        );
        let mut tui = TuiHarness::unconnected((140, 40));
        tui.app.launch.memory.seen_until = Some("2026-03-01T11:30:00Z".parse().unwrap());
        tui.app.launch.memory.unread.insert("deleted".to_owned());
        tui.connect(&sessions, &[]);
        tui.tell(Msg::Link(crate::tui::msg::Link::Complete));
        assert_eq!(unread(&tui), ["after"]);
    }

    #[test]
    fn a_key_goes_to_the_next_unread_session() {
        let mut tui = two();
        let _ = ends(&mut tui, "b", "failed");
        tui.draw();
        tui.keys("u");
        assert_eq!(tui.app.sessions.selected.as_deref(), Some("b"));
        tui.keys("u");
        assert!(tui.screen().contains("No unread sessions"));
    }
}
