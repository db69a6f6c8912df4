//! The real Claude Code, started by hand, with our server as its permission prompt.

use serde_json::{Value, json};

use super::{all, until_outcome, until_pending};
use crate::support::cli::{Running, Said};
use crate::support::daemon::Daemon;
use crate::support::real_claude::RealClaude;
use crate::support::scripted_agent::binary;
use crate::support::scripted_model::ScriptedModel;

struct ByHand {
    daemon: Daemon,
    model: ScriptedModel,
    claude: RealClaude,
}

impl ByHand {
    fn new() -> Self {
        let model = ScriptedModel::start();
        Self {
            daemon: Daemon::start(),
            claude: RealClaude::with(&model),
            model,
        }
    }

    /// `claude -p`, as a user types it.
    fn start(&self, script: &str) -> Running {
        let config = json!({"mcpServers": {"humanlayer": {
            "command": binary(), "args": ["mcp", "claude_approvals"],
            "env": {"HUMANLAYER_DAEMON_SOCKET": self.daemon.socket(), "HUMANLAYER_LOG_LEVEL": "warn"},
        }}});
        let mut command = std::process::Command::new(self.claude.program());
        command
            .args(["-p", script, "--output-format", "json", "--mcp-config"])
            .arg(config.to_string())
            .args([
                "--permission-prompt-tool",
                "mcp__humanlayer__request_permission",
            ])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.claude.environment())
            .current_dir(self.claude.project());
        let mut running = Running::start(command);
        running.type_in("");
        running
    }

    fn lines(&self, name: &str) -> usize {
        let text = std::fs::read_to_string(self.claude.project().join(name)).unwrap_or_default();
        text.lines().count()
    }
}

fn result(said: Said) -> Value {
    let text = said.ok();
    serde_json::from_str(text.trim()).unwrap_or_else(|cause| panic!("{cause}: {text}"))
}

const APPEND: &str = "TOOL Bash {\"command\": \"echo ran >> ran\"}\nTEXT done";

#[test]
fn a_yes_lets_the_tool_run_and_the_inbox_shows_who_asks() {
    let by_hand = ByHand::new();
    let claude = by_hand.start(APPEND);
    let asked = until_pending(&by_hand.daemon, 1).remove(0);
    assert_eq!(asked["tool_input"]["command"], "echo ran >> ran");
    assert!(asked["tool_use_id"].as_str().unwrap().starts_with("toolu"));
    let session = by_hand
        .daemon
        .session(asked["session_id"].as_str().unwrap());
    let pid = claude.pid();
    assert_eq!(
        session["title"],
        format!("claude-code in project (pid {pid})"),
        "{session}"
    );
    assert_eq!(by_hand.lines("ran"), 0);
    by_hand.daemon.approve(&asked);
    assert_eq!(result(claude.wait())["result"], "done");
    assert_eq!(by_hand.lines("ran"), 1);
}

#[test]
fn a_no_is_heard_by_the_model_with_its_reason() {
    let by_hand = ByHand::new();
    let claude = by_hand.start(APPEND);
    let asked = until_pending(&by_hand.daemon, 1).remove(0);
    let denial = json!({"decision": "deny", "comment": "not-in-this-folder"});
    by_hand.daemon.decide(&asked, denial);
    assert_eq!(result(claude.wait())["result"], "done");
    assert_eq!(by_hand.lines("ran"), 0);
    assert!(by_hand.model.heard().contains("not-in-this-folder"));
}

#[test]
fn what_a_person_edited_is_what_runs() {
    let by_hand = ByHand::new();
    let claude = by_hand.start(APPEND);
    let asked = until_pending(&by_hand.daemon, 1).remove(0);
    let edit = json!({"decision": "approve", "updated_input": {"command": "echo ran >> edited"}});
    by_hand.daemon.decide(&asked, edit);
    assert_eq!(result(claude.wait())["result"], "done");
    assert_eq!((by_hand.lines("ran"), by_hand.lines("edited")), (0, 1));
}

#[test]
fn the_daemon_dies_while_the_question_waits_and_the_tool_runs_once() {
    let mut by_hand = ByHand::new();
    let claude = by_hand.start(APPEND);
    let asked = until_pending(&by_hand.daemon, 1).remove(0);
    by_hand.daemon.kill_and_restart();
    assert_eq!(until_pending(&by_hand.daemon, 1)[0]["id"], asked["id"]);
    by_hand.daemon.approve(&asked);
    assert_eq!(result(claude.wait())["result"], "done");
    assert_eq!(by_hand.lines("ran"), 1);
    let all = all(&by_hand.daemon);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0]["delivered_at"].is_string());
}

#[test]
fn a_claude_that_is_killed_leaves_no_question_behind() {
    let by_hand = ByHand::new();
    let claude = by_hand.start(APPEND);
    let asked = until_pending(&by_hand.daemon, 1).remove(0);
    claude.signal(rustix::process::Signal::KILL);
    until_outcome(&by_hand.daemon, &asked, "withdrawn");
}
