//! What is around the panes: the first run, the connection, the palette, the help, the lines below.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use crate::doctor::Finding;
use crate::tui::effect::Effect;
use crate::tui::msg::{EffectResult, Link, Msg};
use crate::tui::state::notice::{Notice, Tone};
use crate::tui::state::{ConnectionProblem, Pane};
use crate::tui::testing::{TuiHarness, approval, now, session};

/// Every picture is taken at these.
const SIZES: [(u16, u16); 2] = [(80, 24), (140, 40)];
/// The narrowest that is cared for.
const NARROW: (u16, u16) = (40, 15);

fn sessions() -> Vec<Value> {
    vec![
        session(
            "s1",
            json!({"title": "Clean up the build", "status": "waiting_input", "pending_approvals": 1}),
        ),
        session("s2", json!({"title": "Write the release notes"})),
        session(
            "s3",
            json!({"title": "Explain the retry policy", "status": "completed", "live": false}),
        ),
    ]
}

fn working() -> TuiHarness {
    TuiHarness::new(
        SIZES[1],
        &sessions(),
        &[approval(
            "a1",
            "s1",
            json!({"tool_input": {"command": "rm -rf target"}}),
        )],
    )
}

/// Pictures at both sizes and the narrow one, of what a tui becomes.
fn shots(name: &str, make: impl Fn(&mut TuiHarness)) {
    for size in SIZES.into_iter().chain([NARROW]) {
        let mut tui = TuiHarness::unconnected(size);
        make(&mut tui);
        insta::assert_snapshot!(format!("{name}_{}", size.0), tui.screen());
    }
}

fn up(tui: &mut TuiHarness) {
    let asked = [approval(
        "a1",
        "s1",
        json!({"tool_input": {"command": "rm -rf target"}}),
    )];
    tui.connect(&sessions(), &asked);
    tui.tell(Msg::Link(Link::Complete));
    tui.draw();
}

fn missing() -> Vec<Finding> {
    vec![
        Finding::fail(
            "claude",
            "there is no `claude` on your PATH",
            "install it with `npm install -g @anthropic-ai/claude-code`, or name it with HUMANLAYER_CLAUDE_PATH",
        ),
        Finding::warn(
            "claude login",
            "none was found",
            "run `claude` once and log in, or set ANTHROPIC_API_KEY",
        ),
        Finding::ok(
            "daemon",
            "runs: version 0.1.0, protocol 1, pid 4711, 0 live sessions",
        ),
        Finding::ok(
            "database",
            "/home/me/.humanlayer/daemon.db: schema version 3, 0 sessions",
        ),
    ]
}

#[test]
fn the_first_run_says_what_is_missing_and_how_to_begin() {
    shots("first_run", |tui| {
        tui.connect(&[], &[]);
        tui.tell(Msg::Done(EffectResult::DoctorFindings(missing())));
    });
}

#[test]
fn what_is_missing_is_looked_at_again_until_it_is_there() {
    let mut tui = TuiHarness::unconnected(SIZES[0]);
    let looks = |effects: Vec<Effect>| effects.contains(&Effect::RunDoctor);
    assert!(looks(tui.connect(&[], &[])), "at once");
    assert!(!looks(tui.later(9, Msg::Tick)), "one look at a time");
    tui.tell(Msg::Done(EffectResult::DoctorFindings(missing())));
    assert!(!looks(tui.later(2, Msg::Tick)), "not all the time");
    assert!(looks(tui.later(4, Msg::Tick)), "after a while");
    let mended = missing()
        .into_iter()
        .map(|found| Finding::ok(found.check, "there"));
    tui.later(5, Msg::Done(EffectResult::DoctorFindings(mended.collect())));
    assert!(!looks(tui.later(60, Msg::Tick)), "all is there");
    assert_eq!(tui.app.changes_within().as_secs(), 30, "then it rests");
}

#[test]
fn with_sessions_nothing_is_looked_at() {
    let mut tui = TuiHarness::unconnected(SIZES[0]);
    assert!(!tui.connect(&sessions(), &[]).contains(&Effect::RunDoctor));
}

#[test]
fn waiting_for_the_daemon_is_said_only_when_it_takes_long() {
    let mut tui = TuiHarness::unconnected(SIZES[0]);
    assert!(!tui.screen().contains("connecting"));
    assert!(tui.app.changes_within().as_millis() <= 100, "it turns");
    tui.later(1, Msg::Tick);
    assert!(tui.screen().contains("connecting to the daemon"));
}

