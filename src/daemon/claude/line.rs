//! What the agent writes: one line of its standard output, understood as far as we need it.
//!
//! Shapes as in `sdk.d.ts` of the npm package `@anthropic-ai/claude-agent-sdk` and as recorded from
//! Claude Code 2.1.330 (`tests/fixtures`). Every field that may be missing may be missing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// One line of the agent.
#[derive(Debug)]
pub enum AgentLine {
    /// `system/init`: a turn begins.
    Init(Init),
    /// `system/api_retry`: the model's API failed and is tried again.
    ApiRetry(ApiRetry),
    /// `system/background_tasks_changed`: all background tasks that run now.
    BackgroundTasks(Vec<String>),
    /// `system/compact_boundary`: the conversation was compacted.
    CompactBoundary,
    /// Words, reasoning or tool calls of the assistant.
    Assistant(Assistant),
    /// Tool results, or user words that the agent reports.
    User(User),
    /// A live delta; kept as it is.
    Delta(Box<RawValue>),
    /// May this tool run?
    Question(Box<Asked>),
    /// A question is taken back.
    Withdrawn {
        /// The question's name.
        request_id: String,
    },
    /// A request that we do not serve.
    OtherRequest {
        /// Its name.
        request_id: String,
        /// What it wants.
        subtype: String,
    },
    /// The answer to a request of ours.
    Response {
        /// Our name for the request.
        request_id: String,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// A turn ended.
    Result(Box<TurnResult>),
    /// Something that needs nothing from us.
    Other,
    /// Not JSON, or not of the shape that its type promises.
    Malformed,
}

impl AgentLine {
    /// Whether it only adds to the conversation, so that nobody acts on it.
    #[must_use]
    pub fn is_talk(&self) -> bool {
        match self {
            Self::Assistant(_) | Self::User(_) | Self::Delta(_) | Self::Other | Self::Malformed => {
                true
            }
            Self::Init(_)
            | Self::ApiRetry(_)
            | Self::BackgroundTasks(_)
            | Self::CompactBoundary
            | Self::Question(_)
            | Self::Withdrawn { .. }
            | Self::OtherRequest { .. }
            | Self::Response { .. }
            | Self::Result(_) => false,
        }
    }
}

/// `system/init`.
#[derive(Debug, Deserialize)]
pub struct Init {
    /// The agent's name for the conversation.
    pub session_id: Option<String>,
    /// The full name of the model.
    pub model: Option<String>,
}

/// `system/api_retry`.
#[derive(Debug, Deserialize)]
pub struct ApiRetry {
    /// Which try comes next.
    #[serde(default)]
    pub attempt: i64,
    /// After how many it gives up.
    #[serde(default)]
    pub max_retries: i64,
    /// HTTP status; none for a connection that failed.
    pub error_status: Option<i64>,
    /// The kind of error.
    pub error: Option<String>,
}

/// An `assistant` line.
#[derive(Debug)]
pub struct Assistant {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Tokens of the request behind it.
    pub usage: Option<MessageUsage>,
    /// The tool call that started the subagent which speaks.
    pub parent_tool_use_id: Option<String>,
    /// Why the words are an error message rather than the model's.
    pub error: Option<String>,
}

/// A `user` line.
#[derive(Debug)]
pub struct User {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// The tool call that started the subagent which it belongs to.
    pub parent_tool_use_id: Option<String>,
    /// Whether it repeats what we sent.
    pub is_replay: bool,
}

/// A content block.
#[derive(Debug)]
pub enum Block {
    /// Words.
    Text(String),
    /// Reasoning.
    Thinking(String),
    /// A tool call; its input as JSON text.
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
    /// A kind that we do not know, as JSON text.
    Unknown(String),
}

/// `usage` of a message.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MessageUsage {
    /// Fresh input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Tokens written to the cache.
    pub cache_creation_input_tokens: i64,
    /// Tokens read from the cache.
    pub cache_read_input_tokens: i64,
}

