//! Lines of an MCP client, made such that the MCP library takes them.
//!
//! The library's parser refuses a whole line for one odd field (half a character, a number too large,
//! deep nesting, a member twice), and the call would never be answered. Here each line becomes one that
//! it takes ([`json::normalized`]), but for the input of a tool call: that travels as a string of its own
//! text ([`SentInput`]), so that what a person approves goes back byte for byte. What is no JSON at all
//! becomes a request of which the client is told so, where its id can be found.

use rmcp::ErrorData;
use rmcp::model::{CustomRequest, ErrorCode};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _,
    BufReader, DuplexStream,
};

use crate::json::{self, Members};

/// Bytes that wait for the library.
const BUFFER: usize = 64 * 1024;
/// Longest line in bytes; the rest of a longer one is dropped as it comes.
const MAX_LINE: usize = 64 * 1024 * 1024;
/// Longest input in bytes; a longer one cannot be asked about.
pub const MAX_INPUT: usize = 15 * 1024 * 1024;
/// The method of what stands for a line that cannot be read.
const UNREADABLE: &str = "humanlayer/unreadable";

/// The input of a tool call, as its client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentInput {
    /// Its text.
    Text(String),
    /// It is longer than [`MAX_INPUT`].
    TooLong {
        /// How long.
        bytes: u64,
    },
}

impl Default for SentInput {
    fn default() -> Self {
        Self::Text("{}".to_owned())
    }
}

impl<'de> Deserialize<'de> for SentInput {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) if text == "null" => Ok(Self::default()),
            Value::String(text) => Ok(Self::Text(text)),
            other => match other["bytes"].as_u64() {
                Some(bytes) => Ok(Self::TooLong { bytes }),
                None => Err(de::Error::custom("an input that was not wrapped")),
            },
        }
    }
}

/// Longest line that the library is given: an escaped input is twice as long at most.
pub const MAX_READABLE_LINE: usize = 2 * MAX_LINE;

/// Gives the same lines as `input`, readable; ends when it ends.
pub fn readable(input: impl AsyncRead + Send + Unpin + 'static) -> DuplexStream {
    let (readable, mut feed) = tokio::io::duplex(BUFFER);
    tokio::spawn(async move {
        let mut input = BufReader::new(input);
        loop {
            let line = match next_line(&mut input).await {
                Ok(Some(line)) => line,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "reading from the MCP client");
                    return;
                }
            };
            let mut line = rewritten(&String::from_utf8_lossy(&line));
            line.push('\n');
            if feed.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    readable
}

/// The next line, as much of it as is kept; none at the end.
async fn next_line(
    input: &mut (impl AsyncBufRead + Send + Unpin),
) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut kept = (&mut *input).take(MAX_LINE as u64);
    if kept.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.len() == MAX_LINE && line.last() != Some(&b'\n') {
        tracing::warn!(
            limit = MAX_LINE,
            "a line of the MCP client is over the limit"
        );
        loop {
            let rest = input.fill_buf().await?;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let dropped = end.map_or(rest.len(), |end| end + 1);
            input.consume(dropped);
            if end.is_some() || dropped == 0 {
                break;
            }
        }
    }
    Ok(Some(line))
}

/// A line as the library takes it.
fn rewritten(line: &str) -> String {
    let line = line.trim();
    let members = Members::of(line);
    if !json::is_json(line) {
        return match members.only("id") {
            Some(id) => {
                json!({"jsonrpc": "2.0", "id": id_of(id), "method": UNREADABLE, "params": {}})
                    .to_string()
            }
            // Nobody can be told, and the library passes over it.
            None => line.to_owned(),
        };
    }
    if members.string("method").as_deref() != Some("tools/call") {
        return normalized(line);
    }
    object(line, |name, params| match name {
        "params" => object(params, |name, arguments| match name {
            "arguments" => object(arguments, |name, input| match name {
                "input" => wrapped(input),
                _ => normalized(input),
            }),
            _ => normalized(arguments),
        }),
        _ => normalized(params),
    })
}

