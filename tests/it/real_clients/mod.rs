//! Programs that speak to the older daemon, unmodified, and that daemon's wire as they know it.

mod faults_of_old;
mod npm_launch;
mod npm_mcp;
mod permission_server;
mod subscribe;
mod wire;

use std::path::PathBuf;
use std::process::Command;

use crate::support::daemon::Daemon;
use crate::support::real_claude::clients;

/// The npm client's program, for node.
fn npm_client() -> PathBuf {
    let path = clients().join("node_modules/humanlayer/dist/index.js");
    assert!(
        path.is_file(),
        "the pinned npm client is not at {}: start the tests with tests/run, which installs it",
        path.display()
    );
    path
}

/// The npm client at a daemon's socket, in a home of its own.
fn npm(daemon: &Daemon) -> Command {
    let mut command = Command::new("node");
    command
        .arg(npm_client())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", daemon.root())
        .env("HUMANLAYER_DAEMON_SOCKET", daemon.socket())
        .current_dir(daemon.work());
    command
}
