//! Launching isolated: where it is refused, what the setting does, and what the socket inside serves.

use std::fs;
use std::process::Command;

use humanlayer::protocol::method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{doctor_in, environment, finding, is_available};
use crate::support::daemon::{Client, Daemon};
use crate::support::scripted_agent::{binary, program_in};

#[rstest]
#[case::the_home("home", "contains")]
#[case::around_the_home("", "contains")]
#[case::our_files("state", "contains")]
#[case::settings_of_others("home/.config/x", "is in")]
fn a_launch_that_would_undo_the_isolation_is_refused(#[case] directory: &str, #[case] why: &str) {
    let daemon = Daemon::unprivileged_in_a_home(&[], |root| {
        fs::create_dir_all(root.join("home/.config/x")).unwrap();
    });
    let params = json!({
        "query": "TEXT x", "isolation": true, "working_dir": daemon.root().join(directory),
        "env": environment(&daemon),
    });
    let answer = daemon.connect().ask("launchSession", params);
    let error = &answer["error"];
    assert_eq!(error["data"]["kind"], "launch_failed", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("cannot isolate the agent") && message.contains(why),
        "{message}"
    );
    assert_eq!(
        daemon.call("listSessions", json!({}))["sessions"],
        json!([])
    );
}

/// The user's setting isolates what does not say otherwise, and a launch can say otherwise.
#[test]
fn the_setting_holds_for_launches_that_say_nothing() {
    let daemon = Daemon::unprivileged_in_a_home(&[("HUMANLAYER_ISOLATION", "true")], |_| {});
    if !is_available(daemon.command()) {
        return;
    }
    for (asked, isolated) in [(Value::Null, true), (json!(false), false)] {
        let id = daemon.launch_session_with(json!({
            "query": "TEXT x", "isolation": asked, "env": environment(&daemon),
        }));
        let session = daemon.until_status(&id, "completed");
        assert_eq!(session["isolated"].as_bool().unwrap_or(false), isolated);
    }
}

