//! Terminals that are slow or stand still, and sizes that nobody has: what was not shown decides nothing.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::cli::Cli;
use crate::support::daemon::wait_until;
use crate::support::terminal::{Answers, Terminal};

const SIZE: (u16, u16) = (100, 30);

fn asked(cli: &Cli, name: &str) -> Value {
    let session = cli.launch(&format!(r#"TOOL Bash {{"command": "touch {name}"}}"#));
    cli.until_pending(&session)["id"].clone()
}

fn outcome(cli: &Cli, approval: &Value) -> Value {
    let params = json!({"approval_id": approval});
    cli.call("getApproval", params)["approval"]["outcome"].clone()
}

fn until_decided(cli: &Cli, approval: &Value) {
    wait_until("it is decided", || {
        (outcome(cli, approval) != "pending").then_some(())
    });
}

fn shows(terminal: &Terminal, name: &str) {
    let command = format!("touch {name}");
    terminal.wait_until(&format!("the panel asks for {command:?}"), |screen| {
        let shown = screen.contents();
        shown
            .rsplit_once("Allow Bash")
            .is_some_and(|(_, panel)| panel.contains(&command))
    });
}

/// The pauses are what is tested: a person looks at a screen that stands still, and presses on.
fn look() {
    std::thread::sleep(Duration::from_millis(700));
}

#[test]
fn what_a_terminal_that_stands_still_has_not_shown_cannot_be_approved() {
    let cli = Cli::new();
    let (first, second) = (asked(&cli, "first"), asked(&cli, "second"));
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    shows(&terminal, "first");
    terminal.wait_ready();
    terminal.take_in(Some(0));
    terminal.keys("y");
    until_decided(&cli, &first);
    assert_eq!(outcome(&cli, &first), "approved");
    // The screen still shows the first one, however long one looks at it.
    for _ in 0..4 {
        look();
        terminal.keys("y");
    }
    look();
    assert_eq!(outcome(&cli, &second), "pending");
    terminal.take_in(None);
    shows(&terminal, "second");
    terminal.wait_ready();
    assert_eq!(outcome(&cli, &second), "pending");
    terminal.keys("y");
    until_decided(&cli, &second);
    assert_eq!(outcome(&cli, &second), "approved");
}

#[test]
fn a_slow_terminal_is_never_far_behind() {
    let cli = Cli::new();
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    terminal.take_in(Some(0));
    let before = terminal.raw().len();
    // Each key and each size asks for a frame of its own.
    terminal.keys("c");
    for letter in "a long line that is typed into a terminal that takes nothing".chars() {
        terminal.type_in(&letter.to_string());
    }
    for width in 60..100 {
        terminal.resize((width, 30));
    }
    terminal.resize(SIZE);
    for _ in 0..6 {
        look();
    }
    terminal.take_in(None);
    terminal.wait_for("terminal that takes nothing");
    terminal.wait_for("New session");
    let written = terminal.raw().len() - before;
    // Two whole frames and what is typed, and not one for each key and size.
    assert!(written < 64 * 1024, "{written}");
    terminal.end();
}

#[test]
fn it_ends_when_told_although_its_terminal_takes_nothing() {
    for answers in [Answers::Nothing, Answers::Attributes] {
        let cli = Cli::new();
        let mut terminal = Terminal::start_as(answers, (300, 100), &cli.command(&[]));
        terminal.wait_for("No sessions yet");
        terminal.take_in(Some(0));
        // As many whole frames as fit between here and there, and more.
        for width in 0..100 {
            terminal.resize((300 + width % 2, 100));
            std::thread::sleep(Duration::from_millis(20));
        }
        terminal.signal(Signal::TERM);
        let ended = terminal.wait_dead();
        assert_eq!(
            ended.signal().map(|said| said.starts_with("Terminated")),
            Some(true),
            "{ended:?}"
        );
        terminal.take_in(None);
        terminal.wait();
        assert!(terminal.is_restored(), "{answers:?}");
    }
}

#[test]
fn on_a_screen_that_shows_nothing_of_it_nothing_is_approved() {
    let cli = Cli::new();
    let first = asked(&cli, "first");
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    shows(&terminal, "first");
    for size in [(1, 1), (10, 3), (9, 5), (30, 2)] {
        terminal.resize(size);
        look();
        for key in ["y", "!", "Y", "y", "U", "enter", "esc"] {
            terminal.keys(key);
            look();
        }
        assert_eq!(outcome(&cli, &first), "pending", "{size:?}");
    }
    terminal.resize(SIZE);
    shows(&terminal, "first");
    terminal.wait_ready();
    terminal.keys("y");
    until_decided(&cli, &first);
    assert_eq!(outcome(&cli, &first), "approved");
}
