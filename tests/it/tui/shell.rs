//! What is around the panes: the start, the end, the size, signals.

use rustix::process::Signal;

use crate::support::cli::Cli;
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
fn signals_end_it_and_restore_the_terminal() {
    for which in [Signal::TERM, Signal::HUP] {
        let cli = Cli::new();
        let mut terminal = dashboard(&cli);
        terminal.wait_for("No sessions yet");
        terminal.signal(which);
        terminal.wait();
        assert!(terminal.is_restored(), "{which:?}");
    }
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
    terminal.keys("y");
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
