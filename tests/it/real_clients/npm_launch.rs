//! `npx humanlayer launch`.

use super::npm;
use crate::support::daemon::Daemon;

/// The value after a label in what the client prints.
fn printed<'a>(text: &'a str, label: &str) -> &'a str {
    let (_, rest) = text
        .split_once(label)
        .unwrap_or_else(|| panic!("no {label:?} in {text}"));
    rest.split_whitespace().next().unwrap()
}

fn launch(daemon: &Daemon, more: &[&str]) -> String {
    let script = "TOOL Bash {\"command\": \"touch made\"}\nTEXT done";
    let mut command = npm(daemon);
    command.args(["launch", script]).args(more);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{complaints}");
    text
}

#[test]
fn it_launches_a_session_that_asks() {
    let daemon = Daemon::start();
    let text = launch(&daemon, &["--title", "From npm", "--model", "opus"]);
    let id = printed(&text, "Session ID:").to_owned();
    let session = daemon.session(&id);
    assert_eq!(session["run_id"], printed(&text, "Run ID:"));
    assert_eq!(session["title"], "From npm");
    assert_eq!(session["model"], "opus");
    assert_eq!(session["approvals"], true);
    let work = daemon.work().canonicalize().unwrap();
    assert_eq!(session["working_dir"], work.to_str().unwrap());
    daemon.approve(&daemon.until_pending(&id));
    assert_eq!(daemon.until_status(&id, "completed")["result"], "done");
    assert!(daemon.work().join("made").exists());
}

#[test]
fn no_approvals_sends_nothing_and_so_the_session_asks() {
    let daemon = Daemon::start();
    let text = launch(&daemon, &["--no-approvals"]);
    let id = printed(&text, "Session ID:").to_owned();
    daemon.approve(&daemon.until_pending(&id));
    let session = daemon.until_status(&id, "completed");
    assert_eq!(session["approvals"], true);
    assert!(daemon.work().join("made").exists());
}

#[test]
fn skipped_permissions_end_when_the_client_said() {
    let daemon = Daemon::start();
    let text = launch(
        &daemon,
        &[
            "--dangerously-skip-permissions",
            "--dangerously-skip-permissions-timeout",
            "5",
        ],
    );
    let id = printed(&text, "Session ID:").to_owned();
    let session = daemon.until_status(&id, "completed");
    assert_eq!(session["dangerously_skip_permissions"], true);
    let time = |name: &str| {
        session[name]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let lasts = time("dangerously_skip_permissions_expires_at").duration_since(time("created_at"));
    assert!((295..=300).contains(&lasts.as_secs()), "{lasts:?}");
    assert!(daemon.work().join("made").exists());
}
