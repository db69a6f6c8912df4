//! `rename`, `export`, several ids at once, and what narrows a list.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

#[test]
fn nothing_is_done_to_any_session_unless_all_are_found() {
    let cli = Cli::new();
    let first = cli.launch("TEXT one");
    let second = cli.launch("TEXT two");
    for id in [&first, &second] {
        cli.until_status(id, "completed");
    }
    for verb in ["end", "interrupt", "archive"] {
        let said = cli.run(&[verb, &first, "ffffffffff", &second]);
        assert_eq!(said.code, 3, "{verb}: {said:?}");
        assert!(said.stderr.contains("ffffffffff"), "{verb}: {said:?}");
        assert_eq!(said.stdout, "", "{verb}");
    }
    assert_eq!(cli.session(&first)["live"], true);
    // One that is named twice is ended once.
    let said = cli.ok(&["end", &first[..8], &second, &first]);
    assert_eq!(said.lines().count(), 2, "{said}");
    for id in [&first, &second] {
        cli.until_over(id);
    }
    cli.ok(&["archive", &first, &second]);
    assert_eq!(cli.ok(&["sessions"]), "");
    assert_eq!(cli.ok(&["unarchive", &first]), format!("{first}\n"));
    assert_eq!(cli.ok(&["sessions", "-q"]), format!("{first}\n"));
}

#[test]
fn lists_are_narrowed_by_status_and_number_and_to_ids() {
    let cli = Cli::new();
    let done = cli.launch("TEXT one");
    cli.until_status(&done, "completed");
    let asks = cli.launch("TOOL Bash {\"command\": \"true\"}\nTOOL Bash {\"command\": \"false\"}");
    let approval = cli.until_pending(&asks);
    let approval = approval["id"].as_str().unwrap();
    for name in ["pending", "waiting_input"] {
        assert_eq!(
            cli.ok(&["sessions", "-q", "--status", name]),
            format!("{asks}\n")
        );
    }
    let both = cli.ok(&[
        "sessions",
        "-q",
        "--status",
        "pending",
        "--status",
        "completed",
    ]);
    assert_eq!(both, format!("{asks}\n{done}\n"));
    assert_eq!(
        cli.ok(&["sessions", "-q", "--limit", "1"]),
        format!("{asks}\n")
    );
    assert_eq!(cli.ok(&["sessions", "--status", "failed"]), "");
    let complaint = cli.fails(2, &["sessions", "--status", "sleeping"]);
    assert!(complaint.contains("interrupted"), "{complaint}");
    assert_eq!(cli.ok(&["approvals", "-q"]), format!("{approval}\n"));
    cli.ok(&["approve", approval]);
    let next = cli.until_pending(&asks);
    assert_ne!(next["id"], approval);
    assert_eq!(cli.ok(&["approvals", "--all", "-q"]).lines().count(), 2);
    assert_eq!(
        cli.ok(&["approvals", "--all", "--limit", "1"])
            .lines()
            .count(),
        1
    );
    let last = cli.ok(&["logs", &done, "--limit", "1"]);
    assert_eq!(last, "assistant:\n    one\n");
    assert_eq!(
        cli.ok(&["logs", &done, "--raw", "--limit", "2"])
            .lines()
            .count(),
        2
    );
    cli.ok(&["end", &done]);
    cli.until_over(&done);
    assert_eq!(cli.ok(&["logs", &done, "-f", "--limit", "1"]), last);
}

