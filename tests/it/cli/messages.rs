//! `send`, `continue`, `interrupt`, `end` and `archive`.

use std::fs;

use crate::support::cli::{Cli, finish};

#[test]
fn a_live_session_takes_another_message() {
    let cli = Cli::new();
    let id = cli.launch("TEXT one");
    cli.until_status(&id, "completed");
    let said = cli.ok(&["send", &id[..8], "TEXT two"]);
    assert!(said.starts_with(&id), "{said}");
    crate::support::daemon::wait_until("the second answer", || {
        (cli.session(&id)["result"] == "two").then_some(())
    });
    let said = finish(cli.command(&["send", &id[..8], "-"]), "TEXT three");
    said.ok();
    crate::support::daemon::wait_until("the third answer", || {
        (cli.session(&id)["result"] == "three").then_some(())
    });
    assert!(cli.fails(2, &["send", &id, " "]).contains("empty"));
}

#[test]
fn a_message_to_an_ended_session_resumes_it() {
    let cli = Cli::new();
    let id = cli.launch("TEXT one");
    cli.until_status(&id, "completed");
    assert!(cli.ok(&["end", &id[..8]]).starts_with(&id));
    cli.until_over(&id);
    let said = cli.ok(&["send", &id[..8], "TEXT two"]);
    assert!(said.starts_with(&id), "{said}");
    crate::support::daemon::wait_until("the second answer", || {
        (cli.session(&id)["result"] == "two").then_some(())
    });
    cli.ok(&["end", &id]);
    cli.until_over(&id);
    assert_eq!(cli.ok(&["continue", &id[..8], "TEXT three"]).trim_end(), id);
    crate::support::daemon::wait_until("the third answer", || {
        (cli.session(&id)["result"] == "three").then_some(())
    });
    assert_eq!(cli.ok(&["sessions"]).lines().count(), 1);
    let told = cli.ok(&["logs", &id]);
    let place = |text: &str| told.find(&format!("    {text}\n"));
    assert!(
        place("one").is_some() && place("one") < place("two"),
        "{told}"
    );
    assert!(place("two") < place("three"), "{told}");
}

#[test]
fn a_fork_leaves_the_old_conversation_as_it_is() {
    let cli = Cli::new();
    let id = cli.launch("TEXT one");
    let before = cli.until_status(&id, "completed");
    let answer = cli.json(&["continue", &id[..8], "--fork", "TEXT aside", "--json"]);
    let fork = answer["session_id"].as_str().unwrap();
    let session = cli.until_status(fork, "completed");
    assert_eq!(session["result"], "aside");
    assert_ne!(session["claude_session_id"], before["claude_session_id"]);
    // The old one lives on and knows nothing of it.
    let after = cli.session(&id);
    assert_eq!(after["result"], "one");
    assert_eq!(after["live"], true);
}

#[test]
fn an_interrupted_agent_stops_and_listens() {
    let cli = Cli::new();
    let id = cli.launch("TEXT one\nTOUCH begun\nWAITFILE never\nTEXT two");
    crate::support::daemon::wait_until("the agent is at it", || {
        cli.work().join("begun").exists().then_some(())
    });
    let said = cli.ok(&["interrupt", &id[..8]]);
    assert!(said.starts_with(&id), "{said}");
    cli.until_status(&id, "interrupted");
    cli.ok(&["send", &id[..8], "TEXT three"]);
    assert_eq!(cli.until_status(&id, "completed")["result"], "three");
}

#[test]
fn put_away_sessions_are_listed_only_when_asked_for_and_come_back() {
    let cli = Cli::new();
    let first = cli.launch("TEXT one");
    let second = cli.launch("TEXT two");
    for id in [&first, &second] {
        cli.until_status(id, "completed");
        cli.ok(&["end", id]);
        cli.until_over(id);
    }
    let said = cli.ok(&["archive", &first[..8], &second]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(cli.ok(&["sessions"]), "");
    assert_eq!(cli.ok(&["sessions", "--all"]).lines().count(), 2);
    cli.ok(&["archive", "--undo", &first[..8]]);
    let listed = cli.ok(&["sessions"]);
    assert!(listed.starts_with(&first), "{listed}");
    assert_eq!(listed.lines().count(), 1);
    // With one that is unknown, none is archived.
    let said = cli.run(&["archive", &first, "ffffffffff"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("ffffffffff"), "{said:?}");
    assert_eq!(cli.ok(&["sessions"]).lines().count(), 1);
}

#[test]
fn the_agent_gets_the_environment_in_which_the_verb_was_typed() {
    let cli = Cli::new();
    let script = r#"FREE Bash {"command": "echo $WHO $HUMANLAYER_SESSION_ID > told"}"#;
    let mut command = cli.command(&["launch", script]);
    command.env("WHO", "me");
    let id = finish(command, "").ok();
    let id = id.trim_end();
    cli.until_status(id, "completed");
    let told = fs::read_to_string(cli.work().join("told")).unwrap();
    assert_eq!(told, format!("me {id}\n"));
}

#[test]
fn a_queued_message_is_shown_as_such_and_withdrawn() {
    let cli = Cli::new();
    let id = cli.launch("WAITFILE go\nTEXT one");
    cli.until_status(&id, "running");
    let told = cli.run(&["send", &id, "TEXT two"]).stderr;
    assert!(told.contains("Queued: the agent reads it"), "{told}");
    let shown = cli.ok(&["show", &id]);
    assert!(
        shown.contains("queued") && shown.contains("TEXT two"),
        "{shown}"
    );
    let log = cli.ok(&["logs", &id]);
    assert!(
        log.contains("queued: the agent has not read it yet"),
        "{log}"
    );
    let done = cli.ok(&["unsend", &id]);
    assert!(
        done.contains("Withdrawn") && done.contains("TEXT two"),
        "{done}"
    );
    let log = cli.ok(&["logs", &id]);
    assert!(
        log.contains("withdrawn: the agent did not read it"),
        "{log}"
    );
    let refused = cli.fails(1, &["unsend", &id]);
    assert!(
        refused.contains("no message that the agent has not read"),
        "{refused}"
    );
}
