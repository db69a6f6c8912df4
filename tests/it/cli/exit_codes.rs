//! The exit codes, each provoked, and that a refusal says what to do.

use crate::support::cli::Cli;

#[test]
fn what_is_not_there_is_not_found() {
    let cli = Cli::new();
    let cases: [&[&str]; 11] = [
        &["show", "ffffffff"],
        &["logs", "ffffffff"],
        &["logs", "ffffffff", "-f"],
        &["send", "ffffffff", "TEXT x"],
        &["continue", "ffffffff", "TEXT x"],
        &["interrupt", "ffffffff"],
        &["end", "ffffffff"],
        &["approvals", "--session", "ffffffff"],
        &["approve", "ffffffff"],
        &["deny", "ffffffff", "-m", "no"],
        &["answer", "ffffffff", "1"],
    ];
    for arguments in cases {
        let said = cli.run(arguments);
        assert_eq!(said.stdout, "", "{arguments:?}");
        let complaint = said.failed(3);
        assert!(complaint.starts_with("humanlayer: "), "{complaint}");
        assert!(complaint.contains("ffffffff"), "{arguments:?}: {complaint}");
        // The next step is on a line of its own.
        assert!(complaint.contains("\n  "), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_wrong_command_line_is_usage_and_needs_no_daemon() {
    let cli = Cli::new();
    let cases: [&[&str]; 9] = [
        &["nonsense"],
        &["sessions", "--nonsense"],
        &["show"],
        &["deny", "ffffffff"],
        &["answer", "ffffffff"],
        &["archive"],
        &["--headless", "sessions"],
        &["approve", "ffffffff", "--input", "{"],
        &["completions", "nonsense"],
    ];
    for arguments in cases {
        let said = cli.run(arguments);
        assert_eq!(said.stdout, "", "{arguments:?}");
        assert!(!said.stderr.is_empty(), "{arguments:?}");
        said.failed(2);
    }
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn a_prefix_of_several_ids_is_refused_not_guessed() {
    let cli = Cli::new();
    // Ids are hexadecimal, so of seventeen two begin alike.
    for _ in 0..17 {
        cli.launch("TEXT x");
    }
    let listed = cli.ok(&["sessions"]);
    let firsts: Vec<&str> = listed.lines().map(|line| &line[..1]).collect();
    let twice = firsts
        .iter()
        .find(|first| firsts.iter().filter(|other| other == first).count() > 1)
        .unwrap();
    let said = cli.run(&["show", twice]);
    assert_eq!(said.stdout, "");
    let complaint = said.failed(2);
    assert!(complaint.contains("more than one session"), "{complaint}");
}

#[test]
fn without_a_daemon_those_that_only_look_say_so_and_start_none() {
    let cli = Cli::new();
    let complaint = cli.fails(5, &["daemon", "status"]);
    assert!(complaint.contains("humanlayer daemon start"), "{complaint}");
    assert_eq!(cli.ok(&["daemon", "stop"]), "the daemon was not running\n");
    cli.fails(3, &["daemon", "logs"]);
    cli.ok(&["config", "show"]);
    cli.ok(&["doctor"]);
    cli.ok(&["completions", "bash"]);
    assert!(!cli.state().exists());
}

#[test]
fn a_verb_that_is_mistyped_is_named_by_the_one_that_is_meant() {
    let cli = Cli::new();
    for (typed, meant) in [
        ("aprove", "approve"),
        ("dney", "deny"),
        ("sesions", "sessions"),
        ("archve", "archive"),
    ] {
        let complaint = cli.fails(2, &[typed]);
        assert!(complaint.contains(&format!("'{meant}'")), "{complaint}");
        for other in ["prune", "unarchive", "approvals"] {
            assert!(!complaint.contains(&format!("'{other}'")), "{complaint}");
        }
    }
}
