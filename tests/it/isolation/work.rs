//! The real Claude Code, isolated, doing real work: isolation must not be in its way.

use std::fs;

use rstest::rstest;
use serde_json::{Map, Value, json};

use super::is_available;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::real_claude::RealClaude;
use crate::support::scripted_agent::binary;
use crate::support::scripted_model::ScriptedModel;

/// A daemon of an unprivileged user whose agents are the real Claude Code.
struct Isolated {
    daemon: Daemon,
    _model: ScriptedModel,
    claude: RealClaude,
}

impl Isolated {
    fn start(version: &str) -> Option<Self> {
        let model = ScriptedModel::start();
        let claude = RealClaude::of_version(version, &model);
        let program = claude.program().display().to_string();
        let environment = [("HUMANLAYER_CLAUDE_PATH", program.as_str())];
        let daemon = Daemon::unprivileged_in_a_home(&environment, |root| {
            fs::create_dir(root.join("home/.claude")).unwrap();
            fs::write(root.join("home/.claude/settings.json"), "{}").unwrap();
            fs::write(root.join("home/.claude.json"), "{\"numStartups\": 3}").unwrap();
            fs::write(root.join("home/.bashrc"), "original\n").unwrap();
        });
        is_available(daemon.command()).then_some(Self {
            daemon,
            _model: model,
            claude,
        })
    }

    /// The agents' whole environment.
    fn environment(&self) -> Value {
        let mut all: Map<String, Value> = self
            .claude
            .environment()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        all.insert("HOME".to_owned(), json!(self.daemon.root().join("home")));
        all.insert("PATH".to_owned(), json!(std::env::var("PATH").unwrap()));
        Value::Object(all)
    }

    fn launch(&self, mut params: Value) -> String {
        params["env"] = self.environment();
        params["isolation"] = json!(true);
        self.daemon.launch_session_with(params)
    }

    /// Waits until a turn has ended with this as its final text.
    fn result(&self, id: &str, text: &str) -> Value {
        let mut last = Value::Null;
        wait_until(&format!("a turn ends with {text:?}"), || {
            last = self.daemon.session(id);
            assert_ne!(last["status"], "failed", "{last:#}");
            (last["status"] == "completed" && last["result"] == text).then(|| last.clone())
        })
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.daemon.work().join(name)).unwrap_or_default()
    }

    /// Nothing of the user's was changed.
    fn assert_kept(&self) {
        let home = self.daemon.root().join("home");
        let text = |name: &str| fs::read_to_string(home.join(name)).unwrap();
        assert_eq!(text(".bashrc"), "original\n");
        assert_eq!(text(".claude/settings.json"), "{}");
        // 2.0.37 adds facts about itself when it is only asked for its version, which is not isolated. An
        // agent that works adds the projects in which it did.
        let known = text(".claude.json");
        assert!(known.contains("\"numStartups\": 3"), "{known}");
        assert!(!known.contains("projects"), "{known}");
    }
}

fn bash(command: &str) -> String {
    format!("TOOL Bash {}", json!({"command": command}))
}

#[rstest]
#[case::oldest("2.0.37")]
#[case::middle("2.1.133")]
#[case::newest("2.1.332")]
fn an_isolated_claude_code_commits_installs_and_runs_a_subagent(#[case] version: &str) {
    let Some(isolated) = Isolated::start(version) else {
        return;
    };
    let git = "git init -q . && git config user.email a@b && git config user.name n && echo 1 > f && git add f && git commit -qm one && git log --oneline > log";
    let npm = "mkdir -p dep && cd dep && npm init -y >/dev/null && cd .. && npm init -y >/dev/null && npm install --offline ./dep > npm.out 2>&1 && npm pkg set scripts.t='echo ran' && npm run -s t > npm.log";
    let cargo = "if command -v cargo >/dev/null; then cargo init -q --name app --vcs none app && cargo run -q --offline --manifest-path app/Cargo.toml > cargo.log 2>&1; else echo 'no cargo for this user' > cargo.log; fi";
    let sub = json!({
        "description": "sub", "subagent_type": "general-purpose",
        "prompt": format!("{}\nTEXT sub is done", bash("echo sub > sub; (echo x >> ~/.bashrc) 2> denied; true")),
    });
    let write =
        json!({"file_path": isolated.daemon.work().join("written"), "content": "by a tool"});
    let script = [
        bash(git),
        bash(npm),
        bash(cargo),
        format!("TOOL Task {sub}"),
        format!("TOOL Write {write}"),
        "TEXT main is done".to_owned(),
    ];
    let id = isolated.launch(json!({
        "query": script.join("\n"), "dangerously_skip_permissions": true,
    }));
    isolated.result(&id, "main is done");
    assert!(
        isolated.file("log").contains("one"),
        "{}",
        isolated.file("log")
    );
    assert_eq!(
        isolated.file("npm.log"),
        "ran\n",
        "{}",
        isolated.file("npm.out")
    );
    let cargo = isolated.file("cargo.log");
    match cargo.contains("no cargo") {
        true => eprintln!("CARGO IS NOT TESTED HERE: this user has none"),
        false => assert!(cargo.contains("Hello, world!"), "{cargo}"),
    }
    // Newer ones let a subagent work in the background.
    wait_until("the subagent has done its work, within its bounds", || {
        let is_done = isolated.file("sub") == "sub\n";
        let denied = isolated.file("denied").to_lowercase();
        (is_done && denied.contains("read-only")).then_some(())
    });
    assert_eq!(isolated.file("written"), "by a tool");
    isolated.assert_kept();
}

