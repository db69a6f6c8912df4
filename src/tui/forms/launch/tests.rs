//! Starting a session: the prompt line and the form, key by key.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::json;

use crate::protocol::session::LaunchSessionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::Form;
use crate::tui::forms::launch::Slot;
use crate::tui::memory::Memory;
use crate::tui::msg::{EffectResult, Failure, LaunchSource, Msg, Refused};
use crate::tui::state::Pane;
use crate::tui::testing::{TuiHarness, session};

fn tui() -> TuiHarness {
    TuiHarness::new((80, 24), &[session("s1", json!({}))], &[])
}

/// What is launched.
fn launched(effects: &[Effect]) -> LaunchSessionParams {
    let launches = effects.iter().filter_map(|effect| match effect {
        Effect::Launch(params) => Some((**params).clone()),
        _ => None,
    });
    let mut launches: Vec<_> = launches.collect();
    assert_eq!(launches.len(), 1, "{effects:?}");
    launches.remove(0)
}

fn remembered(effects: &[Effect]) -> Option<Memory> {
    effects.iter().find_map(|effect| match effect {
        Effect::SaveMemory(what) => Some((**what).clone()),
        _ => None,
    })
}

/// What was asked to be completed: the piece, and where relative paths begin.
fn asked(effects: &[Effect]) -> Option<(&str, &str)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Complete { typed, base, .. } => Some((typed.as_str(), base.as_str())),
        _ => None,
    })
}

fn offer(tui: &mut TuiHarness, of: &str, found: &[&str]) {
    let found = found.iter().map(ToString::to_string).collect();
    let of = of.to_owned();
    tui.tell(Msg::Done(EffectResult::Completions { of, found }));
    tui.draw();
}

fn at(tui: &TuiHarness) -> Slot {
    match &tui.app.form {
        Some(Form::Launch(form)) => form.at,
        other => panic!("{other:?}"),
    }
}

