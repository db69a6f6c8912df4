//! The other processes killed: the runner, the agent, all of them.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::final_state::Agent;
use super::harness::{FaultHarness, Played};
use crate::support::daemon::{Daemon, wait_until};

const QUESTION: &str = "TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}\nTEXT done";

fn signal(pid: &Value, signal: Signal) {
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn until_gone(pid: &Value) {
    wait_until("a process is gone", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let gone = stat.is_empty() || stat.rsplit(") ").next().unwrap().starts_with('Z');
        gone.then_some(())
    });
}

/// The runner's own file.
fn runner(dir: &Path) -> Value {
    wait_until("the runner says who it is", || {
        let state: Value = serde_json::from_slice(&fs::read(dir.join("runner.json")).ok()?).ok()?;
        state["agent_pid"].is_number().then_some(state)
    })
}

/// Kills a runner. Its agent is stopped first: it would see the end of its input a moment before
/// the system kills it too, and could say something more.
fn kill_runner(state: &Value) {
    signal(&state["agent_pid"], Signal::STOP);
    signal(&state["runner_pid"], Signal::KILL);
}

/// A session with a question pending, and its runner's state.
fn asked(rig: &mut FaultHarness) -> ([Played; 1], Value, Value) {
    let session = rig.launch(QUESTION);
    let approval = rig.daemon.until_pending(&session.id);
    let state = runner(&rig.daemon.session_dir(&session.id));
    ([session], approval, state)
}

fn approval(rig: &FaultHarness, approval: &Value) -> Value {
    let params = json!({"approval_id": approval["id"]});
    rig.daemon.call("getApproval", params)["approval"].clone()
}

#[test]
fn a_killed_runner_ends_its_session_honestly() {
    let mut rig = FaultHarness::start();
    let (session, pending, state) = asked(&mut rig);
    kill_runner(&state);
    let record = rig.daemon.until_over(&session[0].id);
    until_gone(&state["agent_pid"]);
    let said = record["error_message"].as_str().unwrap();
    assert!(said.contains("runner was killed"), "{said}");
    assert_eq!(approval(&rig, &pending)["outcome"], "abandoned");
    rig.check(&session[0], "failed", Agent::Killed);
    rig.check_database();
}

#[test]
fn a_runner_that_dies_without_a_daemon_is_found_out_by_the_next() {
    let mut rig = FaultHarness::start();
    let (session, pending, state) = asked(&mut rig);
    rig.daemon.kill();
    kill_runner(&state);
    rig.daemon.launch(&[]);
    rig.daemon.until_over(&session[0].id);
    until_gone(&state["agent_pid"]);
    assert_eq!(approval(&rig, &pending)["outcome"], "abandoned");
    rig.check(&session[0], "failed", Agent::Killed);
    rig.check_database();
}

#[test]
fn a_decision_that_cannot_arrive_any_more_says_so() {
    let mut rig = FaultHarness::start();
    let (session, pending, state) = asked(&mut rig);
    // It can take nothing in.
    signal(&state["runner_pid"], Signal::STOP);
    rig.daemon.approve(&pending);
    kill_runner(&state);
    rig.daemon.until_over(&session[0].id);
    let decided = approval(&rig, &pending);
    assert_eq!(decided["outcome"], "approved");
    assert!(decided["delivered_at"].is_null(), "{decided}");
    let why = decided["undelivered"].as_str().unwrap();
    assert!(why.contains("runner was killed"), "{why}");
    assert!(!rig.daemon.work().join("one").exists());
    rig.check(&session[0], "failed", Agent::Killed);
    rig.check_database();
}

#[test]
fn of_a_call_whose_approval_died_with_the_agent_it_is_said_that_nobody_knows_what_came_of_it() {
    let mut rig = FaultHarness::start();
    let (session, pending, state) = asked(&mut rig);
    // It takes the answer in, and never reads it.
    signal(&state["agent_pid"], Signal::STOP);
    rig.daemon.approve(&pending);
    wait_until("the answer is in its input", || {
        let decided = approval(&rig, &pending);
        decided["delivered_at"].is_string().then_some(())
    });
    signal(&state["agent_pid"], Signal::KILL);
    rig.daemon.until_over(&session[0].id);
    assert!(!rig.daemon.work().join("one").exists());
    let said = rig.daemon.conversation(&session[0].id);
    let said = said.iter().filter_map(|piece| piece["content"].as_str());
    let unknown = "It is not known what came of the approved call of Bash";
    assert_eq!(said.filter(|words| words.contains(unknown)).count(), 1);
    rig.check(&session[0], "failed", Agent::Killed);
    rig.check_database();
}

