//! Resuming: a message to a session whose process has ended starts its next one.
//!
//! In the order of a launch (spec, record, runner), so that a daemon that dies in between leaves
//! either nothing or a process that the next one starts. What is missing for it (its directory, the
//! agent's program) is waited for: the message is kept, and the session says what it waits for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::agent_record;
use super::launch::{self, LaunchError, ProcessSpec};
use super::manager::Sessions;
use super::projects::{self, Verdict};
use super::{Context, remains};
use crate::claude::args::Beginning;
use crate::claude::control;
use crate::daemon::blocking::blocking;
use crate::daemon::directories;
use crate::daemon::secrets::{self, LaunchSecrets, Needs, Requester};
use crate::daemon::store::{
    Accepted, NEVER_BEGAN, NewProcess, NewWireId, Store, StoreError, Waiting,
};
use crate::domain::project::{self, Project};
use crate::domain::session::{Process, mode_asks};
use crate::domain::{LaunchConfig, OutgoingLine, Session};
use crate::platform;
use crate::runner::SessionDir;

/// A message of the user to a session, whether it has a process or not.
#[derive(Clone, Debug)]
pub struct Message {
    /// The session.
    pub session_key: i64,
    /// The message as it was typed.
    pub text: String,
    /// The same as it is sent.
    pub line: OutgoingLine,
    /// The environment of the person who sends it.
    pub env: Option<BTreeMap<String, String>>,
    /// How the next process is launched, where that changes.
    pub launch: Option<(LaunchConfig, LaunchSecrets)>,
    /// A further id to be given out with it.
    pub wire_id: Option<NewWireId>,
}

impl Sessions {
    /// Sends a message: to the session's process, or to the next one, which is started then. Two at a
    /// time start one process.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub async fn message(&self, message: Message) -> Result<Accepted, LaunchError> {
        let store = &self.context().store;
        let session = store.session_by_key(message.session_key).await?;
        let _lane = self.lane(&session.id).await;
        loop {
            let session = store.session_by_key(message.session_key).await?;
            store.must_be_ours(&session)?;
            if session.process.is_ours_and_alive() {
                let (text, line) = (message.text.clone(), message.line.clone());
                let wire_id = message.wire_id.clone();
                match store.send_message(session.key, text, line, wire_id).await {
                    Err(StoreError::Conflict { .. }) => continue,
                    sent => return Ok(sent?),
                }
            }
            if let Some(accepted) = self.resume(&session, Some(&message)).await? {
                return Ok(accepted);
            }
        }
    }

    /// Starts the next process of each session that waited for something that is there now.
    pub async fn resume_waiting(&self) {
        let waiting = match self.context().store.sessions_waiting().await {
            Ok(waiting) => waiting,
            Err(error) => return tracing::warn!(%error, "cannot list the sessions that wait"),
        };
        for session in waiting {
            let _lane = self.lane(&session.id).await;
            // It may have been resumed, or told to wait for something else, in the meantime.
            let session = match self.context().store.session_by_key(session.key).await {
                Ok(session) if waits(&session) => session,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(session = %session.id, %error, "cannot read a session that waits");
                    continue;
                }
            };
            match self.resume(&session, None).await {
                Ok(_) => {}
                // It can never be: that is said once, and not tried again and again.
                Err(LaunchError::Store(StoreError::Conflict { problem, .. })) => {
                    let store = &self.context().store;
                    if let Err(error) = store.give_up_resuming(session.key, problem).await {
                        tracing::warn!(session = %session.id, %error, "cannot note that a session will not be resumed");
                    }
                }
                Err(error) => {
                    tracing::warn!(session = %session.id, %error, "cannot resume a session that waits");
                }
            }
        }
    }

    /// Starts a session's next process; none when it has one meanwhile. To be called in the session's
    /// lane.
    async fn resume(
        &self,
        session: &Session,
        message: Option<&Message>,
    ) -> Result<Option<Accepted>, LaunchError> {
        let ctx = self.context();
        let wire_id = message.and_then(|message| message.wire_id.clone());
        let beginning = beginning(ctx, session).await?;
        let Launch {
            config,
            permission_mode,
            secrets,
            notice,
            program,
            repository,
        } = match prerequisites(ctx, session, message).await? {
            Ok(launch) => launch,
            Err(Missing {
                what,
                question: None,
            }) if wire_id.is_some() => return Err(LaunchError::Missing(what)),
            Err(missing) => {
                let waiting = Waiting {
                    session_key: session.key,
                    session_id: session.id.clone(),
                    waiting_for: missing.what,
                    question: missing.question,
                    message: message.map(|message| (message.text.clone(), message.line.clone())),
                    wire_id,
                    launch: message.and_then(|message| message.launch.clone()),
                };
                return match ctx.store.keep_waiting(waiting).await {
                    Ok(accepted) => Ok(Some(accepted)),
                    Err(StoreError::Conflict { .. }) if is_live(ctx, session).await? => Ok(None),
                    Err(error) => Err(error.into()),
                };
            }
        };
        let directory = Uuid::new_v4().to_string();
        let dir = SessionDir::new(ctx.sessions_dir.join(&directory));
        let lineage = ctx.store.lineage(session.id.as_str()).await?.0;
        let (newest, newest_run) = lineage.names(lineage.len() - 1);
        let spec = ProcessSpec {
            session: &session.id,
            session_id: wire_id.as_ref().map_or(newest, |wire| &wire.id),
            run_id: wire_id.as_ref().map_or(newest_run, |wire| &wire.run_id),
            config: &LaunchConfig {
                permission_mode,
                ..config.clone()
            },
            beginning: &beginning,
            secrets: &secrets,
            working_dir: Path::new(&session.working_dir),
            program: &program,
        };
        if let Err(error) = launch::prepare(ctx, &dir, &spec).await {
            remains::remove(&dir).await;
            return Err(error);
        }
        crate::failpoint::hit("resume.prepared");
        let new = NewProcess {
            session_key: session.key,
            session_id: session.id.clone(),
            secrets,
            note: notice,
            lines: vec![control::initialize(&directory)],
            directory,
            config,
            repository,
            message: message.map(|message| (message.text.clone(), message.line.clone())),
            wire_id,
        };
        match ctx.store.resume(new).await {
            Ok(Some(accepted)) => {
                crate::failpoint::hit("resume.recorded");
                let session = &accepted.session;
                let started = launch::start_runner(ctx, &session.id, &session.directory).await;
                self.supervise(session.clone());
                // What was asked for is on record all the same; the session says that its process did not start.
                if let Err(error) = started {
                    tracing::error!(session = %session.id, %error, "cannot start a runner");
                }
                Ok(Some(accepted))
            }
            Ok(None) => {
                remains::remove(&dir).await;
                Ok(None)
            }
            Err(error) => {
                remains::remove(&dir).await;
                Err(error.into())
            }
        }
    }
}

