//! Tokens and money: what each message cost, per turn and for the whole process.
//!
//! Owns the sums and the `result` line, which is made of them. Prices are those that the
//! recordings show, so the totals are as plausible as a real session's. Pure.

use serde_json::{Map, Value, json};

use super::messages::{extend, new_id, user_message_uuids};

/// The model when nobody names one.
pub(super) const DEFAULT_MODEL: &str = "claude-opus-5-5";

/// Token counts, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tokens {
    /// Read from the prompt.
    pub(super) input: u64,
    /// Written by the model.
    pub(super) output: u64,
    /// Put into the cache.
    pub(super) cache_creation: u64,
    /// Read from the cache.
    pub(super) cache_read: u64,
}

impl Tokens {
    /// What one message of the recordings used.
    pub(super) const RECORDED: Self = Self {
        input: 100,
        output: 20,
        cache_creation: 7,
        cache_read: 11,
    };

    /// Reads the names that the wire uses; what is missing stays as recorded.
    pub(super) fn from_json(given: &Value) -> Self {
        let field = |name: &str, default| given[name].as_u64().unwrap_or(default);
        Self {
            input: field("input_tokens", Self::RECORDED.input),
            output: field("output_tokens", Self::RECORDED.output),
            cache_creation: field("cache_creation_input_tokens", Self::RECORDED.cache_creation),
            cache_read: field("cache_read_input_tokens", Self::RECORDED.cache_read),
        }
    }

    /// As an assistant message carries them.
    pub(super) fn to_json(self) -> Value {
        json!({
            "input_tokens": self.input, "output_tokens": self.output,
            "cache_creation_input_tokens": self.cache_creation,
            "cache_read_input_tokens": self.cache_read,
        })
    }

    /// All of them together.
    pub(super) fn total(self) -> u64 {
        self.input + self.output + self.cache_creation + self.cache_read
    }

    /// Adds another message's.
    pub(super) fn add(&mut self, more: Self) {
        self.input += more.input;
        self.output += more.output;
        self.cache_creation += more.cache_creation;
        self.cache_read += more.cache_read;
    }

    /// In dollars.
    #[allow(
        clippy::cast_precision_loss,
        reason = "token counts are far below 2^53, and the bill is made up"
    )]
    fn cost(self, model: &str) -> f64 {
        // Dollars per million of: input, output, cache written, cache read.
        let [input, output, written, read] = if model.contains("opus") {
            [4.0, 20.0, 5.0, 0.2]
        } else {
            [2.0, 10.0, 2.5, 0.2]
        };
        (self.input as f64 * input
            + self.output as f64 * output
            + self.cache_creation as f64 * written
            + self.cache_read as f64 * read)
            / 1e6
    }
}

/// The accounts of one process.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    models: Vec<(String, Tokens)>,
    since_result: Vec<(String, Tokens)>,
    results: u64,
    spawned: u64,
    completed: u64,
}

/// What a turn's end says about the turn.
#[derive(Debug, Default)]
pub(super) struct TurnEnd {
    /// `success` or an error's name.
    pub(super) subtype: String,
    /// Why it ended: `completed`, `aborted_tools`, …
    pub(super) terminal_reason: &'static str,
    /// The model's last stop reason.
    pub(super) stop_reason: &'static str,
    /// The last text, for a success.
    pub(super) text: String,
    /// What went wrong, for an error.
    pub(super) errors: Vec<String>,
    /// The calls that were refused.
    pub(super) denials: Vec<Value>,
    /// The turn's own tokens.
    pub(super) tokens: Tokens,
    /// Model turns, as Claude Code counts them.
    pub(super) num_turns: u64,
    /// Milliseconds since the turn began.
    pub(super) duration_ms: u64,
    /// The user's messages that it answered.
    pub(super) asked_by: Vec<String>,
    /// The messages that were streamed in it.
    pub(super) streamed: Vec<String>,
    /// What started it, if no user's message did.
    pub(super) origin: Option<Value>,
}

impl Accounts {
    /// One more message of this model.
    pub(super) fn spend(&mut self, model: &str, tokens: Tokens) {
        for ledger in [&mut self.models, &mut self.since_result] {
            match ledger.iter_mut().find(|(name, _)| name == model) {
                Some((_, sum)) => sum.add(tokens),
                None => ledger.push((model.to_owned(), tokens)),
            }
        }
    }

