//! Launching: from a request to a session directory, a record and a runner.
//!
//! In this order, so that a daemon that dies in between leaves either nothing or a session that the
//! next one launches: the spec file, then the record (with the agent's first lines in the outbox),
//! then the runner, then the record of its key, then the key to the runner. Starting a runner twice is harmless:
//! its lock and its state file see to that.

use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::Context;
use super::agent_info::Asking;
use super::isolation;
use super::projects::{self, Verdict};
use crate::claude::args::{self, Beginning, Known};
use crate::claude::control;
use crate::daemon::blocking::blocking;
use crate::daemon::callers::{AgentTime, Callers};
use crate::daemon::open_files::OpenFiles;
use crate::daemon::secrets::LaunchSecrets;
use crate::daemon::store::{Fork, NewRunner, NewSession, Started, StoreError};
use crate::domain::isolation::MCP_CONFIG;
use crate::domain::session::Settings;
use crate::domain::{LaunchConfig, OutgoingLine, RunId, SessionId};
use crate::platform::{self, ProcessId};
use crate::runner::frame::{MAX_FRAME, Request as Frame};
use crate::runner::identity;
use crate::runner::{self, FileError, SessionDir, Spec};

/// A session that is asked for.
pub struct Request {
    /// Its id.
    pub id: SessionId,
    /// What it is forked off.
    pub fork: Option<Fork>,
    /// How its conversation begins.
    pub beginning: Beginning,
    /// The first message.
    pub query: String,
    /// Its title.
    pub title: String,
    /// Where the agent works.
    pub working_dir: PathBuf,
    /// How it was asked for.
    pub config: LaunchConfig,
    /// Standing permissions.
    pub settings: Settings,
    /// The environment of whoever asks, and the rest that nobody else may read.
    pub secrets: LaunchSecrets,
    /// The agent's program.
    pub program: PathBuf,
    /// Whether a person is asked about the project's files whatever was said about them before.
    pub ask_project: bool,
}

/// What a process is started from.
pub struct ProcessSpec<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// The session's id, for the agent's programs; another one where it was continued under that.
    pub session_id: &'a SessionId,
    /// Its run id, for them.
    pub run_id: &'a RunId,
    /// How it is launched.
    pub config: &'a LaunchConfig,
    /// How its conversation begins.
    pub beginning: &'a Beginning,
    /// Its environment, and the rest that nobody else may read.
    pub secrets: &'a LaunchSecrets,
    /// Where it works.
    pub working_dir: &'a Path,
    /// The agent's program.
    pub program: &'a Path,
}

