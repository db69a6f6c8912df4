//! Prompts, scripts and sessions over processes.

use std::fs;
use std::process::Command;

use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use super::{agent, exits_well};
use crate::support::agent_process::AgentProcess;
use crate::support::scripted_agent::{binary, command, program_in};

/// A session.
const ID: &str = "5b0b0a4e-3f0e-4d5a-9c1e-0d7a3f1f5c11";

#[test]

fn a_message_that_was_seen_is_not_run_again() {
    let (mut agent, folder) = agent(&["--replay-user-messages"]);
    let message = json!({
        "type": "user", "message": { "role": "user", "content": "FREE Bash {\"command\":\"echo x >> ran\"}" },
        "uuid": "11111111-1111-4111-8111-111111111111",
    });
    agent.send(&message);
    agent.send(&message);
    agent.result();
    exits_well(&mut agent);
    assert_eq!(
        fs::read_to_string(folder.path().join("ran")).unwrap(),
        "x\n"
    );
    let replays = agent
        .values()
        .iter()
        .filter(|line| line["isReplay"] == json!(true))
        .count();
    assert_eq!(replays, 2);
}

#[test]
fn a_message_in_the_middle_of_a_turn_becomes_part_of_it() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"true\"}");
    let question = agent.question();
    let second = agent.prompt("TEXT queued");
    agent.until("its arrival", |line| {
        line["command_uuid"] == second.as_str()
    });
    agent.allow(&question);
    assert_eq!(agent.result()["result"], "queued");
    exits_well(&mut agent);
    let ends = agent.values();
    assert_eq!(
        ends.iter().filter(|line| line["type"] == "result").count(),
        1
    );
}

#[test]
fn a_script_file_replaces_the_first_prompts() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("script"), "TEXT one\n===\nTEXT two\n").unwrap();
    let mut command = command(folder.path());
    command.env("HUMANLAYER_SCRIPTED_AGENT_SCRIPT", "script");
    let mut agent = AgentProcess::start(command);
    let mut said = Vec::new();
    for _ in 0..3 {
        agent.prompt("TEXT from the prompt");
        said.push(agent.result()["result"].as_str().unwrap().to_owned());
    }
    assert_eq!(said, ["one", "two", "from the prompt"]);
}

#[rstest]
#[case(&["--resume", "old"], true)]
#[case(&["--resume", "old", "--fork-session"], false)]
fn a_resumed_session_keeps_its_id_unless_forked(#[case] flags: &[&str], #[case] same: bool) {
    let (mut agent, _folder) = agent(flags);
    agent.prompt("TEXT hi");
    assert_eq!(agent.result()["session_id"] == "old", same);
}

#[test]
fn it_can_stand_where_claude_does() {
    let folder = TempDir::new().unwrap();
    let program = program_in(folder.path());
    let told = Command::new(program).arg("--version").output().unwrap();
    assert_eq!(told.stdout, b"2.1.330 (scripted)\n");
    assert!(std::path::Path::new(binary()).is_absolute());
}

/// An agent whose sessions are kept, with these flags.
fn kept(folder: &TempDir, flags: &[&str]) -> AgentProcess {
    let mut command = command(folder.path());
    command
        .args(flags)
        .env("HUMANLAYER_SCRIPTED_AGENT_STATE", folder.path());
    AgentProcess::start(command)
}

#[test]
fn a_completed_message_is_not_run_again_by_a_later_process() {
    let folder = TempDir::new().unwrap();
    let message = json!({
        "type": "user", "uuid": "11111111-1111-4111-8111-111111111111",
        "message": { "role": "user", "content": "FREE Bash {\"command\":\"echo x >> ran\"}" },
    });
    let mut first = kept(&folder, &["--session-id", ID]);
    first.send(&message);
    first.result();
    exits_well(&mut first);

    for flags in [&["--resume", ID][..], &["--resume", ID, "--fork-session"]] {
        let mut later = kept(&folder, flags);
        later.send(&message);
        let told = later.until("a word on it", |line| line["type"] == "command_lifecycle");
        assert_eq!(told["state"], "completed");
        exits_well(&mut later);
    }
    let ran = fs::read_to_string(folder.path().join("ran")).unwrap();
    assert_eq!(ran, "x\n");
}

#[test]
fn an_id_in_use_and_an_unknown_one_are_refused() {
    let folder = TempDir::new().unwrap();
    let mut first = kept(&folder, &["--session-id", ID]);
    first.prompt("TEXT hi");
    first.result();
    exits_well(&mut first);

    let (status, stderr) = kept(&folder, &["--session-id", ID]).wait();
    assert_eq!(status.code(), Some(1));
    assert_eq!(
        stderr,
        format!("Error: Session ID {ID} is already in use.\n")
    );

    let mut unknown = kept(&folder, &["--resume", "t"]);
    let result = unknown.result();
    assert_eq!(result["is_error"], true);
    let (status, stderr) = unknown.wait();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stderr, "No conversation found with session ID: t\n");
}