#[test]
fn a_decision_that_arrived_counts_as_delivered_also_when_nobody_noted_it() {
    let mut rig = FaultHarness::start();
    let go = rig.daemon.root().join("go");
    let session = rig.launch(&format!(
        "TEXT hello\nTOOL Bash {{\"command\": \"echo x >> one\"}}\nWAITFILE {}\nEXIT 3",
        go.display()
    ));
    let pending = rig.daemon.until_pending(&session.id);
    wait_until("all else is acknowledged", || {
        let db = rusqlite::Connection::open(rig.daemon.database()).unwrap();
        let waiting: i64 = db
            .query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))
            .unwrap();
        (waiting == 0).then_some(())
    });
    rig.daemon.kill();
    rig.daemon
        .launch(&[("HUMANLAYER_FAILPOINT", "outbox.delivered")]);
    rig.daemon.approve_ignoring_crash(&pending);
    rig.daemon.wait();
    fs::write(&go, b"").unwrap();
    let exit = rig.daemon.session_dir(&session.id).join("exit.json");
    wait_until("the agent has ended", || exit.exists().then_some(()));
    rig.daemon.launch(&[]);
    rig.daemon.until_over(&session.id);
    let decided = approval(&rig, &pending);
    assert!(decided["delivered_at"].is_string(), "{decided}");
    assert!(decided["undelivered"].is_null(), "{decided}");
    rig.check(&session, "failed", Agent::Lived);
    rig.check_database();
}

#[test]
fn a_killed_agent_ends_its_session_honestly() {
    let mut rig = FaultHarness::start();
    let (session, pending, state) = asked(&mut rig);
    signal(&state["agent_pid"], Signal::KILL);
    let record = rig.daemon.until_over(&session[0].id);
    let said = record["error_message"].as_str().unwrap();
    assert!(said.contains("signal 9"), "{said}");
    assert_eq!(approval(&rig, &pending)["outcome"], "abandoned");
    rig.check(&session[0], "failed", Agent::Killed);
    rig.check_database();
}

#[test]
fn an_agent_that_dies_in_half_a_line_leaves_the_half() {
    let mut rig = FaultHarness::start();
    let session = rig.launch("TEXT hello\nHALF a line in two\nWAIT 0.01\nKILLSELF");
    rig.daemon.until_over(&session.id);
    let (_, last) = rig.daemon.raw_lines(&session.id).pop().unwrap();
    assert!(last.starts_with("{\"type\":\"assistant\""), "{last}");
    rig.check(&session, "failed", Agent::Killed);
    rig.check_database();
}

#[test]
fn after_a_restart_of_the_machine_every_session_ends_as_that() {
    let mut rig = FaultHarness::start();
    let (first, pending, one) = asked(&mut rig);
    let resting = rig.launch("TEXT all done");
    rig.until_status(&resting.id, "completed");
    let two = runner(&rig.daemon.session_dir(&resting.id));
    rig.daemon.kill();
    for (state, id) in [(one, &first[0].id), (two, &resting.id)] {
        signal(&state["agent_pid"], Signal::KILL);
        signal(&state["runner_pid"], Signal::KILL);
        // It may have reported the agent's death before its own.
        until_gone(&state["runner_pid"]);
        let dir = rig.daemon.session_dir(id);
        let _ = fs::remove_file(dir.join("exit.json"));
        let mut before = state;
        before["boot_id"] = json!("00000000-0000-0000-0000-000000000000");
        // Whoever has those numbers now is somebody else.
        before["agent_pid"] = json!(std::process::id());
        before["runner_pid"] = json!(std::process::id());
        fs::write(dir.join("runner.json"), before.to_string()).unwrap();
    }
    rig.daemon.launch(&[]);
    let record = rig.daemon.until_over(&first[0].id);
    let said = record["error_message"].as_str().unwrap();
    assert!(said.contains("machine was restarted"), "{said}");
    assert_eq!(approval(&rig, &pending)["outcome"], "abandoned");
    rig.check(&first[0], "failed", Agent::Killed);
    rig.daemon.until_over(&resting.id);
    rig.check(&resting, "completed", Agent::Killed);
    rig.check_database();
}

/// A runner lives a moment longer than its session. The test holds its lock in its place.
#[test]
fn what_a_lingering_runner_holds_is_removed_once_it_is_gone() {
    let mut daemon = Daemon::with(&[("HUMANLAYER_FAILPOINT", "session.over")]);
    let id = daemon.launch_session("TEXT hello");
    daemon.until_status(&id, "completed");
    let dir = daemon.session_dir(&id);
    daemon.connect().send(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "endSession", "params": {"session_id": id}})
            .to_string(),
    );
    daemon.wait();
    let lock = fs::File::open(dir.join("runner.lock")).unwrap();
    lock.lock().unwrap();
    daemon.launch(&[]);
    assert!(dir.exists(), "it is in use");
    drop(lock);
    wait_until("the directory is gone", || (!dir.exists()).then_some(()));
}
