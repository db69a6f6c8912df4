//! A session whose directory has another name goes on there, with all that was said.

use rstest::rstest;
use serde_json::{Value, json};
use std::path::PathBuf;

use crate::support::claude_harness::ClaudeHarness;
use crate::support::daemon::wait_until;

/// The records of a conversation, in whichever project's folder they are.
fn records(rig: &ClaudeHarness, id: &str) -> Vec<PathBuf> {
    let projects = rig.claude.project().with_file_name("home/.claude/projects");
    let name = format!("{id}.jsonl");
    let folders = std::fs::read_dir(projects).unwrap();
    let files = folders.map(|folder| folder.unwrap().path().join(&name));
    files.filter(|file| file.exists()).collect()
}

fn end(rig: &ClaudeHarness, id: &str) {
    rig.daemon.call("endSession", json!({"session_id": id}));
    wait_until("the process is over", || {
        (rig.daemon.session(id)["live"] == false).then_some(())
    });
}

/// Asserts that the model was told `earlier` in one request with `message`. Which request that
/// was is open: Claude Code also asks the model for a title, whenever it gets to it.
fn assert_told_together(rig: &ClaudeHarness, message: &str, earlier: &str) {
    let requests = rig.model.requests();
    let mut told = requests
        .iter()
        .map(|request| request.body["messages"].to_string());
    assert!(
        told.any(|told| told.contains(message) && told.contains(earlier)),
        "no request has both {message} and {earlier}: {requests:?}"
    );
}

#[rstest]
#[case("2.0.37")]
#[case("2.1.133")]
#[case("2.1.332")]
fn a_conversation_is_taken_along_and_the_record_of_it_left_as_it_is(#[case] version: &str) {
    let rig = ClaudeHarness::of_version(version);
    let [old, new, third] = ["shop", "market", "third"].map(|name| rig.claude.project().join(name));
    std::fs::create_dir(&old).unwrap();
    let id = rig.launch_with(json!({"query": "TEXT apricot jam", "working_dir": old}));
    rig.until_result(&id, "apricot jam");
    end(&rig, &id);
    let [record] = <[PathBuf; 1]>::try_from(records(&rig, &id)).unwrap();
    let before = std::fs::read(&record).unwrap();
    std::fs::rename(&old, &new).unwrap();

    // It is noticed and said, with where it may be, and a message waits.
    let noted = wait_until("it is noticed", || {
        let session = rig.daemon.session(&id);
        session["directory_problem"].is_string().then_some(session)
    });
    assert_eq!(noted["directory_candidate"], json!(new), "{noted}");
    rig.say(&id, "TEXT plum jam");
    let waits = rig.daemon.session(&id);
    assert!(
        waits["waiting_for"].to_string().contains("shop is missing"),
        "{waits}"
    );
    let params = json!({"session_id": id, "working_dir": new});
    let moved = rig.daemon.call("moveSession", params.clone());
    assert_eq!(moved["session"]["working_dir"], json!(new));
    let session = rig.until_result(&id, "plum jam");
    assert_eq!(session["directory_problem"], Value::Null, "{session}");
    assert_told_together(&rig, "plum jam", "apricot jam");
    assert_eq!(std::fs::read(&record).unwrap(), before);
    // While it has a process it stays.
    let refused = rig.daemon.connect().fail("moveSession", params);
    assert!(refused.to_string().contains("end it first"), "{refused}");

    // A fork elsewhere knows it all, too.
    std::fs::create_dir(&third).unwrap();
    let forked = rig.daemon.call(
        "continueSession",
        json!({"session_id": id, "query": "TEXT pear jam", "fork": true,
            "working_dir": third, "env": rig.environment()}),
    );
    let forked = forked["session_id"].as_str().unwrap();
    let session = rig.until_result(forked, "pear jam");
    assert_eq!(session["working_dir"], json!(third));
    assert_told_together(&rig, "pear jam", "plum jam");

    // And back again, with what came in between.
    end(&rig, &id);
    std::fs::create_dir(&old).unwrap();
    rig.daemon
        .call("moveSession", json!({"session_id": id, "working_dir": old}));
    rig.say(&id, "TEXT fig jam");
    rig.until_result(&id, "fig jam");
    assert_told_together(&rig, "fig jam", "plum jam");
    let kept = record.with_extension("jsonl.older-1");
    assert_eq!(std::fs::read(kept).unwrap(), before);
}
