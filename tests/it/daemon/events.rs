//! Events: nothing missed, nothing twice, and a word when that cannot be kept.

use serde_json::{Value, json};

use crate::support::daemon::{Client, Daemon};

/// A connection with a running subscription.
struct Events {
    client: Client,
    subscription: Value,
}

impl Events {
    fn begin(daemon: &Daemon, params: &Value) -> Self {
        let mut client = daemon.connect();
        let subscription = client.call("subscribeEvents", params.clone());
        Self {
            client,
            subscription,
        }
    }

    fn next(&mut self) -> Value {
        loop {
            let line = self.client.receive();
            if line["method"] == "event" {
                assert_eq!(line["params"]["subscription"], self.subscription);
                return line["params"]["result"].clone();
            }
        }
    }

    /// Reads up to and including the event that fits.
    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut read = Vec::new();
        loop {
            let event = self.next();
            let found = fits(&event);
            read.push(event);
            if found {
                return read;
            }
        }
    }
}

fn seqs(events: &[Value]) -> Vec<i64> {
    events
        .iter()
        .map(|event| event["seq"].as_i64().unwrap())
        .collect()
}

/// What stays the same of an event. The approval or tool call that it is about is told as it is
/// now, so a later reader learns how it ended.
fn essence(events: &[Value]) -> Vec<Value> {
    let fields = ["session_id", "run_id", "sequence", "content", "new_status"];
    let essence = |event: &Value| {
        let data: Vec<&Value> = fields.iter().map(|field| &event["data"][field]).collect();
        json!([event["seq"], event["type"], event["timestamp"], data])
    };
    events.iter().map(essence).collect()
}

fn is_completed(event: &Value) -> bool {
    event["type"] == "session_status_changed" && event["data"]["new_status"] == "completed"
}

#[test]
fn an_overview_and_the_events_since_miss_nothing_and_repeat_nothing() {
    let daemon = Daemon::start();
    let mut all = Events::begin(&daemon, &json!({"since": 0}));
    let id = daemon.launch_session(
        "TEXT first\nWAITFILE go\nFLOOD 300\nTOOL Bash {\"command\": \"true\"}\nTEXT last",
    );
    // Overviews while the session is writing.
    let mut looks = Vec::new();
    let mut go = Some(daemon.work().join("go"));
    while daemon.pending(&id).is_empty() {
        let overview = daemon.call("getOverview", json!({}));
        let seq = overview["seq"].as_i64().unwrap();
        let said = daemon.conversation(&id).len();
        looks.push((seq, said, Events::begin(&daemon, &json!({"since": seq}))));
        if let Some(go) = go.take() {
            std::fs::write(go, "").unwrap();
        }
        if looks.len() > 40 {
            daemon.until_pending(&id);
        }
    }
    let overview = daemon.call("getOverview", json!({}));
    assert_eq!(overview["pending_total"], 1);
    assert_eq!(overview["counts"]["waiting_input"], 1);
    assert_eq!(overview["sessions"][0]["id"], id.as_str());
    assert_eq!(overview["pending_approvals"][0], daemon.pending(&id)[0]);
    daemon.approve(&daemon.until_pending(&id));
    let everything = all.until(is_completed);
    let every_seq = seqs(&everything);
    assert!(every_seq.is_sorted_by(|a, b| a < b), "{every_seq:?}");
    for (since, _, mut events) in looks {
        let heard = seqs(&events.until(is_completed));
        let expected: Vec<i64> = every_seq
            .iter()
            .copied()
            .filter(|seq| *seq > since)
            .collect();
        assert_eq!(heard, expected, "since {since}");
    }
    // Later, all of it comes from the store alone.
    let mut replay = Events::begin(&daemon, &json!({"since": 0}));
    let replayed = essence(&replay.until(is_completed));
    for (now, then) in replayed.iter().zip(&essence(&everything)) {
        assert_eq!(now, then);
    }
    assert_eq!(replayed.len(), everything.len());
}

