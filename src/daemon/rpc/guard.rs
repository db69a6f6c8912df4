//! Who may decide, and who may act on a session: a person's programs, never an agent.
//!
//! Deciding is more than answering a question: whoever loosens a session's permissions, or starts
//! an agent with loose ones, decides in advance; and whoever writes to another session speaks there as
//! its user. Agents may look, ask, and start agents that ask. Who calls is looked at anew each time.

use std::path::{Path, PathBuf};

use super::error::RpcError;
use super::{Call, not_seen};
use crate::daemon::blocking::blocking;
use crate::daemon::callers::remedy;
use crate::daemon::store::StoreError;
use crate::domain::approval::DecidedBy;
use crate::domain::session::{Process, Settings};
use crate::domain::{LaunchConfig, Origin, Session};
use crate::platform::ProcessId;
use crate::protocol::error::ErrorKind;

impl Call {
    /// Who calls, looked at now.
    pub fn origin_now(&self) -> Origin {
        self.caller
            .as_ref()
            .map_or_else(not_seen, |caller| caller.now())
    }

    /// The calling process, if it is still there.
    pub fn caller_pid(&self) -> Option<u32> {
        self.caller.as_ref().and_then(|caller| caller.pid())
    }

    /// Its process, told apart from any other that gets its number.
    pub fn caller_process(&self) -> Option<ProcessId> {
        self.caller.as_ref().and_then(|caller| caller.process())
    }

    /// The name of its program.
    pub fn caller_program(&self) -> Option<String> {
        crate::platform::process_name(self.caller_pid()?)
    }

    /// Whether the caller is, or is below, a program that has asked.
    pub fn has_asked(&self) -> bool {
        self.caller
            .as_ref()
            .is_some_and(|caller| caller.has_asked())
    }

    /// Notes that the caller asks, before what it asks can be seen by anybody.
    pub async fn note_asking(&self, over_mcp: bool) -> Result<(), RpcError> {
        let Some(caller) = &self.caller else {
            return Ok(());
        };
        let new = caller.asks(over_mcp);
        if !new.is_empty() {
            let boot = caller.callers().boot().to_owned();
            self.daemon.store.note_asking(boot, new).await?;
        }
        Ok(())
    }

    /// Lets only a person's program pass; gives the person.
    pub fn must_be_a_person(&self, what: &str) -> Result<DecidedBy, RpcError> {
        let origin = self.origin_now();
        match DecidedBy::from_origin(&origin) {
            Some(person) => Ok(person),
            None => Err(refused(&origin, what)),
        }
    }

    /// Lets a person's program act on a session, and an agent on its own.
    pub async fn may_act_on(&self, id: &str, what: &str) -> Result<(), RpcError> {
        let origin = self.origin_now();
        // Who may act on all need not wait for the one to be found.
        if origin.may_decide() {
            return Ok(());
        }
        let session = self.daemon.store.session(id).await?;
        match &origin {
            Origin::Agent { session_id, .. } if *session_id == session.id => Ok(()),
            _ => Err(refused(&origin, what)),
        }
    }

