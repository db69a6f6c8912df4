//! Looking for words in all conversations.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;

/// Where the words are: session, piece and kind of piece.
fn search(daemon: &Daemon, params: &Value) -> (Vec<(String, i64, String)>, bool) {
    let found = daemon.call("searchConversations", params.clone());
    let text = |hit: &Value, key: &str| hit[key].as_str().unwrap().to_owned();
    let hits = found["hits"].as_array().unwrap().iter().map(|hit| {
        let sequence = hit["sequence"].as_i64().unwrap();
        (text(hit, "session_id"), sequence, text(hit, "event_type"))
    });
    (hits.collect(), found["complete"].as_bool().unwrap())
}

#[test]
fn words_are_found_in_what_was_said_run_and_printed_the_newest_first() {
    let daemon = Daemon::start();
    let first = daemon.launch_session("TEXT the Älteste needle of all");
    daemon.until_status(&first, "completed");
    let second = daemon.launch_session("FREE Bash {\"command\": \"echo ha''ystack\"}\nTEXT done");
    daemon.until_status(&second, "completed");

    let (hits, complete) = search(&daemon, &json!({"query": " NEEDLE "}));
    let said = |sequence| (first.clone(), sequence, "message".to_owned());
    assert_eq!(
        hits,
        [said(2), said(1)],
        "what was said, and what asked for it"
    );
    assert!(complete);
    assert_eq!(search(&daemon, &json!({"query": "äLTESTE"})).0.len(), 2);

    let (hits, _) = search(&daemon, &json!({"query": "haystack"}));
    let kinds: Vec<&str> = hits.iter().map(|(_, _, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["tool_result"], "what the command printed");
    let (hits, _) = search(&daemon, &json!({"query": "echo ha''y"}));
    assert_eq!(hits[0].2, "tool_call", "what was run");

    assert_eq!(
        search(&daemon, &json!({"query": "no such words"})),
        (vec![], true)
    );
    // What means something elsewhere means itself here.
    assert_eq!(search(&daemon, &json!({"query": "100%_"})), (vec![], true));
}

#[test]
fn one_session_does_not_hide_the_others_and_limits_are_told() {
    let daemon = Daemon::start();
    let quiet = daemon.launch_session("TEXT a needle");
    daemon.until_status(&quiet, "completed");
    let loud = daemon.launch_session("LOOP 20\nTEXT needle needle\nEND");
    daemon.until_status(&loud, "completed");
    let (hits, complete) = search(&daemon, &json!({"query": "needle"}));
    let of = |id: &str| hits.iter().filter(|(session, _, _)| session == id).count();
    assert_eq!((of(&loud), of(&quiet)), (3, 2), "{hits:?}");
    assert!(complete);
    // What is left out is counted, and had by asking for more.
    let found = daemon.call("searchConversations", json!({"query": "needle"}));
    assert_eq!(
        found["left_out"],
        json!([{"session_id": loud, "places": 18}])
    );
    let (hits, _) = search(
        &daemon,
        &json!({"query": "needle", "session_id": loud[..8]}),
    );
    assert_eq!(hits.len(), 21, "{hits:?}");
    assert!(hits.iter().all(|(session, _, _)| *session == loud));
    let all = search(&daemon, &json!({"query": "needle", "per_session": 100}));
    assert_eq!(all.0.len(), 23, "{all:?}");
    let (hits, complete) = search(&daemon, &json!({"query": "needle", "limit": 4}));
    assert_eq!((hits.len(), complete), (4, false));
}

#[test]
fn what_cannot_be_looked_for_is_refused() {
    let daemon = Daemon::start();
    for params in [
        json!({}),
        json!({"query": "  "}),
        json!({"query": "x".repeat(1_001)}),
    ] {
        let error = daemon.connect().fail("searchConversations", params);
        assert_eq!(error["data"]["kind"], "invalid_params", "{error}");
    }
}
