//! The scripted agent against recordings of the real one: same lines, same fields.
//!
//! What was written to Claude Code in a recording is written to the scripted agent. Some
//! lines of a real session race each other, so the comparison is by lane: within one lane
//! the order is the protocol's, between lanes it is chance.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::agent_process::AgentProcess;
use crate::support::scripted_agent::command;

#[rstest]
#[case("deny", &[])]
#[case("edit", &[])]
#[case("multi", &[])]
#[case("overloaded", &[])]
#[case("parallel", &[])]
#[case("partial", &["--include-partial-messages"])]
#[case("plan", &["--permission-mode", "plan"])]
#[case("question", &[])]
#[case("task", &[])]
fn it_looks_like_the_recording(#[case] name: &str, #[case] flags: &[&str]) {
    let folder = TempDir::new().unwrap();
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("hello.py"), "def hi():\n    return \"hi\"\n").unwrap();
    let lines = recording(name, folder.path(), &project);

    let mut command = command(&project);
    command.args(flags);
    let mut agent = AgentProcess::start(command);
    let results = |lines: &mut dyn Iterator<Item = &Value>| {
        lines.filter(|line| line["type"] == "result").count()
    };
    let mut results_due = 0;
    for line in &lines {
        if let Some(line) = line.get("<") {
            results_due += usize::from(line["type"] == "result");
        } else if line[">"]["type"] == "control_response" {
            let question = agent.question();
            let answer = line[">"]["response"]["response"].clone();
            agent.answer(&question, answer);
        } else {
            // A later prompt was written when the turns before it were over.
            while results(&mut agent.values().iter()) < results_due {
                agent.result();
            }
            agent.send(&line[">"]);
        }
    }
    while results(&mut agent.values().iter()) < results_due {
        agent.result();
    }
    agent.close_stdin();
    assert!(agent.wait().0.success());

    let recorded: Vec<Value> = lines
        .iter()
        .filter_map(|line| line.get("<").cloned())
        .collect();
    let (recorded, live) = (lanes(&recorded), lanes(&agent.values()));
    for (lane, lines) in &recorded {
        assert_eq!(live.get(lane), Some(lines), "lane {lane}");
    }
    assert_eq!(
        live.keys().collect::<Vec<_>>(),
        recorded.keys().collect::<Vec<_>>()
    );
}

/// The lines of a recording, with its paths moved into this folder.
fn recording(name: &str, folder: &Path, project: &Path) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/claude-code-2.1.330")
        .join(format!("{name}.jsonl"));
    let text = fs::read_to_string(file)
        .unwrap()
        .replace("/home/me/project", project.to_str().unwrap())
        .replace(
            "touch /tmp/",
            &format!("touch {}/", folder.to_str().unwrap()),
        );
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What of each line must be the same, by lane.
fn lanes(lines: &[Value]) -> BTreeMap<&'static str, Vec<String>> {
    let mut lanes: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for line in lines {
        lanes.entry(lane(line)).or_default().push(shape(line));
    }
    lanes
}

fn lane(line: &Value) -> &'static str {
    let subtype = line["subtype"].as_str().unwrap_or("");
    let of_subagent = line["parent_tool_use_id"].is_string();
    match line["type"].as_str().unwrap_or("") {
        "stream_event" => "stream",
        "control_request" => "questions",
        "control_response" => "responses",
        "system" if subtype.contains("task") => "tasks",
        "assistant" if of_subagent => "subagent",
        "user" if of_subagent => "subagent",
        "assistant" => "speech",
        _ => "main",
    }
}

/// Type, subtype and the names of fields, one level into what is nested.
fn shape(line: &Value) -> String {
    let mut shape = format!("{} {} {}", line["type"], line["subtype"], fields(line));
    for inner in ["message", "request", "response", "event", "usage"] {
        shape.push_str(&format!(" {inner}{}", fields(&line[inner])));
    }
    shape.push_str(&format!(" {}", line["event"]["type"]));
    shape.push_str(&fields(&line["response"]["response"]));
    let content = line["message"]["content"].as_array();
    for block in content.into_iter().flatten() {
        shape.push_str(&format!(" {} {}", block["type"], fields(block)));
    }
    shape
}

fn fields(object: &Value) -> String {
    let mut names: Vec<&str> = object
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    format!("{names:?}")
}