#[test]
fn an_overview_is_of_the_moment_that_its_number_names() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("WAITFILE go\nTOOL Bash {\"command\": \"true\"}\nTEXT done");
    daemon.until_status(&id, "running");
    std::fs::write(daemon.work().join("go"), "").unwrap();
    let mut overviews = Vec::new();
    loop {
        let overview = daemon.call("getOverview", json!({}));
        let waits = overview["pending_total"] == 1;
        overviews.push(overview);
        if waits {
            break;
        }
    }
    let mut events = Events::begin(&daemon, &json!({"since": 0}));
    let asked = events.until(|event| event["type"] == "new_approval");
    let asked = asked.last().unwrap()["seq"].as_i64().unwrap();
    for overview in overviews {
        let seen = overview["seq"].as_i64().unwrap() >= asked;
        assert_eq!(overview["pending_total"], i64::from(seen), "{overview}");
    }
}

#[test]
fn a_subscriber_that_does_not_read_is_caught_up_from_the_store() {
    let daemon = Daemon::start();
    let mut slow = Events::begin(&daemon, &json!({"event_types": ["conversation_updated"]}));
    // More than the ring holds and the socket takes.
    let id = daemon.launch_session("FLOOD 9000 100\nTEXT last words");
    daemon.until_status(&id, "completed");
    let heard = slow.until(|event| event["data"]["content"] == "last words");
    assert!(
        heard
            .iter()
            .all(|event| event["type"] == "conversation_updated")
    );
    let places: Vec<i64> = heard
        .iter()
        .map(|event| event["data"]["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(places, (1..=9002).collect::<Vec<i64>>());
}

#[test]
fn a_client_that_is_too_far_behind_is_told_to_start_over() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("FLOOD 51000 1\nTEXT last words");
    daemon.until_status(&id, "completed");
    let last = daemon.call("getOverview", json!({}))["seq"]
        .as_i64()
        .unwrap();
    assert!(last > 51_000);
    let mut events = Events::begin(&daemon, &json!({"since": 0}));
    let first = events.next();
    assert_eq!(first["type"], "resync");
    assert_eq!(first["seq"], last);
    assert_eq!(first["data"]["missed_after"], 0);
    // And then goes on as any other.
    daemon.call(
        "updateSessionTitle",
        json!({"session_id": id, "title": "new"}),
    );
    let next = events.next();
    assert!(next["seq"].as_i64().unwrap() > last, "{next}");
}

#[test]
fn a_number_from_another_database_is_answered_with_a_resync() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("TEXT hi");
    daemon.until_status(&id, "completed");
    let last = daemon.call("getOverview", json!({}))["seq"].clone();
    let mut events = Events::begin(&daemon, &json!({"since": 1_000_000}));
    let first = events.next();
    assert_eq!((&first["type"], &first["seq"]), (&json!("resync"), &last));
}

#[test]
fn live_events_come_only_to_who_wants_them() {
    let daemon = Daemon::start();
    let mut live = Events::begin(&daemon, &json!({"live": true}));
    let mut stored = Events::begin(&daemon, &json!({}));
    daemon.launch_session("TEXT several words to say\nTEXT done");
    let live = live.until(is_completed);
    let stored = stored.until(is_completed);
    let is_live = |event: &Value| {
        matches!(
            event["type"].as_str(),
            Some("message_delta" | "session_updated")
        )
    };
    assert!(live.iter().any(|event| event["type"] == "message_delta"));
    assert!(!stored.iter().any(is_live));
    let kept: Vec<Value> = live.into_iter().filter(|event| !is_live(event)).collect();
    assert_eq!(kept, stored);
}

#[test]
fn events_go_on_where_they_were_after_a_crash() {
    let mut daemon = Daemon::start();
    let id = daemon.launch_session("TEXT before\nWAITFILE go\nTEXT after");
    let mut events = Events::begin(&daemon, &json!({"since": 0}));
    let before = events.until(|event| event["data"]["content"] == "before");
    let since = seqs(&before).pop().unwrap();
    daemon.kill_and_restart();
    let mut events = Events::begin(&daemon, &json!({"since": since}));
    std::fs::write(daemon.work().join("go"), "").unwrap();
    let after = events.until(is_completed);
    daemon.until_status(&id, "completed");
    let mut whole = Events::begin(&daemon, &json!({"since": 0}));
    let whole = whole.until(is_completed);
    assert_eq!(essence(&[before, after].concat()), essence(&whole));
}