    /// A subagent was started.
    pub(super) fn spawned(&mut self) {
        self.spawned += 1;
    }

    /// A subagent came to its end.
    pub(super) fn completed(&mut self) {
        self.completed += 1;
    }

    /// The line that ends a turn.
    pub(super) fn result(&mut self, session_id: &str, end: &TurnEnd) -> Value {
        let cost: f64 = self
            .models
            .iter()
            .map(|(model, tokens)| tokens.cost(model))
            .sum();
        let is_error = end.subtype != "success";
        let mut line = json!({
            "duration_api_ms": end.duration_ms / 2,
            "stop_reason": end.stop_reason,
            "session_id": session_id,
            "total_cost_usd": cost,
            "usage": usage(end.tokens),
            "modelUsage": model_usage(&self.models),
            "permission_denials": end.denials,
            "terminal_reason": end.terminal_reason,
            "fast_mode_state": "off",
            "fast_mode_disabled_reason": "sdk_opt_in_required",
        });
        if let Some(origin) = &end.origin {
            extend(&mut line, json!({ "origin": origin }));
        }
        extend(
            &mut line,
            json!({
                "subagent_stats": self.subagent_stats(),
                "safety_stops": 0,
                "is_error": is_error,
                "num_turns": end.num_turns,
                "subtype": end.subtype,
            }),
        );
        extend(
            &mut line,
            if is_error {
                json!({ "errors": end.errors })
            } else {
                json!({ "api_error_status": null, "result": end.text, "ttft_ms": end.duration_ms })
            },
        );
        extend(
            &mut line,
            json!({ "type": "result", "duration_ms": end.duration_ms, "uuid": new_id() }),
        );
        if !end.streamed.is_empty() {
            extend(&mut line, json!({ "begun_message_ids": end.streamed }));
        }
        if !is_error {
            extend(
                &mut line,
                json!({
                    "ttft_stream_ms": end.duration_ms,
                    "time_to_request_ms": 0,
                    "first_content_frame_ms": end.duration_ms,
                }),
            );
        }
        extend(&mut line, user_message_uuids(&end.asked_by));
        extend(
            &mut line,
            json!({
                "queued_turn_count": 0,
                "result_index": self.results,
                "model_usage_since_last_result": model_usage(&self.since_result),
            }),
        );
        self.results += 1;
        self.since_result.clear();
        line
    }

    fn subagent_stats(&self) -> Value {
        let by_type = if self.spawned == 0 {
            json!({})
        } else {
            json!({ "general-purpose": self.spawned })
        };
        json!({
            "spawned": self.spawned,
            "requested": { "background": 0, "foreground": 0, "unset": self.spawned },
            "started_in_background": self.spawned,
            "max_depth": u64::from(self.spawned > 0),
            "spawned_by_subagents": 0,
            "completed": self.completed,
            "failed": 0,
            "killed": { "parent": 0, "user": 0, "system": 0 },
            "refused": { "depth_limit": 0, "concurrency_limit": 0, "budget": 0 },
            "by_type": by_type,
        })
    }
}

fn usage(tokens: Tokens) -> Value {
    json!({
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_creation,
        "cache_read_input_tokens": tokens.cache_read,
        "output_tokens": tokens.output,
        "output_tokens_details": { "thinking_tokens": 0 },
        "server_tool_use": { "web_search_requests": 0, "web_fetch_requests": 0 },
        "service_tier": "standard",
        "cache_creation": { "ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0 },
        "inference_geo": "",
        "iterations": [],
        "speed": "standard",
        "fallback_credit": null,
    })
}

fn model_usage(ledger: &[(String, Tokens)]) -> Value {
    let entries = ledger.iter().map(|(model, tokens)| {
        let entry = json!({
            "inputTokens": tokens.input,
            "outputTokens": tokens.output,
            "cacheReadInputTokens": tokens.cache_read,
            "cacheCreationInputTokens": tokens.cache_creation,
            "webSearchRequests": 0,
            "costUSD": tokens.cost(model),
            "contextWindow": 1_000_000,
            "maxOutputTokens": 128_000,
            "thinkingTokens": 0,
            "cacheCreationEphemeral5mInputTokens": 0,
            "cacheCreationEphemeral1hInputTokens": 0,
            "canonicalModel": model,
            "provider": "firstParty",
            "costBasis": "list",
        });
        (model.clone(), entry)
    });
    Value::Object(Map::from_iter(entries))
}
