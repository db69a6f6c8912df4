//! Notices runners and agents that a signal has stopped, and runners that cannot be reached.
//!
//! A stopped runner carries nothing: neither answers nor the wish that the session ends. Nobody stops one
//! but by a signal from outside, so it is told to go on at once, and that it happened is an alarm. A
//! stopped agent is only said to be: its user may have meant it. A runner binds a socket again that somebody
//! has deleted; one of an earlier release does not, and then nothing that is decided arrives.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use super::callers::WatchedProcess;
use super::conditions::{Conditions, Part};
use super::session::Sessions;
use crate::platform;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// How long a runner may be out of reach: while it ends it is.
const UNREACHABLE: Duration = Duration::from_secs(3);

/// How long one may take that has not been reached yet: it and its agent start, beside others perhaps.
const STARTS: Duration = Duration::from_secs(20);

/// Runs until the daemon shuts down.
pub async fn watch(sessions: Sessions, conditions: Arc<Conditions>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        look(&sessions, &conditions).await;
    }
}

/// Whether a session's agent was stopped from here, until a person has answered what is asked about the project's
/// files. The inbox says so, and no signal is to let the agent go on.
async fn is_held(sessions: &Sessions, process: &WatchedProcess) -> bool {
    let store = &sessions.context().store;
    match store.is_held_for_project(process.session.as_str()).await {
        Ok(is_held) => is_held,
        Err(error) => {
            tracing::warn!(session = process.session.short(), %error, "cannot look why an agent is stopped");
            false
        }
    }
}

async fn look(sessions: &Sessions, conditions: &Conditions) {
    let context = sessions.context();
    let watched = context.callers.watched();
    for process in &watched {
        let session = process.session.short();
        let pid = process.runner.pid;
        let is_stopped = platform::is_stopped(process.runner);
        let problem = is_stopped.then(|| {
            format!("session {session}: its runner (process {pid}) was stopped by a signal; it was told to go on")
        });
        conditions.set(Part::Runner(process.directory.clone()), problem);
        if is_stopped {
            if let Err(error) = platform::send_signal(process.runner, Signal::CONT) {
                tracing::warn!(session, pid, %error, "a stopped runner cannot be told to go on");
            }
            let id = process.session.clone();
            if let Err(error) = context.store.raise_runner_stopped(id, pid).await {
                tracing::warn!(session, %error, "cannot record that a runner was stopped");
            }
        }
        let mut stopped_agent = process.agent.filter(|agent| platform::is_stopped(*agent));
        if stopped_agent.is_some() && is_held(sessions, process).await {
            stopped_agent = None;
        }
        let problem = stopped_agent.map(|agent| {
            let pid = agent.pid;
            format!("session {session}: its agent (process {pid}) is stopped; `kill -CONT {pid}` lets it go on, `humanlayer end` ends it")
        });
        conditions.set(Part::Agent(process.directory.clone()), problem);
        let patience = match process.is_starting {
            true => STARTS,
            false => UNREACHABLE,
        };
        let is_out_of_reach = !is_stopped
            && process
                .unlinked_since
                .is_some_and(|since| since.elapsed() > patience)
            && process.runner.exists();
        let problem = is_out_of_reach.then(|| {
            format!("session {session}: its runner (process {pid}) cannot be reached, so nothing that is decided arrives; its socket was taken away, perhaps. `humanlayer end {session}` ends it all the same")
        });
        conditions.set(Part::Link(process.directory.clone()), problem);
    }
    let directories: Vec<&str> = watched.iter().map(|one| one.directory.as_str()).collect();
    conditions.keep_processes(&directories);
}