fn text(tui: &TuiHarness, slot: Slot) -> String {
    match &tui.app.form {
        Some(Form::Launch(form)) => form.field(slot).text(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_enter_launches_with_the_last_settings_here() {
    let mut tui = tui();
    tui.app.launch.memory.last.model = "opus".to_owned();
    tui.app.launch.memory.last.directory = "/elsewhere".to_owned();
    tui.keys("c");
    tui.type_in("fix it");
    assert!(
        tui.screen().contains("~/src/api · opus · default"),
        "{}",
        tui.screen()
    );
    let effects = tui.keys("enter");
    let params = launched(&effects);
    assert_eq!(params.query, "fix it");
    assert_eq!(params.model.as_deref(), Some("opus"));
    assert_eq!(params.working_dir.as_deref(), Some("/home/me/src/api"));
    assert_eq!(params.approvals, Some(true));
    assert_eq!(remembered(&effects).unwrap().history, ["fix it"]);
    assert_eq!(tui.app.focus, Pane::Sessions);
    assert!(tui.app.launch.prompt.is_blank());
}

#[test]
fn the_prompt_line_grows_with_its_lines() {
    let mut tui = tui();
    tui.keys("c");
    tui.type_in("one");
    for _ in 0..6 {
        tui.keys("alt-enter");
        tui.type_in("more");
        tui.keys("ctrl-j");
        tui.type_in("and more");
    }
    let screen = tui.screen();
    let shown = screen.lines().filter(|line| line.contains("more")).count();
    assert_eq!(shown, 5, "{screen}");
    assert_eq!(launched(&tui.keys("enter")).query.lines().count(), 13);
}

#[test]
fn the_history_is_gone_through_and_what_was_typed_comes_back() {
    let mut tui = tui();
    tui.app.launch.memory.history = vec!["first".to_owned(), "second".to_owned()];
    tui.keys("c");
    tui.type_in("half");
    for (keys, shown) in [
        ("up", "second"),
        ("up", "first"),
        ("up", "first"),
        ("down", "second"),
        ("down", "half"),
        ("down", "half"),
    ] {
        tui.keys(keys);
        assert_eq!(tui.app.launch.prompt.text(), shown, "after {keys}");
    }
    tui.keys("up");
    assert_eq!(launched(&tui.keys("enter")).query, "second");
}

#[test]
fn a_file_is_completed_in_the_prompt_line() {
    let mut tui = tui();
    tui.keys("c");
    tui.type_in("see ");
    assert_eq!(asked(&tui.press("@")), Some(("", "/home/me/src/api")));
    assert_eq!(asked(&tui.press("s")).map(|(typed, _)| typed), Some("s"));
    offer(&mut tui, "s", &["setup.py", "src/"]);
    insta::assert_snapshot!("prompt_completion_80", tui.screen());
    tui.keys("down down");
    let effects = tui.keys("enter");
    assert_eq!(tui.app.launch.prompt.text(), "see @src/");
    assert_eq!(effects, [], "the next Enter launches");
    tui.keys("backspace");
    offer(&mut tui, "src", &["src/"]);
    let effects = tui.keys("tab");
    assert_eq!(
        asked(&effects).map(|(typed, _)| typed),
        Some("src/"),
        "tab goes on within"
    );
    offer(&mut tui, "src/", &["src/main.rs"]);
    tui.keys("esc");
    assert_eq!(tui.app.focus, Pane::Prompt, "the list is closed first");
    // Nothing is chosen: Enter launches what is typed.
    assert_eq!(launched(&tui.keys("enter")).query, "see @src/");
}

#[test]
fn what_was_not_launched_comes_back() {
    let mut tui = tui();
    tui.keys("c");
    tui.type_in("fix it");
    let id = launched(&tui.keys("enter")).session_id.unwrap();
    let refuse = |tui: &mut TuiHarness, id: &str| {
        let refused = Refused {
            query: "fix it".to_owned(),
            by: LaunchSource::New(id.to_owned()),
            why: Failure::NotDone("no claude".to_owned()),
        };
        tui.tell(Msg::Done(EffectResult::Started(Err(refused))));
    };
    refuse(&mut tui, &id);
    assert_eq!(tui.app.launch.prompt.text(), "fix it");
    assert!(tui.screen().contains("not started: no claude"));
    // Where something else is being typed by then, the history has it.
    tui.keys("ctrl-k");
    tui.app.launch.prompt.set("another");
    refuse(&mut tui, &id);
    assert_eq!(tui.app.launch.prompt.text(), "another");
    assert_eq!(tui.app.launch.memory.history, ["fix it"]);
}

#[test]
fn the_form_offers_the_modes_of_the_installed_agent() {
    let mut tui = tui();
    let effects = tui.keys("C");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::AgentInfo(_)))
    );
    // As 2.1.332 lists them; its default has another name.
    let modes = [
        "acceptEdits",
        "auto",
        "bypassPermissions",
        "manual",
        "dontAsk",
        "plan",
    ];
    let modes: Vec<String> = modes.map(str::to_owned).to_vec();
    tui.tell(Msg::Done(EffectResult::PermissionModes(modes)));
    tui.type_in("do it");
    tui.keys("tab tab");
    let mode = |tui: &TuiHarness| match &tui.app.form {
        Some(Form::Launch(form)) => form.line(Slot::Mode),
        other => panic!("{other:?}"),
    };
    assert_eq!(mode(&tui), "manual");
    let mut seen = Vec::new();
    for _ in 0..6 {
        tui.keys("right");
        seen.push(mode(&tui));
    }
    assert_eq!(
        seen,
        [
            "acceptEdits",
            "auto",
            "bypassPermissions",
            "dontAsk",
            "plan",
            "manual"
        ]
    );
    // The default is not asked for by name, so that it is each version's own.
    let effects = tui.keys("enter");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Launch(params) => Some(params.permission_mode.clone()),
        _ => None,
    });
    assert_eq!(asked, Some(None), "{effects:?}");
    // The next form has them at once, also while nothing is known again.
    tui.tell(Msg::Done(EffectResult::PermissionModes(Vec::new())));
    tui.keys("C");
    assert_eq!(mode(&tui), "manual");
}

