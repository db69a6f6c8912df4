//! What an installed agent says about itself: which permission modes it has.
//!
//! Owns asking it and remembering the answer for as long as the file stays the same. The program may
//! have been changed by an agent, so it runs as agents do: below a runner of its own, in an empty home,
//! without anybody's secrets, for at most [`PATIENCE`]. Called before a launch and by clients that
//! offer modes.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::sync::Mutex;

use super::{Context, launch, remains};
use crate::daemon::blocking::blocking;
use crate::domain::{SessionId, permission};
use crate::runner::{self, ExitReport, SessionDir, Spec};

/// How long a program may take to answer. One that takes longer is not waited for: what it does not
/// accept then shows when it starts.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long its end may take once it was asked for.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether it has answered.
const POLL: Duration = Duration::from_millis(20);

/// Programs whose answers are remembered; more than anybody has installed.
const REMEMBERED: usize = 64;

/// A mode that no release will ever have: asked for it, Claude Code lists those that it has.
const NO_MODE: &str = "?";

/// An agent's program and the arguments that come first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Agent {
    /// The program.
    pub program: PathBuf,
    /// Comes before its other arguments, where the agent is one inside this program.
    pub first: Option<String>,
}

/// The permission modes of installed agents, as far as they have been asked.
#[derive(Default)]
pub struct PermissionModes {
    /// By program, file and mode: none when the answer was not understood. One asks at a time.
    known: Mutex<HashMap<(Agent, FileId, String), Answer>>,
}

/// A file as it is now; another one after an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FileId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What an agent says about a mode.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It has it.
    Accepted,
    /// It has others.
    Rejected(Vec<String>),
    /// Nothing that is understood here.
    Unclear,
}

impl PermissionModes {
    /// The modes that an agent lists; none when it does not say.
    pub async fn of(
        &self,
        ctx: &Context,
        agent: &Agent,
        path: Option<&str>,
    ) -> Option<Vec<String>> {
        match self.ask(ctx, agent, path, NO_MODE).await {
            Answer::Rejected(modes) => Some(modes),
            Answer::Accepted | Answer::Unclear => None,
        }
    }

    /// Checks that an agent has a mode, also one that it does not list. When it cannot be found out it is
    /// left to the start.
    ///
    /// # Errors
    /// The modes that it has.
    pub async fn check(
        &self,
        ctx: &Context,
        agent: &Agent,
        path: Option<&str>,
        mode: &str,
    ) -> Result<(), Vec<String>> {
        if let Some(modes) = self.of(ctx, agent, path).await
            && modes.iter().any(|known| known == mode)
        {
            return Ok(());
        }
        match self.ask(ctx, agent, path, mode).await {
            Answer::Rejected(modes) => Err(modes),
            Answer::Accepted | Answer::Unclear => Ok(()),
        }
    }

    async fn ask(&self, ctx: &Context, agent: &Agent, path: Option<&str>, mode: &str) -> Answer {
        let program = agent.program.clone();
        let Some(file) = blocking(move || FileId::of(&program)).await else {
            return Answer::Unclear;
        };
        let key = (agent.clone(), file, mode.to_owned());
        let mut known = self.known.lock().await;
        if let Some(answer) = known.get(&key) {
            return answer.clone();
        }
        let answer = match run(ctx, agent, path, mode).await {
            Some(report) => understood(&report),
            // It may have been slow only this time.
            None => return Answer::Unclear,
        };
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, answer.clone());
        answer
    }
}

