//! Moving about in the list of sessions: steps, folding, marks, order, filter.

use super::{Effect, notify, select};
use crate::tui::state::notice::Tone;
use crate::tui::state::sessions::{Group, Sort, Target};
use crate::tui::state::{App, Pane};

/// A step up or down.
pub fn step(app: &mut App, by: isize) {
    app.sessions.arrange(&app.data);
    if let Some(target) = app.sessions.stepped(&app.data, by) {
        select::target(app, target);
    }
}

/// Whether the selected row is the first one, with nothing above it but the inbox.
pub fn is_at_first(app: &mut App) -> bool {
    app.sessions.arrange(&app.data);
    let here = app.sessions.position(&app.data);
    let here = here.and_then(|row| app.sessions.target(row));
    here.is_some() && here == app.sessions.end(false)
}

/// A page up or down.
pub fn page(app: &mut App, direction: isize, is_half: bool) {
    let height = app.sessions.height / if is_half { 2 } else { 1 };
    let rows = isize::try_from(height.saturating_sub(1)).unwrap_or(1);
    step(app, direction.saturating_mul(rows.max(1)));
}

/// Opens what is selected: a group unfolds, a session's conversation gets the keys.
pub fn open(app: &mut App) {
    match app.sessions.heading {
        Some(group) => unfold(app, group),
        None => {
            app.focus = Pane::Conversation;
            app.detail.open = true;
        }
    }
}

/// Folds the group of what is selected, and selects its heading.
pub fn fold(app: &mut App) {
    if let Some(group) = app.selected_session().map(Group::of) {
        fold_group(app, group);
    }
}

/// Folds a group or unfolds it, as its heading is clicked.
pub fn toggle(app: &mut App, group: Group) {
    if app.sessions.folded.contains(&group) {
        unfold(app, group);
    } else {
        fold_group(app, group);
    }
}

fn fold_group(app: &mut App, group: Group) {
    if !app.sessions.filter.trim().is_empty() {
        return notify(app, Tone::Plain, "Can't fold while filtering (Esc clears)");
    }
    app.sessions.folded.insert(group);
    app.sessions.select_heading(group);
    app.sessions.stale();
}

fn unfold(app: &mut App, group: Group) {
    app.sessions.folded.remove(&group);
    app.sessions.stale();
    app.sessions.arrange(&app.data);
    match app.sessions.first_of(group) {
        Some(first) => select::session(app, first),
        None => app.sessions.select(None),
    }
}

/// Selects a session for batch actions, or a whole group by its heading; where all are selected, none.
pub fn mark(app: &mut App) {
    if app.sessions.heading.is_some() && refuse_similar(app) {
        return;
    }
    let ids = match app.sessions.heading {
        Some(group) => app.sessions.members(&app.data, group),
        None => app.sessions.selected.iter().cloned().collect(),
    };
    toggle_all(app, ids);
    if app.sessions.heading.is_none() {
        step(app, 1);
    }
}

/// Selects everything that the list shows for batch actions, or would show if it were not folded.
pub fn select_all(app: &mut App) {
    app.sessions.arrange(&app.data);
    if refuse_similar(app) {
        return;
    }
    let groups = Group::ALL.into_iter();
    let groups = groups.filter(|group| *group != Group::Archived || app.sessions.show_archived);
    let ids: Vec<String> = groups
        .flat_map(|group| app.sessions.members(&app.data, group))
        .collect();
    toggle_all(app, ids);
    say_selected(app);
}

/// Selects the group of the selected session for batch actions, as far as it fits the filter.
pub fn select_group(app: &mut App) {
    app.sessions.arrange(&app.data);
    if refuse_similar(app) {
        return;
    }
    let group = app.sessions.heading;
    let Some(group) = group.or_else(|| app.selected_session().map(Group::of)) else {
        return;
    };
    let ids = app.sessions.members(&app.data, group);
    toggle_all(app, ids);
    say_selected(app);
}

/// What only resembles the filter is not selected by a key that takes them all. Says so.
fn refuse_similar(app: &mut App) -> bool {
    let refused = app.sessions.is_similar_only;
    if refused {
        let words = "No session matches exactly; select similar ones one by one (space)";
        notify(app, Tone::Bad, words.to_owned());
    }
    refused
}

fn toggle_all(app: &mut App, ids: Vec<String>) {
    let marked = &mut app.sessions.marked;
    if ids.iter().all(|id| marked.contains(id)) {
        for id in &ids {
            marked.remove(id);
        }
    } else {
        marked.extend(ids);
    }
}

