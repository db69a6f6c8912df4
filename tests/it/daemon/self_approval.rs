//! An agent cannot answer its own questions, whatever its shell does to hide where it comes from;
//! a person's program can.

use rstest::rstest;
use serde_json::json;
use uuid::Uuid;

use crate::support::agent_shell::Attempt;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::scripted_agent::binary;

/// How the agent's shell goes about it.
#[derive(Clone, Copy)]
struct Way {
    orphan: bool,
    without_marks: bool,
    after_a_restart: bool,
}

#[rstest]
#[case::directly(Way { orphan: false, without_marks: false, after_a_restart: false })]
#[case::as_an_orphan(Way { orphan: true, without_marks: false, after_a_restart: false })]
#[case::without_its_marks(Way { orphan: false, without_marks: true, after_a_restart: false })]
#[case::as_an_orphan_without_marks(Way { orphan: true, without_marks: true, after_a_restart: false })]
#[case::after_a_restart(Way { orphan: false, without_marks: true, after_a_restart: true })]
#[case::as_an_orphan_after_a_restart(Way { orphan: true, without_marks: true, after_a_restart: true })]
fn an_agent_cannot_decide_about_itself(#[case] way: Way) {
    let mut daemon = Daemon::start();
    let id = Uuid::new_v4().to_string();
    let mut attempt = Attempt::on(&daemon, &id).on_command();
    if way.orphan {
        attempt = attempt.orphaned();
    }
    if way.without_marks {
        attempt = attempt.without_its_marks();
    }
    let query = format!(
        "TOOL Bash {}\nTOOL Bash {{\"command\": \"touch made\"}}\nTEXT done",
        json!({"command": attempt.in_background()}),
    );
    daemon.launch_session_with(json!({"query": query, "session_id": id}));
    let first = daemon.until_pending(&id);
    daemon.approve(&first);
    let second = wait_until("the next call asks", || {
        let pending = daemon.pending(&id);
        pending.into_iter().find(|next| next["id"] != first["id"])
    });
    if way.after_a_restart {
        daemon.kill_and_restart();
    }
    attempt.go();
    attempt.assert_refused();

    let params = json!({"approval_id": second["id"]});
    let approval = daemon.call("getApproval", params)["approval"].clone();
    assert_eq!(approval["outcome"], "pending");
    let session = daemon.session(&id);
    assert_eq!(session["dangerously_skip_permissions"], false);
    assert_eq!(session["auto_accept_edits"], false);
    let sessions = daemon.call("listSessions", json!({}))["sessions"].clone();
    assert_eq!(
        sessions.as_array().unwrap().len(),
        1,
        "it launched something"
    );
    assert!(!daemon.work().join("made").exists());
    daemon.approve(&second);
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("made").exists());
}

#[test]
fn an_agent_cannot_decide_for_another_session() {
    let daemon = Daemon::start();
    let victim = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&victim);
    let attempt = Attempt::on(&daemon, &victim).orphaned().without_its_marks();
    let command = json!({"command": attempt.in_background()});
    let agent = daemon.launch_session(&format!("TOOL Bash {command}\nTEXT done"));
    daemon.approve(&daemon.until_pending(&agent));
    attempt.assert_refused();
    assert_eq!(daemon.pending(&victim)[0]["id"], asked["id"]);
    daemon.approve(&asked);
    daemon.until_status(&victim, "completed");
}

#[test]
fn an_agent_may_look_and_start_agents_that_ask() {
    let daemon = Daemon::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/one_call.py");
    let launch = json!({
        "query": "TOOL Bash {\"command\": \"touch made\"}\nTEXT child",
        "working_dir": daemon.work(), "approvals": true,
    });
    let command =
        format!("python3 '{script}' \"$HUMANLAYER_DAEMON_SOCKET\" launchSession '{launch}'");
    let id = daemon.launch_session(&format!(
        "TOOL Bash {}\nTEXT parent",
        json!({"command": command})
    ));
    daemon.approve(&daemon.until_pending(&id));
    daemon.until_status(&id, "completed");
    let child = wait_until("the second session is there", || {
        let sessions = daemon.call("listSessions", json!({}))["sessions"].clone();
        let mut ids = sessions.as_array().unwrap().iter().map(|s| s["id"].clone());
        ids.find(|other| *other != id.as_str())
    });
    let child = child.as_str().unwrap();
    let approval = daemon.until_pending(child);
    assert!(!daemon.work().join("made").exists());
    daemon.approve(&approval);
    daemon.until_status(child, "completed");
}

#[rstest]
#[case::as_it_is("")]
#[case::without_its_marks("env -u HUMANLAYER_SESSION_ID -u HUMANLAYER_RUN_ID ")]
#[case::in_a_session_of_its_own("setsid -w env -u HUMANLAYER_SESSION_ID -u HUMANLAYER_RUN_ID ")]
fn the_command_line_refuses_an_agent(#[case] before: &str) {
    let daemon = Daemon::start();
    let file = |name: &str| daemon.root().join(name);
    let (id_file, told, code) = (file("id"), file("told"), file("code"));
    let command = format!(
        "(while [ ! -s '{id}' ]; do sleep 0.02; done; \
          {before}'{binary}' approve --daemon-socket '{socket}' $(cat '{id}') > '{told}' 2>&1; \
          echo $? > '{code}.part'; mv '{code}.part' '{code}') < /dev/null > /dev/null 2>&1 &",
        id = id_file.display(),
        binary = binary(),
        socket = daemon.socket().display(),
        told = told.display(),
        code = code.display(),
    );
    let id = daemon.launch_session(&format!(
        "TOOL Bash {}\nTOOL Bash {{\"command\": \"touch made\"}}\nTEXT done",
        json!({"command": command}),
    ));
    let first = daemon.until_pending(&id);
    daemon.approve(&first);
    let second = wait_until("the next call asks", || {
        let pending = daemon.pending(&id);
        pending.into_iter().find(|next| next["id"] != first["id"])
    });
    let approval = second["id"].as_str().unwrap();
    std::fs::write(&id_file, approval).unwrap();
    let code = wait_until("the command has ended", || {
        std::fs::read_to_string(&code).ok()
    });
    let told = std::fs::read_to_string(&told).unwrap();
    assert_eq!(code.trim(), "1", "{told}");
    assert!(told.contains("an agent may not decide"), "{told}");
    assert_eq!(daemon.pending(&id)[0]["id"], approval);
    // The very same command, by a person.
    let mut command = daemon.command();
    let done = command.args(["approve", approval]).output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    daemon.until_status(&id, "completed");
    assert!(daemon.work().join("made").exists());
}