#[test]
fn a_lost_connection_keeps_what_it_has_and_says_since_when() {
    shots("lost", |tui| {
        up(tui);
        tui.lose(ConnectionProblem::Stopped, "the daemon is not running");
        tui.later(42, Msg::Tick);
    });
    shots("refused", |tui| {
        let why = "connecting to /run/d.sock: it belongs to another user";
        tui.lose(ConnectionProblem::Refused, why);
        let found = Finding::fail(
            "daemon",
            "/run is not a directory of yours",
            "choose another path with HUMANLAYER_DAEMON_SOCKET",
        );
        tui.tell(Msg::Done(EffectResult::DoctorFindings(vec![found])));
        tui.later(42, Msg::Tick);
    });
}

#[test]
fn a_daemon_of_another_version_is_named_with_the_remedy() {
    shots("other_version", |tui| {
        up(tui);
        let mut health = json!({"status": "ok", "version": "0.0.9", "protocol": 1});
        health["problem"] = Value::Null;
        let overview = json!({"seq": 1, "sessions": sessions(), "counts": {}, "archived": 0,
            "pending_approvals": [], "pending_total": 0, "cost_last_day_usd": 0.0});
        tui.tell(Msg::Link(Link::Up {
            health: serde_json::from_value(health).unwrap(),
            overview: serde_json::from_value(overview).unwrap(),
        }));
    });
}

#[test]
fn coming_back_is_said_and_a_mere_resync_is_not() {
    let mut tui = working();
    up(&mut tui);
    assert!(!tui.screen().contains("Reconnected"));
    tui.lose(ConnectionProblem::Broken, "it broke");
    assert!(tui.screen().contains("connection lost"));
    up(&mut tui);
    assert!(tui.screen().contains("Reconnected"));
    tui.lose(ConnectionProblem::Broken, "it broke");
    let app = &mut tui.app;
    app.notice = Some(Notice::new(Tone::Bad, "not decided: it broke", app.now));
    up(&mut tui);
    let screen = tui.screen();
    assert!(
        screen.contains("Reconnected; not decided: it broke"),
        "{screen}"
    );
}

#[test]
fn while_lost_nothing_is_sent_and_what_was_typed_stays() {
    let mut tui = working();
    tui.keys("n");
    tui.type_in("not on main");
    tui.lose(ConnectionProblem::Stopped, "gone");
    tui.draw();
    assert_eq!(tui.press("enter"), []);
    let screen = tui.screen();
    assert!(screen.contains("not on main"), "{screen}");
    assert!(screen.contains("Not sent"), "{screen}");
    up(&mut tui);
    let sent = tui.press("enter");
    assert!(
        sent.iter()
            .any(|effect| matches!(effect, Effect::Decide(_))),
        "{sent:?}"
    );
}

#[test]
fn while_lost_a_prompt_stays_and_a_yes_is_refused() {
    let mut tui = working();
    tui.lose(ConnectionProblem::Broken, "gone");
    tui.draw();
    assert_eq!(tui.keys("y !"), []);
    assert!(tui.app.inbox.sending.is_empty());
    assert!(tui.screen().contains("Not sent"));
    tui.keys("esc c");
    tui.type_in("fix it");
    let sent = tui.press("enter");
    assert!(
        !sent
            .iter()
            .any(|effect| matches!(effect, Effect::Launch(_))),
        "{sent:?}"
    );
    assert_eq!(tui.app.launch.prompt.text(), "fix it");
    assert_eq!(tui.app.focus, Pane::Prompt);
}

#[test]
fn some_keys_work_whatever_is_open() {
    let mut tui = working();
    tui.keys("n");
    tui.type_in("why");
    assert_eq!(tui.press("ctrl-l"), [Effect::Redraw]);
    assert_eq!(tui.press("ctrl-z"), [Effect::Suspend]);
    assert_eq!(tui.press("ctrl-r"), [], "while there is a daemon");
    tui.lose(ConnectionProblem::Stopped, "gone");
    assert_eq!(tui.press("ctrl-r"), [Effect::RestartDaemon]);
    assert!(tui.app.form.is_some(), "the form stays");
    assert_eq!(tui.press("ctrl-c"), []);
    assert!(tui.app.form.is_none(), "as with Esc");
    assert_eq!(tui.press("ctrl-c"), [Effect::Quit]);
}

