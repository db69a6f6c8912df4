//! A turn of the demonstration's agent: a script is played, step by step, in answer to a message.
//!
//! Owns the order of things in a turn: a message's blocks word by word, then its call with question, effect and
//! result. A subagent's script is played by the same code under its call's id.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lines;
use super::permissions::{self, Verdict};
use super::script::{self, Step};
use super::session::{Interrupted, Message, Session};
use super::tools::{self, ToolResult};

/// Between two words.
const PACE: Duration = Duration::from_millis(35);

/// Why a turn ends early.
enum Stop {
    Interrupted {
        /// In the middle of a call.
        in_call: bool,
    },
    /// The result's subtype and what went wrong.
    Failed(String, String),
}

impl From<Interrupted> for Stop {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted { in_call: false }
    }
}

/// A subagent, as its lines name it.
struct Parent {
    call: String,
    id: String,
}

struct Turn<'a> {
    session: &'a Session,
    parent: Option<Parent>,
    /// The message that is being said, and how many blocks it has.
    open: Option<(String, u64)>,
    /// Why the last call was refused.
    refused: Option<String>,
    /// The last text that was said.
    text: String,
    messages: u64,
    results: u64,
    denials: Vec<Value>,
}

/// Plays a part of a script in answer to a message.
pub fn answer(session: &Session, message: &Message, part: &str) {
    let started = Instant::now();
    let options = &session.options;
    let mode = session.state().permissions.mode.clone();
    let directory = session.directory.to_string_lossy();
    session.progress(message, "started");
    session.write(&lines::init(&options.id, &directory, &options.model, &mode));
    if options.replays {
        let mut echo =
            json!({ "message": message.whole, "parent_tool_use_id": null, "isReplay": true });
        echo = lines::line(&options.id, "user", echo);
        echo["uuid"] = json!(message.uuid);
        session.write(&echo);
    }
    let mut turn = Turn::new(session, None);
    let stop = turn.play(part).err();
    turn.end_message("end_turn");
    let state = match stop {
        Some(Stop::Interrupted { .. }) => "cancelled",
        Some(Stop::Failed(..)) | None => "completed",
    };
    turn.write_result(started, stop);
    session.progress(message, state);
}

impl<'a> Turn<'a> {
    fn new(session: &'a Session, parent: Option<Parent>) -> Self {
        Self {
            session,
            parent,
            open: None,
            refused: None,
            text: String::new(),
            messages: 0,
            results: 0,
            denials: Vec::new(),
        }
    }

