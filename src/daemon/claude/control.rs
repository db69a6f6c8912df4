//! What we write to the agent: whole lines of its control protocol.
//!
//! Each line has a frame id that follows from what it answers or carries, so that making it again
//! gives the same frame and the runner writes it once.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{Approval, Outcome, OutgoingLine};

fn line(frame_id: String, value: &Value) -> OutgoingLine {
    OutgoingLine {
        frame_id,
        line: value.to_string(),
    }
}

/// The first line: opens the control protocol.
#[must_use]
pub fn initialize(session_id: &str) -> OutgoingLine {
    let id = format!("init-{session_id}");
    let value = json!({"type": "control_request", "request_id": id, "request": {"subtype": "initialize", "hooks": {}}});
    line(id, &value)
}

/// A message of the user. Its `uuid` makes the agent ignore it when it comes twice.
#[must_use]
pub fn user_message(text: &str) -> OutgoingLine {
    let uuid = Uuid::new_v4().to_string();
    let value = json!({
        "type": "user",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": null,
        "session_id": "",
        "uuid": uuid,
    });
    line(format!("user-{uuid}"), &value)
}

/// A request of ours, such as `interrupt` or `end_session`.
#[must_use]
pub fn request(subtype: &str) -> OutgoingLine {
    let id = format!("{subtype}-{}", Uuid::new_v4());
    let value =
        json!({"type": "control_request", "request_id": id, "request": {"subtype": subtype}});
    line(id, &value)
}

/// Tells the agent that a request of it is not served here, so that it does not wait for ever.
#[must_use]
pub fn unsupported(session_id: &str, request_id: &str, subtype: &str) -> OutgoingLine {
    let value = json!({"type": "control_response", "response": {
        "subtype": "error",
        "request_id": request_id,
        "error": format!("{subtype} is not supported by this client"),
    }});
    line(format!("response-{session_id}-{request_id}"), &value)
}

/// The answer to a question, from its outcome. None for outcomes that the agent brought about
/// itself or that nobody decided: it is never told a yes or no that was not given.
#[must_use]
pub fn answer(approval: &Approval, interrupt: bool) -> Option<OutgoingLine> {
    let request_id = approval.request_id.as_deref()?;
    let response = match approval.outcome {
        Outcome::Approved => {
            let input = approval
                .updated_input
                .as_ref()
                .unwrap_or(&approval.tool_input);
            let mut response = json!({"behavior": "allow", "updatedInput": input});
            if let Some(updates) = &approval.updated_permissions {
                response["updatedPermissions"] = json!(updates);
            }
            response
        }
        Outcome::Answered => {
            let mut input = approval.tool_input.clone();
            input["answers"] = approval.answers.clone().unwrap_or_default();
            json!({"behavior": "allow", "updatedInput": input})
        }
        Outcome::Denied => {
            json!({"behavior": "deny", "message": approval.comment.as_deref().unwrap_or_default(), "interrupt": interrupt})
        }
        Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
            return None;
        }
    };
    let value = json!({"type": "control_response", "response": {
        "subtype": "success",
        "request_id": request_id,
        "response": response,
    }});
    Some(line(
        format!("response-{}-{request_id}", approval.session_id),
        &value,
    ))
}
