//! What is said: turns, deltas, odd output, sums.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{agent, exits_well, results, texts, wait_for_file};
use crate::support::scripted_agent::command;

#[test]
fn prose_is_greeted_and_every_turn_begins_with_init() {
    let (mut agent, folder) = agent(&[
        "--session-id",
        "5b0b0a4e-3f0e-4d5a-9c1e-0d7a3f1f5c11",
        "--model",
        "claude-x",
    ]);
    for index in 0..2 {
        agent.prompt("please fix the bug");
        let init = agent.until("init", |line| line["subtype"] == "init");
        let cwd = folder.path().canonicalize().unwrap();
        assert_eq!(init["cwd"], cwd.to_str().unwrap());
        assert_eq!(init["session_id"], "5b0b0a4e-3f0e-4d5a-9c1e-0d7a3f1f5c11");
        assert_eq!(init["model"], "claude-x");
        let result = agent.result();
        assert_eq!(result["result"], "Hello from the scripted agent.");
        assert_eq!(result["result_index"], index);
    }
    exits_well(&mut agent);
}

#[test]
fn sums_grow_over_turns_as_recorded() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TEXT one");
    assert_eq!(agent.result()["total_cost_usd"], 0.0008372000000000001);
    agent.prompt("USAGE {\"input_tokens\": 1000}\nTEXT two");
    let result = agent.result();
    assert_eq!(result["usage"]["input_tokens"], 1000);
    let model = &result["modelUsage"]["claude-opus-5-5"];
    assert_eq!(model["inputTokens"], 1100);
    assert_eq!(model["contextWindow"], 1_000_000);
}

#[test]
fn write_and_edit_really_write() {
    let (mut agent, folder) = agent(&["--permission-mode", "acceptEdits"]);
    agent.prompt(
        "TOOL Write {\"file_path\":\"x.txt\",\"content\":\"a b\"}\n\
         TOOL Edit {\"file_path\":\"x.txt\",\"old_string\":\"b\",\"new_string\":\"c\"}\n\
         TOOL Read {\"file_path\":\"x.txt\"}",
    );
    assert_eq!(agent.result()["permission_denials"], json!([]));
    let text = fs::read_to_string(folder.path().join("x.txt")).unwrap();
    assert_eq!(text, "a c");
    assert_eq!(results(&agent)[2]["content"], "1\ta c");
}

#[test]
fn deltas_come_when_asked_for() {
    let (mut agent, _folder) = agent(&["--include-partial-messages"]);
    agent.prompt("THINK hm\nTEXT one two");
    agent.result();
    let deltas: Vec<Value> = agent
        .values()
        .iter()
        .filter(|line| line["event"]["type"] == "content_block_delta")
        .map(|line| line["event"]["delta"].clone())
        .collect();
    assert_eq!(
        deltas,
        [
            json!({ "type": "thinking_delta", "thinking": "hm" }),
            json!({ "type": "text_delta", "text": "one " }),
            json!({ "type": "text_delta", "text": "two" }),
        ]
    );
}

#[test]
fn odd_output_comes_out_as_written() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt(
        "MALFORMED {oops\nUNKNOWN {\"type\":\"new\",\"x\":1}\nHALF cut in two\nTOUCH halved\n\
         LONG 70000\nFLOOD 300 10\nRETRY 529\nSTDERR hello",
    );
    agent.result();
    exits_well(&mut agent);
    assert!(agent.seen.contains(&"{oops".to_owned()));
    assert!(
        agent
            .seen
            .contains(&"{\"type\":\"new\",\"x\":1}".to_owned())
    );
    let said = texts(&agent);
    assert_eq!(said[0], "cut in two");
    assert_eq!(said[1].len(), 70_000);
    assert_eq!(said.iter().filter(|text| text.len() == 10).count(), 301);
    assert!(folder.path().join("halved").exists());
    let lines = agent.values();
    assert!(lines.iter().any(|line| line["error_status"] == 529));
}

#[test]
fn half_a_line_stays_half_until_the_script_goes_on() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let mut command = command(folder.path());
    command.stdin(std::process::Stdio::piped());
    let mut child = command
        .stdout(fs::File::create(&out).unwrap())
        .spawn()
        .unwrap();
    let script = "TEXT whole\nHALF halves\nTOUCH halved\nWAITFILE go\nTEXT after";
    let line = json!({ "type": "user", "message": { "content": script } });
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, format!("{line}\n").as_bytes()).unwrap();
    wait_for_file(&folder, "halved");
    let half = fs::read_to_string(&out).unwrap();
    assert!(!half.ends_with('\n'), "{half}");
    fs::write(folder.path().join("go"), "").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.starts_with(&half) && text.contains("halves"));
    for line in text.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn loops_repeat_and_a_scripted_error_ends_the_turn() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("LOOP 3\nTEXT a\nEND\nRESULT_ERROR error_max_turns\nTEXT never");
    let result = agent.result();
    assert_eq!(result["subtype"], "error_max_turns");
    assert_eq!(result["is_error"], true);
    assert_eq!(texts(&agent), ["a", "a", "a"]);
}

#[test]
fn a_bad_script_is_an_error_that_names_the_line() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TEXT a\nTOOL Bash {");
    let errors = agent.result()["errors"].to_string();
    assert!(errors.contains("script line 2"), "{errors}");
}
