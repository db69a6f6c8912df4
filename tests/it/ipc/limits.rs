//! What happens at each bound.

use std::sync::atomic::Ordering;

use humanlayer::ipc::Limits;
use serde_json::json;

use super::{Running, assert_error, within};

#[tokio::test]
async fn a_line_far_over_the_limit_is_refused_and_the_next_one_served() {
    let server = Running::start();
    let mut client = server.raw().await;
    let megabyte = "x".repeat(1 << 20);
    for _ in 0..64 {
        client.send(&megabyte).await;
    }
    client.send("\n").await;
    let answer = client.next().await.unwrap();
    assert_error(&answer, -32600, "too_large");
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("16777216"),
        "{answer}"
    );
    client.assert_alive().await;
}

#[tokio::test]
async fn a_line_that_is_not_finished_in_time_ends_its_connection_and_a_rest_does_not() {
    let limits = Limits {
        line: std::time::Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let mut rests = server.raw().await;
    rests.assert_alive().await;
    let mut slow = server.raw().await;
    // Whole lines before it do not make room for more.
    slow.send("\n\n{\"jsonrpc\":").await;
    let begun = std::time::Instant::now();
    while tokio::io::AsyncWriteExt::write_all(&mut slow.to, b" ")
        .await
        .is_ok()
    {
        assert!(begun.elapsed().as_secs() < 20, "it goes on for ever");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    rests.assert_alive().await;
}

#[tokio::test]
async fn ten_megabytes_pass_both_ways() {
    let server = Running::start();
    let mut client = server.raw().await;
    let text = "y".repeat(10 << 20);
    let answer = client.call("echo", json!([text])).await;
    assert_eq!(answer["result"][0].as_str().map(str::len), Some(text.len()));
}

#[tokio::test]
async fn an_answer_over_the_limit_says_to_page() {
    let limits = Limits {
        response: 1000,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let mut client = server.raw().await;
    let answer = client.call("big", json!([2000])).await;
    assert_error(&answer, -32008, "too_large");
    assert_eq!(answer["id"], 1);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("pages"),
        "{answer}"
    );

    let big = json!({ "jsonrpc": "2.0", "id": 1, "method": "big", "params": [700] });
    let answers = client.ask(&json!([big, big]).to_string()).await;
    assert!(answers[0]["result"].is_string());
    assert_error(&answers[1], -32008, "too_large");
    client.assert_alive().await;
}

#[tokio::test]
async fn a_batch_over_the_limit_is_refused_whole() {
    let limits = Limits {
        batch: 2,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "count" });
    let answer = server
        .raw()
        .await
        .ask(&json!([one, one, one]).to_string())
        .await;
    assert_error(&answer, -32600, "too_large");
    assert_eq!(server.world.counted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_over_the_limit_is_told_so_and_closed() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let mut first = server.raw().await;
    first.assert_alive().await;
    let mut second = server.raw().await;
    assert_error(
        &second.next().await.unwrap(),
        -32010,
        "too_many_connections",
    );
    assert_eq!(second.next().await, None);
    drop(first);
    within("the slot to become free", async {
        loop {
            let mut third = server.raw().await;
            third.send("{}\n").await;
            let answer = third.next().await.unwrap();
            if answer["error"]["data"]["kind"] == "invalid_request" {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn subscriptions_are_counted_for_the_connection_not_for_the_call() {
    let limits = Limits {
        subscriptions: 2,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let mut client = server.raw().await;
    let mut last = json!(null);
    for _ in 0..2 {
        last = client.call("ticks_subscribe", json!([])).await["result"].clone();
        assert!(last.is_u64());
        for _ in 0..3 {
            assert_eq!(client.next().await.unwrap()["method"], "tick");
        }
    }
    let answer = client.call("ticks_subscribe", json!([])).await;
    assert_error(&answer, -32006, "too_many_subscriptions");
    // Another connection has its own count.
    let other = server.raw().await.call("ticks_subscribe", json!([])).await;
    assert!(other["result"].is_u64());

    assert_eq!(
        client.call("ticks_unsubscribe", json!([last])).await["result"],
        true
    );
    within("the place to become free", async {
        while !client.call("ticks_subscribe", json!([])).await["result"].is_u64() {}
    })
    .await;
}

#[tokio::test]
async fn a_notification_over_the_limit_ends_its_connection_rather_than_going_missing() {
    let limits = Limits {
        response: 1000,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let mut client = server.raw().await;
    let answer = client.call("flood_subscribe", json!([])).await;
    assert!(answer["result"].is_u64());
    assert_eq!(client.next().await, None);
    server.raw().await.assert_alive().await;
}

#[tokio::test]
async fn a_client_that_never_reads_holds_up_itself_alone() {
    let server = Running::start();
    let mut deaf = server.raw().await;
    assert!(deaf.call("flood_subscribe", json!([])).await["result"].is_u64());
    let mut other = server.raw().await;
    for _ in 0..200 {
        other.assert_alive().await;
    }
    // The queue, the one being written, and what the socket itself takes.
    let sent = server.world.flooded.load(Ordering::SeqCst);
    assert!(
        sent < 32 + 1 + 30,
        "{sent} notifications of 64 KiB were taken"
    );
    drop(deaf);
    other.assert_alive().await;
}

#[tokio::test]
async fn a_client_that_sends_without_reading_is_stopped_by_its_socket() {
    let server = Running::start();
    let mut deaf = server.raw().await;
    let line = super::request(1, "big", json!([1 << 20])) + "\n";
    let all = tokio::spawn(async move {
        loop {
            use tokio::io::AsyncWriteExt;
            if deaf.to.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut other = server.raw().await;
    for _ in 0..200 {
        other.assert_alive().await;
    }
    assert!(!all.is_finished());
    all.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_clients_are_served_at_once() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();

    let server = Running::start();
    let path = server.path();
    let clients: Vec<_> = (0..500)
        .map(|number| {
            let path = path.clone();
            tokio::spawn(async move {
                use jsonrpsee::core::client::ClientT;
                let client = humanlayer::client::transport::connect(&path).await.unwrap();
                let params = jsonrpsee::rpc_params![number];
                let answer: Vec<u64> = client.request("echo", params).await.unwrap();
                assert_eq!(answer, [number]);
                client
            })
        })
        .collect();
    let mut connected = Vec::new();
    for client in clients {
        connected.push(within("a client", client).await.unwrap());
    }
    server.raw().await.assert_alive().await;
}
