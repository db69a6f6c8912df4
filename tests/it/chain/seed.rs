//! The chain that this program was made for: an agent asks through its MCP server and a HumanLayer
//! API, and a key in the dashboard lets it go on.

use serde_json::{Map, Value, json};

use super::{Laptop, Server};
use crate::support::daemon::wait_until;
use crate::support::real_claude::{RealClaude, clients};
use crate::support::scripted_model::ScriptedModel;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (140, 40);
const MADE: &str = r#"TOOL Bash {"command": "touch made"}"#;
const UNMADE: &str = r#"TOOL Bash {"command": "rm made"}"#;

/// The permission server, as a session's MCP configuration has it.
fn permission_server(server: &Server) -> Value {
    json!({"mcpServers": {"gate": {
        "command": "node",
        "args": [concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/permission-server/server.mjs"
        )],
        "env": {
            "PERMISSION_SERVER_CLIENTS": clients(),
            "PERMISSION_SERVER_POLL_MS": "50",
            "HUMANLAYER_API_KEY": server.key(&["gate", "--ask-only"]),
            "HUMANLAYER_API_BASE": server.base(),
        },
    }}})
}

#[test]
fn an_agent_that_asks_over_the_api_goes_on_at_the_press_of_a_key() {
    let server = Server::start();
    let model = ScriptedModel::start();
    let claude = RealClaude::with(&model);
    let program = claude.program().display().to_string();
    let laptop = Laptop::of(&server, vec![("HUMANLAYER_CLAUDE_PATH", program)]);
    let here = &laptop.machine;
    let mut terminal = Terminal::start(SIZE, &here.command(&[]));
    terminal.wait_for("No sessions yet");

    let mut env: Map<String, Value> = Map::new();
    for (name, value) in claude.environment() {
        env.insert(name.to_owned(), json!(value));
    }
    env.insert("PATH".to_owned(), json!(std::env::var("PATH").unwrap()));
    let launched = here.cli.call(
        "launchSession",
        json!({
            "query": format!("{MADE}\nTEXT it is made\n{UNMADE}\nTEXT all is said"),
            "working_dir": here.cli.work(),
            "env": env,
            "mcp_config": permission_server(&server),
            "permission_prompt_tool": "mcp__gate__request_permission",
        }),
    );
    let session = launched["session_id"].as_str().unwrap();
    let made = here.cli.work().join("made");

    let asked = matched(&laptop, session, "touch made");
    assert!(!made.exists());
    // The commands are in the prompt on the screen too: only the id says that it is drawn.
    terminal.wait_for(asked["call_id"].as_str().unwrap());
    terminal.decide("y");
    wait_until("the command has run", || made.exists().then_some(()));

    let refused = matched(&laptop, session, "rm made");
    terminal.wait_for(refused["call_id"].as_str().unwrap());
    terminal.decide("n");
    terminal.type_in("it is still needed");
    terminal.keys("enter");
    here.cli.until_status(session, "completed");
    assert!(made.exists(), "what was refused has not run");
    assert!(model.heard().contains("it is still needed"));

    for (approval, outcome) in [(&asked, "approved"), (&refused, "denied")] {
        let decided = here.delivered(&approval["call_id"]);
        assert_eq!(decided["outcome"], outcome);
        assert_eq!(decided["decided_by"]["kind"], "person", "{decided}");
        let call = call(&laptop, session, &approval["tool_use_id"]);
        assert_eq!(call["approval_id"], approval["id"]);
        assert_eq!(call["approval_outcome"], outcome);
        let there = server.machine.delivered(&approval["call_id"]);
        assert_eq!(there["run_id"], here.cli.session(session)["run_id"]);
        assert_eq!(there["outcome"], outcome);
        assert_eq!(
            (&there["asker"], &there["decided_by"]["name"]),
            (&json!("gate"), &json!("laptop"))
        );
    }
    assert_eq!(laptop.tunnel.answers(), 2);
    assert_eq!(here.approvals().len(), 2);
    terminal.keys("q");
    assert!(terminal.wait().success());
}

/// The request about a command, once it belongs to the session and to its tool call.
fn matched(laptop: &Laptop, session: &str, command: &str) -> Value {
    let what = format!("the request about {command} is matched");
    let found = laptop.machine.until(&what, |approval| {
        approval["tool_input"]["command"] == command && approval["tool_use_id"].is_string()
    });
    assert_eq!(
        (&found["source"], &found["session_id"], &found["outcome"]),
        (&json!("remote_api"), &json!(session), &json!("pending"))
    );
    let call = call(laptop, session, &found["tool_use_id"]);
    assert_eq!(call["tool_name"], "Bash");
    assert!(
        call["tool_input_json"].to_string().contains(command),
        "{call}"
    );
    found
}

/// A tool call in the session's conversation.
fn call(laptop: &Laptop, session: &str, tool_use_id: &Value) -> Value {
    let told = laptop
        .machine
        .cli
        .call("getConversation", json!({"session_id": session}));
    let pieces = told["events"].as_array().unwrap().iter();
    let mut calls = pieces.filter(|piece| piece["event_type"] == "tool_call");
    let found = calls.find(|piece| piece["tool_id"] == *tool_use_id);
    found.expect("the call is in the conversation").clone()
}
