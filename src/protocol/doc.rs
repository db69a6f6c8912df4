//! The protocol's documentation, made from the types themselves.
//!
//! `assets/protocol.md` is this text; a test keeps them the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::{
    PROTOCOL_VERSION, alarms, approval, conversation, decision, error, event, keys, messages,
    method, places, session, terminals, upkeep,
};

/// A method that takes and gives nothing of note.
#[derive(JsonSchema)]
struct Nothing {}

struct Entry {
    name: &'static str,
    what: &'static str,
    params: Value,
    answer: Value,
}

struct Book {
    schemas: SchemaGenerator,
    entries: Vec<Entry>,
}

impl Book {
    fn method<P: JsonSchema, R: JsonSchema>(&mut self, name: &'static str, what: &'static str) {
        let params = self.schemas.root_schema_for::<P>().to_value();
        let answer = self.schemas.root_schema_for::<R>().to_value();
        self.entries.push(Entry {
            name,
            what,
            params,
            answer,
        });
    }
}

fn methods() -> Vec<Entry> {
    let mut book = Book {
        schemas: SchemaGenerator::default(),
        entries: Vec::new(),
    };
    let b = &mut book;
    b.method::<Nothing, session::HealthResponse>(
        method::HEALTH,
        "Version and health of the daemon.",
    );
    b.method::<session::LaunchSessionParams, session::LaunchSessionResponse>(
        method::LAUNCH_SESSION,
        "Starts an agent. An agent that calls this may only start what asks a person. Where the directory brings settings of Claude Code that run or allow something, and nobody has answered for just these, the session is there at once and has no process: `waiting_for` says so, and an approval with the source `launch` asks whether they are used (approve) or left out (deny).",
    );
    b.method::<session::RestartSessionParams, session::SessionResponse>(
        method::RESTART_SESSION,
        "Ends a session's process (a turn that runs is interrupted) and stores the caller's credentials, together with their endpoint, for the next one, which the next message starts. Everything else of its environment stays. The conversation says which variables changed. Refused to agents.",
    );
    b.method::<session::MoveSessionParams, session::SessionResponse>(
        method::MOVE_SESSION,
        "Has a session whose process has ended go on in another directory, as after its own was renamed or deleted. The agent's record of the conversation is copied to where the agent looks for it; the old one is not written to. Messages that wait are sent then. Refused while the session has a process, and to agents.",
    );
    b.method::<session::GetAgentInfoParams, session::GetAgentInfoResponse>(
        method::GET_AGENT_INFO,
        "What the installed agent says about itself. The program is asked once and again after an upgrade, which may take a second or two.",
    );
    b.method::<session::ContinueSessionParams, session::ContinueSessionResponse>(
        method::CONTINUE_SESSION,
        "Continues a conversation under a further id whose parent is the named one, as clients of the older daemon expect. A turn that runs is interrupted first. An older id of a conversation, or `fork`, makes a new session that shares the conversation so far. All ids name the conversation for ever.",
    );
    b.method::<session::ListSessionsParams, session::ListSessionsResponse>(
        method::LIST_SESSIONS,
        "All sessions, or a page of them.",
    );
    b.method::<session::GetSessionLeavesParams, session::ListSessionsResponse>(
        method::GET_SESSION_LEAVES,
        "Sessions that no other one continues.",
    );
    b.method::<session::GetSessionStateParams, session::GetSessionStateResponse>(
        method::GET_SESSION_STATE,
        "One session.",
    );
    b.method::<session::GetOverviewParams, session::GetOverviewResponse>(
        method::GET_OVERVIEW,
        "Sessions, counts and pending approvals of one consistent moment.",
    );
    b.method::<session::SessionParams, session::InterruptSessionResponse>(
        method::INTERRUPT_SESSION,
        "Stops the turn. What was pending in it is withdrawn.",
    );
    b.method::<session::SendMessageParams, session::SendMessageResponse>(
        method::SEND_MESSAGE,
        "A message to a session. Where its process has ended, it is resumed: the same session, a new process, in the permission mode in which it was. What is missing for that (its directory, Claude Code) is waited for, which `waiting_for` names. Refused to agents.",
    );
    b.method::<messages::WithdrawMessageParams, messages::WithdrawMessageResponse>(
        method::WITHDRAW_MESSAGE,
        "Withdraws a message that the agent has not read: what waits for the next process is taken back for certain, what is in the queue of a running one (Claude Code from 2.1.133 on) unless the agent takes it up at that moment. Refused to agents.",
    );
    b.method::<session::SessionParams, session::SessionResponse>(method::END_SESSION, "Ends a session's process: an interrupt if a turn runs, `end_session`, then SIGINT, SIGTERM and SIGKILL, each after five seconds.");
    b.method::<session::UpdateSessionSettingsParams, session::SuccessResponse>(method::UPDATE_SESSION_SETTINGS, "Standing permissions. What is pending and now permitted is approved. Refused to agents where it loosens.");
    b.method::<session::UpdateSessionTitleParams, session::SuccessResponse>(
        method::UPDATE_SESSION_TITLE,
        "The title.",
    );
    b.method::<session::ArchiveSessionParams, session::SuccessResponse>(
        method::ARCHIVE_SESSION,
        "Archives a session, or unarchives it. One that works is refused, or ended first (`end`). A message unarchives it.",
    );
    b.method::<session::BulkArchiveSessionsParams, session::BulkArchiveSessionsResponse>(
        method::BULK_ARCHIVE_SESSIONS,
        "The same for several.",
    );
    b.method::<session::DeleteSessionsParams, session::DeleteSessionsResponse>(
        method::DELETE_SESSIONS,
        "Deletes ended sessions for good: conversation, approvals, raw lines, ids. What a fork shows of one stays with the fork. Refused to agents, and for a session that has a process.",
    );
    b.method::<session::GetRecentPathsParams, session::GetRecentPathsResponse>(
        method::GET_RECENT_PATHS,
        "Directories that sessions worked in.",
    );
    b.method::<conversation::GetConversationParams, conversation::GetConversationResponse>(
        method::GET_CONVERSATION,
        "The conversation of a session, or a page of it.",
    );
    b.method::<conversation::SearchConversationsParams, conversation::SearchConversationsResponse>(
        method::SEARCH_CONVERSATIONS,
        "Searches all conversations, the newest first.",
    );
    b.method::<conversation::GetRawLinesParams, conversation::GetRawLinesResponse>(
        method::GET_RAW_LINES,
        "The agent's own lines, kept for two weeks after the session's end.",
    );
    b.method::<session::SessionParams, session::GetSessionSnapshotsResponse>(
        method::GET_SESSION_SNAPSHOTS,
        "Files as the agent read them.",
    );
    b.method::<approval::CreateApprovalParams, approval::CreateApprovalResponse>(
        method::CREATE_APPROVAL,
        "Asks for a permission, for a program that serves a permission prompt over MCP.",
    );
    b.method::<approval::CreateContactParams, approval::CreateContactResponse>(
        method::CREATE_CONTACT,
        "Asks a person something, for any program. An agent may do so for its own session.",
    );
    b.method::<approval::WithdrawApprovalParams, approval::GetApprovalResponse>(
        method::WITHDRAW_APPROVAL,
        "Withdraws a program's request: its outcome is `withdrawn`. An agent may do so for its own session.",
    );
    b.method::<approval::FetchApprovalsParams, approval::ApprovalsResponse>(
        method::FETCH_APPROVALS,
        "What is pending in a session.",
    );
    b.method::<approval::ListApprovalsParams, approval::ApprovalsResponse>(
        method::LIST_APPROVALS,
        "Approvals over all sessions.",
    );
    b.method::<approval::GetApprovalParams, approval::GetApprovalResponse>(
        method::GET_APPROVAL,
        "One approval.",
    );
    b.method::<decision::DecisionFields, decision::SendDecisionResponse>(
        method::SEND_DECISION,
        "Decides. First decision wins; later ones get `already_resolved`. Refused to agents.",
    );
    b.method::<keys::CreateKeyParams, keys::CreateKeyResponse>(
        method::CREATE_KEY,
        "Creates a key for the local HumanLayer API. Refused to agents.",
    );
    b.method::<keys::ListKeysParams, keys::ListKeysResponse>(
        method::LIST_KEYS,
        "The keys, without the keys themselves.",
    );
    b.method::<alarms::ListAlarmsParams, alarms::ListAlarmsResponse>(
        method::LIST_ALARMS,
        "What must not have happened and has: `runner_killed` (what the agent left behind may have escaped: until it is acknowledged, callers that come from a process of the user that is younger than that session are refused) and `ran_unapproved` (a tool ran although nobody had approved it, or although it was denied) and `foreign_writer` (another program has written to the database, or an older one was put back: no standing permission applies until it is acknowledged) and `project_changed` (the settings of Claude Code that a project brings have changed while an agent worked: it is stopped until a person has decided the question about them), and `runner_stopped`, `database_moved`, `socket_taken` and `journal_damaged` (a runner was stopped, a file was taken away; what was done about it is in `detail`), and `daemon_signalled` (an agent told the daemon to stop, which it did not), and `session_adopted` (a session was not in the database and was adopted from its directory: it is not resumed until that is acknowledged).",
    );
    b.method::<alarms::AcknowledgeAlarmParams, alarms::AlarmResponse>(
        method::ACKNOWLEDGE_ALARM,
        "Acknowledges an alarm; it stays on record. Refused to everybody but a person.",
    );
    b.method::<terminals::ListTerminalsParams, terminals::TerminalsResponse>(
        method::LIST_TERMINALS,
        "The terminals that a person has confirmed. A tmux or screen server or a terminal emulator whose starter is gone, and which began while an agent ran, counts as a person's only then.",
    );
    b.method::<terminals::ConfirmTerminalParams, terminals::TerminalsResponse>(
        method::CONFIRM_TERMINAL,
        "Confirms the terminal at which a process is. Refused to everybody but a person, so not possible from that terminal itself.",
    );
    b.method::<places::ListPlacesParams, places::ListPlacesResponse>(
        method::LIST_PLACES,
        "The places on record. Programs that a person starts in a terminal may decide; a service, a container or a desktop program may where its place is on record.",
    );
    b.method::<places::AddPlaceParams, places::PlaceResponse>(
        method::ADD_PLACE,
        "Puts the place where a process runs on record. Refused to everybody but a person.",
    );
    b.method::<places::RemovePlaceParams, places::PlaceResponse>(
        method::REMOVE_PLACE,
        "Takes a place off the record. Refused to everybody but a person.",
    );
    b.method::<upkeep::RepairParams, upkeep::RepairResponse>(
        method::REPAIR,
        "Adopts sessions whose directories the database does not know, moves directories aside that belong to no session, makes indexes anew that do not fit, counts sessions again, and puts the database that is open back where another file has taken its place. Doing it again does nothing more. Refused to everybody but a person.",
    );
    b.method::<upkeep::RestoreDatabaseParams, upkeep::RestoreDatabaseResponse>(
        method::RESTORE_DATABASE,
        "Checks a backup (`humanlayer backup`) and makes it ready. It is put in the place of the database when the daemon stops within two minutes; the present one is kept. Refused to everybody but a person.",
    );
    b.method::<keys::RevokeKeyParams, keys::RevokeKeyResponse>(
        method::REVOKE_KEY,
        "Revokes a key. Refused to agents.",
    );
    b.method::<event::SubscribeEventsParams, event::EventNotification>(method::SUBSCRIBE_EVENTS, "A standard JSON-RPC subscription. Each notification (method `event`) has `params.result` as below; `unsubscribeEvents` with the subscription's id ends it.");
    b.method::<event::SubscribeParams, event::EventAnswer>(method::SUBSCRIBE, "Events in the older daemon's way: the call takes its connection over. The first answer has `subscription_id` and `message`, each further one has `event`; a quiet connection gets `{\"type\":\"heartbeat\"}` every 30 s.");
    book.entries
}

