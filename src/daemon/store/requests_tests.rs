//! Requests of programs, on a database of their own: pairing, idempotence, bounds, outbox, keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::claude::control;
use crate::domain::approval::{DecidedBy, ResponseOption};
use crate::domain::conversation::NewConversationEvent;
use crate::domain::session::Settings;
use crate::domain::{
    Decision, Effect, EventType, Kind, LaunchConfig, Outcome, RunId, Session, Source, Status,
};

/// Counts wake-ups of the outbox for the remote API.
#[derive(Clone, Default)]
struct Wakes(Arc<AtomicUsize>);

impl Publish for Wakes {
    fn publish(&self, _: Vec<Event>) {}
    fn wire_ids_changed(&self) {}
    fn outbox_ready(&self, _: i64) {}
    fn api_outbox_ready(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A store in a directory of its own.
pub struct Rig {
    pub store: Store,
    wakes: Wakes,
    pub dir: tempfile::TempDir,
}

pub fn rig() -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let wakes = Wakes::default();
    let store = Store::open(&dir.path().join("db"), wakes.clone(), control::answer).unwrap();
    Rig { store, wakes, dir }
}

impl Rig {
    pub async fn session(&self, id: &str, parent: Option<&Session>) -> Session {
        let new = NewSession {
            id: SessionId::from(id),
            run_id: RunId::from(format!("run-of-{id}")),
            fork: parent.map(|parent| Fork {
                source_key: parent.key,
                parent_id: parent.id.clone(),
            }),
            claude_session_id: None,
            query: "q".into(),
            title: String::new(),
            working_dir: "/".into(),
            config: LaunchConfig::default(),
            secrets: crate::daemon::secrets::LaunchSecrets::default(),
            settings: Settings {
                skip_permissions: true,
                ..Settings::default()
            },
            lines: vec![],
            message: crate::domain::OutgoingLine {
                frame_id: format!("user-of-{id}"),
                line: "{}".into(),
            },
            repository: None,
            question: None,
        };
        match self.store.create_session(new).await.unwrap() {
            Started::New(session) => session,
            Started::Existing(_) => panic!("made twice"),
        }
    }

    async fn say(&self, session: &Session, effects: Vec<Effect>, last: bool) {
        let at = self
            .store
            .session_by_key(session.key)
            .await
            .unwrap()
            .journal_offset;
        let ingest = Ingest {
            session_key: session.key,
            from: at,
            to: at + 1,
            lines: RawLines::default(),
            apply: Box::new(move |_, _| effects),
            end: last.then(|| End {
                reason: "it ended".to_owned(),
                deliberate: false,
                read: ReadMessages::Unknown,
                forgotten: 0,
            }),
            urgency: Urgency::Now,
        };
        self.store.ingest(ingest).await.unwrap();
    }

    async fn ask(&self, request: NewRequest) -> crate::domain::Approval {
        let found = vec![found(request)];
        let asked = self.store.ask_remote(found).await.unwrap();
        match asked.into_iter().next().unwrap() {
            Asked::New(approval) => *approval,
            other => panic!("{other:?}"),
        }
    }

