//! The scripted agent over pipes: every directive, every control request, every way out.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Instant;

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::agent_process::{AgentProcess, DEADLINE};
use crate::support::scripted_agent::{binary, command, program_in};

/// An agent in a folder of its own, initialized.
fn agent(flags: &[&str]) -> (AgentProcess, TempDir) {
    let folder = TempDir::new().unwrap();
    let mut command = command(folder.path());
    command
        .args(flags)
        .env("HUMANLAYER_SCRIPTED_AGENT_LOG", folder.path().join("log"));
    let mut agent = AgentProcess::start(command);
    agent.initialize();
    agent.response("init1");
    (agent, folder)
}

fn log_kinds(folder: &TempDir) -> Vec<String> {
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    log.lines()
        .map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            entry["kind"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// The texts that the model said, of everybody.
fn texts(agent: &AgentProcess) -> Vec<String> {
    let of = |line: &Value| {
        line["message"]["content"][0]["text"]
            .as_str()
            .map(str::to_owned)
    };
    agent
        .values()
        .iter()
        .filter(|line| line["type"] == "assistant")
        .filter_map(of)
        .collect()
}

/// The results of tools, as the model sees them.
fn results(agent: &AgentProcess) -> Vec<Value> {
    agent
        .values()
        .iter()
        .map(|line| line["message"]["content"][0].clone())
        .filter(|block| block["type"] == "tool_result")
        .collect()
}

fn wait_for_file(folder: &TempDir, name: &str) {
    let deadline = Instant::now() + DEADLINE;
    while !folder.path().join(name).exists() {
        assert!(Instant::now() < deadline, "{name} never came");
        std::thread::yield_now();
    }
}

fn exits_well(agent: &mut AgentProcess) {
    agent.close_stdin();
    let (status, stderr) = agent.wait();
    assert!(status.success(), "{status} {stderr}");
}

#[test]
fn prose_is_greeted_and_every_turn_begins_with_init() {
    let (mut agent, folder) = agent(&["--session-id", "s-1", "--model", "claude-x"]);
    for index in 0..2 {
        agent.prompt("please fix the bug");
        let init = agent.until("init", |line| line["subtype"] == "init");
        let cwd = folder.path().canonicalize().unwrap();
        assert_eq!(init["cwd"], cwd.to_str().unwrap());
        assert_eq!(init["session_id"], "s-1");
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
fn an_allowed_command_runs_once_with_the_edited_input() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"echo original >> ran\"}");
    let question = agent.question();
    let edited =
        json!({ "behavior": "allow", "updatedInput": { "command": "echo edited >> ran" } });
    agent.answer(&question, edited.clone());
    agent.answer(&question, edited);
    agent.result();
    exits_well(&mut agent);
    let ran = fs::read_to_string(folder.path().join("ran")).unwrap();
    assert_eq!(ran, "edited\n");
    assert_eq!(
        log_kinds(&folder),
        ["request", "user", "answer", "answer_ignored"]
    );
}

#[test]
fn a_refusal_is_an_error_for_the_model_and_listed_in_the_result() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Write {\"file_path\":\"x.txt\",\"content\":\"x\"}");
    let question = agent.question();
    agent.deny(&question, "not on my watch");
    let result = agent.result();
    assert_eq!(result["subtype"], "success");
    assert_eq!(result["permission_denials"][0]["tool_name"], "Write");
    let denied = results(&agent);
    assert_eq!(denied[0]["content"], "not on my watch");
    assert_eq!(denied[0]["is_error"], true);
    assert!(!folder.path().join("x.txt").exists());
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
fn parallel_calls_are_asked_one_at_a_time() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"touch a\"}\nTOOL Bash {\"command\":\"touch b\"}");
    let first = agent.question();
    assert_eq!(first["request"]["input"]["command"], "touch a");
    agent.allow(&first);
    // The first call's result comes before the second question.
    agent.until("a result of a tool", |line| line["type"] == "user");
    assert!(!folder.path().join("b").exists());
    let second = agent.question();
    agent.allow(&second);
    agent.result();
    assert!(folder.path().join("b").exists());
}

#[test]
fn ask_all_leaves_several_questions_open_to_be_answered_in_any_order() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt(
        "ASK_ALL\nTOOL Bash {\"command\":\"touch a\"}\nTOOL Bash {\"command\":\"touch b\"}",
    );
    let first = agent.question();
    let second = agent.question();
    agent.request("init2", json!({ "subtype": "initialize" }));
    let told = agent.response("init2");
    assert_eq!(
        told["response"]["pending_permission_requests"],
        json!([first, second])
    );
    agent.deny(&second, "no");
    agent.allow(&first);
    let result = agent.result();
    assert_eq!(result["permission_denials"].as_array().unwrap().len(), 1);
    assert!(folder.path().join("a").exists() && !folder.path().join("b").exists());
}