/// Whether a session has no process and waits for what its next one needs.
fn waits(session: &Session) -> bool {
    session.process == Process::Gone && session.waiting_for.is_some()
}

async fn is_live(ctx: &Context, session: &Session) -> Result<bool, StoreError> {
    let session = ctx.store.session_by_key(session.key).await?;
    Ok(session.process.is_ours_and_alive())
}

fn conflict(session: &Session, problem: &str) -> LaunchError {
    LaunchError::Store(StoreError::Conflict {
        id: session.id.clone(),
        problem: problem.to_owned(),
    })
}

/// How the agent's conversation begins in the next process.
async fn beginning(ctx: &Context, session: &Session) -> Result<Beginning, LaunchError> {
    let Some(claude_session_id) = session.claude_session_id.clone() else {
        // A fork that a person was to be asked about first has no name of its own yet.
        let is_held = session.waiting_for.as_deref() == Some(project::WAITING_FOR);
        let source = match &session.forked_from {
            Some(source) if is_held => ctx.store.session(source.as_str()).await.ok(),
            Some(_) | None => None,
        };
        return match source.and_then(|source| source.claude_session_id) {
            Some(claude_session_id) => Ok(Beginning::Resume {
                claude_session_id,
                fork: true,
            }),
            None => Err(conflict(session, NEVER_BEGAN)),
        };
    };
    let nothing_there = match session.model_id {
        None => true,
        Some(_) => agent_record::never_began(&ctx.store, session)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(session = %session.id, %error, "cannot look for the agent's record of the conversation");
                false
            }),
    };
    Ok(if nothing_there {
        // Its agent failed at startup, or before it had written anything down: there is nothing to resume yet.
        Beginning::New(claude_session_id)
    } else {
        Beginning::Resume {
            claude_session_id,
            fork: false,
        }
    })
}

/// A configuration in the permission mode in which the session was when its process ended: an approved
/// plan stays approved. What the agent's output says of a mode is a claim, as any of its programs can write
/// there: one that does not ask is taken over only if a person gave it, at the launch or with an approval.
///
/// # Errors
/// When the database cannot be read.
pub async fn in_present_mode(
    store: &Store,
    config: LaunchConfig,
    session: &Session,
) -> Result<LaunchConfig, StoreError> {
    let Some(mode) = session.permission_mode.clone() else {
        return Ok(config);
    };
    let is_given = mode_asks(Some(&mode))
        || config.permission_mode.as_ref() == Some(&mode)
        || store.has_granted_mode(session.key, mode.clone()).await?;
    Ok(if is_given {
        LaunchConfig {
            permission_mode: Some(mode),
            ..config
        }
    } else {
        config
    })
}