impl FileId {
    fn of(program: &Path) -> Option<Self> {
        let metadata = fs::metadata(program).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

/// Reads Claude Code's answer: help is a yes, and a no names what it has.
fn understood(report: &ExitReport) -> Answer {
    if report.code == Some(0) {
        return Answer::Accepted;
    }
    let listed = report
        .stderr_tail
        .split_once("Allowed choices are ")
        .and_then(|(_, rest)| rest.lines().next())
        .map(|rest| rest.trim().trim_end_matches('.'));
    let modes: Vec<String> = listed
        .into_iter()
        .flat_map(|listed| listed.split(','))
        .map(|mode| permission::mode_name(mode.trim()).to_owned())
        .collect();
    let plausible = !modes.is_empty()
        && modes.iter().all(|mode| {
            (1..=40).contains(&mode.len())
                && mode
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    if plausible {
        Answer::Rejected(modes)
    } else {
        Answer::Unclear
    }
}

/// Has the agent check a mode and print its help, below a runner; none if it does not end in time.
async fn run(ctx: &Context, agent: &Agent, path: Option<&str>, mode: &str) -> Option<ExitReport> {
    let id = SessionId::random();
    let dir = SessionDir::new(ctx.sessions_dir.join(id.as_str()));
    let report = match start(ctx, &id, &dir, agent, path, mode).await {
        Ok(runner) => report_of(&dir, runner).await,
        Err(error) => {
            tracing::warn!(program = %agent.program.display(), %error, "cannot ask the agent for its permission modes");
            None
        }
    };
    ctx.callers.runner_ended(id.as_str());
    remains::remove(&dir).await;
    report
}

async fn start(
    ctx: &Context,
    id: &SessionId,
    dir: &SessionDir,
    agent: &Agent,
    path: Option<&str>,
    mode: &str,
) -> Result<Option<u32>, launch::LaunchError> {
    let home = dir.path().join("home");
    let path = path
        .map(str::to_owned)
        .or_else(|| std::env::var("PATH").ok())
        .unwrap_or_default();
    let env = [
        ("PATH", path),
        ("HOME", home.to_string_lossy().into_owned()),
        ("HUMANLAYER_SESSION_ID", id.to_string()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
    ];
    let arguments = ["--permission-mode", mode, "--help"].map(str::to_owned);
    let spec = Spec {
        format: runner::FORMAT,
        session_id: id.to_string(),
        program: agent.program.clone(),
        args: agent.first.iter().cloned().chain(arguments).collect(),
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
        cwd: home.clone(),
        grace_ms: Some(200),
        daemon_lock: ctx.lock.clone(),
        isolation: None,
        umask: Some(crate::platform::user_umask()),
    };
    let place = dir.clone();
    blocking(move || {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&home)
            .map_err(|source| launch::LaunchError::Directory { path: home, source })?;
        spec.write(&place).map_err(launch::LaunchError::from)
    })
    .await?;
    launch::start_runner_with(ctx, id, id.as_str(), Stdio::null()).await
}

async fn report_of(dir: &SessionDir, runner: Option<u32>) -> Option<ExitReport> {
    if let Some(report) = report_within(dir, PATIENCE).await {
        return Some(report);
    }
    for signal in [Signal::TERM, Signal::KILL] {
        let pid = runner
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid
            && is_alive(dir).await
        {
            // It may be gone in this moment, which is what is wanted.
            let _ = rustix::process::kill_process(pid, signal);
            report_within(dir, END_PATIENCE).await;
        }
    }
    None
}

async fn is_alive(dir: &SessionDir) -> bool {
    let dir = dir.clone();
    blocking(move || runner::is_alive(&dir).unwrap_or(false)).await
}

async fn report_within(dir: &SessionDir, patience: Duration) -> Option<ExitReport> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let place = dir.clone();
        match blocking(move || ExitReport::read(&place)).await {
            Ok(Some(report)) => return Some(report),
            Err(_) => return None,
            Ok(None) if tokio::time::Instant::now() >= deadline => return None,
            Ok(None) => tokio::time::sleep(POLL).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn an_answer_is_a_yes_or_a_list_or_nothing() {
        let answer = |code: i32, stderr: &str| {
            understood(&ExitReport {
                format: runner::FORMAT,
                code: Some(code),
                signal: None,
                at: Timestamp::UNIX_EPOCH,
                error: None,
                stderr_tail: stderr.to_owned(),
                delivered: Vec::new(),
            })
        };
        let list = |modes: &[&str]| {
            Answer::Rejected(modes.iter().map(|mode| (*mode).to_owned()).collect())
        };
        // As 2.0.37 and 2.1.332 say it.
        assert_eq!(
            answer(
                1,
                "error: option '--permission-mode <mode>' argument '?' is invalid. Allowed choices are acceptEdits, bypassPermissions, default, plan.\n"
            ),
            list(&["acceptEdits", "bypassPermissions", "default", "plan"])
        );
        assert_eq!(
            answer(
                1,
                "a warning\nerror: option '--permission-mode <mode>' argument '?' is invalid. Allowed choices are acceptEdits, auto, bypassPermissions, manual, dontAsk, plan.\nmore"
            ),
            list(&[
                "acceptEdits",
                "auto",
                "bypassPermissions",
                "default",
                "dontAsk",
                "plan"
            ])
        );
        assert_eq!(answer(0, ""), Answer::Accepted);
        for unclear in [
            "",
            "Allowed choices are ",
            "Allowed choices are \u{1b}[31mred, x",
            "Segmentation fault",
        ] {
            assert_eq!(answer(1, unclear), Answer::Unclear, "{unclear:?}");
        }
    }
}
