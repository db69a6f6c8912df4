//! A session is a conversation: its processes end and are started again, and its ids go on naming it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};

/// A session whose process has ended after a turn.
fn ended(daemon: &Daemon, script: &str) -> String {
    let id = daemon.launch_session(script);
    daemon.until_status(&id, "completed");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    id
}

fn say(daemon: &Daemon, id: &str, text: &str) -> Value {
    daemon.call("sendMessage", json!({"session_id": id, "message": text}))["session"].clone()
}

fn go_on(daemon: &Daemon, id: &str, text: &str) -> (String, String) {
    let answer = daemon.call("continueSession", json!({"session_id": id, "query": text}));
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    assert_eq!(answer["parent_session_id"], id);
    (text("session_id"), text("run_id"))
}

/// The session as our own clients see it.
fn whole(daemon: &Daemon, id: &str) -> Value {
    let params = json!({"session_id": id, "by_conversation": true});
    daemon.call("getSessionState", params)["session"].clone()
}

fn until_result(daemon: &Daemon, id: &str, result: &str) -> Value {
    wait_until(&format!("a turn ends with {result:?}"), || {
        let session = whole(daemon, id);
        (session["status"] == "completed" && session["result"] == result).then_some(session)
    })
}

fn until_gone(daemon: &Daemon, id: &str) -> Value {
    wait_until("its process is over", || {
        let session = whole(daemon, id);
        (session["live"] == false).then_some(session)
    })
}

fn said(daemon: &Daemon, id: &str, role: &str) -> Vec<String> {
    let params = json!({"session_id": id, "by_conversation": true});
    let events = daemon.call("getConversation", params)["events"].clone();
    let events = events.as_array().unwrap().iter();
    events
        .filter(|event| event["role"] == role && event["event_type"] == "message")
        .map(|event| event["content"].as_str().unwrap().to_owned())
        .collect()
}

fn said_by_the_system(daemon: &Daemon, id: &str) -> Vec<String> {
    let params = json!({"session_id": id, "by_conversation": true});
    let events = daemon.call("getConversation", params)["events"].clone();
    let events = events.as_array().unwrap().iter();
    events
        .filter(|event| event["event_type"] == "system")
        .map(|event| event["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The sessions in an overview.
fn rows(daemon: &Daemon) -> Vec<String> {
    let overview = daemon.call("getOverview", json!({}));
    let sessions = overview["sessions"].as_array().unwrap().iter();
    sessions
        .map(|session| session["id"].as_str().unwrap().to_owned())
        .collect()
}

/// How many process directories there are.
fn directories(daemon: &Daemon) -> usize {
    std::fs::read_dir(daemon.state().join("sessions"))
        .unwrap()
        .count()
}

#[test]
fn a_message_to_an_ended_session_resumes_the_same_session_with_its_history() {
    let mut daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    let before = whole(&daemon, &id);
    assert_eq!(say(&daemon, &id, "TEXT two")["id"], id.as_str());
    let after = until_result(&daemon, &id, "two");
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    assert_eq!(rows(&daemon), std::slice::from_ref(&id));
    assert_eq!(said(&daemon, &id, "assistant"), ["one", "two"]);
    let lines = daemon.raw_lines(&id);
    assert!(lines.is_sorted_by(|a, b| a.0 < b.0));
    let texts = lines
        .iter()
        .filter(|(_, line)| line.contains("\"text\":\"one\"") || line.contains("\"text\":\"two\""));
    assert!(texts.count() >= 2, "the lines of both processes are there");
    // And again after a restart, which finds the second process.
    daemon.kill_and_restart();
    say(&daemon, &id, "TEXT three");
    until_result(&daemon, &id, "three");
    daemon.call("endSession", json!({"session_id": id}));
    until_gone(&daemon, &id);
    say(&daemon, &id, "TEXT four");
    until_result(&daemon, &id, "four");
    assert_eq!(
        said(&daemon, &id, "assistant"),
        ["one", "two", "three", "four"]
    );
}

#[test]
fn a_question_of_a_later_process_is_asked_and_answered() {
    let daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    say(
        &daemon,
        &id,
        "TOOL Bash {\"command\": \"touch made\"}\nTEXT two",
    );
    daemon.approve(&daemon.until_pending(&id));
    until_result(&daemon, &id, "two");
    assert!(daemon.work().join("made").exists());
}

#[test]
fn messages_at_once_start_one_process() {
    let daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (daemon, id) = (&daemon, &id);
            scope.spawn(move || say(daemon, id, &format!("TEXT answer {number}")));
        }
    });
    wait_until("all were answered", || {
        (said(&daemon, &id, "assistant").len() == 7).then_some(())
    });
    assert_eq!(directories(&daemon), 1);
    let inits = daemon.raw_lines(&id);
    let starts = inits.iter().filter(|(_, line)| line.contains("\"init-"));
    assert_eq!(
        starts.count(),
        2,
        "one process each: the first and the resumed one"
    );
}