    async fn approval(&self, id: &crate::domain::ApprovalId) -> crate::domain::Approval {
        self.store.approval(id.as_str()).await.unwrap()
    }
}

fn call(id: &str, input: &Value) -> Effect {
    Effect::Say(NewConversationEvent {
        tool_id: Some(id.into()),
        tool_name: Some("Bash".into()),
        tool_input: Some(input.to_string()),
        ..NewConversationEvent::words(EventType::ToolCall, "assistant", String::new())
    })
}

fn found(request: NewRequest) -> RemoteRequest {
    RemoteRequest {
        request,
        asked_at: None,
    }
}

fn function_call(call_id: &str, run_id: &str, input: Value) -> NewRequest {
    NewRequest {
        source: Source::RemoteApi,
        kind: Kind::Permission,
        run_id: run_id.into(),
        call_id: call_id.into(),
        tool_name: "Bash".into(),
        tool_input: input,
        channel: Some(json!({"slack": {"channel_or_user_id": "C1"}})),
        sdk_state: Some(json!({"step": 3})),
        options: vec![ResponseOption {
            name: "risky".into(),
            prompt_fill: Some("too risky".into()),
            ..ResponseOption::default()
        }],
        asker: Asker::default(),
        ends_with: None,
    }
}

fn person() -> DecidedBy {
    DecidedBy::Person {
        pid: 1,
        uid: 1,
        program: "test".into(),
        user: None,
        client: None,
    }
}

fn approve() -> Decision {
    Decision::approve()
}

#[tokio::test]
async fn a_request_finds_its_tool_call_in_either_order_and_in_the_family() {
    let rig = rig();
    let parent = rig.session("parent", None).await;
    let child = rig.session("child", Some(&parent)).await;
    let input = |n: i32| json!({"command": "ls", "n": n});
    // The call first; the input's fields in another order.
    rig.say(&child, vec![call("t1", &input(1))], false).await;
    let first = rig
        .ask(function_call(
            "c1",
            "run-of-child",
            json!({"n": 1.0, "command": "ls"}),
        ))
        .await;
    assert_eq!(first.tool_use_id.as_deref(), Some("t1"));
    assert_eq!(
        first.outcome,
        Outcome::Pending,
        "no standing rule speaks for it"
    );
    // The request first.
    let second = rig.ask(function_call("c2", "run-of-child", input(2))).await;
    assert_eq!(second.tool_use_id, None);
    rig.say(&child, vec![call("t2", &input(2))], false).await;
    let second = rig.approval(&second.id).await;
    assert_eq!(second.tool_use_id.as_deref(), Some("t2"));
    // Under the parent's run id, in both orders.
    rig.say(&child, vec![call("t3", &input(3))], false).await;
    let third = rig
        .ask(function_call("c3", "run-of-parent", input(3)))
        .await;
    assert_eq!(
        (third.session_key, third.tool_use_id.as_deref()),
        (child.key, Some("t3"))
    );
    let fourth = rig
        .ask(function_call("c4", "run-of-parent", input(4)))
        .await;
    assert_eq!(fourth.session_key, parent.key);
    rig.say(&child, vec![call("t4", &input(4))], false).await;
    let fourth = rig.approval(&fourth.id).await;
    assert_eq!(
        (fourth.session_key, fourth.tool_use_id.as_deref()),
        (child.key, Some("t4"))
    );
    let parent = rig.store.session_by_key(parent.key).await.unwrap();
    let child = rig.store.session_by_key(child.key).await.unwrap();
    assert_eq!((parent.pending_approvals, child.pending_approvals), (0, 4));
    assert_eq!(parent.status, Status::Starting);
    assert_eq!(child.status, Status::WaitingInput);
}

#[tokio::test]
async fn two_equal_calls_get_a_request_each() {
    let rig = rig();
    let session = rig.session("s", None).await;
    let input = json!({"command": "date"});
    rig.say(
        &session,
        vec![call("t1", &input), call("t2", &input)],
        false,
    )
    .await;
    let first = rig
        .ask(function_call("c1", "run-of-s", input.clone()))
        .await;
    let second = rig
        .ask(function_call("c2", "run-of-s", input.clone()))
        .await;
    let third = rig.ask(function_call("c3", "run-of-s", input)).await;
    let calls = [first, second, third].map(|approval| approval.tool_use_id);
    assert_eq!(calls, [Some("t1".to_owned()), Some("t2".to_owned()), None]);
}

#[tokio::test]
async fn what_is_polled_again_is_known_and_what_differs_is_told_apart() {
    let rig = rig();
    let first = rig.ask(function_call("c1", "a run", json!({"x": 1}))).await;
    let session = rig.store.session("a run").await.unwrap();
    assert_eq!(session.process, crate::domain::session::Process::External);
    assert_eq!(session.status, Status::WaitingInput);
    let again = rig
        .store
        .ask_remote(vec![
            found(function_call("c1", "a run", json!({"x": 1}))),
            found(function_call("c1", "a run", json!({"x": 2}))),
            RemoteRequest {
                request: function_call("c2", "a run", json!({"x": 2})),
                asked_at: Some("2026-01-02T03:04:05.000006Z".parse().unwrap()),
            },
        ])
        .await
        .unwrap();
    assert!(matches!(&again[0], Asked::Known(a) if a.id == first.id));
    assert!(matches!(&again[1], Asked::Taken(a) if a.id == first.id));
    assert!(matches!(&again[2], Asked::New(a) if a.session_id == first.session_id));
    let asked_at = again[2].approval().unwrap().created_at;
    assert_eq!(asked_at.to_string(), "2026-01-02T03:04:05.000006Z");
    let waiting = |kind| rig.store.remote_waiting(kind);
    assert_eq!(waiting(Kind::Permission).await.unwrap(), ["c1", "c2"]);
    assert_eq!(waiting(Kind::Contact).await.unwrap(), [""; 0]);
    let how = Elsewhere {
        place: "https://api".into(),
        outcome: Outcome::Denied,
        comment: Some("no".into()),
        option: Some("risky".into()),
    };
    let settled = rig.store.settle_elsewhere("c1".into(), how.clone()).await;
    let settled = settled.unwrap().unwrap();
    assert_eq!(settled.outcome, Outcome::Denied);
    assert_eq!(settled.chosen_option.as_deref(), Some("risky"));
    assert_eq!(
        rig.store
            .settle_elsewhere("none".into(), how)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        rig.wakes.0.load(Ordering::SeqCst),
        0,
        "it is known there already"
    );
    let now = rows::now();
    assert_eq!(rig.store.api_outbox_due(now).await.unwrap().due, vec![]);
}

#[tokio::test]
async fn an_answer_goes_through_the_outbox_once() {
    let rig = rig();
    let asked = rig.ask(function_call("c1", "a run", json!({}))).await;
    let deny = Decision::Deny {
        reason: String::new(),
        interrupt: false,
        option: Some("risky".into()),
    };
    let decided = rig
        .store
        .decide(asked.id.as_str(), deny, person())
        .await
        .unwrap();
    assert_eq!(decided.comment.as_deref(), Some("too risky"));
    assert_eq!(rig.wakes.0.load(Ordering::SeqCst), 1);
    assert!(
        rig.store
            .decide(asked.id.as_str(), approve(), person())
            .await
            .is_err()
    );
    let now = rows::now();
    let due = rig.store.api_outbox_due(now).await.unwrap().due;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].approval, decided);
    let later = now
        .checked_add(jiff::SignedDuration::from_secs(60))
        .unwrap();
    rig.store
        .api_outbox_retry(due[0].id, later, "cut".into())
        .await
        .unwrap();
    let outbox = rig.store.api_outbox_due(now).await.unwrap();
    assert_eq!((outbox.due.len(), outbox.next), (0, Some(later)));
    rig.store.api_outbox_hurry().await.unwrap();
    let due = rig.store.api_outbox_due(rows::now()).await.unwrap().due;
    assert_eq!(due[0].attempts, 1);
    rig.store.api_outbox_done(due[0].id).await.unwrap();
    assert!(rig.approval(&asked.id).await.delivered_at.is_some());
    assert_eq!(rig.store.api_outbox_due(later).await.unwrap().due, vec![]);
    // Another one that can never arrive.
    let asked = rig.ask(function_call("c2", "a run", json!({}))).await;
    rig.store
        .decide(asked.id.as_str(), approve(), person())
        .await
        .unwrap();
    let due = rig.store.api_outbox_due(rows::now()).await.unwrap().due;
    rig.store
        .api_outbox_failed(due[0].id, "gone".into())
        .await
        .unwrap();
    let failed = rig.approval(&asked.id).await;
    assert_eq!(failed.undelivered.as_deref(), Some("gone"));
    assert_eq!(failed.delivered_at, None);
}

