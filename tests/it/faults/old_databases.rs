//! Databases of earlier releases: what was in them is still shown.
//!
//! `tests/fixtures/database-v1` was made by the release that had schema version 1: `daemon.db`, its
//! schema as text, and what that release showed. It is never made anew; the ignored test below made
//! it, and is the way to make the next one when a migration is added.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::daemon::Daemon;

const VERSION: u32 = 1;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/database-v{VERSION}"))
}

/// Tables and indexes as SQL, in the order of their names, and the version.
fn schema(database: &Path) -> String {
    let db = Connection::open(database).unwrap();
    let version: u32 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let mut query = db
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        .unwrap();
    let parts: Vec<String> = query
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    format!("-- version {version}\n{};\n", parts.join(";\n"))
}

/// Everything that a daemon shows of what it has.
fn shown(daemon: &Daemon) -> Value {
    let list = daemon.call("listSessions", json!({"archived": false}))["sessions"].clone();
    let archived = daemon.call("listSessions", json!({"archived": true}))["sessions"].clone();
    let ids: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .chain(archived.as_array().unwrap())
        .map(|session| session["id"].as_str().unwrap())
        .collect();
    let each: serde_json::Map<String, Value> = ids
        .iter()
        .map(|id| {
            let all = json!({
                "session": daemon.session(id),
                "conversation": daemon.conversation(id),
                "raw_lines": daemon.raw_lines(id),
                "approvals": daemon.call("listApprovals", json!({"session_id": id, "all": true}))["approvals"],
            });
            ((*id).to_owned(), all)
        })
        .collect();
    json!({"sessions": list, "archived": archived, "each": each})
}

/// Whether everything that was shown then is shown now; there may be more. What continued a
/// conversation has become a part of it and is numbered on from there, so that numbers alone may
/// have changed: they are checked to be without a gap instead.
fn assert_still_shown(then: &Value, now: &Value, place: &str) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, value) in then {
                // A fork goes on counting where it was forked off.
                if name == "sequence" {
                    continue;
                }
                let now = now
                    .get(name)
                    .unwrap_or_else(|| panic!("{place}.{name} is gone"));
                assert_still_shown(value, now, &format!("{place}.{name}"));
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            assert_eq!(then.len(), now.len(), "{place}");
            let numbers: Vec<i64> = now
                .iter()
                .filter_map(|each| each["sequence"].as_i64())
                .collect();
            assert!(
                numbers.windows(2).all(|two| two[1] == two[0] + 1),
                "{place}: {numbers:?}"
            );
            for (index, (then, now)) in then.iter().zip(now).enumerate() {
                assert_still_shown(then, now, &format!("{place}[{index}]"));
            }
        }
        (then, now) => assert_eq!(then, now, "{place}"),
    }
}

#[test]
fn a_database_of_version_1_is_opened_and_shows_everything() {
    let mut daemon = Daemon::prepare(&[]);
    fs::copy(fixture().join("daemon.db"), daemon.database()).unwrap();
    daemon.launch(&[]);
    let then = fs::read_to_string(fixture().join("shown.json")).unwrap();
    let then: Value = serde_json::from_str(&then).unwrap();
    assert_eq!(then["each"].as_object().unwrap().len(), 5);
    assert_still_shown(&then, &shown(&daemon), "shown");
    // And it is worked with as any other.
    let id = daemon.launch_session("TEXT hello");
    daemon.until_status(&id, "completed");
    daemon.kill_and_restart();
    assert_still_shown(&then["each"], &shown(&daemon)["each"], "later");
}

/// That the migrations still make the same is tested beside them (`daemon::store::schema`).
#[test]
fn the_kept_schema_is_that_of_the_kept_database() {
    let kept = fs::read_to_string(fixture().join("schema.sql")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.db");
    fs::copy(fixture().join("daemon.db"), &copy).unwrap();
    assert_eq!(schema(&copy), kept);
}

#[test]
fn a_database_that_grew_has_the_shape_of_a_new_one() {
    let mut old = Daemon::prepare(&[]);
    fs::copy(fixture().join("daemon.db"), old.database()).unwrap();
    old.launch(&[]);
    let mut new = Daemon::start();
    assert!(old.stop().success() && new.stop().success());
    assert_eq!(schema(&old.database()), schema(&new.database()));
}

#[test]
#[ignore = "makes the fixture; for a new schema version only"]
fn make_the_fixture() {
    let mut daemon = Daemon::start();
    let end = |daemon: &Daemon, id: &str| {
        daemon.call("endSession", json!({"session_id": id}));
        daemon.until_over(id);
    };
    let first = daemon.launch_session_with(json!({
        "title": "A first session", "custom_instructions": "be brief", "max_turns": 7,
        "query": "THINK about it\nTEXT hello, wörld\n\
            TOOL Bash {\"command\": \"echo x >> one\"}\nTOOL Bash {\"command\": \"echo x >> no-two\"}\n\
            QUESTION {\"questions\": [{\"question\": \"Which?\", \"header\": \"Way\", \"options\": [{\"label\": \"Left\", \"description\": \"l\"}, {\"label\": \"Right\", \"description\": \"r\"}], \"multiSelect\": false}]}\n\
            SUBAGENT {\"prompt\": \"TEXT in\"}\nRETRY 529\nMALFORMED {oops\nTEXT done",
    }));
    let approval = daemon.until_pending(&first);
    daemon.approve(&approval);
    let approval = daemon.until_pending(&first);
    daemon.decide(
        &approval,
        json!({"decision": "deny", "comment": "not this"}),
    );
    let approval = daemon.until_pending(&first);
    daemon.decide(
        &approval,
        json!({"decision": "respond", "answers": {"Which?": "Left"}}),
    );
    daemon.until_status(&first, "completed");
    end(&daemon, &first);
    let next = daemon.call(
        "continueSession",
        json!({"session_id": first, "query": "TEXT and on"}),
    )["session_id"]
        .clone();
    let next = next.as_str().unwrap();
    daemon.until_status(next, "completed");
    end(&daemon, next);
    let withdrawn = daemon.launch_session("CANCEL\nTOOL Bash {\"command\": \"echo x >> three\"}");
    daemon.until_status(&withdrawn, "completed");
    end(&daemon, &withdrawn);
    daemon.call(
        "archiveSession",
        json!({"session_id": withdrawn, "archived": true}),
    );
    let failed = daemon.launch_session("TEXT hello\nSTDERR last words\nEXIT 3");
    daemon.until_status(&failed, "failed");
    daemon.until_over(&failed);
    let interrupted = daemon.launch_session("TOOL Bash {\"command\": \"echo x >> four\"}");
    daemon.until_pending(&interrupted);
    end(&daemon, &interrupted);
    let all = shown(&daemon);
    assert_eq!(all["each"].as_object().unwrap().len(), 5);
    assert!(daemon.stop().success());
    fs::create_dir_all(fixture()).unwrap();
    let bytes = fs::read(daemon.database()).unwrap();
    fs::write(fixture().join("daemon.db"), bytes).unwrap();
    fs::write(fixture().join("schema.sql"), schema(&daemon.database())).unwrap();
    let text = serde_json::to_string_pretty(&all).unwrap();
    fs::write(fixture().join("shown.json"), text + "\n").unwrap();
}