#[test]
fn continuing_one_session_twice_never_makes_two_processes_of_one_conversation() {
    let daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (daemon, id) = (&daemon, &id);
            let params = json!({"session_id": id, "query": "TEXT two", "fork": false});
            scope.spawn(move || daemon.call("continueSession", params));
        }
    });
    let live = wait_until("both are answered", || {
        let overview = daemon.call("getOverview", json!({}));
        let sessions = overview["sessions"].as_array().unwrap().clone();
        let done = sessions.iter().all(|session| session["result"] == "two");
        done.then_some(sessions)
    });
    let mut names: Vec<&Value> = live
        .iter()
        .map(|session| &session["claude_session_id"])
        .collect();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

#[test]
fn every_id_ever_given_out_names_the_conversation_for_ever() {
    let mut daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    let first_run = whole(&daemon, &id)["run_id"].as_str().unwrap().to_owned();
    let (second, second_run) = go_on(&daemon, &id, "TEXT two");
    daemon.until_status(&second, "completed");
    let (third, third_run) = go_on(&daemon, &second, "WAITFILE go\nTEXT three");
    daemon.until_status(&third, "running");
    assert_eq!(rows(&daemon), std::slice::from_ref(&id));
    daemon.kill_and_restart();
    for name in [&id, &first_run, &second, &second_run, &third, &third_run] {
        assert_eq!(whole(&daemon, name)["id"], id.as_str(), "{name}");
        let params = json!({"run_id": name, "tool_name": "Bash", "tool_input": {"command": name}});
        let approval = daemon.call("createApproval", params)["approval_id"].clone();
        let params = json!({"approval_id": approval, "by_conversation": true});
        let approval = daemon.call("getApproval", params)["approval"].clone();
        assert_eq!(approval["session_id"], id.as_str(), "{name}");
        daemon.decide(&approval, json!({"decision": "deny", "comment": "no"}));
    }
    // To existing clients each id is a session of its own, in a chain.
    assert_eq!(daemon.session(&third)["parent_session_id"], second.as_str());
    assert_eq!(daemon.session(&second)["parent_session_id"], id.as_str());
    assert_eq!(daemon.session(&second)["result"], "two");
    assert_eq!(daemon.session(&id)["result"], "one");
    assert_eq!(daemon.session(&id)["live"], false);
    assert_eq!(daemon.session(&third)["live"], true);
    let leaves = daemon.call("getSessionLeaves", json!({}))["sessions"].clone();
    let leaves: Vec<&Value> = leaves
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["id"])
        .collect();
    assert_eq!(leaves, [&json!(third)]);
    assert_eq!(
        daemon.call("listSessions", json!({}))["sessions"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let until_second: Vec<Value> = daemon
        .conversation(&second)
        .iter()
        .filter(|event| event["role"] == "assistant")
        .map(|event| event["session_id"].clone())
        .collect();
    assert_eq!(until_second, [json!(id), json!(second)]);
    std::fs::write(daemon.work().join("go"), "").unwrap();
    assert_eq!(daemon.until_status(&third, "completed")["result"], "three");
}

#[test]
fn an_older_id_forks_and_a_fork_shows_what_it_shares() {
    let daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    let (second, _) = go_on(&daemon, &id, "TEXT two");
    daemon.until_status(&second, "completed");
    let (fork, _) = go_on(&daemon, &id, "TEXT aside");
    let forked = daemon.until_status(&fork, "completed");
    assert_ne!(
        forked["claude_session_id"],
        whole(&daemon, &id)["claude_session_id"]
    );
    assert_eq!(rows(&daemon).len(), 2);
    assert_eq!(said(&daemon, &fork, "assistant"), ["one", "two", "aside"]);
    assert_eq!(said(&daemon, &id, "assistant"), ["one", "two"]);
    assert_eq!(whole(&daemon, &fork)["parent_session_id"], id.as_str());
    say(&daemon, &fork, "TEXT further");
    until_result(&daemon, &fork, "further");
    say(&daemon, &id, "TEXT onward");
    until_result(&daemon, &id, "onward");
    assert_eq!(
        said(&daemon, &fork, "assistant"),
        ["one", "two", "aside", "further"]
    );
    let page = json!({"session_id": fork, "by_conversation": true, "after": 0, "limit": 5});
    let page = daemon.call("getConversation", page)["events"].clone();
    let places: Vec<i64> = page
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(places, [1, 2, 3, 4, 5]);
    // Deleting the source leaves the fork whole.
    daemon.call("endSession", json!({"session_id": id}));
    until_gone(&daemon, &id);
    let deleted = daemon.call("deleteSessions", json!({"session_ids": [second]}));
    assert_eq!(deleted, json!({"deleted": [id]}));
    assert_eq!(
        said(&daemon, &fork, "assistant"),
        ["one", "two", "aside", "further"]
    );
    assert_eq!(whole(&daemon, &fork)["parent_session_id"], Value::Null);
    for gone in [&id, &second] {
        let error = daemon
            .connect()
            .fail("getSessionState", json!({"session_id": gone}));
        assert_eq!(error["data"]["kind"], "not_found");
    }
}

#[test]
fn only_ended_sessions_are_deleted_and_clients_are_told() {
    let daemon = Daemon::start();
    let (gone, live) = (
        ended(&daemon, "TEXT one"),
        daemon.launch_session("TEXT two"),
    );
    daemon.until_status(&live, "completed");
    let answer = daemon.call(
        "deleteSessions",
        json!({"session_ids": [gone, live, "nobody"]}),
    );
    assert_eq!(answer["deleted"], json!([gone]));
    let failed = answer["failed"].as_array().unwrap();
    assert_eq!(
        (&failed[0]["session_id"], &failed[1]["session_id"]),
        (&json!(live), &json!("nobody"))
    );
    assert!(
        failed[0]["error"]
            .as_str()
            .unwrap()
            .contains("humanlayer end"),
        "{failed:?}"
    );
    assert_eq!(rows(&daemon), [live]);
    // Who catches up learns it, too.
    let mut client = daemon.connect();
    let params = json!({"since": 0, "event_types": ["session_deleted"]});
    client.call("subscribeEvents", params);
    let event = client.receive()["params"]["result"].clone();
    assert_eq!(
        (&event["type"], &event["data"]["session_id"]),
        (&json!("session_deleted"), &json!(gone))
    );
}

#[test]
fn a_working_session_is_not_archived_unless_it_is_ended_too() {
    let mut daemon = Daemon::start();
    let id = daemon.launch_session("TOOL Bash {\"command\": \"true\"}");
    daemon.until_pending(&id);
    let params = json!({"session_id": id, "archived": true});
    let error = daemon.connect().fail("archiveSession", params);
    assert_eq!(error["data"]["kind"], "conflict");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("humanlayer end"),
        "{error}"
    );
    let many = json!({"session_ids": [id], "archived": true});
    assert_eq!(
        daemon.call("bulkArchiveSessions", many)["failed_sessions"],
        json!([id])
    );
    assert_eq!(rows(&daemon), std::slice::from_ref(&id));
    daemon.call(
        "archiveSession",
        json!({"session_id": id, "archived": true, "end": true}),
    );
    daemon.kill_and_restart();
    until_gone(&daemon, &id);
    assert_eq!(rows(&daemon), Vec::<String>::new());
    assert_eq!(whole(&daemon, &id)["archived"], true);
    // A message brings it back into sight.
    say(&daemon, &id, "TEXT back");
    assert_eq!(rows(&daemon), std::slice::from_ref(&id));
    until_result(&daemon, &id, "back");
}

