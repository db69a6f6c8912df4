//! A runner listens to the daemon, and an agent's input comes from its runner alone.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::claude_harness::ClaudeHarness;
use crate::support::daemon::{Daemon, wait_until};

/// A session whose agent tries to answer its own next question past the daemon; gives what it told.
fn try_past(daemon: &Daemon, launch: impl Fn(&str) -> String) -> (String, Value) {
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/callers/past_the_daemon.py"
    );
    let told = daemon.work().join("told");
    let command = format!(
        "(/usr/bin/python3 '{program}' '{}'/$HUMANLAYER_SESSION_ID '{}' < /dev/null > /dev/null 2>&1 &)",
        daemon.state().join("sessions").display(),
        told.display(),
    );
    let id = launch(&format!(
        "TOOL Bash {}\nTOOL Bash {{\"command\": \"touch made\"}}\nTEXT done",
        json!({"command": command})
    ));
    let first = daemon.until_pending(&id);
    daemon.approve(&first);
    let told: Value = wait_until("the agent has tried", || {
        serde_json::from_str(&std::fs::read_to_string(&told).ok()?).ok()
    });
    let second = wait_until("the next call asks", || {
        let pending = daemon.pending(&id);
        pending.into_iter().find(|next| next["id"] != first["id"])
    });
    assert_eq!(told["socket"], "", "{told}");
    assert_ne!(told["input"], "written", "{told}");
    assert!(!daemon.work().join("made").exists());
    daemon.approve(&second);
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("made").exists());
    (id, told)
}

#[test]
fn an_agent_answers_itself_neither_through_the_runner_nor_through_its_input() {
    let daemon = Daemon::unprivileged();
    let (_, told) = try_past(&daemon, |query| daemon.launch_session(query));
    if rustix::process::geteuid().is_root() {
        assert_eq!(told["environment"], "hidden", "{told}");
    }
}

#[rstest]
#[case("2.0.37")]
#[case("2.1.133")]
#[case("2.1.330")]
#[case("2.1.332")]
fn a_claude_code_reads_its_input_from_nobody_else(#[case] version: &str) {
    let rig = ClaudeHarness::of_version(version);
    try_past(&rig.daemon, |query| rig.launch(query));
}