fn say_selected(app: &mut App) {
    let words = match app.sessions.marked.len() {
        0 => "Nothing selected".to_owned(),
        1 => "1 session selected".to_owned(),
        count => format!("{count} sessions selected"),
    };
    notify(app, Tone::Plain, words);
}

/// Goes to the next unread session, from the top again after the last one.
pub fn next_unread(app: &mut App) {
    app.sessions.arrange(&app.data);
    let unread = &app.launch.memory.unread;
    let shown: Vec<&str> = app.sessions.ids().collect();
    let here = app.sessions.selected.as_deref();
    let here = here.and_then(|here| shown.iter().position(|id| *id == here));
    let (before, after) = shown.split_at(here.map_or(0, |here| here + 1));
    let next = after
        .iter()
        .chain(before)
        .find(|id| unread.contains(**id) && Some(**id) != app.sessions.selected.as_deref());
    match next.map(|id| (*id).to_owned()) {
        Some(next) => select::session(app, next),
        None => notify(app, Tone::Plain, "No unread sessions"),
    }
}

/// Sorts by something else.
pub fn sort(app: &mut App) {
    sort_by(app, app.sessions.sort.next());
}

/// Puts the list in this order.
pub fn sort_by(app: &mut App, sort: Sort) {
    app.sessions.sort = sort;
    app.sessions.scrolled_away = false;
    app.sessions.stale();
    let words = format!("Sorted by {}", app.sessions.sort.words());
    notify(app, Tone::Plain, words);
}

/// Shows archived sessions, or hides them.
pub fn show_archived(app: &mut App) {
    app.sessions.show_archived = !app.sessions.show_archived;
    app.sessions.stale();
    app.sessions.arrange(&app.data);
    let words = match (app.sessions.show_archived, app.sessions.counts.archived) {
        (true, _) => "Showing archived sessions".to_owned(),
        (false, away) => format!("{away} archived, hidden"),
    };
    notify(app, Tone::Plain, words);
}

