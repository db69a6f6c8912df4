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
            .any(|request| request.path.starts_with("/v1/messages"))
    );
    agent.close_stdin();
    assert!(agent.wait().0.success());
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
}
