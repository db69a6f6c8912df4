//! Messages of the user with the real Claude Code: each is read exactly once or withdrawn, whatever dies,
//! and until then it is shown as queued.

use std::path::Path;

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::ClaudeHarness;
use crate::support::daemon::wait_until;

/// Kills the agent's process without mercy, and waits until the session knows.
pub(super) fn kill_agent(rig: &ClaudeHarness, id: &str) {
    let file = rig
        .daemon
        .session_dir(&directory(rig, id))
        .join("runner.json");
    let state: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let pid = i32::try_from(state["agent_pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    wait_until("the session knows that its process is gone", || {
        (rig.daemon.session(id)["live"] == false).then_some(())
    });
}

/// The directory of the session's present process.
fn directory(rig: &ClaudeHarness, id: &str) -> String {
    let db = rusqlite::Connection::open(rig.daemon.database()).unwrap();
    db.query_row("SELECT directory FROM sessions WHERE id = ?", [id], |row| {
        row.get(0)
    })
    .unwrap()
}

/// Messages that are stored as not read.
fn waiting(rig: &ClaudeHarness) -> i64 {
    let db = rusqlite::Connection::open(rig.daemon.database()).unwrap();
    let count = "SELECT count(*) FROM outbox WHERE message_seq IS NOT NULL";
    db.query_row(count, [], |row| row.get(0)).unwrap()
}

/// Sends a message; its id and whether it is queued.
fn send(rig: &ClaudeHarness, id: &str, text: &str) -> (i64, bool) {
    let params = json!({"session_id": id, "message": text, "env": rig.environment()});
    let answer = rig.daemon.call("sendMessage", params);
    (
        answer["message_id"].as_i64().unwrap(),
        answer["queued"].as_bool().unwrap(),
    )
}

/// What is shown of a message beside its words.
fn delivery(rig: &ClaudeHarness, id: &str, message: i64) -> Value {
    let params = json!({"session_id": id, "by_conversation": true});
    let pieces = rig.daemon.call("getConversation", params)["events"].clone();
    let pieces = pieces.as_array().unwrap();
    let piece = pieces.iter().find(|piece| piece["id"] == message).unwrap();
    piece["delivery"].clone()
}

