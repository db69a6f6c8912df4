//! Control requests, interrupts, and every way out.

use std::cell::{Cell, RefCell};
use std::os::unix::process::ExitStatusExt;

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{agent, exits_well, results, texts, wait_for_file};

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
    // The answer and the result come in either order.
    let (answered, result) = (Cell::new(false), RefCell::new(None));
    agent.until("the interrupt's answer and the turn's result", |line| {
        if line["response"]["request_id"] == "i1" {
            answered.set(true);
        }
        if line["type"] == "result" {
            result.replace(Some(line.clone()));
        }
        answered.get() && result.borrow().is_some()
    });
    let result = result.take().unwrap();
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
