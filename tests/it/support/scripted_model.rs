//! A model that follows a script: the Anthropic Messages API over loopback.
//!
//! Lets the real Claude Code run in a test with no model, no account and no network. The
//! newest message of the user that holds directives is the script, one directive a line;
//! each turn of the model plays up to and including the next calls of tools:
//!
//! - `TEXT words`: a text block
//! - `TOOL Name {json}`: a tool call; lines of them are parallel calls of one turn. JSON that cannot be
//!   parsed here is sent as it is
//! - `BLOCK {json}`: a block of another kind
//! - `USAGE {json}`: the tokens that this turn's message reports
//! - `SLEEP seconds`: before this turn is answered
//! - `ERR status`: this turn's first request gets this HTTP status, once
//! - `REFUSE status`: every request of this turn gets this HTTP status
//!
//! After the last turn the results of the tools are echoed as "Tool said: …". The server
//! has a thread and a runtime of its own and stops when it is dropped.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A request that the model got.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// When.
    pub at: Instant,
    /// The path with its query.
    pub path: String,
    /// The body; null if it was not JSON.
    pub body: Value,
}

/// The running server.
pub struct ScriptedModel {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<RecordedRequest>>,
    failed: Mutex<HashSet<String>>,
    ids: std::sync::atomic::AtomicU64,
}

