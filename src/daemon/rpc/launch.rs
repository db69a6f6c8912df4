//! Launching and continuing sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Call;
use super::error::RpcError;
use crate::daemon::claude::args::{Beginning, CODELAYER_TOOL};
use crate::daemon::secrets::{LaunchSecrets, ProxyAccess, SecretsError, outline};
use crate::daemon::session::{POLITE_WAIT, Request};
use crate::domain::session::{Proxy, Settings};
use crate::domain::{LaunchConfig, Session, SessionId};
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{
    ContinueSessionParams, ContinueSessionResponse, GetAgentInfoParams, GetAgentInfoResponse,
    LaunchSessionParams, LaunchSessionResponse,
};

/// Longest message, in bytes.
pub const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// Longest text that goes on the agent's command line, in bytes; systems allow 128 KiB.
const MAX_ARGUMENT: usize = 100 * 1024;

/// How long continuing waits for the session that it continues to end: the polite steps, then the
/// runner's.
pub const END_WAIT: Duration = Duration::from_secs(4 * POLITE_WAIT.as_secs());

pub async fn launch(
    call: Call,
    params: LaunchSessionParams,
) -> Result<LaunchSessionResponse, RpcError> {
    check_message("query", &params.query)?;
    let settings = settings(
        params.auto_accept_edits,
        params.dangerously_skip_permissions,
        params.dangerously_skip_permissions_timeout,
    )?;
    let loose = settings.auto_accept_edits || settings.skip_permissions;
    let tool = params
        .permission_prompt_tool
        .as_deref()
        .filter(|tool| !tool.is_empty());
    // Who names no tool wants to be asked, as the older daemon understood it. Another tool asks by
    // itself.
    let approvals = params
        .approvals
        .unwrap_or(tool.is_none() || is_codelayer(tool));
    let secrets = LaunchSecrets {
        mcp_config: mcp_config(params.mcp_config)?,
        env: Some(params.env.unwrap_or_else(own_env)),
        proxy: None,
    };
    let config = LaunchConfig {
        scripted: scripted(params.agent.as_deref())?,
        model: non_empty(params.model),
        max_turns: params.max_turns.filter(|turns| *turns > 0),
        system_prompt: argument("system_prompt", params.system_prompt)?,
        append_system_prompt: argument("append_system_prompt", params.append_system_prompt)?,
        custom_instructions: argument("custom_instructions", params.custom_instructions)?,
        allowed_tools: params.allowed_tools.unwrap_or_default(),
        disallowed_tools: params.disallowed_tools.unwrap_or_default(),
        additional_directories: params.additional_directories.unwrap_or_default(),
        mcp_config: secrets.mcp_config.as_ref().map(outline),
        approvals,
        permission_prompt_tool: own_tool(params.permission_prompt_tool),
        permission_mode: non_empty(params.permission_mode),
        proxy: None,
    };
    call.may_launch(&config, loose)?;
    let id = new_id("session_id", params.session_id)?;
    let working_dir = working_dir(params.working_dir)?;
    let program = program(&call, &config, secrets.env.as_ref())?;
    check_mode(&call, &config, program.as_deref(), &secrets).await?;
    let request = Request {
        beginning: Beginning::New(id.to_string()),
        id,
        parent: None,
        query: params.query,
        title: params.title.unwrap_or_default(),
        working_dir,
        program,
        config,
        secrets,
        settings,
        socket: call.daemon.socket(),
    };
    let session = call.daemon.sessions.launch(request).await?;
    if settings.skip_permissions_until.is_some() {
        call.daemon.permissions_changed();
    }
    Ok(LaunchSessionResponse {
        session_id: session.id.to_string(),
        run_id: session.run_id.to_string(),
    })
}

pub async fn continue_session(
    call: Call,
    params: ContinueSessionParams,
) -> Result<ContinueSessionResponse, RpcError> {
    if params.session_id.is_empty() {
        return Err(RpcError::required("session_id"));
    }
    check_message("query", &params.query)?;
    let parent = call.daemon.store.session(&params.session_id).await?;
    call.daemon.store.must_be_ours(&parent)?;
    let Some(claude_session_id) = parent.claude_session_id.clone() else {
        return Err(RpcError::new(
            ErrorKind::Conflict,
            format!(
                "session {} cannot be continued: its agent never began a conversation",
                parent.id.short()
            ),
        )
        .hint("launch a new session"));
    };
    let stored = call.daemon.store.launch_secrets(&parent).await?;
    let secrets = inherit_secrets(&parent, stored, &params)?;
    let config = inherit(&parent, &params, &secrets)?;
    let settings = inherited_settings(&parent);
    call.may_launch(
        &config,
        settings.auto_accept_edits || settings.skip_permissions,
    )?;
    let fork = params.fork.unwrap_or(true);
    let request = Request {
        id: new_id("new_session_id", params.new_session_id)?,
        beginning: Beginning::Resume {
            claude_session_id,
            fork,
        },
        query: params.query,
        title: params.title.unwrap_or_else(|| parent.title.clone()),
        working_dir: working_dir(Some(parent.working_dir.clone()))?,
        program: program(&call, &config, secrets.env.as_ref())?,
        config,
        secrets,
        settings,
        socket: call.daemon.socket(),
        parent: Some(parent.clone()),
    };
    // A turn that runs is stopped; and two processes must not write one conversation.
    if parent.status.is_active() || !fork {
        call.daemon.sessions.end_and_wait(&parent, END_WAIT).await?;
    }
    let session = call.daemon.sessions.launch(request).await?;
    Ok(ContinueSessionResponse {
        session_id: session.id.to_string(),
        run_id: session.run_id.to_string(),
        claude_session_id: session.claude_session_id.unwrap_or_default(),
        parent_session_id: parent.id.to_string(),
    })
}

