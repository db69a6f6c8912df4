//! Deaths at moments that need a hand: with a question pending, in half a line, in a flood, on the
//! way down, in a migration.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rstest::rstest;
use serde_json::{Value, json};

use super::final_state;
use super::harness::FaultHarness;
use crate::support::daemon::{Daemon, wait_until};

const QUESTION: &str = "TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}\nTEXT done";

#[test]
fn a_pending_question_survives_and_its_answer_arrives() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch(QUESTION)];
    let before = rig.daemon.until_pending(&session[0].id);
    for _ in 0..3 {
        rig.daemon.kill_and_restart();
        assert_eq!(
            rig.daemon.pending(&session[0].id),
            std::slice::from_ref(&before)
        );
        assert_eq!(
            rig.daemon.session(&session[0].id)["status"],
            "waiting_input"
        );
    }
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn what_an_agent_does_while_no_daemon_lives_is_read_later() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch(
        "TEXT hello\nWAITFILE go\nFLOOD 2000 200\nTOOL Bash {\"command\": \"echo x >> one\"}",
    )];
    rig.daemon.until_status(&session[0].id, "running");
    rig.daemon.kill();
    fs::write(rig.daemon.work().join("go"), "").unwrap();
    wait_until("the agent asks", || {
        String::from_utf8_lossy(&rig.truth(&session[0].id))
            .contains("can_use_tool")
            .then_some(())
    });
    rig.daemon.launch(&[]);
    rig.daemon.until_pending(&session[0].id);
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn half_a_line_is_read_when_it_is_whole() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch("TEXT hello\nHALF a line in two\nWAITFILE go\nTEXT done")];
    let id = session[0].id.clone();
    wait_until("half a line is written", || {
        let written = rig.truth(&id);
        (!written.is_empty() && !written.ends_with(b"\n") && written.len() > 2000).then_some(())
    });
    for _ in 0..2 {
        rig.daemon.kill_and_restart();
        let mut lines = final_state::truth(&rig.truth(&id));
        lines.pop();
        wait_until("the whole lines are stored", || {
            let stored = rig.daemon.raw_lines(&id);
            assert!(stored.len() <= lines.len(), "half a line is stored");
            (stored == lines).then_some(())
        });
    }
    rig.daemon.kill();
    fs::write(rig.daemon.work().join("go"), "").unwrap();
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn a_flood_is_stored_once_however_often_the_daemon_dies_in_it() {
    let mut rig = FaultHarness::new(&[]);
    for failpoint in [
        "ingest.read:3",
        "ingest.applied:2",
        "store.before_commit:3",
        "store.after_commit:2",
        "ingest.read:4",
    ] {
        rig.schedule.push_back(failpoint.to_owned());
    }
    let session = [rig.launch("FLOOD 12000 60\nLONG 3000000\nFLOOD 100")];
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
    assert_eq!(rig.deaths, 5);
}

#[rstest]
#[case("lifecycle.stopping")]
#[case("lifecycle.drained")]
#[case("store.closing")]
fn killed_on_the_way_down(#[case] failpoint: &str) {
    let mut rig = FaultHarness::dying_at(failpoint);
    let session =
        [rig.launch("FLOOD 3000 60\nTOOL Bash {\"command\": \"echo x >> one\"}\nTEXT done")];
    rig.daemon.ask_to_stop();
    assert_eq!(rig.daemon.wait().signal(), Some(9));
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn a_daemon_that_is_stopped_properly_leaves_its_sessions_alone() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch(QUESTION)];
    let before = rig.daemon.until_pending(&session[0].id);
    assert!(rig.daemon.stop().success());
    assert!(!rig.daemon.socket().exists());
    rig.daemon.launch(&[]);
    assert_eq!(rig.daemon.pending(&session[0].id), [before]);
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn a_migration_that_was_killed_starts_over() {
    let mut rig = FaultHarness::dying_at("store.migrating");
    assert_eq!(rig.daemon.wait().signal(), Some(9));
    let session = [rig.launch(QUESTION)];
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn a_launch_that_was_never_recorded_leaves_nothing() {
    let mut rig = FaultHarness::dying_at("launch.prepared");
    let id = uuid::Uuid::new_v4().to_string();
    let params = json!({"query": QUESTION, "session_id": id, "working_dir": rig.daemon.work()});
    wait_until("the daemon answers", || rig.ask("health", &json!({})).ok());
    rig.ask("launchSession", &params).unwrap_err();
    assert_eq!(rig.daemon.wait().signal(), Some(9));
    assert!(rig.daemon.session_dir(&id).exists());
    rig.daemon.launch(&[]);
    assert!(!rig.daemon.session_dir(&id).exists());
    let sessions = rig.daemon.call("listSessions", json!({}));
    assert_eq!(sessions["sessions"], json!([]));
}

#[test]
fn a_launch_whose_daemon_died_while_it_wrote_leaves_nothing() {
    let mut rig = FaultHarness::start();
    rig.daemon.stop();
    for names in [
        vec![],
        vec!["spec.json.tmp"],
        vec!["mcp.json", "spec.json.tmp"],
    ] {
        let directory = rig.daemon.session_dir(&uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&directory).unwrap();
        for name in names {
            fs::write(directory.join(name), "{").unwrap();
        }
    }
    let kept = rig.daemon.session_dir(&uuid::Uuid::new_v4().to_string());
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("notes"), "a person's").unwrap();
    rig.daemon.launch(&[]);
    let sessions = kept.parent().unwrap();
    let left = fs::read_dir(sessions).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [kept]);
}

#[test]
fn a_daemon_that_is_stopped_as_soon_as_it_answers_stops_properly() {
    let mut rig = FaultHarness::new(&[]);
    for _ in 0..20 {
        rig.daemon.launch(&[]);
        assert!(rig.daemon.stop().success(), "{}", rig.daemon.log());
        assert!(!rig.daemon.socket().exists());
    }
}

#[rstest]
#[case("createContact", json!({"message": "still there?", "ends_with_caller": true}))]
#[case("createApproval", json!({"tool_name": "Bash", "tool_input": {"command": "true"},
    "external": {"name": "a program"}, "ends_with_caller": true}))]
fn a_request_ends_with_the_program_that_asked_though_the_daemon_died_with_it(
    #[case] method: &str,
    #[case] params: Value,
) {
    let mut daemon = Daemon::prepare(&[]);
    daemon.launch(&[("HUMANLAYER_FAILPOINT", "request.answering")]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/one_call.py");
    let program = std::process::Command::new("python3")
        .arg(script)
        .arg(daemon.socket())
        .args([method, &params.to_string()])
        .output()
        .unwrap();
    assert!(program.stdout.is_empty(), "{program:?}");
    assert_eq!(daemon.wait().signal(), Some(9));
    daemon.launch(&[]);
    let ended = wait_until("nobody is asked any more", || {
        let asked = daemon.call("listApprovals", json!({"all": true}))["approvals"][0].clone();
        (asked["outcome"] != "pending").then_some(asked)
    });
    assert_eq!(ended["outcome"], "abandoned", "{ended:#}");
}