#[test]
fn always_allow_is_remembered_and_a_mode_change_is_told() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt(
        "TOOL Bash {\"command\":\"touch /nowhere/a\"}\nTEXT between\n\
         TOOL Bash {\"command\":\"touch /nowhere/a\"}",
    );
    let question = agent.question();
    let answer = json!({
        "behavior": "allow", "updatedInput": { "command": "true" },
        "updatedPermissions": question["request"]["permission_suggestions"],
    });
    agent.answer(&question, answer);
    let status = agent.until("a status", |line| line["subtype"] == "status");
    assert_eq!(status["permissionMode"], "acceptEdits");
    agent.result();
    let asked = agent
        .values()
        .iter()
        .filter(|line| line["type"] == "control_request")
        .count();
    assert_eq!(asked, 1);
}

#[rstest]
#[case(&["--permission-mode", "bypassPermissions"], true)]
#[case(&["--dangerously-skip-permissions"], true)]
#[case(&["--permission-mode", "dontAsk"], false)]
#[case(&["--permission-prompt-tool", "mcp__x__y"], false)]
fn a_mode_can_answer_for_the_user(#[case] flags: &[&str], #[case] runs: bool) {
    let (mut agent, folder) = agent(flags);
    agent.prompt("TOOL Bash {\"command\":\"touch ran\"}");
    let result = agent.result();
    assert_eq!(result["permission_denials"] == json!([]), runs);
    assert_eq!(folder.path().join("ran").exists(), runs);
}

#[test]
fn free_calls_are_never_asked_and_a_failing_command_says_so() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("FREE Bash {\"command\":\"echo out; exit 3\"}\nFREE Anything");
    agent.result();
    let results = results(&agent);
    assert_eq!(results[0]["content"], "Exit code 3\nout");
    assert_eq!(results[0]["is_error"], true);
    assert_eq!(results[1]["content"], "Anything done");
}

#[test]
fn a_question_to_the_user_carries_the_answers_back() {
    let (mut agent, _folder) = agent(&["--permission-mode", "bypassPermissions"]);
    agent.prompt("QUESTION {\"questions\":[{\"question\":\"Which db?\",\"options\":[]}]}");
    let question = agent.question();
    assert_eq!(question["request"]["requires_user_interaction"], true);
    let mut input = question["request"]["input"].clone();
    input["answers"] = json!({ "Which db?": "SQLite" });
    agent.answer(
        &question,
        json!({ "behavior": "allow", "updatedInput": input }),
    );
    agent.result();
    let text = results(&agent)[0]["content"].as_str().unwrap().to_owned();
    assert!(text.contains("\"Which db?\"=\"SQLite\""), "{text}");
}

#[test]
fn an_approved_plan_leaves_plan_mode() {
    let (mut agent, _folder) = agent(&["--permission-mode", "plan"]);
    agent.prompt("PLAN first this, then that");
    let question = agent.question();
    assert_eq!(
        question["request"]["input"]["plan"],
        "first this, then that"
    );
    agent.allow(&question);
    let status = agent.until("a status", |line| line["subtype"] == "status");
    assert_eq!(status["permissionMode"], "default");
    agent.result();
}

#[test]
fn a_withdrawn_question_is_told_and_its_answer_ignored() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("CANCEL go\nTOOL Bash {\"command\":\"touch ran\"}\nTEXT went on");
    let question = agent.question();
    fs::write(folder.path().join("go"), "").unwrap();
    let cancel = agent.until("a withdrawal", |line| {
        line["type"] == "control_cancel_request"
    });
    assert_eq!(cancel["request_id"], question["request_id"]);
    agent.allow(&question);
    assert_eq!(agent.result()["result"], "went on");
    exits_well(&mut agent);
    assert!(!folder.path().join("ran").exists());
    assert!(log_kinds(&folder).contains(&"answer_ignored".to_owned()));
}

#[test]
fn an_interrupt_takes_the_question_back_and_the_process_lives_on() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"touch ran\"}\nTOOL Bash {\"command\":\"touch ran\"}");
    let question = agent.question();
    agent.request("i1", json!({ "subtype": "interrupt" }));
    let cancel = agent.until("a withdrawal", |line| {
        line["type"] == "control_cancel_request"
    });
    assert_eq!(cancel["request_id"], question["request_id"]);
    agent.response("i1");
    let result = agent.result();
    assert_eq!(result["subtype"], "error_during_execution");
    assert_eq!(result["terminal_reason"], "aborted_tools");
    assert_eq!(results(&agent).len(), 2);
    agent.prompt("TEXT again");
    assert_eq!(agent.result()["result"], "again");
    assert!(!folder.path().join("ran").exists());
}

