//! `--json`: every command takes it, and an error is one object on standard error.
//!
//! What can be typed is read off the definition of the command line, so a command that is new and is not
//! tried here fails these tests.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::cli::{Cli, Running, Said, finish, parent_of_daemon, signal};
use crate::support::remote_api::{KEY, RemoteApi};
use crate::support::terminal::Terminal;

const PAGE: &str = include_str!("../../../docs/scripts.md");
const ASKS: &str = r#"TOOL Bash {"command": "true"}"#;
const QUESTION: &str = r#"QUESTION {"questions": [{"question": "Which?", "header": "W", "multiSelect": false, "options": [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]}]}"#;
const MCP: [&str; 2] = ["mcp claude_approvals", "mcp serve"];

/// The words of each command that does something: those without subcommands, and those that need none.
fn commands() -> Vec<Vec<String>> {
    fn collect(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        for inner in command
            .get_subcommands()
            .filter(|one| one.get_name() != "help")
        {
            let words = [words, &[inner.get_name().to_owned()]].concat();
            if !inner.has_subcommands() {
                found.push(words.clone());
            }
            collect(inner, &words, found);
        }
    }
    let mut found = Vec::new();
    collect(&humanlayer::commands::cli::command(), &[], &mut found);
    assert!(found.len() > 50, "{found:?}");
    found
}

/// The error of a command that failed: one object, on the last line of standard error and nowhere else.
fn error(said: &Said) -> Value {
    let lines: Vec<Value> = said
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said:?}")))
        .collect();
    let (last, before) = lines.split_last().unwrap_or_else(|| panic!("{said:?}"));
    for line in before {
        assert!(
            line["warning"].is_string() || line["note"].is_string(),
            "{said:?}"
        );
    }
    for field in ["error", "kind"] {
        assert!(last[field].is_string(), "{said:?}");
    }
    assert!(last.get("hint").is_some(), "{said:?}");
    let kind = last["kind"].as_str().unwrap();
    let row = format!("| `{kind}` | {} |", said.code);
    assert!(PAGE.contains(&row), "the page has no {row}: {said:?}");
    let message = last["error"].as_str().unwrap();
    assert!(!said.stdout.contains(message), "told twice: {said:?}");
    last.clone()
}

/// Which fields a result has, and of which types; of a list what its first element has.
fn shape(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(list) => match list.first() {
            Some(first) => format!("[{}]", shape(first, depth)),
            None => "[]".to_owned(),
        },
        Value::Object(_) if depth == 0 => "{…}".to_owned(),
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().collect();
            let fields = fields
                .into_iter()
                .map(|(name, value)| format!("{name}: {}", shape(value, depth - 1)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What has been tried, and what each prints.
struct Tried<'a> {
    cli: &'a Cli,
    shapes: BTreeMap<String, String>,
}

impl Tried<'_> {
    /// Runs a command; gives its result, one document.
    fn json(&mut self, command: &str, arguments: &[&str]) -> Value {
        self.run(command, arguments, "")
    }

    fn run(&mut self, command: &str, arguments: &[&str], input: &str) -> Value {
        let mut words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        words.extend(arguments);
        words.push("--json");
        let said = finish(self.cli.command(&words), input);
        for line in said.stderr.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{said:?}");
        }
        self.note(command, said)
    }

    fn note(&mut self, command: &str, said: Said) -> Value {
        assert_eq!(said.code, 0, "{command}: {said:?}");
        let value: Value = serde_json::from_str(&said.stdout)
            .unwrap_or_else(|cause| panic!("{command}: {cause}: {said:?}"));
        self.shapes.insert(command.to_owned(), shape(&value, 1));
        value
    }

    /// Runs a command that prints a document a line.
    fn lines(&mut self, command: &str, arguments: &[&str]) {
        let mut words: Vec<&str> = command.split(' ').collect();
        words.extend(arguments);
        words.push("--json");
        let mut running = self.cli.start(&words);
        let line = running.line().unwrap();
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        let shown = format!("a line: {}", shape(&value, 1));
        self.shapes.insert(command.to_owned(), shown);
    }
}

