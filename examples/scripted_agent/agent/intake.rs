//! What comes in: lines on stdin and SIGINT.
//!
//! Owns the reading thread and the signal thread; turns what they get into changes of the
//! shared session, and acknowledges control requests at once, also in the middle of a
//! turn. Runs no turn itself.

use std::io::{self, BufRead};
use std::sync::{Arc, mpsc};
use std::thread;

use serde_json::{Value, json};

use super::accounts::DEFAULT_MODEL;
use super::messages;
use super::output::complain;
use super::permissions::Mode;
use super::session::{Answer, Prompt, Session, Work};

/// Starts both threads; SIGINT is caught from here on.
pub(super) fn start(session: &Arc<Session>) -> io::Result<()> {
    let (ready, caught) = mpsc::channel();
    let interrupted = Arc::clone(session);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || watch_sigint(&interrupted, &ready))?;
    caught
        .recv()
        .map_err(|_| io::Error::other("the signal thread ended before it was ready"))??;
    let reading = Arc::clone(session);
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || read_stdin(&reading))?;
    Ok(())
}

fn watch_sigint(session: &Session, ready: &mpsc::Sender<io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(cause) => {
            let _ = ready.send(Err(cause));
            return;
        }
    };
    runtime.block_on(async {
        let kind = tokio::signal::unix::SignalKind::interrupt();
        match tokio::signal::unix::signal(kind) {
            Ok(mut signals) => {
                let _ = ready.send(Ok(()));
                if signals.recv().await.is_some() {
                    session.interrupt();
                    session.end();
                }
            }
            Err(cause) => {
                let _ = ready.send(Err(cause));
            }
        }
    });
}

fn read_stdin(session: &Session) {
    let mut stdin = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match stdin.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(cause) => {
                complain(&format!("cannot read stdin: {cause}"));
                break;
            }
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice(text) {
            Ok(value) => take(session, &value),
            Err(_) => {
                let length = String::from_utf8_lossy(text).chars().count();
                complain(&format!(
                    "Error parsing streaming input line (type=unknown, {length} chars): SyntaxError"
                ));
                session.out.exit(1);
            }
        }
    }
    session.close_stdin();
}

fn take(session: &Session, line: &Value) {
    match line["type"].as_str() {
        Some("user") => take_prompt(session, line),
        Some("control_response") => take_answer(session, line),
        Some("control_request") => {
            session.out.note("request", line);
            take_request(session, line);
        }
        Some(_) | None => session.out.note("ignored", line),
    }
}

fn take_prompt(session: &Session, line: &Value) {
    let message = &line["message"];
    let uuid = line["uuid"].as_str().map(str::to_owned);
    if let Some(uuid) = &uuid {
        if session.memory.completed.contains(uuid) {
            session.out.note("user_again", line);
            session
                .out
                .line(&messages::lifecycle(&session.id, uuid, "completed"));
            return;
        }
        let new = session.state().seen.insert(uuid.clone());
        if !new {
            session.out.note("user_again", line);
            if session.options.replay_user_messages {
                let mut echo = messages::replayed(&session.id, message, uuid);
                if let Value::Object(fields) = &mut echo {
                    fields.shift_remove("timestamp");
                }
                session.out.line(&echo);
            }
            return;
        }
        session
            .out
            .line(&messages::lifecycle(&session.id, uuid, "queued"));
    }
    session.out.note("user", line);
    let prompt = Prompt {
        text: text_of(&message["content"]),
        message: message.clone(),
        uuid,
    };
    if !session.push(Work::Prompt(prompt)) {
        complain("too many prompts are waiting");
        session.out.exit(1);
    }
}

fn take_answer(session: &Session, line: &Value) {
    let response = &line["response"];
    let answer = if response["subtype"] == "error" {
        Answer::Failed(response["error"].as_str().unwrap_or("unknown").to_owned())
    } else {
        Answer::Reply(response["response"].clone())
    };
    let request_id = response["request_id"].as_str().unwrap_or_default();
    // Noted first: a test that sees the answer's effect must find it in the log.
    let open = session
        .open_questions()
        .iter()
        .any(|question| question["request_id"] == request_id);
    let kind = if open { "answer" } else { "answer_ignored" };
    session.out.note(kind, line);
    if open && session.options.replay_user_messages {
        session.out.line(line);
    }
    session.settle(request_id, answer);
}

fn take_request(session: &Session, line: &Value) {
    let request_id = line["request_id"].as_str().unwrap_or_default();
    let request = &line["request"];
    let subtype = request["subtype"].as_str().unwrap_or_default();
    let success = |response| {
        session
            .out
            .line(&messages::control_success(request_id, response));
    };
    match subtype {
        "initialize" => {
            let body = messages::initialized(&session.state().permissions.mode);
            let mut answer = messages::control_success(request_id, Some(body));
            if let Some(inner) = answer.get_mut("response") {
                let pending = json!({
                    "pending_permission_requests": session.open_questions(),
                    "pending_user_dialog_requests": [],
                });
                messages::extend(inner, pending);
            }
            session.out.line(&answer);
        }
        "interrupt" => {
            session.interrupt();
            success(Some(json!({ "still_queued": [] })));
        }
        "set_permission_mode" => {
            let mode = Mode::from_name(request["mode"].as_str().unwrap_or("default"));
            success(Some(json!({ "mode": mode.as_str() })));
            session.state().permissions.mode = mode;
            session.write_mode();
        }
        "set_model" => {
            let model = match request["model"].as_str() {
                None | Some("default") => DEFAULT_MODEL,
                Some(model) => model,
            };
            session.state().model = model.to_owned();
            if session.options.replay_user_messages {
                let text =
                    format!("<local-command-stdout>Set model to `{model}`</local-command-stdout>");
                let message = json!({ "role": "user", "content": text });
                let echo = messages::replayed(&session.id, &message, &messages::new_id());
                session.out.line(&echo);
            }
            success(Some(json!({ "model": model })));
        }
        "get_context_usage" => success(Some(context_usage(session))),
        "cancel_async_message" => {
            let uuid = request["message_uuid"].as_str().unwrap_or_default();
            let cancelled = session.take_back(uuid);
            if cancelled {
                session
                    .out
                    .line(&messages::lifecycle(&session.id, uuid, "cancelled"));
            }
            success(Some(json!({ "cancelled": cancelled })));
        }
        "end_session" => {
            success(None);
            session.interrupt();
            session.end();
        }
        other => session
            .out
            .line(&messages::control_unsupported(request_id, other)),
    }
}

/// How full the model's window is: the sum of the recordings' smallest session.
fn context_usage(session: &Session) -> Value {
    let model = session.state().model.clone();
    let category = |id: &str, name: &str, tokens: u64, kind: &str| json!({ "id": id, "name": name, "tokens": tokens, "color": "promptBorder", "kind": kind });
    json!({
        "categories": [
            category("system_prompt", "System prompt", 420, "used"),
            category("messages", "Messages", 236, "used"),
            category("free_space", "Free space", 999_344, "free"),
        ],
        "totalTokens": 656,
        "maxTokens": 1_000_000,
        "rawMaxTokens": 1_000_000,
        "autocompactSource": "model-default",
        "percentage": 0,
        "model": model,
    })
}

/// The text of a message, whose content is a string or blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<&str> = blocks
                .iter()
                .filter_map(|block| block["text"].as_str())
                .collect();
            texts.join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}
