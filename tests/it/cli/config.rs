//! The configuration: `config list|show|get|keys|edit|schema`, and mistakes in the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::cli::{Cli, finish};
use crate::support::terminal::Terminal;

fn script(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("editor with a space");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

#[test]
fn every_value_is_shown_with_its_source_and_secrets_are_not() {
    let cli = Cli::new();
    let folder = cli.home().join(".config/humanlayer");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("humanlayer.json"),
        r#"{"session_idle_minutes": 3, "api_key": "sk-very-secret-key", "thoughts": {}}"#,
    )
    .unwrap();
    let told = cli.ok(&["config", "show", "--daemon-socket", "/x/y.sock"]);
    let rows: Vec<Vec<&str>> = told
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let row = |key: &str| rows.iter().find(|row| row[0] == key).unwrap();
    assert_eq!(
        row("daemon_socket")[1..],
        ["/x/y.sock", "flag --daemon-socket"]
    );
    assert_eq!(
        row("log_level")[1..],
        ["debug", "environment HUMANLAYER_LOG_LEVEL"]
    );
    let idle = row("session_idle_minutes");
    assert!(idle[2].contains("humanlayer.json"), "{idle:?}");
    assert_eq!(row("http_host")[2], "default");
    assert!(!told.contains("secret"), "{told}");
    let entries = cli.json(&["config", "show", "--json"]);
    assert!(!entries.to_string().contains("secret"), "{entries}");
    let entry = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["key"] == "session_idle_minutes")
        .unwrap();
    assert_eq!(entry["value"], 3.0);
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn the_editor_gets_the_file_and_mistakes_are_named() {
    let cli = Cli::new();
    let file = cli.home().join(".config/humanlayer/humanlayer.json");
    let editor = script(
        cli.root(),
        r#"echo "$2" > told; printf '%s' "$CONTENT" > "$2""#,
    );
    let edit = |content: &str| {
        let mut command = cli.command(&["config", "edit"]);
        // An editor may come with arguments.
        command.env("EDITOR", format!("'{}' --wait", editor.display()));
        command.env("CONTENT", content);
        finish(command, "")
    };
    edit(r#"{"log_level": "warn"}"#).ok();
    let told = fs::read_to_string(cli.work().join("told")).unwrap();
    assert_eq!(told.trim_end(), file.to_str().unwrap());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let complaint = edit(r#"{"log_level": 7}"#).failed(1);
    assert!(complaint.contains("log_level"), "{complaint}");
    let complaint = edit("{").failed(1);
    assert!(complaint.contains("not valid JSON"), "{complaint}");
    // The other verbs refuse to guess what was meant.
    let complaint = cli.fails(2, &["sessions"]);
    assert!(complaint.contains("humanlayer config edit"), "{complaint}");
    let told = cli.run(&["doctor"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("FAIL configuration"), "{told:?}");
    // Names that only the dashboard knows are checked too.
    for (content, said) in [
        (
            r#"{"dashboard": {"keys": {"aprove": "y"}}}"#,
            "did you mean `approve`?",
        ),
        (
            r#"{"dashboard": {"theme": "lihgt"}}"#,
            "did you mean `light`?",
        ),
    ] {
        let complaint = edit(content).failed(1);
        assert!(complaint.contains(said), "{complaint}");
        let told = cli.run(&["doctor"]);
        assert!(told.stdout.contains("FAIL configuration"), "{told:?}");
    }
    edit("{}").ok();
    let told = cli.ok(&["config", "show"]);
    assert!(told.contains("dashboard.theme"), "{told}");
}

#[test]
fn an_editor_that_fails_is_told() {
    let cli = Cli::new();
    let mut command = cli.command(&["config", "edit"]);
    command.env("VISUAL", "false");
    let complaint = finish(command, "").failed(1);
    assert!(complaint.contains("EDITOR"), "{complaint}");
}

fn write_own(cli: &Cli, text: &str) {
    let folder = cli.home().join(".config/humanlayer");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("humanlayer.json"), text).unwrap();
}

#[test]
fn every_setting_is_listed_with_value_source_allowed_values_and_a_sentence() {
    let cli = Cli::new();
    write_own(
        &cli,
        r#"{"session_idle_minutes": 3, "dashboard": {"theme": "light"}}"#,
    );
    let listed = cli.json(&["config", "list", "--json"]);
    let listed = listed.as_array().unwrap();
    let shown = cli.json(&["config", "show", "--json"]);
    assert_eq!(listed.len(), shown.as_array().unwrap().len());
    for setting in listed {
        for key in ["source", "allowed", "description"] {
            assert_ne!(setting[key].as_str().unwrap(), "", "{setting}");
        }
    }
    let of = |key: &str| listed.iter().find(|setting| setting["key"] == key).unwrap();
    assert_eq!(of("session_idle_minutes")["default"], 10.0);
    assert!(
        of("dashboard.theme")["allowed"]
            .as_str()
            .unwrap()
            .contains("light, ")
    );
    assert_eq!(of("dashboard.keys")["project_file"], false);
    assert_eq!(of("log_level")["environment"][0], "HUMANLAYER_LOG_LEVEL");
    for row in cli.ok(&["config", "list"]).lines() {
        assert_eq!(row.split('\t').count(), 6, "{row}");
    }
    assert_eq!(cli.ok(&["config", "get", "dashboard.theme"]), "light\n");
    let complaint = cli.fails(2, &["config", "get", "dashboard.them"]);
    assert!(
        complaint.contains("did you mean dashboard.theme?"),
        "{complaint}"
    );
    let keys = cli.ok(&["config", "keys"]);
    assert!(
        keys.lines().any(|row| row.starts_with("approve\ty\t")),
        "{keys}"
    );
    let schema = cli.json(&["config", "schema"]);
    assert_eq!(
        schema["properties"]["dashboard"]["properties"]["theme"]["enum"][0],
        "dark"
    );
    // On a terminal it is to be read.
    let mut terminal = Terminal::start((80, 24), &cli.command(&["config", "list"]));
    assert!(terminal.wait().success());
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(raw.contains("session_idle_minutes = 3.0 (file "), "{raw}");
    assert!(
        raw.contains("Allowed: a number of minutes above 0"),
        "{raw}"
    );
    assert!(
        raw.lines()
            .all(|line| line.trim_end().chars().count() <= 160),
        "{raw}"
    );
}

#[test]
fn unknown_keys_are_warnings_at_the_start_and_errors_for_the_doctor() {
    let cli = Cli::new();
    write_own(
        &cli,
        r#"{"log_levle": "warn", "dashboard": {"tehme": "light", "keys": {"aprove": "y", "interrupt": "n"}}}"#,
    );
    let said = cli.run(&["sessions"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("unknown key `log_levle`"), "{said:?}");
    assert!(
        said.stderr.contains("did you mean `dashboard.theme`?"),
        "{said:?}"
    );
    assert!(said.stderr.contains("did you mean `approve`?"), "{said:?}");
    assert!(said.stderr.contains("1 more"), "{said:?}");
    let examined = cli.run(&["doctor"]);
    assert_eq!(examined.code, 1, "{examined:?}");
    for mistake in [
        "`log_levle`",
        "`dashboard.tehme`",
        "`dashboard.keys.aprove` names no action",
        "`dashboard.keys.interrupt` takes n from `deny`, which has no key now",
    ] {
        let found = examined
            .stdout
            .lines()
            .any(|line| line.starts_with("FAIL configuration") && line.contains(mistake));
        assert!(found, "{mistake}: {examined:?}");
    }
    let log = cli.ok(&["daemon", "logs"]);
    assert!(log.contains("unknown key `log_levle`"), "{log}");
    let terminal = Terminal::start((100, 30), &cli.command(&[]));
    terminal.wait_for("unknown key `log_levle`");
}

/// A clone of a stranger's repository brings a file that names another daemon, another database and
/// other keys: none of it has an effect, and each is said.
#[test]
fn a_projects_file_chooses_no_daemon_and_no_program() {
    let cli = Cli::new();
    fs::write(
        cli.work().join("humanlayer.json"),
        r#"{"daemon_socket": "theirs.sock", "database_path": "theirs.db", "claude_path": "theirs"}"#,
    )
    .unwrap();
    let said = cli.run(&["sessions"]);
    assert_eq!(said.code, 0, "{said:?}");
    for key in ["daemon_socket", "database_path", "claude_path"] {
        let warning = format!("`{key}` in ");
        assert!(said.stderr.contains(&warning), "{said:?}");
    }
    assert!(said.stderr.contains("is ignored"), "{said:?}");
    assert!(
        cli.daemon_pid().is_some(),
        "the user's own daemon was asked"
    );
    for file in ["theirs.sock", "theirs.db"] {
        assert!(!cli.work().join(file).exists(), "{file}");
    }
}

/// A clone that brings everything that this program, the daemon or Claude Code might read: looking, listing
/// and examining there runs nothing and changes nothing, and nobody is locked out.
#[test]
fn a_hostile_clone_runs_nothing_and_locks_nobody_out() {
    let cli = Cli::new();
    let work = cli.work();
    let mark = work.join("ran");
    let run = format!("touch '{}'", mark.display());
    fs::create_dir(work.join("bin")).unwrap();
    let program = script(&work.join("bin"), &run);
    let names = [
        "claude",
        "git",
        "humanlayer",
        "sh",
        "xdg-open",
        "node",
        "tmux",
    ];
    for name in names {
        fs::copy(&program, work.join("bin").join(name)).unwrap();
        fs::copy(&program, work.join(name)).unwrap();
    }
    let hooks = serde_json::json!({"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": run}]}]},
        "apiKeyHelper": run, "statusLine": {"type": "command", "command": run}});
    let servers =
        serde_json::json!({"mcpServers": {"evil": {"command": "sh", "args": ["-c", run]}}});
    fs::create_dir_all(work.join(".claude")).unwrap();
    fs::create_dir_all(work.join(".git/hooks")).unwrap();
    fs::create_dir_all(work.join("theirs/sessions/evil")).unwrap();
    fs::write(work.join(".claude/settings.json"), hooks.to_string()).unwrap();
    fs::write(work.join(".mcp.json"), servers.to_string()).unwrap();
    fs::write(
        work.join(".git/config"),
        format!("[core]\n\tfsmonitor = {run}\n\tpager = {run}\n\thooksPath = hooks\n"),
    )
    .unwrap();
    fs::write(work.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(work.join(".envrc"), &run).unwrap();
    fs::write(work.join("theirs/sessions/evil/spec.json"), "{}").unwrap();
    let settings = serde_json::json!({
        "daemon_socket": "theirs/daemon.sock", "database_path": "theirs/daemon.db", "claude_path": "claude",
        "api_key": "theirs", "api_base_url": "http://127.0.0.1:1/", "http_port": 0,
        "session_idle_minutes": 0.01, "log_level": "trace",
        "dashboard": {"decision_guard_ms": 0, "bell": [run], "editor": run, "desktop": run, "keys": {"approve": ["x"]}},
    });
    fs::write(work.join("humanlayer.json"), settings.to_string()).unwrap();
    for arguments in [
        &["sessions"][..],
        &["approvals"],
        &["status"],
        &["config", "list"],
        &["config", "schema"],
        &["doctor"],
        &["alarms"],
        &["search", "x"],
        &["daemon", "status"],
    ] {
        let said = cli.run(arguments);
        assert!(said.code != 101, "{arguments:?} {said:?}");
        assert!(!mark.exists(), "{arguments:?} ran something");
    }
    let terminal = Terminal::start((100, 30), &cli.command(&[]));
    terminal.wait_for("humanlayer");
    drop(terminal);
    let listed = cli.ok(&["config", "list"]);
    let guard = listed
        .lines()
        .find(|line| line.contains("decision_guard_ms"))
        .unwrap();
    assert!(!guard.contains("humanlayer.json"), "{guard}");
    assert!(!work.join("theirs/daemon.sock").exists() && !work.join("theirs/daemon.db").exists());
    assert!(!mark.exists());
    // What makes no sense, or has no end, keeps nobody from deciding there.
    for text in [
        "{",
        "[]",
        "{\"dashboard\": 1}",
        "{\"dashboard\": {\"theme\": 7}}",
    ] {
        fs::write(work.join("humanlayer.json"), text).unwrap();
        let said = cli.run(&["approvals"]);
        assert_eq!(said.code, 0, "{text}: {said:?}");
        assert!(said.stderr.contains("is ignored"), "{text}: {said:?}");
    }
    fs::remove_file(work.join("humanlayer.json")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(work.join("humanlayer.json"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(cli.run(&["approvals"]).code, 0);
    fs::remove_file(work.join("humanlayer.json")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", work.join("humanlayer.json")).unwrap();
    assert_eq!(cli.run(&["approvals"]).code, 0);
}

#[test]
fn a_directory_that_others_can_write_to_keeps_no_database() {
    let cli = Cli::new();
    let open = cli.work().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    for (name, file) in [
        ("HUMANLAYER_DATABASE_PATH", "daemon.db"),
        ("HUMANLAYER_DAEMON_SOCKET", "daemon.sock"),
    ] {
        let started = cli
            .command(&["daemon", "start"])
            .env(name, open.join(file))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&started.stderr).into_owned();
        assert!(!started.status.success(), "{name}");
        assert!(said.contains("every user can write there"), "{said}");
    }
}