/// How to call the daemon from a shell and from Python. A test runs these programs.
const CALLING: &str = r#"
## Calling it

From a shell, `humanlayer rpc METHOD JSON` does it, or any program that speaks to Unix sockets:

```sh
echo '{"jsonrpc": "2.0", "id": 1, "method": "health"}' | socat -t 5 - UNIX-CONNECT:$HOME/.humanlayer/daemon.sock
echo '{"jsonrpc": "2.0", "id": 1, "method": "health"}' | nc -N -U $HOME/.humanlayer/daemon.sock
```

From Python, without a library:

```python
import json, os, socket

connection = socket.socket(socket.AF_UNIX)
connection.connect(os.path.expanduser("~/.humanlayer/daemon.sock"))
lines = connection.makefile("rw", encoding="utf-8")

def call(method, **params):
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    lines.write(json.dumps(request) + "\n")
    lines.flush()
    response = json.loads(lines.readline())
    if "error" in response:
        raise RuntimeError(response["error"]["message"])
    return response["result"]

for approval in call("listApprovals")["approvals"]:
    print(approval["id"], approval["tool_name"], approval["tool_input"])
```

Events, for as long as the connection stands (see Events below):

```python
import json, os, socket

connection = socket.socket(socket.AF_UNIX)
connection.connect(os.path.expanduser("~/.humanlayer/daemon.sock"))
lines = connection.makefile("rw", encoding="utf-8")
request = {"jsonrpc": "2.0", "id": 1, "method": "subscribeEvents", "params": {}}
lines.write(json.dumps(request) + "\n")
lines.flush()
response = json.loads(lines.readline())  # its result is the subscription's id
print("subscribed")
for line in lines:
    event = json.loads(line)["params"]["result"]
    print(event["seq"], event["type"], event["data"].get("approval_id", ""))
```

