//! The migration on a database that the release with schema version 3 made: a chain, forks, running
//! sessions, one of them archived, and two live processes of one conversation
//! (`tests/fixtures/database-v3`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::claude::control;
use crate::domain::Session;
use crate::domain::session::Process;

struct Nobody;

impl Publish for Nobody {
    fn publish(&self, _: Vec<Event>) {}
    fn wire_ids_changed(&self) {}
    fn outbox_ready(&self, _: i64) {}
    fn api_outbox_ready(&self) {}
}

struct Migrated {
    store: Store,
    ids: BTreeMap<String, String>,
    run_ids: BTreeMap<String, String>,
    dir: tempfile::TempDir,
}

impl Migrated {
    fn new() -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/database-v3");
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(fixture.join("daemon.db"), dir.path().join("daemon.db")).unwrap();
        let names = std::fs::read(fixture.join("ids.json")).unwrap();
        let names: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_slice(&names).unwrap();
        let database = dir.path().join("daemon.db");
        Self {
            store: Store::open(&database, Nobody, control::answer).unwrap(),
            ids: names["ids"].clone(),
            run_ids: names["run_ids"].clone(),
            dir,
        }
    }

    async fn session(&self, name: &str) -> Session {
        self.store.session(&self.ids[name]).await.unwrap()
    }

    /// What was said, by whom the session's id is carried, and where.
    async fn conversation(&self, name: &str, names: Names) -> Vec<(String, i64, String)> {
        let page = Page::After(0, u32::MAX);
        let found = self.store.conversation(&self.ids[name], page, names);
        let name_of = |id: &str| {
            let found = self.ids.iter().find(|(_, other)| *other == id);
            found.map_or_else(|| id.to_owned(), |(name, _)| name.clone())
        };
        found
            .await
            .unwrap()
            .into_iter()
            .filter(|event| event.body.role == Some("user") && event.body.content.is_some())
            .map(|event| {
                let text = event.body.content.unwrap_or_default();
                let first = text.lines().next().unwrap_or_default().to_owned();
                (name_of(event.session_id.as_str()), event.sequence, first)
            })
            .collect()
    }
}

#[tokio::test]
async fn a_chain_becomes_one_session_and_all_its_ids_name_it() {
    let old = Migrated::new();
    let chain = old.session("A").await;
    for name in ["A", "B", "C"] {
        assert_eq!(old.session(name).await.key, chain.key);
        let by_run = old.store.session(&old.run_ids[name]).await.unwrap();
        assert_eq!(by_run.key, chain.key);
        let prefix = old.store.session(&old.ids[name][..13]).await.unwrap();
        assert_eq!(prefix.key, chain.key);
    }
    assert_eq!(chain.id.as_str(), old.ids["A"]);
    assert_eq!((chain.process, chain.generation), (Process::Live, 3));
    assert_eq!(chain.directory, old.ids["C"]);
    assert_eq!(chain.pending_approvals, 1);
    assert!(chain.journal_base > 0 && chain.journal_base < chain.journal_offset);
    let said: Vec<(String, i64)> = old
        .conversation("C", Names::Session)
        .await
        .into_iter()
        .map(|(by, _, text)| (by, text.len() as i64))
        .collect();
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|(by, _)| by == "A"), "{said:?}");
    let as_before = old.conversation("C", Names::Wire).await;
    let names: Vec<&str> = as_before.iter().map(|(by, ..)| by.as_str()).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(old.conversation("B", Names::Wire).await.len(), 2);
    let lines = old
        .store
        .raw_lines(&old.ids["B"], None, 1000)
        .await
        .unwrap();
    assert!(lines.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(
        lines.last().unwrap().0,
        lines.iter().map(|(at, _)| *at).max().unwrap()
    );
    let (lineage, position) = old.store.lineage(&old.ids["B"]).await.unwrap();
    assert_eq!((lineage.len(), position), (3, 1));
    let segment = lineage.segment(1);
    assert_eq!(segment.query, "TEXT two");
    assert_eq!(segment.result_content.as_deref(), Some("two"));
    assert_eq!(segment.forked_from.unwrap().as_str(), old.ids["A"]);
}