/// Why a session could not be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The directory or a file in it could not be made.
    #[error("cannot prepare the session directory {path}: {source}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The spec could not be written.
    #[error(transparent)]
    Spec(#[from] FileError),
    /// A line for the agent is too long.
    #[error("the message takes {bytes} bytes on its way to the agent, the limit is {MAX_FRAME}")]
    TooLong {
        /// Its size as a frame.
        bytes: usize,
    },
    /// It is to be isolated and cannot be.
    #[error("cannot isolate the agent: {0}")]
    Isolation(#[from] isolation::Problem),
    /// Isolated agents are not served.
    #[error(
        "cannot isolate the agent: the daemon does not serve isolated agents, its log says why"
    )]
    NotServed,
    /// The project's files do not answer.
    #[error("cannot launch the session: {0}")]
    Silent(#[from] projects::Silent),
    /// Something that it needs is not there.
    #[error("cannot resume the session: {0}")]
    Missing(String),
    /// The agent's record of the conversation could not be copied to where the agent looks for it.
    #[error("cannot take the conversation along to {path}: {source}", path = path.display())]
    CarryOver {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Too many files are open.
    #[error(
        "cannot start another process: the daemon has {} of at most {} files open, and the rest is kept for clients",
        .0.used,
        .0.limit
    )]
    OpenFiles(OpenFiles),
    /// The record could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runner could not be started.
    #[error("cannot start {program}: {source}", program = program.display())]
    Runner {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// How long to wait after a runner could not be recorded.
const RETRY: Duration = Duration::from_millis(500);

/// Checks that a line fits a frame.
///
/// # Errors
/// [`LaunchError::TooLong`].
pub fn check_line(line: &OutgoingLine) -> Result<(), LaunchError> {
    // Only a line near the limit is worth encoding to find out; escaping at most sextuples it.
    if line.line.len() < MAX_FRAME / 6 - 1024 {
        return Ok(());
    }
    let bytes = Frame::Stdin {
        id: line.frame_id.clone(),
        line: line.line.clone(),
    }
    .encode()
    .len();
    if bytes > MAX_FRAME {
        Err(LaunchError::TooLong { bytes })
    } else {
        Ok(())
    }
}

/// Prepares and records a session, or finds it when its id is known. What was prepared is removed
/// again when it cannot be recorded. Not to be called for one id twice at a time.
pub async fn create(ctx: &Context, request: Request) -> Result<Started, LaunchError> {
    let run_id = RunId::random();
    let mut lines = vec![control::initialize(request.id.as_str())];
    let message = control::user_message(&request.query);
    check_line(&message)?;
    match ctx.store.session(request.id.as_str()).await {
        // The same request again, after its answer was lost. Its directory is in use, or gone for
        // good: nothing may be written there.
        Ok(session) => return Ok(Started::Existing(session)),
        Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let env = request.secrets.env.as_ref();
    let (directory, ask_again) = (&request.working_dir, request.ask_project);
    let looked = projects::look(ctx, &request.config, directory, env, ask_again).await??;
    let config = looked.apply(request.config);
    let question = match looked.verdict {
        Verdict::Use | Verdict::Without => None,
        Verdict::Ask(project) => Some(project),
    };
    let dir = SessionDir::new(ctx.sessions_dir.join(request.id.as_str()));
    let spec = ProcessSpec {
        session: &request.id,
        session_id: &request.id,
        run_id: &run_id,
        config: &config,
        beginning: &request.beginning,
        secrets: &request.secrets,
        working_dir: &request.working_dir,
        program: &request.program,
    };
    if question.is_some() {
        // Its first process opens the protocol.
        lines.remove(0);
    } else if let Err(error) = prepare(ctx, &dir, &spec).await {
        super::remains::remove(&dir).await;
        return Err(error);
    }
    let claude_session_id = match &request.beginning {
        Beginning::New(name) => Some(name.clone()),
        Beginning::Resume {
            claude_session_id,
            fork: false,
        } => Some(claude_session_id.clone()),
        Beginning::Resume { fork: true, .. } => None,
    };
    crate::failpoint::hit("launch.prepared");
    let new = NewSession {
        id: request.id,
        run_id,
        fork: request.fork,
        claude_session_id,
        query: request.query,
        title: request.title,
        working_dir: request.working_dir.to_string_lossy().into_owned(),
        config,
        secrets: request.secrets,
        settings: request.settings,
        lines,
        message,
        repository: looked.repository,
        question,
    };
    match ctx.store.create_session(new).await {
        Ok(started) => {
            crate::failpoint::hit("launch.recorded");
            Ok(started)
        }
        Err(error) => {
            super::remains::remove(&dir).await;
            Err(error.into())
        }
    }
}

/// Makes a process's directory and writes what its runner reads.
///
/// # Errors
/// [`LaunchError`]; what was made of it is left.
pub async fn prepare(
    ctx: &Context,
    dir: &SessionDir,
    process: &ProcessSpec<'_>,
) -> Result<(), LaunchError> {
    ctx.starts.one_more().map_err(LaunchError::OpenFiles)?;
    let (session_id, run_id) = (process.session_id, process.run_id);
    let isolated = match (&ctx.isolated, process.config.isolated) {
        (_, false) => None,
        (Some(isolated), true) => Some(isolated.clone()),
        (None, true) => return Err(LaunchError::NotServed),
    };
    let socket = match &isolated {
        Some(isolated) => isolated.socket_inside().to_string_lossy().into_owned(),
        None => ctx.socket.clone(),
    };
    let mcp_path = dir.path().join("mcp.json");
    let mcp_config = process
        .secrets
        .mcp_config
        .as_ref()
        .map(|config| args::mcp_config(config, session_id, run_id, &socket));
    let mcp_arg = mcp_config.as_ref().map(|_| match &isolated {
        Some(_) => MCP_CONFIG.into(),
        None => mcp_path.to_string_lossy(),
    });
    let env = process.secrets.env.clone().unwrap_or_default();
    let proxy = process.secrets.proxy.as_ref();
    let env = args::environment(env, proxy, session_id, run_id, &socket);
    let mut spec = Spec {
        format: runner::FORMAT,
        session_id: session_id.to_string(),
        program: PathBuf::new(),
        args: Vec::new(),
        env,
        cwd: process.working_dir.to_owned(),
        grace_ms: None,
        daemon_lock: ctx.lock.clone(),
        isolation: None,
        umask: Some(platform::user_umask()),
    };
    let path = spec.env.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, path)| path.clone());
    let (session, config) = (process.session.clone(), process.config.clone());
    let (place, program) = (dir.clone(), process.program.to_owned());
    let (mut spec, asking) = blocking(move || {
        let failed = |source| LaunchError::Directory {
            path: place.path().to_owned(),
            source,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(place.path())
            .map_err(failed)?;
        if let Some(config) = &mcp_config {
            write_private(&place.path().join("mcp.json"), config).map_err(failed)?;
        }
        let mut asking = Asking {
            program,
            path,
            isolated: None,
        };
        if let Some(isolated) = isolated {
            let mcp = mcp_config.is_some().then(|| place.path().join("mcp.json"));
            let env = std::mem::take(&mut spec.env);
            let isolated =
                isolated.isolate(&session, &spec.cwd, &config, env, mcp, &asking.program)?;
            let how = isolated.asking();
            spec.env = isolated.env;
            spec.isolation = Some(isolated.isolation);
            asking.isolated = Some(Box::new(how));
        }
        Ok::<_, LaunchError>((spec, asking))
    })
    .await?;
    let known = Known {
        hook_events: ctx.agents.tells_hooks(ctx, &asking).await,
    };
    let arguments = args::arguments(process.config, process.beginning, mcp_arg.as_deref(), known);
    spec.program = asking.program;
    spec.args = arguments;
    let dir = dir.clone();
    blocking(move || spec.write(&dir)).await?;
    Ok(())
}

fn write_private(path: &Path, value: &Value) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(value.to_string().as_bytes())
}

