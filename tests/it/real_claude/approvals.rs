//! Every kind of question that Claude Code asks, and every kind of answer.

use rstest::rstest;
use serde_json::json;

use super::ClaudeHarness;

#[rstest]
fn an_approved_command_runs_and_the_model_sees_its_output(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id =
        rig.launch("TOOL Bash {\"command\": \"printf 'out-%s' 42 | tee made\"}\nTEXT all done");
    let approval = rig.daemon.until_pending(&id);
    assert_eq!(approval["tool_name"], "Bash");
    assert_eq!(approval["kind"], "permission");
    assert_eq!(approval["source"], "claude");
    assert_eq!(approval["status"], "pending");
    assert!(!rig.exists("made"));
    rig.daemon.approve(&approval);
    let session = rig.until_result(&id, "all done");
    assert_eq!(session["pending_approvals"], 0);
    assert!(session["cost_usd"].as_f64().unwrap() > 0.0);
    assert!(session["input_tokens"].as_i64().unwrap() > 0);
    assert!(session["context_limit"].as_i64().unwrap() > 0);
    assert_eq!(rig.lines("made"), ["out-42"]);
    assert!(rig.model.heard().contains("out-42"));
    let approval = rig.approval(&approval);
    assert_eq!(approval["outcome"], "approved");
    assert_eq!(approval["decided_by"]["kind"], "person");
    assert!(approval["delivered_at"].is_string());
    let call = &rig.pieces(&id, "tool_call")[0];
    assert_eq!(call["approval_id"], approval["id"]);
    assert_eq!(call["tool_id"], approval["tool_use_id"]);
    assert_eq!(call["approval_status"], "approved");
    assert_eq!(call["is_completed"], true);
}

#[test]
fn the_reason_of_a_denial_reaches_the_model() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TOOL Bash {\"command\": \"touch made\"}\nTEXT fine");
    let approval = rig.daemon.until_pending(&id);
    let reason = "not-before-the-review";
    rig.daemon
        .decide(&approval, json!({"decision": "deny", "comment": reason}));
    rig.until_result(&id, "fine");
    assert!(!rig.exists("made"));
    let told = rig.model.requests().into_iter().any(|request| {
        let messages = request.body["messages"].as_array().cloned();
        messages.unwrap_or_default().iter().any(|message| {
            let text = message["content"].to_string();
            text.contains("tool_result") && text.contains(reason)
        })
    });
    assert!(told, "the model was not told why");
    let result = &rig.pieces(&id, "tool_result")[0];
    assert_eq!(result["is_error"], true);
    assert!(
        result["tool_result_content"]
            .as_str()
            .unwrap()
            .contains(reason)
    );
}

#[test]
fn a_denial_that_interrupts_ends_the_turn() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TOOL Bash {\"command\": \"touch made\"}\nTEXT never said");
    let approval = rig.daemon.until_pending(&id);
    rig.daemon.decide(
        &approval,
        json!({"decision": "deny", "comment": "stop it all", "interrupt": true}),
    );
    rig.daemon.until_status(&id, "interrupted");
    assert!(!rig.exists("made"));
    rig.say(&id, "TEXT still here");
    rig.until_result(&id, "still here");
}

#[test]
fn what_runs_is_the_edited_input() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TOOL Bash {\"command\": \"touch proposed\"}\nTEXT done");
    let approval = rig.daemon.until_pending(&id);
    let edited = json!({"command": "touch edited"});
    let answer = rig.daemon.decide(
        &approval,
        json!({"decision": "approve", "updated_input": edited}),
    );
    assert_eq!(answer["approval"]["updated_input"], edited);
    assert_eq!(
        answer["approval"]["tool_input"]["command"],
        "touch proposed"
    );
    rig.until_result(&id, "done");
    assert!(rig.exists("edited"));
    assert!(!rig.exists("proposed"));
}

#[test]
fn always_allow_spares_the_second_question() {
    let rig = ClaudeHarness::start();
    let call = "TOOL Bash {\"command\": \"touch made\"}";
    let id = rig.launch(&format!("{call}\nTEXT again\n{call}\nTEXT done"));
    let approval = rig.daemon.until_pending(&id);
    let rules: Vec<_> = approval["permission_suggestions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|update| update["type"] == "addRules")
        .cloned()
        .collect();
    assert!(!rules.is_empty(), "{approval}");
    rig.daemon.decide(
        &approval,
        json!({"decision": "approve", "updated_permissions": rules}),
    );
    rig.until_result(&id, "done");
    let asked = rig.approvals();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0]["updated_permissions"], json!(rules));
    assert_eq!(rig.pieces(&id, "tool_result").len(), 2);
}

