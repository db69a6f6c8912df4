//! A session whose runner is of an older release: the daemon was upgraded under it.
//!
//! The older runner is the frozen `runner.py`; nothing of it changes when the program does.

use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::final_state::Agent;
use super::harness::{FaultHarness, Played};
use crate::support::daemon::wait_until;

/// The runner; ended with the test.
struct Frozen(Child);

impl Drop for Frozen {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session that a daemon accepted and did not come to launch, and that the old runner serves.
fn session_of_the_old_runner(script: &str) -> (FaultHarness, [Played; 1], Frozen) {
    let mut rig = FaultHarness::dying_at("launch.recorded");
    wait_until("the daemon answers", || rig.ask("health", &json!({})).ok());
    let id = uuid::Uuid::new_v4().to_string();
    let params = json!({
        "query": script, "session_id": id, "approvals": true, "working_dir": rig.daemon.work(),
    });
    rig.ask("launchSession", &params).unwrap_err();
    rig.daemon.wait();
    let dir = rig.daemon.session_dir(&id);
    let runner = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/runner-v1/runner.py"
        ))
        .arg(&dir)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let runner = Frozen(runner);
    wait_until("the old runner is in charge", || {
        let state = std::fs::read_to_string(dir.join("runner.json")).ok()?;
        state.contains("\"agent_pid\"").then_some(())
    });
    let played = Played {
        id,
        query: script.to_owned(),
        results: 1,
    };
    (rig, [played], runner)
}

#[test]
fn a_session_goes_on_with_the_runner_that_it_has() {
    let (mut rig, session, mut runner) = session_of_the_old_runner(
        "TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}\n\
         TOOL Bash {\"command\": \"echo x >> no-two\"}\nFLOOD 500\nTEXT done",
    );
    rig.daemon.launch(&[]);
    let pending = rig.daemon.until_pending(&session[0].id);
    rig.daemon.approve(&pending);
    rig.daemon.kill_and_restart();
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
    wait_until("the old runner ends", || runner.0.try_wait().unwrap());
}

#[test]
fn an_upgrade_in_the_middle_of_a_turn_changes_nothing() {
    let (mut rig, session, mut runner) = session_of_the_old_runner(
        "TEXT hello\nWAITFILE go\nHALF in two\nWAITFILE further\nTEXT done",
    );
    rig.daemon.launch(&[]);
    rig.daemon.until_status(&session[0].id, "running");
    rig.daemon.kill_and_restart();
    std::fs::write(rig.daemon.work().join("go"), "").unwrap();
    wait_until("half a line is written", || {
        let written = rig.truth(&session[0].id);
        (!written.ends_with(b"\n")).then_some(())
    });
    assert!(rig.daemon.stop().success());
    std::fs::write(rig.daemon.work().join("further"), "").unwrap();
    rig.daemon.launch(&[]);
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
    wait_until("the old runner ends", || runner.0.try_wait().unwrap());
}

#[test]
fn an_older_runner_can_be_told_to_end() {
    let (mut rig, session, mut runner) =
        session_of_the_old_runner("TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}");
    rig.daemon.launch(&[]);
    rig.daemon.until_pending(&session[0].id);
    rig.daemon.kill_and_restart();
    rig.daemon
        .call("endSession", json!({"session_id": session[0].id}));
    rig.until_over(&session[0].id);
    rig.check(&session[0], "interrupted", Agent::Lived);
    rig.check_database();
    wait_until("the old runner ends", || runner.0.try_wait().unwrap());
}

#[test]
fn an_older_runner_that_cannot_be_reached_is_said_to_be_and_can_be_ended() {
    let (mut rig, session, mut runner) =
        session_of_the_old_runner("TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}");
    rig.daemon.launch(&[]);
    rig.daemon.until_pending(&session[0].id);
    rig.daemon.kill();
    std::fs::remove_file(rig.daemon.session_dir(&session[0].id).join("s")).unwrap();
    rig.daemon.launch(&[]);
    let pid = runner.0.id();
    wait_until("it is said", || {
        let health = rig.daemon.call("health", json!({}));
        let problem = health["problem"].as_str()?;
        (problem.contains("cannot be reached") && problem.contains(&format!("process {pid}")))
            .then_some(())
    });
    rig.daemon
        .call("endSession", json!({"session_id": session[0].id}));
    rig.until_over(&session[0].id);
    wait_until("the old runner ends", || runner.0.try_wait().unwrap());
    wait_until("all is well again", || {
        let health = rig.daemon.call("health", json!({}));
        health["problem"].is_null().then_some(())
    });
}