/// What the continued session is launched with: the caller's environment, and what the parent had
/// of the rest unless the caller gives it anew.
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
        env: Some(params.env.clone().unwrap_or_else(own_env)),
        mcp_config: given.or(old.mcp_config),
        proxy,
    })
}

fn inherit(
    parent: &Session,
    params: &ContinueSessionParams,
    secrets: &LaunchSecrets,
) -> Result<LaunchConfig, RpcError> {
    let old = parent.config.clone();
    let list = |new: &Option<Vec<String>>, old: Vec<String>| {
        new.clone().filter(|list| !list.is_empty()).unwrap_or(old)
    };
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
        mcp_config: secrets.mcp_config.as_ref().map(outline),
        approvals: tool.map_or(old.approvals, |tool| is_codelayer(Some(tool))),
        permission_prompt_tool: match tool {
            Some(tool) => own_tool(Some(tool.to_owned())),
            None => old.permission_prompt_tool,
        },
        permission_mode: old.permission_mode,
        proxy,
    })
}

/// What the parent's standing permissions still are.
fn inherited_settings(parent: &Session) -> Settings {
    let mut settings = parent.settings;
    if settings
        .skip_permissions_until
        .is_some_and(|until| until <= Timestamp::now())
    {
        settings.skip_permissions = false;
        settings.skip_permissions_until = None;
    }
    settings
}

/// Checks a message of the user.
pub fn check_message(field: &str, text: &str) -> Result<(), RpcError> {
    if text.trim().is_empty() {
        return Err(RpcError::required(field));
    }
    if text.len() > MAX_MESSAGE {
        let problem = format!(
            "{field} has {} bytes, the limit is {MAX_MESSAGE}",
            text.len()
        );
        return Err(RpcError::new(ErrorKind::TooLarge, problem)
            .hint("put the text into a file and name it in the message"));
    }
    Ok(())
}

fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn argument(field: &str, text: Option<String>) -> Result<Option<String>, RpcError> {
    let text = non_empty(text);
    match &text {
        Some(long) if long.len() > MAX_ARGUMENT => Err(RpcError::invalid(
            field,
            format!("has {} bytes, the limit is {MAX_ARGUMENT}", long.len()),
        )),
        _ => Ok(text),
    }
}

/// Which agent is asked for.
fn scripted(agent: Option<&str>) -> Result<bool, RpcError> {
    match agent {
        None | Some("" | "claude") => Ok(false),
        Some("scripted") => Ok(true),
        Some(other) => Err(RpcError::invalid(
            "agent",
            format!("{other:?} is neither `claude` nor `scripted`"),
        )),
    }
}

fn is_codelayer(tool: Option<&str>) -> bool {
    tool == Some(CODELAYER_TOOL)
}

fn own_tool(tool: Option<String>) -> Option<String> {
    non_empty(tool).filter(|tool| tool != CODELAYER_TOOL)
}

/// An MCP configuration, as an object or as JSON text of one.
fn mcp_config(given: Option<Value>) -> Result<Option<Value>, RpcError> {
    let config = match given {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => {
            serde_json::from_str(&text).map_err(|error| RpcError::invalid("mcp_config", error))?
        }
        Some(value) => value,
    };
    match config.get("mcpServers") {
        Some(Value::Object(servers)) => Ok((!servers.is_empty()).then_some(config)),
        Some(Value::Null) => Ok(None),
        _ => Err(RpcError::invalid(
            "mcp_config",
            "must be an object with an object `mcpServers`",
        )),
    }
}

fn settings(
    accept: Option<bool>,
    skip: Option<bool>,
    timeout_ms: Option<i64>,
) -> Result<Settings, RpcError> {
    let skip = skip.unwrap_or(false);
    Ok(Settings {
        auto_accept_edits: accept.unwrap_or(false),
        skip_permissions: skip,
        skip_permissions_until: if skip {
            expiry("dangerously_skip_permissions_timeout", timeout_ms)?
        } else {
            None
        },
    })
}

