//! What a key leads to, up to what the agent did with it.

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (140, 40);

fn dashboard(cli: &Cli) -> Terminal {
    let terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    terminal
}

#[test]
fn a_session_is_started_from_the_prompt_line_and_approved() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.keys("c");
    terminal.type_in(r#"TOOL Bash {"command": "touch launched"}"#);
    terminal.wait_for("touch launched");
    terminal.keys("enter");
    terminal.wait_for("May it use Bash?");
    terminal.keys("y");
    crate::support::daemon::wait_until("the command has run", || {
        cli.work().join("launched").exists().then_some(())
    });
}