#[tokio::test]
async fn a_remote_request_outlives_its_tool_call_but_not_its_session() {
    let rig = rig();
    let session = rig.session("s", None).await;
    rig.say(&session, vec![call("t1", &json!({}))], false).await;
    let asked = rig.ask(function_call("c1", "run-of-s", json!({}))).await;
    let finished = Effect::ToolFinished {
        tool_use_id: "t1".into(),
        succeeded: true,
    };
    rig.say(&session, vec![finished], false).await;
    assert_eq!(rig.approval(&asked.id).await.outcome, Outcome::Pending);
    rig.say(&session, vec![], true).await;
    assert_eq!(rig.approval(&asked.id).await.outcome, Outcome::Abandoned);
    assert_eq!(
        rig.store.api_outbox_due(rows::now()).await.unwrap().due,
        vec![]
    );
}

#[tokio::test]
async fn an_external_session_cannot_be_steered() {
    let rig = rig();
    let asker = Asker {
        name: Some("cron".into()),
        cwd: "/srv".into(),
        pid: Some(7),
    };
    let session = rig
        .store
        .external_session("r".into(), asker.clone())
        .await
        .unwrap();
    assert_eq!(
        (session.status, session.title.as_str()),
        (Status::Completed, "cron")
    );
    assert_eq!(session.asker_pid, Some(7));
    let same = rig.store.external_session("r".into(), asker).await.unwrap();
    assert_eq!(same.key, session.key);
    let line = control::request("interrupt");
    let refused = [
        rig.store
            .send_message(session.key, "x".into(), line.clone(), None)
            .await
            .err(),
        rig.store.interrupt("r", line).await.err(),
        rig.store
            .change_settings(
                "r",
                SettingsChange {
                    auto_accept_edits: Some(true),
                    ..SettingsChange::default()
                },
            )
            .await
            .err(),
    ];
    for error in refused {
        let error = error.unwrap();
        assert!(matches!(&error, StoreError::Conflict { .. }), "{error}");
        assert!(error.to_string().contains("another program"), "{error}");
    }
    let change = SettingsChange {
        title: Some("nightly".into()),
        ..SettingsChange::default()
    };
    rig.store.change_settings("r", change).await.unwrap();
    assert!(rig.store.archive("r", true, false).await.unwrap().archived);
    assert_eq!(rig.store.sessions_in_progress().await.unwrap(), vec![]);
    // Asking again brings it back.
    rig.ask(function_call("c1", "r", json!({}))).await;
    let session = rig.store.session("r").await.unwrap();
    assert_eq!(
        (session.archived, session.title.as_str()),
        (false, "nightly")
    );
}

