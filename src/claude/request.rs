//! What the agent asks of us: its control requests.
//!
//! A request of which it can be told that it is no question is answered by ourselves. All others are
//! for a person, whether or not they can be read: what cannot be passed back byte for byte can only
//! be denied.

use super::agent_line::{AgentLine, Asked, CanUseTool};
use super::input::{ToolInput, shown};
use crate::domain::approval::{InputState, UNREADABLE_REQUEST, unreadable_input};
use crate::json::{self, Members};

/// A request of the agent: what can be told to be something else than a question is answered by
/// ourselves, all the rest is for a person.
pub(super) fn control_request(text: &str, line: &Members<'_>, damaged: bool) -> AgentLine {
    // A name with half a character in it could not be repeated as it was written.
    let request_id = line
        .string("request_id")
        .filter(|name| !damaged || !name.contains(char::REPLACEMENT_CHARACTER))
        .filter(|_| line.get("request_id").is_some_and(json::is_readable));
    let request = line.object("request");
    // A subtype with half a character in it says nothing that could be relied on.
    let subtype = request
        .string("subtype")
        .filter(|_| request.get("subtype").is_some_and(json::is_readable));
    match (subtype.as_deref(), request_id) {
        (Some("can_use_tool"), request_id) => AgentLine::Question(Box::new(Asked {
            request: can_use_tool(text, &request, damaged),
            request_id,
        })),
        (Some(subtype), Some(request_id)) if !damaged => AgentLine::OtherRequest {
            request_id,
            subtype: subtype.to_owned(),
        },
        (_, request_id) => AgentLine::Question(Box::new(Asked {
            request_id,
            request: unreadable_request(text),
        })),
    }
}

fn unreadable_request(text: &str) -> CanUseTool {
    let text = shown(text);
    CanUseTool {
        tool_name: UNREADABLE_REQUEST.to_owned(),
        input: unreadable_input(&text),
        input_state: InputState::Unusable,
        raw_input: Some(text),
        ..CanUseTool::default()
    }
}

fn can_use_tool(text: &str, request: &Members<'_>, damaged: bool) -> CanUseTool {
    let Some(tool_name) = request.text("tool_name") else {
        return unreadable_request(text);
    };
    let input = match (request.get("input"), damaged) {
        (Some(raw), false) => ToolInput::read(&tool_name, raw),
        (None, false) => ToolInput::none(),
        (_, true) => {
            return CanUseTool {
                tool_use_id: request.text("tool_use_id"),
                tool_name,
                ..unreadable_request(text)
            };
        }
    };
    let suggestions = request
        .get("permission_suggestions")
        .and_then(json::elements);
    CanUseTool {
        tool_name,
        input: input.value,
        input_state: input.state,
        raw_input: input.raw,
        description: request.text("description"),
        permission_suggestions: suggestions
            .unwrap_or_default()
            .into_iter()
            .filter_map(json::value)
            .collect(),
        blocked_path: request.text("blocked_path"),
        decision_reason: request.text("decision_reason"),
        agent_id: request.text("agent_id"),
        tool_use_id: request.text("tool_use_id"),
    }
}
