//! Conversations, files as they were read, and the agent's own lines.

use std::collections::HashMap;

use serde_json::Value;

use super::Call;
use super::error::RpcError;
use super::session::MAX_PAGE;
use super::session::required;
use crate::daemon::store::{Names, PER_SESSION, Page, Search};
use crate::domain::EventType;
use crate::domain::tool::{self, Tool};
use crate::protocol::conversation::{
    ConversationEvent, GetConversationParams, GetConversationResponse, GetRawLinesParams,
    GetRawLinesResponse, LeftOut, RawLine, SearchConversationsParams, SearchConversationsResponse,
    SearchHit,
};
use crate::protocol::session::{FileSnapshot, GetSessionSnapshotsResponse, SessionParams};

pub async fn conversation(
    call: Call,
    params: GetConversationParams,
) -> Result<GetConversationResponse, RpcError> {
    let store = &call.daemon.store;
    let session_id = params.session_id.filter(|id| !id.is_empty());
    let claude_session_id = params.claude_session_id.filter(|id| !id.is_empty());
    let names = if params.by_conversation {
        Names::Session
    } else {
        Names::Wire
    };
    let limit = match params.limit {
        Some(limit) => limit.min(MAX_PAGE),
        None if params.before.is_some() || params.after.is_some() => MAX_PAGE,
        None => u32::MAX,
    };
    let events = match (claude_session_id, session_id) {
        (Some(claude_id), _) => store.conversation_by_claude_id(&claude_id, names).await?,
        (None, None) => {
            return Err(RpcError::invalid(
                "session_id",
                "either session_id or claude_session_id is required",
            ));
        }
        (None, Some(id)) => {
            let page = match (params.before, params.after) {
                (Some(_), Some(_)) => {
                    return Err(RpcError::invalid("after", "does not go with `before`"));
                }
                (before, None) => Page::Before(before, limit),
                (None, Some(after)) => Page::After(after, limit),
            };
            store.conversation(&id, page, names).await?
        }
    };
    Ok(GetConversationResponse {
        events: events.into_iter().map(ConversationEvent::from).collect(),
    })
}

/// Places of one answer: how many unless asked for, and at most.
const HITS: (u32, u32) = (50, 500);
/// Longest text to look for, in bytes.
const MAX_NEEDLE: usize = 1_000;

pub async fn search(
    call: Call,
    params: SearchConversationsParams,
) -> Result<SearchConversationsResponse, RpcError> {
    if params.query.trim().is_empty() {
        return Err(RpcError::required("query"));
    }
    if params.query.len() > MAX_NEEDLE {
        let problem = format!(
            "has {} bytes, the limit is {MAX_NEEDLE}",
            params.query.len()
        );
        return Err(RpcError::invalid("query", problem));
    }
    let limit = params.limit.unwrap_or(HITS.0).clamp(1, HITS.1);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let per_session = match (&params.session_id, params.per_session) {
        (_, Some(most)) => usize::try_from(most.max(1)).unwrap_or(usize::MAX),
        (Some(_), None) => usize::MAX,
        (None, None) => PER_SESSION,
    };
    let search = Search {
        words: params.query,
        session: params.session_id.filter(|id| !id.is_empty()),
        limit,
        per_session,
    };
    let found = call.daemon.store.search_conversations(search).await?;
    let left_out = found.left_out.into_iter();
    Ok(SearchConversationsResponse {
        complete: found.complete,
        left_out: left_out
            .map(|(session_id, places)| LeftOut {
                session_id: session_id.to_string(),
                places: u64::try_from(places).unwrap_or(u64::MAX),
            })
            .collect(),
        hits: found
            .hits
            .into_iter()
            .map(|hit| SearchHit {
                session_id: hit.session_id.to_string(),
                sequence: hit.sequence,
                event_type: hit.event_type,
                created_at: hit.created_at,
                excerpt: hit.excerpt,
            })
            .collect(),
    })
}

/// Files as the agent's `Read` calls gave them, worked out from the conversation.
pub async fn snapshots(
    call: Call,
    params: SessionParams,
) -> Result<GetSessionSnapshotsResponse, RpcError> {
    required(&params.session_id)?;
    let events = call
        .daemon
        .store
        .conversation(
            &params.session_id,
            Page::Before(None, u32::MAX),
            Names::Session,
        )
        .await?;
    let mut reads: HashMap<String, String> = HashMap::new();
    let mut snapshots = Vec::new();
    for event in events {
        let body = event.body;
        match body.event_type {
            EventType::ToolCall
                if body.tool_name.as_deref().and_then(Tool::of) == Some(Tool::Read) =>
            {
                let input: Value = body
                    .tool_input
                    .and_then(|text| serde_json::from_str(&text).ok())
                    .unwrap_or_default();
                let path = input.get(tool::FILE_PATH).and_then(Value::as_str);
                if let (Some(id), Some(path)) = (body.tool_id, path) {
                    reads.insert(id, path.to_owned());
                }
            }
            EventType::ToolResult if !body.is_error => {
                let id = body.tool_result_for_id.unwrap_or_default();
                if let Some(file_path) = reads.remove(&id) {
                    snapshots.push(FileSnapshot {
                        tool_id: id,
                        file_path,
                        content: without_line_numbers(
                            &body.tool_result_content.unwrap_or_default(),
                        ),
                        created_at: event.created_at,
                    });
                }
            }
            EventType::Message
            | EventType::ToolCall
            | EventType::ToolResult
            | EventType::System
            | EventType::Thinking => {}
        }
    }
    Ok(GetSessionSnapshotsResponse { snapshots })
}

/// `Read` numbers the lines (`    12→text` or with a tab); what is not numbered is its own remark.
fn without_line_numbers(result: &str) -> String {
    let line = |line: &str| {
        let (number, text) = line.split_once(['→', '\t'])?;
        number.trim().parse::<u64>().ok().map(|_| text.to_owned())
    };
    result
        .lines()
        .filter_map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

pub async fn raw_lines(
    call: Call,
    params: GetRawLinesParams,
) -> Result<GetRawLinesResponse, RpcError> {
    required(&params.session_id)?;
    let limit = params.limit.unwrap_or(200).min(MAX_PAGE);
    let lines = call
        .daemon
        .store
        .raw_lines(&params.session_id, params.after, limit)
        .await?;
    Ok(GetRawLinesResponse {
        lines: lines
            .into_iter()
            .map(|(offset, line)| RawLine { offset, line })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_numbers_and_remarks_are_taken_off() {
        assert_eq!(
            without_line_numbers("     1→fn main() {\n     2→\n     3→}\n\n<note>"),
            "fn main() {\n\n}"
        );
        assert_eq!(without_line_numbers("1\ta\tb"), "a\tb");
    }
}
