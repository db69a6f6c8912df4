//! `contact_human` over MCP.

use serde_json::json;

use super::{server, until_outcome, until_pending};
use crate::support::daemon::Daemon;

#[test]
fn a_message_is_answered_in_words() {
    let daemon = Daemon::start();
    let mut mcp = server(&daemon, &["serve"]);
    let call = mcp.call(
        "contact_human",
        json!({"message": "which way?", "subject": "way"}),
    );
    let asked = until_pending(&daemon, 1).remove(0);
    assert_eq!(
        (&asked["kind"], &asked["tool_input"]),
        (
            &json!("contact"),
            &json!({"message": "which way?", "subject": "way"})
        )
    );
    daemon.decide(&asked, json!({"decision": "respond", "comment": "left"}));
    assert_eq!(mcp.texts(call), ["left"]);
    assert!(until_outcome(&daemon, &asked, "answered")["delivered_at"].is_string());
    mcp.leave();
    assert!(mcp.wait().success());
}

#[test]
fn an_option_is_offered_by_name_or_in_full() {
    let daemon = Daemon::start();
    let mut mcp = server(&daemon, &["serve"]);
    let arguments = json!({"message": "when?", "response_options": [
        "now", {"name": "later", "title": "Ask me later"},
    ]});
    for (option, told) in [
        ("now", vec!["now"]),
        ("later", vec!["Ask me later", "Option chosen: later"]),
    ] {
        let call = mcp.call("contact_human", arguments.clone());
        let asked = until_pending(&daemon, 1).remove(0);
        assert_eq!(asked["options"][1]["title"], "Ask me later");
        daemon.decide(&asked, json!({"decision": "respond", "option": option}));
        assert_eq!(mcp.texts(call), told);
    }
}

#[test]
fn declining_and_nobody_are_told_apart() {
    let daemon = Daemon::start();
    let mut mcp = server(&daemon, &["serve"]);
    let declined = mcp.call("contact_human", json!({"message": "one"}));
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.decide(&asked, json!({"decision": "deny", "comment": "busy"}));
    assert_eq!(mcp.texts(declined), ["The person declined to answer: busy"]);
    let withdrawn = mcp.call("contact_human", json!({"message": "two"}));
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.call("withdrawApproval", json!({"approval_id": asked["id"]}));
    assert!(mcp.texts(withdrawn)[0].starts_with("Nobody decided"));
    assert_eq!(mcp.answer(withdrawn)["result"]["isError"], true);
    let cancelled = mcp.call("contact_human", json!({"message": "three"}));
    let asked = until_pending(&daemon, 1).remove(0);
    mcp.cancel(cancelled);
    until_outcome(&daemon, &asked, "withdrawn");
    let refused = mcp.call(
        "contact_human",
        json!({"message": "four", "response_options": ["a", "a"]}),
    );
    let told = mcp.texts(refused).remove(0);
    assert!(told.starts_with("Nobody was asked"), "{told}");
    assert!(told.contains("two options"), "{told}");
}

#[test]
fn a_message_outlives_the_daemon() {
    let mut daemon = Daemon::start();
    let mut mcp = server(&daemon, &["serve"]);
    let call = mcp.call("contact_human", json!({"message": "still there?"}));
    until_pending(&daemon, 1);
    daemon.kill_and_restart();
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.decide(&asked, json!({"decision": "respond", "comment": "yes"}));
    assert_eq!(mcp.texts(call), ["yes"]);
}
