//! The dashboard over a session of the real Claude Code.

use crate::support::claude_harness::ClaudeHarness;
use crate::support::terminal::Terminal;

/// Whether the bar of the conversation is on the call of a command.
fn bar_is_on(screen: &str, command: &str) -> bool {
    screen.lines().any(|line| {
        line.rsplit_once('▌')
            .is_some_and(|(_, behind)| behind.contains("Bash") && behind.contains(command))
    })
}

#[test]
fn of_parallel_calls_the_bar_is_on_the_one_that_is_asked_about_and_the_others_are_queued() {
    for size in [(140, 40), (100, 30)] {
        let rig = ClaudeHarness::start();
        let mut terminal = Terminal::start(size, &rig.daemon.command());
        terminal.wait_for("No sessions yet");
        let names = ["one", "two", "three"];
        let calls = names.map(|name| format!("TOOL Bash {{\"command\": \"touch {name}\"}}"));
        let id = rig.launch(&format!(
            "TEXT Three files are made now.\n{}\nTEXT done",
            calls.join("\n")
        ));
        for (at, name) in names.into_iter().enumerate() {
            let command = format!("touch {name}");
            let queued = names.len() - 1 - at;
            terminal.wait_until(
                "the asked call has the bar, those after it wait",
                |screen| {
                    let screen = screen.contents();
                    screen.contains("Allow Bash")
                        && bar_is_on(&screen, &command)
                        && screen.matches("queued").count() == queued
                },
            );
            assert!(!rig.exists(name));
            terminal.decide("y");
            crate::support::daemon::wait_until("the command has run", || {
                rig.exists(name).then_some(())
            });
        }
        rig.until_result(&id, "done");
        terminal.wait_gone("queued");
    }
}