/// A `can_use_tool` question.
#[derive(Debug)]
pub struct Asked {
    /// Its name; the answer must carry it.
    pub request_id: String,
    /// The question.
    pub request: CanUseTool,
}

/// The request of a `can_use_tool` question.
#[derive(Debug, Deserialize)]
pub struct CanUseTool {
    /// The tool.
    pub tool_name: String,
    /// Its whole input.
    #[serde(default)]
    pub input: Value,
    /// The agent's words for it.
    pub description: Option<String>,
    /// Permission updates that it offers.
    #[serde(default)]
    pub permission_suggestions: Option<Vec<Value>>,
    /// The path that a rule stopped.
    pub blocked_path: Option<String>,
    /// Why it must ask.
    pub decision_reason: Option<Value>,
    /// The subagent that asks.
    pub agent_id: Option<String>,
    /// The tool call.
    pub tool_use_id: Option<String>,
}

/// A `result` line.
#[derive(Debug, Deserialize)]
pub struct TurnResult {
    /// `success` or the kind of failure.
    #[serde(default)]
    pub subtype: String,
    /// Whether it failed.
    #[serde(default)]
    pub is_error: bool,
    /// The final text.
    pub result: Option<String>,
    /// What went wrong, one text each.
    #[serde(default)]
    pub errors: Vec<Value>,
    /// US dollars, cumulative over the process.
    pub total_cost_usd: Option<f64>,
    /// Milliseconds of this turn.
    pub duration_ms: Option<i64>,
    /// Model turns of this turn.
    pub num_turns: Option<i64>,
    /// Tokens of this turn.
    pub usage: Option<MessageUsage>,
    /// By model, cumulative over the process.
    #[serde(default, rename = "modelUsage")]
    pub model_usage: BTreeMap<String, ModelUsage>,
    /// How the turn ended.
    pub terminal_reason: Option<String>,
}

/// One model's share of the usage.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModelUsage {
    /// Fresh input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Tokens read from the cache.
    pub cache_read_input_tokens: i64,
    /// Tokens written to the cache.
    pub cache_creation_input_tokens: i64,
    /// Size of the context window.
    pub context_window: i64,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subtype: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct MessageLine<Content> {
    message: Message<Content>,
    #[serde(default)]
    parent_tool_use_id: Option<String>,
    #[serde(default, rename = "isReplay")]
    is_replay: bool,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Message<Content> {
    content: Content,
    #[serde(default)]
    usage: Option<MessageUsage>,
}

/// Content of which every block is of a kind and shape that we know.
struct KnownBlocks(Vec<Block>);

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

#[derive(Deserialize)]
struct ControlRequest<'a> {
    request_id: String,
    #[serde(borrow)]
    request: &'a RawValue,
}

#[derive(Deserialize)]
struct Cancel {
    request_id: String,
}

#[derive(Deserialize)]
struct ResponseLine {
    response: ResponseBody,
}

#[derive(Deserialize)]
struct ResponseBody {
    request_id: String,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Tasks {
    #[serde(default)]
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    task_id: String,
    #[serde(default)]
    ambient: bool,
}

/// Understands one line, without its newline.
#[must_use]
pub fn parse(line: &str) -> AgentLine {
    if let Some(message) = usual_message(line) {
        return message;
    }
    let Ok(head) = serde_json::from_str::<Head<'_>>(line) else {
        return AgentLine::Malformed;
    };
    let understood = match head.kind.as_ref() {
        "assistant" => message(line).map(|line| AgentLine::Assistant(assistant(line))),
        "user" => message(line).map(|line| AgentLine::User(user(line))),
        "stream_event" => RawValue::from_string(line.to_owned()).map(AgentLine::Delta),
        "result" => serde_json::from_str(line).map(|result| AgentLine::Result(Box::new(result))),
        "control_request" => {
            serde_json::from_str(line).and_then(|request| control_request(&request))
        }
        "control_cancel_request" => {
            serde_json::from_str::<Cancel>(line).map(|cancel| AgentLine::Withdrawn {
                request_id: cancel.request_id,
            })
        }
        "control_response" => {
            serde_json::from_str::<ResponseLine>(line).map(|line| AgentLine::Response {
                request_id: line.response.request_id,
                error: line.response.error,
            })
        }
        "system" => system(line, head.subtype.as_deref().unwrap_or_default()),
        _ => Ok(AgentLine::Other),
    };
    understood.unwrap_or(AgentLine::Malformed)
}