/// An agent that reacts to nothing and notes its process id; each one writes a line.
fn deaf(folder: &Path) -> String {
    let program = folder.join("deaf");
    let script = "#!/bin/sh\ntrap '' INT TERM HUP\necho $$ >> pids\nwhile :; do sleep 1; done\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    program.to_str().unwrap().to_owned()
}

fn starts(daemon: &Daemon) -> usize {
    let pids = std::fs::read_to_string(daemon.work().join("pids")).unwrap_or_default();
    pids.lines().count()
}

#[test]
fn an_accepted_end_is_carried_out_by_the_next_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let program = deaf(folder.path());
    let mut daemon = Daemon::with(&[("HUMANLAYER_CLAUDE_PATH", &program)]);
    let id = daemon.launch_session("anything");
    wait_until("the agent runs", || (starts(&daemon) == 1).then_some(()));
    let answer = daemon.call("endSession", json!({"session_id": id}));
    assert_eq!(answer["session"]["ending"], true);
    // Within the grace of the end.
    daemon.kill_and_restart();
    daemon.until_over(&id);
}

#[test]
fn a_message_during_an_end_goes_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let program = deaf(folder.path());
    let mut daemon = Daemon::with(&[("HUMANLAYER_CLAUDE_PATH", &program)]);
    let id = daemon.launch_session("anything");
    wait_until("the agent runs", || (starts(&daemon) == 1).then_some(()));
    daemon.call("endSession", json!({"session_id": id}));
    say(&daemon, &id, "go on");
    daemon.kill_and_restart();
    wait_until("the next process runs", || {
        (starts(&daemon) == 2).then_some(())
    });
    assert_eq!(whole(&daemon, &id)["live"], true);
    assert_eq!(said(&daemon, &id, "user"), ["anything", "go on"]);
    assert_eq!(rows(&daemon), [id]);
}