impl ScriptedModel {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        let (stop, stopped) = oneshot::channel::<()>();
        let (bound, port) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                bound.send(listener.local_addr().unwrap().port()).unwrap();
                let router = Router::new().fallback(answer).with_state(state);
                // Not a graceful end: the client keeps its connections open for reuse.
                tokio::select! {
                    served = async { axum::serve(listener, router).await } => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let port = port.recv().expect("the scripted model did not start");
        Self {
            url: format!("http://127.0.0.1:{port}"),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Its address, for `ANTHROPIC_BASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked so far, as one text to look for words in.
    pub fn heard(&self) -> String {
        let bodies = self.requests().into_iter().map(|request| request.body);
        bodies.map(|body| body.to_string() + "\n").collect()
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the scripted model panicked");
            }
        }
    }
}

impl Shared {
    fn id(&self, prefix: &str) -> String {
        let number = self.ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{prefix}_{number:08}")
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body)
        .or_else(|_| serde_json::from_str(&without_half_characters(&body)))
        .unwrap_or(Value::Null);
    shared.requests.lock().unwrap().push(RecordedRequest {
        at: Instant::now(),
        path: uri.to_string(),
        body: request.clone(),
    });
    if uri.path().ends_with("/count_tokens") {
        return json_response(StatusCode::OK, &json!({ "input_tokens": 42 }));
    }
    if uri.path() != "/v1/messages" || request.is_null() {
        return failure(StatusCode::NOT_FOUND, "not_found_error");
    }
    let turn = plan(&shared, &request);
    tokio::time::sleep(turn.delay).await;
    match turn.reply {
        Reply::Status(status) => failure(
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            if status == 401 {
                "authentication_error"
            } else {
                "overloaded_error"
            },
        ),
        Reply::Blocks(blocks) => message(&shared, &request, &blocks, turn.usage),
    }
}

/// JSON in which no escape stands for half a character, which the parser here does not take.
fn without_half_characters(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut whole = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let half = escape.get(1..4).is_some_and(|it| {
            let it = it.to_ascii_lowercase();
            it.starts_with("ud") && it.ends_with(|c| "89abcdef".contains(c))
        });
        let length = if half { 6 } else { 2 };
        whole.push_str(if half { "\\ufffd" } else { &escape[..2] });
        rest = &escape[length..];
    }
    whole + rest
}

/// What the model does in one turn.
struct Turn {
    delay: Duration,
    usage: Option<Value>,
    reply: Reply,
}

enum Reply {
    Blocks(Vec<Value>),
    Status(u16),
}

fn plan(shared: &Shared, request: &Value) -> Turn {
    let mut delay = Duration::ZERO;
    let text = |text: &str| Reply::Blocks(vec![json!({ "type": "text", "text": text })]);
    // Without tools it is the request for a title.
    if request["tools"].as_array().is_none_or(Vec::is_empty) {
        let reply = text("scripted title");
        return Turn {
            delay,
            usage: None,
            reply,
        };
    }
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let (at, script, done) = newest_script(&messages);
    let mut blocks = Vec::new();
    let mut usage = None;
    for directive in turns(&script).get(done).cloned().unwrap_or_default() {
        match directive {
            Directive::Text(text) => blocks.push(json!({ "type": "text", "text": text })),
            Directive::Tool(name, input) => blocks.push(json!({
                "type": "tool_use", "id": shared.id("toolu"), "name": name, "input": input,
            })),
            Directive::Block(block) => blocks.push(block),
            Directive::Usage(tokens) => usage = Some(tokens),
            Directive::Sleep(pause) => delay += pause,
            Directive::Refuse(status) => {
                let reply = Reply::Status(status);
                return Turn {
                    delay,
                    usage,
                    reply,
                };
            }
            Directive::Fail(status) => {
                let key = format!("{done} {}", messages[at]);
                if shared.failed.lock().unwrap().insert(key) {
                    let reply = Reply::Status(status);
                    return Turn {
                        delay,
                        usage,
                        reply,
                    };
                }
            }
        }
    }
    let reply = if !blocks.is_empty() {
        Reply::Blocks(blocks)
    } else {
        match tool_results(messages.last()) {
            Some(results) => text(&format!("Tool said: {results}")),
            None => text("Hello from the scripted model."),
        }
    };
    Turn {
        delay,
        usage,
        reply,
    }
}

#[derive(Clone)]
enum Directive {
    Text(String),
    /// The input is a string if it is JSON that cannot be parsed.
    Tool(String, Value),
    Block(Value),
    Usage(Value),
    Sleep(Duration),
    Fail(u16),
    Refuse(u16),
}

fn directive(line: &str) -> Option<Directive> {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "TEXT" => Some(Directive::Text(rest.to_owned())),
        "TOOL" => {
            let (name, input) = rest.split_once(' ').unwrap_or((rest, "{}"));
            let input = serde_json::from_str(input).unwrap_or_else(|_| json!(input));
            Some(Directive::Tool(name.to_owned(), input))
        }
        "BLOCK" => Some(Directive::Block(serde_json::from_str(rest).ok()?)),
        "USAGE" => Some(Directive::Usage(serde_json::from_str(rest).ok()?)),
        "SLEEP" => Some(Directive::Sleep(
            Duration::try_from_secs_f64(rest.parse().ok()?).ok()?,
        )),
        "ERR" => Some(Directive::Fail(rest.parse().ok()?)),
        "REFUSE" => Some(Directive::Refuse(rest.parse().ok()?)),
        _ => None,
    }
}

/// The newest message with a script, the script, and how many turns have followed it.
fn newest_script(messages: &[Value]) -> (usize, Vec<Directive>, usize) {
    for (at, message) in messages.iter().enumerate().rev() {
        if message["role"] != "user" {
            continue;
        }
        let blocks = blocks_of(message);
        let texts: Vec<&str> = blocks
            .iter()
            .filter(|block| block["type"] == "text")
            .filter_map(|block| block["text"].as_str())
            .collect();
        // Messages with nothing of the model between them come as blocks of one: the last counts.
        let script = texts.iter().rev().find_map(|text| {
            let script: Vec<Directive> = text.lines().filter_map(directive).collect();
            (!script.is_empty()).then_some(script)
        });
        if let Some(script) = script {
            let later = messages.get(at + 1..).unwrap_or_default();
            let done = later.iter().filter(|it| it["role"] == "assistant").count();
            return (at, script, done);
        }
        let spoken = texts
            .iter()
            .any(|text| !text.trim_start().starts_with("<system-reminder>"));
        let results = blocks.iter().any(|block| block["type"] == "tool_result");
        if spoken && !results {
            return (at, Vec::new(), 0);
        }
    }
    (0, Vec::new(), 0)
}

/// Divides a script into the model's turns: each ends with its calls.
fn turns(script: &[Directive]) -> Vec<Vec<Directive>> {
    let mut turns: Vec<Vec<Directive>> = Vec::new();
    let mut calling = true;
    for directive in script {
        let call = matches!(directive, Directive::Tool(..));
        if turns.is_empty() || (calling && !call) {
            turns.push(Vec::new());
        }
        calling = call;
        if let Some(turn) = turns.last_mut() {
            turn.push(directive.clone());
        }
    }
    turns
}

fn tool_results(message: Option<&Value>) -> Option<String> {
    let results: Vec<String> = blocks_of(message?)
        .iter()
        .filter(|block| block["type"] == "tool_result")
        .map(|block| block["content"].to_string().chars().take(300).collect())
        .collect();
    (!results.is_empty()).then(|| results.join("; "))
}

fn blocks_of(message: &Value) -> Vec<Value> {
    match &message["content"] {
        Value::String(text) => vec![json!({ "type": "text", "text": text })],
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    }
}

fn message(shared: &Shared, request: &Value, blocks: &[Value], usage: Option<Value>) -> Response {
    let calls = blocks.iter().any(|block| block["type"] == "tool_use");
    let stop = if calls { "tool_use" } else { "end_turn" };
    let mut message = json!({
        "id": shared.id("msg"), "type": "message", "role": "assistant",
        "model": request["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": usage.unwrap_or_else(|| json!({ "input_tokens": 100, "output_tokens": 20,
            "cache_creation_input_tokens": 7, "cache_read_input_tokens": 11 })),
    });
    if request["stream"] != json!(true) {
        message["content"] = json!(blocks);
        message["stop_reason"] = json!(stop);
        return json_response(StatusCode::OK, &message);
    }
    let mut events = String::new();
    let mut event = |kind: &str, mut data: Value| {
        data["type"] = json!(kind);
        events.push_str(&format!("event: {kind}\ndata: {data}\n\n"));
    };
    event("message_start", json!({ "message": message }));
    for (index, block) in blocks.iter().enumerate() {
        let (empty, deltas) = match block["text"].as_str() {
            None if block["type"] != "tool_use" => (block.clone(), Vec::new()),
            Some(text) => (
                json!({ "type": "text", "text": "" }),
                text.split_inclusive(' ')
                    .map(|word| json!({ "type": "text_delta", "text": word }))
                    .collect(),
            ),
            None => {
                let mut empty = block.clone();
                empty["input"] = json!({});
                let input = match &block["input"] {
                    Value::String(raw) => raw.clone(),
                    input => input.to_string(),
                };
                let delta = json!({ "type": "input_json_delta", "partial_json": input });
                (empty, vec![delta])
            }
        };
        event(
            "content_block_start",
            json!({ "index": index, "content_block": empty }),
        );
        for delta in deltas {
            event(
                "content_block_delta",
                json!({ "index": index, "delta": delta }),
            );
        }
        event("content_block_stop", json!({ "index": index }));
    }
    event(
        "message_delta",
        json!({ "delta": { "stop_reason": stop, "stop_sequence": null },
            "usage": { "output_tokens": 20 } }),
    );
    event("message_stop", json!({}));
    ([(header::CONTENT_TYPE, "text/event-stream")], events).into_response()
}

fn failure(status: StatusCode, kind: &str) -> Response {
    let error = json!({ "type": kind, "message": "scripted error" });
    json_response(status, &json!({ "type": "error", "error": error }))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, body.to_string()).into_response()
}
