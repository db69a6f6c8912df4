//! `launch`: the ways to hand a query in, and to follow what comes of it.

use serde_json::json;

use crate::support::cli::{Cli, Running, finish};

#[test]
fn the_first_command_starts_the_daemon_and_prints_the_sessions_id() {
    let cli = Cli::new();
    assert_eq!(cli.daemon_pid(), None);
    let said = cli.run(&["launch", "TEXT hello"]);
    assert_eq!(said.stderr, "");
    let id = said.ok();
    let id = id.strip_suffix('\n').unwrap();
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    assert!(cli.daemon_pid().is_some());
    let session = cli.until_status(id, "completed");
    assert_eq!(session["result"], "hello");
    // The agent works where the command was typed.
    assert_eq!(session["working_dir"], json!(cli.work()));
}

#[test]
fn a_query_comes_from_standard_input_too() {
    let cli = Cli::new();
    let said = finish(cli.command(&["launch", "-"]), "TEXT from a pipe\n");
    let id = said.ok();
    let session = cli.until_status(id.trim_end(), "completed");
    assert_eq!(session["query"], "TEXT from a pipe\n");
    assert_eq!(session["result"], "from a pipe");
}

#[test]
fn the_options_reach_the_session() {
    let cli = Cli::new();
    let other = cli.root().join("home");
    let answer = cli.json(&[
        "launch",
        "TEXT hello",
        "--title",
        "A title",
        "--model",
        "opus",
        "--working-dir",
        "~",
        "--max-turns",
        "7",
        "--json",
    ]);
    let id = answer["session_id"].as_str().unwrap();
    let session = cli.until_status(id, "completed");
    assert_eq!(answer["run_id"], session["run_id"]);
    assert_eq!(session["title"], "A title");
    assert_eq!(session["working_dir"], json!(other));
    assert_eq!(session["model"], "opus");
}

#[test]
fn what_would_be_asked_is_refused_without_approvals_and_done_when_all_is_skipped() {
    let cli = Cli::new();
    let script = r#"TOOL Bash {"command": "touch made"}"#;
    let id = cli.ok(&["launch", script, "--no-approvals"]);
    cli.until_status(id.trim_end(), "completed");
    assert!(!cli.work().join("made").exists());
    let id = cli.ok(&[
        "launch",
        script,
        "--dangerously-skip-permissions",
        "--dangerously-skip-permissions-timeout",
        "5",
    ]);
    cli.until_status(id.trim_end(), "completed");
    assert!(cli.work().join("made").exists());
    assert!(
        cli.ok(&["show", id.trim_end()])
            .contains("everything is approved without asking until")
    );
}

#[test]
fn following_shows_the_question_and_goes_on_when_another_process_answers_it() {
    let cli = Cli::new();
    let script = "TEXT first\nTOOL Bash {\"command\": \"touch made\"}\nTEXT last";
    let mut follower = cli.start(&["launch", script, "--follow"]);
    let id = follower.line().unwrap();
    follower.until("the question", |line| line == "Bash (permission), pending");
    follower.until("its input", |line| line == "    command: touch made");
    // What it says to type is what works.
    let how = follower.until("what to do", |line| line.starts_with("decide: "));
    let short = how.split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(short.len(), 8, "{how}");
    cli.ok(&["approve", &short]);
    let said = follower.wait();
    assert_eq!(said.stderr, "");
    let told = said.ok();
    for part in ["assistant:\n    first\n", "result:\n", "    last\n"] {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
    assert!(cli.work().join("made").exists());
    // It followed the turn; the session may be given more to do.
    assert_eq!(cli.session(&id)["live"], true);
}

#[test]
fn following_a_turn_that_fails_fails() {
    let cli = Cli::new();
    let said = cli.run(&["launch", "TEXT before\nCRASH", "--follow"]);
    assert!(said.stdout.contains("before"), "{said:?}");
    let complaint = said.failed(1);
    assert!(complaint.contains("the agent"), "{complaint}");
}

#[test]
fn interrupting_the_follower_leaves_the_session_alone() {
    let cli = Cli::new();
    let mut follower = cli.start(&["launch", "TEXT first\nWAITFILE go\nTEXT last", "--follow"]);
    let id = follower.line().unwrap();
    follower.until("the first words", |line| line == "    first");
    interrupt(&follower);
    follower.wait();
    std::fs::write(cli.work().join("go"), "").unwrap();
    assert_eq!(cli.until_status(&id, "completed")["result"], "last");
}

/// What Ctrl-C does.
fn interrupt(follower: &Running) {
    follower.signal(rustix::process::Signal::INT);
}

#[test]
fn a_wrong_launch_starts_nothing_and_says_why() {
    let cli = Cli::new();
    let cases: [(&[&str], &str); 8] = [
        (&["launch"], "<PROMPT>"),
        (&["launch", "  "], "the query is empty"),
        (&["launch", "x", "-w", "/nowhere"], "directory /nowhere"),
        (&["launch", "x", "--max-turns", "0"], "--max-turns"),
        (
            &["launch", "x", "--mcp-config", "{"],
            "--mcp-config is not valid JSON",
        ),
        (
            &["launch", "x", "--agent", "scripted"],
            "unexpected argument",
        ),
        (
            &["launch", "x", "--follow", "--json"],
            "cannot be used with",
        ),
        (
            &["launch", "x", "--dangerously-skip-permissions-timeout", "5"],
            "--dangerously-skip-permissions",
        ),
    ];
    for (arguments, part) in cases {
        let complaint = cli.fails(2, arguments);
        assert!(complaint.contains(part), "{arguments:?}: {complaint}");
    }
    // None of these even needs a daemon.
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn a_launch_without_claude_fails_and_says_what_to_do() {
    let cli = Cli::new();
    let mut command = cli.command(&["launch", "x"]);
    command.env("HUMANLAYER_CLAUDE_PATH", "/nowhere/claude");
    let complaint = finish(command, "").failed(1);
    assert!(complaint.contains("/nowhere/claude"), "{complaint}");
    assert_eq!(cli.ok(&["sessions"]), "");
}
