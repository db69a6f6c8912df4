//! What is around the panes: the start, the end, the size, signals.

use rustix::process::Signal;
use serde_json::json;

use crate::support::asker::Asker;
use crate::support::cli::{Cli, parent_of_daemon, signal};
use crate::support::daemon::wait_until;
use crate::support::scripted_agent::binary;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (100, 30);

fn dashboard(cli: &Cli) -> Terminal {
    Terminal::start(SIZE, &cli.command(&[]))
}

#[test]
fn it_opens_starts_the_daemon_and_leaves_the_terminal_as_it_was() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.wait_for("No sessions yet");
    assert!(cli.daemon_pid().is_some(), "the daemon was started");
    terminal.keys("q");
    assert!(terminal.wait().success());
    assert!(terminal.is_restored());
    assert!(cli.daemon_pid().is_some(), "the daemon stays");
}

#[test]
fn a_session_that_asks_is_approved_with_one_key() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch("TOOL Bash {\"command\": \"touch approved\"}\nTEXT it is done");
    terminal.wait_for("touch approved");
    terminal.wait_told("the title says that something waits", |told| {
        told.title.contains("(1)") && told.bells == 1
    });
    terminal.decide("y");
    terminal.wait_for("it is done");
    cli.until_status(&id, "completed");
    assert!(cli.work().join("approved").exists());
}

#[test]
fn it_follows_the_terminals_size() {
    let cli = Cli::new();
    let terminal = dashboard(&cli);
    terminal.wait_for("No sessions yet");
    terminal.resize((50, 20));
    terminal.wait_until("it is drawn for 50 columns", |screen| {
        screen
            .rows(0, 50)
            .next()
            .is_some_and(|row| row.ends_with('╮'))
    });
    terminal.resize((140, 40));
    terminal.wait_until("it is drawn for 140 columns", |screen| {
        screen
            .rows(0, 140)
            .next()
            .is_some_and(|row| row.ends_with('╮'))
    });
}

/// A size that came and went before a frame was drawn is none to the program, but the terminal has lost
/// what it showed.
#[test]
fn a_size_that_comes_and_goes_leaves_a_whole_screen() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    for _ in 0..20 {
        terminal.wait_for("No sessions yet");
        terminal.wait_for("New session");
        terminal.resize((20, 5));
        terminal.resize(SIZE);
    }
    terminal.wait_for("No sessions yet");
    terminal.wait_for("New session");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn a_wrong_configuration_is_told_before_the_terminal_is_taken() {
    let cli = Cli::new();
    let folder = cli.home().join(".config/humanlayer");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("humanlayer.json"),
        r#"{"dashboard": {"keys": {"approve": ["y", "yy"]}}}"#,
    )
    .unwrap();
    let mut terminal = dashboard(&cli);
    assert_eq!(terminal.wait().exit_code(), 2);
    let said = terminal.text();
    assert!(said.contains("`dashboard.keys.approve`"), "{said}");
    assert!(said.contains("humanlayer config edit"), "{said}");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!raw.contains("\x1b[?1049h"), "the screen was not taken");
}

#[test]
fn keys_and_theme_come_from_the_configuration() {
    let cli = Cli::new();
    let folder = cli.home().join(".config/humanlayer");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("humanlayer.json"),
        r#"{"dashboard": {"theme": "light", "keys": {"quit": ["ctrl-x"]}}}"#,
    )
    .unwrap();
    let mut terminal = dashboard(&cli);
    terminal.wait_for("No sessions yet");
    terminal.wait_for("ctrl-x quit");
    terminal.keys("T");
    // It goes to the next one, which shows that it began with the configured one.
    terminal.wait_for("theme: contrast, until you leave");
    terminal.keys("ctrl-x");
    assert!(terminal.wait().success());
}

#[test]
fn a_stopped_daemon_is_told_the_form_stays_and_a_key_brings_another() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch("TOOL Bash {\"command\": \"touch not-done\"}\nTEXT over");
    terminal.wait_for("Allow Bash");
    terminal.decide("n");
    terminal.wait_for("Deny: reason");
    terminal.type_in("not on a friday");
    terminal.wait_for("not on a friday");
    // Whoever stops it means it.
    cli.ok(&["daemon", "stop"]);
    terminal.wait_for("daemon not running");
    terminal.wait_for("not on a friday");
    terminal.keys("enter");
    terminal.wait_for("Not sent");
    terminal.keys("ctrl-r");
    terminal.wait_for("Reconnected");
    terminal.wait_for("not on a friday");
    terminal.keys("enter");
    terminal.wait_gone("Deny: reason");
    cli.until_status(&id, "completed");
    assert!(!cli.work().join("not-done").exists());
    // The daemon was started from here, and outlives this.
    let daemon = cli.daemon_pid().expect("a daemon runs");
    terminal.keys("q");
    assert!(terminal.wait().success());
    assert_eq!(cli.daemon_pid(), Some(daemon));
}

