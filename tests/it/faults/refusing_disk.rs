//! What agents say while the disk takes nothing, or takes seconds: all of it is there afterwards, in order and
//! once, and what they asked reaches the person without anybody's doing. Each test runs in mounts of its own.

use std::fs;

use rstest::rstest;
use rustix::io::Errno;
use serde_json::json;

use super::harness::{FaultHarness, Played};
use crate::support::daemon::{Client, wait_until};
use crate::support::disk::{MoodyDisk, SmallDisk, in_own_mounts};

/// Speaks, asks, speaks on and asks again, once it is let go.
const SCRIPT: &str = "TEXT hello\nWAITFILE go\nTEXT before\nFLOOD 300 200\nTOOL Bash {\"command\": \"echo x >> one\"}\nTEXT between\nTOOL Bash {\"command\": \"echo x >> two\"}\nTEXT after";

fn problem(rig: &FaultHarness) -> Option<String> {
    let health = rig.daemon.call("health", json!({}));
    let problem = health["problem"].as_str().map(String::from);
    assert_eq!(health["status"] == "ok", problem.is_none(), "{health}");
    problem
}

fn until_problem(rig: &FaultHarness, words: &str) {
    wait_until("it is said what is wrong", || {
        problem(rig)
            .filter(|problem| problem.contains(words))
            .map(drop)
    });
}

fn until_well(rig: &FaultHarness) {
    wait_until("nothing is wrong", || problem(rig).is_none().then_some(()));
}

/// Subscribes to what is wrong.
fn subscribe(rig: &FaultHarness) -> Client {
    let mut client = rig.daemon.connect();
    let params = json!({"live": true, "event_types": ["problem_changed"]});
    client.call("subscribeEvents", params);
    client
}

/// The next news of what is wrong, as it comes.
fn next_problem(client: &mut Client) -> String {
    loop {
        let line = client.receive().to_string();
        if line.contains("problem_changed") {
            return line;
        }
    }
}

/// Whether the agent has said it, wherever that is by now.
fn until_said(rig: &FaultHarness, session: &Played, words: &str) {
    wait_until("the agent has said it", || {
        String::from_utf8_lossy(&rig.truth(&session.id))
            .contains(words)
            .then_some(())
    });
}

fn let_go(rig: &FaultHarness) {
    fs::write(rig.daemon.work().join("go"), "").unwrap();
}

