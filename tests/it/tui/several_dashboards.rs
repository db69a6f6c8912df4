//! Several dashboards at once, and a daemon that dies below one.

use serde_json::json;

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (120, 30);
const ASK: &str = r#"TOOL Bash {"command": "echo once >> ran"}"#;

#[test]
fn ten_dashboards_agree_about_one_decision() {
    let cli = Cli::new();
    let id = cli.launch(ASK);
    cli.until_pending(&id);
    let mut dashboards: Vec<Terminal> = (0..10)
        .map(|_| Terminal::start(SIZE, &cli.command(&[])))
        .collect();
    for one in &dashboards {
        one.wait_for("Allow Bash");
    }
    // All at once: whoever is second must not make it run again.
    for one in &dashboards {
        one.wait_ready();
    }
    for one in &mut dashboards {
        one.keys("y");
    }
    for one in &dashboards {
        one.wait_gone("Allow Bash");
    }
    cli.until_status(&id, "completed");
    let ran = std::fs::read_to_string(cli.work().join("ran")).unwrap();
    assert_eq!(ran, "once\n");
}

#[test]
fn a_typed_reason_outlives_the_daemon_and_is_sent_once() {
    let cli = Cli::new();
    let id = cli.launch(ASK);
    cli.until_pending(&id);
    let mut terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("Allow Bash");
    terminal.decide("n");
    terminal.wait_for("Deny: reason");
    terminal.type_in("typed before it died");
    terminal.wait_for("typed before it died");
    cli.ok(&["daemon", "stop"]);
    terminal.wait_until("the loss is said and the form stays", |screen| {
        let shown = screen.contents();
        (shown.contains("daemon not running") || shown.contains("connection lost"))
            && shown.contains("typed before it died")
    });
    // A verb starts the daemon again.
    cli.ok(&["daemon", "start"]);
    terminal.wait_until("it is back and the form stays", |screen| {
        let shown = screen.contents();
        !shown.contains("daemon not running")
            && !shown.contains("connection lost")
            && !shown.contains("connecting…")
            && shown.contains("typed before it died")
    });
    terminal.keys("enter");
    terminal.wait_gone("Deny: reason");
    cli.until_status(&id, "completed");
    let events = cli.call("getConversation", json!({ "session_id": id }))["events"].clone();
    let results: Vec<String> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["event_type"] == "tool_result")
        .map(ToString::to_string)
        .collect();
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results[0].contains("typed before it died"), "{results:?}");
    assert!(!cli.work().join("ran").exists());
}
