//! PyPI `humanlayer` 0.7.9, unmodified.

use std::process::Command;

use serde_json::json;

use super::{Api, Program};
use crate::support::real_claude::clients;

/// A program of a user of the SDK; what it prints is JSON.
fn program(api: &Api, source: &str) -> Program {
    let python = clients().join("venv/bin/python");
    assert!(
        python.is_file(),
        "the pinned Python client is not at {}: start the tests with tests/run",
        python.display()
    );
    let mut command = api.dress(Command::new(python));
    let head = "import json, asyncio\n\
        from humanlayer import HumanLayer, AsyncHumanLayer, ResponseOption\n\
        from humanlayer.core.models import *\n\
        def say(value): print(json.dumps(value), flush=True)\n";
    command.arg("-c").arg(format!("{head}{source}"));
    Program::start(command)
}

#[test]
fn a_function_runs_when_it_is_approved_and_a_denial_comes_back_in_words() {
    let api = Api::start();
    let program = program(
        &api,
        "hl = HumanLayer(agent_name='mailer', contact_channel=ContactChannel(slack=SlackContactChannel(\n\
             channel_or_user_id='C1', context_about_channel_or_user='ops')))\n\
         @hl.require_approval()\n\
         def multiply(x, y):\n    return x * y\n\
         @hl.require_approval(reject_options=[ResponseOption(name='risky', title='Too risky', prompt_fill='too risky today')])\n\
         def drop_table(name):\n    raise AssertionError('it ran')\n\
         say(multiply(x=6, y=7))\n\
         say(drop_table(name='users'))\n\
         say(drop_table(name='rows'))\n",
    );
    let asked = api.pending("multiply");
    assert_eq!(asked["tool_input"], json!({"x": 6, "y": 7}));
    assert_eq!(
        (&asked["source"], &asked["asker"], &asked["kind"]),
        (&json!("local_api"), &json!("sdk"), &json!("permission"))
    );
    assert_eq!(asked["channel"]["slack"]["channel_or_user_id"], "C1");
    let run_id = asked["run_id"].as_str().unwrap();
    assert!(run_id.starts_with("mailer-"), "{run_id}");
    assert_eq!(api.daemon.session(run_id)["title"], "sdk");
    let id = asked["id"].as_str().unwrap();
    let shown = api.cli(&["show", id]);
    assert!(shown.contains("channel_or_user_id"), "{shown}");
    api.cli(&["approve", id]);
    let asked = api.pending("drop_table");
    api.cli(&[
        "deny",
        asked["id"].as_str().unwrap(),
        "-m",
        "not that table",
    ]);
    let asked = api.until(|approval| {
        approval["tool_input"] == json!({"name": "rows"}) && approval["outcome"] == "pending"
    });
    let shown = api.cli(&["show", asked["id"].as_str().unwrap()]);
    assert!(shown.contains("risky: Too risky"), "{shown}");
    api.cli(&["deny", asked["id"].as_str().unwrap(), "--option", "risky"]);
    assert_eq!(
        program.printed(),
        [
            json!(42),
            json!("User in ops denied drop_table with message: not that table"),
            json!("User in ops denied drop_table with message: too risky today"),
        ]
    );
    let settled = api.until(|approval| approval["id"] == id);
    assert!(settled["delivered_at"].is_string(), "{settled}");
}

#[test]
fn a_person_answers_as_a_tool() {
    let api = Api::start();
    let program = program(
        &api,
        "hl = HumanLayer(run_id='a-run')\n\
         ask = hl.human_as_tool(response_options=[ResponseOption(name='later', title='Ask me later')])\n\
         say(ask('which way?'))\n\
         say(ask('and now?'))\n",
    );
    let asked = api.pending("contact_human");
    assert_eq!(
        (&asked["kind"], &asked["tool_input"]),
        (&json!("contact"), &json!({"message": "which way?"}))
    );
    api.cli(&[
        "respond",
        asked["id"].as_str().unwrap(),
        "-m",
        "to the left",
    ]);
    let asked = api.until(|approval| {
        approval["tool_input"]["message"] == "and now?" && approval["outcome"] == "pending"
    });
    api.cli(&[
        "respond",
        asked["id"].as_str().unwrap(),
        "--option",
        "later",
    ]);
    assert_eq!(
        program.printed(),
        [json!("to the left"), json!("Ask me later")]
    );
}

