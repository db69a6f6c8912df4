//! Sessions to be launched: opening the prompt line and the form, and what becomes of what was sent.

use super::{Effect, notify};
use crate::protocol::session::GetAgentInfoParams;
use crate::tui::forms::launch::{LaunchRequest, Launching, Slot};
use crate::tui::forms::{self, Field, Form};
use crate::tui::msg::Failure;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Pane};

/// Goes to the prompt line: what is typed there starts where the selected session works, unless it was
/// begun for somewhere else.
pub fn open_prompt(app: &mut App) -> Vec<Effect> {
    app.focus = Pane::Prompt;
    app.detail.open = false;
    if app.launch.prompt.is_blank() {
        start_beside_selected(app);
    }
    Vec::new()
}

/// New sessions start where the selected one works, if somebody has selected it; else where the dashboard does.
fn start_beside_selected(app: &mut App) {
    let is_chosen = !app.sessions.is_untouched;
    let selected = app
        .selected_session()
        .filter(|session| is_chosen && !session.external);
    let directory = selected.and_then(|session| session.working_dir.clone());
    app.launch.place = directory.filter(|directory| !directory.is_empty());
}

/// Opens the form: as it was left, else with the last settings and what the prompt line has.
pub fn open_form(app: &mut App) -> Vec<Effect> {
    let typed = app.launch.prompt.text();
    if app.focus != Pane::Prompt && app.launch.prompt.is_blank() {
        start_beside_selected(app);
    }
    let mut form = match app.launch.draft.take() {
        Some(draft) => *draft,
        None => Launching::new(&app.launch.settings(&app.directory), ""),
    };
    if !typed.trim().is_empty() {
        form.field_mut(Slot::Query).set(&typed);
        app.launch.prompt = Field::default();
    }
    let directory = form.line(Slot::Directory);
    form.field_mut(Slot::Directory)
        .set(&app.relative_to_home(&directory));
    form.offer_modes(&app.launch.modes);
    app.launch.completion.close();
    app.form = Some(Form::Launch(Box::new(form)));
    // The agent may have been upgraded since; the daemon knows whether.
    let about_agent = GetAgentInfoParams {
        path: app.launch.environment.get("PATH").cloned(),
    };
    vec![Effect::RecentPaths, Effect::AgentInfo(about_agent)]
}

/// The installed agent's permission modes are known: the form offers those.
pub fn offer_modes(app: &mut App, modes: Vec<String>) {
    if modes.is_empty() {
        return;
    }
    if let Some(Form::Launch(form)) = &mut app.form {
        form.offer_modes(&modes);
    }
    app.launch.modes = modes;
}

/// Starts what the form asks for.
pub fn start_form(app: &mut App, form: Box<Launching>, wanted: LaunchRequest) -> Vec<Effect> {
    let id = app.fresh_id.to_string();
    let launch = &app.launch;
    let mut params = launch.params(&wanted.query, &wanted.template, &app.directory, id.clone());
    params.title = wanted.title;
    let launch = &mut app.launch;
    launch.sent.push((id, form));
    launch.memory.query(&wanted.query);
    app.focus = Pane::Sessions;
    vec![
        Effect::Launch(Box::new(params)),
        Effect::SaveMemory(Box::new(app.launch.memory.clone())),
    ]
}

/// A session was started: its form is done with, and the next one is started in the same way.
pub fn started(app: &mut App, id: &str) -> Vec<Effect> {
    let launch = &mut app.launch;
    let Some(at) = launch.sent.iter().position(|(sent, _)| sent == id) else {
        return Vec::new();
    };
    let (_, form) = launch.sent.remove(at);
    if let Ok(wanted) = form.wanted(&app.directory, app.home.as_deref()) {
        launch.memory.settings(&wanted.template);
        launch.place = Some(wanted.template.directory);
    }
    vec![Effect::SaveMemory(Box::new(launch.memory.clone()))]
}

/// A session was not started: what was typed is shown again, or kept where something else is open.
pub fn refused(app: &mut App, id: &str, query: &str, failure: &Failure) {
    let why = failure.why();
    let launch = &mut app.launch;
    let sent = launch.sent.iter().position(|(sent, _)| sent == id);
    match sent.map(|at| launch.sent.remove(at).1) {
        Some(mut form) => {
            let slot = if why.contains("working_dir") {
                Slot::Directory
            } else {
                Slot::Query
            };
            form.at = slot;
            // The field has its name on the screen already.
            let said = why
                .split_once("working_dir: ")
                .map_or(why, |(_, rest)| rest);
            form.problem = Some((slot, said.to_owned()));
            if app.form.is_none() {
                app.form = Some(Form::Launch(form));
            } else {
                launch.draft = Some(form);
            }
        }
        None if launch.prompt.is_blank() => {
            launch.prompt.set(query);
            if app.form.is_none() && app.focus == Pane::Sessions {
                app.focus = Pane::Prompt;
            }
        }
        // Something else is being typed; the query is the newest of the history.
        None => {}
    }
    notify(app, Tone::Bad, failure.said_as("not started"));
}