#[test]
fn every_field_of_the_form_is_typed_and_asked_for() {
    let mut tui = tui();
    let effects = tui.keys("C");
    assert!(effects.contains(&Effect::RecentPaths));
    insta::assert_snapshot!("form_empty_80", tui.screen());
    tui.type_in("do it");
    tui.keys("alt-enter");
    tui.type_in("well");
    tui.keys("tab");
    tui.type_in("son");
    tui.keys("tab");
    assert_eq!(text(&tui, Slot::Model), "sonnet", "completed");
    tui.keys("tab right right tab right tab");
    tui.type_in("../web");
    tui.keys("tab");
    tui.type_in("Read, Gre");
    tui.keys("tab");
    assert_eq!(text(&tui, Slot::Allowed), "Read, Grep");
    tui.keys("tab");
    tui.type_in("Bash(rm:*)");
    tui.keys("tab");
    tui.type_in("be brief");
    tui.keys("down");
    tui.type_in("12");
    tui.keys("down");
    tui.type_in("The title");
    insta::assert_snapshot!("form_full_80", tui.screen());
    let effects = tui.keys("enter");
    let params = launched(&effects);
    assert_eq!(params.query, "do it\nwell");
    assert_eq!(params.working_dir.as_deref(), Some("/home/me/src/api"));
    assert_eq!(params.model.as_deref(), Some("sonnet"));
    assert_eq!(params.permission_mode.as_deref(), Some("plan"));
    assert_eq!(params.isolation, Some(true));
    let list = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        params.additional_directories,
        list(&["/home/me/src/api/../web"])
    );
    assert_eq!(params.allowed_tools, list(&["Read", "Grep"]));
    assert_eq!(params.disallowed_tools, list(&["Bash(rm:*)"]));
    assert_eq!(params.append_system_prompt.as_deref(), Some("be brief"));
    assert_eq!(params.max_turns, Some(12));
    assert_eq!(params.title.as_deref(), Some("The title"));
    // Once it runs, the next one starts in the same way.
    assert_eq!(tui.app.launch.memory.last.model, "");
    let effects = tui.tell(Msg::Done(EffectResult::Started(Ok(params
        .session_id
        .unwrap()
        .into()))));
    let last = remembered(&effects).unwrap().last;
    assert_eq!(
        (last.model.as_str(), last.permission_mode.as_str()),
        ("sonnet", "plan")
    );
    tui.keys("c");
    assert!(
        tui.screen().contains("~/src/api · sonnet · plan"),
        "{}",
        tui.screen()
    );
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let mut tui = tui();
    let effects = tui.keys("C enter");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Launch(_)))
    );
    assert!(tui.screen().contains("Prompt: must not be empty"));
    tui.type_in("do it");
    tui.keys("shift-tab shift-tab shift-tab");
    assert_eq!(at(&tui), Slot::Turns);
    tui.type_in("many");
    tui.keys("down enter");
    assert_eq!(at(&tui), Slot::Turns, "goes where it is wrong");
    insta::assert_snapshot!("form_wrong_80", tui.screen());
}

#[test]
fn a_form_that_was_refused_opens_again_with_all_that_was_typed() {
    let mut tui = tui();
    tui.keys("C up");
    tui.keys("ctrl-k");
    tui.type_in("/nope");
    tui.keys("down");
    tui.type_in("do it");
    let params = launched(&tui.keys("enter"));
    let refused = |id: String| Refused {
        query: "do it".to_owned(),
        by: LaunchSource::New(id),
        why: Failure::NotDone("working_dir: /nope: No such file or directory".to_owned()),
    };
    let id = params.session_id.unwrap();
    tui.tell(Msg::Done(EffectResult::Started(Err(refused(id)))));
    assert_eq!(
        (at(&tui), text(&tui, Slot::Query)),
        (Slot::Directory, "do it".to_owned())
    );
    let screen = tui.screen();
    assert!(
        screen.contains("Directory: /nope: No such file or directory"),
        "{screen}"
    );
    // And where another form is open by then, it waits for `C`.
    let id = launched(&tui.keys("enter")).session_id.unwrap();
    tui.keys("?");
    tui.tell(Msg::Done(EffectResult::Started(Err(refused(id)))));
    assert!(matches!(tui.app.form, Some(Form::Help(_))));
    tui.keys("esc C");
    assert_eq!(text(&tui, Slot::Query), "do it");
}

#[test]
fn esc_goes_back_a_step_and_keeps_what_was_typed() {
    let mut tui = tui();
    tui.keys("c");
    tui.type_in("from the line");
    tui.keys("esc C");
    assert_eq!(text(&tui, Slot::Query), "from the line");
    assert!(tui.app.launch.prompt.is_blank());
    tui.keys("tab");
    tui.type_in("o");
    tui.keys("esc");
    assert!(tui.app.form.is_some(), "the list first");
    tui.keys("ctrl-s esc");
    assert!(tui.app.form.is_some(), "then the name");
    tui.keys("esc");
    assert!(tui.app.form.is_none());
    tui.keys("C");
    assert_eq!(text(&tui, Slot::Query), "from the line");
    assert_eq!(text(&tui, Slot::Model), "o");
}