/// Kills the runner of a session's present process, with which its agent dies.
fn kill_runner(daemon: &Daemon, id: &str) {
    // Of the present process: a session that was resumed has a directory with another name.
    let query = "SELECT directory FROM sessions WHERE id = ?";
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    let directory: String = db.query_row(query, [id], |row| row.get(0)).unwrap();
    let state = daemon.state().join("sessions").join(directory);
    let state = wait_until("its runner says who it is", || {
        std::fs::read(state.join("runner.json")).ok()
    });
    let state: Value = serde_json::from_slice(&state).unwrap();
    let runner = i32::try_from(state["runner_pid"].as_i64().unwrap()).unwrap();
    crate::support::cli::signal(runner, rustix::process::Signal::KILL);
}

#[test]
fn a_message_that_came_after_its_process_had_died_begins_the_next_one() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT one");
    until_result(&daemon, &id, "one");
    // Nobody has noticed yet when the message comes.
    kill_runner(&daemon, &id);
    say(&daemon, &id, "TEXT two");
    until_result(&daemon, &id, "two");
    assert_eq!(said(&daemon, &id, "user"), ["TEXT one", "TEXT two"]);
}

#[test]
fn a_message_begins_one_process_more_and_no_third_one() {
    let folder = tempfile::tempdir().unwrap();
    let program = deaf(folder.path());
    let daemon = Daemon::with(&[("HUMANLAYER_CLAUDE_PATH", &program)]);
    let id = daemon.launch_session("anything");
    wait_until("the agent runs", || (starts(&daemon) == 1).then_some(()));
    kill_runner(&daemon, &id);
    say(&daemon, &id, "go on");
    wait_until("the next process runs", || {
        (starts(&daemon) == 2).then_some(())
    });
    kill_runner(&daemon, &id);
    until_gone(&daemon, &id);
    let session = whole(&daemon, &id);
    assert_eq!(session["waiting_for"], Value::Null, "{session}");
    assert_eq!(session["status"], "failed", "{session}");
    let notes = said_by_the_system(&daemon, &id);
    assert!(
        notes
            .iter()
            .any(|note| note.contains("2 messages have not reached the agent")),
        "{notes:?}"
    );
    assert_eq!(starts(&daemon), 2);
}

#[test]
fn a_queued_message_survives_the_daemon() {
    let mut daemon = Daemon::start();
    let id = daemon.launch_session("WAITFILE go\nTEXT first");
    daemon.until_status(&id, "running");
    say(&daemon, &id, "TEXT second");
    daemon.kill_and_restart();
    std::fs::write(daemon.work().join("go"), "").unwrap();
    until_result(&daemon, &id, "second");
}

