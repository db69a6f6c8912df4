//! The real daemon with the real Claude Code behind it; only the model is a script.

use serde_json::{Map, Value, json};

use super::daemon::{Daemon, wait_until};
use super::real_claude::{PINNED, RealClaude};
use super::scripted_model::ScriptedModel;

/// A daemon whose agents are the real Claude Code, and what that talks to.
pub struct ClaudeHarness {
    // The first to go: it kills the agents.
    pub daemon: Daemon,
    /// What its agents ask.
    pub model: ScriptedModel,
    /// Where the program and its home are.
    pub claude: RealClaude,
}

impl ClaudeHarness {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With another version of Claude Code (see [`RealClaude::of_version`]).
    pub fn of_version(version: &str) -> Self {
        Self::of(version, &[])
    }

    /// With further environment for the daemon.
    pub fn with(environment: &[(&str, &str)]) -> Self {
        Self::of(PINNED, environment)
    }

    /// With another version of Claude Code and further environment for the daemon.
    pub fn of(version: &str, environment: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start();
        let claude = RealClaude::of_version(version, &model);
        let program = claude.program().display().to_string();
        let mut all = vec![("HUMANLAYER_CLAUDE_PATH", program.as_str())];
        all.extend(environment);
        Self {
            daemon: Daemon::with(&all),
            model,
            claude,
        }
    }

    /// The agents' whole environment: nothing of the test's but the search path.
    pub fn environment(&self) -> Value {
        let mut all: Map<String, Value> = self
            .claude
            .environment()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        all.insert("PATH".to_owned(), json!(std::env::var("PATH").unwrap()));
        Value::Object(all)
    }

    /// Launches an agent that asks; the query is the model's script.
    pub fn launch(&self, script: &str) -> String {
        self.launch_with(json!({"query": script}))
    }

    pub fn launch_with(&self, mut params: Value) -> String {
        params["env"] = self.environment();
        self.daemon.launch_session_with(params)
    }

    /// Goes on with a session in a new one.
    pub fn continue_session(&self, id: &str, script: &str, fork: bool) -> String {
        let params = json!({
            "session_id": id, "query": script, "fork": fork, "env": self.environment(),
        });
        let answer = self.daemon.call("continueSession", params);
        answer["session_id"].as_str().unwrap().to_owned()
    }

    pub fn say(&self, id: &str, script: &str) {
        self.daemon
            .call("sendMessage", json!({"session_id": id, "message": script}));
    }

    /// Waits until a turn has ended with this as its final text.
    pub fn until_result(&self, id: &str, text: &str) -> Value {
        let mut last = Value::Null;
        wait_until(&format!("a turn ends with {text:?}"), || {
            last = self.daemon.session(id);
            (last["status"] == "completed" && last["result"] == text).then(|| last.clone())
        })
    }

    pub fn approval(&self, approval: &Value) -> Value {
        let params = json!({"approval_id": approval["id"]});
        self.daemon.call("getApproval", params)["approval"].clone()
    }

    /// All approvals that there ever were, the oldest first.
    pub fn approvals(&self) -> Vec<Value> {
        let answer = self.daemon.call("listApprovals", json!({"all": true}));
        let mut all = answer["approvals"].as_array().unwrap().clone();
        all.reverse();
        all
    }

    /// The pieces of a conversation of one type.
    pub fn pieces(&self, id: &str, event_type: &str) -> Vec<Value> {
        let mut pieces = self.daemon.conversation(id);
        pieces.retain(|piece| piece["event_type"] == event_type);
        pieces
    }

    /// Whether a session says something about itself.
    pub fn says(&self, id: &str, words: &str) -> bool {
        let said = self.pieces(id, "system");
        said.iter()
            .any(|piece| piece["content"].as_str().unwrap().contains(words))
    }

    /// The lines of a file in the work directory.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.daemon.work().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.daemon.work().join(name).exists()
    }
}
