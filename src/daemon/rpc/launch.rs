//! Launching sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Call;
use super::error::RpcError;
use super::guard::{leading_elsewhere, may_launch};
use super::launch_config::{Asked, check_message, new_id, non_empty};
use crate::claude::args::Beginning;
use crate::daemon::secrets::LaunchSecrets;
use crate::daemon::session::{Request, find_program};
use crate::daemon::{clock, directories};
use crate::domain::{LaunchConfig, Origin};
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{
    GetAgentInfoParams, GetAgentInfoResponse, LaunchSessionParams, LaunchSessionResponse,
};

pub async fn launch(
    call: Call,
    mut params: LaunchSessionParams,
) -> Result<LaunchSessionResponse, RpcError> {
    check_message("query", &params.query)?;
    let origin = call.origin_now();
    let isolated = call.daemon.sessions.context().isolation;
    let now = clock::never_back();
    let Asked {
        config,
        secrets,
        settings,
    } = Asked::read(&mut params, origin.may_decide(), isolated, now)?;
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
    let program = program(&call, secrets.env.as_ref()).await?;
    check_mode(&call, &config, &program, &secrets, &working_dir).await?;
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

/// The agent's program.
pub async fn program(
    call: &Call,
    env: Option<&BTreeMap<String, String>>,
) -> Result<PathBuf, RpcError> {
    find_program(call.daemon.sessions.context(), env)
        .await
        .map_err(no_claude)
}

/// Checks that the installed agent has the mode that is asked for.
async fn check_mode(
    call: &Call,
    config: &LaunchConfig,
    program: &Path,
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
    // An agent's path could lead to a program of its own, which would run outside of where it is held.
    let path = params.path.filter(|_| call.origin_now().may_decide());
    let env = path
        .clone()
        .map(|path| BTreeMap::from([("PATH".to_owned(), path)]));
    let program = program(&call, env.as_ref()).await?;
    let modes = call
        .daemon
        .sessions
        .permission_modes(&program, path.as_deref())
        .await;
    Ok(GetAgentInfoResponse {
        program: program.to_string_lossy().into_owned(),
        permission_modes: modes.unwrap_or_default(),
    })
}

fn no_claude(problem: String) -> RpcError {
    RpcError::new(ErrorKind::LaunchFailed, format!("cannot find Claude Code: {problem}")).hint(
        "install it (npm install -g @anthropic-ai/claude-code), or name it with HUMANLAYER_CLAUDE_PATH and restart the daemon; `humanlayer doctor` checks it",
    )
}
