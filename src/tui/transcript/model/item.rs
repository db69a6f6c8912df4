//! What a conversation is made of: one item for each thing a person would point at.
//!
//! A tool call and its result are one item. Pure data; how items hang together is `items`' work,
//! how they look is `item_layout`'s.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::Outcome;

/// An item's name for as long as its transcript lives: it outlasts paging and the turn of a draft
/// into the stored piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub(crate) u32);

impl ItemId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One item.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its place among its siblings: the sequence of the piece that began it.
    pub key: i64,
    /// The tool call whose subagent it is a step of.
    pub parent: Option<ItemId>,
    /// A tool call's subagent's steps, in order.
    pub children: VecDeque<(i64, ItemId)>,
    /// What it is.
    pub kind: Kind,
}

/// What an item is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// What the user said, or what a subagent was told.
    User(String),
    /// The assistant's words, in Markdown.
    Assistant(String),
    /// The assistant's reasoning.
    Thinking(String),
    /// A note about the session.
    System(String),
    /// A tool call, with its result once that is there.
    Call(Box<ToolCall>),
    /// A result whose call is not loaded.
    Orphan(Box<Answer>),
    /// The place of a call that is not loaded but whose subagent's steps are.
    Absent,
}

impl Kind {
    /// The item's main text: words, or a result.
    pub fn text(&self) -> &str {
        match self {
            Self::User(text)
            | Self::Assistant(text)
            | Self::Thinking(text)
            | Self::System(text) => text,
            Self::Call(call) => call
                .answer
                .as_ref()
                .map_or("", |answer| answer.text.as_str()),
            Self::Orphan(answer) => &answer.text,
            Self::Absent => "",
        }
    }

    /// Whether folding it changes anything about how it is shown by default.
    pub fn folds_with_all(&self) -> bool {
        match self {
            Self::Thinking(_) | Self::Call(_) | Self::Orphan(_) | Self::Absent => true,
            Self::User(_) | Self::Assistant(_) | Self::System(_) => false,
        }
    }
}

/// A tool call.
#[derive(Debug)]
pub(crate) struct ToolCall {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its input as JSON text; while it is being written, the part that is there.
    pub input: String,
    /// Whether the agent is still writing it.
    pub writing: bool,
    /// What came back.
    pub answer: Option<Answer>,
    /// How its approval ended, as far as the stored piece said.
    pub outcome: Option<Outcome>,
    /// The input that was approved instead, as JSON text, as far as the stored piece said.
    pub edited: Option<String>,
    /// Lines of it that were approved without having been shown, as far as the stored piece said.
    pub unread_lines: Option<u32>,
    /// Tool calls that its subagent has made.
    pub steps: usize,
    /// Those of them that have no result yet.
    pub open_steps: usize,
    /// Its input once it was read: one of many megabytes is laid out, summarised and searched often.
    pub read: OnceCell<Arc<Value>>,
}

impl ToolCall {
    /// The input, as far as it can be read.
    pub fn input(&self) -> Arc<Value> {
        if self.writing {
            return Arc::new(self.parse());
        }
        Arc::clone(self.read.get_or_init(|| Arc::new(self.parse())))
    }

    fn parse(&self) -> Value {
        serde_json::from_str(&self.input).unwrap_or_else(|_| {
            if self.input.is_empty() {
                Value::Null
            } else {
                Value::String(self.input.clone())
            }
        })
    }
}

/// A tool's result.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The call that it belongs to.
    pub call: String,
    /// Its text.
    pub text: String,
    /// Whether the tool failed or was denied.
    pub is_error: bool,
}