#[tokio::test]
async fn pending_requests_are_bounded_and_paged() {
    let rig = rig();
    let bounds = PendingBounds {
        per_asker: 2,
        in_all: 3,
        bytes_per_asker: u64::MAX,
        bytes_in_all: u64::MAX,
    };
    let new = |call_id: &str, name: &str| NewRequest {
        source: Source::LocalApi,
        asker: Asker {
            name: Some(name.into()),
            ..Asker::default()
        },
        ..function_call(call_id, "a run", json!({}))
    };
    for (call_id, name, whose) in [
        ("c1", "a", None),
        ("c2", "a", None),
        ("c2", "a", None),
        ("c3", "a", Some("of this asker")),
        ("c3", "b", None),
        ("c4", "b", Some("of all askers")),
    ] {
        let asked = rig.store.ask_bounded(new(call_id, name), bounds).await;
        match (asked, whose) {
            (Ok(_), None) => {}
            (Err(StoreError::Full { whose, .. }), Some(expected)) => assert_eq!(whose, expected),
            other => panic!("{call_id}: {other:?}"),
        }
    }
    let page = |offset| {
        rig.store
            .pending_requests(Source::LocalApi, Kind::Permission, 2, offset)
    };
    let (first, total) = page(0).await.unwrap();
    let (second, _) = page(2).await.unwrap();
    let names: Vec<_> = first
        .iter()
        .chain(&second)
        .map(|a| a.call_id.clone().unwrap())
        .collect();
    assert_eq!(
        (names, total),
        (vec!["c1".into(), "c2".into(), "c3".into()], 3)
    );
    let contacts = rig
        .store
        .pending_requests(Source::LocalApi, Kind::Contact, 2, 0)
        .await;
    assert_eq!(contacts.unwrap(), (vec![], 0));
}

#[tokio::test]
async fn keys_are_unique_by_name_until_they_are_revoked() {
    let rig = rig();
    let key = rig
        .store
        .create_api_key("ci".into(), [1; 32], true)
        .await
        .unwrap();
    assert!(key.may_decide);
    let taken = rig.store.create_api_key("ci".into(), [2; 32], true).await;
    assert!(matches!(taken, Err(StoreError::Taken { .. })));
    rig.store.api_key_used(key.id).await.unwrap();
    rig.store.revoke_api_key("ci".into()).await.unwrap();
    assert!(rig.store.revoke_api_key("ci".into()).await.is_err());
    rig.store
        .create_api_key("ci".into(), [3; 32], false)
        .await
        .unwrap();
    let keys = rig.store.api_keys().await.unwrap();
    let seen: Vec<_> = keys
        .iter()
        .map(|key| {
            (
                key.hash[0],
                key.last_used_at.is_some(),
                key.revoked_at.is_some(),
            )
        })
        .collect();
    assert_eq!(seen, [(3, false, false), (1, true, true)]);
}