/// Its MCP server reaches the daemon, and a person's yes reaches it.
#[rstest]
#[case::oldest("2.0.37")]
#[case::middle("2.1.133")]
#[case::newest("2.1.332")]
fn an_mcp_server_of_an_isolated_session_asks_and_is_answered(#[case] version: &str) {
    let Some(isolated) = Isolated::start(version) else {
        return;
    };
    let mut daemon_killed = false;
    let id = isolated.launch(json!({
        "query": format!("{}\nTEXT done\n", bash("echo ran >> ran")),
        "approvals": null,
        "mcp_config": {"mcpServers": {"approvals": {
            "command": binary(), "args": ["mcp", "claude_approvals"],
        }}},
        "permission_prompt_tool": "mcp__approvals__request_permission",
    }));
    let mut isolated = isolated;
    let asked = isolated.daemon.until_pending(&id);
    assert_eq!(asked["source"], "mcp");
    if version == "2.1.332" {
        // The next daemon listens on another socket at the same place.
        isolated.daemon.kill_and_restart();
        daemon_killed = true;
    }
    isolated.daemon.approve(&asked);
    isolated.result(&id, "done");
    assert_eq!(
        isolated.file("ran"),
        "ran\n",
        "after a restart: {daemon_killed}"
    );
}

/// The next process of the conversation, and a fork, are isolated again and know what was said.
#[rstest]
#[case::oldest("2.0.37")]
#[case::middle("2.1.133")]
#[case::newest("2.1.332")]
fn isolation_sticks_to_the_session_and_its_forks(#[case] version: &str) {
    let Some(isolated) = Isolated::start(version) else {
        return;
    };
    let daemon = &isolated.daemon;
    let id = isolated.launch(json!({
        "query": "TEXT remember-the-word-quince", "dangerously_skip_permissions": true,
    }));
    let first = isolated.result(&id, "remember-the-word-quince");
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    let attempt = |name: &str| {
        bash(&format!(
            "(echo x >> ~/.bashrc) 2> {name}; ls '{}' >> {name}; true",
            daemon.state().display()
        ))
    };
    let message = format!("{}\nTEXT second", attempt("again"));
    daemon.call("sendMessage", json!({"session_id": id, "message": message}));
    let second = isolated.result(&id, "second");
    assert_eq!(first["claude_session_id"], second["claude_session_id"]);
    assert_eq!(second["isolated"], true);
    let fork = daemon.call(
        "continueSession",
        json!({
            "session_id": id, "query": format!("{}\nTEXT forked", attempt("forked")),
            "fork": true, "env": isolated.environment(),
        }),
    );
    let fork = fork["session_id"].as_str().unwrap().to_owned();
    let forked = isolated.result(&fork, "forked");
    assert_eq!(forked["isolated"], true);
    for name in ["again", "forked"] {
        let text = isolated.file(name);
        assert!(
            text.to_lowercase().contains("read-only") && text.ends_with("daemon.sock\n"),
            "{name}: {text}"
        );
    }
    isolated.assert_kept();
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    daemon.call("deleteSessions", json!({"session_ids": [id]}));
    let kept = daemon.state().join("isolated");
    wait_until("what the session kept is gone", || {
        (!kept.join(&id).exists() && kept.join(&fork).exists()).then_some(())
    });
}
