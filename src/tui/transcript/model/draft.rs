//! Live words: what the agent is just writing, before the stored piece comes.
//!
//! Owns which block of which message is which drafted item. A stored piece takes its draft's place
//! in the same item, so that a fold, the cursor and the view stay. Understands the agent's
//! `stream_event` lines as far as they carry words; anything else in them is ignored.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use crate::domain::EventType;
use crate::protocol::conversation::ConversationEvent;
use crate::tui::transcript::model::item::{ItemId, Kind, ToolCall};
use crate::tui::transcript::model::items::Items;

/// The drafted blocks, by who speaks: the call that started a subagent, none for the main one.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    speakers: HashMap<Option<String>, Vec<Block>>,
}

#[derive(Debug)]
struct Block {
    index: u64,
    item: ItemId,
}

/// What a delta changed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Change {
    /// Items that got more text.
    pub grown: Vec<ItemId>,
    /// Items that are new, or changed otherwise.
    pub touched: Vec<ItemId>,
    /// Items that are gone.
    pub gone: Vec<ItemId>,
}

impl Drafts {
    /// Takes a `stream_event` line in.
    pub fn delta(&mut self, items: &mut Items, line: &Value) -> Change {
        let mut change = Change::default();
        let event = line.get("event").unwrap_or(line);
        let speaker = text_of(line, "parent_tool_use_id").map(str::to_owned);
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match text_of(event, "type").unwrap_or_default() {
            // What is left of an earlier message was broken off.
            "message_start" => change.gone = self.drop_of(items, &speaker),
            "content_block_start" => {
                if let Some(block) = event.get("content_block") {
                    self.start(items, speaker, index, block, &mut change);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = event.get("delta") {
                    self.grow(items, speaker, index, delta, &mut change);
                }
            }
            _ => {}
        }
        change
    }

    /// The drafted item that a stored piece replaces; it is a draft no more.
    pub fn take(&mut self, items: &Items, event: &ConversationEvent) -> Option<ItemId> {
        let blocks = self.speakers.get_mut(&event.parent_tool_use_id)?;
        if event
            .role
            .as_deref()
            .is_some_and(|role| role != "assistant")
        {
            return None;
        }
        let content = event.content.as_deref().unwrap_or_default().trim();
        let of_its_kind = |block: &&Block| match (&items.get(block.item).kind, event.event_type) {
            (Kind::Assistant(_), EventType::Message) | (Kind::Thinking(_), EventType::Thinking) => {
                true
            }
            (Kind::Call(call), EventType::ToolCall) => Some(&call.id) == event.tool_id.as_ref(),
            _ => false,
        };
        let says_it = |block: &&Block| {
            let draft = items.get(block.item).kind.text().trim();
            event.event_type == EventType::ToolCall
                || content.starts_with(draft)
                || content.ends_with(draft)
        };
        let found = blocks
            .iter()
            .filter(of_its_kind)
            .find(says_it)
            .or_else(|| blocks.iter().find(of_its_kind))?
            .item;
        blocks.retain(|block| block.item != found);
        Some(found)
    }

    /// Takes all drafts out: nobody is writing any more.
    pub fn clear(&mut self, items: &mut Items) -> Vec<ItemId> {
        let speakers: Vec<Option<String>> = self.speakers.keys().cloned().collect();
        speakers
            .iter()
            .flat_map(|speaker| self.drop_of(items, speaker))
            .collect()
    }

    fn drop_of(&mut self, items: &mut Items, speaker: &Option<String>) -> Vec<ItemId> {
        let blocks = self.speakers.remove(speaker).unwrap_or_default();
        blocks
            .into_iter()
            .map(|block| {
                items.remove_draft(block.item);
                block.item
            })
            .collect()
    }

    fn start(
        &mut self,
        items: &mut Items,
        speaker: Option<String>,
        index: u64,
        block: &Value,
        change: &mut Change,
    ) {
        // Words get their item with the first of them.
        let (Some(id), Some(name)) = (text_of(block, "id"), text_of(block, "name")) else {
            return;
        };
        if items.call(id).is_some() {
            return;
        }
        let call = ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            input: String::new(),
            writing: true,
            answer: None,
            outcome: None,
            edited: None,
            unread_lines: None,
            steps: 0,
            open_steps: 0,
            read: OnceCell::new(),
        };
        self.add(items, speaker, index, Kind::Call(Box::new(call)), change);
    }

    fn grow(
        &mut self,
        items: &mut Items,
        speaker: Option<String>,
        index: u64,
        delta: &Value,
        change: &mut Change,
    ) {
        let known = self
            .speakers
            .get(&speaker)
            .and_then(|blocks| blocks.iter().find(|block| block.index == index))
            .map(|block| block.item);
        let words = ["text", "thinking", "partial_json"]
            .into_iter()
            .find_map(|name| text_of(delta, name).map(|words| (name, words)));
        let Some((name, words)) = words.filter(|(_, words)| !words.is_empty()) else {
            return;
        };
        if let Some(id) = known {
            match (items.kind_mut(id), name) {
                (Kind::Assistant(text), "text") | (Kind::Thinking(text), "thinking") => {
                    text.push_str(words);
                    change.grown.push(id);
                }
                (Kind::Call(call), "partial_json") => {
                    call.input.push_str(words);
                    change.touched.push(id);
                }
                _ => {}
            }
            return;
        }
        let kind = match name {
            "text" => Kind::Assistant(words.to_owned()),
            "thinking" => Kind::Thinking(words.to_owned()),
            // A call whose beginning we did not see has no name; its stored piece comes soon.
            _ => return,
        };
        self.add(items, speaker, index, kind, change);
    }

    fn add(
        &mut self,
        items: &mut Items,
        speaker: Option<String>,
        index: u64,
        kind: Kind,
        change: &mut Change,
    ) {
        let touched = items.add_draft(kind, speaker.as_deref());
        if let Some(item) = touched.first().copied() {
            let blocks = self.speakers.entry(speaker).or_default();
            blocks.push(Block { index, item });
        }
        change.touched.extend(touched);
    }
}

fn text_of<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
