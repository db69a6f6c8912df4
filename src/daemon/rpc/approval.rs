//! Approvals: asking, looking, deciding.

use super::Call;
use super::contact::{MAX_NAME, caller, check_directory, check_text};
use super::error::RpcError;
use super::session::MAX_PAGE;
use crate::claude::input::ToolInput;
use crate::daemon::store::{
    ApprovalFilter, Asker, NewMcpApproval, StoreError, request_key, run_id_of,
};
use crate::domain::{self, Origin, Outcome, Source};
use crate::protocol::approval::{
    Approval, ApprovalsResponse, CreateApprovalParams, CreateApprovalResponse, ExternalAsker,
    FetchApprovalsParams, GetApprovalParams, GetApprovalResponse, ListApprovalsParams,
};
use crate::protocol::decision::{DecisionFields, SendDecisionParams, SendDecisionResponse};

pub async fn create(
    call: Call,
    params: CreateApprovalParams,
) -> Result<CreateApprovalResponse, RpcError> {
    let external = params.external.map(external).transpose()?;
    if params.tool_name.is_empty() {
        return Err(RpcError::required("tool_name"));
    }
    let run_id = match (&external, params.run_id) {
        (Some(asker), run_id) if run_id.is_empty() => own_run(&call, run_id_of(asker)).await?,
        (None, run_id) if run_id.is_empty() => return Err(RpcError::required("run_id")),
        (Some(_), run_id) => own_run(&call, run_id).await?,
        (None, run_id) => run_id,
    };
    call.may_ask_for(&run_id).await?;
    let input = params.tool_input;
    let input = input.ok_or_else(|| RpcError::required("tool_input"))?;
    let new = NewMcpApproval {
        run_id,
        external,
        tool_input: ToolInput::read(&params.tool_name, input.get()),
        tool_name: params.tool_name,
        tool_use_id: params.tool_use_id.filter(|id| !id.is_empty()),
        call_id: params
            .call_id
            .filter(|id| !id.is_empty())
            .or_else(request_key),
        accepts_edits: params.accepts_edits,
        ends_with: params.ends_with_caller.then(|| caller(&call)).flatten(),
    };
    call.note_asking(true).await?;
    let approval = call.daemon.store.create_mcp_approval(new).await?;
    crate::failpoint::hit("request.answering");
    if params.ends_with_caller {
        call.daemon.asker_noted();
    }
    Ok(CreateApprovalResponse {
        approval_id: approval.id.to_string(),
    })
}

/// The run of an asker that may be no session's. One below the runner of a session asks for that
/// session: it cannot make itself look like another program.
async fn own_run(call: &Call, run_id: String) -> Result<String, RpcError> {
    let Origin::Agent { session_id, .. } = &call.origin else {
        return Ok(run_id);
    };
    match call.daemon.store.session(session_id.as_str()).await {
        Ok(session) => Ok(session.id.to_string()),
        // The mark of another daemon's session.
        Err(StoreError::NotFound { .. }) => Ok(run_id),
        Err(error) => Err(error.into()),
    }
}

fn external(asker: ExternalAsker) -> Result<Asker, RpcError> {
    check_text("external.name", &asker.name, MAX_NAME)?;
    check_directory("external.cwd", &asker.cwd)?;
    Ok(Asker {
        name: Some(asker.name),
        cwd: asker.cwd,
        pid: asker.pid,
    })
}

pub async fn fetch(
    call: Call,
    params: FetchApprovalsParams,
) -> Result<ApprovalsResponse, RpcError> {
    let Some(session) = params.session_id.filter(|id| !id.is_empty()) else {
        return Ok(ApprovalsResponse::default());
    };
    let none = ApprovalsResponse::default();
    let (lineage, position) = match call.daemon.store.lineage(&session).await {
        Ok(found) => found,
        // Nothing is pending in a session that is not there, as existing clients have it.
        Err(StoreError::NotFound { .. }) => return Ok(none),
        Err(error) => return Err(error.into()),
    };
    if position + 1 < lineage.len() {
        // What is pending belongs to the newest id.
        return Ok(none);
    }
    let filter = ApprovalFilter {
        session: Some(lineage.session.id.to_string()),
        pending_only: true,
        ..ApprovalFilter::default()
    };
    let page = call.daemon.store.approvals(filter).await?;
    let named = page
        .approvals
        .iter()
        .map(|approval| lineage.approval(approval, position));
    Ok(ApprovalsResponse {
        approvals: named.map(|approval| Approval::from(&approval)).collect(),
        has_more: page.cut,
    })
}