#[test]
fn what_is_missing_is_waited_for_and_the_message_is_kept() {
    let mut daemon = Daemon::start();
    let place = daemon.work().join("place");
    std::fs::create_dir(&place).unwrap();
    let id = daemon.launch_session_with(json!({"query": "TEXT one", "working_dir": place}));
    daemon.until_status(&id, "completed");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    std::fs::remove_dir(&place).unwrap();
    let waiting = say(&daemon, &id, "TEXT two");
    let missing = waiting["waiting_for"].as_str().unwrap();
    assert!(missing.contains("place is missing"), "{missing}");
    assert_eq!(
        (&waiting["status"], &waiting["live"]),
        (&json!("completed"), &json!(false))
    );
    daemon.kill_and_restart();
    assert!(whole(&daemon, &id)["waiting_for"].is_string());
    std::fs::create_dir(&place).unwrap();
    let session = until_result(&daemon, &id, "two");
    assert_eq!(session["waiting_for"], Value::Null);
}

#[rstest]
#[case("resume.prepared")]
#[case("resume.recorded")]
#[case("launch.spawned")]
#[case("outbox.sending")]
#[case("session.over")]
fn a_daemon_killed_while_it_resumes_starts_one_process(#[case] failpoint: &str) {
    let mut daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    assert!(daemon.stop().success());
    daemon.launch(&[("HUMANLAYER_FAILPOINT", failpoint)]);
    let message = json!({"session_id": id, "message": "TEXT two"});
    daemon.call_to_the_death("sendMessage", &message);
    if failpoint == "session.over" {
        until_result(&daemon, &id, "two");
        daemon.call("endSession", json!({"session_id": id}));
    }
    daemon.wait();
    daemon.launch(&[]);
    if !said(&daemon, &id, "user").contains(&"TEXT two".to_owned()) {
        // It was not accepted.
        say(&daemon, &id, "TEXT two");
    }
    until_result(&daemon, &id, "two");
    assert_eq!(said(&daemon, &id, "assistant"), ["one", "two"]);
    assert_eq!(rows(&daemon), std::slice::from_ref(&id));
    say(&daemon, &id, "TEXT three");
    until_result(&daemon, &id, "three");
    assert_eq!(directories(&daemon), 1);
}

#[test]
fn a_session_that_can_never_be_resumed_says_so_once_and_waits_for_nothing() {
    let mut daemon = Daemon::start();
    let id = ended(&daemon, "TEXT one");
    // The fork's agent never says which conversation it has.
    let program = daemon.root().join("claude");
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "#!/bin/sh\nexec cat > /dev/null\n").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let params = json!({"session_id": id, "query": "TEXT aside", "fork": true});
    let fork = daemon.call("continueSession", params)["session_id"].clone();
    let fork = fork.as_str().unwrap().to_owned();
    wait_until("the fork has a process", || {
        (whole(&daemon, &fork)["live"] == true).then_some(())
    });
    daemon.call("endSession", json!({"session_id": fork}));
    say(&daemon, &fork, "for the next process");
    until_gone(&daemon, &fork);
    let (undelivered, never) = (
        "A queued message was not delivered: this session",
        "never began a conversation",
    );
    let notes = wait_until("the session says what became of the message", || {
        let notes = said_by_the_system(&daemon, &fork);
        let told = notes.iter().any(|note| note.contains(undelivered));
        told.then_some(notes)
    });
    let told = notes.iter().filter(|note| note.contains(never)).count();
    assert_eq!(told, 1, "{notes:?}");
    assert_eq!(whole(&daemon, &fork)["waiting_for"], Value::Null);
    // One that an earlier release left waiting.
    daemon.kill();
    let database = rusqlite::Connection::open(daemon.database()).unwrap();
    let change = "UPDATE sessions SET waiting_for = 'its next process' WHERE id = ?";
    assert_eq!(database.execute(change, [&fork]).unwrap(), 1);
    drop(database);
    daemon.launch(&[]);
    wait_until("it waits no longer", || {
        (whole(&daemon, &fork)["waiting_for"] == Value::Null).then_some(())
    });
    let notes = said_by_the_system(&daemon, &fork);
    let last = notes.last().unwrap();
    assert!(
        last.starts_with("The session is not resumed") && last.contains(never),
        "{notes:?}"
    );
    let failed = "cannot resume a session that waits";
    assert!(!daemon.log().contains(failed), "{}", daemon.log());
}