/// When a permission that lasts so long ends; none and zero mean that it does not.
pub fn expiry(field: &str, timeout_ms: Option<i64>) -> Result<Option<Timestamp>, RpcError> {
    let Some(timeout) = timeout_ms.filter(|ms| *ms != 0) else {
        return Ok(None);
    };
    if timeout < 0 {
        return Err(RpcError::invalid(field, "must not be negative"));
    }
    let until = Timestamp::now().checked_add(SignedDuration::from_millis(timeout));
    until
        .map(Some)
        .map_err(|_| RpcError::invalid(field, "is too far in the future"))
}

fn new_id(field: &str, given: Option<String>) -> Result<SessionId, RpcError> {
    match non_empty(given) {
        None => Ok(SessionId::random()),
        // It becomes a directory's name and the agent's `--session-id`.
        Some(id) => uuid::Uuid::parse_str(&id)
            .map(|uuid| SessionId::from(uuid.to_string()))
            .map_err(|error| RpcError::invalid(field, format!("must be a UUID: {error}"))),
    }
}

fn own_env() -> BTreeMap<String, String> {
    // Names and values that are not UTF-8 cannot be written into the spec and are not handed on.
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn working_dir(given: Option<String>) -> Result<PathBuf, RpcError> {
    let field = "working_dir";
    let path = match non_empty(given) {
        None => std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from),
        Some(path) => match path.strip_prefix("~") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = std::env::var("HOME")
                    .map_err(|_| RpcError::invalid(field, "`~` needs HOME to be set"))?;
                PathBuf::from(format!("{home}{rest}"))
            }
            _ => PathBuf::from(path),
        },
    };
    if !path.is_absolute() {
        return Err(RpcError::invalid(
            field,
            format!("{} is not absolute", path.display()),
        ));
    }
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Ok(path),
        Ok(_) => Err(RpcError::invalid(
            field,
            format!("{} is not a directory", path.display()),
        )),
        Err(error) => Err(RpcError::invalid(
            field,
            format!("{}: {error}", path.display()),
        )),
    }
}

/// The agent's program: as configured, else `claude` on the caller's PATH, else on the daemon's; none
/// for the embedded one.
fn program(
    call: &Call,
    config: &LaunchConfig,
    env: Option<&BTreeMap<String, String>>,
) -> Result<Option<PathBuf>, RpcError> {
    if config.scripted {
        return Ok(None);
    }
    if let Some(path) = &call.daemon.claude_path {
        return if is_executable(path) {
            Ok(Some(path.clone()))
        } else {
            Err(no_claude(format!(
                "{} is not an executable file",
                path.display()
            )))
        };
    }
    let caller = env.and_then(|env| env.get("PATH")).cloned();
    let own = std::env::var("PATH").ok();
    let paths = [caller, own];
    let found = paths
        .iter()
        .flatten()
        .flat_map(std::env::split_paths)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join("claude"))
        .find(|path| is_executable(path));
    found
        .map(Some)
        .ok_or_else(|| no_claude("`claude` is not on the PATH".to_owned()))
}

/// Checks that the installed agent has the mode that is asked for.
async fn check_mode(
    call: &Call,
    config: &LaunchConfig,
    program: Option<&Path>,
    secrets: &LaunchSecrets,
) -> Result<(), RpcError> {
    let Some(mode) = &config.permission_mode else {
        return Ok(());
    };
    let path = secrets.env.as_ref().and_then(|env| env.get("PATH"));
    call.daemon
        .sessions
        .check_permission_mode(program, path.map(String::as_str), mode)
        .await
        .map_err(|modes| {
            RpcError::invalid(
                "permission_mode",
                format!(
                    "{mode:?} is not a mode of the installed agent; it has {}",
                    modes.join(", ")
                ),
            )
        })
}

/// What the installed agent says about itself.
pub async fn agent_info(
    call: Call,
    params: GetAgentInfoParams,
) -> Result<GetAgentInfoResponse, RpcError> {
    let config = LaunchConfig {
        scripted: scripted(params.agent.as_deref())?,
        ..LaunchConfig::default()
    };
    let env = params
        .path
        .clone()
        .map(|path| BTreeMap::from([("PATH".to_owned(), path)]));
    let program = program(&call, &config, env.as_ref())?;
    let modes = call
        .daemon
        .sessions
        .permission_modes(program.as_deref(), params.path.as_deref())
        .await;
    Ok(GetAgentInfoResponse {
        program: program.map(|program| program.to_string_lossy().into_owned()),
        permission_modes: modes.unwrap_or_default(),
    })
}

fn no_claude(problem: String) -> RpcError {
    RpcError::new(ErrorKind::LaunchFailed, format!("cannot find Claude Code: {problem}")).hint(
        "install it (npm install -g @anthropic-ai/claude-code), or name it with HUMANLAYER_CLAUDE_PATH and restart the daemon; `humanlayer doctor` checks it",
    )
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