A program that asks for its own connections may send several requests without waiting; the responses come
in order. A subscription's notifications come between them and have no `id`.

## Examples

Recorded from a daemon by a test, with ids, times and paths replaced. `…` stands for more fields.
"#;

/// The whole text, in Markdown.
#[must_use]
pub fn markdown() -> String {
    with_examples(include_str!("../../assets/protocol_examples.md"))
}

/// The same with other examples: those that a test has just recorded.
#[must_use]
pub fn with_examples(examples: &str) -> String {
    let mut text = String::new();
    let mut types = BTreeMap::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "# Protocol\n\n\
         JSON-RPC 2.0 over the daemon's Unix socket (`~/.humanlayer/daemon.sock`, mode 0600), one JSON object a line, \
         UTF-8. Protocol version {PROTOCOL_VERSION}. Requests on one connection are answered in order; parameters are always one object; \
         unknown fields are ignored on both sides; batches are served. Times are RFC 3339 in UTC. \
         An id of a session or an approval may be a unique prefix.\n\n\
         Limits: 16 MiB a request, 64 MiB an answer, 100 requests a batch, 64 subscriptions a connection, 1024 connections.\n\n\
         This page is generated from the types in `src/protocol`; `humanlayer docs protocol` shows it.\n"
    );
    text.push_str(CALLING);
    text.push_str(examples);
    changing(&mut text, &mut types);
    text.push_str("\n## Methods\n");
    for entry in methods() {
        let _ = write!(text, "\n### `{}`\n\n{}\n", entry.name, entry.what);
        section(&mut text, "Parameters", &entry.params, &mut types);
        section(&mut text, "Answer", &entry.answer, &mut types);
    }
    let _ = write!(
        text,
        "\n## Events\n\n{}\n",
        description(&schemars::schema_for!(event::EventNotification).to_value())
    );
    errors(&mut text, &mut types);
    let _ = write!(text, "\n## Types\n");
    for (name, schema) in &types {
        let _ = write!(text, "\n### {name}\n\n");
        described_type(&mut text, schema);
    }
    text
}

