//! Requests, batches, and everything that is neither.

use std::sync::atomic::Ordering;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{Raw, Running, assert_error, request};

#[tokio::test]
async fn pipelined_requests_are_run_and_answered_in_their_order() {
    let server = Running::start();
    let mut client = server.raw().await;
    let lines = [
        request(1, "hold", json!(["first"])),
        request(2, "count", json!([])),
        request(3, "echo", json!(["third"])),
    ];
    client.send(&(lines.join("\n") + "\n")).await;
    server.held().await;
    assert_eq!(
        server.world.counted.load(Ordering::SeqCst),
        0,
        "the second ran before the first ended"
    );
    server.release();
    for (id, result) in [(1, json!(["first"])), (2, json!(0)), (3, json!(["third"]))] {
        let answer = client.next().await.unwrap();
        assert_eq!(
            answer,
            json!({ "jsonrpc": "2.0", "id": id, "result": result })
        );
    }
}

#[rstest]
#[case::not_json("{oops", -32700, "parse_error", json!(null))]
#[case::number("17", -32600, "invalid_request", json!(null))]
#[case::no_version(r#"{"id":4,"method":"echo"}"#, -32600, "invalid_request", json!(4))]
#[case::wrong_method(r#"{"jsonrpc":"2.0","id":4,"method":{}}"#, -32600, "invalid_request", json!(4))]
#[case::wrong_params(r#"{"jsonrpc":"2.0","id":4,"method":"echo","params":3}"#, -32600, "invalid_request", json!(4))]
#[case::unknown(r#"{"jsonrpc":"2.0","id":"x","method":"nope"}"#, -32601, "method_not_found", json!("x"))]
#[case::empty_batch("[]", -32600, "invalid_request", json!(null))]
#[case::broken_batch("[1,", -32700, "parse_error", json!(null))]
#[tokio::test]
async fn what_cannot_be_run_is_answered_and_the_connection_goes_on(
    #[case] line: &str,
    #[case] code: i64,
    #[case] kind: &str,
    #[case] id: Value,
) {
    let server = Running::start();
    let mut client = server.raw().await;
    let answer = client.ask(line).await;
    assert_error(&answer, code, kind);
    assert_eq!(answer["id"], id);
    client.assert_alive().await;
}

#[tokio::test]
async fn an_unknown_method_is_named() {
    let server = Running::start();
    let answer = server.raw().await.call("nope", json!({})).await;
    assert_eq!(answer["error"]["message"], "Method not found: nope");
}

#[tokio::test]
async fn nesting_beyond_every_parser_costs_its_caller_an_answer_and_nobody_anything() {
    let server = Running::start();
    let mut client = server.raw().await;
    for depth in [200, 100_000] {
        let nested = "[".repeat(depth) + &"]".repeat(depth);
        let batch = client.ask(&nested).await;
        assert_error(&batch[0], -32600, "invalid_request");
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":{nested}}}"#);
        assert_eq!(client.ask(&line).await["id"], 1);
    }
    client.assert_alive().await;
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_a_parse_error() {
    let server = Running::start();
    let mut client = server.raw().await;
    client
        .to
        .write_all(b"{\"jsonrpc\":\"\xff\"}\n")
        .await
        .unwrap();
    assert_error(&client.next().await.unwrap(), -32700, "parse_error");
    client.assert_alive().await;
}

#[tokio::test]
async fn params_may_be_absent_or_null_and_blank_lines_mean_nothing() {
    let server = Running::start();
    let mut client = server.raw().await;
    client.send("\n  \r\n").await;
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"method":"count"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"count","params":null}"#,
    ] {
        assert!(client.ask(line).await["result"].is_u64());
    }
}

#[tokio::test]
async fn a_notification_is_run_and_not_answered() {
    let server = Running::start();
    let mut client = server.raw().await;
    client
        .send("{\"jsonrpc\":\"2.0\",\"method\":\"count\"}\n")
        .await;
    client
        .send("{\"jsonrpc\":\"2.0\",\"method\":\"nope\"}\n")
        .await;
    client
        .send("{\"jsonrpc\":\"2.0\",\"method\":\"panic\"}\n")
        .await;
    assert_eq!(client.call("count", json!([])).await["result"], 1);
}

#[tokio::test]
async fn a_batch_is_answered_in_order_without_its_notifications() {
    let server = Running::start();
    let mut client = server.raw().await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "count" },
        { "jsonrpc": "2.0", "method": "count" },
        7,
        { "jsonrpc": "2.0", "id": 2, "method": "panic" },
        { "jsonrpc": "2.0", "id": 3, "method": "ticks_subscribe" },
        { "jsonrpc": "2.0", "id": 4, "method": "count" },
    ]);
    let answers = client.ask(&batch.to_string()).await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert_eq!(answers[0]["result"], 0);
    assert_error(&answers[1], -32600, "invalid_request");
    assert_error(&answers[2], -32603, "internal");
    assert_error(&answers[3], -32600, "invalid_request");
    assert_eq!(
        answers[4],
        json!({ "jsonrpc": "2.0", "id": 4, "result": 2 })
    );

    client
        .send("[{\"jsonrpc\":\"2.0\",\"method\":\"count\"}]\n")
        .await;
    assert_eq!(
        client.call("count", json!([])).await["result"],
        4,
        "a batch of notifications has no answer"
    );
}

#[rstest]
#[case("panic")]
#[case("panic_async")]
#[case("panic_blocking")]
#[case("panic_subscribe")]
#[tokio::test]
async fn a_method_that_panics_costs_its_caller_an_error_and_nothing_else(#[case] method: &str) {
    let server = Running::start();
    let mut client = server.raw().await;
    let answer = client.ask(&request(9, method, json!([]))).await;
    assert_error(&answer, -32603, "internal");
    assert_eq!(answer["id"], 9);
    client.assert_alive().await;
    server.raw().await.assert_alive().await;
}

#[tokio::test]
async fn methods_are_told_who_calls() {
    let server = Running::start();
    let answer = server.raw().await.call("who", json!([])).await;
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(
        answer["result"],
        json!({ "pid": std::process::id(), "uid": uid, "note": "from on_accept" })
    );
}

#[tokio::test]
async fn a_request_that_was_cut_off_is_not_run() {
    let server = Running::start();
    let mut client: Raw = server.raw().await;
    client.send(&request(1, "count", json!([]))).await;
    client.to.shutdown().await.unwrap();
    assert_eq!(client.next().await, None);
    assert_eq!(server.world.counted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_that_only_stops_sending_still_gets_its_answers() {
    let server = Running::start();
    let mut client: Raw = server.raw().await;
    client
        .send(&(request(1, "hold", json!(["x"])) + "\n"))
        .await;
    client.to.shutdown().await.unwrap();
    server.held().await;
    server.release();
    assert_eq!(client.next().await.unwrap()["result"], json!(["x"]));
    assert_eq!(client.next().await, None);
}