#[test]
fn what_an_agent_says_and_asks_on_a_full_disk_is_all_there_once_there_is_room() {
    if !in_own_mounts(
        "faults::refusing_disk::what_an_agent_says_and_asks_on_a_full_disk_is_all_there_once_there_is_room",
    ) {
        return;
    }
    let mut rig = FaultHarness::copying();
    let disk = SmallDisk::mount(&rig.daemon.state());
    rig.daemon.launch(&[]);
    let session = [rig.launch(SCRIPT)];
    rig.until_status(&session[0].id, "running");
    let mut watcher = subscribe(&rig);
    disk.fill();
    let_go(&rig);
    until_said(&rig, &session[0], "can_use_tool");
    until_problem(&rig, "the disk is full");
    while !next_problem(&mut watcher).contains("the disk is full") {}
    wait_until("it is said of the session", || {
        problem(&rig).filter(|all| all.contains("what its agent says cannot be written"))
    });
    // Who wants something is told why it cannot be.
    let mut client = rig.daemon.connect();
    let title = json!({"session_id": session[0].id, "title": "x".repeat(900)});
    let error = wait_until("a write fails", || {
        let answer = client.ask("updateSessionTitle", title.clone());
        answer.get("error").cloned()
    });
    let hint = error["data"]["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("the disk is full"), "{error}");
    let shown = rig.daemon.command().args(["daemon", "status"]).output();
    let shown = shown.unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        !shown.status.success() && text.contains("the disk is full"),
        "{text}"
    );
    disk.free();
    rig.daemon.until_pending(&session[0].id);
    until_well(&rig);
    while !next_problem(&mut watcher).contains("\"problem\":null") {}
    let said = |rig: &FaultHarness| {
        let all = rig.daemon.conversation(&session[0].id);
        all.iter().any(|event| {
            let text = event["content"].as_str().unwrap_or_default();
            text.contains("the disk did not take what the agent said")
        })
    };
    wait_until("the conversation tells of it", || said(&rig).then_some(()));
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn an_agent_that_ends_on_a_full_disk_leaves_all_that_it_said_and_how_it_ended() {
    if !in_own_mounts(
        "faults::refusing_disk::an_agent_that_ends_on_a_full_disk_leaves_all_that_it_said_and_how_it_ended",
    ) {
        return;
    }
    let mut rig = FaultHarness::copying();
    let disk = SmallDisk::mount(&rig.daemon.state());
    rig.daemon.launch(&[]);
    let session = rig.launch("TEXT hello\nWAITFILE go\nFLOOD 300 200\nTEXT last words\nEXIT 0");
    rig.until_status(&session.id, "running");
    disk.fill();
    let_go(&rig);
    until_said(&rig, &session, "last words");
    until_problem(&rig, "the disk is full");
    disk.free();
    rig.daemon.until_over(&session.id);
    let stored = rig.daemon.raw_lines(&session.id);
    assert_eq!(stored, super::final_state::truth(&rig.truth(&session.id)));
    let record = rig.daemon.session(&session.id);
    let error = record["error_message"].as_str().unwrap_or_default();
    assert!(error.contains("exited with code 0"), "{record:#}");
    rig.check_database();
}

#[test]
fn a_daemon_that_dies_on_a_full_disk_says_why_it_does_not_start_and_loses_nothing() {
    if !in_own_mounts(
        "faults::refusing_disk::a_daemon_that_dies_on_a_full_disk_says_why_it_does_not_start_and_loses_nothing",
    ) {
        return;
    }
    let mut rig = FaultHarness::copying();
    let disk = SmallDisk::mount(&rig.daemon.state());
    rig.daemon.launch(&[]);
    let session = [rig.launch(SCRIPT)];
    rig.until_status(&session[0].id, "running");
    disk.fill();
    let_go(&rig);
    until_said(&rig, &session[0], "can_use_tool");
    rig.kill();
    rig.daemon.spawn(&[]);
    // Whether it can serve or not depends on a page; if not, it says why.
    let ended = wait_until("it serves or ends", || {
        let served = std::os::unix::net::UnixStream::connect(rig.daemon.socket()).is_ok();
        match rig.daemon.try_wait() {
            Some(status) => Some(Some(status)),
            None => served.then_some(None),
        }
    });
    if let Some(status) = ended {
        let log = rig.daemon.log();
        assert!(!status.success(), "{log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(
            last.contains("full") || last.contains("No space left"),
            "{log}"
        );
    }
    disk.free();
    rig.daemon_is_there();
    rig.daemon.until_pending(&session[0].id);
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[rstest]
#[case::read_only("read_only", Errno::ROFS, "the disk is read-only")]
#[case::failing("failing", Errno::IO, "the disk fails")]
#[case::over_quota("over_quota", Errno::DQUOT, "your disk quota is used up")]
fn a_disk_that_refuses_in_the_middle_of_a_turn_costs_nothing(
    #[case] name: &str,
    #[case] error: Errno,
    #[case] words: &str,
) {
    let number = ["read_only", "failing", "over_quota"]
        .iter()
        .position(|other| *other == name)
        .unwrap()
        + 1;
    if !in_own_mounts(&format!(
        "faults::refusing_disk::a_disk_that_refuses_in_the_middle_of_a_turn_costs_nothing::case_{number}_{name}"
    )) {
        return;
    }
    let mut rig = FaultHarness::copying();
    let disk = MoodyDisk::of(&rig.daemon.state(), rig.daemon.root());
    rig.daemon.launch(&[]);
    let sessions = [
        rig.launch("TOOL Bash {\"command\": \"echo x >> zero\"}\nTEXT zero"),
        rig.launch(SCRIPT),
    ];
    let pending = rig.daemon.until_pending(&sessions[0].id);
    rig.until_status(&sessions[1].id, "running");
    disk.refuse(error);
    let_go(&rig);
    until_said(&rig, &sessions[1], "can_use_tool");
    until_problem(&rig, words);
    let mut client = rig.daemon.connect();
    let decision = json!({"approval_id": pending["id"], "decision": "approve"});
    let refused = client.fail("sendDecision", decision);
    let hint = refused["data"]["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(words), "{refused}");
    assert!(
        !rig.daemon.work().join("zero").exists(),
        "it was not decided"
    );
    let query = json!({"query": "TEXT x", "working_dir": rig.daemon.work()});
    let refused = client.fail("launchSession", query);
    assert!(!refused["message"].as_str().unwrap().is_empty());
    disk.be_well();
    rig.daemon.until_pending(&sessions[1].id);
    until_well(&rig);
    rig.play(&sessions, |_| {});
    rig.end_and_check(&sessions, "completed");
}

#[test]
fn a_slow_disk_is_told_and_nothing_waits_for_ever() {
    if !in_own_mounts("faults::refusing_disk::a_slow_disk_is_told_and_nothing_waits_for_ever") {
        return;
    }
    let mut rig = FaultHarness::copying();
    let disk = MoodyDisk::of(&rig.daemon.state(), rig.daemon.root());
    rig.daemon.launch(&[]);
    let session = [rig.launch(SCRIPT)];
    rig.until_status(&session[0].id, "running");
    disk.be_slow(700);
    let_go(&rig);
    until_said(&rig, &session[0], "can_use_tool");
    let began = std::time::Instant::now();
    until_problem(&rig, "the disk is slow");
    let answered = std::time::Instant::now();
    drop(problem(&rig));
    assert!(
        answered.elapsed().as_secs() < 5,
        "it is asked how it is, and answers {:?} after that began",
        began.elapsed()
    );
    disk.be_well();
    rig.daemon.until_pending(&session[0].id);
    until_well(&rig);
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}