/// Names that a path can be completed with, for whoever asked.
pub fn completions(app: &mut App, of: &str, found: Vec<String>) {
    match &mut app.form {
        Some(Form::Launch(form)) => {
            let recent = match form.at {
                Slot::Directory => forms::launch::recent_for(of, &app.launch.recent),
                _ => Vec::new(),
            };
            let known: Vec<String> = recent
                .into_iter()
                .map(|path| shorten(&app.home, path))
                .collect();
            let rest = found.into_iter().filter(|path| {
                let bare = path.trim_end_matches('/');
                !known
                    .iter()
                    .any(|known| known.trim_end_matches('/') == bare)
            });
            let rest: Vec<String> = rest.collect();
            form.completion
                .take(of, rest.into_iter().chain(known).collect());
        }
        Some(_) => {}
        None => app.launch.completion.take(of, found),
    }
}

/// A path from home.
fn shorten(home: &Option<String>, path: String) -> String {
    match home.as_deref().and_then(|home| path.strip_prefix(home)) {
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        Some(_) | None => path,
    }
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
    use crate::tui::msg::{EffectResult, Msg};
    use crate::tui::testing::{TuiHarness, session};

    fn tui() -> TuiHarness {
        let in_directory = |id: &str, directory: &str, minute: u32| {
            let at = format!("2026-03-01T11:{minute:02}:00Z");
            session(
                id,
                json!({"working_dir": directory, "last_activity_at": at}),
            )
        };
        let bot = json!({"external": true, "asker": "bot", "working_dir": "/elsewhere",
            "last_activity_at": "2026-03-01T11:01:00Z"});
        TuiHarness::new(
            (140, 40),
            &[
                in_directory("web", "/home/me/src/web", 50),
                in_directory("infra", "/home/me/src/infra", 40),
                session("bot", bot),
            ],
            &[],
        )
    }

    fn launched(effects: &[Effect]) -> Option<(String, Option<String>)> {
        effects.iter().find_map(|effect| match effect {
            Effect::Launch(params) => Some((params.query.clone(), params.working_dir.clone())),
            _ => None,
        })
    }

    #[test]
    fn a_session_starts_where_the_selected_one_works_and_the_prompt_line_says_where() {
        for (keys, shown, directory) in [
            // Nobody has chosen what is selected at first.
            ("c", "~/src/api", "/home/me/src/api"),
            ("j k c", "~/src/web", "/home/me/src/web"),
            ("j c", "~/src/infra", "/home/me/src/infra"),
            // Another program's run has no place for us: the dashboard's own directory.
            ("G c", "~/src/api", "/home/me/src/api"),
            // What was begun for one place stays there, whatever is selected meanwhile.
            ("j k c x esc j c", "~/src/web", "/home/me/src/web"),
        ] {
            let mut tui = tui();
            tui.keys(keys);
            tui.type_in("do it");
            let screen = tui.screen();
            let title = screen.lines().find(|line| line.contains("New session"));
            assert!(title.unwrap().contains(shown), "{keys}: {screen}");
            let (_, started) = launched(&tui.keys("enter")).unwrap();
            assert_eq!(started.as_deref(), Some(directory), "{keys}");
        }
    }

    #[test]
    fn the_prompt_line_becomes_the_form_where_directory_and_options_are_chosen() {
        let mut tui = tui();
        tui.keys("j c");
        tui.type_in("do it");
        tui.keys("ctrl-o");
        let screen = tui.screen();
        assert!(
            screen.contains("~/src/infra")
                && screen.contains("do it")
                && screen.contains("Max turns"),
            "{screen}"
        );
    }

    #[test]
    fn enter_takes_the_completion_and_starts_nothing_with_half_a_path() {
        let found = |tui: &mut TuiHarness, of: &str, found: &[&str]| {
            let found = found.iter().map(ToString::to_string).collect();
            let of = of.to_owned();
            tui.tell(Msg::Done(EffectResult::Completions { of, found }));
            tui.draw();
        };
        let mut tui = tui();
        tui.keys("c");
        tui.type_in("look at @src/ma");
        found(&mut tui, "src/ma", &["src/main.rs", "src/map.rs"]);
        assert_eq!(launched(&tui.keys("enter")), None);
        assert_eq!(tui.app.launch.prompt.text(), "look at @src/main.rs ");
        let (query, _) = launched(&tui.keys("enter")).unwrap();
        assert_eq!(query, "look at @src/main.rs ");
        // A directory is taken too, and the next enter starts.
        tui.keys("c");
        tui.type_in("look at @s");
        found(&mut tui, "s", &["src/", "setup.py"]);
        assert_eq!(launched(&tui.keys("enter")), None);
        assert_eq!(tui.app.launch.prompt.text(), "look at @src/");
        assert!(launched(&tui.keys("enter")).is_some());
        // What is typed out is no half a path, though longer ones begin with it.
        tui.keys("c");
        tui.type_in("look at @src/main.rs");
        found(&mut tui, "src/main.rs", &["src/main.rs", "src/main.rs.bak"]);
        assert!(launched(&tui.keys("enter")).is_some());
    }
}