/// What the model was told by the user in its last request, in order.
pub(super) fn told(rig: &ClaudeHarness) -> Vec<String> {
    let requests = rig.model.requests();
    let last = requests
        .iter()
        .rev()
        .find(|request| {
            request.body["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty())
        })
        .unwrap();
    let mut told = Vec::new();
    for message in last.body["messages"].as_array().unwrap() {
        let blocks = match &message["content"] {
            Value::String(text) => vec![json!({"text": text})],
            blocks => blocks.as_array().unwrap().clone(),
        };
        for block in blocks.iter().filter(|_| message["role"] == "user") {
            let text = block["text"].as_str().unwrap_or_default();
            let said = text.lines().filter(|line| line.starts_with("TEXT "));
            told.extend(said.map(str::to_owned));
        }
    }
    told
}

#[rstest]
fn what_a_killed_agent_has_not_read_goes_to_the_next_one_once_and_in_order(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TEXT zero");
    rig.until_result(&id, "zero");
    send(&rig, &id, "SLEEP 5\nTEXT one");
    wait_until("the model is asked", || {
        rig.model.heard().contains("TEXT one").then_some(())
    });
    let queued = ["TEXT two", "TEXT three"].map(|text| send(&rig, &id, text));
    assert!(queued.iter().all(|(_, queued)| *queued));
    kill_agent(&rig, &id);
    for (message, _) in queued {
        assert_eq!(delivery(&rig, &id, message), "queued");
    }
    let (last, _) = send(&rig, &id, "TEXT four");
    rig.until_result(&id, "four");
    let all = [
        "TEXT zero",
        "TEXT one",
        "TEXT two",
        "TEXT three",
        "TEXT four",
    ];
    assert_eq!(told(&rig), all);
    wait_until("all are read", || (waiting(&rig) == 0).then_some(()));
    for message in queued.map(|(message, _)| message).into_iter().chain([last]) {
        assert_eq!(delivery(&rig, &id, message), Value::Null);
    }
}

/// Kills the agent while no daemon runs, changes its record of the conversation as if it had not come to writing it,
/// and starts the next daemon.
fn kill_before_it_writes(rig: &mut ClaudeHarness, id: &str, change: impl FnOnce(&Path)) {
    let folder = rig.daemon.session_dir(&directory(rig, id));
    let state = std::fs::read(folder.join("runner.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let pid = i32::try_from(state["agent_pid"].as_i64().unwrap()).unwrap();
    rig.daemon.kill();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    wait_until("the runner has reported the end", || {
        folder.join("exit.json").exists().then_some(())
    });
    let environment = rig.environment();
    let home = Path::new(environment["HOME"].as_str().unwrap());
    change(&home.join(".claude/projects"));
    rig.daemon.launch(&[]);
    wait_until("the session knows that its process is gone", || {
        (rig.daemon.session(id)["live"] == false).then_some(())
    });
}

/// Cuts the records off before the line that first holds some words.
fn cut_off(projects: &Path, words: &str) {
    for project in std::fs::read_dir(projects).unwrap() {
        for record in std::fs::read_dir(project.unwrap().path()).unwrap() {
            let path = record.unwrap().path();
            if path
                .extension()
                .is_none_or(|extension| extension != "jsonl")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let kept: Vec<&str> = text
                .split_inclusive('\n')
                .take_while(|line| !line.contains(words))
                .collect();
            std::fs::write(&path, kept.concat()).unwrap();
        }
    }
}

/// A session at rest that has read a second message, "TEXT one".
fn after_a_message_was_read(version: &str) -> (ClaudeHarness, String) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TEXT zero");
    rig.until_result(&id, "zero");
    send(&rig, &id, "TEXT one");
    rig.until_result(&id, "one");
    wait_until("it is read", || (waiting(&rig) == 0).then_some(()));
    (rig, id)
}

#[rstest]
fn what_a_killed_agent_had_acted_on_and_not_written_down_is_noted_and_not_done_again(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let (mut rig, id) = after_a_message_was_read(version);
    kill_before_it_writes(&mut rig, &id, |projects| cut_off(projects, "TEXT one"));
    assert!(rig.says(&id, "before it had written down your last message"));
    send(&rig, &id, "TEXT two");
    rig.until_result(&id, "two");
    assert_eq!(told(&rig), ["TEXT zero", "TEXT two"]);
}

#[rstest]
fn what_a_killed_agent_had_written_down_is_not_noted(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let (mut rig, id) = after_a_message_was_read(version);
    wait_until("it is written down", || {
        let environment = rig.environment();
        let home = Path::new(environment["HOME"].as_str().unwrap());
        let written = std::process::Command::new("grep")
            .args(["-rqF", "TEXT one"])
            .arg(home.join(".claude/projects"))
            .status();
        written.unwrap().success().then_some(())
    });
    kill_before_it_writes(&mut rig, &id, |_| {});
    assert!(!rig.says(&id, "written down"));
}

#[rstest]
fn a_session_whose_agent_was_killed_before_it_wrote_anything_goes_on(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let mut rig = ClaudeHarness::of_version(version);
    let id = rig.launch("SLEEP 5\nTEXT zero");
    wait_until("the model is asked", || {
        rig.model.heard().contains("TEXT zero").then_some(())
    });
    kill_before_it_writes(&mut rig, &id, |projects| {
        std::fs::remove_dir_all(projects).unwrap();
    });
    send(&rig, &id, "TEXT one");
    rig.until_result(&id, "one");
    assert_eq!(told(&rig), ["TEXT zero", "TEXT one"]);
}

#[rstest]
fn a_queued_message_is_withdrawn_or_read_and_the_answer_says_which(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TEXT zero");
    rig.until_result(&id, "zero");
    send(&rig, &id, "SLEEP 4\nTEXT one");
    wait_until("the model is asked", || {
        rig.model.heard().contains("TEXT one").then_some(())
    });
    let (two, _) = send(&rig, &id, "TEXT two");
    let (three, _) = send(&rig, &id, "TEXT three");
    let params = json!({"session_id": id, "message_id": two});
    let answer = rig.daemon.call("withdrawMessage", params);
    let can = version != "2.0.37";
    if can {
        assert_eq!(answer["outcome"], "withdrawn", "{answer}");
        assert_eq!(delivery(&rig, &id, two), "withdrawn");
    } else {
        assert_eq!(answer["outcome"], "too_late", "{answer}");
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.contains("2.0.37"), "{reason}");
    }
    rig.until_result(&id, "three");
    wait_until("all are read", || (waiting(&rig) == 0).then_some(()));
    let all: &[&str] = match can {
        true => &["TEXT zero", "TEXT one", "TEXT three"],
        false => &["TEXT zero", "TEXT one", "TEXT two", "TEXT three"],
    };
    assert_eq!(told(&rig), all);
    assert_eq!(delivery(&rig, &id, three), Value::Null);
    let params = json!({"session_id": id, "message_id": three});
    let answer = rig.daemon.connect().fail("withdrawMessage", params);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("has read that message already"),
        "{answer}"
    );
}

#[rstest]
fn a_command_of_the_agents_own_counts_as_read_although_no_model_sees_it(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch("TEXT zero");
    rig.until_result(&id, "zero");
    for command in ["/cost", "/nonsense", "/clear"] {
        let (message, _) = send(&rig, &id, command);
        wait_until(&format!("{command} is read"), || {
            (waiting(&rig) == 0).then_some(())
        });
        assert_eq!(delivery(&rig, &id, message), Value::Null);
    }
    send(&rig, &id, "TEXT one");
    rig.until_result(&id, "one");
    wait_until("all are read", || (waiting(&rig) == 0).then_some(()));
}
