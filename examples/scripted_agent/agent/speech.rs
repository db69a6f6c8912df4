//! What the model says in a turn: messages of blocks, with their deltas.
//!
//! Owns the message that is being written (its id, its block count, its tokens) and
//! whose it is. Writes lines; decides nothing. Called by the turn.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::accounts::Tokens;
use super::messages::{self, Parent};
use super::session::Session;

/// The model's side of one turn.
#[derive(Debug)]
pub(super) struct Speech {
    session: Arc<Session>,
    parent: Option<Parent>,
    /// The user's messages, until the first line has named them.
    asked_by: Vec<String>,
    open: Option<Open>,
    /// What all messages used.
    pub(super) tokens: Tokens,
    /// The messages that were streamed.
    pub(super) streamed: Vec<String>,
    spoken: bool,
    /// How long between two words of a text, and how often the turn was interrupted when it began.
    pub(super) pace: Option<(Duration, u64)>,
}

#[derive(Debug)]
struct Open {
    id: String,
    model: String,
    usage: Value,
    blocks: u64,
}

impl Speech {
    /// Nothing said yet.
    pub(super) fn new(
        session: &Arc<Session>,
        parent: Option<Parent>,
        asked_by: Vec<String>,
    ) -> Self {
        Self {
            session: Arc::clone(session),
            parent,
            asked_by,
            open: None,
            tokens: Tokens::default(),
            streamed: Vec::new(),
            spoken: false,
            pace: None,
        }
    }

    /// Whose turn it is, if a subagent's.
    pub(super) fn parent(&self) -> Option<&Parent> {
        self.parent.as_ref()
    }

    /// Whether nothing was said yet.
    pub(super) fn is_silent(&self) -> bool {
        !self.spoken
    }

    /// A text block, with deltas word by word.
    pub(super) fn text(&mut self, text: &str) {
        let deltas = text
            .split_inclusive(char::is_whitespace)
            .map(|word| json!({ "type": "text_delta", "text": word }))
            .collect();
        self.block(
            json!({ "type": "text", "text": text }),
            json!({ "type": "text", "text": "" }),
            deltas,
        );
    }

    /// A thinking block.
    pub(super) fn think(&mut self, text: &str) {
        self.block(
            json!({ "type": "thinking", "thinking": text, "signature": "scripted" }),
            json!({ "type": "thinking", "thinking": "", "signature": "" }),
            vec![json!({ "type": "thinking_delta", "thinking": text })],
        );
    }

    /// A call of a tool.
    pub(super) fn tool_use(&mut self, id: &str, name: &str, input: &Value) {
        self.block(
            json!({ "type": "tool_use", "id": id, "name": name, "input": input }),
            json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
            vec![json!({ "type": "input_json_delta", "partial_json": input.to_string() })],
        );
    }

    /// A text block without deltas, as fast as possible.
    pub(super) fn plain_text(&mut self, text: &str) {
        let line = self.line(json!({ "type": "text", "text": text }));
        self.session.out.line(&line);
    }

    /// A text block whose line is only half written.
    pub(super) fn half_text(&mut self, text: &str) {
        let line = self.line(json!({ "type": "text", "text": text }));
        self.session.out.half(&line);
    }

    /// A line of the user's side: tool results, notes.
    pub(super) fn user_line(&self, content: Value, extra: Value) {
        self.session.out.line(&messages::user(
            &self.session.id,
            content,
            self.parent.as_ref(),
            extra,
        ));
    }

    /// Ends the message, if one is open.
    pub(super) fn end_message(&mut self, stop_reason: &str) {
        let Some(open) = self.open.take() else { return };
        self.event(
            &open.id,
            json!({
                "delta": { "stop_reason": stop_reason, "stop_sequence": null },
                "usage": { "output_tokens": open.usage["output_tokens"] },
                "type": "message_delta",
            }),
        );
        self.event(&open.id, json!({ "type": "message_stop" }));
    }

    fn block(&mut self, whole: Value, empty: Value, deltas: Vec<Value>) {
        let line = self.line(whole);
        let (id, index) = match &self.open {
            Some(open) => (open.id.clone(), open.blocks - 1),
            None => return,
        };
        self.event(
            &id,
            json!({ "index": index, "content_block": empty, "type": "content_block_start" }),
        );
        let mut pace = self.pace.filter(|_| self.streams());
        for delta in deltas {
            if let Some((time, interrupts)) = pace
                && self.session.pause(time, interrupts).is_err()
            {
                // The turn stops after this block, which is said to its end at once.
                pace = None;
            }
            self.event(
                &id,
                json!({ "index": index, "delta": delta, "type": "content_block_delta" }),
            );
        }
        self.session.out.line(&line);
        self.event(&id, json!({ "index": index, "type": "content_block_stop" }));
    }

    /// The assistant line of one more block, in the open message or a new one.
    fn line(&mut self, block: Value) -> Value {
        self.spoken = true;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin_message(),
        };
        open.blocks += 1;
        let message = messages::message(&open.id, &open.model, json!([block]), &open.usage);
        self.open = Some(open);
        let asked_by = std::mem::take(&mut self.asked_by);
        messages::assistant(&self.session.id, message, self.parent.as_ref(), &asked_by)
    }

    fn begin_message(&mut self) -> Open {
        let (model, tokens) = {
            let mut state = self.session.state();
            let (model, tokens) = (state.model.clone(), state.tokens);
            state.accounts.spend(&model, tokens);
            (model, tokens)
        };
        self.tokens.add(tokens);
        let open = Open {
            id: format!("msg_{}", messages::short_id(24)),
            model,
            usage: tokens.to_json(),
            blocks: 0,
        };
        if self.streams() {
            self.streamed.push(open.id.clone());
            self.session.out.line(&messages::system(
                &self.session.id,
                "status",
                json!({ "status": "requesting" }),
            ));
        }
        let message = messages::message(&open.id, &open.model, json!([]), &open.usage);
        self.event(
            &open.id,
            json!({ "message": message, "type": "message_start" }),
        );
        open
    }

    /// Deltas are written when they were asked for, and never for subagents.
    fn streams(&self) -> bool {
        self.session.options.partial_messages && self.parent.is_none()
    }

    fn event(&self, message_id: &str, event: Value) {
        if self.streams() {
            self.session
                .out
                .line(&messages::stream_event(&self.session.id, message_id, event));
        }
    }
}
