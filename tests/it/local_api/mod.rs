//! The local HumanLayer API: the published SDKs, unmodified, and the wire by hand.

mod agents;
mod bounds;
mod crashes;
mod errors;
mod npm;
mod pending;
mod python;
mod waiting;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, wait_until};
use crate::support::http::{Reply, Request};

const PREFIX: &str = "/humanlayer/v1";

/// A daemon that serves the API, and a key for it.
struct Api {
    daemon: Daemon,
    address: SocketAddr,
    key: String,
}

impl Api {
    fn start() -> Self {
        Self::of(Daemon::with(&[("HUMANLAYER_DAEMON_HTTP_PORT", "any")]))
    }

    /// The same, reached at another address of this machine.
    fn start_at(ip: std::net::IpAddr) -> (Self, SocketAddr) {
        let host = ip.to_string();
        let daemon = Daemon::with(&[
            ("HUMANLAYER_DAEMON_HTTP_HOST", &host),
            ("HUMANLAYER_DAEMON_HTTP_PORT", "any"),
            ("HUMANLAYER_DAEMON_HTTP_ALLOW_REMOTE", "true"),
        ]);
        let api = Self::of(daemon);
        let address = api.address;
        (api, address)
    }

    /// That of a daemon, which serves it at the same port when it is started again.
    fn of(mut daemon: Daemon) -> Self {
        let address: SocketAddr = wait_until("the API is served", || {
            let health = daemon.call("health", json!({}));
            health["http_address"].as_str()?.parse().ok()
        });
        daemon.set("HUMANLAYER_DAEMON_HTTP_PORT", &address.port().to_string());
        let mut api = Self {
            daemon,
            address,
            key: String::new(),
        };
        api.key = api.new_key("sdk");
        api
    }

    fn until_served(&self) {
        wait_until("the API is served", || {
            let health = self.daemon.call("health", json!({}));
            (health["http_address"] == self.address.to_string()).then_some(())
        });
    }

    fn new_key(&self, name: &str) -> String {
        let made = self.daemon.call("createKey", json!({"name": name}));
        made["key"].as_str().unwrap().to_owned()
    }

    fn base(&self) -> String {
        format!("http://{}{PREFIX}", self.address)
    }

    /// A request with the key, below the prefix.
    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("{PREFIX}{path}"))
            .header("Authorization", &format!("Bearer {}", self.key))
    }

    fn get(&self, path: &str) -> Reply {
        self.request("GET", path).send(self.address)
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.request("POST", path)
            .body(body.to_string())
            .send(self.address)
    }

    /// Asks for the approval of a function call.
    fn ask(&self, call_id: &str) -> Value {
        let asked = self.post("/function_calls", &function_call(call_id));
        assert_eq!(asked.status, 200, "{asked:?}");
        asked.body
    }

    /// The approval of a request, once it is there.
    fn approval(&self, call_id: &str) -> Value {
        self.until(|approval| approval["call_id"] == call_id)
    }

    /// A pending approval of some tool, once it is there.
    fn pending(&self, tool: &str) -> Value {
        self.until(|approval| approval["tool_name"] == tool && approval["outcome"] == "pending")
    }

    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_until("it is asked", || {
            let all = self.daemon.call("listApprovals", json!({"all": true}));
            let all = all["approvals"].as_array().unwrap().clone();
            all.into_iter().find(&wanted)
        })
    }

    /// Runs a verb on this daemon that must succeed; gives what it prints.
    fn cli(&self, arguments: &[&str]) -> String {
        let output = self.daemon.command().args(arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Dresses a program of an SDK's user.
    fn dress(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.daemon.root())
            .env("HUMANLAYER_API_KEY", &self.key)
            .env("HUMANLAYER_API_BASE", self.base())
            .current_dir(self.daemon.work());
        command
    }
}

fn function_call(call_id: &str) -> Value {
    json!({"run_id": "a-run", "call_id": call_id, "spec": {"fn": "send_mail", "kwargs": {"to": "x"}}})
}

/// A program of an SDK's user, running.
struct Program(Child);

impl Program {
    fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits for its end; gives what it printed, a JSON value a line.
    fn printed(self) -> Vec<Value> {
        let output = self.0.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}: {told}")))
            .collect()
    }
}
