//! What a process is to be launched with, of what a caller asks for: checks of parameters, and what a further process
//! takes over from its session.
//!
//! Pure but for the daemon's own environment. Whether the caller may have it started, and whether directories and
//! programs are there, is for others to say.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::RpcError;
use crate::claude::args::{CODELAYER_TOOL, ProxyAccess};
use crate::daemon::secrets::{LaunchSecrets, SecretsError, outline};
use crate::daemon::session::own_env;
use crate::domain::session::{Proxy, Settings};
use crate::domain::{LaunchConfig, Session, SessionId, permission};
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{ContinueSessionParams, LaunchSessionParams};

/// Longest message, in bytes.
pub const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// Longest text that goes on the agent's command line, in bytes; systems allow 128 KiB.
const MAX_ARGUMENT: usize = 100 * 1024;

/// What a caller asks a new session's process to be launched with, checked.
#[derive(Debug)]
pub struct Asked {
    pub config: LaunchConfig,
    pub secrets: LaunchSecrets,
    pub settings: Settings,
}

impl Asked {
    /// Takes what it needs out of the parameters. `may_decide` says whether the caller is a person, `isolated` what is
    /// done where the parameters do not say.
    pub fn read(
        params: &mut LaunchSessionParams,
        may_decide: bool,
        isolated: bool,
        now: Timestamp,
    ) -> Result<Self, RpcError> {
        let settings = settings(
            params.auto_accept_edits,
            params.dangerously_skip_permissions,
            params.dangerously_skip_permissions_timeout,
            now,
        )?;
        let tool = non_empty(params.permission_prompt_tool.take());
        // Who names no tool wants to be asked, as the older daemon understood it. Another tool asks by
        // itself.
        let approvals = params
            .approvals
            .unwrap_or(tool.is_none() || is_codelayer(tool.as_deref()));
        let env = params.env.take().filter(|_| may_decide);
        let secrets = LaunchSecrets {
            mcp_config: mcp_config(params.mcp_config.take())?,
            // An agent's could point to another configuration and to a program of its own.
            env: Some(env.unwrap_or_else(own_env)),
            proxy: None,
        };
        let config = LaunchConfig {
            model: non_empty(params.model.take()),
            max_turns: params.max_turns.filter(|turns| *turns > 0),
            system_prompt: argument("system_prompt", params.system_prompt.take())?,
            append_system_prompt: argument(
                "append_system_prompt",
                params.append_system_prompt.take(),
            )?,
            custom_instructions: argument(
                "custom_instructions",
                params.custom_instructions.take(),
            )?,
            allowed_tools: params.allowed_tools.take().unwrap_or_default(),
            disallowed_tools: params.disallowed_tools.take().unwrap_or_default(),
            additional_directories: params.additional_directories.take().unwrap_or_default(),
            directories_led_to: Vec::new(),
            mcp_config: secrets.mcp_config.as_ref().map(outline),
            approvals,
            permission_prompt_tool: own_tool(tool),
            permission_mode: non_empty(params.permission_mode.take())
                .map(|mode| permission::mode_name(&mode).to_owned()),
            proxy: None,
            by_an_agent: false,
            launched_by: None,
            isolated: params.isolation.unwrap_or(isolated),
            without_project: false,
        };
        Ok(Self {
            config,
            secrets,
            settings,
        })
    }
}

/// How the next process is launched: as the session was, unless the caller says otherwise. `led_to` is where links of
/// the directories that the caller names lead.
pub fn inherit(
    parent: &Session,
    params: &ContinueSessionParams,
    secrets: &LaunchSecrets,
    led_to: Vec<String>,
) -> Result<LaunchConfig, RpcError> {
    let old = parent.config.clone();
    let list = |new: &Option<Vec<String>>, old: Vec<String>| {
        new.clone().filter(|list| !list.is_empty()).unwrap_or(old)
    };
    let mut directories_led_to = old.directories_led_to;
    for place in led_to {
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

/// What the next process is launched with: what the session was launched with, unless the caller gives
/// it anew.
pub fn inherit_secrets(
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

/// What the parent's standing permissions still are.
pub fn inherited_settings(parent: &Session, now: Timestamp) -> Settings {
    let mut settings = parent.settings;
    if settings
        .skip_permissions_until
        .is_some_and(|until| until <= now)
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
    now: Timestamp,
) -> Result<Settings, RpcError> {
    let skip = skip.unwrap_or(false);
    Ok(Settings {
        auto_accept_edits: accept.unwrap_or(false),
        skip_permissions: skip,
        skip_permissions_until: if skip {
            expiry("dangerously_skip_permissions_timeout", timeout_ms, now)?
        } else {
            None
        },
    })
}

/// When a permission that lasts so long ends, by the clock of `now`; none and zero mean that it does not.
pub fn expiry(
    field: &str,
    timeout_ms: Option<i64>,
    now: Timestamp,
) -> Result<Option<Timestamp>, RpcError> {
    let Some(timeout) = timeout_ms.filter(|ms| *ms != 0) else {
        return Ok(None);
    };
    if timeout < 0 {
        return Err(RpcError::invalid(field, "must not be negative"));
    }
    now.checked_add(SignedDuration::from_millis(timeout))
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

#[cfg(test)]
#[path = "launch_config_tests.rs"]
mod tests;
