//! The call that takes its connection over.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use humanlayer::ipc::{Limits, LineSender, Takeover, TakeoverRequest};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Running, assert_error, raw, within};

/// Sends its params back, then one line for each permit; a null param ends it.
struct Stream {
    next: Arc<Semaphore>,
    dropped: Arc<Semaphore>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            next: Arc::new(Semaphore::new(0)),
            dropped: Arc::new(Semaphore::new(0)),
        }
    }
}

struct OnDrop(Arc<Semaphore>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Takeover for Stream {
    fn method(&self) -> &'static str {
        "Subscribe"
    }

    fn run(&self, request: TakeoverRequest, lines: LineSender) -> BoxFuture<'static, ()> {
        let guard = OnDrop(Arc::clone(&self.dropped));
        let next = Arc::clone(&self.next);
        async move {
            let _guard = guard;
            let Some(params) = &request.params else {
                lines.send(raw(&json!("nothing to do"))).await.unwrap();
                return;
            };
            let first = json!({ "id": request.id, "params": params });
            lines.send(raw(&first)).await.unwrap();
            for number in 0.. {
                next.acquire().await.unwrap().forget();
                if lines.send(raw(&json!(number))).await.is_err() {
                    return;
                }
            }
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_takeover_has_the_connection_to_itself_until_the_client_leaves() {
    let stream = Arc::new(Stream::default());
    let server = Running::start_with(Limits::default(), Some(stream.clone()));
    let mut client = server.raw().await;
    client.assert_alive().await;
    let first = client
        .ask(r#"{"jsonrpc":"2.0","id":"seven","method":"Subscribe","params":{"a":[1]}}"#)
        .await;
    assert_eq!(first, json!({ "id": "seven", "params": { "a": [1] } }));

    // From here on what the client says is ignored.
    client
        .send(&(super::request(1, "count", json!([])) + "\nnot even json\n"))
        .await;
    for number in 0..3 {
        stream.next.add_permits(1);
        assert_eq!(client.next().await.unwrap(), number);
    }
    assert_eq!(stream.dropped.available_permits(), 0);
    drop(client);
    within("the takeover to be dropped", stream.dropped.acquire())
        .await
        .unwrap()
        .forget();
    assert_eq!(
        server
            .world
            .counted
            .load(std::sync::atomic::Ordering::SeqCst),
        0
    );
    server.raw().await.assert_alive().await;
}

#[tokio::test]
async fn a_takeover_that_ends_closes_the_connection_after_its_last_line() {
    let server = Running::start_with(Limits::default(), Some(Arc::new(Stream::default())));
    let mut client = server.raw().await;
    let line = client
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"Subscribe","params":null}"#)
        .await;
    assert_eq!(line, "nothing to do");
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_takeover_cannot_be_part_of_a_batch() {
    let server = Running::start_with(Limits::default(), Some(Arc::new(Stream::default())));
    let mut client = server.raw().await;
    let answers = client
        .ask(r#"[{"jsonrpc":"2.0","id":1,"method":"Subscribe"}]"#)
        .await;
    assert_error(&answers[0], -32600, "invalid_request");
    client.assert_alive().await;
}

#[tokio::test]
async fn shutdown_ends_a_takeover() {
    let stream = Arc::new(Stream::default());
    let server = Running::start_with(Limits::default(), Some(stream.clone()));
    let mut client = server.raw().await;
    client
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"Subscribe","params":{}}"#)
        .await;
    server.stop.cancel();
    assert_eq!(client.next().await, None);
    within("the server to end", server.serving).await.unwrap();
    within("the takeover to be dropped", stream.dropped.acquire())
        .await
        .unwrap()
        .forget();
}
