//! Contacts: a program asks a person, and may take its question back.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::Call;
use super::error::RpcError;
use crate::daemon::store::{
    Asked, Asker, CONTACTS_OF_SESSION, NewRequest, StoreError, request_key, run_id_of,
};
use crate::domain::approval::{CONTACT_TOOL, DecidedBy, ResponseOption};
use crate::domain::session::Process;
use crate::domain::{Kind, Origin, Session, Source};
use crate::platform::ProcessId;
use crate::protocol::approval::{
    Approval, CreateContactParams, CreateContactResponse, GetApprovalResponse,
    WithdrawApprovalParams,
};
use crate::protocol::error::ErrorKind;

/// Longest message to a person, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Longest name of a run, a request or an asker, in bytes.
pub const MAX_NAME: usize = 1000;

/// Longest name of a directory, in bytes.
const MAX_DIRECTORY: usize = 4096;

/// Most options of one request.
const MAX_OPTIONS: usize = 100;

pub async fn create(
    call: Call,
    params: CreateContactParams,
) -> Result<CreateContactResponse, RpcError> {
    check_text("message", &params.message, MAX_MESSAGE)?;
    let asker = asker(&call, &params)?;
    let run_id = run_id(&call, params.run_id, &asker).await?;
    let options = params.response_options.unwrap_or_default();
    check_options("response_options", &options)?;
    let mut input = Map::new();
    input.insert("message".to_owned(), Value::from(params.message));
    if let Some(subject) = params.subject.filter(|subject| !subject.is_empty()) {
        check_text("subject", &subject, MAX_NAME)?;
        input.insert("subject".to_owned(), Value::from(subject));
    }
    // Asked again after a lost answer, the same is not asked twice.
    let named = params.call_id.filter(|id| !id.is_empty());
    let call_id = match named.or_else(request_key) {
        Some(id) => {
            check_text("call_id", &id, MAX_NAME)?;
            id
        }
        None => Uuid::new_v4().to_string(),
    };
    let request = NewRequest {
        source: Source::Program,
        kind: Kind::Contact,
        run_id,
        call_id,
        tool_name: CONTACT_TOOL.to_owned(),
        tool_input: Value::Object(input),
        channel: None,
        sdk_state: None,
        options,
        asker,
        ends_with: params.ends_with_caller.then(|| caller(&call)).flatten(),
    };
    let store = &call.daemon.store;
    call.note_asking(false).await?;
    let approval = match store.ask_bounded(request, CONTACTS_OF_SESSION).await? {
        Asked::New(approval) | Asked::Known(approval) => approval,
        Asked::Taken(_) => {
            return Err(RpcError::new(
                ErrorKind::Conflict,
                "something else was asked under this call_id",
            )
            .hint("leave call_id out, or choose another"));
        }
    };
    crate::failpoint::hit("request.answering");
    if params.ends_with_caller {
        call.daemon.asker_noted();
    }
    Ok(CreateContactResponse {
        approval_id: approval.id.to_string(),
        session_id: approval.session_id.to_string(),
        run_id: store
            .session_by_key(approval.session_key)
            .await?
            .run_id
            .to_string(),
    })
}

/// The process that calls, for a request that ends with it. None where the system does not tell which
/// that is: such a request stays.
pub fn caller(call: &Call) -> Option<ProcessId> {
    let pid = call.caller_pid()?;
    // One that was gone already has no start time. Zero is nobody's: the request is ended at the next
    // look.
    let gone = ProcessId { pid, start_time: 0 };
    Some(call.caller_process().unwrap_or(gone))
}

pub async fn withdraw(
    call: Call,
    params: WithdrawApprovalParams,
) -> Result<GetApprovalResponse, RpcError> {
    if params.approval_id.is_empty() {
        return Err(RpcError::required("approval_id"));
    }
    let store = &call.daemon.store;
    let approval = store.approval(&params.approval_id).await?;
    let by = match call.must_be_a_person("withdraw what others ask") {
        Ok(person) => person,
        Err(_) if is_agent_of(&call.origin, approval.session_id.as_str()) => DecidedBy::Agent,
        Err(_) if is_asker(&call, &approval).await? && is_a_programs(&call, &approval).await? => {
            DecidedBy::Agent
        }
        Err(refused) => return Err(refused),
    };
    let reason = params
        .reason
        .filter(|reason| !reason.trim().is_empty())
        .unwrap_or_else(|| "withdrawn by its asker".to_owned());
    check_text("reason", &reason, MAX_MESSAGE)?;
    let withdrawn = store
        .withdraw_request(approval.id.as_str(), by, reason)
        .await;
    let withdrawn = match withdrawn {
        // By this very request, whose answer was lost.
        Err(StoreError::DoneBefore) => store.approval(approval.id.as_str()).await?,
        withdrawn => withdrawn?,
    };
    Ok(GetApprovalResponse {
        approval: Approval::from(&withdrawn),
    })
}