fn system(line: &str, subtype: &str) -> serde_json::Result<AgentLine> {
    match subtype {
        "init" => serde_json::from_str(line).map(AgentLine::Init),
        "api_retry" => serde_json::from_str(line).map(AgentLine::ApiRetry),
        "compact_boundary" => Ok(AgentLine::CompactBoundary),
        "background_tasks_changed" => serde_json::from_str::<Tasks>(line).map(|changed| {
            let running = changed.tasks.into_iter().filter(|task| !task.ambient);
            AgentLine::BackgroundTasks(running.map(|task| task.task_id).collect())
        }),
        _ => Ok(AgentLine::Other),
    }
}

/// A message in the shape that nearly all have, understood in a single pass. None says nothing about
/// the line: it is to be looked at more patiently then.
fn usual_message(line: &str) -> Option<AgentLine> {
    let of_assistant = line.starts_with(r#"{"type":"assistant","#);
    if !of_assistant && !line.starts_with(r#"{"type":"user","#) {
        return None;
    }
    let usual: MessageLine<KnownBlocks> = serde_json::from_str(line).ok()?;
    let usual = with_blocks(usual, |content| content.0);
    Some(if of_assistant {
        AgentLine::Assistant(assistant(usual))
    } else {
        AgentLine::User(user(usual))
    })
}

/// A message of which some blocks may be unknown.
fn message(line: &str) -> serde_json::Result<MessageLine<Vec<Block>>> {
    let message: MessageLine<&RawValue> = serde_json::from_str(line)?;
    Ok(with_blocks(message, blocks))
}

fn with_blocks<Content>(
    line: MessageLine<Content>,
    blocks: impl FnOnce(Content) -> Vec<Block>,
) -> MessageLine<Vec<Block>> {
    MessageLine {
        message: Message {
            content: blocks(line.message.content),
            usage: line.message.usage,
        },
        parent_tool_use_id: line.parent_tool_use_id,
        is_replay: line.is_replay,
        error: line.error,
    }
}

fn assistant(line: MessageLine<Vec<Block>>) -> Assistant {
    Assistant {
        blocks: line.message.content,
        usage: line.message.usage,
        parent_tool_use_id: line.parent_tool_use_id,
        error: line.error,
    }
}

fn user(line: MessageLine<Vec<Block>>) -> User {
    User {
        blocks: line.message.content,
        parent_tool_use_id: line.parent_tool_use_id,
        is_replay: line.is_replay,
    }
}

fn control_request(line: &ControlRequest<'_>) -> serde_json::Result<AgentLine> {
    let head: Head<'_> = serde_json::from_str(line.request.get())?;
    let subtype = head.subtype.unwrap_or_default();
    if subtype == "can_use_tool" {
        let request = serde_json::from_str(line.request.get())?;
        return Ok(AgentLine::Question(Box::new(Asked {
            request_id: line.request_id.clone(),
            request,
        })));
    }
    Ok(AgentLine::OtherRequest {
        request_id: line.request_id.clone(),
        subtype: subtype.into_owned(),
    })
}

fn blocks(content: &RawValue) -> Vec<Block> {
    if let Ok(text) = serde_json::from_str::<String>(content.get()) {
        return vec![Block::Text(text)];
    }
    let Ok(raw) = serde_json::from_str::<Vec<&RawValue>>(content.get()) else {
        return vec![Block::Unknown(content.get().to_owned())];
    };
    raw.into_iter().map(block).collect()
}

fn block(raw: &RawValue) -> Block {
    serde_json::from_str(raw.get())
        .ok()
        .and_then(known)
        .unwrap_or_else(|| Block::Unknown(raw.get().to_owned()))
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
            "tool_use" | "server_tool_use" | "mcp_tool_use",
            RawBlock {
                id: Some(id),
                name: Some(name),
                input,
                ..
            },
        ) => Block::ToolUse {
            id,
            name,
            input: input.map_or("{}", RawValue::get).to_owned(),
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
            content: content.map(result_text).unwrap_or_default(),
            is_error: is_error.unwrap_or(false),
        },
        _ => return None,
    })
}