    /// Checks that a caller asks in its own name: no agent asks under the run of a session that is not
    /// its own.
    pub async fn may_ask_for(&self, run_id: &str) -> Result<(), RpcError> {
        let session = match self.daemon.store.session(run_id).await {
            Ok(session) => session,
            // A run of nobody's yet.
            Err(StoreError::NotFound { .. } | StoreError::Ambiguous { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match &self.origin {
            _ if session.process == Process::External => Ok(()),
            Origin::Agent { session_id, .. } if *session_id == session.id => Ok(()),
            _ => self
                .must_be_a_person("ask in the name of another session")
                .map(drop),
        }
    }

    /// Notes which agent launches, and holds it to the number of sessions that it may have running. The guard is kept
    /// until the session is on record.
    pub async fn count_launch(
        &self,
        origin: &Origin,
        config: LaunchConfig,
    ) -> Result<(LaunchConfig, Option<tokio::sync::MutexGuard<'_, ()>>), RpcError> {
        if origin.may_decide() {
            return Ok((config, None));
        }
        let store = &self.daemon.store;
        let by = match origin {
            Origin::Agent { session_id, .. } => {
                let session = store.session(session_id.as_str()).await?;
                session.config.launched_by.unwrap_or(session.id.to_string())
            }
            // All others together: one that has left its session behind is none of them by itself.
            Origin::OtherAgent { .. } | Origin::Unverified { .. } | Origin::Person { .. } => {
                String::new()
            }
        };
        let counted = self.daemon.agent_launches.lock().await;
        let running = store.sessions_in_progress().await?;
        let running = running
            .iter()
            .filter(|session| session.config.launched_by.as_deref() == Some(by.as_str()))
            .count();
        let most = usize::from(self.daemon.most_agent_launches);
        if running >= most {
            tracing::warn!(?origin, running, most, "refused a launch");
            let who = match origin {
                Origin::Agent { .. } => "an agent",
                _ => "a caller that is not proven to be a person's",
            };
            let problem = format!(
                "{who} may have {most} sessions running that it launched, and {running} are"
            );
            return Err(RpcError::new(ErrorKind::Forbidden, problem).hint(
                "end one of them, or have a person launch it; the setting `agent_launches` is how many",
            ));
        }
        let config = LaunchConfig {
            launched_by: Some(by),
            ..config
        };
        Ok((config, Some(counted)))
    }

    /// Keeps what an agent launches in the directories of its own session, where it may read already without being asked
    /// about, and as isolated as itself. Another agent cannot launch less than what launches are by default. The
    /// directories of an isolated session, and of one that no person launches, are given resolved: who can write around
    /// them could lead them elsewhere later.
    pub async fn keep_inside(
        &self,
        origin: &Origin,
        mut config: LaunchConfig,
        working_dir: PathBuf,
    ) -> Result<(LaunchConfig, PathBuf), RpcError> {
        let of = match origin {
            Origin::Agent { session_id, .. } => {
                Some(self.daemon.store.session(session_id.as_str()).await?)
            }
            _ => None,
        };
        let is_persons = origin.may_decide();
        if !is_persons {
            let is_isolated = of.as_ref().is_some_and(|of| of.config.isolated);
            config.isolated |= is_isolated || self.daemon.sessions.context().isolation;
        }
        if is_persons && !config.isolated {
            return Ok((config, working_dir));
        }
        let given: Vec<PathBuf> = std::iter::once(working_dir)
            .chain(config.additional_directories.iter().map(PathBuf::from))
            .collect();
        let own: Vec<PathBuf> = of.iter().flat_map(directories_of).collect();
        let looked = blocking(move || {
            let resolve =
                |path: &PathBuf| std::fs::canonicalize(path).map_err(|error| (path.clone(), error));
            let given = given.iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
            let home = std::env::home_dir().and_then(|home| std::fs::canonicalize(home).ok());
            Ok((given, home))
        });
        let (directories, home) =
            looked
                .await
                .map_err(|(path, error): (PathBuf, std::io::Error)| {
                    RpcError::invalid("working_dir", format!("{}: {error}", path.display()))
                })?;
        if !is_persons && !are_inside(&directories, of.is_some().then_some(&own), home.as_deref()) {
            return Err(refused(origin, OUTSIDE));
        }
        let mut directories = directories.into_iter();
        let working_dir = directories.next().unwrap_or_default();
        let names = directories.map(|path| path.to_string_lossy().into_owned());
        config.additional_directories = names.collect();
        Ok((config, working_dir))
    }
}

/// What an agent may not, because whatever is in an agent's directories it reads without asking.
const OUTSIDE: &str = "launch outside of the directories of its own session";

/// The directories of a session, as they were when a person named them.
fn directories_of(session: &Session) -> Vec<PathBuf> {
    let config = &session.config;
    std::iter::once(&session.working_dir)
        .chain(&config.additional_directories)
        .chain(&config.directories_led_to)
        .map(PathBuf::from)
        .collect()
}

/// Whether directories are within those of a session; of a caller without one, whether they are within one that holds no
/// home and nothing that is hidden in one.
fn are_inside(directories: &[PathBuf], own: Option<&Vec<PathBuf>>, home: Option<&Path>) -> bool {
    let within = |roots: &[PathBuf]| {
        directories
            .iter()
            .all(|directory| roots.iter().any(|root| directory.starts_with(root)))
    };
    let Some(own) = own else {
        let (Some(first), Some(home)) = (directories.first(), home) else {
            return false;
        };
        let is_hidden = first.strip_prefix(home).is_ok_and(|inside| {
            let mut parts = inside.iter().map(|part| part.as_encoded_bytes());
            parts.next().is_none_or(|part| part.starts_with(b"."))
        });
        return !home.starts_with(first) && !is_hidden && within(std::slice::from_ref(first));
    };
    within(own)
}

/// Where directories lead, as far as that is elsewhere. It is noted when a person names them: who can write around them
/// could lead them elsewhere later. What is not there leads nowhere.
pub async fn leading_elsewhere(directories: Vec<PathBuf>) -> Vec<String> {
    let look = move || {
        let resolved = directories.iter().filter_map(|directory| {
            let place = std::fs::canonicalize(directory).ok()?;
            (place != *directory).then(|| place.to_string_lossy().into_owned())
        });
        resolved.collect()
    };
    blocking(look).await
}

/// Lets an agent start only what asks a person, with the standing permissions that it is to have and
/// whatever the project's settings say; gives how.
pub fn may_launch(
    origin: &Origin,
    config: LaunchConfig,
    settings: &Settings,
) -> Result<LaunchConfig, RpcError> {
    if origin.may_decide() {
        return Ok(config);
    }
    let strict = !settings.auto_accept_edits
        && !settings.skip_permissions
        && config.asks()
        && config.mcp_config.is_none()
        && config.permission_prompt_tool.is_none();
    if !strict {
        let what = "start a session that runs tools without asking";
        return Err(refused(origin, what));
    }
    Ok(LaunchConfig {
        by_an_agent: true,
        // Named, so that no setting chooses another.
        permission_mode: Some(
            config
                .permission_mode
                .unwrap_or_else(|| "default".to_owned()),
        ),
        ..config
    })
}

/// Why a method is not served where isolated agents connect.
pub fn not_for_agents(method: &str) -> RpcError {
    tracing::warn!(method, "refused to an isolated agent");
    RpcError::new(
        ErrorKind::Forbidden,
        format!("an isolated agent may not call {method}"),
    )
    .hint("decide in a terminal of your own")
}

fn refused(origin: &Origin, what: &str) -> RpcError {
    tracing::warn!(?origin, what, "refused");
    let (problem, hint) = match origin {
        Origin::Agent { session_id, .. } => (
            format!(
                "an agent may not {what}: this call comes from session {}",
                session_id.short()
            ),
            "decide in a terminal of your own",
        ),
        Origin::OtherAgent { evidence, .. } => (
            format!("an agent may not {what}: {evidence}"),
            "decide in a terminal of your own",
        ),
        Origin::Person { .. } | Origin::Unverified { .. } => {
            let reason = match origin {
                Origin::Unverified { reason } => reason.as_str(),
                _ => "it is not looked at",
            };
            (
                format!(
                    "only a person's program may {what}, and this caller is not proven to be one: {reason}"
                ),
                remedy(reason).unwrap_or("decide in a terminal of your own; a service, a container or a desktop program counts once a person has added it there with `humanlayer places add PID`"),
            )
        }
    };
    RpcError::new(ErrorKind::Forbidden, problem).hint(hint)
}
