//! One turn after another: in the same process, in a later one, and stopped ones.

use rstest::rstest;
use serde_json::json;

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

#[test]
fn a_parked_process_takes_the_next_message() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TEXT first answer");
    let first = rig.until_result(&id, "first answer");
    assert_eq!(first["live"], true);
    rig.say(
        &id,
        "TOOL Bash {\"command\": \"touch made\"}\nTEXT second answer",
    );
    rig.daemon.approve(&rig.daemon.until_pending(&id));
    let second = rig.until_result(&id, "second answer");
    assert_eq!(first["claude_session_id"], second["claude_session_id"]);
    assert!(rig.exists("made"));
    let said: Vec<_> = rig
        .pieces(&id, "message")
        .iter()
        .filter(|piece| piece["role"] == "user")
        .map(|piece| {
            piece["content"]
                .as_str()
                .unwrap()
                .lines()
                .last()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(said, ["TEXT first answer", "TEXT second answer"]);
    let inits = rig.daemon.raw_lines(&id);
    let inits = inits
        .iter()
        .filter(|(_, line)| line.contains("\"subtype\":\"init\""));
    assert!(inits.count() >= 1);
}

#[test]
fn a_session_is_continued_under_the_same_conversation() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TEXT remember-the-word-quince");
    let parent = rig.until_result(&id, "remember-the-word-quince");
    let child = rig.continue_session(&id, "TEXT second answer", false);
    assert_ne!(child, id);
    let session = rig.until_result(&child, "second answer");
    assert_eq!(session["parent_session_id"], id.as_str());
    assert_eq!(session["claude_session_id"], parent["claude_session_id"]);
    // Two processes never write one conversation.
    assert_eq!(rig.daemon.session(&id)["live"], false);
    let asked = rig.model.requests().pop().unwrap().body.to_string();
    assert!(asked.contains("remember-the-word-quince"), "{asked}");
    let whole: Vec<_> = rig
        .pieces(&child, "message")
        .iter()
        .map(|piece| piece["content"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        whole,
        [
            "TEXT remember-the-word-quince",
            "remember-the-word-quince",
            "TEXT second answer",
            "second answer"
        ]
    );
}

#[test]
fn a_fork_has_a_name_of_its_own_and_leaves_the_parent_alone() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TEXT remember-the-word-medlar");
    let parent = rig.until_result(&id, "remember-the-word-medlar");
    let child = rig.continue_session(&id, "TEXT forked answer", true);
    let session = rig.until_result(&child, "forked answer");
    assert!(session["claude_session_id"].is_string());
    assert_ne!(session["claude_session_id"], parent["claude_session_id"]);
    let asked = rig.model.requests().pop().unwrap().body.to_string();
    assert!(asked.contains("remember-the-word-medlar"));
    let parent = rig.daemon.session(&id);
    assert_eq!(
        (&parent["live"], &parent["status"]),
        (&json!(true), &json!("completed"))
    );
    rig.say(&id, "TEXT the parent goes on");
    rig.until_result(&id, "the parent goes on");
}

/// Each process counts from nothing, or goes on from the transcript, as its version has it.
#[rstest]
fn what_several_processes_of_a_session_cost_is_counted_once(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TEXT one");
    let first = rig.until_result(&id, "one");
    for word in ["two", "three", "four"] {
        rig.daemon.call("endSession", json!({"session_id": id}));
        wait_until("the process is over", || {
            (rig.daemon.session(&id)["live"] == false).then_some(())
        });
        rig.say(&id, &format!("TEXT {word}"));
        rig.until_result(&id, word);
    }
    let cost = |session: &serde_json::Value| session["cost_usd"].as_f64().unwrap();
    let (turn, all) = (cost(&first), cost(&rig.daemon.session(&id)));
    assert!(all > turn * 3.5 && all < turn * 4.5, "{all}, a turn {turn}");
}

/// The process of a fork may report what the conversation has cost before it was forked.
#[rstest]
fn a_fork_costs_what_it_does_itself_and_nothing_of_its_parent(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TEXT one");
    rig.until_result(&id, "one");
    rig.say(&id, "TEXT two");
    let parent = rig.until_result(&id, "two");
    rig.daemon.call("endSession", json!({"session_id": id}));
    wait_until("the process is over", || {
        (rig.daemon.session(&id)["live"] == false).then_some(())
    });
    let child = rig.continue_session(&id, "TEXT three", true);
    let fork = rig.until_result(&child, "three");
    let cost = |session: &serde_json::Value| session["cost_usd"].as_f64().unwrap();
    let turn = cost(&parent) / 2.0;
    let own = cost(&fork);
    assert!(own > turn * 0.5 && own < turn * 1.5, "{own}, a turn {turn}");
}