/// A tool result's content: a text, or blocks of which the texts are joined and others named.
fn result_text(content: &RawValue) -> String {
    if let Ok(text) = serde_json::from_str::<String>(content.get()) {
        return text;
    }
    let Ok(parts) = serde_json::from_str::<Vec<Value>>(content.get()) else {
        return content.get().to_owned();
    };
    let text = |part: &Value| match part.get("text").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => format!(
            "[{}]",
            part.get("type")
                .and_then(Value::as_str)
                .unwrap_or("unknown block")
        ),
    };
    parts.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_shapes_are_kept_not_refused() {
        assert!(matches!(parse("not json"), AgentLine::Malformed));
        assert!(matches!(
            parse(r#"{"type":"brand_new","x":1}"#),
            AgentLine::Other
        ));
        assert!(matches!(
            parse(r#"{"type":"result","is_error":"?"}"#),
            AgentLine::Malformed
        ));
        assert!(matches!(
            parse(r#"{"type":"system","subtype":"whatever"}"#),
            AgentLine::Other
        ));
        let AgentLine::Assistant(line) = parse(
            r#"{"type":"assistant","message":{"content":[{"type":"hologram"},{"type":"text","text":"hi"}]}}"#,
        ) else {
            panic!("an assistant line");
        };
        assert!(matches!(&line.blocks[..], [Block::Unknown(_), Block::Text(text)] if text == "hi"));
    }

    #[test]
    fn the_single_pass_understands_as_the_patient_one_does() {
        // A space is enough to make a line unusual.
        let patient = |line: &str| parse(&line.replacen("{\"type\"", "{ \"type\"", 1));
        let lines = [
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"a\nb"},{"type":"thinking","thinking":"t"}],"usage":{"input_tokens":3}},"parent_tool_use_id":"p","error":"e"}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"i","name":"n","input":{"z": 1,"a":[]}}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"hologram"},{"type":"text","text":"hi"}]}}"#,
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":7}]}}"#,
            r#"{"type":"assistant","message":{"content":{"odd":1}}}"#,
            r#"{"type":"assistant","message":{}}"#,
            r#"{"type":"assistant","message":{"content":[]}} trailing"#,
            r#"{"type":"user","message":{"content":"wörds \u00e4"},"isReplay":true}"#,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"i","content":[{"type":"text","text":"x"},{"type":"image"}],"is_error":true}]}}"#,
        ];
        for line in lines {
            assert_eq!(
                format!("{:?}", parse(line)),
                format!("{:?}", patient(line)),
                "{line}"
            );
        }
    }

    #[test]
    fn results_of_every_shape_become_text() {
        let text = |json: &str| match parse(&format!(
            r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","tool_use_id":"t","content":{json}}}]}}}}"#
        )) {
            AgentLine::User(User { blocks, .. }) => match blocks.into_iter().next() {
                Some(Block::ToolResult { content, .. }) => content,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(text(r#""plain""#), "plain");
        assert_eq!(
            text(r#"[{"type":"text","text":"a"},{"type":"image"}]"#),
            "a\n[image]"
        );
        assert_eq!(text("7"), "7");
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "\\PC{0,200}", kind in "assistant|user|result|system|control_request|stream_event") {
            drop(parse(&line));
            drop(parse(&format!(r#"{{"type":"{kind}","message":{line:?},"request":{line:?}}}"#)));
        }
    }
}
