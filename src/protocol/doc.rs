//! The protocol's documentation, made from the types themselves.
//!
//! `docs/protocol.md` is this text; a test keeps them the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::method::{Effect, Name};
use super::{PROTOCOL_VERSION, error, event};

struct Entry {
    name: &'static str,
    what: &'static str,
    params: Value,
    answer: Value,
}

fn methods() -> Vec<Entry> {
    let mut schemas = SchemaGenerator::default();
    let entry = |name: &Name| {
        let [params, answer] = name.schemas(&mut schemas).map(Schema::to_value);
        Entry {
            name: name.as_str(),
            what: name.summary(),
            params,
            answer,
        }
    };
    Name::ALL.iter().map(entry).collect()
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
    with_examples(include_str!("../../docs/protocol_examples.md"))
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
    let names: Vec<String> = Name::with(Effect::Changes)
        .map(|name| format!("`{}`", name.as_str()))
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