#[test]
fn the_command_line_isolates_and_shows_it() {
    let daemon = Daemon::unprivileged_in_a_home(&[], |_| {});
    if !is_available(daemon.command()) {
        return;
    }
    let output = daemon
        .command()
        .args(["launch", "--isolate", "TEXT x"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    daemon.until_status(&id, "completed");
    let shown = daemon.command().args(["show", &id]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown
            .lines()
            .any(|line| line.contains("isolated") && line.contains("yes")),
        "{shown}"
    );
}

/// A system without user namespaces, as a container often is: made by forbidding more of them in one.
#[test]
fn without_namespaces_a_launch_fails_before_anything_runs_and_doctor_says_why() {
    let root = tempfile::Builder::new().prefix("hl").tempdir().unwrap();
    let forbidden = |command: &str| {
        let mut shell = Command::new("unshare");
        let script = format!("echo 0 > /proc/sys/user/max_user_namespaces && exec {command}");
        shell
            .args(["-Ur", "sh", "-c", &script])
            .env("HOME", root.path());
        shell
    };
    if !Command::new("unshare")
        .args(["-Ur", "true"])
        .status()
        .unwrap()
        .success()
    {
        eprintln!("NOT TESTED HERE: there are no user namespaces to forbid more of them in");
        return;
    }
    let finding = finding(forbidden(&format!("{} \"$0\" \"$@\"", binary())));
    assert_eq!(finding["level"], "warn", "{finding}");
    assert!(
        finding["message"]
            .as_str()
            .unwrap()
            .contains("not available: cannot isolate"),
        "{finding}"
    );
    assert!(
        finding["next"]
            .as_str()
            .unwrap()
            .contains("user.max_user_namespaces"),
        "{finding}"
    );
    fs::create_dir(root.path().join("work")).unwrap();
    let claude = program_in(root.path());
    let script = format!(
        "cd work; export HUMANLAYER_DAEMON_HTTP_PORT=0 HUMANLAYER_CLAUDE_PATH={1}; {0} launch --isolate 'TOOL Bash {{\"command\": \"touch ran\"}}' 2>&1; {0} sessions --json; {0} daemon stop >&2",
        binary(),
        claude.display()
    );
    let output = forbidden(&format!("sh -c '{}'", script.replace('\'', "'\\''")))
        .current_dir(root.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("cannot isolate the agent: cannot isolate: cannot make a user namespace"),
        "{text}"
    );
    assert!(text.contains("humanlayer doctor"), "{text}");
    assert!(text.trim_end().ends_with("[]"), "no session: {text}");
    assert!(!root.path().join("work/ran").exists());
}

#[test]
fn doctor_tries_isolation_itself() {
    let home = tempfile::tempdir().unwrap();
    let finding = finding(doctor_in(home.path()));
    assert!(
        ["ok", "warn"].contains(&finding["level"].as_str().unwrap()),
        "{finding}"
    );
    assert!(
        home.path()
            .read_dir()
            .unwrap()
            .all(|entry| entry.unwrap().file_name() != ".claude"),
        "nothing is made"
    );
}

/// Whoever connects there: what only a person may call is not served.
#[test]
fn the_socket_of_isolated_agents_serves_what_an_agent_may_call_and_nothing_else() {
    let daemon = Daemon::start();
    let socket = daemon.state().join("agents/daemon.sock");
    for name in method::Name::of(method::Callers::Persons).map(method::Name::as_str) {
        let answer = Client::connect(&socket).ask(name, json!({}));
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(
            message,
            format!("an isolated agent may not call {name}"),
            "{answer}"
        );
        assert_eq!(answer["error"]["data"]["kind"], "forbidden");
    }
    for name in [
        method::HEALTH,
        method::LIST_SESSIONS,
        method::GET_OVERVIEW,
        method::LIST_APPROVALS,
    ] {
        let answer = Client::connect(&socket).ask(name, json!({}));
        assert!(answer.get("error").is_none(), "{name}: {answer}");
    }
    for name in [
        method::LAUNCH_SESSION,
        method::CREATE_CONTACT,
        method::INTERRUPT_SESSION,
    ] {
        let answer = Client::connect(&socket).ask(name, json!({}));
        assert_eq!(
            answer["error"]["data"]["kind"], "invalid_params",
            "{name}: {answer}"
        );
    }
}

/// An agent whose program lies where an isolated one sees nothing.
#[test]
fn a_program_that_an_isolated_agent_does_not_see_is_an_error_of_the_launch() {
    let home = tempfile::Builder::new().prefix("hl").tempdir().unwrap();
    let hidden = home.path().join("claude");
    fs::copy("/bin/true", &hidden).unwrap();
    fs::set_permissions(
        home.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let program = [("HUMANLAYER_CLAUDE_PATH", hidden.to_str().unwrap())];
    let daemon = Daemon::unprivileged_in_a_home(&program, |_| {});
    if !is_available(daemon.command()) {
        return;
    }
    let params = json!({
        "query": "TEXT x", "isolation": true, "working_dir": daemon.work(), "env": environment(&daemon),
    });
    let answer = daemon.connect().ask("launchSession", params);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("as an isolated agent sees it"),
        "{message}"
    );
    assert_eq!(
        daemon.call("listSessions", json!({}))["sessions"],
        json!([])
    );
}

/// The launch asks the program about itself first: that is as isolated as the agent.
#[test]
fn a_program_of_an_isolated_launch_is_never_run_outside_of_the_isolation() {
    let daemon = Daemon::unprivileged_in_a_home(&[("HUMANLAYER_CLAUDE_PATH", "")], |root| {
        let bin = root.join("work/bin");
        fs::create_dir_all(&bin).unwrap();
        let program = bin.join("claude");
        let script = "#!/bin/sh\necho \"$@\" >> \"${0%/bin/claude}/ran\"\n\
            touch \"${0%/work/bin/claude}/home/escaped\"\necho 'Error: Invalid session ID.' >&2\nexit 1\n";
        fs::write(&program, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, executable).unwrap();
    });
    if !is_available(daemon.command()) {
        return;
    }
    let path = format!(
        "{}:{}",
        daemon.work().join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let mut env = environment(&daemon);
    env["PATH"] = json!(path);
    for mode in [None, Some("plan")] {
        let params = json!({
            "query": "TEXT x", "isolation": true, "env": env, "permission_mode": mode,
        });
        let id = daemon.launch_session_with(params);
        daemon.until_over(&id);
    }
    let ran = fs::read_to_string(daemon.work().join("ran")).unwrap();
    for asked in [
        "--session-id x",
        "--permission-mode ?",
        "--input-format stream-json",
    ] {
        assert!(ran.contains(asked), "{asked}: {ran}");
    }
    assert!(
        ran.contains("--include-hook-events --"),
        "passed once known: {ran}"
    );
    assert!(!daemon.root().join("home/escaped").exists());
}
