//! That what is printed is plain for a pipe, readable on a terminal, and never deceives.

use serde_json::json;

use crate::support::cli::{Cli, finish};

/// A text that would clear the screen, reverse its words and hide some.
const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\u{200b}c\u{9b}31m";

fn assert_plain(what: &str, text: &str) {
    let deceives = |c: char| humanlayer::domain::text::is_deceptive(c) && !"\n\t".contains(c);
    assert!(!text.contains(deceives), "{what}: {text:?}");
}

#[test]
fn nothing_that_an_agent_or_a_user_wrote_deceives() {
    let cli = Cli::new();
    let input = json!({ "command": format!("echo '{HOSTILE}'"), HOSTILE: "x" });
    let script = format!("TEXT {HOSTILE}\nTOOL Bash {input}");
    let id = cli.ok(&["launch", &script, "--title", HOSTILE]);
    let id = id.trim_end();
    let approval = cli.until_pending(id);
    let approval = approval["id"].as_str().unwrap();
    let mut outputs = Vec::new();
    let mut look = |arguments: &[&str]| {
        let said = cli.run(arguments);
        assert_eq!(said.code, 0, "{said:?}");
        assert_plain(&format!("{arguments:?}"), &said.stderr);
        assert_plain(&format!("{arguments:?}"), &said.stdout);
        outputs.push(said.stdout);
    };
    look(&[]);
    look(&["sessions"]);
    look(&["sessions", "--json"]);
    look(&["show", id]);
    look(&["show", id, "--json"]);
    look(&["approvals"]);
    look(&["approvals", "--json"]);
    look(&["show", approval]);
    look(&["logs", id]);
    look(&["logs", id, "--raw"]);
    look(&["approve", approval, "-m", HOSTILE]);
    // Escaped, not left out: the text is there to be seen.
    for output in &outputs {
        assert!(
            output.contains("\\u{202e}") || output.contains("\\u202e"),
            "{output}"
        );
    }
    let said = cli.run(&["show", HOSTILE]);
    assert_plain("an unknown id", &said.failed(3));
    // JSON means the same as before.
    assert_eq!(cli.json(&["show", id, "--json"])["title"], HOSTILE);
}

#[test]
fn whoever_closes_the_pipe_has_read_enough() {
    let cli = Cli::new();
    let id = cli.launch("FLOOD 3000 100");
    cli.until_status(&id, "completed");
    for verb in [
        "logs $ID",
        "logs $ID --raw",
        "show $ID",
        "rpc getConversation \"{\\\"session_id\\\": \\\"$ID\\\"}\"",
        "--help",
        "completions zsh",
    ] {
        let program = crate::support::scripted_agent::binary();
        let line =
            format!("ID={id}; '{program}' {verb} | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let said = finish(cli.dressed("bash", &["-c", &line]), "");
        assert_eq!(said.stderr, "", "{verb}");
        // The usual tools die of the signal, which a shell counts so. Short outputs are out before.
        assert!(["141\n", "0\n"].contains(&&*said.ok()), "{verb}");
    }
}

#[test]
fn a_terminal_gets_a_table_of_short_ids_that_fits() {
    let cli = Cli::new();
    let title = "a title that is longer than what a narrow terminal has room for by far";
    let id = cli.ok(&[
        "launch",
        r#"TOOL Bash {"command": "true"}"#,
        "--title",
        title,
    ]);
    let id = id.trim_end();
    let approval = cli.until_pending(id);
    let approval = approval["id"]
        .as_str()
        .unwrap()
        .trim_start_matches("local-");
    let program = crate::support::scripted_agent::binary();
    for columns in [60, 80, 120] {
        for (verb, short) in [("sessions", &id[..8]), ("approvals", &approval[..8])] {
            let line = format!("stty cols {columns}; '{program}' {verb}");
            let arguments = ["-qec", &line, "/dev/null"];
            let mut command = cli.dressed("script", &arguments);
            command.env("TERM", "xterm-256color").env("NO_COLOR", "1");
            let told = finish(command, "").ok().replace('\r', "");
            assert_plain(verb, &told);
            let lines: Vec<&str> = told.lines().collect();
            // A head and a row: nothing is broken into several.
            assert_eq!(lines.len(), 2, "{told}");
            assert!(lines[0].starts_with("ID "), "{told}");
            assert!(lines[1].starts_with(short), "{told}");
            assert!(!told.contains(id) && !told.contains(approval), "{told}");
            for line in lines {
                assert!(line.chars().count() <= columns, "{columns}: {told}");
            }
        }
    }
}