/// What the methods take that change something.
fn changing(text: &mut String, types: &mut BTreeMap<String, Value>) {
    let names: Vec<String> = method::CHANGES
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let _ = write!(
        text,
        "\n## Requests that change something\n\n\
         A request that no answer came to may or may not have been carried out. Give each one that changes something a key: \
         sent again with it, over any connection and after a restart of the daemon, the same request is carried out once and \
         gets the answer of the first time (that of `createKey` only from the daemon that gave it). A client that does not wait any longer closes its connection: \
         a request with a key or a deadline that was not begun by then is dropped. The programs of this project do all that; \
         requests without these members are carried out as they come. They are taken by {}.\n",
        names.join(", ")
    );
    let schema = schemars::schema_for!(super::request::RequestOptions).to_value();
    section(text, "Further parameters", &schema, types);
}

fn errors(text: &mut String, types: &mut BTreeMap<String, Value>) {
    let _ = write!(
        text,
        "\n## Errors\n\nStandard codes (-32700 parse error, -32600 invalid request, -32601 no such method, -32602 invalid \
         parameters, -32603 internal) and those below. `data.kind` is stable.\n\n| kind | code | |\n| --- | --- | --- |\n"
    );
    let schema = schemars::schema_for!(error::ErrorKind).to_value();
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        let name = variant["const"].as_str().unwrap_or_default();
        let kind: Option<error::ErrorKind> = serde_json::from_value(Value::from(name)).ok();
        let code = kind.map(error::ErrorKind::code).unwrap_or_default();
        let _ = writeln!(text, "| `{name}` | {code} | {} |", description(variant));
    }
    section(
        text,
        "`data`",
        &schemars::schema_for!(error::ErrorData).to_value(),
        types,
    );
}

