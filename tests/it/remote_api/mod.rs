//! The daemon with a remote HumanLayer API: polling, answering, and every fault of it.

mod answering;
mod cli;
mod faults;
mod polling;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};
use crate::support::remote_api::RemoteApi;

/// A daemon that works with an API.
fn daemon(api: &RemoteApi) -> Daemon {
    daemon_with(api, &[])
}

/// The same with further environment.
fn daemon_with(api: &RemoteApi, environment: &[(&str, &str)]) -> Daemon {
    let own = api.environment();
    let mut all: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
    all.extend(environment);
    Daemon::with(&all)
}

/// All approvals that there ever were.
fn approvals(daemon: &Daemon) -> Vec<Value> {
    let answer = daemon.call("listApprovals", json!({"all": true}));
    answer["approvals"].as_array().unwrap().clone()
}

/// The approval of a request, once it is there.
fn approval(daemon: &Daemon, call_id: &str) -> Value {
    until(daemon, call_id, "is there", |_| true)
}

/// The approval of a request, once it is so.
fn until(daemon: &Daemon, call_id: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    wait_until(&format!("request {call_id} {what}"), || {
        let found = approvals(daemon);
        found
            .into_iter()
            .find(|it| it["call_id"] == call_id && so(it))
    })
}

fn until_outcome(daemon: &Daemon, call_id: &str, outcome: &str) -> Value {
    until(daemon, call_id, outcome, |it| it["outcome"] == outcome)
}

fn until_delivered(daemon: &Daemon, call_id: &str) -> Value {
    until(daemon, call_id, "is delivered", |it| {
        assert!(it["undelivered"].is_null(), "{it}");
        it["delivered_at"].is_string()
    })
}

fn health(daemon: &Daemon) -> Value {
    daemon.call("health", json!({}))["remote_api"].clone()
}

/// Waits until polling both kinds works and nothing is wrong.
fn until_well(daemon: &Daemon) {
    wait_until("the API works", || {
        let health = health(daemon);
        let well = |part: &str| {
            health[part]["last_success_at"].is_string() && health[part]["problem"].is_null()
        };
        (well("function_calls") && well("human_contacts")).then_some(())
    });
}

/// Waits until so many polls of function calls have begun from now on.
fn until_polls(api: &RemoteApi, more: usize) {
    let before = api.count("GET /humanlayer/v1/agent/function_calls/pending");
    wait_until("it is polled again", || {
        let now = api.count("GET /humanlayer/v1/agent/function_calls/pending");
        (now >= before + more).then_some(())
    });
}