/// After the filter changed: something that fits it is selected.
pub fn filtered(app: &mut App) -> Vec<Effect> {
    app.sessions.stale();
    app.sessions.arrange(&app.data);
    let first = app.sessions.ids().next().map(str::to_owned);
    if let (None, Some(first)) = (app.sessions.position(&app.data), first) {
        select::target(app, Target::Session(first));
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::{Value, json};

    use crate::tui::state::sessions::Row;
    use crate::tui::testing::{TuiHarness, session};

    /// Two that work and two that are done, in this order.
    fn four() -> TuiHarness {
        let at = |minute: u32| format!("2026-03-01T11:{minute:02}:00Z");
        TuiHarness::new(
            (140, 40),
            &[
                session(
                    "w1",
                    json!({"last_activity_at": at(50), "title": "Fix the login"}),
                ),
                session(
                    "w2",
                    json!({"last_activity_at": at(40), "title": "Write docs"}),
                ),
                session("d1", done(&at(30), "Bump versions")),
                session("d2", done(&at(20), "Log in again")),
            ],
            &[],
        )
    }

    fn done(at: &str, title: &str) -> Value {
        json!({"status": "completed", "last_activity_at": at, "title": title, "live": false})
    }

    fn rows(tui: &mut TuiHarness) -> Vec<String> {
        tui.app.sessions.arrange(&tui.app.data);
        let words = |row: &Row| match row {
            Row::Heading {
                group,
                count,
                folded,
            } => {
                let fold = if *folded { "folded" } else { "" };
                format!("{} {count} {fold}", group.title())
                    .trim()
                    .to_owned()
            }
            Row::Session { id, depth } => format!("{}{id}", "  ".repeat(*depth)),
        };
        tui.app.sessions.rows().iter().map(words).collect()
    }

    fn selected(tui: &TuiHarness) -> String {
        match (&tui.app.sessions.selected, tui.app.sessions.heading) {
            (Some(id), None) => id.clone(),
            (None, Some(group)) => group.title().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn steps_go_over_sessions_and_folded_headings() {
        let mut tui = four();
        for (keys, then) in [
            ("j", "w2"),
            ("j", "d1"),
            ("k k", "w1"),
            ("k", "w1"),
            ("G", "d2"),
            ("j", "d2"),
            ("g", "w1"),
            ("h", "Running"),
            ("j", "d1"),
            ("k", "Running"),
            ("l", "w1"),
            ("h l", "w1"),
            ("pagedown", "d2"),
            ("pageup", "w1"),
            ("G left", "Completed"),
            ("k", "w2"),
            ("j", "Completed"),
            ("enter", "d1"),
        ] {
            tui.keys(keys);
            assert_eq!(selected(&tui), then, "after {keys}");
        }
    }

    #[test]
    fn a_folded_group_shows_its_heading_only_and_no_session_is_meant_by_it() {
        let mut tui = four();
        tui.keys("h");
        assert_eq!(
            rows(&mut tui),
            ["Running 2 folded", "Completed 2", "d1", "d2"]
        );
        let effects = tui.keys("x i R");
        assert_eq!(effects, [], "nothing is done to a session");
        assert!(tui.app.form.is_none());
        assert!(tui.screen().contains("No session selected"));
    }

    #[test]
    fn marks_are_for_sessions_and_by_its_heading_for_a_group() {
        let mut tui = four();
        let marked = |tui: &TuiHarness| tui.app.sessions.marked.iter().cloned().collect::<Vec<_>>();
        tui.keys("space");
        assert_eq!(
            (marked(&tui), selected(&tui).as_str()),
            (vec!["w1".to_owned()], "w2")
        );
        tui.keys("G h space");
        assert_eq!(marked(&tui), ["d1", "d2", "w1"]);
        tui.keys("space");
        assert_eq!(marked(&tui), ["w1"]);
        tui.keys("esc");
        assert_eq!(marked(&tui), [""; 0]);
    }

    #[test]
    fn a_whole_group_and_everything_a_filter_shows_are_selected_by_a_key() {
        let mut tui = four();
        let marked = |tui: &TuiHarness| tui.app.sessions.marked.iter().cloned().collect::<Vec<_>>();
        tui.keys("V");
        assert_eq!(marked(&tui), ["w1", "w2"]);
        tui.keys("V");
        assert_eq!(marked(&tui), [""; 0]);
        tui.keys("ctrl-a");
        assert_eq!(marked(&tui), ["d1", "d2", "w1", "w2"]);
        tui.keys("ctrl-a G h ctrl-a");
        assert_eq!(marked(&tui).len(), 4, "what is folded, too");
        tui.keys("esc /");
        tui.type_in("log");
        tui.keys("enter ctrl-a");
        assert_eq!(marked(&tui), ["d2", "w1"]);
        assert!(
            tui.screen().contains("2 sessions selected"),
            "{}",
            tui.screen()
        );
    }

    #[test]
    fn what_only_resembles_a_filter_is_marked_as_that_and_never_selected_all_at_once() {
        let mut tui = four();
        tui.keys("/");
        tui.type_in("lgin");
        tui.keys("enter");
        let screen = tui.screen();
        assert!(screen.contains("no exact match, similar:"), "{screen}");
        for keys in ["ctrl-a", "V"] {
            tui.keys(keys);
            assert!(tui.app.sessions.marked.is_empty(), "{keys}");
            assert!(
                tui.screen().contains("No session matches exactly"),
                "{}",
                tui.screen()
            );
        }
        tui.keys("space");
        assert_eq!(tui.app.sessions.marked.len(), 1, "one by one");
        tui.keys("esc esc /");
        tui.type_in("login");
        tui.keys("enter");
        assert!(!tui.screen().contains("no exact match"), "{}", tui.screen());
    }

    #[test]
    fn the_sessions_with_the_very_words_come_first_and_alone() {
        let mut sessions: Vec<Value> = (1..=187)
            .map(|n| {
                session(
                    &format!("s{n:03}"),
                    json!({"title": format!("Session number {n}")}),
                )
            })
            .collect();
        sessions.push(session("near", json!({"title": "A numeral, 7 of 7"})));
        let mut tui = TuiHarness::new((140, 40), &sessions, &[]);
        tui.keys("/");
        tui.type_in("number 77");
        assert_eq!(rows(&mut tui), ["Running 2", "s077", "s177"]);
        assert_eq!(selected(&tui), "s077");
        // Only where nothing has the very words letters may be left out.
        tui.keys("esc /");
        tui.type_in("nmbr 7");
        let found = rows(&mut tui);
        assert!(
            found.len() > 10 && found.contains(&"s007".to_owned()),
            "{found:?}"
        );
    }

    #[test]
    fn the_selection_stays_when_the_order_changes_and_goes_on_when_its_session_does() {
        let mut tui = four();
        tui.keys("j");
        let ended = session("w2", done("2026-03-01T11:59:00Z", "Write docs"));
        tui.event(
            "session_updated",
            json!({"session_id": "w2", "session": ended}),
        );
        tui.draw();
        assert_eq!(
            rows(&mut tui),
            ["Running 1", "w1", "Completed 3", "w2", "d1", "d2"]
        );
        assert_eq!(selected(&tui), "w2");
        let mut away = ended;
        away["archived"] = json!(true);
        tui.event(
            "session_updated",
            json!({"session_id": "w2", "session": away}),
        );
        tui.draw();
        assert_eq!(selected(&tui), "d1", "what took its place");
        tui.keys("A");
        assert_eq!(rows(&mut tui).last().unwrap(), "w2");
        tui.keys("G A");
        assert_eq!(selected(&tui), "d2");
    }

    #[test]
    fn the_filter_fits_as_it_is_typed_and_selects_what_fits() {
        let mut tui = four();
        tui.keys("/");
        tui.type_in("log");
        assert_eq!(rows(&mut tui), ["Running 1", "w1", "Completed 1", "d2"]);
        tui.type_in(" in ag");
        assert_eq!(rows(&mut tui), ["Completed 1", "d2"]);
        assert_eq!(selected(&tui), "d2");
        assert!(tui.screen().contains("1 of 4"), "{}", tui.screen());
        tui.keys("enter h");
        assert_eq!(
            rows(&mut tui).len(),
            2,
            "nothing folds while it is filtered"
        );
        tui.keys("esc");
        assert_eq!((rows(&mut tui).len(), selected(&tui).as_str()), (6, "d2"));
    }

    #[test]
    fn a_session_that_was_started_here_is_selected_though_its_record_comes_later() {
        use crate::tui::msg::{EffectResult, Msg};
        let mut tui = four();
        tui.tell(Msg::Done(EffectResult::Started(Ok("new"
            .to_owned()
            .into()))));
        assert_eq!(selected(&tui), "new");
        let record = serde_json::from_value(session("new", json!({}))).unwrap();
        tui.tell(Msg::Done(EffectResult::Session(Ok(Box::new(record)))));
        assert_eq!(selected(&tui), "new");
    }

    #[test]
    fn the_keys_go_to_the_session_that_was_started_also_where_another_one_asks() {
        use crate::tui::msg::{EffectResult, Msg};
        use crate::tui::state::Pane;
        use crate::tui::testing::approval;
        let sessions = [session("s1", json!({}))];
        let mut tui = TuiHarness::new((80, 24), &sessions, &[approval("a1", "s1", json!({}))]);
        assert_eq!(tui.app.focus, Pane::Inbox);
        tui.keys("c h i enter");
        tui.tell(Msg::Done(EffectResult::Started(Ok("new"
            .to_owned()
            .into()))));
        let record = serde_json::from_value(session("new", json!({}))).unwrap();
        tui.tell(Msg::Done(EffectResult::Session(Ok(Box::new(record)))));
        assert_eq!(selected(&tui), "new");
        assert_eq!(tui.app.focus, Pane::Sessions);
        let screen = tui.screen();
        assert!(screen.contains("c new  enter open"), "{screen}");
    }

    #[test]
    fn children_stand_below_their_parent_in_its_group() {
        let child = |id: &str, parent: &str, status: &str| {
            session(id, json!({"parent_session_id": parent, "status": status}))
        };
        let mut tui = TuiHarness::new(
            (140, 40),
            &[
                child("c", "b", "completed"),
                child("b", "a", "completed"),
                session("a", json!({"status": "completed", "title": "The first"})),
                child("w", "a", "running"),
            ],
            &[],
        );
        assert_eq!(
            rows(&mut tui),
            ["Running 1", "w", "Completed 3", "a", "  b", "    c"]
        );
        assert!(tui.screen().contains("↳ the work of w"), "{}", tui.screen());
    }

    #[test]
    fn a_family_stands_where_its_most_active_member_would() {
        let done = |id: &str, parent: Value, minute: u32| {
            let at = format!("2026-03-01T11:{minute:02}:00Z");
            session(
                id,
                json!({"parent_session_id": parent, "status": "completed",
                "last_activity_at": at}),
            )
        };
        let mut tui = TuiHarness::new(
            (140, 40),
            &[
                done("old", json!(null), 1),
                done("new", json!("old"), 30),
                done("between", json!(null), 20),
                // A circle cannot be; it is shown all the same.
                done("x", json!("y"), 3),
                done("y", json!("x"), 2),
            ],
            &[],
        );
        assert_eq!(
            rows(&mut tui),
            ["Completed 5", "old", "  new", "between", "y", "  x"]
        );
    }

    #[test]
    fn the_rows_are_made_once_a_frame_however_much_happens() {
        let mut tui = four();
        let before = tui.app.sessions.rebuild_count;
        for _ in 0..50 {
            let state = session("w1", json!({}));
            tui.event(
                "session_updated",
                json!({"session_id": "w1", "session": state}),
            );
        }
        tui.draw();
        tui.draw();
        assert_eq!(tui.app.sessions.rebuild_count - before, 1);
    }
}
