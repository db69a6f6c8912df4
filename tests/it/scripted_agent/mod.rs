//! The scripted agent over pipes: every directive, every control request, every way out.

// For the tests in its own files, which the example's target does not run.
#[allow(dead_code, reason = "only its tests are wanted here")]
#[path = "../../../examples/scripted_agent/agent/mod.rs"]
mod agent_itself;
mod interruptions;
mod questions;
mod recordings;
mod sessions;
mod speech;
mod subagents;

use std::fs;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::agent_process::{AgentProcess, DEADLINE};
use crate::support::scripted_agent::command;

/// An agent in a folder of its own, initialized.
fn agent(flags: &[&str]) -> (AgentProcess, TempDir) {
    let folder = TempDir::new().unwrap();
    let mut command = command(folder.path());
    command
        .args(flags)
        .env("HUMANLAYER_SCRIPTED_AGENT_LOG", folder.path().join("log"));
    let mut agent = AgentProcess::start(command);
    agent.initialize();
    agent.response("init1");
    (agent, folder)
}

fn log_kinds(folder: &TempDir) -> Vec<String> {
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    log.lines()
        .map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            entry["kind"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// The texts that the model said, of everybody.
fn texts(agent: &AgentProcess) -> Vec<String> {
    let of = |line: &Value| {
        line["message"]["content"][0]["text"]
            .as_str()
            .map(str::to_owned)
    };
    agent
        .values()
        .iter()
        .filter(|line| line["type"] == "assistant")
        .filter_map(of)
        .collect()
}

/// The results of tools, as the model sees them.
fn results(agent: &AgentProcess) -> Vec<Value> {
    agent
        .values()
        .iter()
        .map(|line| line["message"]["content"][0].clone())
        .filter(|block| block["type"] == "tool_result")
        .collect()
}

fn wait_for_file(folder: &TempDir, name: &str) {
    let deadline = Instant::now() + DEADLINE;
    while !folder.path().join(name).exists() {
        assert!(Instant::now() < deadline, "{name} never came");
        std::thread::yield_now();
    }
}

fn exits_well(agent: &mut AgentProcess) {
    agent.close_stdin();
    let (status, stderr) = agent.wait();
    assert!(status.success(), "{status} {stderr}");
}
