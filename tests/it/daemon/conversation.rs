//! Conversations, whole and in pages.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;

fn page(daemon: &Daemon, params: &Value) -> Vec<i64> {
    let events = daemon.call("getConversation", params.clone())["events"].clone();
    let sequence = |event: &Value| event["sequence"].as_i64().unwrap();
    events.as_array().unwrap().iter().map(sequence).collect()
}

#[test]
fn pages_from_both_ends_make_up_the_whole() {
    let daemon = Daemon::start();
    let id = daemon.launch_session("FLOOD 24\nTEXT end");
    daemon.until_status(&id, "completed");
    let whole = page(&daemon, &json!({"session_id": id}));
    assert_eq!(whole, (1..=26).collect::<Vec<i64>>());

    let mut backwards = page(&daemon, &json!({"session_id": id, "limit": 10}));
    assert_eq!(backwards, (17..=26).collect::<Vec<i64>>());
    loop {
        let before = backwards[0];
        let params = json!({"session_id": id, "limit": 10, "before": before});
        let earlier = page(&daemon, &params);
        if earlier.is_empty() {
            break;
        }
        backwards.splice(0..0, earlier);
    }
    assert_eq!(backwards, whole);

    let mut forwards = Vec::new();
    loop {
        let after = forwards.last().copied().unwrap_or(0);
        let params = json!({"session_id": id, "limit": 10, "after": after});
        let later = page(&daemon, &params);
        if later.is_empty() {
            break;
        }
        assert!(later.len() <= 10);
        forwards.extend(later);
    }
    assert_eq!(forwards, whole);

    let both = json!({"session_id": id, "limit": 1, "before": 3, "after": 1});
    let error = daemon.connect().fail("getConversation", both);
    assert_eq!(error["data"]["kind"], "invalid_params");
}

#[test]
fn a_continued_conversation_has_the_earlier_one_first() {
    let daemon = Daemon::start();
    let first = daemon.launch_session("TEXT one");
    daemon.until_status(&first, "completed");
    let go_on = |parent: &str, text: &str| {
        let params = json!({"session_id": parent, "query": format!("TEXT {text}")});
        let answer = daemon.call("continueSession", params);
        let id = answer["session_id"].as_str().unwrap().to_owned();
        daemon.until_status(&id, "completed");
        id
    };
    let second = go_on(&first, "two");
    let third = go_on(&second, "three");
    let said: Vec<Value> = daemon
        .conversation(&third)
        .iter()
        .filter(|event| event["role"] == "assistant")
        .map(|event| event["content"].clone())
        .collect();
    assert_eq!(said, ["one", "two", "three"]);
    // It is one conversation, of which an earlier id shows the earlier part.
    let places = |id: &str| page(&daemon, &json!({"session_id": id, "limit": 10}));
    assert_eq!(places(&third), [1, 2, 3, 4, 5, 6]);
    assert_eq!(places(&second), [1, 2, 3, 4]);
}

#[test]
fn lines_that_nobody_understands_are_kept_as_they_were() {
    let daemon = Daemon::start();
    let id = daemon.launch_session(
        "UNKNOWN {\"type\":\"from_the_future\",\"x\":[1,2]}\nMALFORMED {oops\nTEXT done",
    );
    daemon.until_status(&id, "completed");
    let lines = daemon.raw_lines(&id);
    assert!(
        lines
            .iter()
            .any(|(_, line)| line.contains("from_the_future"))
    );
    assert!(lines.iter().any(|(_, line)| line == "{oops"));
    assert!(lines.is_sorted_by(|a, b| a.0 < b.0));
}
