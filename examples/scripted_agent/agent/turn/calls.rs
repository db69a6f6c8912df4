//! The calls of a turn: asked about, made or refused, and their results.
//!
//! Part of the turn. Calls of one message are made in order; each is asked about when it
//! is its turn, unless the script wants all questions at once. What was announced always
//! gets a result, also when an interrupt comes in between.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::messages;
use super::super::permissions::{self, Mode, Verdict};
use super::super::session::{Answer, Interrupted};
use super::super::task;
use super::super::tools::{self, ToolResult};
use super::{Announced, Stop, Turn};

impl Turn {
    /// Makes the announced calls, in order.
    pub(super) fn make_calls(&mut self) -> Result<(), Stop> {
        if self.calls.is_empty() {
            return Ok(());
        }
        self.speech.end_message("tool_use");
        self.results.clear();
        self.refused = None;
        let calls = std::mem::take(&mut self.calls);
        let mut asked: Vec<Option<String>> = calls.iter().map(|_| None).collect();
        if std::mem::take(&mut self.ask_all) {
            for (slot, call) in asked.iter_mut().zip(&calls) {
                if self.verdict(call) == Verdict::Ask {
                    *slot = Some(self.ask(call));
                }
            }
        }
        let mut rest = calls.iter().zip(asked);
        while let Some((call, asked)) = rest.next() {
            if let Err(stop) = self.make_call(call, asked) {
                // What was announced and never made gets the same refusal.
                for (unmade, _) in rest {
                    self.reject(unmade);
                }
                self.note_interruption("[Request interrupted by user for tool use]");
                return Err(stop);
            }
        }
        self.absorb();
        Ok(())
    }

    fn verdict(&self, call: &Announced) -> Verdict {
        if call.free {
            return Verdict::Run;
        }
        let state = self.session.state();
        state.permissions.verdict(&call.name, &call.input)
    }

    fn ask(&mut self, call: &Announced) -> String {
        let agent_id = self.speech.parent().map(|parent| parent.agent_id.as_str());
        let request = permissions::question(
            &call.name,
            &call.input,
            &call.id,
            agent_id,
            &self.session.cwd,
        );
        self.session.ask(request, self.interrupts)
    }

    fn make_call(&mut self, call: &Announced, asked: Option<String>) -> Result<(), Stop> {
        let verdict = if asked.is_some() {
            Verdict::Ask
        } else {
            self.verdict(call)
        };
        match verdict {
            Verdict::Run => {
                let decision = json!({ "decision": "accept", "source": "config" });
                self.execute(call, &call.input, decision)
            }
            Verdict::Refuse => {
                let message = format!(
                    "Claude requested permissions to use {}, but you haven't granted it yet.",
                    call.name
                );
                self.refuse(call, &message, "config");
                Ok(())
            }
            Verdict::Ask => {
                let question = asked.unwrap_or_else(|| self.ask(call));
                if let Some(path) = self.cancel.take() {
                    if let Some(path) = path {
                        self.wait_for_file(&path)?;
                    }
                    self.session.withdraw(&question);
                }
                let answer = self.session.answer(&question);
                self.follow(call, answer)
            }
        }
    }

    /// Does what the answer to a question says.
    fn follow(&mut self, call: &Announced, answer: Answer) -> Result<(), Stop> {
        match answer {
            Answer::Reply(reply) if reply["behavior"] == "allow" => {
                let session = Arc::clone(&self.session);
                let changed = {
                    let mut state = session.state();
                    let changed = state.permissions.update(&reply["updatedPermissions"]);
                    let leaves_plan =
                        call.name == "ExitPlanMode" && state.permissions.mode == Mode::Plan;
                    if leaves_plan {
                        state.permissions.mode = Mode::Default;
                    }
                    changed || leaves_plan
                };
                if changed {
                    session.write_mode();
                }
                let input = match &reply["updatedInput"] {
                    Value::Object(updated) => Value::Object(updated.clone()),
                    _ => call.input.clone(),
                };
                let decision = json!({ "decision": "accept", "source": "user_temporary" });
                self.execute(call, &input, decision)
            }
            Answer::Reply(reply) => {
                self.deny(call);
                if reply["interrupt"] == json!(true) {
                    self.reject(call);
                    return Err(Stop::Interrupted { in_tools: true });
                }
                let message = reply["message"].as_str().unwrap_or("Permission denied");
                self.write_refusal(call, message, "user_reject");
                Ok(())
            }
            Answer::Failed(reason) => {
                let message = format!("Tool permission request failed: Error: {reason}");
                self.refuse(call, &message, "config");
                Ok(())
            }
            Answer::Withdrawn => {
                let message = "The question was withdrawn before it was answered.";
                self.refuse(call, message, "config");
                Ok(())
            }
            Answer::Closed => {
                self.refuse(call, messages::STREAM_CLOSED, "config");
                Ok(())
            }
            Answer::Interrupted => {
                self.deny(call);
                self.reject(call);
                Err(Stop::Interrupted { in_tools: true })
            }
        }
    }

    fn execute(&mut self, call: &Announced, input: &Value, decision: Value) -> Result<(), Stop> {
        let ran = if call.name == "Task" {
            task::run(&self.session, self.interrupts, &call.id, input)
        } else {
            tools::run(&self.session, self.interrupts, &call.name, input)
        };
        match ran {
            Ok(result) => {
                let meta = json!({ "id": call.id, "permission_decision": decision });
                self.write_result(call, &result, meta);
                Ok(())
            }
            Err(Interrupted) => {
                self.reject(call);
                Err(Stop::Interrupted { in_tools: true })
            }
        }
    }

    fn deny(&mut self, call: &Announced) {
        self.denials.push(json!({
            "tool_name": call.name, "tool_use_id": call.id, "tool_input": call.input,
        }));
    }

    fn refuse(&mut self, call: &Announced, message: &str, source: &str) {
        self.deny(call);
        self.write_refusal(call, message, source);
    }

    fn write_refusal(&mut self, call: &Announced, message: &str, source: &str) {
        self.refused = Some(message.to_owned());
        let meta = json!({
            "id": call.id, "non_execution_kind": "permission-rule",
            "permission_decision": { "decision": "reject", "source": source },
        });
        self.write_result(call, &ToolResult::error(message), meta);
    }

    fn reject(&mut self, call: &Announced) {
        let result = ToolResult {
            content: json!(messages::REJECTED),
            is_error: Some(true),
            detail: json!("User rejected tool use"),
        };
        let meta = json!({ "id": call.id, "non_execution_kind": "user-rejected" });
        self.write_result(call, &result, meta);
    }

    fn write_result(&mut self, call: &Announced, result: &ToolResult, meta: Value) {
        let mut block = json!({
            "tool_use_id": call.id, "type": "tool_result", "content": result.content,
        });
        if let Some(is_error) = result.is_error {
            messages::extend(&mut block, json!({ "is_error": is_error }));
        }
        // What a subagent's tool returned is not for the screen, unless it failed.
        let hidden = self.speech.parent().is_some() && result.is_error != Some(true);
        let extra = if hidden {
            json!({ "tool_result_meta": [meta] })
        } else {
            json!({ "tool_use_result": result.detail, "tool_result_meta": [meta] })
        };
        self.speech.user_line(json!([block]), extra);
        self.user_lines += 1;
        self.results.push(result.content.clone());
    }
}