#[test]
fn directories_are_completed_and_those_used_lately_offered() {
    let mut tui = tui();
    tui.keys("C up");
    let recent = vec!["/home/me/src/web".to_owned(), "/srv/web".to_owned()];
    tui.tell(Msg::Done(EffectResult::RecentPaths(recent)));
    tui.keys("ctrl-n");
    assert_eq!(text(&tui, Slot::Directory), "~/src/web");
    tui.keys("ctrl-n");
    assert_eq!(text(&tui, Slot::Directory), "/srv/web");
    tui.keys("home ctrl-k");
    let effects = tui.press("w");
    assert_eq!(asked(&effects), Some(("w", "/home/me/src/api")));
    offer(&mut tui, "w", &["www/"]);
    let screen = tui.screen();
    for offered in ["www/", "~/src/web", "/srv/web"] {
        assert!(screen.contains(offered), "{screen}");
    }
    insta::assert_snapshot!("form_directory_80", screen);
    tui.keys("down down tab");
    assert_eq!(text(&tui, Slot::Directory), "~/src/web");
    // Files of the query are looked for in that directory.
    tui.keys("down");
    assert_eq!(asked(&tui.press("@")), Some(("", "/home/me/src/web")));
}

#[test]
fn templates_are_saved_used_and_deleted() {
    let mut tui = tui();
    tui.keys("C");
    tui.type_in("review the branch");
    tui.keys("tab");
    tui.type_in("opus");
    tui.keys("ctrl-t");
    assert!(tui.screen().contains("No templates yet"));
    tui.keys("ctrl-s enter");
    assert!(tui.screen().contains("Name required"));
    tui.type_in("review");
    insta::assert_snapshot!("form_save_as_80", tui.screen());
    let saved = remembered(&tui.keys("enter")).unwrap();
    assert_eq!(saved.templates["review"].model, "opus");
    assert_eq!(saved.templates["review"].query, "review the branch");
    tui.app.launch.draft = None;
    tui.app.form = None;
    tui.keys("C ctrl-t");
    insta::assert_snapshot!("form_templates_80", tui.screen());
    tui.keys("enter");
    assert_eq!(text(&tui, Slot::Query), "review the branch");
    assert_eq!(text(&tui, Slot::Model), "opus");
    let effects = tui.keys("ctrl-t d");
    assert!(remembered(&effects).unwrap().templates.is_empty());
    assert_eq!(at(&tui), Slot::Query, "back to the fields: none is left");
}

#[test]
fn asking_nothing_is_said_loudly_and_not_remembered() {
    let mut tui = tui();
    tui.keys("C");
    tui.type_in("do it");
    tui.keys("tab tab left");
    let screen = tui.screen();
    assert!(screen.contains("[bypassPermissions]"), "{screen}");
    assert!(screen.contains("Permissions bypassed"), "{screen}");
    let danger = tui.app.theme.danger;
    let loud = tui.buffer().content().iter().filter(|cell| {
        let style = cell.style();
        style.bg == danger.bg && style.fg == danger.fg
    });
    assert!(loud.count() > 40, "in the looks of danger");
    let params = launched(&tui.keys("enter"));
    assert_eq!(params.permission_mode.as_deref(), Some("bypassPermissions"));
    let started = EffectResult::Started(Ok(params.session_id.unwrap().into()));
    let last = remembered(&tui.tell(Msg::Done(started))).unwrap().last;
    assert_eq!(last.permission_mode, "");
}

#[test]
fn the_editor_has_the_field_with_the_keys() {
    let mut tui = tui();
    tui.keys("C");
    tui.type_in("draft");
    let effects = tui.keys("ctrl-g");
    assert!(matches!(&effects[..], [Effect::Editor { text, .. }] if text == "draft"));
    let edited = EffectResult::Edited {
        purpose: Purpose::Field,
        text: Ok("from the editor\n".to_owned()),
    };
    tui.tell(Msg::Done(edited));
    assert_eq!(text(&tui, Slot::Query), "from the editor");
    tui.tell(Msg::Paste(" and pasted".to_owned()));
    assert_eq!(text(&tui, Slot::Query), "from the editor and pasted");
}

#[test]
fn the_form_at_both_sizes_and_low() {
    for (size, name) in [((140, 40), "form_140"), ((40, 15), "form_40x15")] {
        let mut tui = TuiHarness::new(size, &[session("s1", json!({}))], &[]);
        tui.keys("C");
        tui.type_in(
            "explain how the retry logic works, then add a test for a server that never answers",
        );
        tui.keys("shift-tab shift-tab");
        tui.type_in("At the end");
        insta::assert_snapshot!(name, tui.screen());
    }
}
