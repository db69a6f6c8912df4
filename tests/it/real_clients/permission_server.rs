//! The MCP permission server on the npm SDK (`tests/fixtures/permission-server`), by itself: what it
//! asks a HumanLayer API, and what it makes of the answer.

use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::mcp::{Mcp, bash};
use crate::support::real_claude::clients;

fn server(api: &MockServer) -> Mcp {
    let mut command = Command::new("node");
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/permission-server/server.mjs"
        ))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PERMISSION_SERVER_CLIENTS", clients())
        .env("PERMISSION_SERVER_POLL_MS", "10")
        .env("HUMANLAYER_RUN_ID", "run-7")
        .env("HUMANLAYER_API_KEY", "the-key")
        .env("HUMANLAYER_API_BASE", api.uri());
    let (mcp, info) = Mcp::greet(command);
    assert_eq!(info["name"], "permission-server");
    mcp
}

#[rstest]
#[case(
    json!({"approved": true}),
    json!({"behavior": "allow", "updatedInput": {"command": "make"}})
)]
#[case(
    json!({"approved": false, "comment": "not now"}),
    json!({"behavior": "deny", "message": "not now"})
)]
#[tokio::test(flavor = "multi_thread")]
async fn it_asks_under_its_run_and_tells_the_outcome(#[case] status: Value, #[case] told: Value) {
    let api = MockServer::start().await;
    let key = || header("authorization", "Bearer the-key");
    let call = json!({"run_id": "run-7", "call_id": "c", "spec": {"fn": "Bash", "kwargs": {}}});
    Mock::given(method("POST"))
        .and(path("/function_calls"))
        .and(key())
        .respond_with(ResponseTemplate::new(200).set_body_json(&call))
        .expect(1)
        .mount(&api)
        .await;
    let found = |status: &Value| {
        let mut body = call.clone();
        body["status"] = status.clone();
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method("GET"))
            .and(path_regex("^/function_calls/c$"))
            .and(key())
            .respond_with(answer)
    };
    found(&json!({"requested_at": "2026-01-01T00:00:00"}))
        .up_to_n_times(2)
        .expect(2)
        .mount(&api)
        .await;
    found(&status).expect(1).mount(&api).await;
    let mut mcp = tokio::task::block_in_place(|| server(&api));
    let answer = tokio::task::block_in_place(|| {
        let id = mcp.call("request_permission", bash("make", "t"));
        mcp.permission(id)
    });
    assert_eq!(answer, told);
    let requests = api.received_requests().await.unwrap();
    let asked: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(asked["run_id"], "run-7");
    assert_eq!(
        asked["spec"],
        json!({"fn": "Bash", "kwargs": {"command": "make"}})
    );
}
