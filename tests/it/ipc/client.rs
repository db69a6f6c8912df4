//! The client's transport against the server.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use humanlayer::client::transport::{ConnectError, ConnectOptions, connect, connect_with};
use humanlayer::ipc::Limits;
use jsonrpsee::core::client::{ClientT, Error, SubscriptionClientT};
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::rpc_params;
use serde_json::Value;

use super::{Running, within};

#[tokio::test]
async fn a_daemon_that_is_not_there_is_told_from_other_trouble() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let error = connect(&path).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotRunning { .. }), "{error}");
    drop(UnixListener::bind(&path).unwrap());
    let error = connect(&path).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotRunning { .. }), "{error}");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );

    let error = connect(&directory.path().join("s".repeat(300)))
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Io { .. }), "{error}");
}

#[tokio::test]
async fn calls_at_once_batches_and_errors_work_over_one_connection() {
    let server = Running::start();
    let client = connect(&server.path()).await.unwrap();
    let calls = (0..100).map(|number| client.request::<Vec<u64>, _>("echo", rpc_params![number]));
    let answers = futures_util::future::join_all(calls).await;
    for (number, answer) in (0..).zip(answers) {
        assert_eq!(answer.unwrap(), [number]);
    }

    let mut batch = BatchRequestBuilder::new();
    batch.insert("echo", rpc_params!["a"]).unwrap();
    batch.insert("nope", rpc_params![]).unwrap();
    let answers = client.batch_request::<Value>(batch).await.unwrap();
    assert_eq!(
        (answers.num_successful_calls(), answers.num_failed_calls()),
        (1, 1)
    );

    let error = client
        .request::<Value, _>("nope", rpc_params![])
        .await
        .unwrap_err();
    let Error::Call(error) = error else {
        panic!("{error}")
    };
    assert_eq!(
        error.data().unwrap().get(),
        r#"{"kind":"method_not_found"}"#
    );
}

#[tokio::test]
async fn subscriptions_arrive_and_end_and_dropping_the_client_closes_its_connection() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let client = connect(&server.path()).await.unwrap();
    let mut ticks = client
        .subscribe::<u64, _>("ticks_subscribe", rpc_params![], "ticks_unsubscribe")
        .await
        .unwrap();
    for tick in 0..3 {
        assert_eq!(within("a tick", ticks.next()).await.unwrap().unwrap(), tick);
    }
    ticks.unsubscribe().await.unwrap();
    drop(client);
    within("the only slot to become free", async {
        loop {
            let client = connect(&server.path()).await.unwrap();
            if client
                .request::<Value, _>("count", rpc_params![])
                .await
                .is_ok()
            {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_learns_that_the_daemon_has_gone() {
    let server = Running::start();
    let client = connect(&server.path()).await.unwrap();
    let mut ticks = client
        .subscribe::<u64, _>("ticks_subscribe", rpc_params![], "ticks_unsubscribe")
        .await
        .unwrap();
    server.stop.cancel();
    within("the server to end", server.serving).await.unwrap();
    within("the subscription to end", async {
        while ticks.next().await.is_some() {}
    })
    .await;
    within("the client to notice", client.on_disconnect()).await;
    assert!(!client.is_connected());
    assert!(
        client
            .request::<Value, _>("count", rpc_params![])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_call_fails_after_the_time_asked_for() {
    let server = Running::start();
    let options = ConnectOptions {
        request_timeout: Duration::from_millis(20),
        ..ConnectOptions::default()
    };
    let client = connect_with(&server.path(), &options).await.unwrap();
    let error = client
        .request::<Value, _>("hold", rpc_params![])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::RequestTimeout), "{error}");
    server.release();
}

#[tokio::test]
async fn a_client_that_is_turned_away_learns_why() {
    let limits = Limits {
        connections: 0,
        ..Limits::default()
    };
    let server = Running::start_with(limits, None);
    let client = connect(&server.path()).await.unwrap();
    let error = within("the refusal", client.on_disconnect()).await;
    assert!(error.to_string().contains("the most it may"), "{error}");
}

#[tokio::test]
async fn a_request_over_the_limit_fails_with_the_limit() {
    let server = Running::start();
    let client = connect(&server.path()).await.unwrap();
    let text = "x".repeat(humanlayer::ipc::limits::REQUEST_BYTES);
    let error = client
        .request::<Value, _>("echo", rpc_params![text])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("16777216"), "{error}");
}
