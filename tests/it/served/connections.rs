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

/// The most memory that the daemon has had, in MiB.
fn most_memory(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kib| kib.parse().ok())
        .unwrap();
    kib / 1024
}

#[test]
fn agents_that_send_half_lines_over_all_their_connections_take_no_more_than_a_part_of_the_memory() {
    let daemon = Daemon::unprivileged();
    let before = most_memory(&daemon);
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let (session, told) = crowd(&daemon, "halves");
        let _ = std::fs::remove_file(daemon.work().join("told"));
        let held = told["held"].as_u64().unwrap();
        assert!((1..=6).contains(&held), "{told}");
        let refusals = told["refusals"].as_array().unwrap();
        let told_why = refusals.iter().filter(|refusal| {
            refusal["error"]["data"]["kind"] == "too_much_under_way"
                && refusal["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("67108864 bytes")
        });
        assert!(told_why.count() > 20, "{told}");
        assert!(told["last"]["result"].is_object(), "{told}");
        sessions.push(session);
    }
    let most = most_memory(&daemon) - before;
    // What is counted, twice where a buffer grows, and what the calls themselves take.
    assert!(most < 350, "{most} MiB");
    // Another agent is served, and so is the user.
    let other = daemon.launch_session("TEXT done");
    daemon.until_status(&other, "completed");
    for session in &sessions {
        assert!(verb(&daemon, &["sessions"]).contains(&session[..8]));
        verb(&daemon, &["end", session]);
        daemon.until_over(session);
    }
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
