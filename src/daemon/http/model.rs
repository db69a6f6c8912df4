//! The shapes of the HumanLayer API v1, and their translation from and to approvals.
//!
//! Fields that we do not know are ignored. What goes out has every field of the published SDKs'
//! models, null where there is nothing to say.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::intake::{check_call_id, check_name, check_offered};
use crate::daemon::store::{Asker, NewRequest};
use crate::domain::approval::{CONTACT_TOOL, ResponseOption};
use crate::domain::{Approval, Decision, Kind, Outcome, Source};

/// A function call that is to be approved.
#[derive(Debug, Deserialize)]
pub struct NewFunctionCall {
    run_id: String,
    call_id: String,
    spec: FunctionCallSpec,
}

#[derive(Debug, Deserialize)]
struct FunctionCallSpec {
    #[serde(rename = "fn")]
    function: String,
    #[serde(default)]
    kwargs: Option<Map<String, Value>>,
    #[serde(default)]
    channel: Option<Map<String, Value>>,
    #[serde(default)]
    reject_options: Option<Vec<ResponseOption>>,
    #[serde(default)]
    state: Option<Map<String, Value>>,
}

/// A person who is to be asked.
#[derive(Debug, Deserialize)]
pub struct NewContact {
    run_id: String,
    call_id: String,
    spec: ContactSpec,
}

#[derive(Debug, Deserialize)]
struct ContactSpec {
    msg: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    channel: Option<Map<String, Value>>,
    #[serde(default)]
    response_options: Option<Vec<ResponseOption>>,
    #[serde(default)]
    state: Option<Map<String, Value>>,
}

/// A body that asks something.
pub trait Asks {
    /// What it asks, in the name of a key.
    ///
    /// # Errors
    /// Names the field at fault.
    fn into_request(self, asker: &str) -> Result<NewRequest, ApiError>;
}

fn request(
    kind: Kind,
    (run_id, call_id): (String, String),
    channel: Option<Map<String, Value>>,
    state: Option<Map<String, Value>>,
    asker: &str,
) -> Result<NewRequest, ApiError> {
    check_name("run_id", &run_id)?;
    check_call_id(&call_id)?;
    Ok(NewRequest {
        source: Source::LocalApi,
        kind,
        run_id,
        call_id,
        tool_name: CONTACT_TOOL.to_owned(),
        tool_input: Value::Null,
        channel: channel.map(Value::Object),
        sdk_state: state.map(Value::Object),
        options: Vec::new(),
        asker: Asker {
            name: Some(asker.to_owned()),
            ..Asker::default()
        },
        ends_with: None,
    })
}

impl Asks for NewFunctionCall {
    fn into_request(self, asker: &str) -> Result<NewRequest, ApiError> {
        let spec = self.spec;
        check_name("spec.fn", &spec.function)?;
        let options = spec.reject_options.unwrap_or_default();
        check_offered("spec.reject_options", &options)?;
        let names = (self.run_id, self.call_id);
        let base = request(Kind::Permission, names, spec.channel, spec.state, asker)?;
        Ok(NewRequest {
            tool_name: spec.function,
            // The npm client leaves the arguments out where a function takes none.
            tool_input: Value::Object(spec.kwargs.unwrap_or_default()),
            options,
            ..base
        })
    }
}

impl Asks for NewContact {
    fn into_request(self, asker: &str) -> Result<NewRequest, ApiError> {
        let spec = self.spec;
        if spec.msg.trim().is_empty() {
            return Err(ApiError::invalid("spec.msg", "must not be empty"));
        }
        let options = spec.response_options.unwrap_or_default();
        check_offered("spec.response_options", &options)?;
        let mut input = Map::new();
        input.insert("message".to_owned(), Value::from(spec.msg));
        if let Some(subject) = spec.subject {
            input.insert("subject".to_owned(), Value::from(subject));
        }
        let names = (self.run_id, self.call_id);
        let base = request(Kind::Contact, names, spec.channel, spec.state, asker)?;
        Ok(NewRequest {
            tool_input: Value::Object(input),
            options,
            ..base
        })
    }
}

/// An answer to a function call.
#[derive(Debug, Deserialize)]
pub struct FunctionCallAnswer {
    approved: bool,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    reject_option_name: Option<String>,
}

/// An answer to a contact.
#[derive(Debug, Deserialize)]
pub struct ContactAnswer {
    #[serde(default)]
    response: Option<String>,
    #[serde(default)]
    response_option_name: Option<String>,
}

