//! Whole chains: a program or an agent that asks over a HumanLayer API, and a person elsewhere who
//! decides, with every part between them real.

mod dashboard;
mod pair;
mod seed;
mod tunnel;

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::cli::{Cli, Running, Said, finish};
use crate::support::daemon::wait_until;
use crate::support::real_claude::clients;
use tunnel::Tunnel;

/// A user's home on one machine, and what is in the environment there.
struct Machine {
    cli: Cli,
    environment: Vec<(&'static str, String)>,
}

impl Machine {
    fn with(environment: Vec<(&'static str, String)>) -> Self {
        let cli = Cli::new();
        Self { cli, environment }
    }

    /// The binary, as it is typed here.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        finish(self.command(arguments), "")
    }

    /// A verb that must succeed; gives what it prints.
    fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok()
    }

    fn start_daemon(&self) {
        self.ok(&["daemon", "start"]);
    }

    /// An approval, once there is one like that.
    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_until(what, || {
            let all = self.cli.call("listApprovals", json!({"all": true}));
            let all = all["approvals"].as_array()?.clone();
            all.into_iter().find(&wanted)
        })
    }

    /// What waits for a decision about this tool.
    fn pending(&self, tool: &str) -> Value {
        self.until(&format!("{tool} waits for a decision"), |approval| {
            approval["tool_name"] == tool && approval["outcome"] == "pending"
        })
    }

    /// The approval of a request, once its answer has arrived.
    fn delivered(&self, call_id: &Value) -> Value {
        self.until(&format!("{call_id} is delivered"), |approval| {
            let it = approval["call_id"] == *call_id;
            assert!(!it || approval["undelivered"].is_null(), "{approval}");
            it && approval["delivered_at"].is_string()
        })
    }

    /// The approval of a request, once it is settled.
    fn settled(&self, call_id: &Value) -> Value {
        self.until(&format!("{call_id} is settled"), |approval| {
            approval["call_id"] == *call_id && approval["outcome"] != "pending"
        })
    }

    fn approvals(&self) -> Vec<Value> {
        let all = self.cli.call("listApprovals", json!({"all": true}));
        all["approvals"].as_array().unwrap().clone()
    }
}

/// The machine where the programs are: its daemon serves the local API.
struct Server {
    machine: Machine,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        const PORT: &str = "HUMANLAYER_DAEMON_HTTP_PORT";
        let mut machine = Machine::with(vec![(PORT, "any".to_owned())]);
        machine.start_daemon();
        let address: SocketAddr = wait_until("the API is served", || {
            let health = machine.cli.call("health", json!({}));
            health["http_address"].as_str()?.parse().ok()
        });
        // Another start serves at the same port.
        machine.environment = vec![(PORT, address.port().to_string())];
        Self { machine, address }
    }

    /// A new key, as it is made for somebody.
    fn key(&self, arguments: &[&str]) -> String {
        let printed = self.machine.ok(&[&["keys", "new"][..], arguments].concat());
        printed.trim_end().to_owned()
    }

    fn base(&self) -> String {
        base(self.address)
    }

    /// A program on the published Python SDK; what it prints is JSON.
    fn python(&self, source: &str) -> Running {
        let python = clients().join("venv/bin/python");
        assert!(
            python.is_file(),
            "the pinned Python client is not at {}: start the tests with tests/run",
            python.display()
        );
        let head = "import json\n\
            from humanlayer import HumanLayer\n\
            hl = HumanLayer(run_id='nightly')\n\
            def say(value): print(json.dumps(value), flush=True)\n";
        let source = format!("{head}{source}");
        let cli = &self.machine.cli;
        let mut command = cli.dressed(python.to_str().unwrap(), &["-c", &source]);
        command
            .env("HUMANLAYER_API_KEY", self.key(&["script", "--ask-only"]))
            .env("HUMANLAYER_API_BASE", self.base());
        Running::start(command)
    }
}

/// The machine where the person is: its daemon polls the server's API, through a tunnel.
struct Laptop {
    machine: Machine,
    tunnel: Tunnel,
}

impl Laptop {
    /// Its daemon does not run yet.
    fn of(server: &Server, environment: Vec<(&'static str, String)>) -> Self {
        let tunnel = Tunnel::to(server.address);
        let mut all = vec![
            ("HUMANLAYER_API_KEY", server.key(&["laptop"])),
            ("HUMANLAYER_API_BASE", base(tunnel.address())),
            ("HUMANLAYER_API_POLL_SECONDS", "0.1".to_owned()),
        ];
        all.extend(environment);
        let machine = Machine::with(all);
        Self { machine, tunnel }
    }
}

fn base(address: SocketAddr) -> String {
    format!("http://{address}/humanlayer/v1")
}

/// What a program has printed by its end, a JSON value a line.
fn said(program: Running) -> Vec<Value> {
    let printed = program.wait().ok();
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The id of an approval.
fn id(approval: &Value) -> &str {
    approval["id"].as_str().unwrap()
}