fn description(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ")
}

fn section(text: &mut String, title: &str, schema: &Value, types: &mut BTreeMap<String, Value>) {
    collect(schema, types);
    let empty = schema["properties"]
        .as_object()
        .is_none_or(serde_json::Map::is_empty);
    if empty {
        let _ = write!(text, "\n{title}: none.\n");
        return;
    }
    let _ = write!(text, "\n{title}:\n\n");
    fields(text, schema);
}

fn collect(schema: &Value, types: &mut BTreeMap<String, Value>) {
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        types.insert(name.clone(), definition.clone());
    }
}

fn described_type(text: &mut String, schema: &Value) {
    let what = description(schema);
    if !what.is_empty() {
        let _ = write!(text, "{what}\n\n");
    }
    if schema["properties"].is_object() {
        fields(text, schema);
        return;
    }
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        match variant["const"].as_str() {
            Some(name) => drop(writeln!(text, "- `{name}`: {}", description(variant))),
            None => {
                let tag = variant["properties"]["kind"]["const"]
                    .as_str()
                    .unwrap_or_default();
                let _ = write!(text, "- `kind` = `{tag}`: {}\n\n", description(variant));
                fields(text, variant);
                let _ = writeln!(text);
            }
        }
    }
}

fn fields(text: &mut String, schema: &Value) {
    let _ = write!(text, "| field | type | |\n| --- | --- | --- |\n");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} |",
            type_name(field),
            description(field).replace('|', "\\|")
        );
    }
}

fn type_name(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let names: Vec<String> = options
            .iter()
            .map(type_name)
            .filter(|name| name != "null")
            .collect();
        return format!("{}?", names.join(" or "));
    }
    let of_items = |schema: &Value| format!("[{}]", type_name(&schema["items"]));
    match &schema["type"] {
        Value::String(name) if name == "array" => of_items(schema),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<&str> = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null")
                .collect();
            match names.as_slice() {
                ["array"] => format!("{}?", of_items(schema)),
                names => format!("{}?", names.join(" or ")),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any JSON".to_owned(),
    }
}
