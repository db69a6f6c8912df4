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