#[test]
fn every_command_prints_json_of_a_known_shape() {
    let (cli, api) = (Cli::new(), RemoteApi::start());
    let mut tried = Tried {
        cli: &cli,
        shapes: BTreeMap::new(),
    };
    // The daemon.
    tried.json("daemon start", &[]);
    tried.json("daemon status", &[]);
    tried.json("daemon restart", &[]);
    tried.lines("daemon logs", &[]);
    tried.json("doctor", &[]);
    tried.json("rpc", &["health"]);
    // A conversation.
    let launched = tried.json("launch", &["TEXT the needle"]);
    let done = launched["session_id"].as_str().unwrap().to_owned();
    cli.until_status(&done, "completed");
    tried.json("", &[]);
    tried.json("sessions", &[]);
    tried.json("show", &[&done]);
    tried.lines("logs", &[&done]);
    tried.json("search", &["needle"]);
    tried.json("export", &[&done]);
    tried.json("rename", &[&done, "A title"]);
    let forked = tried.json("continue", &[&done, "--fork", "TEXT aside"]);
    let forked = forked["session_id"].as_str().unwrap();
    cli.until_status(forked, "completed");
    tried.json("send", &[&done, "TEXT more\nWAIT 600"]);
    cli.until_status(&done, "running");
    cli.ok(&["send", &done, "TEXT never read"]);
    tried.json("unsend", &[&done]);
    tried.json("interrupt", &[&done]);
    tried.json("restart", &[&done]);
    cli.until_over(&done);
    tried.json("end", &[forked]);
    tried.json("archive", &[&done]);
    tried.json("unarchive", &[&done]);
    tried.json("prune", &["--older-than", "30d"]);
    tried.json("delete", &["--yes", &done]);
    // Requests.
    let ask = |script: &str| {
        let id = cli.launch(script);
        cli.until_pending(&id)["id"].as_str().unwrap().to_owned()
    };
    let asked = ask(ASKS);
    tried.json("approvals", &[]);
    tried.json("approve", &[&asked]);
    tried.json("deny", &[&ask(ASKS), "-m", "no"]);
    tried.json("answer", &[&ask(QUESTION), "A"]);
    let mut asking = cli.start(&["contact_human", "-m", "Deploy?", "--json"]);
    let contact = pending_contact(&cli);
    tried.json("respond", &[&contact, "-m", "yes"]);
    let answered = asking.line().unwrap();
    assert!(answered.starts_with('{'), "{answered}");
    let said = asking.wait();
    tried.note("contact_human", said);
    let mut watching = cli.start(&["watch", "--json"]);
    let event = loop {
        // It may listen later than this.
        ask(ASKS);
        if let Some(line) = watching.line_if_any() {
            break line;
        }
    };
    let event: Value = serde_json::from_str(&event).unwrap();
    let shown = format!("a line: {}", shape(&event, 1));
    tried.shapes.insert("watch".to_owned(), shown);
    // Who may ask and decide.
    tried.json("keys new", &["ci"]);
    tried.json("keys list", &[]);
    tried.json("keys revoke", &["ci"]);
    tried.json("alarms list", &[]);
    tried.json("places list", &[]);
    tried.json("terminals list", &[]);
    let base = api.base();
    let stored = tried.run("login", &["--api-base-url", &base], KEY);
    assert!(!stored.to_string().contains(KEY), "{stored}");
    tried.json("ping", &[]);
    // What needs no daemon.
    let file = cli.root().join("copy.db");
    let file = file.to_str().unwrap();
    tried.json("backup", &[file]);
    tried.json("restore", &[file]);
    // Restoring is an alarm.
    let alarm = cli.json(&["alarms", "list", "--json"])[0]["id"].to_string();
    tried.json("alarms ack", &[&alarm]);
    tried.json("daemon stop", &[]);
    for what in ["list", "show", "keys", "schema"] {
        tried.json(&format!("config {what}"), &[]);
    }
    tried.json("config get", &["dashboard.theme"]);
    let mut edit = cli.command(&["config", "edit", "--json"]);
    edit.env("VISUAL", "true");
    tried.note("config edit", finish(edit, ""));
    tried.json("docs", &[]);
    tried.json("completions", &["bash"]);
    tried.json("man", &[]);
    // The service manager of whoever runs the tests is left alone: a program that does nothing stands in.
    let tools = cli.root().join("tools");
    std::fs::create_dir(&tools).unwrap();
    for tool in ["systemctl", "launchctl"] {
        std::os::unix::fs::symlink("/bin/true", tools.join(tool)).unwrap();
    }
    for verb in ["install", "status", "uninstall"] {
        let mut command = cli.command(&["service", verb, "--json"]);
        command.env("PATH", &tools);
        tried.note(&format!("service {verb}"), finish(command, ""));
    }
    // A place and a terminal need a process that is none of ours.
    for command in ["places add", "places remove", "terminals confirm"] {
        let said = cli.run(
            &[
                &command.split(' ').collect::<Vec<_>>()[..],
                &["999999999", "--json"],
            ]
            .concat(),
        );
        let kind = error(&said)["kind"].clone();
        tried
            .shapes
            .insert(command.to_owned(), format!("an error here: {kind}"));
    }
    let said = cli.run(&["demo", "--json"]);
    let kind = error(&said)["kind"].clone();
    tried
        .shapes
        .insert("demo".to_owned(), format!("an error here: {kind}"));

    let missing: Vec<String> = commands()
        .into_iter()
        .map(|words| words.join(" "))
        .filter(|words| !MCP.contains(&words.as_str()) && !tried.shapes.contains_key(words))
        .collect();
    assert!(
        missing.is_empty(),
        "these are not tried with --json: {missing:?}"
    );
    let mut all = String::new();
    for (command, shape) in &tried.shapes {
        all.push_str(&format!("humanlayer {command}\n    {shape}\n"));
    }
    insta::assert_snapshot!("shapes", all.replace("humanlayer \n", "humanlayer\n"));
}

