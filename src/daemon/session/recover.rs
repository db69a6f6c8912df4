//! Starting again: finding what earlier daemons left running.
//!
//! Runs before anything is served. Every runner is noted first, so that no agent is ever taken for
//! a person; then each session that is not over gets a supervisor, which reads on from the offset
//! that the store has.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Context, launch, remains};
use crate::daemon::store::StoreError;
use crate::domain::session::Process;
use crate::domain::{Session, SessionId};
use crate::platform::ProcessId;
use crate::runner::{self, RunnerState, SessionDir};

/// How often it is asked whether a runner that has nothing left to do is gone, and for how long: much
/// longer than it takes to tell everybody of its session's end.
const STRAY_POLL: (Duration, u32) = (Duration::from_millis(100), 600);

/// Notes the runners of all sessions in progress and returns those sessions.
pub async fn find(ctx: &Context) -> Result<Vec<Session>, StoreError> {
    let sessions = ctx.store.sessions_in_progress().await?;
    for session in &sessions {
        note_runner(ctx, session);
        let dir = ctx.session_dir(&session.id);
        if session.process == Process::Launching
            && may_launch(&dir)
            && let Err(error) = launch::start_runner(ctx, &session.id)
        {
            tracing::error!(session = %session.id, %error, "cannot launch a session that was accepted");
        }
    }
    remove_strays(ctx, &sessions);
    Ok(sessions)
}

fn note_runner(ctx: &Context, session: &Session) {
    let state = match RunnerState::read(&ctx.session_dir(&session.id)) {
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
        ctx.runners
            .insert(ProcessId { pid, start_time }, session.id.clone());
    }
}

/// Whether a session was accepted but its agent never started.
fn may_launch(dir: &SessionDir) -> bool {
    let started = dir.state().exists() || dir.exit().exists();
    !started && dir.spec().exists() && !runner::is_alive(dir).unwrap_or(true)
}

/// Removes directories of sessions that are over or were never recorded.
fn remove_strays(ctx: &Context, sessions: &[Session]) {
    let kept: BTreeSet<&SessionId> = sessions.iter().map(|session| &session.id).collect();
    let Ok(entries) = std::fs::read_dir(&ctx.sessions_dir) else {
        return;
    };
    for entry in entries.flatten() {
        let id = SessionId::from(entry.file_name().to_string_lossy().into_owned());
        let dir = ctx.session_dir(&id);
        if kept.contains(&id) {
            continue;
        }
        if runner::is_alive(&dir).unwrap_or(true) {
            tokio::spawn(remove_when_free(id, dir));
        } else {
            remove_stray(&id, &dir);
        }
    }
}

fn remove_stray(id: &SessionId, dir: &SessionDir) {
    tracing::info!(session = %id, "removing the directory of a session that is over");
    remains::remove(dir);
}

/// A daemon can die, and the next one start, in the moment in which a runner still tells of its end.
async fn remove_when_free(id: SessionId, dir: SessionDir) {
    let (pause, tries) = STRAY_POLL;
    for _ in 0..tries {
        tokio::time::sleep(pause).await;
        if !runner::is_alive(&dir).unwrap_or(true) {
            return remove_stray(&id, &dir);
        }
    }
    tracing::warn!(session = %id, dir = %dir.path().display(), "a runner of a session that is over lives on; its directory stays until the daemon's next start");
}
