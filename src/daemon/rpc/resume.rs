//! Going on with a conversation: messages, and the older daemon's `continueSession`.
//!
//! A message goes to the session's process, or starts its next one. `continueSession` does the same
//! under a further id, for clients that know processes; or it forks. Which of the two follows from the
//! id that is named: see [`continue_session`].

use std::path::PathBuf;
use std::time::Duration;

use super::Call;
use super::error::RpcError;
use super::guard::{leading_elsewhere, may_launch};
use super::launch::{must_answer, program, working_dir};
use super::launch_config::{
    check_message, inherit, inherit_secrets, inherited_settings, new_id, non_empty,
};
use super::session::required;
use crate::claude::args::Beginning;
use crate::claude::control;
use crate::daemon::blocking::blocking;
use crate::daemon::clock;
use crate::daemon::secrets::LaunchSecrets;
use crate::daemon::session::{
    GRACE_PERIOD, LaunchError, Message, Request, carry_over, check_line, in_present_mode, own_env,
};
use crate::daemon::store::{Accepted, Fork, NewWireId, StoreError, apart};
use crate::domain::session::Settings;
use crate::domain::{Delivery, LaunchConfig, Lineage, Origin, RunId, Session, SessionId};
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{
    ContinueSessionParams, ContinueSessionResponse, MoveSessionParams, SendMessageParams,
    SendMessageResponse, SessionResponse, SessionState,
};

/// How long continuing waits for the process that it replaces to end: the polite steps, then the
/// runner's.
pub const END_WAIT: Duration = Duration::from_secs(4 * GRACE_PERIOD.as_secs());

/// A message to a session; its next process is started where it has none.
pub async fn send_message(
    call: Call,
    params: SendMessageParams,
) -> Result<SendMessageResponse, RpcError> {
    required(&params.session_id)?;
    check_message("message", &params.message)?;
    let line = control::user_message(&params.message);
    check_line(&line)?;
    let session = call.daemon.store.session(&params.session_id).await?;
    call.must_be_a_person("write to a session")?;
    let accepted = call
        .daemon
        .sessions
        .message(Message {
            session_key: session.key,
            text: params.message,
            line,
            // An agent's could point the session's next process to programs and credentials of its own.
            env: params.env.filter(|_| call.origin_now().may_decide()),
            launch: None,
            wire_id: None,
        })
        .await;
    let accepted = match accepted {
        // By this very request, whose answer was lost.
        Err(LaunchError::Store(StoreError::DoneBefore)) => {
            let session = call.daemon.store.session_by_key(session.key).await?;
            Accepted {
                session,
                message: None,
            }
        }
        settled => settled?,
    };
    let delivery = accepted.message.map(|(_, delivery)| delivery);
    Ok(SendMessageResponse {
        session: SessionState::from(&accepted.session),
        message_id: accepted.message.map(|(id, _)| id),
        queued: delivery == Some(Delivery::Queued),
    })
}

/// A directory by its real path, which nobody can lead elsewhere later.
async fn real(directory: PathBuf) -> Result<PathBuf, RpcError> {
    let path = directory.clone();
    blocking(move || path.canonicalize())
        .await
        .map_err(|cause| {
            RpcError::invalid("working_dir", format!("{}: {cause}", directory.display()))
        })
}

/// Has a session go on in another directory.
pub async fn move_session(
    call: Call,
    params: MoveSessionParams,
) -> Result<SessionResponse, RpcError> {
    required(&params.session_id)?;
    if params.working_dir.is_empty() {
        return Err(RpcError::required("working_dir"));
    }
    call.must_be_a_person("have a session go on elsewhere")?;
    let session = call.daemon.store.session(&params.session_id).await?;
    let directory = real(working_dir(Some(params.working_dir)).await?).await?;
    let moved = call.daemon.sessions.move_to(session.key, &directory).await;
    let session = match moved {
        // By this very request, whose answer was lost.
        Err(LaunchError::Store(StoreError::DoneBefore)) => {
            call.daemon.store.session_by_key(session.key).await?
        }
        settled => settled?,
    };
    Ok(SessionResponse {
        session: SessionState::from(&session),
    })
}

/// The newest id of a conversation goes on with it, under a further id whose parent is the named one.
/// An older id, or `fork`, makes a new session that shares the conversation so far.
pub async fn continue_session(
    call: Call,
    params: ContinueSessionParams,
) -> Result<ContinueSessionResponse, RpcError> {
    required(&params.session_id)?;
    check_message("query", &params.query)?;
    let (lineage, position) = call.daemon.store.lineage(&params.session_id).await?;
    call.must_be_a_person("go on with a session")?;
    call.daemon.store.must_be_ours(&lineage.session)?;
    let id = new_id("new_session_id", params.new_session_id.clone())?;
    if let Some(again) = given_before(&call, &id).await? {
        return Ok(again);
    }
    let is_newest = position + 1 == lineage.len();
    if params.fork == Some(true) || !is_newest {
        fork(call, params, lineage, position, id).await
    } else {
        go_on(call, params, lineage, position, id).await
    }
}

/// The answer to a request that was answered before, and whose answer was lost.
async fn given_before(
    call: &Call,
    id: &SessionId,
) -> Result<Option<ContinueSessionResponse>, RpcError> {
    let found = match call.daemon.store.lineage(id.as_str()).await {
        Ok((lineage, position)) => lineage.position(id.as_str()).map(|_| (lineage, position)),
        Err(error) => {
            let error = RpcError::from(error);
            if error.is_not_found() {
                return Ok(None);
            }
            return Err(error);
        }
    };
    Ok(found.map(|(lineage, position)| answer(&lineage, position)))
}