#[test]
fn the_help_begins_with_the_pane_and_is_searched() {
    shots("help", |tui| {
        up(tui);
        tui.keys("1 ?");
    });
    let mut tui = working();
    tui.keys("? /");
    tui.type_in("archive");
    let screen = tui.screen();
    assert!(screen.contains("archive"), "{screen}");
    assert!(!screen.contains("deny, with a reason"), "{screen}");
    tui.keys("esc");
    assert!(tui.app.form.is_none());
}

#[test]
fn from_the_helps_end_the_next_key_leads_back() {
    let mut tui = TuiHarness::new((80, 24), &sessions(), &[]);
    tui.keys("?");
    let first = tui.screen();
    tui.keys("G j G");
    let last = tui.screen();
    assert_ne!(first, last);
    tui.keys("k");
    assert_ne!(tui.screen(), last, "one line up");
    tui.press("G");
    tui.press("j");
    assert_eq!(
        tui.screen(),
        last,
        "also where nothing was drawn in between"
    );
}

#[test]
fn every_action_with_a_key_is_in_the_help() {
    use crate::tui::keymap::Action;
    let mut tui = TuiHarness::new((140, 120), &sessions(), &[]);
    tui.keys("?");
    let screen = tui.screen();
    for action in Action::ALL {
        assert!(screen.contains(action.words()), "{action:?}: {screen}");
    }
}

#[test]
fn the_palette_ranks_and_remembers() {
    shots("palette", |tui| {
        up(tui);
        tui.keys(":");
    });
    shots("palette_typed", |tui| {
        up(tui);
        tui.keys(":");
        tui.type_in("the");
    });
    let mut tui = working();
    tui.keys(":");
    tui.type_in("theme light");
    let effects = tui.keys("enter");
    assert_eq!(tui.app.theme.name, "light");
    assert!(matches!(effects.last(), Some(Effect::SaveMemory(what))
        if what.commands == ["theme light"] && what.theme.as_deref() == Some("light")));
    tui.keys(":");
    let screen = tui.screen();
    let first = screen
        .lines()
        .find(|line| line.contains('▸') && line.contains("theme"));
    assert!(
        first.is_some_and(|line| line.contains("used lately")),
        "{screen}"
    );
}

#[test]
fn the_palette_decides_what_was_on_the_screen_when_it_was_opened() {
    let mut tui = working();
    tui.keys(":");
    tui.type_in("approve");
    assert!(tui.screen().contains("approve  Bash"), "{}", tui.screen());
    assert_eq!(tui.keys("enter").len(), 1, "what is remembered");
    let sent = tui.press("!");
    assert!(
        matches!(sent.first(), Some(Effect::Decide(params)) if params.approval_id == "a1"),
        "{sent:?}"
    );
}

#[test]
fn hints_are_never_cut_and_help_is_always_offered() {
    for width in 12..=160 {
        let mut tui = TuiHarness::new((width, 20), &sessions(), &[]);
        let screen = tui.screen();
        let last = screen.lines().last().unwrap();
        assert!(last.ends_with("? all keys"), "{width}: {last:?}");
    }
}

#[test]
fn the_status_line_gives_up_what_matters_least_first() {
    let line = |width| {
        let mut tui = TuiHarness::new((width, 20), &sessions(), &[approval("a1", "s1", json!({}))]);
        tui.app.preferences.demo = true;
        let screen = tui.screen();
        screen.lines().rev().nth(1).unwrap().trim().to_owned()
    };
    let wide = line(100);
    assert!(
        wide.contains("demo: scripted agents") && wide.contains("last 24h"),
        "{wide}"
    );
    let narrow = line(40);
    assert!(
        narrow.contains("demo") && narrow.contains("1 pending"),
        "{narrow}"
    );
    assert!(!narrow.contains("humanlayer"), "{narrow}");
    let _ = now();
}

#[test]
fn a_word_takes_the_place_of_the_keys_and_goes_again() {
    let mut tui = working();
    tui.keys("2 s");
    assert!(tui.screen().contains("Sorted by"));
    tui.later(5, Msg::Tick);
    assert!(!tui.screen().contains("Sorted by"));
}

#[test]
fn what_was_said_about_a_key_goes_with_the_next_key() {
    let mut tui = working();
    tui.keys("!");
    assert!(
        tui.screen().contains("does nothing here"),
        "{}",
        tui.screen()
    );
    tui.keys("j");
    assert!(!tui.screen().contains("does nothing here"));
}

