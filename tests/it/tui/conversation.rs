//! Reading a conversation: blocks are selected and copied, words are searched for, a pane is zoomed.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (80, 24);

/// A conversation that has ended, in a dashboard outside tmux.
fn conversation(cli: &Cli, program: &mut std::process::Command) -> Terminal {
    let id = cli.launch("TEXT the first heron\nTEXT the second heron\nTEXT nothing to see");
    cli.until_status(&id, "completed");
    let mut terminal = Terminal::start(SIZE, program);
    // On such a screen the conversation takes the place of the lists.
    terminal.wait_for("Completed 1");
    terminal.keys("3");
    // The heading names the words too, before the conversation is there.
    terminal.wait_for("▌   nothing to see");
    terminal
}

#[test]
fn a_block_in_the_middle_is_copied_and_where_it_went_is_said() {
    let cli = Cli::new();
    let mut terminal = conversation(&cli, cli.command(&[]).env_remove("TMUX"));
    terminal.keys("k ctrl-y");
    terminal.wait_for("Copied 1 line to the clipboard (terminal, OSC 52)");
    // "the second heron", as the terminal's clipboard is told.
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(raw.contains("]52;c;dGhlIHNlY29uZCBoZXJvbg=="), "{raw:?}");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn inside_tmux_its_buffer_has_the_copy_too() {
    let cli = Cli::new();
    let programs = tempfile::tempdir().unwrap();
    let got = programs.path().join("got");
    let tmux = programs.path().join("tmux");
    std::fs::write(
        &tmux,
        format!(
            "#!/bin/sh\n[ $1 = load-buffer ] && cat > {}\n",
            got.display()
        ),
    )
    .unwrap();
    std::fs::set_permissions(&tmux, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = cli.command(&[]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("TMUX", "/tmp/some,1,0");
    command.env("PATH", format!("{}:{path}", programs.path().display()));
    let mut terminal = conversation(&cli, &mut command);
    terminal.keys("k ctrl-y");
    terminal.wait_for("Copied 1 line to tmux's buffer and the clipboard");
    assert_eq!(std::fs::read_to_string(&got).unwrap(), "the second heron");
}

#[test]
fn a_search_is_stepped_through_beside_an_approval_which_it_never_decides() {
    let cli = Cli::new();
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    let id = cli.launch(
        "TEXT the first heron\nTEXT the second heron\nTOOL Bash {\"command\": \"touch made\"}\nTEXT the end",
    );
    terminal.wait_for("Allow Bash");
    terminal.keys("3 g /");
    terminal.type_in("heron");
    terminal.keys("enter");
    terminal.wait_for("keys are for the search");
    terminal.keys("n");
    terminal.wait_until("a count", |screen| screen.contents().contains("/heron"));
    terminal.keys("n n N y");
    terminal.wait_for("Searching: the keys that decide do nothing");
    assert!(!cli.work().join("made").exists());
    terminal.keys("esc");
    terminal.wait_gone("keys are for the search");
    terminal.decide("y");
    cli.until_status(&id, "completed");
    assert!(cli.work().join("made").exists());
}

#[test]
fn a_conversation_is_zoomed_to_the_whole_screen_and_back() {
    let cli = Cli::new();
    let mut terminal = Terminal::start((140, 40), &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    let id = cli.launch("TEXT some words\nTOOL Bash {\"command\": \"touch made\"}\nTEXT the end");
    terminal.wait_for("Allow Bash");
    terminal.keys("3 f");
    terminal.wait_gone("Sessions");
    terminal.wait_for("unzoom");
    terminal.decide("y");
    cli.until_status(&id, "completed");
    terminal.keys("f");
    terminal.wait_for("Sessions");
}

#[test]
fn a_call_that_is_asked_about_while_one_looks_is_the_selected_block() {
    let cli = Cli::new();
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    cli.launch("TEXT some words\nTOOL Bash {\"command\": \"touch made\"}\nTEXT the end");
    terminal.wait_for("Allow Bash");
    terminal.keys("3");
    terminal.wait_until("the bar is beside the call", |screen| {
        let rows = screen.contents();
        let mut bars = rows.lines().filter(|row| row.contains('▌'));
        bars.any(|row| row.contains("touch made") && row.contains("⏸ pending"))
    });
    assert!(
        !terminal.text().contains("a subagent"),
        "{}",
        terminal.text()
    );
}