fn answer(lineage: &Lineage, position: usize) -> ContinueSessionResponse {
    let (id, run_id) = lineage.names(position);
    let parent = lineage.parent(position);
    ContinueSessionResponse {
        session_id: id.to_string(),
        run_id: run_id.to_string(),
        claude_session_id: lineage
            .session
            .claude_session_id
            .clone()
            .unwrap_or_default(),
        parent_session_id: parent.map(ToString::to_string).unwrap_or_default(),
    }
}

async fn go_on(
    call: Call,
    params: ContinueSessionParams,
    lineage: Lineage,
    position: usize,
    id: SessionId,
) -> Result<ContinueSessionResponse, RpcError> {
    let session = &lineage.session;
    must_have_begun(session)?;
    let secrets = call.inherit_secrets(session, &params).await?;
    let config = inherit_config(session, &params, &secrets).await?;
    let origin = call.origin_now();
    call.may_go_on(&origin, session, config.clone()).await?;
    working_dir(Some(session.working_dir.clone()))
        .await
        .map_err(|error| {
            error.hint("`humanlayer continue ID --working-dir DIR` goes on in another one")
        })?;
    let env = params.env.clone().filter(|_| origin.may_decide());
    program(&call, secrets.env.as_ref().or(env.as_ref())).await?;
    let line = control::user_message(&params.query);
    check_line(&line)?;
    // A turn that runs is stopped, and a process that is launched otherwise is another one.
    let replaces = session.status.is_active()
        || config != session.config
        || params.mcp_config.is_some()
        || params.proxy_enabled == Some(true);
    if session.process.is_ours_and_alive() && replaces {
        apart(call.daemon.sessions.end_and_wait(session, END_WAIT)).await?;
    }
    let wire_id = NewWireId {
        id: id.clone(),
        run_id: RunId::random(),
        parent_id: lineage.names(position).0.clone(),
        title: params.title.clone().unwrap_or_default(),
    };
    let message = Message {
        session_key: session.key,
        text: params.query,
        line,
        env,
        launch: Some((config, secrets)),
        wire_id: Some(wire_id),
    };
    call.daemon.sessions.message(message).await?;
    let (lineage, position) = call.daemon.store.lineage(id.as_str()).await?;
    Ok(answer(&lineage, position))
}

async fn fork(
    call: Call,
    params: ContinueSessionParams,
    lineage: Lineage,
    position: usize,
    id: SessionId,
) -> Result<ContinueSessionResponse, RpcError> {
    let source = &lineage.session;
    let claude_session_id = must_have_begun(source)?;
    let mut secrets = call.inherit_secrets(source, &params).await?;
    let config = inherit_config(source, &params, &secrets).await?;
    let origin = call.origin_now();
    let (config, settings) = call.may_go_on(&origin, source, config).await?;
    let env = params.env.filter(|_| origin.may_decide());
    if secrets.env.is_none() {
        secrets.env = Some(env.unwrap_or_else(own_env));
    }
    let directory = match non_empty(params.working_dir) {
        Some(given) => real(working_dir(Some(given)).await?).await?,
        None => working_dir(Some(source.working_dir.clone()))
            .await
            .map_err(|error| {
                error.hint(
                    "`humanlayer continue ID --fork --working-dir DIR` forks into another one",
                )
            })?,
    };
    carry_over(call.daemon.sessions.context(), source, &directory).await?;
    let request = Request {
        id: id.clone(),
        beginning: Beginning::Resume {
            claude_session_id,
            fork: true,
        },
        query: params.query,
        title: params.title.unwrap_or_else(|| source.title.clone()),
        working_dir: directory,
        program: program(&call, secrets.env.as_ref()).await?,
        config,
        secrets,
        settings,
        fork: Some(Fork {
            source_key: source.key,
            parent_id: lineage.names(position).0.clone(),
        }),
        ask_project: false,
    };
    call.daemon.sessions.launch(request).await?;
    let (lineage, position) = call.daemon.store.lineage(id.as_str()).await?;
    Ok(answer(&lineage, position))
}

fn must_have_begun(session: &Session) -> Result<String, RpcError> {
    session.claude_session_id.clone().ok_or_else(|| {
        RpcError::new(
            ErrorKind::Conflict,
            format!(
                "session {} cannot be continued: its agent never began a conversation",
                session.id.short()
            ),
        )
        .hint("launch a new session")
    })
}

impl Call {
    /// How a process that goes on with a session's conversation is launched: in the session's present
    /// mode, with what its standing permissions still are. Fails if the caller may not start that.
    async fn may_go_on(
        &self,
        origin: &Origin,
        session: &Session,
        config: LaunchConfig,
    ) -> Result<(LaunchConfig, Settings), RpcError> {
        let config = in_present_mode(&self.daemon.store, config, session).await?;
        let settings = inherited_settings(session, clock::never_back());
        let config = may_launch(origin, config, &settings)?;
        Ok((config, settings))
    }

    async fn inherit_secrets(
        &self,
        session: &Session,
        params: &ContinueSessionParams,
    ) -> Result<LaunchSecrets, RpcError> {
        let stored = self.daemon.store.launch_secrets(session).await?;
        inherit_secrets(session, stored, params)
    }
}

/// How the next process is launched, once the directories that the caller names were looked at.
async fn inherit_config(
    parent: &Session,
    params: &ContinueSessionParams,
    secrets: &LaunchSecrets,
) -> Result<LaunchConfig, RpcError> {
    let named = params.additional_directories.as_deref().unwrap_or_default();
    must_answer(named).await?;
    let led_to = leading_elsewhere(named.iter().map(PathBuf::from).collect()).await;
    inherit(parent, params, secrets, led_to)
}
