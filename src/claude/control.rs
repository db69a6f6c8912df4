//! What we write to the agent: whole lines of its control protocol.
//!
//! Each line has a frame id that follows from what it answers or carries, so that making it again
//! gives the same frame and the runner writes it once.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::approval::UNREADABLE_REQUEST;
use crate::domain::{Approval, Outcome, OutgoingLine, question};

fn line(frame_id: String, value: &Value) -> OutgoingLine {
    OutgoingLine {
        frame_id,
        line: value.to_string(),
    }
}

/// The first line to a process: opens the control protocol.
#[must_use]
pub fn initialize(process: &str) -> OutgoingLine {
    let id = format!("init-{process}");
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
    line(format!("{}{uuid}", OutgoingLine::MESSAGE), &value)
}

/// What the request ids of withdrawals begin with; the message's UUID follows.
const CANCEL: &str = "cancel-message-";

/// Takes a message back out of the agent's queue. Claude Code knows this from 2.1.133 on; 2.0.37 does not
/// even answer.
#[must_use]
pub fn cancel_message(uuid: &str) -> OutgoingLine {
    let id = format!("{CANCEL}{uuid}");
    let request = json!({"subtype": "cancel_async_message", "message_uuid": uuid});
    let value = json!({"type": "control_request", "request_id": id, "request": request});
    line(id, &value)
}

/// The message that a request of ours takes back.
#[must_use]
pub fn cancelled_message(request_id: &str) -> Option<&str> {
    request_id.strip_prefix(CANCEL)
}

/// Whether a version of Claude Code can take a message back out of its queue.
#[must_use]
pub fn can_cancel_messages(version: &str) -> bool {
    !version.starts_with("1.") && !version.starts_with("2.0.")
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
/// itself or that nobody decided: it is never told a yes or no that was not given. None also where
/// the request's name could not be read, because nothing can be answered then.
///
/// The input goes back in the bytes in which it came, unless a person has replaced it.
#[must_use]
pub fn answer(approval: &Approval, interrupt: bool) -> Option<OutgoingLine> {
    let request_id = approval.request_id.as_deref()?;
    let response = match approval.outcome {
        Outcome::Approved => {
            let input = match &approval.updated_input {
                Some(edited) => edited.to_string(),
                None => approval.original_input().into_owned(),
            };
            allow(input, approval.updated_permissions.as_deref())?
        }
        Outcome::Answered => {
            let answers = approval.answers.clone().unwrap_or_default();
            allow(
                question::with_answers(&approval.original_input(), &answers),
                None,
            )?
        }
        Outcome::Denied => {
            let reason = approval.comment.as_deref().unwrap_or_default();
            if approval.tool_name == UNREADABLE_REQUEST {
                // It may have wanted anything: an error is an answer to every request.
                let value = json!({"type": "control_response", "response": {
                    "subtype": "error",
                    "request_id": request_id,
                    "error": format!("the request could not be read and was denied: {reason}"),
                }});
                return Some(line(answer_frame(approval, request_id), &value));
            }
            json!({"behavior": "deny", "message": reason, "interrupt": interrupt}).to_string()
        }
        Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
            return None;
        }
    };
    let request_id_json = Value::from(request_id);
    Some(OutgoingLine {
        frame_id: answer_frame(approval, request_id),
        line: format!(
            r#"{{"type":"control_response","response":{{"subtype":"success","request_id":{request_id_json},"response":{response}}}}}"#
        ),
    })
}

fn answer_frame(approval: &Approval, request_id: &str) -> String {
    format!("response-{}-{request_id}", approval.session_id)
}

/// A yes. None for an input that is no JSON or more than one line: such a line would end the agent.
fn allow(input: String, permissions: Option<&[Value]>) -> Option<String> {
    let input = RawValue::from_string(input).ok()?;
    let input = input.get();
    if input.contains('\n') {
        return None;
    }
    let permissions = permissions
        .map(|updates| format!(r#","updatedPermissions":{}"#, Value::from(updates)))
        .unwrap_or_default();
    Some(format!(
        r#"{{"behavior":"allow","updatedInput":{input}{permissions}}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_would_end_the_agent_is_never_sent() {
        assert_eq!(allow("{\"a\": 1".into(), None), None);
        assert_eq!(allow("{\"a\":\n1}".into(), None), None);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        for whole in [r#"{"command":"echo \ud83d","n":1e999}"#, &deep] {
            let line = allow(whole.to_owned(), None).unwrap_or_default();
            assert!(line.contains(whole), "{line}");
        }
    }
}
