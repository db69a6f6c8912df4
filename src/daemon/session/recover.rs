//! Starting again: finding what earlier daemons left running.
//!
//! Runs before anything is served. Every runner is noted first, so that no agent is ever taken for
//! a person; then each session that is not over gets a supervisor, which reads on from the offset
//! that the store has.

use std::path::Path;
use std::time::Duration;

use super::adopt::{RunnerCommand, Which};
use super::{Context, adopt, launch};
use crate::daemon::blocking::blocking;
use crate::daemon::store::StoreError;
use crate::domain::Session;
use crate::domain::session::Process;
use crate::platform::{self, ProcessId};
use crate::runner::{self, RunnerState, SessionDir};

/// How often it is asked whether a runner that has nothing left to do is gone, and for how long: much
/// longer than it takes to tell everybody of its session's end.
const STRAY_POLL: (Duration, u32) = (Duration::from_millis(100), 600);

/// Notes the runners of all sessions in progress and returns those sessions. `runners` are all that lived when this
/// daemon had taken its locks.
pub async fn find(ctx: &Context, runners: &[RunnerCommand]) -> Result<Vec<Session>, StoreError> {
    let sessions = ctx.store.sessions_in_progress().await?;
    note_runners(ctx, &sessions, runners);
    for session in &sessions {
        if ctx.callers.runner_process(&session.directory).is_none() {
            note_runner(ctx, session).await;
        }
        let dir = ctx.session_dir(session);
        if session.process == Process::Launching
            && may_launch(&dir)
            && let Err(error) = launch::start_runner(ctx, &session.id, &session.directory).await
        {
            tracing::error!(session = %session.id, %error, "cannot launch a session that was accepted");
        }
    }
    let mut supervised = Vec::with_capacity(sessions.len());
    for session in sessions {
        supervised.push(if ctx.store.was_put_back() {
            adopt::note_read_before(ctx, &session).await?
        } else {
            session
        });
    }
    take_in_strays(ctx, &mut supervised, runners).await?;
    Ok(supervised)
}

/// Notes the runners that live, by their command lines: unlike their files, nobody can change those.
fn note_runners(ctx: &Context, sessions: &[Session], runners: &[RunnerCommand]) {
    for (pid, arguments) in runners {
        let pid = *pid;
        let Some(path) = arguments.get(2).map(Path::new) else {
            continue;
        };
        let session = sessions
            .iter()
            .find(|session| ctx.sessions_dir.join(&session.directory) == path);
        let start_time = platform::process_start_time(pid);
        if let (Some(session), Some(start_time)) = (session, start_time) {
            let process = ProcessId { pid, start_time };
            ctx.callers
                .runner_started(process, &session.id, &session.directory, false);
        }
    }
}

/// Notes a runner by what is on record of it, or what it wrote about itself: where its command line is not to
/// be seen.
async fn note_runner(ctx: &Context, session: &Session) {
    let known = ctx.store.runner_of(session.directory.clone()).await;
    if let Ok(known) = known
        && let Some(process) = known.processes.last().copied()
        && known.boot.as_deref() == Some(ctx.callers.boot())
    {
        ctx.callers
            .runner_started(process, &session.id, &session.directory, false);
        return;
    }
    let state = match RunnerState::read(&ctx.session_dir(session)) {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(session = %session.id, %error, "cannot read who runs the session");
            None
        }
    };
    if let Some(RunnerState {
        runner_pid: pid,
        runner_start_time: Some(start_time),
        ..
    }) = state
    {
        ctx.callers.runner_started(
            ProcessId { pid, start_time },
            &session.id,
            &session.directory,
            false,
        );
    }
}

/// Whether a session was accepted but its agent never started.
fn may_launch(dir: &SessionDir) -> bool {
    let started = dir.state().exists() || dir.exit().exists();
    !started && dir.spec().exists() && !runner::is_alive(dir).unwrap_or(true)
}

/// Removes directories of processes that are over, and adopts those that nothing is known of.
async fn take_in_strays(
    ctx: &Context,
    sessions: &mut Vec<Session>,
    runners: &[RunnerCommand],
) -> Result<(), StoreError> {
    let looked = adopt::look(ctx, sessions, Which::All, runners).await?;
    for dir in &looked.over {
        adopt::remove(dir).await;
    }
    for dir in looked.ending {
        tokio::spawn(remove_when_free(dir));
    }
    sessions.extend(looked.adopted);
    ctx.keep(looked.kept);
    Ok(())
}

/// A daemon can die, and the next one start, in the moment in which a runner still tells of its end.
async fn remove_when_free(dir: SessionDir) {
    let (pause, tries) = STRAY_POLL;
    for _ in 0..tries {
        tokio::time::sleep(pause).await;
        let looked_at = dir.clone();
        if !blocking(move || runner::is_alive(&looked_at).unwrap_or(true)).await {
            return adopt::remove(&dir).await;
        }
    }
    tracing::warn!(dir = %dir.path().display(), "the runner of a process that is over lives on; its directory stays until the daemon's next start");
}