pub async fn list(call: Call, params: ListApprovalsParams) -> Result<ApprovalsResponse, RpcError> {
    let filter = ApprovalFilter {
        session: params.session_id.filter(|id| !id.is_empty()),
        pending_only: !params.all,
        limit: Some(params.limit.unwrap_or(MAX_PAGE).min(MAX_PAGE)),
        after: params.after.filter(|id| !id.is_empty()),
    };
    listed(&call, filter).await
}

async fn listed(call: &Call, filter: ApprovalFilter) -> Result<ApprovalsResponse, RpcError> {
    let page = call.daemon.store.approvals(filter).await?;
    Ok(ApprovalsResponse {
        approvals: page.approvals.iter().map(Approval::from).collect(),
        has_more: page.cut,
    })
}

pub async fn get(call: Call, params: GetApprovalParams) -> Result<GetApprovalResponse, RpcError> {
    if params.approval_id.is_empty() {
        return Err(RpcError::required("approval_id"));
    }
    let approval = call.daemon.store.approval(&params.approval_id).await?;
    let fetches = match approval.source {
        Source::Mcp | Source::Program => true,
        Source::Claude | Source::LocalApi | Source::RemoteApi | Source::Launch => false,
    };
    // The program that waits for an MCP approval learns its outcome by this very call. It runs
    // below the runner of the session that asks, or has asked itself, which a person's program does not.
    if fetches
        && approval.outcome != Outcome::Pending
        && approval.delivered_at.is_none()
        && ((params.receive && super::contact::is_asker(&call, &approval).await?)
            || is_of(&call, &approval).await?)
    {
        call.daemon.store.outcome_fetched(approval.key).await?;
    }
    if params.by_conversation {
        return Ok(GetApprovalResponse {
            approval: Approval::from(&approval),
        });
    }
    let lineage = call.daemon.store.lineage(approval.session_id.as_str());
    let lineage = lineage.await?.0;
    let approval = lineage.approval(&approval, lineage.of_time(approval.created_at));
    Ok(GetApprovalResponse {
        approval: Approval::from(&approval),
    })
}

/// Whether the caller is an agent, or below one, of the session that asks; its mark may be any of the
/// session's ids.
async fn is_of(call: &Call, approval: &domain::Approval) -> Result<bool, RpcError> {
    let Origin::Agent { session_id, .. } = &call.origin else {
        return Ok(false);
    };
    if *session_id == approval.session_id {
        return Ok(true);
    }
    match call.daemon.store.session(session_id.as_str()).await {
        Ok(session) => Ok(session.id == approval.session_id),
        // The mark of another daemon's session.
        Err(StoreError::NotFound { .. } | StoreError::Ambiguous { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub async fn decide(call: Call, params: DecisionFields) -> Result<SendDecisionResponse, RpcError> {
    if params.approval_id.is_empty() {
        return Err(RpcError::required("approval_id"));
    }
    let by = call.must_be_a_person("decide")?;
    let params = SendDecisionParams::try_from(params)
        .map_err(|invalid| RpcError::invalid(invalid.field, invalid.problem))?;
    let SendDecisionParams {
        approval_id,
        decision,
        client,
    } = params;
    let user = call.daemon.user_names.of(viewer(&call)).await;
    let by = by.with(user, client);
    let decided = match call.daemon.store.decide(&approval_id, decision, by).await {
        // By this very request, whose answer was lost.
        Err(StoreError::DoneBefore) => call.daemon.store.approval(&approval_id).await,
        decided => decided,
    };
    match decided {
        Ok(approval) => {
            if approval.source == Source::Launch {
                // The session goes on at once, and nobody waits for that.
                let sessions = call.daemon.sessions.clone();
                tokio::spawn(async move { sessions.resume_waiting().await });
            }
            Ok(SendDecisionResponse {
                success: true,
                error: None,
                error_kind: None,
                approval: Some(Approval::from(&approval)),
            })
        }
        Err(StoreError::AlreadyResolved(approval)) => {
            let who = approval
                .decided_by
                .as_ref()
                .map_or_else(|| "nobody".to_owned(), |by| by.describe(viewer(&call)));
            Ok(SendDecisionResponse {
                success: false,
                error: Some(format!(
                    "already resolved: {} by {who}",
                    approval.outcome.as_str()
                )),
                error_kind: Some("already_resolved".to_owned()),
                approval: Some(Approval::from(approval.as_ref())),
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// The user who calls.
fn viewer(call: &Call) -> u32 {
    match &call.origin {
        Origin::Person { uid, .. } => *uid,
        Origin::Agent { .. } | Origin::OtherAgent { .. } | Origin::Unverified { .. } => {
            crate::platform::user_id()
        }
    }
}