#[test]
fn a_session_is_renamed_and_a_conversation_exported() {
    let cli = Cli::new();
    let id = cli.launch("TEXT hello\nFREE Bash {\"command\": \"echo there\"}\nTEXT bye");
    cli.until_status(&id, "completed");
    cli.ok(&["rename", &id[..8], "A better title"]);
    assert_eq!(cli.session(&id)["title"], "A better title");
    let text = cli.ok(&["export", &id[..8]]);
    assert!(text.starts_with("# "), "{text}");
    assert!(text.contains(&id), "{text}");
    assert!(text.contains("\n## User\n"), "{text}");
    assert!(text.contains("\n## Assistant\n"), "{text}");
    for part in ["hello", "echo there", "bye"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let file = cli.work().join("session.md");
    cli.ok(&["export", &id, "--output", "session.md"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&file, "mine").unwrap();
    let complaint = cli.fails(1, &["export", &id, "--output", "session.md"]);
    assert!(complaint.contains("session.md"), "{complaint}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let events = cli.json(&["export", &id, "--format", "json"]);
    assert!(events.as_array().unwrap().len() >= 5, "{events}");
    assert_eq!(events[0]["event_type"], "message");
}

#[test]
fn the_longer_pages_are_part_of_the_program() {
    let cli = Cli::new();
    let listed = cli.ok(&["docs"]);
    for (page, part) in [
        ("protocol", "### `launchSession`"),
        ("programs", "# Programs that ask"),
        ("config", "## `dashboard.theme`"),
    ] {
        assert!(listed.contains(page), "{listed}");
        let text = cli.ok(&["docs", page]);
        assert!(text.contains(part), "{page}");
    }
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn ended_sessions_are_deleted_once_a_person_or_yes_says_so() {
    let cli = Cli::new();
    let ids: Vec<String> = (0..3).map(|_| cli.launch("TEXT one")).collect();
    for id in &ids {
        cli.until_status(id, "completed");
    }
    // A live one is not deleted, nor is another with it.
    for id in &ids[..2] {
        cli.ok(&["end", id]);
        cli.until_over(id);
    }
    let complaint = cli.fails(1, &["delete", "--yes", &ids[0], &ids[2]]);
    assert!(complaint.contains("humanlayer end"), "{complaint}");
    // Nobody can be asked here.
    let complaint = cli.fails(2, &["delete", &ids[0]]);
    assert!(complaint.contains("--yes"), "{complaint}");
    cli.fails(3, &["delete", "--yes", &ids[0], "ffffffff"]);
    assert_eq!(cli.ok(&["sessions", "-q"]).lines().count(), 3);

    let mut terminal = Terminal::start((80, 24), &cli.command(&["delete", &ids[0]]));
    terminal.wait_for("Delete 1 session for good? [y/N]");
    terminal.keys("n enter");
    assert_eq!(terminal.wait().exit_code(), 1);
    let mut terminal = Terminal::start((80, 24), &cli.command(&["delete", &ids[0][..8]]));
    terminal.wait_for("[y/N]");
    terminal.keys("y enter");
    assert!(terminal.wait().success());
    cli.fails(3, &["show", &ids[0]]);

    assert_eq!(cli.ok(&["prune", "--older-than", "30d", "--yes"]), "");
    let listed = cli.ok(&["prune", "--older-than", "1ms", "--dry-run"]);
    assert!(
        listed.starts_with(&ids[1]) && listed.lines().count() == 1,
        "{listed}"
    );
    assert_eq!(
        cli.ok(&["prune", "--older-than", "1ms", "--yes"]),
        format!("{}\n", ids[1])
    );
    assert_eq!(
        cli.ok(&["sessions", "--all", "-q"]),
        format!("{}\n", ids[2])
    );
    cli.fails(2, &["prune", "--older-than", "soon"]);
    cli.fails(2, &["prune"]);
}

#[test]
fn what_is_ended_or_interrupted_is_so_when_the_command_returns() {
    let cli = Cli::new();
    let launch = |script: &str| cli.launch(script);
    // Deleted right after its end, resting or in the middle of a turn.
    for script in ["TEXT done", "WAIT 600"] {
        let id = launch(script);
        cli.until_status(
            &id,
            if script == "WAIT 600" {
                "running"
            } else {
                "completed"
            },
        );
        assert!(cli.ok(&["end", &id]).starts_with(&id));
        assert_eq!(cli.session(&id)["live"], false);
        cli.ok(&["delete", "--yes", &id]);
    }
    let id = launch("WAIT 600");
    cli.until_status(&id, "running");
    assert_eq!(cli.ok(&["interrupt", &id]), format!("{id} interrupted\n"));
    cli.ok(&["send", &id, "WAIT 600"]);
    cli.until_status(&id, "running");
    cli.ok(&["archive", "--end", &id]);
    cli.ok(&["delete", "--yes", &id]);
    let id = launch("TEXT done");
    cli.until_status(&id, "completed");
    cli.ok(&["archive", &id]);
    cli.ok(&["delete", "--yes", &id]);
    let id = launch("WAIT 600");
    cli.until_status(&id, "running");
    assert!(cli.ok(&["end", "--no-wait", &id]).starts_with(&id));
}
