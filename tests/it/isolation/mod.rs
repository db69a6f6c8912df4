//! Isolated agents: what they can do, what they cannot, and where there is no isolation.
//!
//! As an unprivileged user, where the test is root's. Where the system has no isolation, which is found out
//! by the product's own check, the tests that need it say so and prove nothing.

#![allow(
    clippy::print_stderr,
    reason = "what a test did not prove is said where its output is looked at"
)]

mod attacks;
mod ending;
mod launching;
mod repositories;
mod work;

use std::process::Command;

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::scripted_agent::binary;

/// What `doctor` says of isolation, for the user of a daemon.
fn finding(mut doctor: Command) -> Value {
    // It runs the agent's program, too, which writes into its home.
    doctor.env("HUMANLAYER_CLAUDE_PATH", "/bin/true");
    let output = doctor.args(["doctor", "--json"]).output().unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = findings.as_array().unwrap();
    let found = all.iter().find(|finding| finding["check"] == "isolation");
    found.unwrap().clone()
}

/// Whether this system isolates, as the product itself finds; says so loudly if not.
fn is_available(doctor: Command) -> bool {
    let finding = finding(doctor);
    let available = finding["level"] == "ok";
    if !available {
        eprintln!("ISOLATION IS NOT TESTED HERE: {finding}");
    }
    available
}

/// Launches an isolated session that asks nobody; the query is the agent's script.
fn launch_isolated(daemon: &Daemon, query: &str, env: Value) -> String {
    daemon.launch_session_with(json!({
        "query": query, "isolation": true, "dangerously_skip_permissions": true, "env": env,
    }))
}

/// The environment of an isolated session in the daemon's home.
fn environment(daemon: &Daemon) -> Value {
    json!({
        "HOME": daemon.root().join("home"), "PATH": std::env::var("PATH").unwrap(),
        "SSH_AUTH_SOCK": "/tmp/agent", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1/bus",
        "TMUX": "/tmp/tmux,1,0", "STY": "1.x", "GPG_AGENT_INFO": "x",
    })
}

/// The binary under test as this user, in a home.
fn doctor_in(home: &std::path::Path) -> Command {
    let mut command = Command::new(binary());
    command.env("HOME", home);
    command
}