/// How a session's next process is launched.
struct Launch {
    config: LaunchConfig,
    /// The mode that the process begins in; the configuration has the one of the session's launch.
    permission_mode: Option<String>,
    secrets: LaunchSecrets,
    /// What the session says about it.
    notice: Option<String>,
    program: PathBuf,
    /// The repository that it works in, where it was looked at.
    repository: Option<String>,
}

/// What a session's next process waits for.
struct Missing {
    what: String,
    /// What of the project a person is to be asked about.
    question: Option<Box<Project>>,
}

impl From<String> for Missing {
    fn from(what: String) -> Self {
        Self {
            what,
            question: None,
        }
    }
}

/// What a session that was adopted waits for.
const UNCONFIRMED: &str = "you to confirm it, because it was adopted from a directory that an agent can write; look at it, then acknowledge its alarm: `humanlayer alarms`";

/// How a session's next process is launched; else what is missing for that.
async fn prerequisites(
    ctx: &Context,
    session: &Session,
    message: Option<&Message>,
) -> Result<Result<Launch, Missing>, StoreError> {
    if ctx.store.is_unconfirmed(session.id.clone()).await? {
        return Ok(Err(UNCONFIRMED.to_owned().into()));
    }
    if let Some(problem) = directories::problem(&session.working_dir).await {
        return Ok(Err(problem.into()));
    }
    let environment = message.and_then(|message| message.env.as_ref());
    let (config, secrets, notice) = match message.and_then(|message| message.launch.clone()) {
        Some((config, mut secrets)) => {
            let env = secrets.env.take();
            secrets.env = env.or_else(|| Some(environment.cloned().unwrap_or_else(own_env)));
            (config, secrets, None)
        }
        None => {
            let needs = Needs {
                mcp_config: session.config.mcp_config.is_some(),
                proxy: session.config.proxy.is_some(),
            };
            let requester = match message {
                Some(_) => Requester::Person(environment),
                None => Requester::Agent,
            };
            let stored = ctx.store.launch_secrets(session).await?;
            match secrets::resume(stored, needs, requester, false) {
                Ok(resumed) => (session.config.clone(), resumed.secrets, resumed.notice),
                Err(problem) => {
                    let problem = problem.to_string();
                    return Ok(Err(problem.trim_end_matches('.').to_owned().into()));
                }
            }
        }
    };
    let in_force = in_present_mode(&ctx.store, config.clone(), session).await?;
    if !in_force.asks() && ctx.store.look_for_foreign_writer().await? {
        return Ok(Err(format!(
            "another program has written to the database, and this session would run tools without asking; look at what is in force and acknowledge the alarm: `humanlayer alarms` (mode: {})",
            in_force.permission_mode.as_deref().unwrap_or("default")
        )
        .into()));
    }
    let program = match find_program(ctx, secrets.env.as_ref()).await {
        Ok(program) => program,
        Err(problem) => return Ok(Err(format!("Claude Code is missing ({problem})").into())),
    };
    let directory = Path::new(&session.working_dir);
    let looked = projects::look(ctx, &config, directory, secrets.env.as_ref(), false).await?;
    let looked = match looked {
        Ok(looked) => looked,
        Err(silent) => return Ok(Err(silent.to_string().into())),
    };
    let config = looked.apply(config);
    Ok(match looked.verdict {
        Verdict::Use | Verdict::Without => Ok(Launch {
            config,
            permission_mode: in_force.permission_mode,
            secrets,
            notice,
            program,
            repository: looked.repository,
        }),
        Verdict::Ask(project) => Err(Missing {
            what: project::WAITING_FOR.to_owned(),
            question: Some(project),
        }),
    })
}

/// The agent's program: as configured, else `claude` on the given PATH, else on the daemon's.
///
/// # Errors
/// Why there is none.
pub async fn find_program(
    ctx: &Context,
    env: Option<&BTreeMap<String, String>>,
) -> Result<PathBuf, String> {
    let configured = ctx.claude_path.clone();
    let caller = env.and_then(|env| env.get("PATH")).cloned();
    blocking(move || match configured {
        Some(path) if platform::is_executable(&path) => Ok(path),
        Some(path) => Err(format!("{} is not an executable file", path.display())),
        None => on_path(caller).ok_or_else(|| "`claude` is not on the PATH".to_owned()),
    })
    .await
}

/// `claude` on the caller's PATH, else on the daemon's.
fn on_path(caller: Option<String>) -> Option<PathBuf> {
    let paths = [caller, std::env::var("PATH").ok()];
    paths
        .iter()
        .flatten()
        .find_map(|path| platform::on_path(path.as_ref(), "claude"))
}

/// The daemon's own environment.
#[must_use]
pub fn own_env() -> BTreeMap<String, String> {
    // Names and values that are not UTF-8 cannot be written into the spec and are not handed on.
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
