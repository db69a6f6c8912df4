//! Every kind of decision, from the key to what the agent did with it.

use serde_json::json;

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (140, 40);
const QUESTION: &str = r#"QUESTION {"questions": [{"question": "Which database?", "header": "DB", "multiSelect": false, "options": [{"label": "Postgres", "description": "big"}, {"label": "SQLite", "description": "small"}]}]}"#;

fn dashboard(cli: &Cli) -> Terminal {
    let terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    terminal
}

/// What the agent was told, as JSON text.
fn told(cli: &Cli, id: &str) -> String {
    cli.until_status(id, "completed");
    cli.call("getConversation", json!({ "session_id": id }))["events"].to_string()
}

#[test]
fn a_denial_takes_its_reason_to_the_agent() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch(r#"TOOL Bash {"command": "touch never"}"#);
    terminal.wait_for("Allow Bash");
    terminal.decide("n");
    terminal.wait_for("Deny: reason");
    terminal.type_in("not on a Friday");
    terminal.wait_for("not on a Friday");
    terminal.keys("enter");
    terminal.wait_gone("Deny: reason");
    assert!(told(&cli, &id).contains("not on a Friday"));
    assert!(!cli.work().join("never").exists());
}

#[test]
fn what_was_edited_is_what_runs() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch(r#"TOOL Bash {"command": "touch made"}"#);
    terminal.wait_for("Allow Bash");
    terminal.decide("e");
    terminal.wait_for("Edit, then approve:");
    terminal.keys("end");
    terminal.type_in("-differently");
    terminal.wait_for("touch made-differently");
    terminal.keys("enter");
    terminal.wait_lit(&["y approve"]);
    terminal.keys("y");
    terminal.wait_gone("Approve as edited?");
    cli.until_status(&id, "completed");
    assert!(cli.work().join("made-differently").exists());
    assert!(!cli.work().join("made").exists());
}

#[test]
fn a_question_is_answered_by_a_digit() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch(QUESTION);
    terminal.wait_until("the card offers both answers", |screen| {
        let shown = screen.contents();
        shown.contains("Postgres") && shown.contains("waiting ")
    });
    terminal.decide("y");
    terminal.wait_for("Your answer");
    terminal.keys("2 enter");
    terminal.wait_gone("Your answer");
    let told = told(&cli, &id);
    assert!(told.contains(r#"\"Which database?\"=\"SQLite\""#), "{told}");
}

#[test]
fn a_session_is_started_from_the_prompt_line_and_approved() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.keys("c");
    terminal.type_in(r#"TOOL Bash {"command": "touch launched"}"#);
    terminal.wait_for("touch launched");
    terminal.keys("enter");
    terminal.wait_for("Allow Bash");
    terminal.decide("y");
    crate::support::daemon::wait_until("the command has run", || {
        cli.work().join("launched").exists().then_some(())
    });
}

#[test]
fn a_plan_is_rejected_with_a_reason_and_then_accepted() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let plan = r##"TOOL ExitPlanMode {"plan": "# The plan\n\n1. Look\n2. Leap"}"##;
    let id = cli.launch(&format!("{plan}\nTEXT again\n{plan}\nTEXT leapt"));
    let first = cli.until_pending(&id);
    terminal.wait_for("Approve this plan");
    terminal.decide("n");
    terminal.wait_for("Deny: reason");
    terminal.type_in("look twice");
    terminal.keys("enter");
    let second = crate::support::daemon::wait_until("it asks again", || {
        let now = cli.until_pending(&id);
        (now["id"] != first["id"]).then_some(now)
    });
    terminal.wait_until("the second plan is on the screen", |screen| {
        let shown = screen.contents();
        shown.contains("Approve this plan")
            && !shown.contains("denying")
            && shown.contains("Inbox 1")
    });
    terminal.decide("y");
    cli.until_status(&id, "completed");
    let outcome = |approval: &serde_json::Value| {
        let params = json!({"approval_id": approval["id"]});
        cli.call("getApproval", params)["approval"]["outcome"].clone()
    };
    assert_eq!(outcome(&first), "denied");
    assert_eq!(outcome(&second), "approved");
}

#[test]
fn marked_ones_are_decided_together_after_a_summary() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let ids: Vec<String> = (0..3)
        .map(|n| cli.launch(&format!(r#"TOOL Bash {{"command": "touch many-{n}"}}"#)))
        .collect();
    terminal.wait_for("Inbox 3");
    terminal.decide("Y");
    terminal.wait_lit(&["y approve all"]);
    terminal.keys("y");
    for (n, id) in ids.iter().enumerate() {
        cli.until_status(id, "completed");
        assert!(cli.work().join(format!("many-{n}")).exists());
    }
}

#[test]
fn what_would_deceive_is_shown_as_what_it_is_and_never_reaches_the_terminal() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch(
        "TEXT title \\u001b]0;owned\\u0007\nTOOL Bash {\"command\": \"echo a\\u001b[2Jb \\u202ecod.exe \\u200bz\"}",
    );
    cli.until_pending(&id);
    terminal.wait_for("Allow Bash");
    terminal.wait_for("\\u{202e}");
    terminal.wait_for("\\u{200b}");
    let raw = terminal.raw();
    let holds = |bytes: &[u8]| raw.windows(bytes.len()).any(|window| window == bytes);
    assert!(!holds("\u{202e}".as_bytes()), "a bidi control");
    assert!(!holds("\u{200b}".as_bytes()), "a zero-width character");
    assert!(!holds(b"a\x1b[2Jb"), "the agent's own escape sequence");
    terminal.keys("q");
    assert!(terminal.wait().success());
    assert!(terminal.is_restored());
}

#[test]
fn a_daemon_that_was_stopped_is_started_again_by_a_key() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    let id = cli.launch(r#"TOOL Bash {"command": "touch back"}"#);
    cli.until_pending(&id);
    terminal.wait_for("Allow Bash");
    cli.ok(&["daemon", "stop"]);
    terminal.wait_for("daemon not running");
    terminal.keys("ctrl-r");
    terminal.wait_gone("daemon not running");
    terminal.wait_for("Allow Bash");
    terminal.decide("y");
    cli.until_status(&id, "completed");
    assert!(cli.work().join("back").exists());
}
