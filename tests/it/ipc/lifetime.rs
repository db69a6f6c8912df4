//! How connections and servers end.

use std::time::{Duration, Instant};

use humanlayer::ipc::Limits;
use serde_json::json;

use super::{Running, request, within};

#[tokio::test]
async fn shutdown_with_live_subscriptions_is_immediate() {
    let server = Running::start();
    let mut client = server.raw().await;
    client.call("ticks_subscribe", json!([])).await;
    let mut deaf = server.raw().await;
    deaf.call("flood_subscribe", json!([])).await;
    let begun = Instant::now();
    server.stop.cancel();
    within("the server to end", server.serving).await.unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert!(!server.directory.path().join("s").exists());
    while client.next().await.is_some() {}
}

#[tokio::test]
async fn shutdown_lets_the_running_call_finish_and_answers_it_and_nothing_after_it() {
    let server = Running::start();
    let mut client = server.raw().await;
    let lines = request(1, "hold", json!(["kept"])) + "\n" + &request(2, "count", json!([])) + "\n";
    client.send(&lines).await;
    server.held().await;
    server.stop.cancel();
    within("the socket to go", async {
        while server.path().exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!server.serving.is_finished());
    server.release();
    assert_eq!(client.next().await.unwrap()["result"], json!(["kept"]));
    assert_eq!(client.next().await, None);
    within("the server to end", server.serving).await.unwrap();
    assert_eq!(
        server
            .world
            .counted
            .load(std::sync::atomic::Ordering::SeqCst),
        0
    );
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_keep_the_server() {
    let limits = Limits {
        drain: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let mut client = server.raw().await;
    client.send(&(request(1, "hold", json!([])) + "\n")).await;
    server.held().await;
    let begun = Instant::now();
    server.stop.cancel();
    within("the server to end", server.serving).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(50));
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_call_goes_on_to_its_end_when_its_client_vanishes() {
    let server = Running::start();
    let mut client = server.raw().await;
    client.send(&(request(1, "hold", json!([])) + "\n")).await;
    server.held().await;
    drop(client);
    server.raw().await.assert_alive().await;
    server.release();
    within("the call to end", server.world.done.acquire())
        .await
        .unwrap()
        .forget();
    server.raw().await.assert_alive().await;
}