#[rstest]
#[case::waiting("TOUCH started\nWAIT 600", "aborted_streaming")]
#[case::for_a_file("TOUCH started\nWAITFILE never", "aborted_streaming")]
#[case::running(
    "FREE Bash {\"command\":\"touch started; sleep 600\"}",
    "aborted_tools"
)]
fn an_interrupt_stops_what_takes_long(#[case] script: &str, #[case] reason: &str) {
    let (mut agent, folder) = agent(&[]);
    agent.prompt(&format!("{script}\nTEXT never said"));
    wait_for_file(&folder, "started");
    agent.request("i1", json!({ "subtype": "interrupt" }));
    assert_eq!(agent.result()["terminal_reason"], reason);
    assert_eq!(texts(&agent), Vec::<String>::new());
}

#[test]
fn a_refusal_can_interrupt() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"true\"}\nTEXT never said");
    let question = agent.question();
    let answer = json!({ "behavior": "deny", "message": "stop", "interrupt": true });
    agent.answer(&question, answer);
    assert_eq!(agent.result()["subtype"], "error_during_execution");
}

#[test]
fn requests_are_acknowledged_also_while_a_question_is_open() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"true\"}");
    let question = agent.question();
    agent.request("m", json!({ "subtype": "set_model", "model": "claude-y" }));
    assert_eq!(
        agent.response("m")["response"]["response"]["model"],
        "claude-y"
    );
    agent.request("c", json!({ "subtype": "get_context_usage" }));
    assert_eq!(
        agent.response("c")["response"]["response"]["maxTokens"],
        1_000_000
    );
    agent.request("n", json!({ "subtype": "nonsense" }));
    assert_eq!(
        agent.response("n")["response"]["error_code"],
        "unsupported_request"
    );
    let mode = json!({ "subtype": "set_permission_mode", "mode": "bypassPermissions" });
    agent.request("p", mode);
    agent.response("p");
    agent.allow(&question);
    let result = agent.result();
    assert!(result["modelUsage"]["claude-y"].is_object());
    agent.prompt("TOOL Bash {\"command\":\"true\"}");
    assert_eq!(agent.result()["permission_denials"], json!([]));
}

#[test]
fn end_session_and_sigint_end_it_well() {
    let (mut ended, _folder) = agent(&[]);
    ended.request("e", json!({ "subtype": "end_session" }));
    assert!(ended.wait().0.success());

    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"true\"}");
    agent.question();
    let pid = Pid::from_raw(i32::try_from(agent.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert!(agent.wait().0.success());
    let last = agent.values();
    assert!(
        last.iter()
            .any(|line| line["type"] == "control_cancel_request")
    );
    assert!(
        last.iter()
            .any(|line| line["subtype"] == "error_during_execution")
    );
}

#[test]
fn the_end_of_stdin_fails_open_questions_and_loses_nothing() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"touch ran\"}\nTEXT after");
    agent.question();
    exits_well(&mut agent);
    assert_eq!(texts(&agent).last().unwrap(), "after");
    let failed = results(&agent);
    assert!(failed[0]["content"].as_str().unwrap().contains("closed"));
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn a_line_that_is_not_json_kills_it() {
    let (mut agent, _folder) = agent(&[]);
    agent.send_raw("this is not json");
    let (status, stderr) = agent.wait();
    assert_eq!(status.code(), Some(1));
    assert_eq!(
        stderr,
        "Error parsing streaming input line (type=unknown, 16 chars): SyntaxError\n"
    );
}

#[test]
fn a_message_that_was_seen_is_not_run_again() {
    let (mut agent, folder) = agent(&["--replay-user-messages"]);
    let message = json!({
        "type": "user", "message": { "role": "user", "content": "FREE Bash {\"command\":\"echo x >> ran\"}" },
        "uuid": "11111111-1111-4111-8111-111111111111",
    });
    agent.send(&message);
    agent.send(&message);
    agent.result();
    exits_well(&mut agent);
    assert_eq!(
        fs::read_to_string(folder.path().join("ran")).unwrap(),
        "x\n"
    );
    let replays = agent
        .values()
        .iter()
        .filter(|line| line["isReplay"] == json!(true))
        .count();
    assert_eq!(replays, 2);
}

