//! Titles, archives, recent directories: keeping order among sessions.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;

fn ids(answer: &Value) -> Vec<String> {
    let sessions = answer["sessions"].as_array().unwrap().iter();
    sessions
        .map(|session| session["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Finished sessions, the last active first.
fn finished(daemon: &Daemon, count: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..count)
        .map(|number| {
            let id = daemon.launch_session(&format!("TEXT number {number}"));
            daemon.until_status(&id, "completed");
            id
        })
        .collect();
    all.reverse();
    all
}

#[test]
fn what_is_archived_is_out_of_sight_and_comes_back() {
    let daemon = Daemon::start();
    let all = finished(&daemon, 4);
    daemon.call(
        "archiveSession",
        json!({"session_id": all[0], "archived": true}),
    );
    let answer = daemon.call(
        "bulkArchiveSessions",
        json!({"session_ids": [all[1], all[2]], "archived": true}),
    );
    assert_eq!(answer, json!({"success": true}));
    let overview = daemon.call("getOverview", json!({}));
    assert_eq!(ids(&overview), [all[3].clone()]);
    assert_eq!(overview["archived"], 3);
    assert_eq!(overview["counts"]["completed"], 1);
    let with = daemon.call("getOverview", json!({"include_archived": true}));
    assert_eq!(ids(&with).len(), 4);
    let leaves = |filter: &str| ids(&daemon.call("getSessionLeaves", json!({"filter": filter})));
    assert_eq!(leaves("normal"), [all[3].clone()]);
    let mut archived = leaves("archived");
    archived.sort();
    let mut expected = all[..3].to_vec();
    expected.sort();
    assert_eq!(archived, expected);
    assert_eq!(leaves("").len(), 4);
    assert_eq!(leaves("draft"), Vec::<String>::new());
    let listed = daemon.call("listSessions", json!({"archived": true}));
    assert_eq!(ids(&listed).len(), 3);
    daemon.call(
        "archiveSession",
        json!({"session_id": all[0], "archived": false}),
    );
    assert_eq!(daemon.call("getOverview", json!({}))["archived"], 2);
}

#[test]
fn sessions_come_in_pages() {
    let daemon = Daemon::start();
    let all = finished(&daemon, 5);
    let mut paged: Vec<String> = Vec::new();
    loop {
        let page = daemon.call("listSessions", json!({"limit": 2, "after": paged.last()}));
        let page = ids(&page);
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

#[test]
fn a_title_is_kept_told_and_bounded() {
    let mut daemon = Daemon::start();
    let id = daemon.launch_session_with(json!({"query": "TEXT hi\nTEXT more", "title": "first"}));
    let session = daemon.until_status(&id, "completed");
    assert_eq!(session["title"], "first");
    let summary = session["summary"].as_str().unwrap();
    assert!(
        !summary.contains('\n') && summary.starts_with("TEXT hi"),
        "{summary}"
    );
    daemon.call(
        "updateSessionTitle",
        json!({"session_id": id, "title": "second"}),
    );
    daemon.kill_and_restart();
    assert_eq!(daemon.session(&id)["title"], "second");
    daemon.call("updateSessionTitle", json!({"session_id": id, "title": ""}));
    assert_eq!(daemon.session(&id)["title"], "");
    let long = "x".repeat(1001);
    let error = daemon.connect().fail(
        "updateSessionTitle",
        json!({"session_id": id, "title": long}),
    );
    assert_eq!(error["data"]["field"], "title");
}

#[test]
fn directories_come_with_their_use_the_last_used_first() {
    let daemon = Daemon::start();
    let dirs: Vec<_> = ["a", "b"].map(|name| daemon.work().join(name)).into();
    for dir in &dirs {
        std::fs::create_dir(dir).unwrap();
    }
    for at in [0, 1, 0] {
        let id = daemon.launch_session_with(json!({"query": "TEXT hi", "working_dir": dirs[at]}));
        daemon.until_status(&id, "completed");
    }
    let paths = daemon.call("getRecentPaths", json!({}))["paths"].clone();
    let paths: Vec<_> = paths
        .as_array()
        .unwrap()
        .iter()
        .map(|path| (path["path"].clone(), path["usage_count"].clone()))
        .collect();
    assert_eq!(
        paths,
        [(json!(dirs[0]), json!(2)), (json!(dirs[1]), json!(1))]
    );
    let one = daemon.call("getRecentPaths", json!({"limit": 1}))["paths"].clone();
    assert_eq!(one.as_array().unwrap().len(), 1);
}
