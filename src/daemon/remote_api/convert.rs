//! From the API's shapes to ours and back. Pure.

use serde_json::{Map, Value};

use crate::daemon::store::{Asker, Elsewhere, NewRequest, RemoteRequest};
use crate::domain::approval::{CONTACT_TOOL, ResponseOption};
use crate::domain::{Approval, Kind, Outcome, Source};
use crate::remote_api::types::{Asks, Choice, Request, RequestKind, Settled};

/// Our kind of approval for a kind of request.
pub fn kind(kind: RequestKind) -> Kind {
    match kind {
        RequestKind::FunctionCall => Kind::Permission,
        RequestKind::HumanContact => Kind::Contact,
    }
}

/// The kind of request that an approval came from.
pub fn request_kind(approval: &Approval) -> RequestKind {
    match approval.kind {
        Kind::Contact => RequestKind::HumanContact,
        Kind::Permission | Kind::Question | Kind::Plan => RequestKind::FunctionCall,
    }
}

/// A request for the store.
pub fn new_request(request: Request) -> RemoteRequest {
    let (kind, tool_name, tool_input) = match request.asks {
        Asks::FunctionCall { name, kwargs } => (Kind::Permission, name, kwargs),
        Asks::HumanContact { msg, subject } => {
            let mut input = Map::new();
            input.insert("message".to_owned(), Value::from(msg));
            if let Some(subject) = subject {
                input.insert("subject".to_owned(), Value::from(subject));
            }
            (Kind::Contact, CONTACT_TOOL.to_owned(), Value::Object(input))
        }
    };
    RemoteRequest {
        asked_at: request.requested_at,
        request: NewRequest {
            source: Source::RemoteApi,
            kind,
            run_id: request.run_id,
            call_id: request.call_id,
            tool_name,
            tool_input,
            channel: request.channel,
            sdk_state: request.state,
            options: request.options.into_iter().map(option).collect(),
            asker: Asker::default(),
            ends_with: None,
        },
    }
}

fn option(choice: Choice) -> ResponseOption {
    ResponseOption {
        name: choice.name,
        title: choice.title,
        description: choice.description,
        prompt_fill: choice.prompt_fill,
        interactive: choice.interactive.unwrap_or_default(),
    }
}

/// How a request was settled there, for the store.
pub fn elsewhere(place: &str, settled: Settled) -> Elsewhere {
    let (outcome, comment, option) = match settled {
        Settled::Decided {
            approved: true,
            comment,
            option,
        } => (Outcome::Approved, comment, option),
        Settled::Decided {
            approved: false,
            comment,
            option,
        } => (Outcome::Denied, comment, option),
        Settled::Answered { response, option } => (Outcome::Answered, Some(response), option),
    };
    Elsewhere {
        place: place.to_owned(),
        outcome,
        comment,
        option,
    }
}

/// What became of a request that the API does not know any more.
pub fn withdrawn(place: &str) -> Elsewhere {
    Elsewhere {
        place: place.to_owned(),
        outcome: Outcome::Withdrawn,
        comment: Some("it is not there any more".to_owned()),
        option: None,
    }
}

/// The answer to a request, for the API; none for an outcome that is no answer.
pub fn answer(approval: &Approval) -> Option<Value> {
    let mut answer = Map::new();
    let option = match approval.outcome {
        Outcome::Approved | Outcome::Denied => {
            let approved = approval.outcome == Outcome::Approved;
            answer.insert("approved".to_owned(), Value::from(approved));
            if let Some(comment) = &approval.comment {
                answer.insert("comment".to_owned(), Value::from(comment.as_str()));
            }
            "reject_option_name"
        }
        Outcome::Answered => {
            let words = approval.comment.as_deref().unwrap_or_default();
            answer.insert("response".to_owned(), Value::from(words));
            "response_option_name"
        }
        Outcome::Pending | Outcome::Withdrawn | Outcome::Abandoned | Outcome::Expired => {
            return None;
        }
    };
    if let Some(chosen) = &approval.chosen_option {
        answer.insert(option.to_owned(), Value::from(chosen.as_str()));
    }
    Some(Value::Object(answer))
}

/// Whether what stands at the API is what was decided here: then our own answer arrived, or somebody
/// said just the same.
pub fn is_ours(approval: &Approval, settled: &Settled) -> bool {
    fn words(text: Option<&str>) -> &str {
        text.unwrap_or_default().trim()
    }
    match settled {
        Settled::Decided {
            approved,
            comment,
            option,
        } => {
            let outcome = if *approved {
                Outcome::Approved
            } else {
                Outcome::Denied
            };
            approval.outcome == outcome
                && words(approval.comment.as_deref()) == words(comment.as_deref())
                && words(approval.chosen_option.as_deref()) == words(option.as_deref())
        }
        Settled::Answered { response, option } => {
            approval.outcome == Outcome::Answered
                && words(approval.comment.as_deref()) == response.trim()
                && words(approval.chosen_option.as_deref()) == words(option.as_deref())
        }
    }
}

/// What stands at the API, in words for people.
pub fn describe(settled: &Settled) -> String {
    let (what, words) = match settled {
        Settled::Decided {
            approved: true,
            comment,
            ..
        } => ("approved", comment.as_deref()),
        Settled::Decided {
            approved: false,
            comment,
            ..
        } => ("denied", comment.as_deref()),
        Settled::Answered { response, .. } => ("answered", Some(response.as_str())),
    };
    match words.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => format!("{what}: {words}"),
        None => what.to_owned(),
    }
}