#[test]
fn a_killed_daemon_is_started_again_and_the_form_stays() {
    let cli = Cli::new();
    let id = cli.launch("TOOL Bash {\"command\": \"touch not-done\"}\nTEXT over");
    let mut terminal = dashboard(&cli);
    terminal.wait_for("Allow Bash");
    terminal.decide("n");
    terminal.wait_for("Deny: reason");
    terminal.type_in("not on a friday");
    terminal.wait_for("not on a friday");
    cli.kill_daemon();
    terminal.wait_for("Reconnected");
    terminal.wait_for("not on a friday");
    terminal.keys("enter");
    terminal.wait_gone("Deny: reason");
    cli.until_status(&id, "completed");
    assert!(!cli.work().join("not-done").exists());
}

/// As a package manager does it: the new file takes the old one's name.
#[test]
fn after_an_upgrade_under_it_a_daemon_is_started_and_sessions_are_launched() {
    let cli = Cli::new();
    let program = cli.root().join("humanlayer");
    let upgrade = || {
        let next = cli.root().join("next");
        std::fs::copy(binary(), &next).unwrap();
        std::fs::rename(&next, &program).unwrap();
    };
    upgrade();
    let mut terminal = Terminal::start((80, 24), &cli.dressed(program.to_str().unwrap(), &[]));
    terminal.wait_for("No sessions yet");
    let first = cli.daemon_pid().expect("a daemon runs");
    // The daemon's file is gone too: what it launches is still of its own version.
    upgrade();
    let id = cli.launch("TEXT by the old one");
    cli.until_status(&id, "completed");
    terminal.wait_for("by the old one");
    cli.ok(&["daemon", "stop"]);
    terminal.wait_for("ctrl-r");
    terminal.keys("ctrl-r");
    terminal.wait_for("Reconnected");
    let second = cli.daemon_pid().expect("a daemon runs");
    assert_ne!(first, second);
    let file = std::fs::read_link(format!("/proc/{second}/exe")).unwrap();
    assert_eq!(file, program.canonicalize().unwrap(), "the new one");
    // Without any file it still goes.
    std::fs::remove_file(&program).unwrap();
    let id = cli.launch("TEXT by the removed one");
    cli.until_status(&id, "completed");
    cli.kill_daemon();
    terminal.keys("ctrl-r");
    wait_until("another daemon runs", || {
        cli.daemon_pid().filter(|pid| *pid != second)
    });
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn it_is_suspended_and_comes_back_as_it_was() {
    let cli = Cli::new();
    // Job control needs a shell around it.
    let script = "set -m; \"$0\"; echo suspended; read word; fg >/dev/null; echo over";
    let shell = cli.dressed("bash", &["-c", script, binary()]);
    let mut terminal = Terminal::start(SIZE, &shell);
    terminal.wait_for("No sessions yet");
    terminal.keys("ctrl-z");
    terminal.wait_for("suspended");
    assert!(!terminal.screen().alternate_screen());
    terminal.type_in("on\r");
    terminal.wait_for("No sessions yet");
    terminal.keys("?");
    terminal.wait_for("Keys");
    terminal.keys("esc");
    terminal.wait_gone("Keys");
    terminal.keys("q");
    terminal.wait_for("over");
    terminal.wait();
    assert!(terminal.is_restored());
}

#[test]
fn no_size_is_too_small_and_it_grows_again() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    cli.launch("TOOL Bash {\"command\": \"true\"}");
    terminal.wait_for("Allow Bash");
    for size in [
        (1, 1),
        (3, 2),
        (10, 3),
        (20, 6),
        (9, 40),
        (200, 2),
        (500, 200),
        (40, 15),
    ] {
        terminal.resize(size);
        terminal.keys("tab ctrl-l");
    }
    terminal.resize(SIZE);
    terminal.wait_for("Allow Bash");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn the_title_goes_back_to_what_it_was() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.wait_told("the title is ours", |told| told.title == "humanlayer");
    terminal.keys("q");
    terminal.wait();
    let raw = terminal.raw();
    let place = |wanted: &[u8]| raw.windows(wanted.len()).rposition(|part| part == wanted);
    let (kept, restored) = (place(b"\x1b[22;0t"), place(b"\x1b[23;0t"));
    assert!(kept.is_some() && kept < restored, "{kept:?} {restored:?}");
    assert!(place(b"\x1b[?1049l") < restored);
}