/// The approval of a program that asks.
fn pending_contact(cli: &Cli) -> String {
    crate::support::daemon::wait_until("the program asks", || {
        let listed = cli.json(&["approvals", "--json"]);
        let asked = listed
            .as_array()?
            .iter()
            .find(|one| one["kind"] == "contact")?;
        Some(asked["id"].as_str()?.to_owned())
    })
}

#[test]
fn the_page_says_what_every_command_prints() {
    let table = PAGE.split("## What each command prints").nth(1).unwrap();
    let listed: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `humanlayer ")?.split('`').next())
        .collect();
    let typed: BTreeSet<String> = commands().iter().map(|words| words.join(" ")).collect();
    let typed: BTreeSet<&str> = typed.iter().map(String::as_str).collect();
    assert_eq!(listed, typed);
}

#[test]
fn a_wrong_command_line_of_any_command_is_one_object() {
    let cli = Cli::new();
    for words in commands() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for line in [
            [&words[..], &["--json", "--nonsense"]].concat(),
            [&["--json"], &words[..], &["--nonsense"]].concat(),
        ] {
            let said = cli.run(&line);
            assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{line:?}");
            let error = error(&said);
            assert_eq!(error["kind"], "usage", "{line:?}");
            let message = error["error"].as_str().unwrap();
            assert!(message.contains("--nonsense"), "{line:?}: {message}");
        }
    }
    let said = cli.run(&["show", "--json"]);
    let told = error(&said);
    assert!(told["error"].as_str().unwrap().contains("<ID>"), "{told}");
    assert!(
        told["hint"]
            .as_str()
            .unwrap()
            .contains("Usage: humanlayer show"),
        "{told}"
    );
    assert_eq!(error(&cli.run(&["keys", "--json"]))["kind"], "usage");
    // After `--` it is a word like others.
    let said = cli.run(&["show", "--nonsense", "--", "--json"]);
    assert!(said.stderr.starts_with("error: "), "{said:?}");
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn every_kind_of_failure_has_its_exit_code() {
    let cli = Cli::new();
    let fails = |code: i32, kind: &str, arguments: &[&str]| -> Value {
        let said = cli.run(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, code, "{arguments:?}: {said:?}");
        let error = error(&said);
        assert_eq!(error["kind"], kind, "{arguments:?}: {said:?}");
        error
    };
    fails(5, "not_running", &["daemon", "status"]);
    fails(3, "not_found", &["daemon", "logs"]);
    fails(2, "usage", &["approve", "1a2b", "--input", "{"]);
    fails(
        2,
        "configuration",
        &["sessions", "--config-file", "/no/such/file"],
    );
    fails(
        1,
        "check_failed",
        &["doctor", "--config-file", "/no/such/file"],
    );
    fails(2, "usage", &["demo"]);

    let done = cli.launch("TEXT x");
    cli.until_status(&done, "completed");
    fails(1, "no_match", &["search", "no such words"]);
    let told = fails(3, "not_found", &["show", "ffffffff"]);
    assert!(
        told["hint"]
            .as_str()
            .unwrap()
            .contains("humanlayer sessions"),
        "{told}"
    );
    fails(1, "other_version", &["rpc", "nonsense"]);
    fails(1, "conflict", &["delete", "--yes", &done]);
    let told = fails(2, "invalid_params", &["rpc", "getSessionState", "{}"]);
    assert_eq!(told["field"], "session_id");
    // Of several, each failure is in the error, and what was done in the result.
    let ask = || {
        let id = cli.launch(ASKS);
        cli.until_pending(&id)["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (ask(), ask());
    cli.ok(&["deny", &first, "-m", "no"]);
    let told = fails(4, "already_resolved", &["approve", &first]);
    assert_eq!(told["approval"]["outcome"], "denied");
    let third = ask();
    cli.ok(&["deny", &third, "-m", "no"]);
    let said = cli.run(&["approve", &first, &second, &third, "--json"]);
    assert_eq!(said.code, 4, "{said:?}");
    let told = error(&said);
    assert_eq!(told["further"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["further"][0]["kind"], "already_resolved", "{told}");
    assert_ne!(told["further"][0]["id"], told["id"], "{told}");
    let decided: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(decided[0]["id"], second);
    assert_eq!(decided.as_array().unwrap().len(), 1);

    let asking = cli.start(&["contact_human", "-m", "Deploy?", "--json"]);
    cli.ok(&["deny", &pending_contact(&cli), "-m", "no"]);
    let said = asking.wait();
    assert_eq!((said.code, &error(&said)["kind"]), (6, &json!("declined")));
    let asking = cli.start(&["contact_human", "-m", "Deploy?", "--json"]);
    pending_contact(&cli);
    asking.signal(Signal::INT);
    let said = asking.wait();
    assert_eq!((said.code, &error(&said)["kind"]), (7, &json!("withdrawn")));

    // An agent.
    let agents = cli.launch(&format!(
        "FREE Bash {}",
        json!({"command": format!(
            "'{}' end {done} --json 2>../refused; echo $? >../code",
            crate::support::scripted_agent::binary()
        )})
    ));
    cli.until_status(&agents, "completed");
    let refused = std::fs::read_to_string(cli.root().join("refused")).unwrap();
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!(refused["kind"], "forbidden", "{refused}");
    assert_eq!(
        std::fs::read_to_string(cli.root().join("code")).unwrap(),
        "1\n"
    );

    // A daemon that does not answer.
    let daemon = cli.daemon_pid().unwrap();
    let parent = parent_of_daemon(daemon).unwrap();
    for pid in [parent, daemon] {
        signal(pid, Signal::STOP);
    }
    fails(5, "no_answer", &["rename", &done, "x"]);
    for pid in [daemon, parent] {
        signal(pid, Signal::CONT);
    }
    cli.ok(&["daemon", "stop"]);

    // Nothing can be made there, and a file is no socket.
    let file = cli.root().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("daemon.sock");
    for (kind, socket) in [
        ("not_started", "/proc/none/daemon.sock"),
        ("unreachable", below.to_str().unwrap()),
    ] {
        fails(5, kind, &["sessions", "--daemon-socket", socket]);
    }
}

#[test]
fn who_says_no_at_the_terminal_has_cancelled_and_json_asks_nobody() {
    let cli = Cli::new();
    let id = cli.launch("TEXT x");
    cli.until_status(&id, "completed");
    cli.ok(&["end", &id]);
    let mut terminal = Terminal::start((100, 24), &cli.command(&["delete", &id, "--json"]));
    terminal.wait_for("add --yes to delete");
    assert_eq!(terminal.wait().exit_code(), 2);
    let mut terminal = Terminal::start((100, 24), &cli.command(&["delete", &id]));
    terminal.wait_for("[y/N]");
    terminal.keys("n enter");
    terminal.wait_for("nothing was deleted");
    assert_eq!(terminal.wait().exit_code(), 1);
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_and_one_that_is_closed_a_signal() {
    let cli = Cli::new();
    let id = cli.launch("FLOOD 3000 100");
    cli.until_status(&id, "completed");
    let program = crate::support::scripted_agent::binary();
    let said = |line: &str| finish(cli.dressed("bash", &["-c", line]), "");
    let full = said(&format!("'{program}' sessions --json >/dev/full"));
    assert_eq!((full.code, &error(&full)["kind"]), (1, &json!("output")));
    for verb in [
        format!("logs {id}"),
        format!("logs {id} --json"),
        format!("export {id}"),
        format!("export {id} --json"),
        format!("rpc getConversation '{{\"session_id\": \"{id}\"}}'"),
        "--help".to_owned(),
        "completions zsh".to_owned(),
        "nonsense --json --help".to_owned(),
    ] {
        // The reader is gone before the first word.
        let line = format!("'{program}' {verb} | true; echo ${{PIPESTATUS[0]}}");
        // It may have written all before the reader was gone.
        let all = ["141\n", "0\n", "2\n"];
        let closed = said(&line);
        assert!(all.contains(&&*closed.stdout), "{verb}: {closed:?}");
        assert!(!closed.stderr.contains("panicked"), "{verb}: {closed:?}");
        assert!(!closed.stderr.contains("roken"), "{verb}: {closed:?}");
    }
    let closed = said(&format!(
        "'{program}' logs {id} | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    ));
    assert_eq!(
        (closed.stdout.as_str(), closed.stderr.as_str()),
        ("141\n", "")
    );
    // What is done to several is done to all, whoever reads it.
    let ids: Vec<String> = (0..3).map(|_| cli.launch("TEXT x")).collect();
    for id in &ids {
        cli.until_status(id, "completed");
    }
    // Nobody reads it from the start.
    let all = ids.join(" ");
    said(&format!(
        "( trap '' PIPE; sleep 0.1; '{program}' end {all} ) | true"
    ));
    for id in &ids {
        assert_eq!(cli.session(id)["live"], false, "{id}");
    }
    // A command that is interrupted ends by that signal.
    let watching = cli.start(&["watch"]);
    crate::support::daemon::wait_until("it listens", || {
        (cli.json(&["rpc", "health"])["status"] == "ok").then_some(())
    });
    watching.signal(Signal::INT);
    assert_eq!(watching.wait().code, -1);
}

#[test]
fn an_exported_file_is_whole_or_not_there() {
    let cli = Cli::new();
    let id = cli.launch("FLOOD 3000 100");
    cli.until_status(&id, "completed");
    let program = crate::support::scripted_agent::binary();
    // Files of at most so many blocks: the write fails in the middle.
    let line =
        format!("ulimit -f 8; trap '' XFSZ; '{program}' export {id} --output small.md --json");
    let said = finish(cli.dressed("bash", &["-c", &line]), "");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        error(&said)["error"].as_str().unwrap().contains("small.md"),
        "{said:?}"
    );
    let left: Vec<_> = std::fs::read_dir(cli.work()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn colours_are_used_where_they_are_wanted() {
    let cli = Cli::new();
    let help = |options: &[&str]| cli.ok(&[options, &["--help"]].concat());
    let has_colour = |text: &str| text.contains('\u{1b}');
    assert!(!has_colour(&help(&[])));
    assert!(has_colour(&help(&["--color", "always"])));
    assert!(has_colour(&help(&["--color=always", "sessions"])));
    let on_a_terminal = |arguments: &[&str], no_color: &str| {
        let line = format!(
            "'{}' {}",
            crate::support::scripted_agent::binary(),
            arguments.join(" ")
        );
        let mut command = cli.dressed("script", &["-qec", &line, "/dev/null"]);
        command
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", no_color);
        Running::start(command).wait().stdout
    };
    assert!(has_colour(&on_a_terminal(&["--help"], "")));
    assert!(!has_colour(&on_a_terminal(&["--help"], "1")));
    assert!(!has_colour(&on_a_terminal(
        &["--help", "--color", "never"],
        ""
    )));
    assert!(!has_colour(&on_a_terminal(
        &["nonsense", "--color=never"],
        ""
    )));
}