#[tokio::test]
async fn another_child_becomes_a_fork_that_shows_what_it_shared() {
    let old = Migrated::new();
    let (root, fork) = (old.session("D").await, old.session("E").await);
    assert_eq!(old.session("F").await.key, root.key);
    assert_eq!(old.session("G").await.key, fork.key);
    assert_ne!(root.key, fork.key);
    assert_eq!(fork.forked_from.as_ref(), Some(&root.id));
    let texts = |said: Vec<(String, i64, String)>| -> Vec<(i64, String)> {
        said.into_iter().map(|(_, at, text)| (at, text)).collect()
    };
    let shown = texts(old.conversation("G", Names::Session).await);
    let words: Vec<&str> = shown.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(words, ["TEXT root", "TEXT aside", "TEXT further aside"]);
    assert!(shown.is_sorted_by(|a, b| a.0 < b.0), "{shown:?}");
    let words: Vec<String> = old
        .conversation("D", Names::Session)
        .await
        .into_iter()
        .map(|(_, _, text)| text)
        .collect();
    assert_eq!(words, ["TEXT root", "TEXT onward"]);
    // A page from either end goes over the place where it was forked off.
    let pages = [
        Page::Before(None, 3),
        Page::Before(Some(fork.fork_sequence + 2), 3),
        Page::After(fork.fork_sequence - 1, 3),
    ];
    for page in pages {
        let events = old
            .store
            .conversation(fork.id.as_str(), page, Names::Session);
        assert_eq!(events.await.unwrap().len(), 3);
    }
    // Its approved call is shown as approved.
    let all = old
        .store
        .conversation(fork.id.as_str(), Page::After(0, 100), Names::Session);
    assert!(
        all.await
            .unwrap()
            .iter()
            .any(|event| event.approval.is_some())
    );
}

#[tokio::test]
async fn of_two_live_processes_the_later_is_marked_and_both_keep_what_they_ask() {
    let old = Migrated::new();
    let (first, later) = (old.session("Q").await, old.session("R").await);
    assert_eq!(old.session("P").await.key, first.key);
    assert_ne!(first.key, later.key);
    assert!(later.is_duplicate && !first.is_duplicate);
    assert_eq!((first.pending_approvals, later.pending_approvals), (1, 1));
    assert_eq!(first.process, Process::Live);
    assert_eq!(later.process, Process::Live);
}

#[tokio::test]
async fn what_works_is_in_sight_and_nothing_is_left_behind() {
    let old = Migrated::new();
    assert!(!old.session("I").await.archived);
    old.store.close().await;
    let now = rusqlite::Connection::open(old.dir.path().join("daemon.db")).unwrap();
    let then = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/database-v3/daemon.db");
    now.execute("ATTACH ? AS old", [then.to_str().unwrap()])
        .unwrap();
    for (table, columns) in [
        (
            "conversation",
            "seq, event_type, role, content, tool_id, created_at",
        ),
        (
            "approvals",
            "key, id, run_id, request_id, outcome, tool_input",
        ),
        ("raw_lines", "line"),
        ("events", "seq, type, approval_key, data"),
        ("outbox", "id, frame_id, line"),
    ] {
        let lost: i64 = now
            .query_row(
                &format!(
                    "SELECT count(*) FROM (SELECT {columns} FROM old.{table} EXCEPT SELECT {columns} FROM main.{table})"
                ),
                [],
                |row| row.get(0),
            )
            .unwrap();
        let (rows, before): (i64, i64) = now
            .query_row(
                &format!(
                    "SELECT (SELECT count(*) FROM main.{table}), (SELECT count(*) FROM old.{table})"
                ),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!((lost, rows), (0, before), "{table}");
    }
    let problems: i64 = now
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(problems, 0);
}
