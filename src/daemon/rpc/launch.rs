//! Launching sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Call;
use super::error::RpcError;
use super::guard::{leading_elsewhere, may_launch};
use crate::claude::args::{Beginning, CODELAYER_TOOL};
use crate::daemon::directories;
use crate::daemon::secrets::{LaunchSecrets, outline};
use crate::daemon::session::{Request, find_program, own_env};
use crate::domain::session::Settings;
use crate::domain::{LaunchConfig, Origin, SessionId, permission};
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{
    GetAgentInfoParams, GetAgentInfoResponse, LaunchSessionParams, LaunchSessionResponse,
};

/// Longest message, in bytes.
pub const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// Longest text that goes on the agent's command line, in bytes; systems allow 128 KiB.
const MAX_ARGUMENT: usize = 100 * 1024;

pub async fn launch(
    call: Call,
    params: LaunchSessionParams,
) -> Result<LaunchSessionResponse, RpcError> {
    check_message("query", &params.query)?;
    let origin = call.origin_now();
    let settings = settings(
        params.auto_accept_edits,
        params.dangerously_skip_permissions,
        params.dangerously_skip_permissions_timeout,
    )?;
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
        // An agent's could point to another configuration and to a program of its own.
        env: Some(
            params
                .env
                .filter(|_| origin.may_decide())
                .unwrap_or_else(own_env),
        ),
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
        directories_led_to: Vec::new(),
        mcp_config: secrets.mcp_config.as_ref().map(outline),
        approvals,
        permission_prompt_tool: own_tool(params.permission_prompt_tool),
        permission_mode: non_empty(params.permission_mode)
            .map(|mode| permission::mode_name(&mode).to_owned()),
        proxy: None,
        by_an_agent: false,
        launched_by: None,
        isolated: params
            .isolation
            .unwrap_or(call.daemon.sessions.context().isolation),
        without_project: false,
    };
    let config = may_launch(&origin, config, &settings)?;
    // Until it is on record, so that launches at the same time are counted, too.
    let (config, _counted) = call.count_launch(&origin, config).await?;
    let id = new_id("session_id", params.session_id)?;
    let given = match (&origin, non_empty(params.working_dir)) {
        // Where it works itself.
        (Origin::Agent { session_id, .. }, None) => {
            let session = call.daemon.store.session(session_id.as_str()).await?;
            Some(session.working_dir)
        }
        (_, given) => given,
    };
    let working_dir = working_dir(given).await?;
    must_answer(&config.additional_directories).await?;
    let (config, working_dir) = call.keep_inside(&origin, config, working_dir).await?;
    let additional = config.additional_directories.iter();
    let directories = std::iter::once(working_dir.clone()).chain(additional.map(PathBuf::from));
    let config = LaunchConfig {
        directories_led_to: leading_elsewhere(directories.collect()).await,
        ..config
    };
    let program = program(&call, &config, secrets.env.as_ref()).await?;
    check_mode(&call, &config, program.as_deref(), &secrets, &working_dir).await?;
    let request = Request {
        beginning: Beginning::New(id.to_string()),
        id,
        fork: None,
        query: params.query,
        title: params.title.unwrap_or_default(),
        working_dir,
        program,
        config,
        secrets,
        settings,
        ask_project: params.ask_project.unwrap_or(false),
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

pub fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub fn argument(field: &str, text: Option<String>) -> Result<Option<String>, RpcError> {
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

pub fn is_codelayer(tool: Option<&str>) -> bool {
    tool == Some(CODELAYER_TOOL)
}

pub fn own_tool(tool: Option<String>) -> Option<String> {
    non_empty(tool).filter(|tool| tool != CODELAYER_TOOL)
}

/// An MCP configuration, as an object or as JSON text of one.
pub fn mcp_config(given: Option<Value>) -> Result<Option<Value>, RpcError> {
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
    // By the clock that it ends by.
    let until =
        crate::daemon::clock::never_back().checked_add(SignedDuration::from_millis(timeout));
    until
        .map(Some)
        .map_err(|_| RpcError::invalid(field, "is too far in the future"))
}

pub fn new_id(field: &str, given: Option<String>) -> Result<SessionId, RpcError> {
    match non_empty(given) {
        None => Ok(SessionId::random()),
        // It becomes a directory's name and the agent's `--session-id`.
        Some(id) => uuid::Uuid::parse_str(&id)
            .map(|uuid| SessionId::from(uuid.to_string()))
            .map_err(|error| RpcError::invalid(field, format!("must be a UUID: {error}"))),
    }
}

/// A directory to work in, which is there.
pub async fn working_dir(given: Option<String>) -> Result<PathBuf, RpcError> {
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
    match directories::problem(&path.to_string_lossy()).await {
        None => Ok(path),
        Some(problem) => Err(RpcError::invalid(field, problem)),
    }
}

/// Checks that the disks of further directories answer. Whether such a directory is there is the agent's business.
pub async fn must_answer(directories: &[String]) -> Result<(), RpcError> {
    match directories::first_silent(directories).await {
        Some(problem) => Err(RpcError::invalid("additional_directories", problem)),
        None => Ok(()),
    }
}

/// The agent's program; none for the embedded one.
pub async fn program(
    call: &Call,
    config: &LaunchConfig,
    env: Option<&BTreeMap<String, String>>,
) -> Result<Option<PathBuf>, RpcError> {
    find_program(call.daemon.sessions.context(), config, env)
        .await
        .map_err(no_claude)
}

/// Checks that the installed agent has the mode that is asked for.
async fn check_mode(
    call: &Call,
    config: &LaunchConfig,
    program: Option<&Path>,
    secrets: &LaunchSecrets,
    working_dir: &Path,
) -> Result<(), RpcError> {
    let Some(mode) = &config.permission_mode else {
        return Ok(());
    };
    let env = secrets.env.clone().unwrap_or_default();
    call.daemon
        .sessions
        .check_permission_mode(program, config, &env, working_dir, mode)
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
    // An agent's path could lead to a program of its own, which would run outside of where it is held.
    let path = params.path.filter(|_| call.origin_now().may_decide());
    let env = path
        .clone()
        .map(|path| BTreeMap::from([("PATH".to_owned(), path)]));
    let program = program(&call, &config, env.as_ref()).await?;
    let modes = call
        .daemon
        .sessions
        .permission_modes(program.as_deref(), path.as_deref())
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
