//! The real Claude Code against the scripted model: the ground that other tests stand on.

use serde_json::json;

use crate::support::agent_process::AgentProcess;
use crate::support::real_claude::RealClaude;
use crate::support::scripted_model::ScriptedModel;

#[test]
fn a_question_over_stdio_is_answered_and_the_command_runs() {
    let model = ScriptedModel::start();
    let claude = RealClaude::with(&model);
    let mut agent = AgentProcess::start(claude.stdio());
    agent.initialize();
    agent.prompt("TOOL Bash {\"command\": \"touch made-by-claude && echo made\"}\nTEXT all done");
    let question = agent.question();
    assert_eq!(question["request"]["subtype"], "can_use_tool");
    assert_eq!(question["request"]["tool_name"], "Bash");
    assert!(!claude.project().join("made-by-claude").exists());
    agent.allow(&question);
    let result = agent.result();
    assert_eq!(result["subtype"], "success");
    assert_eq!(result["result"], "all done");
    assert!(claude.project().join("made-by-claude").exists());
    let asked = model.requests();
    assert!(
        asked
            .iter()
            .any(|request| request.body["messages"].to_string().contains("tool_result"))
    );
    agent.close_stdin();
    assert!(agent.wait().0.success());
}

#[test]
fn the_program_is_the_version_that_the_recordings_are_of() {
    let model = ScriptedModel::start();
    let claude = RealClaude::with(&model);
    let mut command = std::process::Command::new(claude.program());
    let told = command.arg("--version").envs(claude.environment()).output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    assert!(told.starts_with("2.1.330"), "{told}");
}

#[test]
fn an_overloaded_model_is_retried_and_named() {
    let model = ScriptedModel::start();
    let claude = RealClaude::with(&model);
    let mut agent = AgentProcess::start(claude.stdio());
    agent.initialize();
    agent.prompt("ERR 529\nTEXT after retry");
    let retry = agent.until("a retry", |line| line["subtype"] == "api_retry");
    assert_eq!(retry["error_status"], json!(529));
    assert_eq!(agent.result()["result"], "after retry");
    let times: Vec<_> = model
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/v1/messages"))
        .map(|request| request.at)
        .collect();
    assert!(times.len() >= 2 && times.is_sorted());
}

#[test]
fn a_completed_message_is_not_run_again_after_a_resume() {
    let model = ScriptedModel::start();
    let claude = RealClaude::with(&model);
    let id = uuid::Uuid::new_v4().to_string();
    let message = json!({
        "type": "user", "message": { "role": "user", "content": "TEXT hi" },
        "parent_tool_use_id": null, "session_id": "", "uuid": uuid::Uuid::new_v4(),
    });
    let mut first = AgentProcess::start({
        let mut command = claude.stdio();
        command.args(["--session-id", &id]);
        command
    });
    first.initialize();
    first.send(&message);
    first.result();
    first.close_stdin();
    assert!(first.wait().0.success());

    let mut later = AgentProcess::start({
        let mut command = claude.stdio();
        command.args(["--resume", &id]);
        command
    });
    later.initialize();
    later.send(&message);
    let told = later.until("a word on it", |line| line["type"] == "command_lifecycle");
    assert_eq!(told["state"], "completed");
    later.close_stdin();
    assert!(later.wait().0.success());
    assert!(later.values().iter().all(|line| line["type"] != "result"));
}