fn object(text: &str, value: impl Fn(&str, &str) -> String) -> String {
    let members = Members::of(text);
    if members.is_complete() {
        json::object(&members, value)
    } else {
        normalized(text)
    }
}

fn normalized(text: &str) -> String {
    json::normalized(text).unwrap_or_else(|| text.to_owned())
}

fn id_of(text: &str) -> Value {
    json::value(text).unwrap_or_else(|| Value::from(text))
}

fn wrapped(input: &str) -> String {
    if input.len() > MAX_INPUT {
        return json!({"bytes": input.len()}).to_string();
    }
    Value::from(input).to_string()
}

/// What a client is told about a request of a method that no server has, and of a line of which only the
/// id could be read.
pub fn refuse(request: &CustomRequest) -> ErrorData {
    if request.method == UNREADABLE {
        return ErrorData::new(
            ErrorCode::PARSE_ERROR,
            "the request is not JSON, or too long",
            None,
        );
    }
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method.clone(), None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn call(input: &str) -> String {
        format!(
            r#"{{"method":"tools/call","params":{{"_meta":{{"progressToken":1e400}},"name":"request_permission","arguments":{{"tool_name":"Bash","input":{input},"tool_use_id":"\ud83d"}}}},"jsonrpc":"2.0","id":1}}"#
        )
    }

    #[test]
    fn an_input_travels_in_its_own_bytes_whatever_it_holds() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(400), "]".repeat(400));
        for input in [
            r#"{"command":"cut \ud83d","n":1e400, "n":12345678901234567890123, "x": 1.0 }"#,
            &deep,
            "[]",
        ] {
            let line = rewritten(&call(input));
            let message: Value = serde_json::from_str(&line).unwrap();
            let arguments = &message["params"]["arguments"];
            assert_eq!(arguments["tool_use_id"], "\u{fffd}");
            assert_eq!(message["params"]["_meta"]["progressToken"], "1e400");
            let sent = SentInput::deserialize(&arguments["input"]).unwrap();
            assert_eq!(sent, SentInput::Text(input.to_owned()));
        }
        let none = rewritten(&call("null"));
        let none: Value = serde_json::from_str(&none).unwrap();
        let none = SentInput::deserialize(&none["params"]["arguments"]["input"]).unwrap();
        assert_eq!(none, SentInput::default());
    }

    #[test]
    fn what_is_too_long_to_be_asked_is_said_to_be() {
        let long = format!("\"{}\"", "x".repeat(MAX_INPUT));
        let line: Value = serde_json::from_str(&rewritten(&call(&long))).unwrap();
        let sent = SentInput::deserialize(&line["params"]["arguments"]["input"]).unwrap();
        assert_eq!(
            sent,
            SentInput::TooLong {
                bytes: MAX_INPUT as u64 + 2
            }
        );
    }

    #[test]
    fn other_lines_say_the_same_and_can_be_read() {
        for (line, read) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","id":2}"#,
                r#"{"jsonrpc":"2.0","method":"ping","id":2}"#,
            ),
            (r#" {"a":"\ud83d"} "#, "{\"a\":\"\u{fffd}\"}"),
            (
                r#"{"id":7,"method":"tools/call","params":{"#,
                r#"{"jsonrpc":"2.0","id":7,"method":"humanlayer/unreadable","params":{}}"#,
            ),
            ("not JSON", "not JSON"),
        ] {
            assert_eq!(rewritten(line), read, "{line}");
        }
    }

    #[tokio::test]
    async fn what_follows_a_line_over_the_limit_is_read() {
        let mut long = vec![b'x'; MAX_LINE + 10];
        long.extend_from_slice(b"\nnext\n");
        let mut input = BufReader::new(long.as_slice());
        let first = next_line(&mut input).await.unwrap().unwrap();
        assert_eq!(first.len(), MAX_LINE);
        let next = next_line(&mut input).await.unwrap().unwrap();
        assert_eq!(next, b"next\n");
        assert_eq!(next_line(&mut input).await.unwrap(), None);
    }
}
