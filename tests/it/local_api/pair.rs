//! One daemon polls another's local API: somebody decides at the one what is asked at the other. And
//! the whole chain of the older daemon: the real Claude Code, a permission server on the npm SDK, a
//! HumanLayer API, the daemon that polls it, a key pressed in its dashboard.

use serde_json::{Value, json};

use super::Api;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::real_claude::clients;
use crate::support::rig::Rig;
use crate::support::terminal::Terminal;

/// What makes a daemon poll that API.
fn polling<'a>(base: &'a str, key: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("HUMANLAYER_API_BASE", base),
        ("HUMANLAYER_API_KEY", key),
        ("HUMANLAYER_API_POLL_SECONDS", "0.05"),
    ]
}

/// A pending approval from the polled API, once it is there.
fn from_afar(daemon: &Daemon) -> Value {
    wait_until("the other daemon's request is here", || {
        let found = daemon.call("listApprovals", json!({}));
        let found = found["approvals"].as_array()?.first().cloned()?;
        assert_eq!(found["source"], "remote_api", "{found:#}");
        Some(found)
    })
}

/// How the request stands at the API at which it was made, once it is settled.
fn settled(api: &Api, call_id: &str) -> Value {
    wait_until("the request is settled where it was made", || {
        let found = api.get(&format!("/function_calls/{call_id}")).body;
        (!found["status"]["approved"].is_null()).then(|| found["status"].clone())
    })
}

#[test]
fn what_is_asked_at_one_is_decided_at_the_other() {
    let api = Api::start();
    let (base, key) = (api.base(), api.new_key("laptop"));
    let laptop = Daemon::with(&polling(&base, &key));
    api.ask("first");
    let asked = from_afar(&laptop);
    assert_eq!(asked["tool_input"], json!({"to": "x"}));
    laptop.approve(&asked);
    assert_eq!(settled(&api, "first")["approved"], true);
    wait_until("the answer counts as delivered", || {
        let params = json!({"approval_id": asked["id"]});
        let now = laptop.call("getApproval", params)["approval"].clone();
        now["delivered_at"].is_string().then_some(())
    });
    api.ask("second");
    let asked = from_afar(&laptop);
    laptop.decide(&asked, json!({"decision": "deny", "comment": "not today"}));
    let status = settled(&api, "second");
    assert_eq!(status["approved"], false);
    assert_eq!(status["comment"], "not today");
}

#[test]
fn a_decision_survives_the_death_of_the_daemon_that_took_it() {
    let api = Api::start();
    let (base, key) = (api.base(), api.new_key("laptop"));
    let mut environment = polling(&base, &key).to_vec();
    environment.push(("HUMANLAYER_FAILPOINT", "api.sending"));
    let mut laptop = Daemon::with(&environment);
    api.ask("one");
    let asked = from_afar(&laptop);
    laptop.approve_to_the_death(&asked);
    laptop.wait();
    let undecided = api.get("/function_calls/one").body;
    assert!(undecided["status"]["approved"].is_null(), "{undecided}");
    laptop.launch(&[("HUMANLAYER_FAILPOINT", "none")]);
    assert_eq!(settled(&api, "one")["approved"], true);
    let answered = api.post(
        "/agent/function_calls/one/respond",
        &json!({"approved": true}),
    );
    assert_eq!(answered.status, 409, "it was answered once");
}

#[test]
fn what_is_decided_where_it_was_asked_disappears_at_the_other() {
    let api = Api::start();
    let (base, key) = (api.base(), api.new_key("laptop"));
    let laptop = Daemon::with(&polling(&base, &key));
    api.ask("one");
    let asked = from_afar(&laptop);
    api.daemon.approve(&api.approval("one"));
    let settled = wait_until("it is gone from the other's inbox", || {
        let params = json!({"approval_id": asked["id"]});
        let now = laptop.call("getApproval", params)["approval"].clone();
        (now["outcome"] != "pending").then_some(now)
    });
    assert_eq!(settled["outcome"], "approved");
    assert_eq!(settled["decided_by"]["kind"], "elsewhere");
}

#[test]
fn a_key_in_the_dashboard_lets_the_real_claude_code_go_on() {
    let api = Api::start();
    let (base, key) = (api.base(), api.new_key("laptop"));
    let rig = Rig::with(&polling(&base, &key));
    let server = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/permission-server/server.mjs"
    );
    let id = rig.launch_with(json!({
        "query": "TOOL Bash {\"command\": \"echo through > made\"}\nTEXT all done",
        "permission_prompt_tool": "mcp__permissions__request_permission",
        "mcp_config": {"mcpServers": {"permissions": {
            "command": "node",
            "args": [server],
            "env": {
                "PATH": std::env::var("PATH").unwrap(),
                "PERMISSION_SERVER_CLIENTS": clients(),
                "PERMISSION_SERVER_POLL_MS": "50",
                "HUMANLAYER_API_BASE": base,
                "HUMANLAYER_API_KEY": api.new_key("permission-server"),
            },
        }}},
    }));
    let asked = from_afar(&rig.daemon);
    assert_eq!(asked["session_id"], id, "matched by its run id");
    assert_eq!(asked["tool_name"], "Bash");
    let call = wait_until("the tool call is known", || {
        rig.pieces(&id, "tool_call").first().cloned()
    });
    wait_until("matched to the tool call too", || {
        (rig.approval(&asked)["tool_use_id"] == call["tool_id"]).then_some(())
    });
    let mut dashboard = rig.daemon.command();
    dashboard.env("HOME", rig.daemon.root());
    let mut terminal = Terminal::start((120, 36), &dashboard);
    terminal.wait_for("May it use Bash?");
    terminal.wait_for("echo through > made");
    assert!(!rig.exists("made"));
    terminal.keys("y");
    rig.until_result(&id, "all done");
    assert_eq!(rig.lines("made"), ["through"]);
    let approval = rig.approval(&asked);
    assert_eq!(approval["outcome"], "approved");
    assert_eq!(approval["decided_by"]["kind"], "person");
}
