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

/// Fails if any file below the state directory, or the log, holds one of the secrets.
fn assert_in_no_file(daemon: &Daemon, secrets: &[&str]) {
    let mut dirs = vec![daemon.state()];
    let mut files = vec![daemon.root().join("log")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    assert!(files.contains(&daemon.database()), "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is in {}", file.display());
        }
    }
}

/// A session with an MCP server and a proxy, ended.
fn ended_session_with_secrets(daemon: &Daemon) -> String {
    let id = daemon.launch_session_with(json!({
        "query": "TEXT one",
        "env": {"PATH": std::env::var("PATH").unwrap(), "TOKEN": IN_ENV},
        "mcp_config": {"mcpServers": {
            "x": {"command": "true", "args": ["--token", IN_MCP], "env": {"KEY": IN_MCP}},
            "y": {"type": "http", "url": "http://127.0.0.1:9/x", "headers": {"Authorization": IN_MCP}},
        }},
    }));
    daemon.until_status(&id, "completed");
    let child = daemon.call(
        "continueSession",
        json!({"session_id": id, "query": "TEXT two", "proxy_enabled": true,
            "proxy_base_url": "http://127.0.0.1:9", "proxy_api_key": IN_PROXY}),
    )["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    daemon.until_status(&child, "completed");
    for session in [&id, &child] {
        let live = daemon.session(session)["live"] == true;
        if live {
            daemon.call("endSession", json!({"session_id": session}));
        }
        daemon.until_over(session);
    }
    wait_until("the last process's directory is gone", || {
        directories(daemon).is_empty().then_some(())
    });
    child
}

/// The directories of processes.
fn directories(daemon: &Daemon) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(daemon.state().join("sessions")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn no_file_holds_a_secret_once_the_process_is_over() {
    let mut daemon = Daemon::start();
    let id = ended_session_with_secrets(&daemon);
    // While the daemon runs its log is there too.
    assert_in_no_file(&daemon, &[IN_ENV, IN_MCP, IN_PROXY]);
    assert!(daemon.stop().success());
    assert_in_no_file(&daemon, &[IN_ENV, IN_MCP, IN_PROXY]);
    assert_eq!(mode(&daemon.state().join("daemon.db.key")), 0o600);
    // And yet the next process has them all.
    daemon.launch(&[]);
    let next = daemon.call(
        "continueSession",
        json!({"session_id": id, "query":
            "TOOL Bash {\"command\": \"printf %s $ANTHROPIC_API_KEY > key\"}\nTEXT three"}),
    );
    let next = next["session_id"].as_str().unwrap();
    let question = daemon.until_pending(next);
    let directories = directories(&daemon);
    assert_eq!(directories.len(), 1);
    let mcp = std::fs::read_to_string(directories[0].join("mcp.json")).unwrap();
    assert_eq!(mcp.matches(IN_MCP).count(), 3, "{mcp}");
    daemon.approve(&question);
    daemon.until_status(next, "completed");
    let key = std::fs::read_to_string(daemon.work().join("key")).unwrap();
    assert_eq!(key, IN_PROXY);
}

#[test]
fn a_lost_key_is_said_and_permits_nothing_until_it_is_back() {
    let mut daemon = Daemon::start();
    let id = ended_session_with_secrets(&daemon);
    assert!(daemon.stop().success());
    let key = daemon.state().join("daemon.db.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    daemon.launch(&[]);
    // Who made the rows that permit something cannot be told now, this test's own place among them.
    let params = json!({"session_id": id, "query": "TEXT three"});
    let error = daemon.connect().fail("continueSession", params.clone());
    assert_eq!(error["data"]["kind"], "forbidden", "{error}");
    let alarms = daemon.call("listAlarms", json!({}))["alarms"].to_string();
    assert!(
        alarms.contains("the key beside the database was lost"),
        "{alarms}"
    );
    let new = daemon.launch_session("TEXT hello");
    daemon.until_status(&new, "completed");
    assert!(daemon.stop().success());
    std::fs::write(&key, kept).unwrap();
    daemon.launch(&[]);
    daemon.call("continueSession", params);
}

#[test]
fn a_database_that_held_secrets_in_clear_holds_none_after_the_upgrade() {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/database-v1/daemon.db");
    let mut daemon = Daemon::prepare(&[]);
    std::fs::copy(fixture, daemon.database()).unwrap();
    let long = "x".repeat(9_000);
    let config = json!({"approvals": true,
        "mcp_config": {"mcpServers": {"x": {"command": "true", "args": [&long], "env": {"KEY": IN_MCP}}}},
        "proxy": {"base_url": "http://127.0.0.1:9", "model": null, "api_key": IN_PROXY}})
    .to_string();
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let work = daemon.work().display().to_string();
    db.execute(
        "UPDATE sessions SET config = ?, working_dir = ?",
        [&config, &work],
    )
    .unwrap();
    // Old copies in free pages, as each change of such a row leaves them.
    db.execute(
        "UPDATE sessions SET config = config || ?",
        [&" ".repeat(20_000)],
    )
    .unwrap();
    db.execute(
        "UPDATE sessions SET config = '{\"approvals\": true}' WHERE key > 1",
        [],
    )
    .unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    let id: String = db
        .query_row("SELECT id FROM sessions WHERE key = 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    // It dies with its log as it is.
    std::mem::forget(db);
    let held = std::fs::read(daemon.database()).unwrap();
    let copies = held
        .windows(IN_MCP.len())
        .filter(|part| *part == IN_MCP.as_bytes())
        .count();
    assert!(copies > 1, "{copies}");
    // A daemon that dies in the middle of it leaves the rest to the next one.
    for failpoint in ["store.migrating", "store.rewritten"] {
        daemon.spawn(&[("HUMANLAYER_FAILPOINT", failpoint)]);
        daemon.wait();
    }
    daemon.launch(&[]);
    assert_in_no_file(&daemon, &[IN_MCP, IN_PROXY]);
    let next = daemon.call(
        "continueSession",
        json!({"session_id": id, "query": "TOOL Bash {\"command\": \"true\"}", "fork": true}),
    );
    let next = next["session_id"].as_str().unwrap();
    daemon.until_pending(next);
    let directories = directories(&daemon);
    assert_eq!(directories.len(), 1);
    let mcp = std::fs::read_to_string(directories[0].join("mcp.json")).unwrap();
    assert!(mcp.contains(IN_MCP), "{mcp}");
    assert!(daemon.stop().success());
    assert_in_no_file_but_sessions(&daemon);
}

/// The database and its neighbours, while a session lives that must have its secrets.
fn assert_in_no_file_but_sessions(daemon: &Daemon) {
    for entry in std::fs::read_dir(daemon.state()).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for secret in [IN_MCP, IN_PROXY] {
                assert!(!text.contains(secret), "{}", entry.path().display());
            }
        }
    }
}

const API_KEY: &str = "sesame-of-the-remote-api";

/// Files that hold one of the secrets, as far as a process of the daemon's user can read them.
fn found_by_its_user(daemon: &Daemon, secrets: &[&str], files: &str) -> Vec<String> {
    use std::io::Write as _;
    use std::os::unix::process::CommandExt as _;
    let mut grep = std::process::Command::new("sh");
    // The patterns come by standard input: on the command line they would be found themselves.
    grep.args(["-c", &format!("exec grep -alsF -f - -r {files}")])
        .current_dir("/")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    if let Some(user) = daemon.user() {
        // Whoever looks needs the same groups, too.
        grep.uid(user).gid(user);
    }
    let mut grep = grep.spawn().unwrap();
    grep.stdin
        .take()
        .unwrap()
        .write_all(secrets.join("\n").as_bytes())
        .unwrap();
    let output = grep.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// While everything runs: what the daemon holds, and what it passes on, is nowhere that another process of
/// the same user could read it, but in the agent itself and in the one file that is made for it.
#[test]
fn what_the_daemon_holds_and_passes_on_is_readable_nowhere_but_in_the_agent() {
    let daemon = Daemon::unprivileged_with(&[
        ("HUMANLAYER_API_KEY", API_KEY),
        ("HUMANLAYER_API_BASE", "http://127.0.0.1:9/"),
    ]);
    let id = daemon.launch_session_with(json!({
        "query": "TOOL Bash {\"command\": \"true\"}\nTEXT one",
        "env": {"PATH": std::env::var("PATH").unwrap(), "TOKEN": IN_ENV},
        "mcp_config": {"mcpServers": {
            "x": {"command": "true", "args": ["--token", IN_MCP], "env": {"KEY": IN_MCP}},
            "y": {"type": "http", "url": "http://127.0.0.1:9/x", "headers": {"Authorization": IN_MCP}},
        }},
    }));
    daemon.until_pending(&id);
    let all = [IN_ENV, IN_MCP, IN_PROXY, API_KEY];
    let shown = found_by_its_user(&daemon, &all, "/proc/[0-9]*/cmdline");
    assert_eq!(shown, Vec::<String>::new(), "a command line shows a secret");
    let held = [API_KEY, IN_MCP, IN_PROXY];
    let shown = found_by_its_user(&daemon, &held, "/proc/[0-9]*/environ");
    assert_eq!(shown, Vec::<String>::new(), "an environment shows a secret");
    // What the agent needs it has, and nobody else.
    let state: serde_json::Value = serde_json::from_slice(
        &std::fs::read(daemon.session_dir(&id).join("runner.json")).unwrap(),
    )
    .unwrap();
    let shown = found_by_its_user(&daemon, &[IN_ENV], "/proc/[0-9]*/environ");
    assert!(!shown.is_empty(), "the agent has it");
    for (who, pid) in [
        ("daemon", u64::from(daemon.pid())),
        ("runner", state["runner_pid"].as_u64().unwrap()),
    ] {
        assert!(!shown.contains(&format!("/proc/{pid}/environ")), "{who}");
    }
    let root = daemon.root().display().to_string();
    let in_files = found_by_its_user(&daemon, &all, &root);
    let expected = daemon
        .session_dir(&id)
        .join("mcp.json")
        .display()
        .to_string();
    assert_eq!(
        in_files,
        [expected],
        "the database, its log, the daemon's log, temporary files"
    );
    assert_eq!(mode(&daemon.session_dir(&id).join("mcp.json")), 0o600);
    daemon.call("endSession", json!({"session_id": id}));
    daemon.until_over(&id);
    wait_until("its directory is gone", || {
        directories(&daemon).is_empty().then_some(())
    });
    assert_eq!(
        found_by_its_user(&daemon, &all, &root),
        Vec::<String>::new()
    );
}

#[test]
fn the_key_of_a_proxy_is_sent_to_no_other_one() {
    let daemon = Daemon::start();
    let id = daemon.launch_session_with(json!({
        "query": "TEXT one",
        "env": {"PATH": std::env::var("PATH").unwrap(), "ANTHROPIC_API_KEY": IN_ENV},
    }));
    daemon.until_status(&id, "completed");
    let command = "printf %s \"$ANTHROPIC_API_KEY to $ANTHROPIC_BASE_URL\" > seen";
    let query = format!("TOOL Bash {}\nTEXT done", json!({"command": command}));
    let mut last = id;
    for (proxy, expected) in [
        (
            json!({"proxy_base_url": "http://127.0.0.1:9", "proxy_api_key": IN_PROXY}),
            format!("{IN_PROXY} to http://127.0.0.1:9"),
        ),
        (
            json!({"proxy_base_url": "http://127.0.0.1:8"}),
            " to http://127.0.0.1:8".to_owned(),
        ),
    ] {
        let mut params = json!({"session_id": last, "query": query, "proxy_enabled": true});
        for (name, value) in proxy.as_object().unwrap() {
            params[name] = value.clone();
        }
        let child = daemon.call("continueSession", params)["session_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let asked = daemon.until_pending(&child);
        daemon.approve(&asked);
        daemon.until_status(&child, "completed");
        let seen = std::fs::read_to_string(daemon.work().join("seen")).unwrap();
        assert_eq!(seen, expected);
        last = child;
    }
}
