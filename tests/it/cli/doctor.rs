//! `doctor`: what works, what does not, and what to do about it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::support::cli::{Cli, finish};

fn finding<'a>(findings: &'a Value, check: &str) -> &'a Value {
    let all = findings.as_array().unwrap();
    all.iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("nothing about {check}: {findings}"))
}

fn examine(command: Command, code: i32) -> Value {
    let said = finish(command, "");
    assert_eq!(said.code, code, "{said:?}");
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn before_anything_ran_all_is_well_and_nothing_is_made() {
    let cli = Cli::new();
    let told = cli.ok(&["doctor"]);
    assert!(told.contains("ok   claude "), "{told}");
    assert!(told.contains("(scripted)"), "{told}");
    assert!(told.contains("warn approvals"), "{told}");
    assert!(!told.contains("FAIL"), "{told}");
    assert!(!cli.state().exists());
}

#[test]
fn the_agents_control_protocol_is_tried_where_it_can_answer() {
    let cli = Cli::new();
    let mut command = cli.command(&["doctor", "--json"]);
    command.env("ANTHROPIC_API_KEY", "none");
    let findings = examine(command, 0);
    assert_eq!(finding(&findings, "approvals")["level"], "ok");
    assert_eq!(finding(&findings, "daemon")["level"], "ok");
}

#[test]
fn doctor_reports_the_program_that_a_running_daemon_uses_and_where_the_terminal_names_another() {
    let cli = Cli::new();
    cli.launch("TEXT x");
    let used = finding(&cli.json(&["doctor", "--json"]), "claude")["message"].clone();
    let other = cli.root().join("other-claude");
    fs::write(&other, "#!/bin/sh\necho 9.9.9\n").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = cli.command(&["doctor", "--json"]);
    command.env("HUMANLAYER_CLAUDE_PATH", &other);
    let findings = examine(command, 0);
    assert_eq!(finding(&findings, "claude")["message"], used);
    let differs = finding(&findings, "claude_path");
    assert_eq!(differs["level"], "warn", "{differs}");
    let said = differs["message"].as_str().unwrap();
    assert!(said.contains(other.to_str().unwrap()), "{said}");
    assert!(said.contains("HUMANLAYER_CLAUDE_PATH"), "{said}");
    // A daemon that is started anew takes what is set.
    let mut restart = cli.command(&["daemon", "restart"]);
    restart.env("HUMANLAYER_CLAUDE_PATH", &other);
    assert_eq!(finish(restart, "").code, 0);
    let mut command = cli.command(&["doctor", "--json"]);
    command.env("HUMANLAYER_CLAUDE_PATH", &other);
    let findings = examine(command, 0);
    let said = finding(&findings, "claude")["message"].to_string();
    assert!(said.contains("9.9.9"), "{said}");
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["check"] != "claude_path")
    );
}

#[test]
fn a_running_daemon_is_told_and_one_that_was_killed() {
    let cli = Cli::new();
    cli.launch("TEXT x");
    let findings = cli.json(&["doctor", "--json"]);
    let daemon = finding(&findings, "daemon")["message"].as_str().unwrap();
    let pid = format!("pid {}", cli.daemon_pid().unwrap());
    assert!(
        daemon.contains(&pid) && daemon.contains("1 live session"),
        "{daemon}"
    );
    let database = finding(&findings, "database")["message"].as_str().unwrap();
    assert!(database.contains("1 sessions"), "{database}");
    cli.kill_daemon();
    let findings = cli.json(&["doctor", "--json"]);
    assert_eq!(finding(&findings, "daemon")["level"], "warn");
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn a_missing_or_broken_agent_is_a_failure_with_a_remedy() {
    let cli = Cli::new();
    let mut command = cli.command(&["doctor", "--json"]);
    command.env("HUMANLAYER_CLAUDE_PATH", "/nowhere/claude");
    let findings = examine(command, 1);
    let claude = finding(&findings, "claude");
    assert_eq!(claude["level"], "fail");
    assert!(
        claude["message"]
            .as_str()
            .unwrap()
            .contains("/nowhere/claude")
    );
    assert!(claude["next"].is_string());
    let mut command = cli.command(&["doctor", "--json"]);
    command
        .env_remove("HUMANLAYER_CLAUDE_PATH")
        .env("PATH", cli.work());
    let findings = examine(command, 1);
    let next = finding(&findings, "claude")["next"].as_str().unwrap();
    assert!(next.contains("npm install"), "{next}");
    // One that is there but no agent.
    let mut command = cli.command(&["doctor", "--json"]);
    command
        .env("HUMANLAYER_CLAUDE_PATH", "/bin/false")
        .env("ANTHROPIC_API_KEY", "none");
    assert_eq!(finding(&examine(command, 1), "claude")["level"], "fail");
}

#[test]
fn a_corrupt_database_is_a_failure_and_left_as_it_is() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    cli.ok(&["daemon", "stop"]);
    let database = cli.state().join("daemon.db");
    fs::write(&database, vec![b'x'; 8192]).unwrap();
    let findings = examine(cli.command(&["doctor", "--json"]), 1);
    let found = finding(&findings, "database");
    assert_eq!(found["level"], "fail");
    assert!(
        found["message"].as_str().unwrap().contains("damaged"),
        "{found}"
    );
    assert_eq!(fs::read(&database).unwrap(), vec![b'x'; 8192]);
    let complaint = cli.fails(5, &["sessions"]);
    assert!(complaint.contains("damaged"), "{complaint}");
}

#[test]
fn doctor_fails_wherever_a_launch_would() {
    let cli = Cli::new();
    // Nobody can make a directory in /proc, as on a disk that is mounted read-only.
    let command = |arguments: &[&str]| {
        let mut command = cli.command(arguments);
        command.env("HOME", "/proc");
        command
    };
    let findings = examine(command(&["doctor", "--json"]), 1);
    for check in ["socket", "database"] {
        let found = finding(&findings, check);
        assert_eq!(found["level"], "fail", "{found}");
        let next = found["next"].as_str().unwrap();
        assert!(next.contains("HUMANLAYER_D"), "{next}");
    }
    let said = finish(command(&["launch", "TEXT hi"]), "");
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("humanlayer doctor"), "{said:?}");
}

#[test]
fn a_long_home_directory_is_no_obstacle() {
    let cli = Cli::new();
    let home = cli
        .root()
        .join("h".repeat(75 - cli.root().as_os_str().len()));
    std::fs::create_dir(&home).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = cli.command(arguments);
        command.env("HOME", &home);
        finish(command, "").ok()
    };
    run(&["doctor"]);
    let said = run(&["launch", "--follow", "TEXT hello from afar"]);
    assert!(said.contains("hello from afar"), "{said}");
    let id = said.lines().next().unwrap().to_owned();
    run(&["end", &id]);
    run(&["daemon", "stop"]);
}
