//! Starting sessions by the form, finding what was said, and what is large; once with the real Claude
//! Code behind it.

use serde_json::json;

use crate::support::claude_harness::ClaudeHarness;
use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (140, 40);

#[test]
fn a_session_is_started_by_the_form_with_its_settings() {
    let cli = Cli::new();
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    terminal.keys("C");
    terminal.wait_for("Prompt");
    terminal.type_in("TEXT started by the form");
    terminal.keys("tab");
    terminal.type_in("haiku");
    terminal.wait_for("haiku");
    terminal.keys("enter");
    terminal.wait_gone("Prompt");
    terminal.wait_for("started by the form");
    let list = cli.call("listSessions", json!({}));
    let session = &list["sessions"][0];
    assert_eq!(session["query"], "TEXT started by the form");
    assert_eq!(session["model"], "haiku");
}

#[test]
fn a_search_finds_what_was_said_and_goes_there() {
    let cli = Cli::new();
    let wanted = cli.launch("TEXT the heron stands in the reeds\nTEXT and waits");
    cli.until_status(&wanted, "completed");
    let other = cli.launch("TEXT something else");
    cli.until_status(&other, "completed");
    cli.ok(&[
        "rpc",
        "updateSessionTitle",
        &json!({"session_id": wanted, "title": "Birds"}).to_string(),
    ]);
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("Birds");
    terminal.keys("S");
    terminal.type_in("heron stands");
    terminal.wait_until("the place is found", |screen| {
        screen.contents().contains("Birds") && screen.contents().contains("in the reeds")
    });
    terminal.keys("enter");
    terminal.wait_gone("Search all sessions");
    terminal.wait_for("and waits");
}

#[test]
fn ten_megabytes_of_output_slow_nothing() {
    let cli = Cli::new();
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    let id = cli.launch("TOOL Bash {\"command\": \"seq -w 1 1300000\"}\nTEXT after all of it");
    terminal.wait_for("Allow Bash");
    terminal.decide("y");
    cli.until_status(&id, "completed");
    terminal.wait_for("after all of it");
    terminal.keys("3 g G ?");
    terminal.wait_for(" Keys ");
    // By itself: together with the next key it would be one with alt.
    terminal.keys("esc");
    terminal.wait_gone(" Keys ");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn the_real_claude_code_from_the_prompt_line_to_the_file_and_again_after_reopening() {
    let rig = ClaudeHarness::start();
    let mut command = rig.daemon.command();
    command
        .envs(rig.claude.environment())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut terminal = Terminal::start(SIZE, &command);
    terminal.wait_for("No sessions yet");
    terminal.keys("c");
    terminal.type_in(r#"TOOL Bash {"command": "echo real > made"}"#);
    terminal.keys("alt-enter");
    terminal.type_in("TEXT it is written");
    terminal.keys("enter");
    terminal.wait_for("Allow Bash");
    assert!(!rig.exists("made"));
    terminal.decide("y");
    terminal.wait_until("the turn is over", |screen| {
        screen.contents().contains("Completed 1")
    });
    assert_eq!(rig.lines("made"), ["real"]);
    terminal.keys("r");
    terminal.wait_for("enter send");
    terminal.type_in("TEXT a reply is answered");
    terminal.keys("enter");
    let id = rig.daemon.call("listSessions", json!({}))["sessions"][0]["id"].clone();
    rig.until_result(id.as_str().unwrap(), "a reply is answered");
    terminal.keys("q");
    assert!(terminal.wait().success());
    let terminal = Terminal::start(SIZE, &command);
    terminal.wait_for("echo real > made");
    terminal.wait_for("a reply is answered");
}
