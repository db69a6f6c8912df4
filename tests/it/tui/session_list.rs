//! The list of sessions in a real terminal: what is done to many of them, and what their rows say.

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (100, 30);

fn ended(cli: &Cli, words: &str) -> String {
    let id = cli.launch(&format!("TEXT {words}"));
    cli.until_status(&id, "completed");
    cli.ok(&["end", &id]);
    cli.until_over(&id);
    id
}

#[test]
fn ended_sessions_are_deleted_from_the_list_and_one_that_works_is_left_alone() {
    let cli = Cli::new();
    let ended = ["one", "two"].map(|words| ended(&cli, words));
    let asks = cli.launch(r#"TOOL Bash {"command": "echo kept > kept"}"#);
    cli.until_pending(&asks);
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("Allow Bash");
    terminal.keys("2");
    terminal.keys("/");
    terminal.type_in("text");
    terminal.wait_for("2 of 3");
    // Everything that the filter shows, and the one that asks.
    terminal.keys("enter");
    terminal.keys("ctrl-a");
    terminal.wait_for("2 sessions selected");
    terminal.keys("esc");
    terminal.wait_gone("/text");
    terminal.keys("ctrl-a");
    terminal.keys("X");
    terminal.wait_for("Delete 2 sessions and their conversations?");
    terminal.wait_for("1 that has not ended is left alone");
    // Neither the key that opened it nor Enter confirms it.
    terminal.keys("X");
    terminal.keys("enter");
    terminal.wait_for("Press y to delete");
    assert_eq!(cli.ok(&["sessions", "-q"]).lines().count(), 3);
    terminal.keys("y");
    terminal.wait_for("2 sessions deleted");
    let left = cli.ok(&["sessions", "-q"]);
    assert!(left.trim().starts_with(&asks[..8]), "{left}");
    terminal.wait_gone("TEXT one");
    terminal.wait_gone("TEXT two");
    for id in &ended {
        cli.fails(3, &["show", id]);
    }
    terminal.keys("ctrl-n");
    terminal.decide("y");
    cli.until_status(&asks, "completed");
    assert!(cli.work().join("kept").exists());
}

#[test]
fn a_session_that_is_deleted_elsewhere_leaves_the_list() {
    let cli = Cli::new();
    let id = ended(&cli, "gone soon");
    let terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("TEXT gone soon");
    cli.ok(&["delete", "--yes", &id]);
    terminal.wait_gone("TEXT gone soon");
    terminal.wait_for("No sessions yet");
}
