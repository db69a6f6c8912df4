//! Messages of the user with the real Claude Code: each is read exactly once or withdrawn, whatever dies,
//! and until then it is shown as queued.

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::Rig;
use crate::support::daemon::wait_until;

/// Kills the agent's process without mercy, and waits until the session knows.
pub(super) fn kill_agent(rig: &Rig, id: &str) {
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
fn directory(rig: &Rig, id: &str) -> String {
    let db = rusqlite::Connection::open(rig.daemon.database()).unwrap();
    db.query_row("SELECT directory FROM sessions WHERE id = ?", [id], |row| {
        row.get(0)
    })
    .unwrap()
}

/// Messages that are stored as not read.
fn waiting(rig: &Rig) -> i64 {
    let db = rusqlite::Connection::open(rig.daemon.database()).unwrap();
    let count = "SELECT count(*) FROM outbox WHERE message_seq IS NOT NULL";
    db.query_row(count, [], |row| row.get(0)).unwrap()
}

/// Sends a message; its id and whether it is queued.
fn send(rig: &Rig, id: &str, text: &str) -> (i64, bool) {
    let params = json!({"session_id": id, "message": text, "env": rig.environment()});
    let answer = rig.daemon.call("sendMessage", params);
    (
        answer["message_id"].as_i64().unwrap(),
        answer["queued"].as_bool().unwrap(),
    )
}

/// What is shown of a message beside its words.
fn delivery(rig: &Rig, id: &str, message: i64) -> Value {
    let params = json!({"session_id": id, "by_conversation": true});
    let pieces = rig.daemon.call("getConversation", params)["events"].clone();
    let pieces = pieces.as_array().unwrap();
    let piece = pieces.iter().find(|piece| piece["id"] == message).unwrap();
    piece["delivery"].clone()
}

/// What the model was told by the user in its last request, in order.
pub(super) fn told(rig: &Rig) -> Vec<String> {
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
    let rig = Rig::of_version(version);
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

#[rstest]
fn a_queued_message_is_withdrawn_or_read_and_the_answer_says_which(
    #[values("2.0.37", "2.1.133", "2.1.330", "2.1.332")] version: &str,
) {
    let rig = Rig::of_version(version);
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
    let rig = Rig::of_version(version);
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
