//! The verbs that only look: `sessions`, `show`, `logs`, `approvals`, `rpc`, and no verb at all.

use crate::support::cli::{Cli, finish};

fn columns(line: &str) -> Vec<&str> {
    line.split('\t').collect()
}

#[test]
fn sessions_are_rows_of_whole_values_for_a_pipe() {
    let cli = Cli::new();
    assert_eq!(cli.ok(&["sessions"]), "");
    assert_eq!(cli.ok(&["sessions", "--json"]), "[]\n");
    let first = cli.launch("TEXT one");
    cli.until_status(&first, "completed");
    let second = cli.ok(&["launch", "TEXT two", "--title", "Second"]);
    let second = second.trim_end();
    cli.until_status(second, "completed");
    let listed = cli.ok(&["sessions"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(columns).collect();
    assert_eq!(rows.len(), 2, "{listed}");
    // The last active comes first.
    assert_eq!(rows[0][..3], [second, "completed", "Second"]);
    assert_eq!(rows[1][..3], [first.as_str(), "completed", "TEXT one"]);
    for row in &rows {
        assert_eq!(row.len(), 7, "{row:?}");
        assert_eq!(row[3], cli.work().to_str().unwrap());
        assert!(row[6].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
    }
    let listed = cli.json(&["sessions", "--json"]);
    assert_eq!(listed[0]["id"], second);
    assert_eq!(listed[1]["id"], first);
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[test]
fn a_unique_prefix_shows_a_session_or_an_approval() {
    let cli = Cli::new();
    let id = cli.launch(r#"TOOL Bash {"command": "touch made"}"#);
    let approval = cli.until_pending(&id);
    let approval_id = approval["id"].as_str().unwrap();
    let shown = cli.ok(&["show", &id[..8]]);
    for part in [
        id.as_str(),
        approval_id,
        "pending",
        "process     live",
        "command: touch made",
        "decide: humanlayer approve ",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in {shown}");
    }
    assert_eq!(cli.json(&["show", &id[..8], "--json"])["id"], id.as_str());
    let short = &approval_id["local-".len()..][..8];
    for prefix in [short, &approval_id[.."local-".len() + 8], approval_id] {
        let shown = cli.ok(&["show", prefix]);
        assert!(shown.starts_with("Bash (permission), pending\n"), "{shown}");
        let grants = "can grant with it\n    --always           allow Bash(";
        assert!(shown.contains(grants), "{shown}");
        let shown = cli.json(&["show", prefix, "--json"]);
        assert_eq!(shown["id"], approval_id);
    }
}

#[test]
fn approvals_are_listed_pending_or_all_for_all_or_one_session() {
    let cli = Cli::new();
    assert_eq!(cli.ok(&["approvals"]), "");
    let script = r#"TOOL Bash {"command": "true"}"#;
    let first = cli.launch(script);
    let second = cli.launch(r#"TOOL Write {"file_path": "/tmp/x", "content": "y"}"#);
    let asked = cli.until_pending(&first);
    let other = cli.until_pending(&second);
    let listed = cli.ok(&["approvals"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(columns).collect();
    assert_eq!(rows.len(), 2, "{listed}");
    let row = rows.iter().find(|row| row[1] == first).unwrap();
    let whole = asked["id"].as_str().unwrap();
    assert_eq!(row[..5], [whole, &first, "Bash", "true", "pending"]);
    assert!(row[5].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
    let row = rows.iter().find(|row| row[1] == second).unwrap();
    assert_eq!(row[2..5], ["Write", "/tmp/x", "pending"]);

    cli.ok(&["deny", whole, "-m", "no"]);
    let left = cli.json(&["approvals", "--json"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["id"], other["id"]);
    assert_eq!(cli.ok(&["approvals", "--session", &first[..8]]), "");
    let all = cli.json(&["approvals", "--all", "--session", &first[..8], "--json"]);
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(all[0]["outcome"], "denied");
    assert_eq!(cli.ok(&["approvals", "--all"]).lines().count(), 2);
}

#[test]
fn logs_tell_what_was_said_and_done() {
    let cli = Cli::new();
    let id = cli.launch("TEXT hello\nFREE Bash {\"command\": \"echo there\"}\nTEXT bye");
    cli.until_status(&id, "completed");
    let told = cli.ok(&["logs", &id[..8]]);
    let expected = "assistant:\n    hello\ncalls Bash:\n    command: echo there\n\
                    result:\n    there\nassistant:\n    bye\n";
    assert!(told.ends_with(expected), "{told}");
    assert!(told.starts_with("user:\n    TEXT hello\n"), "{told}");
    let raw = cli.ok(&["logs", &id[..8], "--raw"]);
    let kinds: Vec<String> = raw
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect();
    assert!(kinds.contains(&"result".to_owned()), "{kinds:?}");
}

#[test]
fn any_method_can_be_called() {
    let cli = Cli::new();
    assert_eq!(cli.json(&["rpc", "health"])["status"], "ok");
    let id = cli.launch("TEXT hello");
    let parameters = format!(r#"{{"session_id": "{id}"}}"#);
    let shown = cli.json(&["rpc", "getSessionState", &parameters]);
    assert_eq!(shown["session"]["id"], id.as_str());
    let said = finish(cli.command(&["rpc", "getSessionState", "-"]), &parameters);
    assert!(said.ok().contains(&id));
    let complaint = cli.fails(1, &["rpc", "nonsense"]);
    assert!(complaint.contains("nonsense"), "{complaint}");
    assert!(
        cli.fails(2, &["rpc", "health", "[]"])
            .contains("a JSON object")
    );
    for stream in ["Subscribe", "subscribeEvents"] {
        let complaint = cli.fails(2, &["rpc", stream]);
        assert!(complaint.contains("humanlayer watch"), "{complaint}");
    }
}

#[test]
fn without_a_verb_there_is_an_overview_that_says_what_to_do() {
    let cli = Cli::new();
    let told = cli.ok(&[]);
    assert!(told.contains("humanlayer launch"), "{told}");
    let id = cli.launch(r#"TOOL Bash {"command": "true"}"#);
    let approval = cli.until_pending(&id);
    let told = cli.ok(&[]);
    let whole = approval["id"].as_str().unwrap();
    for part in [
        id.as_str(),
        whole,
        "1 pending approval",
        "decide: humanlayer approve ",
    ] {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
}

#[test]
fn words_are_searched_for_in_all_conversations() {
    let cli = Cli::new();
    let id = cli.launch("TEXT the needle in it");
    cli.until_status(&id, "completed");
    let found = cli.ok(&["search", "The", "needle"]);
    let rows: Vec<Vec<&str>> = found.lines().map(columns).collect();
    assert_eq!(rows.len(), 2, "{found}");
    assert_eq!(rows[0][..3], [id.as_str(), "2", "message"]);
    assert_eq!(rows[0][4], "the needle in it");
    let found = cli.json(&["search", "needle", "--json", "-n", "1"]);
    assert_eq!(found["hits"][0]["session_id"], id.as_str());
    assert_eq!(found["complete"], false);
    // Like grep: nothing found is a failure without words.
    let nothing = cli.run(&["search", "no such words"]);
    assert_eq!(nothing.code, 1);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", ""));
}
