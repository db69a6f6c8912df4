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
use super::launch::{
    argument, check_message, is_codelayer, mcp_config, must_answer, new_id, non_empty, own_tool,
    program, working_dir,
};
use super::session::required;
use crate::claude::args::{Beginning, ProxyAccess};
use crate::claude::control;
use crate::daemon::blocking::blocking;
use crate::daemon::secrets::{LaunchSecrets, SecretsError, outline};
use crate::daemon::session::{
    GRACE_PERIOD, LaunchError, Message, Request, carry_over, check_line, in_present_mode, own_env,
};
use crate::daemon::store::{Accepted, Fork, NewWireId, StoreError, apart};
use crate::domain::session::{Proxy, Settings};
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
    let config = inherit(session, &params, &secrets).await?;
    let origin = call.origin_now();
    call.may_go_on(&origin, session, config.clone()).await?;
    working_dir(Some(session.working_dir.clone()))
        .await
        .map_err(|error| {
            error.hint("`humanlayer continue ID --working-dir DIR` goes on in another one")
        })?;
    let env = params.env.clone().filter(|_| origin.may_decide());
    program(&call, &config, secrets.env.as_ref().or(env.as_ref())).await?;
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
    let config = inherit(source, &params, &secrets).await?;
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
        program: program(&call, &config, secrets.env.as_ref()).await?,
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
        let settings = inherited_settings(session);
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

/// What the next process is launched with: what the session was launched with, unless the caller gives
/// it anew.
fn inherit_secrets(
    parent: &Session,
    stored: Result<LaunchSecrets, SecretsError>,
    params: &ContinueSessionParams,
) -> Result<LaunchSecrets, RpcError> {
    let given = mcp_config(params.mcp_config.clone())?;
    let needs_stored = (parent.config.mcp_config.is_some() && given.is_none())
        || (parent.config.proxy.is_some()
            && params
                .proxy_base_url
                .as_deref()
                .unwrap_or_default()
                .is_empty());
    let old = match stored {
        Ok(stored) => stored,
        Err(_) if !needs_stored => LaunchSecrets::default(),
        Err(error) => {
            return Err(RpcError::new(
                ErrorKind::Conflict,
                format!(
                    "cannot read what session {} was launched with: {error}",
                    parent.id.short()
                ),
            )
            .hint(
                "launch a new session, or continue it with its MCP servers and proxy given anew",
            ));
        }
    };
    let enabled = params.proxy_enabled.unwrap_or(false) || parent.config.proxy.is_some();
    let proxy = enabled.then(|| {
        let old = old.proxy.unwrap_or_default();
        match non_empty(params.proxy_base_url.clone()) {
            // A key goes to the address that it was given for, and nowhere else.
            Some(url) if old.base_url.as_ref() != Some(&url) => ProxyAccess {
                base_url: Some(url),
                api_key: non_empty(params.proxy_api_key.clone()),
            },
            url => ProxyAccess {
                base_url: url.or(old.base_url),
                api_key: non_empty(params.proxy_api_key.clone()).or(old.api_key),
            },
        }
    });
    Ok(LaunchSecrets {
        env: old.env,
        mcp_config: given.or(old.mcp_config),
        proxy,
    })
}

async fn inherit(
    parent: &Session,
    params: &ContinueSessionParams,
    secrets: &LaunchSecrets,
) -> Result<LaunchConfig, RpcError> {
    let old = parent.config.clone();
    let list = |new: &Option<Vec<String>>, old: Vec<String>| {
        new.clone().filter(|list| !list.is_empty()).unwrap_or(old)
    };
    let named = params.additional_directories.iter().flatten();
    must_answer(params.additional_directories.as_deref().unwrap_or_default()).await?;
    let mut directories_led_to = old.directories_led_to;
    for place in leading_elsewhere(named.map(PathBuf::from).collect()).await {
        if !directories_led_to.contains(&place) {
            directories_led_to.push(place);
        }
    }
    let text =
        |field, new: &Option<String>, old: Option<String>| -> Result<Option<String>, RpcError> {
            Ok(argument(field, new.clone())?.or(old))
        };
    let tool = params
        .permission_prompt_tool
        .as_deref()
        .filter(|tool| !tool.is_empty());
    let proxy = secrets.proxy.is_some().then(|| Proxy {
        model: non_empty(params.proxy_model_override.clone())
            .or(old.proxy.and_then(|proxy| proxy.model)),
    });
    Ok(LaunchConfig {
        scripted: old.scripted,
        model: old.model,
        max_turns: params.max_turns.filter(|turns| *turns > 0),
        system_prompt: text("system_prompt", &params.system_prompt, old.system_prompt)?,
        append_system_prompt: text(
            "append_system_prompt",
            &params.append_system_prompt,
            old.append_system_prompt,
        )?,
        custom_instructions: text(
            "custom_instructions",
            &params.custom_instructions,
            old.custom_instructions,
        )?,
        allowed_tools: list(&params.allowed_tools, old.allowed_tools),
        disallowed_tools: list(&params.disallowed_tools, old.disallowed_tools),
        additional_directories: list(&params.additional_directories, old.additional_directories),
        directories_led_to,
        mcp_config: secrets.mcp_config.as_ref().map(outline),
        approvals: tool.map_or(old.approvals, |tool| is_codelayer(Some(tool))),
        permission_prompt_tool: match tool {
            Some(tool) => own_tool(Some(tool.to_owned())),
            None => old.permission_prompt_tool,
        },
        permission_mode: old.permission_mode,
        proxy,
        by_an_agent: old.by_an_agent,
        launched_by: old.launched_by.clone(),
        isolated: old.isolated,
        without_project: false,
    })
}

/// What the parent's standing permissions still are.
fn inherited_settings(parent: &Session) -> Settings {
    let mut settings = parent.settings;
    if settings
        .skip_permissions_until
        .is_some_and(|until| until <= crate::daemon::clock::never_back())
    {
        settings.skip_permissions = false;
        settings.skip_permissions_until = None;
    }
    settings
}