#[test]
fn a_message_in_the_middle_of_a_turn_becomes_part_of_it() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("TOOL Bash {\"command\":\"true\"}");
    let question = agent.question();
    let second = agent.prompt("TEXT queued");
    agent.until("its arrival", |line| {
        line["command_uuid"] == second.as_str()
    });
    agent.allow(&question);
    assert_eq!(agent.result()["result"], "queued");
    exits_well(&mut agent);
    let ends = agent.values();
    assert_eq!(
        ends.iter().filter(|line| line["type"] == "result").count(),
        1
    );
}

#[test]
fn a_subagent_speaks_under_its_parent_and_is_waited_for() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt(
        "SUBAGENT {\"description\":\"sub\",\"prompt\":\"TOOL Bash {\\\"command\\\":\\\"touch ran\\\"}\\nTEXT report\"}\nTEXT done",
    );
    let call = agent.until("the call", |line| line["type"] == "assistant");
    let id = &call["message"]["content"][0]["id"];
    let question = agent.question();
    assert!(question["request"]["agent_id"].is_string());
    agent.allow(&question);
    let report = agent.until("the report", |line| {
        line["type"] == "assistant" && line["message"]["content"][0]["text"] == "report"
    });
    assert_eq!(&report["parent_tool_use_id"], id);
    let result = agent.result();
    assert_eq!(result["result"], "done");
    assert_eq!(result["subagent_stats"]["completed"], 1);
    assert!(folder.path().join("ran").exists());
}

#[test]
fn background_work_asks_after_the_result_and_ends_in_a_second_one() {
    let (mut agent, folder) = agent(&[]);
    agent.prompt(
        "BACKGROUND build\nWAITFILE go\nTOOL Bash {\"command\":\"touch ran\"}\nEND\nTEXT launched",
    );
    assert_eq!(agent.result()["result"], "launched");
    fs::write(folder.path().join("go"), "").unwrap();
    let question = agent.question();
    // Turns go on beside it.
    agent.prompt("TEXT meanwhile");
    assert_eq!(agent.result()["result"], "meanwhile");
    agent.allow(&question);
    let notice = agent.until("a notice", |line| line["subtype"] == "task_notification");
    assert_eq!(notice["status"], "completed");
    let last = agent.result();
    assert_eq!(last["origin"]["kind"], "task-notification");
    assert!(folder.path().join("ran").exists());
    exits_well(&mut agent);
}

#[test]
fn an_interrupt_also_ends_background_work() {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt("BACKGROUND\nTOOL Bash {\"command\":\"true\"}\nEND\nTEXT launched");
    agent.result();
    agent.request("i1", json!({ "subtype": "interrupt" }));
    agent.response("i1");
    let lines = agent.values();
    assert!(lines.iter().any(|line| line["status"] == "stopped"));
    exits_well(&mut agent);
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

#[rstest]
#[case("CRASH", None, Some(6))]
#[case("KILLSELF", None, Some(9))]
#[case("EXIT 3", Some(3), None)]
fn it_dies_as_told(#[case] script: &str, #[case] code: Option<i32>, #[case] signal: Option<i32>) {
    let (mut agent, _folder) = agent(&[]);
    agent.prompt(&format!("TEXT last words\n{script}"));
    let (status, _) = agent.wait();
    assert_eq!((status.code(), status.signal()), (code, signal));
    assert_eq!(texts(&agent), ["last words"]);
}

#[test]
fn a_script_file_replaces_the_first_prompts() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("script"), "TEXT one\n===\nTEXT two\n").unwrap();
    let mut command = command(folder.path());
    command.env("HUMANLAYER_SCRIPTED_AGENT_SCRIPT", "script");
    let mut agent = AgentProcess::start(command);
    let mut said = Vec::new();
    for _ in 0..3 {
        agent.prompt("TEXT from the prompt");
        said.push(agent.result()["result"].as_str().unwrap().to_owned());
    }
    assert_eq!(said, ["one", "two", "from the prompt"]);
}

#[rstest]
#[case(&["--resume", "old"], true)]
#[case(&["--resume", "old", "--fork-session"], false)]
fn a_resumed_session_keeps_its_id_unless_forked(#[case] flags: &[&str], #[case] same: bool) {
    let (mut agent, _folder) = agent(flags);
    agent.prompt("TEXT hi");
    assert_eq!(agent.result()["session_id"] == "old", same);
}

#[test]
fn it_can_stand_where_claude_does() {
    let folder = TempDir::new().unwrap();
    let program = program_in(folder.path());
    let told = Command::new(program).arg("--version").output().unwrap();
    assert_eq!(told.stdout, b"2.1.330 (scripted)\n");
    assert!(std::path::Path::new(binary()).is_absolute());
}
