//! Agents that do not get going.

use rstest::rstest;
use serde_json::json;

use super::ClaudeHarness;
use crate::support::cli::finish;
use crate::support::daemon::wait_until;

#[test]
fn a_key_that_is_refused_fails_the_session_with_the_reason() {
    let rig = ClaudeHarness::start();
    // Claude Code tries ten times, for minutes, unless told otherwise.
    let mut environment = rig.environment();
    environment["CLAUDE_CODE_MAX_RETRIES"] = json!("1");
    let id = rig
        .daemon
        .launch_session_with(json!({"query": "REFUSE 401", "env": environment}));
    let session = rig.daemon.until_status(&id, "failed");
    let told = session["error_message"].as_str().unwrap();
    assert!(
        told.contains("401") || told.to_lowercase().contains("api key"),
        "{told}"
    );
    let notes = rig.pieces(&id, "system");
    assert!(
        notes[0]["content"].as_str().unwrap().contains("401"),
        "{notes:?}"
    );
    // Its process is there and may be tried again, with a key that works.
    assert_eq!(session["live"], true);
    rig.say(&id, "TEXT the key works now");
    rig.until_result(&id, "the key works now");
    assert!(rig.daemon.session(&id).get("error_message").is_none());
}

#[rstest]
#[case("2.0.37", "acceptEdits, bypassPermissions, default, plan")]
#[case(
    "2.1.133",
    "acceptEdits, auto, bypassPermissions, default, dontAsk, plan"
)]
#[case(
    "2.1.332",
    "acceptEdits, auto, bypassPermissions, default, dontAsk, plan"
)]
fn a_mode_that_the_installed_version_lacks_is_refused_with_those_that_it_has(
    #[case] version: &str,
    #[case] modes: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let launch = |mode: &str| json!({"query": "TEXT hi", "permission_mode": mode, "env": rig.environment(), "working_dir": rig.daemon.work()});
    let error = rig
        .daemon
        .connect()
        .fail("launchSession", launch("nonsense"));
    assert_eq!(error["data"]["kind"], "invalid_params");
    assert_eq!(error["data"]["field"], "permission_mode");
    assert_eq!(
        error["message"],
        format!(
            "permission_mode: \"nonsense\" is not a mode of the installed agent; it has {modes}"
        )
    );
    let sessions = rig.daemon.call("listSessions", json!({}));
    assert_eq!(sessions["sessions"], json!([]));
    let info = rig.daemon.call("getAgentInfo", json!({}));
    let listed: Vec<&str> = modes.split(", ").collect();
    assert_eq!(info["permission_modes"], json!(listed));
    // Nothing of the asking is left, and what is accepted starts, also by a name that is not listed.
    wait_until("nothing of the asking is left", || {
        let left = std::fs::read_dir(rig.daemon.state().join("sessions"));
        (left.unwrap().count() == 0).then_some(())
    });
    for mode in ["plan", "default"] {
        let id = rig.launch_with(json!({"query": "TEXT hi", "permission_mode": mode}));
        rig.until_result(&id, "hi");
    }
}

#[test]
fn a_working_directory_that_is_missing_is_named_and_nothing_starts() {
    let rig = ClaudeHarness::start();
    let missing = rig.daemon.work().join("missing");
    let error = rig.daemon.connect().fail(
        "launchSession",
        json!({"query": "TEXT hi", "working_dir": missing, "env": rig.environment()}),
    );
    assert_eq!(error["data"]["kind"], "invalid_params");
    assert_eq!(error["data"]["field"], "working_dir");
    assert!(error["message"].as_str().unwrap().contains("missing"));
    let sessions = rig.daemon.call("listSessions", json!({}));
    assert_eq!(sessions["sessions"], json!([]));
}

#[test]
fn a_program_that_is_missing_is_named_and_nothing_starts() {
    let rig = ClaudeHarness::with(&[("HUMANLAYER_CLAUDE_PATH", "/nonexistent/claude")]);
    let error = rig.daemon.connect().fail(
        "launchSession",
        json!({"query": "TEXT hi", "working_dir": rig.daemon.work()}),
    );
    assert_eq!(error["data"]["kind"], "launch_failed");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("/nonexistent/claude")
    );
    assert!(
        error["data"]["hint"]
            .as_str()
            .unwrap()
            .contains("HUMANLAYER_CLAUDE_PATH")
    );
    let sessions = rig.daemon.call("listSessions", json!({}));
    assert_eq!(sessions["sessions"], json!([]));
}

#[test]
fn a_process_with_a_refused_key_is_restarted_with_the_persons_present_one() {
    let rig = ClaudeHarness::start();
    let mut environment = rig.environment();
    environment["CLAUDE_CODE_MAX_RETRIES"] = json!("0");
    environment["ANTHROPIC_API_KEY"] = json!("old-key");
    environment["KEPT"] = json!("kept");
    let id = rig
        .daemon
        .launch_session_with(json!({"query": "REFUSE 401", "env": environment}));
    rig.daemon.until_status(&id, "failed");
    let advice = wait_until("the session says what to do", || {
        let pieces = rig.pieces(&id, "system");
        let advises = |text: &str| text.contains("humanlayer restart");
        pieces
            .iter()
            .filter_map(|piece| piece["content"].as_str())
            .find(|text| advises(text))
            .map(str::to_owned)
    });
    assert!(advice.contains("keeps the environment"), "{advice}");
    // As a person who has another key, and another endpoint, in their terminal.
    let mut command = rig.daemon.command();
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HUMANLAYER_DAEMON_SOCKET", rig.daemon.socket())
        .env("HOME", rig.daemon.root())
        .env("ANTHROPIC_API_KEY", "new-key")
        .env("ANTHROPIC_BASE_URL", rig.model.url())
        .args(["restart", &id]);
    finish(command, "").ok();
    let session = rig.daemon.until_over(&id);
    assert_eq!(session["live"], false);
    let notice = rig.pieces(&id, "system").pop().unwrap()["content"].clone();
    assert_eq!(
        notice,
        "Restarted with your current credentials: ANTHROPIC_API_KEY set."
    );
    // The next message starts a process that has them, whoever sends it.
    rig.say(
        &id,
        "TOOL Bash {\"command\": \"echo $ANTHROPIC_API_KEY $KEPT > has\"}\nTEXT again",
    );
    rig.daemon.approve(&rig.daemon.until_pending(&id));
    rig.until_result(&id, "again");
    assert_eq!(rig.lines("has"), ["new-key kept"]);
}