#[test]
fn the_parts_of_the_sdk_work_one_by_one() {
    let api = Api::start();
    let program = program(
        &api,
        "hl = HumanLayer(run_id='a-run')\n\
         spec = FunctionCallSpec(fn='pay', kwargs={'sum': 3.5}, state={'step': 4})\n\
         call = hl.create_function_call(spec, call_id='c1')\n\
         assert call.status.approved is None and call.status.requested_at is not None, call\n\
         again = hl.create_function_call(spec, call_id='c1')\n\
         assert again == call, again\n\
         call = hl.escalate_email_function_call('c1', Escalation(escalation_msg='hurry up'))\n\
         assert call.spec == spec, call\n\
         call = hl.respond_to_function_call('c1', FunctionCallStatus(approved=False, comment='too much'))\n\
         say(call.status.as_completed().comment)\n\
         call = hl.get_function_call('c1')\n\
         assert call.status.responded_at >= call.status.requested_at, call\n\
         contact = hl.create_human_contact(HumanContactSpec(msg='hi', subject='s'), call_id='c2')\n\
         assert contact.status.response is None, contact\n\
         contact = hl.respond_to_human_contact('c2', HumanContactStatus(response='hello'))\n\
         say(hl.get_human_contact('c2').status.response)\n\
         say(hl.fetch_approval(FunctionCallSpec(fn='wait_for_it', kwargs={})).as_completed().approved)\n\
         say(hl.fetch_human_response(HumanContactSpec(msg='last one')).as_completed())\n",
    );
    let asked = api.pending("wait_for_it");
    api.cli(&["approve", asked["id"].as_str().unwrap()]);
    let asked = api.pending("contact_human");
    api.cli(&["respond", asked["id"].as_str().unwrap(), "-m", "done"]);
    assert_eq!(
        program.printed(),
        [
            json!("too much"),
            json!("hello"),
            json!(true),
            json!("done")
        ]
    );
    let settled = api.approval("c1");
    assert_eq!(settled["sdk_state"], json!({"step": 4}));
    assert_eq!(settled["decided_by"], json!({"kind": "key", "name": "sdk"}));
    let session = settled["session_id"].as_str().unwrap();
    let conversation = api.daemon.conversation(session);
    let remark = conversation[0]["content"].as_str().unwrap();
    assert!(remark.contains("nobody is mailed"), "{remark}");
    assert!(remark.contains("hurry up"), "{remark}");
}

#[test]
fn the_async_classes_work_too() {
    let api = Api::start();
    let program = program(
        &api,
        "async def main():\n    \
             hl = AsyncHumanLayer(run_id='a-run')\n    \
             @hl.require_approval()\n    \
             async def grow(n):\n        return n + 1\n    \
             @hl.require_approval()\n    \
             def shrink(n):\n        return n - 1\n    \
             say(await asyncio.gather(grow(n=1), shrink(n=1), hl.human_as_tool()('how many?')))\n\
         asyncio.run(main())\n",
    );
    let [grow, shrink, ask] = ["grow", "shrink", "contact_human"].map(|tool| {
        let asked = api.pending(tool);
        asked["id"].as_str().unwrap().to_owned()
    });
    api.cli(&["respond", &ask, "-m", "three"]);
    api.cli(&["deny", &shrink, "-m", "no"]);
    api.cli(&["approve", &grow]);
    assert_eq!(
        program.printed(),
        [json!([2, "User denied shrink with message: no", "three"])]
    );
}

#[test]
fn a_program_that_waits_does_not_notice_that_the_daemon_was_killed() {
    let mut api = Api::start();
    let go = api.daemon.root().join("go");
    let program = program(
        &api,
        &format!(
            "import os, time\n\
             def until_told(seconds):\n    while not os.path.exists({go:?}): time.sleep(0.01)\n\
             hl = HumanLayer(run_id='a-run', sleep=until_told)\n\
             @hl.require_approval()\n\
             def launch():\n    return 'launched'\n\
             say(launch())\n"
        ),
    );
    let asked = api.pending("launch");
    api.daemon.kill_and_restart();
    api.cli(&["approve", asked["id"].as_str().unwrap()]);
    api.daemon.kill_and_restart();
    api.until_served();
    std::fs::write(&go, "").unwrap();
    assert_eq!(program.printed(), [json!("launched")]);
    let all = api.daemon.call("listApprovals", json!({"all": true}));
    assert_eq!(all["approvals"].as_array().unwrap().len(), 1, "{all}");
}

#[test]
fn what_nobody_decided_is_no_answer() {
    let api = Api::start();
    let program = program(
        &api,
        "hl = HumanLayer(run_id='a-run')\n\
         @hl.require_approval()\n\
         def launch():\n    raise AssertionError('it ran')\n\
         say(launch())\n",
    );
    let asked = api.pending("launch");
    api.daemon
        .call("withdrawApproval", json!({"approval_id": asked["id"]}));
    let said = program.printed();
    let said = said[0].as_str().unwrap();
    assert!(
        said.starts_with("Error fetching approval for launch"),
        "{said}"
    );
    assert!(said.contains("nobody decided this"), "{said}");
}
