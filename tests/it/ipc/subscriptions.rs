//! Subscriptions beside calls, and between connections.

use serde_json::json;

use super::{Running, request};

#[tokio::test]
async fn the_answer_comes_before_the_first_notification_and_before_the_next_answer() {
    let server = Running::start();
    let mut client = server.raw().await;
    let lines = request(1, "ticks_subscribe", json!([]))
        + "\n"
        + &request(2, "echo", json!(["next"]))
        + "\n";
    client.send(&lines).await;
    let first = client.next().await.unwrap();
    assert_eq!(first["id"], 1);
    let mut ticks = Vec::new();
    let mut answered = false;
    while ticks.len() < 3 || !answered {
        let line = client.next().await.unwrap();
        if line["id"] == 2 {
            answered = true;
        } else {
            assert_eq!(line["params"]["subscription"], first["result"]);
            ticks.push(line["params"]["result"].clone());
        }
    }
    assert_eq!(ticks, [0, 1, 2]);
}

#[tokio::test]
async fn notifications_come_while_a_call_is_running() {
    let server = Running::start();
    let mut client = server.raw().await;
    let lines =
        request(1, "ticks_subscribe", json!([])) + "\n" + &request(2, "hold", json!([])) + "\n";
    client.send(&lines).await;
    server.held().await;
    for _ in 0..4 {
        assert_ne!(client.next().await.unwrap()["id"], 2);
    }
    server.release();
    assert_eq!(client.next().await.unwrap()["id"], 2);
}

#[tokio::test]
async fn one_connection_cannot_cancel_anothers_subscription() {
    let server = Running::start();
    let mut owner = server.raw().await;
    let mut other = server.raw().await;
    let id = owner.call("ticks_subscribe", json!([])).await["result"].clone();
    for _ in 0..3 {
        owner.next().await.unwrap();
    }
    assert_eq!(
        other.call("ticks_unsubscribe", json!([id])).await["result"],
        false
    );
    assert_eq!(
        owner.call("ticks_unsubscribe", json!([id])).await["result"],
        true
    );
}