#[test]
fn a_question_is_answered_with_the_chosen_label() {
    let rig = ClaudeHarness::start();
    let question = json!({"questions": [{
        "question": "Which db?", "header": "DB", "multiSelect": false,
        "options": [
            {"label": "SQLite", "description": "embedded"},
            {"label": "Postgres", "description": "server"},
        ],
    }]});
    let id = rig.launch(&format!("TOOL AskUserQuestion {question}\nTEXT thanks"));
    let approval = rig.daemon.until_pending(&id);
    assert_eq!(approval["kind"], "question");
    assert_eq!(approval["tool_input"], question);
    let plain = rig.daemon.connect().fail(
        "sendDecision",
        json!({"approval_id": approval["id"], "decision": "approve"}),
    );
    assert_eq!(plain["data"]["kind"], "invalid_params");
    let answer = rig.daemon.decide(
        &approval,
        json!({"decision": "respond", "answers": {"Which db?": "Postgres"}}),
    );
    assert_eq!(answer["approval"]["outcome"], "answered");
    assert_eq!(answer["approval"]["status"], "approved");
    rig.until_result(&id, "thanks");
    let result = &rig.pieces(&id, "tool_result")[0];
    let told = result["tool_result_content"].as_str().unwrap();
    assert!(told.contains("\"Which db?\"=\"Postgres\""), "{told}");
}

#[test]
fn a_plan_is_rejected_and_then_accepted() {
    let rig = ClaudeHarness::start();
    let plan = |text: &str| format!("TOOL ExitPlanMode {}", json!({"plan": text}));
    let script = format!(
        "{}\nTEXT better\n{}\nTEXT building",
        plan("# One"),
        plan("# Two")
    );
    let id = rig.launch_with(json!({"query": script, "permission_mode": "plan"}));
    let first = rig.daemon.until_pending(&id);
    assert_eq!(first["kind"], "plan");
    rig.daemon.decide(
        &first,
        json!({"decision": "deny", "comment": "think-again"}),
    );
    let second = rig.daemon.until_pending(&id);
    assert_ne!(first["id"], second["id"]);
    rig.daemon.approve(&second);
    rig.until_result(&id, "building");
    let results = rig.pieces(&id, "tool_result");
    assert_eq!(results.len(), 2);
    assert!(
        results[0]["tool_result_content"]
            .as_str()
            .unwrap()
            .contains("think-again")
    );
    assert!(
        results[1]["tool_result_content"]
            .as_str()
            .unwrap()
            .contains("approved")
    );
}

#[test]
fn parallel_calls_are_decided_one_by_one() {
    let rig = ClaudeHarness::start();
    let id = rig.launch(
        "TOOL Bash {\"command\": \"touch one\"}\nTOOL Bash {\"command\": \"touch two\"}\n\
         TOOL Bash {\"command\": \"touch three\"}\nTEXT done",
    );
    for name in ["one", "two", "three"] {
        let approval = rig.daemon.until_pending(&id);
        let decided = approval["tool_input"]["command"].clone();
        assert_eq!(decided, format!("touch {name}"));
        let decision = match name {
            "two" => json!({"decision": "deny", "comment": "no"}),
            _ => json!({"decision": "approve"}),
        };
        rig.daemon.decide(&approval, decision);
    }
    rig.until_result(&id, "done");
    assert!(rig.exists("one") && !rig.exists("two") && rig.exists("three"));
    let calls = rig.pieces(&id, "tool_call");
    let outcomes: Vec<_> = calls.iter().map(|call| &call["approval_outcome"]).collect();
    assert_eq!(outcomes, ["approved", "denied", "approved"]);
}

/// As hld's clients launch: they name no tool and say nothing of approvals.
#[rstest]
fn a_launch_that_says_nothing_of_approvals_asks(
    #[values("2.0.37", "2.1.133", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let launch = |more: serde_json::Value| {
        let mut params = json!({"query": "TOOL Bash {\"command\": \"touch made\"}\nTEXT done",
            "working_dir": rig.daemon.work(), "env": rig.environment()});
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        let launched = rig.daemon.call("launchSession", params);
        launched["session_id"].as_str().unwrap().to_owned()
    };
    let id = launch(json!({"approvals": false}));
    assert_eq!(rig.until_result(&id, "done")["approvals"], false);
    assert!(!rig.exists("made"), "nobody was asked");
    let id = launch(json!({}));
    rig.daemon.approve(&rig.daemon.until_pending(&id));
    assert_eq!(rig.until_result(&id, "done")["approvals"], true);
    assert!(rig.exists("made"));
}