/// Whether the caller is the program that asked. Where a request ends with a process, that process alone
/// is, whatever has become of its parents meanwhile; else every program that has asked may be.
pub async fn is_asker(call: &Call, approval: &crate::domain::Approval) -> Result<bool, RpcError> {
    let recorded = call.daemon.store.asker_process_of(approval.key).await?;
    Ok(match recorded {
        Some(process) => call.caller_process() == Some(process),
        None => call.has_asked(),
    })
}

/// Whether a request was asked under a run that is no session's of ours.
async fn is_a_programs(call: &Call, approval: &crate::domain::Approval) -> Result<bool, RpcError> {
    let session = call
        .daemon
        .store
        .session_by_key(approval.session_key)
        .await?;
    Ok(session.process == Process::External)
}

fn is_agent_of(origin: &Origin, session: &str) -> bool {
    matches!(origin, Origin::Agent { session_id, .. } if session_id.as_str() == session)
}

/// Checks a directory that a program says it works in; it may say none.
pub fn check_directory(field: &str, path: &str) -> Result<(), RpcError> {
    if path.is_empty() {
        return Ok(());
    }
    check_text(field, path, MAX_DIRECTORY)
}

/// Checks a text that is not empty and not endless.
pub fn check_text(field: &str, text: &str, limit: usize) -> Result<(), RpcError> {
    if text.trim().is_empty() {
        return Err(RpcError::required(field));
    }
    if text.len() > limit {
        return Err(RpcError::invalid(
            field,
            format!("has {} bytes, the limit is {limit}", text.len()),
        ));
    }
    Ok(())
}

fn check_options(field: &str, options: &[ResponseOption]) -> Result<(), RpcError> {
    crate::domain::approval::check_options(options, MAX_OPTIONS)
        .map_err(|problem| RpcError::invalid(field, problem))
}

/// Who asks: by the name that it gives, else by its program's.
fn asker(call: &Call, params: &CreateContactParams) -> Result<Asker, RpcError> {
    // An agent could call itself after another program: its session is named.
    let is_agent = matches!(call.origin, Origin::Agent { .. });
    let given = params.asker.clone();
    let given = given.filter(|name| !is_agent && !name.trim().is_empty());
    if let Some(name) = &given {
        check_text("asker", name, MAX_NAME)?;
    }
    if let Some(cwd) = &params.cwd {
        check_directory("cwd", cwd)?;
    }
    let (name, pid) = match &call.origin {
        Origin::Person { program, pid, .. } | Origin::OtherAgent { program, pid, .. } => {
            (Some(program.clone()), Some(*pid))
        }
        Origin::Agent { pid, .. } => (None, Some(*pid)),
        Origin::Unverified { .. } => (call.caller_program(), call.caller_pid()),
    };
    Ok(Asker {
        name: given.or(name),
        cwd: params.cwd.clone().unwrap_or_default(),
        pid,
    })
}

/// The run that a contact belongs to. An agent asks for its own session only.
async fn run_id(call: &Call, given: Option<String>, asker: &Asker) -> Result<String, RpcError> {
    let given = given.filter(|id| !id.is_empty());
    if let Some(id) = &given {
        check_text("run_id", id, MAX_NAME)?;
    }
    match &call.origin {
        Origin::Agent { session_id, .. } => {
            let own: Session = call.daemon.store.session(session_id.as_str()).await?;
            match given {
                Some(id) if id != own.id.as_str() && id != own.run_id.as_str() => {
                    Err(RpcError::new(
                        ErrorKind::Forbidden,
                        format!(
                            "an agent may ask for its own session only: this call comes from session {}",
                            session_id.short()
                        ),
                    )
                    .hint("leave run_id out"))
                }
                Some(_) | None => Ok(own.run_id.to_string()),
            }
        }
        Origin::Person { .. } | Origin::OtherAgent { .. } | Origin::Unverified { .. } => {
            let run_id = given.unwrap_or_else(|| run_id_of(asker));
            call.may_ask_for(&run_id).await?;
            Ok(run_id)
        }
    }
}
