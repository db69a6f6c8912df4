//! The content of a message: its blocks, each in the shape that people read.
//!
//! Blocks of a kind and shape that all versions write are read in a single pass with the line around
//! them. All others are read one by one, and what cannot be read becomes a block that says so.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::approval::unreadable_input;
use crate::json::{self, Members};

/// Characters of a block that could not be read which are shown.
const EXCERPT: usize = 200;

/// A content block.
#[derive(Debug)]
pub enum Block {
    /// Words.
    Text(String),
    /// Reasoning.
    Thinking(String),
    /// A tool call; its input as JSON text that every reader takes.
    ToolUse {
        /// Its id.
        id: String,
        /// The tool.
        name: String,
        /// Its input.
        input: String,
    },
    /// A tool's result.
    ToolResult {
        /// The call.
        tool_use_id: String,
        /// Its text.
        content: String,
        /// Whether it failed.
        is_error: bool,
    },
    /// Something that is not shown itself, named in a few words.
    Named(String),
    /// A kind that we do not know or could not read, in one line. The whole of it is kept with its
    /// line.
    Unknown(String),
}

/// Content of which every block is of a kind and shape that we know.
pub(super) struct KnownBlocks(pub Vec<Block>);

impl<'de> Deserialize<'de> for KnownBlocks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Blocks;
        impl<'de> Visitor<'de> for Blocks {
            type Value = KnownBlocks;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a text or blocks")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<KnownBlocks, E> {
                Ok(KnownBlocks(vec![Block::Text(text.to_owned())]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<KnownBlocks, A::Error> {
                let mut blocks = Vec::new();
                while let Some(raw) = from.next_element::<RawBlock<'de>>()? {
                    let block = known(raw).ok_or_else(|| de::Error::custom("an unknown block"))?;
                    blocks.push(block);
                }
                Ok(KnownBlocks(blocks))
            }
        }
        from.deserialize_any(Blocks)
    }
}

#[derive(Deserialize)]
struct RawBlock<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    text: Option<String>,
    thinking: Option<String>,
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    tool_use_id: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
}

/// A block of a kind that we know and with all that belongs to it.
fn known(mut block: RawBlock<'_>) -> Option<Block> {
    let kind = std::mem::take(&mut block.kind);
    Some(match (kind.as_ref(), block) {
        (
            "text",
            RawBlock {
                text: Some(text), ..
            },
        ) => Block::Text(text),
        (
            "thinking",
            RawBlock {
                thinking: Some(text),
                ..
            },
        ) => Block::Thinking(text),
        (
            "tool_use",
            RawBlock {
                id: Some(id),
                name: Some(name),
                input,
                ..
            },
        ) => Block::ToolUse {
            id,
            name,
            input: call_input(input.map(RawValue::get)),
        },
        (
            "tool_result",
            RawBlock {
                tool_use_id: Some(tool_use_id),
                content,
                is_error,
                ..
            },
        ) => Block::ToolResult {
            tool_use_id,
            content: content
                .map(RawValue::get)
                .map(result_text)
                .unwrap_or_default(),
            is_error: is_error.unwrap_or(false),
        },
        _ => return None,
    })
}

/// A tool call's input as every reader takes it.
fn call_input(input: Option<&str>) -> String {
    match input {
        None => "{}".to_owned(),
        Some(input) if json::is_readable(input) => input.to_owned(),
        Some(input) => unreadable_input(input).to_string(),
    }
}

/// The blocks of any content.
pub(super) fn blocks(content: &str) -> Vec<Block> {
    match (json::string(content), json::elements(content)) {
        (Some(text), _) => vec![Block::Text(text)],
        (None, Some(elements)) => elements.into_iter().map(block).collect(),
        (None, None) => vec![unknown("content", content)],
    }
}

fn block(raw: &str) -> Block {
    let members = Members::of(raw);
    let kind = members.string("type").unwrap_or_default();
    read(&kind, &members).unwrap_or_else(|| unknown(&kind, raw))
}

fn read(kind: &str, members: &Members<'_>) -> Option<Block> {
    Some(match kind {
        "text" => Block::Text(members.string("text")?),
        "thinking" => Block::Thinking(members.string("thinking")?),
        "redacted_thinking" => Block::Thinking("[redacted thinking]".to_owned()),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => Block::ToolUse {
            id: members.text("id")?,
            name: members.text("name")?,
            input: call_input(members.get("input")),
        },
        // Of a tool of ours, of the model's host (`web_search_tool_result`), or over MCP.
        _ if kind.ends_with("tool_result") => {
            let content = members.get("content").unwrap_or("\"\"");
            let error = Members::of(content).text("error_code");
            Block::ToolResult {
                tool_use_id: members.text("tool_use_id")?,
                is_error: members.flag("is_error") || error.is_some(),
                content: error.unwrap_or_else(|| result_text(content)),
            }
        }
        "image" | "document" | "container_upload" | "search_result" => {
            Block::Named(named(kind, members))
        }
        _ => return None,
    })
}

/// A block that is not shown itself: its kind, and what names it.
fn named(kind: &str, members: &Members<'_>) -> String {
    match members
        .string("title")
        .or_else(|| members.string("file_id"))
    {
        Some(title) => format!("[{kind}: {title}]"),
        None => format!("[{kind}]"),
    }
}

fn unknown(kind: &str, raw: &str) -> Block {
    let kind = if kind.is_empty() { "block" } else { kind };
    Block::Unknown(format!("[unknown {kind}] {}", excerpt(raw)))
}

/// The beginning of a text, on one line.
pub(super) fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(EXCERPT).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}

/// A tool result's content: a text, or blocks of which the texts are joined and others named.
fn result_text(content: &str) -> String {
    if let Some(text) = json::string(content) {
        return text;
    }
    let Some(parts) = json::elements(content) else {
        return content.to_owned();
    };
    let text = |part: &&str| {
        let members = Members::of(part);
        let kind = members
            .string("type")
            .unwrap_or_else(|| "unknown block".to_owned());
        match (members.string("text"), members.string("url")) {
            (Some(text), _) => text,
            // What a search has found.
            (None, Some(url)) => match members.string("title") {
                Some(title) => format!("{title} {url}"),
                None => url,
            },
            (None, None) => named(&kind, &members),
        }
    };
    parts.iter().map(text).collect::<Vec<_>>().join("\n")
}
