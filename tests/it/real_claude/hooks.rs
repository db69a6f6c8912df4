//! Hooks that stop a turn, with the real Claude Code: the conversation and the session's status say why, and
//! hooks that stop nothing are no part of either.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

/// Gives the user hooks: events, what their tools are called, and commands.
fn configure(rig: &ClaudeHarness, hooks: &[(&str, &str, &str)]) {
    let environment = rig.claude.environment();
    let home = environment.iter().find(|(name, _)| *name == "HOME");
    let directory = std::path::Path::new(&home.unwrap().1).join(".claude");
    let mut all = json!({});
    for (event, matcher, command) in hooks {
        let mut of_event = all[event].as_array().cloned().unwrap_or_default();
        let commands = json!([{"type": "command", "command": command}]);
        of_event.push(json!({"matcher": matcher, "hooks": commands}));
        all[event] = json!(of_event);
    }
    fs::create_dir_all(&directory).unwrap();
    let settings = json!({"hooks": all}).to_string();
    fs::write(directory.join("settings.json"), settings).unwrap();
}

/// A hook that wants the turn stopped.
const STOP: &str = r#"echo '{"continue":false,"stopReason":"the budget is used up"}'"#;

/// A hook that has much to say and stops nothing.
const TALK: &str = "head -c 300000 /dev/zero | tr '\\0' x";

fn notes(rig: &ClaudeHarness, id: &str) -> Vec<String> {
    let notes = rig.pieces(id, "system");
    let text = |note: &Value| note["content"].as_str().unwrap().to_owned();
    notes.iter().map(text).collect()
}

/// 2.0.37 says it nowhere: not in its stream, and not in its record of the conversation.
#[rstest]
fn a_hook_that_stops_a_turn_says_why_in_the_conversation_and_in_the_status(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
    #[values("PreToolUse", "PostToolUse")] event: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    configure(
        &rig,
        &[
            (event, "Bash", STOP),
            ("PreToolUse", "*", TALK),
            ("PostToolUse", "*", TALK),
        ],
    );
    let script = "TOOL Bash {\"command\": \"touch made\"}\nTEXT never said";
    let id = rig.launch_with(json!({"query": script, "allowed_tools": ["Bash"]}));
    let session = rig.daemon.until_status(&id, "failed");
    let why = match version {
        "2.0.37" => "The turn ended after a tool call: a hook may have stopped it.".to_owned(),
        _ => format!("A hook stopped the turn: {event}:Bash: the budget is used up"),
    };
    assert_eq!(session["error_message"], why.as_str());
    assert_eq!(notes(&rig, &id), [why], "and nothing else about hooks");
    // What hooks say is not kept at any length.
    let kept: usize = rig
        .daemon
        .raw_lines(&id)
        .iter()
        .map(|(_, line)| line.len())
        .sum();
    assert!(kept < 200_000, "{kept}");
}

#[rstest]
fn a_process_that_resumes_tells_of_hooks_too(
    #[values("2.0.37", "2.1.133", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch_with(json!({"query": "TEXT one", "allowed_tools": ["Bash"]}));
    rig.until_result(&id, "one");
    rig.daemon.call("endSession", json!({"session_id": id}));
    rig.daemon.until_over(&id);
    configure(&rig, &[("PreToolUse", "Bash", STOP)]);
    rig.say(&id, "TOOL Bash {\"command\": \"true\"}\nTEXT never said");
    let session = rig.daemon.until_status(&id, "failed");
    let why = session["error_message"].as_str().unwrap();
    assert_eq!(
        why.contains("the budget is used up"),
        version != "2.0.37",
        "{why}"
    );
}

#[rstest]
fn a_hook_that_stops_nothing_fails_no_turn(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    configure(&rig, &[("SessionStart", "*", STOP)]);
    let id = rig.launch("TEXT all said");
    let session = wait_until("the turn is over", || {
        let session = rig.daemon.session(&id);
        (session["result"] == "all said").then_some(session)
    });
    assert_eq!(session["status"], "completed", "{session}");
    assert_eq!(notes(&rig, &id), [] as [&str; 0]);
}

#[rstest]
fn a_hook_that_ends_a_finished_turn_is_noted_and_the_turn_is_done(
    #[values("2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    configure(&rig, &[("Stop", "*", STOP)]);
    let id = rig.launch("TEXT all said");
    rig.until_result(&id, "all said");
    assert_eq!(
        notes(&rig, &id),
        ["A hook ended the turn: Stop: the budget is used up"]
    );
}
