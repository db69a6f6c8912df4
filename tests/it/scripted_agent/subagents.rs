//! Subagents, waited for and in the background.

use std::fs;

use serde_json::json;

use super::{agent, exits_well};

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
