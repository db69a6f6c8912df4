//! `config show|edit`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::cli::{Cli, finish};

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