/// Starts the runner of a prepared process and puts it on record with its key, before it can start the
/// agent's first program: it waits for the key's other half. What becomes of a daemon meanwhile, a runner
/// that has none starts nothing.
///
/// # Errors
/// [`LaunchError::Runner`], [`LaunchError::Store`].
pub async fn start_runner(
    ctx: &Context,
    session: &SessionId,
    directory: &str,
) -> Result<(), LaunchError> {
    let failed = |source| LaunchError::Runner {
        program: PathBuf::from("humanlayer"),
        source,
    };
    let (secret, key) = identity::new_key_pair().map_err(failed)?;
    let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;
    let stdin = Stdio::from(OwnedFd::from(theirs));
    start_runner_with(ctx, session, directory, stdin).await?;
    let Some(process) = ctx.callers.runner_process(directory) else {
        // It is gone already, or there is nothing by which to know it again.
        return Ok(());
    };
    let runner = NewRunner {
        key,
        directory: directory.to_owned(),
        session_id: session.to_string(),
        boot: ctx.callers.boot().to_owned(),
        process,
    };
    let (store, callers) = (ctx.store.clone(), Arc::clone(&ctx.callers));
    let (first_try, tried) = oneshot::channel::<()>();
    // Its session is on record. So this is done, whatever becomes of who asked for it and however long the database
    // cannot be written; the runner waits meanwhile.
    tokio::spawn(async move {
        let mut first_try = Some(first_try);
        while let Err(error) = store.add_runner(runner.clone()).await {
            tracing::warn!(session = %runner.session_id, %error, "cannot record a runner yet; trying again");
            drop(first_try.take());
            tokio::time::sleep(RETRY).await;
            if callers.runner_process(&runner.directory) != Some(process) {
                return;
            }
        }
        // One that has ended meanwhile shows that in its own ways.
        let _ = ours.write_all(secret.as_bytes());
    });
    // Answered by its end.
    let _ = tried.await;
    Ok(())
}

/// Starts a runner with such a standard input and notes which process it is. Returns its process id.
///
/// # Errors
/// [`LaunchError::Runner`].
pub async fn start_runner_with(
    ctx: &Context,
    session: &SessionId,
    directory: &str,
    stdin: Stdio,
) -> Result<Option<u32>, LaunchError> {
    let dir = SessionDir::new(ctx.sessions_dir.join(directory));
    let callers = Arc::clone(&ctx.callers);
    let (session, directory) = (session.clone(), directory.to_owned());
    let of = directory.clone();
    let started = blocking(move || spawn_runner(&dir, &callers, &session, &of, stdin)).await?;
    if let Some(runner) = ctx.callers.runner_process(&directory) {
        let time = AgentTime {
            started: runner.start_time,
            ended: None,
        };
        let boot = ctx.callers.boot().to_owned();
        let store = ctx.store.clone();
        // Nobody waits for it: while this daemon lives it knows.
        tokio::spawn(async move { store.note_agent_time(boot, directory, time).await });
    }
    Ok(started)
}

fn spawn_runner(
    dir: &SessionDir,
    callers: &Arc<Callers>,
    session: &SessionId,
    directory: &str,
    stdin: Stdio,
) -> Result<Option<u32>, LaunchError> {
    // The daemon's own file, also after an upgrade: what it writes is for a runner of its age.
    let program = platform::running_program().map_err(|source| LaunchError::Runner {
        program: PathBuf::from("humanlayer"),
        source,
    })?;
    let failed = |source| LaunchError::Runner {
        program: program.clone(),
        source,
    };
    let mut child = tokio::process::Command::new(&program)
        .arg0("humanlayer")
        .arg(runner::SUBCOMMAND)
        .arg(dir.path())
        .env_clear()
        .current_dir("/")
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(false)
        .spawn()
        .map_err(failed)?;
    crate::failpoint::hit("launch.spawned");
    let runner = child.id();
    if let Some(pid) = runner
        && let Some(start_time) = platform::process_start_time(pid)
    {
        callers.runner_started(ProcessId { pid, start_time }, session, directory, true);
    }
    // So that it does not stay as a zombie while this daemon lives, and that it is known how it ended.
    let (callers, directory) = (Arc::clone(callers), directory.to_owned());
    tokio::spawn(async move {
        let ended = child.wait().await;
        let killed = ended.is_ok_and(|status| status.signal().is_some());
        callers.runner_was_collected(&directory, killed);
    });
    Ok(runner)
}
