//! What no version of Claude Code may lose on its way: odd inputs, odd counts, hooks' reasons, background
//! work.

use rstest::rstest;
use serde_json::json;

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

/// A character cut in half, as a shortened emoji is.
const CUT: &str = r#"{"command":"touch made && echo cut \ud83d"}"#;

#[rstest]
#[case("2.0.37")]
#[case("2.1.133")]
#[case("2.1.330")]
#[case("2.1.332")]
fn half_a_character_in_a_command_is_asked_as_it_came_and_runs_when_it_is_approved(
    #[case] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch(&format!("TOOL Bash {CUT}\nTEXT done"));
    let approval = rig.daemon.until_pending(&id);
    assert_eq!(approval["tool_name"], "Bash");
    assert_eq!(approval["input_state"], "unreadable", "{approval}");
    assert_eq!(approval["tool_input"], json!({"unreadable_input": CUT}));
    let calls = rig.pieces(&id, "tool_call");
    assert_eq!(calls[0]["approval_id"], approval["id"], "{calls:?}");
    rig.daemon.approve(&approval);
    rig.until_result(&id, "done");
    assert!(rig.exists("made"));
}

#[test]
fn half_a_character_in_a_command_can_be_denied() {
    let rig = ClaudeHarness::start();
    let id = rig.launch(&format!("TOOL Bash {CUT}\nTEXT done"));
    let approval = rig.daemon.until_pending(&id);
    rig.daemon
        .decide(&approval, json!({"decision": "deny", "comment": "no"}));
    rig.until_result(&id, "done");
    assert!(!rig.exists("made"));
}

#[test]
fn counts_that_a_gateway_leaves_null_lose_neither_words_nor_calls() {
    let rig = ClaudeHarness::start();
    let usage = json!({"input_tokens": 100, "output_tokens": 20, "cache_creation_input_tokens": null, "cache_read_input_tokens": null});
    let id = rig.launch(&format!(
        "USAGE {usage}\nTEXT about to build\nTOOL Bash {}\nTEXT done",
        json!({"command": "touch made"})
    ));
    let approval = rig.daemon.until_pending(&id);
    let calls = rig.pieces(&id, "tool_call");
    assert_eq!(calls[0]["approval_id"], approval["id"], "{calls:?}");
    let said = rig.pieces(&id, "message");
    assert!(
        said.iter()
            .any(|piece| piece["content"] == "about to build"),
        "{said:?}"
    );
    // What has been used so far is known while the turn still waits.
    let session = rig.daemon.session(&id);
    assert_eq!(session["input_tokens"], 100, "{session}");
    assert!(session["context_limit"].is_i64(), "{session}");
    rig.daemon.approve(&approval);
    rig.until_result(&id, "done");
}

#[rstest]
#[case("2.0.37")]
#[case("2.1.330")]
fn background_work_is_not_interrupted_and_not_ended_by_the_idle_limit(#[case] version: &str) {
    let rig = ClaudeHarness::of(version, &[("HUMANLAYER_SESSION_IDLE_MINUTES", "0.02")]);
    let command = json!({"command": "sleep 4; touch made", "run_in_background": true});
    let id = rig.launch(&format!("TOOL Bash {command}\nTEXT started"));
    rig.daemon.approve(&rig.daemon.until_pending(&id));
    let session = rig.until_result(&id, "started");
    assert_eq!(session["background_tasks"], 1, "{session}");
    let refused = rig
        .daemon
        .connect()
        .fail("interruptSession", json!({"session_id": id}));
    assert_eq!(refused["data"]["kind"], "conflict", "{refused}");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("1 background task"), "{refused}");
    wait_until("the background work is done", || {
        rig.exists("made").then_some(())
    });
    assert_eq!(rig.daemon.session(&id)["status"], "completed");
}

#[rstest]
#[case("2.0.37", "a UserPromptSubmit hook may have blocked it")]
#[case("2.1.133", "forbidden words")]
#[case("2.1.332", "forbidden words")]
fn a_message_that_a_hook_blocks_has_failed_and_says_why(#[case] version: &str, #[case] why: &str) {
    let rig = ClaudeHarness::of_version(version);
    let home = rig
        .claude
        .environment()
        .into_iter()
        .find(|(name, _)| *name == "HOME")
        .unwrap()
        .1;
    let settings = json!({"hooks": {"UserPromptSubmit": [{"hooks": [
        {"type": "command", "command": "echo forbidden words >&2; exit 2"},
    ]}]}});
    std::fs::create_dir_all(format!("{home}/.claude")).unwrap();
    std::fs::write(
        format!("{home}/.claude/settings.json"),
        settings.to_string(),
    )
    .unwrap();
    let id = rig.launch("TEXT never said");
    let session = rig.daemon.until_status(&id, "failed");
    let error = session["error_message"].as_str().unwrap();
    assert!(error.contains(why), "{session}");
    let notes = rig.pieces(&id, "system");
    assert!(
        notes.iter().any(|note| note["content"] == error),
        "{notes:?}"
    );
}