#[test]
fn who_is_away_is_told_by_the_desktop() {
    let cli = Cli::new();
    let folder = cli.home().join(".config/humanlayer");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("humanlayer.json"),
        r#"{"dashboard": {"notify": true, "bell": false}}"#,
    )
    .unwrap();
    let mut terminal = dashboard(&cli);
    terminal.wait_for("No sessions yet");
    let first = cli.launch("TOOL Bash {\"command\": \"echo one\"}");
    terminal.wait_for("echo one");
    assert_eq!(terminal.told().notified, Vec::<String>::new());
    terminal.keys("blur");
    cli.launch("TOOL Bash {\"command\": \"echo two\"}");
    terminal.wait_told("the desktop is told", |told| {
        told.notified.iter().any(|words| words.contains("echo two"))
    });
    assert_eq!(terminal.told().bells, 0);
    cli.ok(&["end", &first]);
}

#[test]
fn a_socket_that_is_not_ours_is_refused_in_words() {
    let cli = Cli::new();
    std::fs::create_dir(cli.state()).unwrap();
    std::fs::write(cli.socket(), "no socket").unwrap();
    let mut terminal = dashboard(&cli);
    terminal.wait_for("Not connected to the daemon");
    terminal.wait_for("is not a socket");
    // Mended meanwhile, it goes on by itself.
    std::fs::remove_file(cli.socket()).unwrap();
    terminal.keys("ctrl-r");
    terminal.wait_for("No sessions yet");
}

#[test]
fn everything_that_is_pending_is_in_the_inbox_however_much_that_is() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let mut asker = Asker::start(&cli.socket());
    for number in 0..1_600 {
        let asked = json!({"tool_name": "Bash", "tool_input": {"command": format!("make {number}")},
            "external": {"name": format!("program {}", number % 8)}});
        let answer = asker.ask("createApproval", &asked);
        assert!(answer["result"].is_object(), "{answer}");
    }
    let terminal = Terminal::start((140, 40), &cli.command(&[]));
    terminal.wait_for("Inbox 1600");
    terminal.wait_for("1600 pending");
}

/// Stops a daemon, and before it the process that would let it go on.
fn stop(daemon: i32) {
    if let Some(parent) = parent_of_daemon(daemon) {
        signal(parent, Signal::STOP);
    }
    signal(daemon, Signal::STOP);
}

/// Lets both go on.
fn go_on(daemon: i32) {
    signal(daemon, Signal::CONT);
    if let Some(parent) = parent_of_daemon(daemon) {
        signal(parent, Signal::CONT);
    }
}

/// What was told last is true, whatever becomes of a daemon that was stopped: nothing is carried out that was given up.
#[test]
fn a_decision_that_no_answer_came_to_is_not_carried_out_later() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch("TOOL Bash {\"command\": \"touch not-done\"}\nTEXT over");
    terminal.wait_for("Allow Bash");
    let daemon = cli.daemon_pid().unwrap();
    stop(daemon);
    terminal.decide("y");
    terminal.wait_for("not confirmed");
    terminal.wait_for("does not answer");
    go_on(daemon);
    terminal.wait_for("still to be decided");
    assert!(!cli.work().join("not-done").exists());
    terminal.decide("n");
    terminal.wait_for("Deny: reason");
    terminal.keys("enter");
    terminal.wait_gone("Deny: reason");
    cli.until_status(&id, "completed");
    assert!(!cli.work().join("not-done").exists());
}

#[test]
fn a_launch_that_is_entered_again_because_no_answer_came_starts_one_session() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.wait_for("No sessions yet");
    let daemon = cli.daemon_pid().unwrap();
    stop(daemon);
    terminal.keys("c");
    terminal.type_in("TEXT hello");
    terminal.keys("enter");
    terminal.wait_for("not confirmed");
    terminal.wait_for("TEXT hello");
    go_on(daemon);
    terminal.wait_for("Reconnected");
    terminal.keys("enter");
    let one = wait_until("a session is there", || {
        let all = cli.json(&["sessions", "--json"]);
        all.as_array().filter(|all| !all.is_empty()).cloned()
    });
    cli.until_status(one[0]["id"].as_str().unwrap(), "completed");
    assert_eq!(
        cli.json(&["sessions", "--json"]).as_array().unwrap().len(),
        1
    );
}
