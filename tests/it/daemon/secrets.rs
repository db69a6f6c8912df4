//! Secrets of a session: on no command line, in no log, on disk no longer than needed.

use std::path::Path;

use serde_json::json;

use crate::support::daemon::{Daemon, wait_until};

const IN_ENV: &str = "sesame-in-the-environment";
const IN_MCP: &str = "sesame-in-the-mcp-servers";
const IN_PROXY: &str = "sesame-in-the-proxy-key";

/// Fails if a process of this machine has a secret on its command line.
fn assert_on_no_command_line() {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        for secret in [IN_ENV, IN_MCP, IN_PROXY] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn secrets_stay_where_they_belong() {
    let daemon = Daemon::start();
    let id = daemon.launch_session_with(json!({
        "query": format!(
            "TOOL Bash {}\nTEXT done",
            json!({"command": "printf %s \"$TOKEN\" | wc -c > length"})
        ),
        "env": {"PATH": std::env::var("PATH").unwrap(), "TOKEN": IN_ENV},
        "mcp_config": {"mcpServers": {"x": {"command": "true", "env": {"KEY": IN_MCP}}}},
    }));
    let question = daemon.until_pending(&id);
    assert_on_no_command_line();
    let dir = daemon.session_dir(&id);
    assert!(!dir.join("spec.json").exists(), "the runner has read it");
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("mcp.json")), 0o600);
    assert_eq!(mode(&daemon.socket()), 0o600);
    assert_eq!(mode(&daemon.database()), 0o600);
    daemon.approve(&question);
    daemon.until_status(&id, "completed");
    let length = std::fs::read_to_string(daemon.work().join("length")).unwrap();
    assert_eq!(length.trim(), IN_ENV.len().to_string(), "the agent has it");
    let child = daemon.call(
        "continueSession",
        json!({"session_id": id, "query": "TOOL Bash {\"command\": \"true\"}", "proxy_enabled": true,
            "proxy_base_url": "http://127.0.0.1:9", "proxy_api_key": IN_PROXY}),
    );
    let child = child["session_id"].as_str().unwrap();
    daemon.until_pending(child);
    assert_on_no_command_line();
    for session in [id.as_str(), child] {
        daemon.call("endSession", json!({"session_id": session}));
        daemon.until_over(session);
        assert!(!daemon.session_dir(session).exists());
    }
    wait_until("the log tells of the end", || {
        daemon.log().contains("process is over").then_some(())
    });
    for secret in [IN_ENV, IN_MCP, IN_PROXY] {
        assert!(!daemon.log().contains(secret), "{secret} is in the log");
        for id in [id.as_str(), child] {
            assert!(!daemon.session(id).to_string().contains(secret));
        }
        let listed = daemon.call("listSessions", json!({})).to_string();
        assert!(!listed.contains(secret));
    }
}
