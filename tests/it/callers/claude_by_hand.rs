//! The real Claude Code, started by hand: whatever it runs decides nothing.

use rstest::rstest;
use serde_json::json;

use crate::support::cli::Running;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::real_claude::RealClaude;
use crate::support::scripted_agent::binary;
use crate::support::scripted_model::ScriptedModel;

/// With our server as its permission prompt, and without anything of ours.
#[rstest]
#[case::oldest_that_asks("2.0.37", true)]
#[case::asks("2.1.133", true)]
#[case::pinned_that_asks("2.1.330", true)]
#[case::newest_that_asks("2.1.332", true)]
#[case::oldest_that_never_asked("2.0.37", false)]
#[case::newest_that_never_asked("2.1.332", false)]
fn a_claude_code_does_not_approve(#[case] version: &str, #[case] asks: bool) {
    let daemon = Daemon::start();
    let model = ScriptedModel::start();
    let claude = RealClaude::of_version(version, &model);
    let victim = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&victim);
    let told = daemon.root().join("told");
    let approve = format!(
        "env -i '{}' --daemon-socket '{}' approve {} > '{told}.part' 2>&1; mv '{told}.part' '{told}'",
        binary(),
        daemon.socket().display(),
        asked["id"].as_str().unwrap(),
        told = told.display(),
    );
    let script = format!("TOOL Bash {}\nTEXT done", json!({"command": approve}));
    let mut command = std::process::Command::new(claude.program());
    command
        .args(["-p", &script, "--output-format", "json"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(claude.environment())
        .current_dir(claude.project());
    if asks {
        let config = json!({"mcpServers": {"humanlayer": {
            "command": binary(), "args": ["mcp", "claude_approvals"],
            "env": {"HUMANLAYER_DAEMON_SOCKET": daemon.socket(), "HUMANLAYER_LOG_LEVEL": "warn"},
        }}});
        command.args(["--mcp-config", &config.to_string()]).args([
            "--permission-prompt-tool",
            "mcp__humanlayer__request_permission",
        ]);
    } else {
        command.args(["--allowed-tools", "Bash"]);
    }
    let mut running = Running::start(command);
    running.type_in("");
    if asks {
        let own = wait_until("it asks", || {
            let all = daemon.call("listApprovals", json!({}))["approvals"].clone();
            let all = all.as_array().unwrap().clone();
            all.into_iter()
                .find(|approval| approval["id"] != asked["id"])
        });
        daemon.approve(&own);
    }
    let told = wait_until("it has tried", || std::fs::read_to_string(&told).ok());
    assert!(told.contains("an agent may not decide"), "{told}");
    assert_eq!(daemon.pending(&victim)[0]["id"], asked["id"]);
    daemon.approve(&asked);
    daemon.until_status(&victim, "completed");
}
