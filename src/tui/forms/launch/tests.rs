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
use crate::tui::msg::{Done, Failure, Launched, Msg, Refused};
use crate::tui::state::Pane;
use crate::tui::state::launch::Remembered;
use crate::tui::testing::{Rig, session};

fn rig() -> Rig {
    Rig::new((80, 24), &[session("s1", json!({}))], &[])
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

fn remembered(effects: &[Effect]) -> Option<Remembered> {
    effects.iter().find_map(|effect| match effect {
        Effect::Remember(what) => Some((**what).clone()),
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

fn offer(rig: &mut Rig, of: &str, found: &[&str]) {
    let found = found.iter().map(ToString::to_string).collect();
    let of = of.to_owned();
    let _ = rig.tell(Msg::Done(Done::Completions { of, found }));
    rig.draw();
}

fn at(rig: &Rig) -> Slot {
    match &rig.app.form {
        Some(Form::Launch(form)) => form.at,
        other => panic!("{other:?}"),
    }
}

fn text(rig: &Rig, slot: Slot) -> String {
    match &rig.app.form {
        Some(Form::Launch(form)) => form.field(slot).text(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_enter_launches_with_the_last_settings_here() {
    let mut rig = rig();
    rig.app.launch.remembered.last.model = "opus".to_owned();
    rig.app.launch.remembered.last.directory = "/elsewhere".to_owned();
    let _ = rig.keys("c");
    rig.type_in("fix it");
    assert!(
        rig.screen().contains("~/src/api · opus · default"),
        "{}",
        rig.screen()
    );
    let effects = rig.keys("enter");
    let params = launched(&effects);
    assert_eq!(params.query, "fix it");
    assert_eq!(params.model.as_deref(), Some("opus"));
    assert_eq!(params.working_dir.as_deref(), Some("/home/me/src/api"));
    assert_eq!(params.approvals, Some(true));
    assert_eq!(remembered(&effects).unwrap().history, ["fix it"]);
    assert_eq!(rig.app.focus, Pane::Sessions);
    assert!(rig.app.launch.prompt.is_blank());
}

#[test]
fn the_prompt_line_grows_with_its_lines() {
    let mut rig = rig();
    let _ = rig.keys("c");
    rig.type_in("one");
    for _ in 0..6 {
        let _ = rig.keys("alt-enter");
        rig.type_in("more");
        let _ = rig.keys("ctrl-j");
        rig.type_in("and more");
    }
    let screen = rig.screen();
    let shown = screen.lines().filter(|line| line.contains("more")).count();
    assert_eq!(shown, 5, "{screen}");
    assert_eq!(launched(&rig.keys("enter")).query.lines().count(), 13);
}

#[test]
fn the_history_is_gone_through_and_what_was_typed_comes_back() {
    let mut rig = rig();
    rig.app.launch.remembered.history = vec!["first".to_owned(), "second".to_owned()];
    let _ = rig.keys("c");
    rig.type_in("half");
    for (keys, shown) in [
        ("up", "second"),
        ("up", "first"),
        ("up", "first"),
        ("down", "second"),
        ("down", "half"),
        ("down", "half"),
    ] {
        let _ = rig.keys(keys);
        assert_eq!(rig.app.launch.prompt.text(), shown, "after {keys}");
    }
    let _ = rig.keys("up");
    assert_eq!(launched(&rig.keys("enter")).query, "second");
}

#[test]
fn a_file_is_completed_in_the_prompt_line() {
    let mut rig = rig();
    let _ = rig.keys("c");
    rig.type_in("see ");
    assert_eq!(asked(&rig.press("@")), Some(("", "/home/me/src/api")));
    assert_eq!(asked(&rig.press("s")).map(|(typed, _)| typed), Some("s"));
    offer(&mut rig, "s", &["setup.py", "src/"]);
    insta::assert_snapshot!("prompt_completion_80", rig.screen());
    let _ = rig.keys("down down");
    let effects = rig.keys("enter");
    assert_eq!(rig.app.launch.prompt.text(), "see @src/");
    assert_eq!(effects, [], "the next Enter launches");
    let _ = rig.keys("backspace");
    offer(&mut rig, "src", &["src/"]);
    let effects = rig.keys("tab");
    assert_eq!(
        asked(&effects).map(|(typed, _)| typed),
        Some("src/"),
        "tab goes on within"
    );
    offer(&mut rig, "src/", &["src/main.rs"]);
    let _ = rig.keys("esc");
    assert_eq!(rig.app.focus, Pane::Prompt, "the list is closed first");
    // Nothing is chosen: Enter launches what is typed.
    assert_eq!(launched(&rig.keys("enter")).query, "see @src/");
}

#[test]
fn what_was_not_launched_comes_back() {
    let mut rig = rig();
    let _ = rig.keys("c");
    rig.type_in("fix it");
    let id = launched(&rig.keys("enter")).session_id.unwrap();
    let refuse = |rig: &mut Rig, id: &str| {
        let refused = Refused {
            query: "fix it".to_owned(),
            by: Launched::Afresh(id.to_owned()),
            why: Failure::NotDone("no claude".to_owned()),
        };
        let _ = rig.tell(Msg::Done(Done::Started(Err(refused))));
    };
    refuse(&mut rig, &id);
    assert_eq!(rig.app.launch.prompt.text(), "fix it");
    assert!(rig.screen().contains("not started: no claude"));
    // Where something else is being typed by then, the history has it.
    let _ = rig.keys("ctrl-k");
    rig.app.launch.prompt.set("another");
    refuse(&mut rig, &id);
    assert_eq!(rig.app.launch.prompt.text(), "another");
    assert_eq!(rig.app.launch.remembered.history, ["fix it"]);
}

#[test]
fn the_form_offers_the_modes_of_the_installed_agent() {
    let mut rig = rig();
    let effects = rig.keys("C");
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
    let _ = rig.tell(Msg::Done(Done::PermissionModes(modes)));
    rig.type_in("do it");
    let _ = rig.keys("tab tab");
    let mode = |rig: &Rig| match &rig.app.form {
        Some(Form::Launch(form)) => form.line(Slot::Mode),
        other => panic!("{other:?}"),
    };
    assert_eq!(mode(&rig), "manual");
    let mut seen = Vec::new();
    for _ in 0..6 {
        let _ = rig.keys("right");
        seen.push(mode(&rig));
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
    let effects = rig.keys("enter");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Launch(params) => Some(params.permission_mode.clone()),
        _ => None,
    });
    assert_eq!(asked, Some(None), "{effects:?}");
    // The next form has them at once, also while nothing is known again.
    let _ = rig.tell(Msg::Done(Done::PermissionModes(Vec::new())));
    let _ = rig.keys("C");
    assert_eq!(mode(&rig), "manual");
}

#[test]
fn every_field_of_the_form_is_typed_and_asked_for() {
    let mut rig = rig();
    let effects = rig.keys("C");
    assert!(effects.contains(&Effect::RecentPaths));
    insta::assert_snapshot!("form_empty_80", rig.screen());
    rig.type_in("do it");
    let _ = rig.keys("alt-enter");
    rig.type_in("well");
    let _ = rig.keys("tab");
    rig.type_in("son");
    let _ = rig.keys("tab");
    assert_eq!(text(&rig, Slot::Model), "sonnet", "completed");
    let _ = rig.keys("tab right right tab right tab");
    rig.type_in("../web");
    let _ = rig.keys("tab");
    rig.type_in("Read, Gre");
    let _ = rig.keys("tab");
    assert_eq!(text(&rig, Slot::Allowed), "Read, Grep");
    let _ = rig.keys("tab");
    rig.type_in("Bash(rm:*)");
    let _ = rig.keys("tab");
    rig.type_in("be brief");
    let _ = rig.keys("down");
    rig.type_in("12");
    let _ = rig.keys("down");
    rig.type_in("The title");
    insta::assert_snapshot!("form_full_80", rig.screen());
    let effects = rig.keys("enter");
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
    assert_eq!(rig.app.launch.remembered.last.model, "");
    let effects = rig.tell(Msg::Done(Done::Started(Ok(params
        .session_id
        .unwrap()
        .into()))));
    let last = remembered(&effects).unwrap().last;
    assert_eq!(
        (last.model.as_str(), last.permission_mode.as_str()),
        ("sonnet", "plan")
    );
    let _ = rig.keys("c");
    assert!(
        rig.screen().contains("~/src/api · sonnet · plan"),
        "{}",
        rig.screen()
    );
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let mut rig = rig();
    let effects = rig.keys("C enter");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Launch(_)))
    );
    assert!(rig.screen().contains("Prompt: must not be empty"));
    rig.type_in("do it");
    let _ = rig.keys("shift-tab shift-tab shift-tab");
    assert_eq!(at(&rig), Slot::Turns);
    rig.type_in("many");
    let _ = rig.keys("down enter");
    assert_eq!(at(&rig), Slot::Turns, "goes where it is wrong");
    insta::assert_snapshot!("form_wrong_80", rig.screen());
}

#[test]
fn a_form_that_was_refused_opens_again_with_all_that_was_typed() {
    let mut rig = rig();
    let _ = rig.keys("C up");
    let _ = rig.keys("ctrl-k");
    rig.type_in("/nope");
    let _ = rig.keys("down");
    rig.type_in("do it");
    let params = launched(&rig.keys("enter"));
    let refused = |id: String| Refused {
        query: "do it".to_owned(),
        by: Launched::Afresh(id),
        why: Failure::NotDone("working_dir: /nope: No such file or directory".to_owned()),
    };
    let id = params.session_id.unwrap();
    let _ = rig.tell(Msg::Done(Done::Started(Err(refused(id)))));
    assert_eq!(
        (at(&rig), text(&rig, Slot::Query)),
        (Slot::Directory, "do it".to_owned())
    );
    let screen = rig.screen();
    assert!(
        screen.contains("Directory: /nope: No such file or directory"),
        "{screen}"
    );
    // And where another form is open by then, it waits for `C`.
    let id = launched(&rig.keys("enter")).session_id.unwrap();
    let _ = rig.keys("?");
    let _ = rig.tell(Msg::Done(Done::Started(Err(refused(id)))));
    assert!(matches!(rig.app.form, Some(Form::Help(_))));
    let _ = rig.keys("esc C");
    assert_eq!(text(&rig, Slot::Query), "do it");
}

#[test]
fn esc_goes_back_a_step_and_keeps_what_was_typed() {
    let mut rig = rig();
    let _ = rig.keys("c");
    rig.type_in("from the line");
    let _ = rig.keys("esc C");
    assert_eq!(text(&rig, Slot::Query), "from the line");
    assert!(rig.app.launch.prompt.is_blank());
    let _ = rig.keys("tab");
    rig.type_in("o");
    let _ = rig.keys("esc");
    assert!(rig.app.form.is_some(), "the list first");
    let _ = rig.keys("ctrl-s esc");
    assert!(rig.app.form.is_some(), "then the name");
    let _ = rig.keys("esc");
    assert!(rig.app.form.is_none());
    let _ = rig.keys("C");
    assert_eq!(text(&rig, Slot::Query), "from the line");
    assert_eq!(text(&rig, Slot::Model), "o");
}

#[test]
fn directories_are_completed_and_those_used_lately_offered() {
    let mut rig = rig();
    let _ = rig.keys("C up");
    let recent = vec!["/home/me/src/web".to_owned(), "/srv/web".to_owned()];
    let _ = rig.tell(Msg::Done(Done::RecentPaths(recent)));
    let _ = rig.keys("ctrl-n");
    assert_eq!(text(&rig, Slot::Directory), "~/src/web");
    let _ = rig.keys("ctrl-n");
    assert_eq!(text(&rig, Slot::Directory), "/srv/web");
    let _ = rig.keys("home ctrl-k");
    let effects = rig.press("w");
    assert_eq!(asked(&effects), Some(("w", "/home/me/src/api")));
    offer(&mut rig, "w", &["www/"]);
    let screen = rig.screen();
    for offered in ["www/", "~/src/web", "/srv/web"] {
        assert!(screen.contains(offered), "{screen}");
    }
    insta::assert_snapshot!("form_directory_80", screen);
    let _ = rig.keys("down down tab");
    assert_eq!(text(&rig, Slot::Directory), "~/src/web");
    // Files of the query are looked for in that directory.
    let _ = rig.keys("down");
    assert_eq!(asked(&rig.press("@")), Some(("", "/home/me/src/web")));
}

#[test]
fn templates_are_saved_used_and_deleted() {
    let mut rig = rig();
    let _ = rig.keys("C");
    rig.type_in("review the branch");
    let _ = rig.keys("tab");
    rig.type_in("opus");
    let _ = rig.keys("ctrl-t");
    assert!(rig.screen().contains("No templates yet"));
    let _ = rig.keys("ctrl-s enter");
    assert!(rig.screen().contains("Name required"));
    rig.type_in("review");
    insta::assert_snapshot!("form_save_as_80", rig.screen());
    let saved = remembered(&rig.keys("enter")).unwrap();
    assert_eq!(saved.templates["review"].model, "opus");
    assert_eq!(saved.templates["review"].query, "review the branch");
    rig.app.launch.draft = None;
    rig.app.form = None;
    let _ = rig.keys("C ctrl-t");
    insta::assert_snapshot!("form_templates_80", rig.screen());
    let _ = rig.keys("enter");
    assert_eq!(text(&rig, Slot::Query), "review the branch");
    assert_eq!(text(&rig, Slot::Model), "opus");
    let effects = rig.keys("ctrl-t d");
    assert!(remembered(&effects).unwrap().templates.is_empty());
    assert_eq!(at(&rig), Slot::Query, "back to the fields: none is left");
}

#[test]
fn asking_nothing_is_said_loudly_and_not_remembered() {
    let mut rig = rig();
    let _ = rig.keys("C");
    rig.type_in("do it");
    let _ = rig.keys("tab tab left");
    let screen = rig.screen();
    assert!(screen.contains("[bypassPermissions]"), "{screen}");
    assert!(screen.contains("Permissions bypassed"), "{screen}");
    let danger = rig.app.theme.danger;
    let loud = rig.buffer().content().iter().filter(|cell| {
        let style = cell.style();
        style.bg == danger.bg && style.fg == danger.fg
    });
    assert!(loud.count() > 40, "in the looks of danger");
    let params = launched(&rig.keys("enter"));
    assert_eq!(params.permission_mode.as_deref(), Some("bypassPermissions"));
    let started = Done::Started(Ok(params.session_id.unwrap().into()));
    let last = remembered(&rig.tell(Msg::Done(started))).unwrap().last;
    assert_eq!(last.permission_mode, "");
}

#[test]
fn the_editor_has_the_field_with_the_keys() {
    let mut rig = rig();
    let _ = rig.keys("C");
    rig.type_in("draft");
    let effects = rig.keys("ctrl-g");
    assert!(matches!(&effects[..], [Effect::Editor { text, .. }] if text == "draft"));
    let edited = Done::Edited {
        purpose: Purpose::Field,
        text: Ok("from the editor\n".to_owned()),
    };
    let _ = rig.tell(Msg::Done(edited));
    assert_eq!(text(&rig, Slot::Query), "from the editor");
    let _ = rig.tell(Msg::Paste(" and pasted".to_owned()));
    assert_eq!(text(&rig, Slot::Query), "from the editor and pasted");
}

#[test]
fn the_form_at_both_sizes_and_low() {
    for (size, name) in [((140, 40), "form_140"), ((40, 15), "form_40x15")] {
        let mut rig = Rig::new(size, &[session("s1", json!({}))], &[]);
        let _ = rig.keys("C");
        rig.type_in(
            "what shall be done, in so many words that they do not fit on one line of the form",
        );
        let _ = rig.keys("shift-tab shift-tab");
        rig.type_in("At the end");
        insta::assert_snapshot!(name, rig.screen());
    }
}
