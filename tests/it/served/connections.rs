//! The user's own client gets a connection, and the log keeps within its bounds.

use serde_json::json;

use super::{crowd, verb};
use crate::support::daemon::Daemon;

#[test]
fn an_agent_that_opens_all_connections_locks_nobody_out() {
    let daemon = Daemon::unprivileged();
    let (session, told) = crowd(&daemon, "connections");
    let held = told["held"].as_u64().unwrap();
    assert_eq!(held, 64, "{told}");
    let refusal = told["refusal"]["error"]["message"].as_str().unwrap();
    assert!(refusal.contains("64 connections"), "{told}");
    // Another agent is served, and so is the user.
    let other = daemon.launch_session("TEXT done");
    daemon.until_status(&other, "completed");
    assert!(verb(&daemon, &["sessions"]).contains(&session[..8]));
    verb(&daemon, &["end", &session]);
    daemon.until_over(&session);
}

#[test]
fn an_agent_that_is_refused_again_and_again_does_not_fill_the_disk() {
    let daemon = Daemon::unprivileged();
    let (_, told) = crowd(&daemon, "refused");
    assert_eq!(told["last"]["error"]["data"]["kind"], "forbidden", "{told}");
    let log = daemon.log();
    let refused = log
        .lines()
        .filter(|line| line.contains(" WARN ") && line.contains(": refused "))
        .count();
    assert!((200..400).contains(&refused), "{refused} lines");
    // How many there were is said with a later line.
    crate::support::daemon::wait_until("the lines are counted", || {
        daemon.connect().fail(
            "sendDecision",
            json!({"approval_id": "x", "decision": "no"}),
        );
        let log = daemon.log();
        log.contains("more lines like \"refused\" were not written")
            .then_some(())
    });
}
