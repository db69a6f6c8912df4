//! What a session's process leaves behind: how it ended, and files to remove.
//!
//! Establishes the end honestly: from the runner's report where there is one, else from what can be
//! seen (a reboot, a runner that was killed). Makes sure that an agent whose runner is gone is gone
//! too, because nobody could answer it any more.

use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::machine::Exit;
use crate::daemon::blocking::blocking;
use crate::platform;
use crate::runner::identity::PublicKey;
use crate::runner::{ExitReport, RunnerState, SessionDir};

/// How long a killed process may take to be gone before the session is reported ended all the same.
const KILL_WAIT: Duration = Duration::from_secs(2);

/// How the process of a session ended, once its runner is gone or has said so; and the last lines that
/// reached the agent, as the runner reported, whose acknowledgements may have been lost with a daemon. The
/// report must be signed with one of the keys, if there are any. Of an adopted session (`is_adopted`) the files that say
/// which process was its agent are not on record.
pub async fn exit_of(
    dir: &SessionDir,
    keys: Vec<PublicKey>,
    is_adopted: bool,
) -> (Exit, Vec<String>) {
    let place = dir.clone();
    match blocking(move || ExitReport::read_signed(&place, &keys)).await {
        Ok(Some(report)) => {
            let exit = Exit {
                code: report.code,
                signal: report.signal,
                problem: report.error,
                stderr_tail: report.stderr_tail,
                for_memory: report.for_memory,
            };
            (exit, report.delivered)
        }
        // Then nothing is known of the lines.
        Ok(None) => (without_report(dir, is_adopted).await, Vec::new()),
        Err(error) => {
            let exit = without_report(dir, is_adopted).await;
            let problem = match exit.problem {
                Some(problem) => format!("{problem}; {error}"),
                None => error.to_string(),
            };
            let problem = Some(problem);
            (Exit { problem, ..exit }, Vec::new())
        }
    }
}

/// Whether a runner of an earlier release, which signs nothing, started in this run of the system, is gone and
/// left no report.
pub async fn was_killed_without_a_word(dir: &SessionDir) -> bool {
    let place = dir.clone();
    blocking(move || {
        let silent = !matches!(ExitReport::read(&place), Ok(Some(_)));
        let state = RunnerState::read(&place).ok().flatten();
        silent && state.is_some_and(|state| state.boot_id == platform::boot_id())
    })
    .await
}

/// Whether there is a report that was signed with one of the keys, and says that nothing was left behind.
pub async fn is_reported(dir: &SessionDir, keys: Vec<PublicKey>) -> bool {
    let place = dir.clone();
    blocking(move || {
        let report = ExitReport::read_signed(&place, &keys);
        report.is_ok_and(|report| report.is_some_and(|report| !report.leftovers))
    })
    .await
}

async fn without_report(dir: &SessionDir, is_adopted: bool) -> Exit {
    let place = dir.clone();
    let problem = match blocking(move || RunnerState::read(&place)).await {
        Ok(Some(state)) if state.boot_id != platform::boot_id() => {
            "the machine was restarted".to_owned()
        }
        Ok(Some(state)) => {
            kill_orphan(&state, is_adopted).await;
            "the agent's runner was killed".to_owned()
        }
        Ok(None) => "the agent's runner did not start".to_owned(),
        Err(error) => error.to_string(),
    };
    Exit {
        problem: Some(problem),
        stderr_tail: stderr_tail(dir).await,
        ..Exit::default()
    }
}

/// Kills an agent that outlived its runner, and waits until it is gone.
async fn kill_orphan(state: &RunnerState, is_adopted: bool) {
    let Some(pid) = state.agent_pid.filter(|pid| {
        state.agent_start_time.is_some()
            && platform::process_start_time(*pid) == state.agent_start_time
    }) else {
        return;
    };
    // Anybody could have named any process there.
    if is_adopted && platform::environ_var(pid, platform::SESSION_MARK).is_none() {
        return;
    }
    for below in platform::descendants(pid) {
        kill(below, false);
    }
    kill(pid, true);
    let deadline = tokio::time::Instant::now() + KILL_WAIT;
    while platform::process_start_time(pid) == state.agent_start_time
        && tokio::time::Instant::now() < deadline
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn kill(pid: u32, group: bool) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    // It may be gone already, which is what is wanted.
    let _ = if group {
        rustix::process::kill_process_group(pid, Signal::KILL)
    } else {
        rustix::process::kill_process(pid, Signal::KILL)
    };
}

async fn stderr_tail(dir: &SessionDir) -> String {
    let path = dir.stderr_log();
    let bytes = blocking(move || std::fs::read(path).unwrap_or_default()).await;
    let start = bytes.len().saturating_sub(crate::runner::STDERR_TAIL);
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

/// Removes a session's directory: everything in it is in the store. What cannot be removed now is
/// removed at the daemon's next start.
pub async fn remove(dir: &SessionDir) {
    let path = dir.path().to_owned();
    let remove = move || match std::fs::remove_dir_all(&path) {
        // Somebody has put something else there.
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            std::fs::remove_file(&path)
        }
        removed => removed,
    };
    if let Err(error) = blocking(remove).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(dir = %dir.path().display(), %error, "cannot remove a session's directory");
    }
}
