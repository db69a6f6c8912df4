//! Questions and what their answers lead to.

use std::fs;

use rstest::rstest;
use serde_json::json;

use super::{agent, exits_well, log_kinds, results};

#[test]
fn an_allowed_command_runs_once_with_the_edited_input() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"echo original >> ran\"}");
    let question = agent.question();
    let edited =
        json!({ "behavior": "allow", "updatedInput": { "command": "echo edited >> ran" } });
    agent.answer(&question, edited.clone());
    agent.answer(&question, edited);
    agent.result();
    exits_well(&mut agent);
    let ran = fs::read_to_string(folder.path().join("ran")).unwrap();
    assert_eq!(ran, "edited\n");
    assert_eq!(
        log_kinds(&folder),
        ["request", "user", "answer", "answer_ignored"]
    );
}

#[test]
fn a_refusal_is_an_error_for_the_model_and_listed_in_the_result() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Write {\"file_path\":\"x.txt\",\"content\":\"x\"}");
    let question = agent.question();
    agent.deny(&question, "not on my watch");
    let result = agent.result();
    assert_eq!(result["subtype"], "success");
    assert_eq!(result["permission_denials"][0]["tool_name"], "Write");
    let denied = results(&agent);
    assert_eq!(denied[0]["content"], "not on my watch");
    assert_eq!(denied[0]["is_error"], true);
    assert!(!folder.path().join("x.txt").exists());
}

#[test]
fn parallel_calls_are_asked_one_at_a_time() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"touch a\"}\nTOOL Bash {\"command\":\"touch b\"}");
    let first = agent.question();
    assert_eq!(first["request"]["input"]["command"], "touch a");
    agent.allow(&first);
    // The first call's result comes before the second question.
    agent.until("a result of a tool", |line| line["type"] == "user");
    assert!(!folder.path().join("b").exists());
    let second = agent.question();
    agent.allow(&second);
    agent.result();
    assert!(folder.path().join("b").exists());
}

#[test]
fn ask_all_leaves_several_questions_open_to_be_answered_in_any_order() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt(
        "ASK_ALL\nTOOL Bash {\"command\":\"touch a\"}\nTOOL Bash {\"command\":\"touch b\"}",
    );
    let first = agent.question();
    let second = agent.question();
    agent.request("init2", json!({ "subtype": "initialize" }));
    let told = agent.response("init2");
    assert_eq!(
        told["response"]["pending_permission_requests"],
        json!([first, second])
    );
    agent.deny(&second, "no");
    agent.allow(&first);
    let result = agent.result();
    assert_eq!(result["permission_denials"].as_array().unwrap().len(), 1);
    assert!(folder.path().join("a").exists() && !folder.path().join("b").exists());
}

#[test]
fn always_allow_is_remembered_and_a_mode_change_is_told() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt(
        "TOOL Bash {\"command\":\"touch /nowhere/a\"}\nTEXT between\n\
         TOOL Bash {\"command\":\"touch /nowhere/a\"}",
    );
    let question = agent.question();
    let answer = json!({
        "behavior": "allow", "updatedInput": { "command": "true" },
        "updatedPermissions": question["request"]["permission_suggestions"],
    });
    agent.answer(&question, answer);
    let status = agent.until("a status", |line| line["subtype"] == "status");
    assert_eq!(status["permissionMode"], "acceptEdits");
    agent.result();
    let asked = agent
        .values()
        .iter()
        .filter(|line| line["type"] == "control_request")
        .count();
    assert_eq!(asked, 1);
}

#[rstest]
#[case(&["--permission-mode", "bypassPermissions"], true)]
#[case(&["--dangerously-skip-permissions"], true)]
#[case(&["--permission-mode", "dontAsk"], false)]
#[case(&["--permission-prompt-tool", "mcp__x__y"], false)]
fn a_mode_can_answer_for_the_user(#[case] flags: &[&str], #[case] runs: bool) {
    let (mut agent, folder) = agent(flags);
    agent.prompt("TOOL Bash {\"command\":\"touch ran\"}");
    let result = agent.result();
    assert_eq!(result["permission_denials"] == json!([]), runs);
    assert_eq!(folder.path().join("ran").exists(), runs);
}

#[test]
fn free_calls_are_never_asked_and_a_failing_command_says_so() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("FREE Bash {\"command\":\"echo out; exit 3\"}\nFREE Anything");
    agent.result();
    let results = results(&agent);
    assert_eq!(results[0]["content"], "Exit code 3\nout");
    assert_eq!(results[0]["is_error"], true);
    assert_eq!(results[1]["content"], "Anything done");
}

#[test]
fn a_question_to_the_user_carries_the_answers_back() {
    let (mut agent, _folder) = agent(&["--permission-mode", "bypassPermissions"]);
    agent.prompt("QUESTION {\"questions\":[{\"question\":\"Which db?\",\"options\":[]}]}");
    let question = agent.question();
    assert_eq!(question["request"]["requires_user_interaction"], true);
    let mut input = question["request"]["input"].clone();
    input["answers"] = json!({ "Which db?": "SQLite" });
    agent.answer(
        &question,
        json!({ "behavior": "allow", "updatedInput": input }),
    );
    agent.result();
    let text = results(&agent)[0]["content"].as_str().unwrap().to_owned();
    assert!(text.contains("\"Which db?\"=\"SQLite\""), "{text}");
}

#[test]
fn an_approved_plan_leaves_plan_mode() {
    let (mut agent, _folder) = agent(&["--permission-mode", "plan"]);
    agent.prompt("PLAN first this, then that");
    let question = agent.question();
    assert_eq!(
        question["request"]["input"]["plan"],
        "first this, then that"
    );
    agent.allow(&question);
    let status = agent.until("a status", |line| line["subtype"] == "status");
    assert_eq!(status["permissionMode"], "default");
    agent.result();
}

#[test]
fn a_withdrawn_question_is_told_and_its_answer_ignored() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("CANCEL go\nTOOL Bash {\"command\":\"touch ran\"}\nTEXT went on");
    let question = agent.question();
    fs::write(folder.path().join("go"), "").unwrap();
    let cancel = agent.until("a withdrawal", |line| {
        line["type"] == "control_cancel_request"
    });
    assert_eq!(cancel["request_id"], question["request_id"]);
    agent.allow(&question);
    assert_eq!(agent.result()["result"], "went on");
    exits_well(&mut agent);
    assert!(!folder.path().join("ran").exists());
    assert!(log_kinds(&folder).contains(&"answer_ignored".to_owned()));
}

#[test]
fn a_refusal_can_interrupt() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"true\"}\nTEXT never said");
    let question = agent.question();
    let answer = json!({ "behavior": "deny", "message": "stop", "interrupt": true });
    agent.answer(&question, answer);
    assert_eq!(agent.result()["subtype"], "error_during_execution");
}