/// The line of keys.
fn hints(tui: &mut TuiHarness) -> String {
    tui.screen().lines().last().unwrap_or_default().to_owned()
}

#[test]
fn the_line_of_keys_is_that_of_what_is_open_or_selected() {
    let mut tui = working();
    tui.keys("2 space");
    let line = hints(&mut tui);
    assert!(
        line.contains("z archive selected") && line.contains("esc clear selection"),
        "{line}"
    );
    tui.keys("esc 1 space");
    let line = hints(&mut tui);
    assert!(line.contains("Y approve selected"), "{line}");
    // A dialog shows its own keys.
    for key in ["S", "?", ":", "C", "R"] {
        tui.keys("esc esc 2");
        tui.keys(key);
        assert_eq!(
            hints(&mut tui).trim_matches(['│', '╰', '╯', '─', ' ']),
            "",
            "{key}: {}",
            tui.screen()
        );
    }
}

#[test]
fn a_zoomed_pane_names_the_key_that_zooms_once() {
    let mut tui = working();
    tui.keys("3 f");
    let line = hints(&mut tui);
    assert_eq!(line.matches("zoom").count(), 1, "{line}");
    assert!(line.contains("f unzoom"), "{line}");
    tui.keys("f");
    let line = hints(&mut tui);
    assert_eq!(line.matches("zoom").count(), 1, "{line}");
}

#[test]
fn the_number_of_sessions_counts_those_that_ask() {
    let mut tui = working();
    let screen = tui.screen();
    assert!(screen.contains("Sessions 3"), "{screen}");
    assert!(screen.contains("Inbox 1"), "{screen}");
}

#[test]
fn the_demo_is_left_for_only_after_a_question() {
    let mut tui = working();
    tui.keys("2");
    assert!(!tui.press("D").contains(&Effect::Demo));
    assert!(
        tui.screen().contains("Leave for the demo?"),
        "{}",
        tui.screen()
    );
    assert!(tui.press("n").is_empty());
    tui.keys("D");
    assert_eq!(tui.press("y"), [Effect::Demo]);
    // Where nothing is there yet, it is offered by name.
    let mut tui = TuiHarness::new(SIZES[0], &[], &[]);
    assert_eq!(tui.press("D"), [Effect::Demo]);
}

#[test]
fn the_keys_of_dialogs_are_in_the_help() {
    let mut tui = working();
    tui.keys("? /");
    tui.type_in("dangerous");
    let screen = tui.screen();
    assert!(
        screen.contains("!") && screen.contains("approve a dangerous call"),
        "{screen}"
    );
}

#[test]
fn nothing_collides_in_the_status_line_while_the_daemon_is_down() {
    for width in 40..=140 {
        for problem in [ConnectionProblem::Stopped, ConnectionProblem::NotStarted] {
            let mut tui =
                TuiHarness::new((width, 24), &sessions(), &[approval("a1", "s1", json!({}))]);
            tui.lose(
                problem,
                "connecting to /home/someone/.humanlayer/daemon.sock: refused",
            );
            let screen = tui.screen();
            let line = screen.lines().rev().nth(1).unwrap().to_owned();
            // What is cut off, or runs into its neighbour, has no blank before it.
            for part in ["1 pending", "$1.26"] {
                if let Some(at) = line.find(part) {
                    assert!(line[..at].ends_with(' '), "{width}: {line:?}");
                }
            }
            assert!(line.contains("ctrl-r") || width < 60, "{width}: {line:?}");
        }
    }
}

#[test]
fn a_word_to_the_user_that_is_too_long_for_a_row_has_the_status_line_as_well() {
    let words = "not decided: only a person's program may decide, and this caller is not proven to be one; \
                 `humanlayer places` says more";
    for size in [SIZES[0], SIZES[1], NARROW] {
        let mut tui = TuiHarness::new(size, &sessions(), &[]);
        tui.app.notice = Some(Notice::new(Tone::Bad, words, tui.app.now));
        let screen = tui.screen();
        let mut last = screen.lines().rev();
        let (second, first) = (last.next().unwrap(), last.next().unwrap());
        assert!(
            first.starts_with(" not decided: only") || size.0 > 120,
            "{screen}"
        );
        if size.0 >= 80 {
            assert!(
                second.ends_with("`humanlayer places` says more"),
                "{screen}"
            );
        }
    }
}