#[test]
fn an_interrupt_takes_the_question_back_and_the_next_turn_runs() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TOOL Bash {\"command\": \"touch made\"}\nTEXT never said");
    let approval = rig.daemon.until_pending(&id);
    let answer = rig
        .daemon
        .call("interruptSession", json!({"session_id": id}));
    assert_eq!(answer["status"], "interrupting");
    let session = rig.daemon.until_status(&id, "interrupted");
    assert_eq!(session["live"], true);
    assert_eq!(session["pending_approvals"], 0);
    let approval = rig.approval(&approval);
    assert_eq!(approval["outcome"], "withdrawn");
    assert_eq!(approval["status"], "resolved");
    assert_eq!(approval["decided_by"]["kind"], "agent");
    let late = rig.daemon.decide(&approval, json!({"decision": "approve"}));
    assert_eq!(late["success"], false);
    rig.say(
        &id,
        "TOOL Bash {\"command\": \"touch second\"}\nTEXT went on",
    );
    rig.daemon.approve(&rig.daemon.until_pending(&id));
    rig.until_result(&id, "went on");
    assert!(!rig.exists("made") && rig.exists("second"));
}

#[test]
fn a_busy_model_is_noted_in_the_conversation() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("ERR 529\nTEXT after the retry");
    rig.until_result(&id, "after the retry");
    let notes = rig.pieces(&id, "system");
    assert!(
        notes
            .iter()
            .any(|note| note["content"].as_str().unwrap().contains("529")),
        "{notes:?}"
    );
}

#[test]
fn an_ended_session_keeps_its_outcome() {
    let rig = ClaudeHarness::start();
    let id = rig.launch("TEXT all said");
    rig.until_result(&id, "all said");
    rig.daemon.call("endSession", json!({"session_id": id}));
    let session = rig.daemon.until_over(&id);
    assert_eq!(session["status"], "completed");
    assert_eq!(session["result"], "all said");
    rig.say(&id, "TEXT and more");
    let resumed = rig.until_result(&id, "and more");
    assert_eq!(resumed["claude_session_id"], session["claude_session_id"]);
    let said: Vec<_> = rig
        .pieces(&id, "message")
        .iter()
        .map(|piece| piece["content"].clone())
        .collect();
    assert_eq!(
        said,
        ["TEXT all said", "all said", "TEXT and more", "and more"]
    );
}

#[rstest]
fn an_approved_plan_stays_approved_when_the_session_is_resumed(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch_with(json!({
        "query": "TOOL ExitPlanMode {\"plan\": \"# Plan\"}\nTEXT planned", "permission_mode": "plan",
    }));
    rig.daemon.approve(&rig.daemon.until_pending(&id));
    rig.until_result(&id, "planned");
    rig.daemon.call("endSession", json!({"session_id": id}));
    let session = rig.daemon.until_over(&id);
    assert_eq!(session["permission_mode"], "default");
    rig.say(&id, "TEXT at work");
    rig.until_result(&id, "at work");
    let lines = rig.daemon.raw_lines(&id);
    let inits: Vec<bool> = lines
        .iter()
        .filter(|(_, line)| line.contains("\"subtype\":\"init\""))
        .map(|(_, line)| line.contains("\"permissionMode\":\"plan\""))
        .collect();
    assert_eq!(inits.first(), Some(&true));
    assert_eq!(inits.last(), Some(&false));
}

#[test]
fn an_idle_process_is_ended_and_the_conversation_can_go_on() {
    let rig = ClaudeHarness::with(&[("HUMANLAYER_SESSION_IDLE_MINUTES", "0.005")]);
    let id = rig.launch("TEXT all said");
    wait_until("the idle process is ended", || {
        let session = rig.daemon.session(&id);
        (session["result"] == "all said" && session["live"] == false).then_some(())
    });
    let session = rig.daemon.until_over(&id);
    assert_eq!(session["status"], "completed");
    let child = rig.continue_session(&id, "TEXT woken", false);
    wait_until("the next one answered", || {
        (rig.daemon.session(&child)["result"] == "woken").then_some(())
    });
}