/// A body that answers.
pub trait Answers {
    /// The decision that it is, if it fits the request.
    ///
    /// # Errors
    /// Names the field at fault.
    fn into_decision(self, approval: &Approval) -> Result<Decision, ApiError>;
}

impl Answers for FunctionCallAnswer {
    fn into_decision(self, approval: &Approval) -> Result<Decision, ApiError> {
        if self.approved {
            return Ok(Decision::Approve {
                comment: self.comment,
                updated_input: None,
                updated_permissions: None,
                unread_lines: None,
            });
        }
        let reason = self.comment.unwrap_or_default();
        if reason.trim().is_empty() && self.reject_option_name.is_none() {
            return Err(ApiError::invalid(
                "comment",
                "is required to reject, or a reject_option_name",
            ));
        }
        check_chosen(
            approval,
            "reject_option_name",
            self.reject_option_name.as_deref(),
        )?;
        Ok(Decision::Deny {
            reason,
            interrupt: false,
            option: self.reject_option_name,
        })
    }
}

impl Answers for ContactAnswer {
    fn into_decision(self, approval: &Approval) -> Result<Decision, ApiError> {
        let text = self.response.filter(|text| !text.trim().is_empty());
        if text.is_none() && self.response_option_name.is_none() {
            return Err(ApiError::invalid(
                "response",
                "is required, or a response_option_name",
            ));
        }
        check_chosen(
            approval,
            "response_option_name",
            self.response_option_name.as_deref(),
        )?;
        Ok(Decision::Respond {
            text,
            option: self.response_option_name,
        })
    }
}

fn check_chosen(approval: &Approval, field: &str, chosen: Option<&str>) -> Result<(), ApiError> {
    match chosen {
        Some(name) if approval.option(name).is_none() => Err(ApiError::invalid(
            field,
            format!("{name:?} is not among the options"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// What is to be escalated by mail; only its message is of use here.
#[derive(Debug, Deserialize)]
pub struct Escalation {
    /// What the mail was to say.
    pub escalation_msg: String,
}

/// A page of pending requests.
#[derive(Debug, Serialize)]
pub struct Page {
    /// The requests, oldest first.
    pub items: Vec<Value>,
    /// How many are pending in all.
    pub total: u64,
    /// Most on a page.
    pub limit: u64,
    /// How many come before this page.
    pub offset: u64,
    /// Whether there is another page.
    pub has_more: bool,
}

/// A request as the API shows it.
pub fn shown(approval: &Approval) -> Value {
    let options = (!approval.options.is_empty()).then(|| json!(approval.options));
    let (spec, status) = match approval.kind {
        Kind::Contact => {
            let response = (approval.outcome == Outcome::Answered)
                .then_some(approval.comment.as_deref())
                .flatten();
            let spec = json!({
                "msg": approval.tool_input.get("message"),
                "subject": approval.tool_input.get("subject"),
                "response_options": options,
            });
            let status = json!({
                "response": response,
                "response_option_name": approval.chosen_option,
            });
            (spec, status)
        }
        Kind::Permission | Kind::Question | Kind::Plan => {
            let approved = match approval.outcome {
                Outcome::Approved => Some(true),
                Outcome::Denied => Some(false),
                Outcome::Pending
                | Outcome::Answered
                | Outcome::Withdrawn
                | Outcome::Abandoned
                | Outcome::Expired => None,
            };
            let spec = json!({
                "fn": approval.tool_name,
                "kwargs": approval.tool_input,
                "reject_options": options,
            });
            let status = json!({
                "approved": approved,
                "comment": approval.comment,
                "reject_option_name": approval.chosen_option,
                "slack_message_ts": null,
            });
            (spec, status)
        }
    };
    let (mut spec, mut status) = (spec, status);
    spec["channel"] = json!(approval.channel);
    spec["state"] = json!(approval.sdk_state);
    status["requested_at"] = json!(approval.created_at);
    status["responded_at"] = json!(approval.decided_at);
    json!({
        "run_id": approval.run_id,
        "call_id": approval.call_id,
        "spec": spec,
        "status": status,
    })
}

/// The request, unless it ended without an answer: then there is nothing true to tell an SDK but that.
pub fn told(approval: &Approval) -> Result<Value, ApiError> {
    match approval.outcome {
        Outcome::Pending | Outcome::Approved | Outcome::Denied | Outcome::Answered => {
            Ok(shown(approval))
        }
        Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
            Err(ApiError::undecided(format!(
                "nobody decided this: it was {}{}",
                approval.outcome.as_str(),
                approval
                    .comment
                    .as_deref()
                    .map(|why| format!(" ({why})"))
                    .unwrap_or_default()
            )))
        }
    }
}