    fn play(&mut self, part: &str) -> Result<(), Stop> {
        let steps = script::parse(part).map_err(|line| {
            let why = format!("the demonstration's script has no such step: {line}");
            Stop::Failed("error_during_execution".to_owned(), why)
        })?;
        for step in steps {
            self.session.check()?;
            match step {
                Step::Say(text) => self.say(&text),
                Step::Think(text) => self.block(
                    json!({ "type": "thinking", "thinking": text, "signature": "demo" }),
                    json!({ "type": "thinking", "thinking": "", "signature": "" }),
                    &[json!({ "type": "thinking_delta", "thinking": text })],
                ),
                Step::Wait(time) => self.session.pause(time)?,
                Step::Call { tool, input, free } => self.call(&tool, &input, free)?,
                Step::Refused(words) => {
                    if let Some(reason) = self.refused.take() {
                        self.say(&words.replace("{reason}", &reason));
                        return Ok(());
                    }
                }
                Step::Retry(status) => self.session.tell(
                    "system",
                    json!({ "subtype": "api_retry", "attempt": 1, "max_retries": 10,
                        "retry_delay_ms": 519, "error_status": status, "error": "overloaded" }),
                ),
                Step::Fail(subtype) => {
                    return Err(Stop::Failed(subtype, "scripted error".to_owned()));
                }
            }
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        let words: Vec<Value> = text
            .split_inclusive(char::is_whitespace)
            .map(|word| json!({ "type": "text_delta", "text": word }))
            .collect();
        self.block(
            json!({ "type": "text", "text": text }),
            json!({ "type": "text", "text": "" }),
            &words,
        );
        text.clone_into(&mut self.text);
    }

    /// Says a block of the message, which it begins where none is open.
    fn block(&mut self, whole: Value, empty: Value, deltas: &[Value]) {
        let (id, index) = match self.open.take() {
            Some(open) => open,
            None => self.begin_message(),
        };
        self.open = Some((id.clone(), index + 1));
        self.event(
            &id,
            json!({ "type": "content_block_start", "index": index, "content_block": empty }),
        );
        let mut paced = self.streams();
        for delta in deltas {
            // After an interrupt the block is said to its end at once.
            paced = paced && self.session.pause(PACE).is_ok();
            self.event(
                &id,
                json!({ "type": "content_block_delta", "index": index, "delta": delta }),
            );
        }
        self.line("assistant", json!({ "message": {
            "id": id, "type": "message", "role": "assistant", "model": self.session.options.model,
            "content": [whole], "stop_reason": null, "stop_sequence": null, "usage": lines::usage(1),
        }}));
        self.event(&id, json!({ "type": "content_block_stop", "index": index }));
    }

    fn begin_message(&mut self) -> (String, u64) {
        self.session.state().said += 1;
        self.messages += 1;
        let id = lines::short_id("msg_");
        let message = json!({
            "id": id, "type": "message", "role": "assistant", "model": self.session.options.model,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": lines::usage(1),
        });
        self.event(&id, json!({ "type": "message_start", "message": message }));
        (id, 0)
    }

    fn end_message(&mut self, reason: &str) {
        if let Some((id, _)) = self.open.take() {
            let delta = json!({ "stop_reason": reason, "stop_sequence": null });
            self.event(
                &id,
                json!({ "type": "message_delta", "delta": delta, "usage": lines::usage(1) }),
            );
            self.event(&id, json!({ "type": "message_stop" }));
        }
    }

    /// Words come one by one where that was asked for, and never from subagents.
    fn streams(&self) -> bool {
        self.session.options.streams && self.parent.is_none()
    }

    fn event(&self, message: &str, event: Value) {
        if self.streams() {
            let fields =
                json!({ "event": event, "parent_tool_use_id": null, "api_message_id": message });
            self.session.tell("stream_event", fields);
        }
    }

    fn line(&self, kind: &str, mut fields: Value) {
        fields["parent_tool_use_id"] = json!(self.parent.as_ref().map(|parent| &parent.call));
        if let Some(parent) = &self.parent {
            fields["agent_id"] = json!(parent.id);
        }
        self.session.tell(kind, fields);
    }

    fn user_line(&mut self, content: Value, detail: Value) {
        self.results += 1;
        let message = json!({ "role": "user", "content": content });
        self.line(
            "user",
            json!({ "message": message, "tool_use_result": detail }),
        );
    }

    fn call(&mut self, tool: &str, input: &Value, free: bool) -> Result<(), Stop> {
        let id = lines::short_id("toolu_");
        self.block(
            json!({ "type": "tool_use", "id": id, "name": tool, "input": input }),
            json!({ "type": "tool_use", "id": id, "name": tool, "input": {} }),
            &[json!({ "type": "input_json_delta", "partial_json": input.to_string() })],
        );
        self.end_message("tool_use");
        self.refused = None;
        let ran = self.make(tool, input, free, &id);
        // What was announced always gets a result.
        let (result, stop) = match ran {
            Ok(result) => (result, None),
            Err(stop) => (ToolResult::error(lines::REJECTED), Some(stop)),
        };
        let block = json!({
            "type": "tool_result", "tool_use_id": id, "content": result.content,
            "is_error": result.is_error,
        });
        self.user_line(json!([block]), result.detail);
        match stop {
            None => Ok(()),
            Some(stop) => {
                let note = "[Request interrupted by user for tool use]";
                self.user_line(json!([{ "type": "text", "text": note }]), Value::Null);
                Err(stop)
            }
        }
    }

    /// Makes a call after asking about it where that is needed.
    fn make(
        &mut self,
        tool: &str,
        input: &Value,
        free: bool,
        id: &str,
    ) -> Result<ToolResult, Stop> {
        const IN_CALL: Stop = Stop::Interrupted { in_call: true };
        let verdict = match free {
            true => Verdict::Run,
            false => self.session.state().permissions.verdict(tool, input),
        };
        let mut input = input.clone();
        match verdict {
            Verdict::Run => {}
            Verdict::Refuse => {
                let why = format!(
                    "Claude requested permissions to use {tool}, but you haven't granted it yet."
                );
                return Ok(self.refuse(tool, &input, id, &why));
            }
            Verdict::Ask => {
                let agent = self.parent.as_ref().map(|parent| parent.id.as_str());
                let question = permissions::question(tool, &input, id, agent);
                let reply = self.session.ask(&question).map_err(|Interrupted| IN_CALL)?;
                if reply["behavior"] != "allow" {
                    let why = reply["message"].as_str().unwrap_or("Permission denied");
                    let refused = self.refuse(tool, &input, id, why);
                    return match reply["interrupt"] == json!(true) {
                        true => Err(IN_CALL),
                        false => Ok(refused),
                    };
                }
                self.take_over(tool, &reply["updatedPermissions"]);
                if reply["updatedInput"].is_object() {
                    input = reply["updatedInput"].clone();
                }
            }
        }
        let ran = match tool {
            "Task" => self.delegate(&input, id)?,
            _ => tools::run(self.session, tool, &input).map_err(|Interrupted| IN_CALL)?,
        };
        Ok(ran)
    }

    fn refuse(&mut self, tool: &str, input: &Value, id: &str, why: &str) -> ToolResult {
        self.denials
            .push(json!({ "tool_name": tool, "tool_use_id": id, "tool_input": input }));
        self.refused = Some(why.to_owned());
        ToolResult::error(why)
    }

    /// Notes what an answer grants for later.
    fn take_over(&self, tool: &str, updates: &Value) {
        let mode = {
            let mut state = self.session.state();
            let changed = state.permissions.approved(tool, updates);
            changed.then(|| state.permissions.mode.clone())
        };
        if let Some(mode) = mode {
            let fields = json!({ "subtype": "status", "status": null, "permissionMode": mode });
            self.session.tell("system", fields);
        }
    }

    /// Plays a subagent's script and waits for its end.
    fn delegate(&mut self, input: &Value, id: &str) -> Result<ToolResult, Stop> {
        let prompt = input["prompt"].as_str().unwrap_or_default();
        let parent = Parent {
            call: id.to_owned(),
            id: lines::short_id("a"),
        };
        let mut turn = Turn::new(self.session, Some(parent));
        turn.line(
            "user",
            json!({ "message": {
                "role": "user", "content": [{ "type": "text", "text": prompt }],
            }}),
        );
        turn.play(prompt)?;
        let content = json!([{ "type": "text", "text": turn.text }]);
        Ok(ToolResult {
            content: content.clone(),
            is_error: false,
            detail: json!({ "status": "completed", "prompt": prompt, "content": content }),
        })
    }

    fn write_result(&self, started: Instant, stop: Option<Stop>) {
        let said = self.session.state().said;
        let options = &self.session.options;
        let mut fields = json!({
            "duration_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "num_turns": self.results + 1,
            "total_cost_usd": lines::cost(said),
            "usage": lines::usage(self.messages),
            "modelUsage": lines::model_usage(&options.model, said),
            "permission_denials": self.denials,
        });
        let (subtype, reason, errors) = match stop {
            None => {
                fields["result"] = json!(self.text);
                ("success".to_owned(), "completed", None)
            }
            Some(Stop::Failed(subtype, why)) => (subtype, "model_error", Some(why)),
            Some(Stop::Interrupted { in_call }) => {
                let reason = match in_call {
                    true => "aborted_tools",
                    false => "aborted_streaming",
                };
                let why =
                    "[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=tool_use";
                (
                    "error_during_execution".to_owned(),
                    reason,
                    Some(why.to_owned()),
                )
            }
        };
        fields["subtype"] = json!(subtype);
        fields["is_error"] = json!(errors.is_some());
        fields["terminal_reason"] = json!(reason);
        if let Some(why) = errors {
            fields["errors"] = json!([why]);
        }
        self.session.tell("result", fields);
    }
}
