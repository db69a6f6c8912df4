//! What an installed agent says about itself: which permission modes it has, and whether it tells what hooks
//! answer.
//!
//! Owns asking it and remembering the answer for as long as the file stays the same. The program may
//! have been changed by an agent, so it runs as agents do: below a runner of its own, in an empty home,
//! without anybody's secrets, for at most [`PATIENCE`]; before an isolated launch isolated as that one.
//! Called before a launch and by clients that offer modes.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::sync::Mutex;

use super::adopt::ASKING;
use super::{Context, launch, remains};
use crate::claude::args::HOOK_EVENTS;
use crate::daemon::blocking::blocking;
use crate::domain::{SessionId, permission};
use crate::platform;
use crate::platform::isolation::Isolation;
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

/// What is no session's id: asked for it, Claude Code ends before it does anything.
const NO_SESSION: &str = "x";

/// How an agent is asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Its program.
    pub program: PathBuf,
    /// What it has as `PATH`; none means the daemon's own.
    pub path: Option<String>,
    /// What it sees of the machine, where it is asked for an isolated launch: a program that an isolated
    /// agent could have written is run nowhere else.
    pub isolated: Option<Box<IsolatedAsking>>,
}

/// How an isolated agent is asked.
#[derive(Clone, Debug)]
pub struct IsolatedAsking {
    /// What it sees.
    pub isolation: Isolation,
    /// Its home, as it sees it.
    pub home: String,
}

/// What installed agents say about themselves, as far as they have been asked.
#[derive(Default)]
pub struct AgentInfo {
    /// By program, file and question: none when the answer was not understood. One asks at a time.
    known: Mutex<HashMap<(PathBuf, FileId, Topic), Answer>>,
}

/// What an agent is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Topic {
    /// Whether it has a permission mode.
    Mode(String),
    /// Whether it knows [`HOOK_EVENTS`].
    HookEvents,
}

/// A file as it is now; another one after an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FileId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It has the mode, or knows the option.
    Accepted,
    /// It has other modes.
    Rejected(Vec<String>),
    /// Nothing that is understood here.
    Unclear,
}

impl Topic {
    /// The arguments by which it shows, without a conversation and without a network.
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Mode(mode) => ["--permission-mode", mode, "--help"]
                .map(str::to_owned)
                .into(),
            // Options are looked at before the id, and one that is none ends it.
            Self::HookEvents => ["-p", HOOK_EVENTS, "--session-id", NO_SESSION]
                .map(str::to_owned)
                .into(),
        }
    }

    fn understood(&self, report: &ExitReport) -> Answer {
        match self {
            Self::Mode(_) => understood(report),
            Self::HookEvents => {
                let words = report.stderr_tail.to_lowercase();
                let reached_the_id = report.code.is_some_and(|code| code != 0)
                    && words.contains("session id")
                    && !words.contains("unknown option");
                if reached_the_id {
                    Answer::Accepted
                } else {
                    Answer::Unclear
                }
            }
        }
    }
}

impl AgentInfo {
    /// The modes that an agent lists; none when it does not say.
    pub async fn modes(&self, ctx: &Context, asking: &Asking) -> Option<Vec<String>> {
        match self.ask(ctx, asking, Topic::Mode(NO_MODE.to_owned())).await {
            Answer::Rejected(modes) => Some(modes),
            Answer::Accepted | Answer::Unclear => None,
        }
    }

    /// Checks that an agent has a mode, also one that it does not list. When it cannot be found out it is
    /// left to the start.
    ///
    /// # Errors
    /// The modes that it has.
    pub async fn check_mode(
        &self,
        ctx: &Context,
        asking: &Asking,
        mode: &str,
    ) -> Result<(), Vec<String>> {
        if let Some(modes) = self.modes(ctx, asking).await
            && modes.iter().any(|known| known == mode)
        {
            return Ok(());
        }
        match self.ask(ctx, asking, Topic::Mode(mode.to_owned())).await {
            Answer::Rejected(modes) => Err(modes),
            Answer::Accepted | Answer::Unclear => Ok(()),
        }
    }

    /// Whether an agent surely knows [`HOOK_EVENTS`].
    pub async fn tells_hooks(&self, ctx: &Context, asking: &Asking) -> bool {
        self.ask(ctx, asking, Topic::HookEvents).await == Answer::Accepted
    }

    async fn ask(&self, ctx: &Context, asking: &Asking, topic: Topic) -> Answer {
        let program = asking.program.clone();
        let Some(file) = blocking(move || FileId::of(&program)).await else {
            return Answer::Unclear;
        };
        let key = (asking.program.clone(), file, topic);
        let mut known = self.known.lock().await;
        if let Some(answer) = known.get(&key) {
            return answer.clone();
        }
        let answer = match (run(ctx, asking, &key.2).await, &key.2) {
            (Some(report), topic) => topic.understood(&report),
            // It may have been slow only this time.
            (None, Topic::Mode(_)) => return Answer::Unclear,
            // Each launch asks this: one that does not answer would keep each waiting.
            (None, Topic::HookEvents) => Answer::Unclear,
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

/// Has the agent say it, below a runner; none if it does not end in time.
async fn run(ctx: &Context, asking: &Asking, topic: &Topic) -> Option<ExitReport> {
    // As long as the name of a session's: its socket has to fit.
    let id = format!("{ASKING}{}", uuid::Uuid::new_v4().simple());
    let id = SessionId::from(id);
    let dir = SessionDir::new(ctx.sessions_dir.join(id.as_str()));
    let report = match start(ctx, &id, &dir, asking, topic).await {
        Ok(runner) => report_of(&dir, runner).await,
        Err(error) => {
            tracing::warn!(program = %asking.program.display(), %error, "cannot ask the agent about itself");
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
    asking: &Asking,
    topic: &Topic,
) -> Result<Option<u32>, launch::LaunchError> {
    let home = dir.path().join("home");
    let path = asking
        .path
        .clone()
        .or_else(|| std::env::var("PATH").ok())
        .unwrap_or_default();
    let isolated = asking.isolated.as_deref();
    let env = [
        ("PATH", path),
        (
            "HOME",
            match isolated {
                Some(isolated) => isolated.home.clone(),
                None => home.to_string_lossy().into_owned(),
            },
        ),
        ("HUMANLAYER_SESSION_ID", id.to_string()),
        ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
    ];
    let spec = Spec {
        format: runner::FORMAT,
        session_id: id.to_string(),
        program: asking.program.clone(),
        args: topic.arguments(),
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
        cwd: home.clone(),
        grace_ms: Some(200),
        daemon_lock: ctx.lock.clone(),
        isolation: isolated.map(|isolated| isolated.isolation.clone()),
        umask: Some(platform::user_umask()),
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

    fn report(code: i32, stderr: &str) -> ExitReport {
        ExitReport {
            format: runner::FORMAT,
            code: Some(code),
            signal: None,
            at: Timestamp::UNIX_EPOCH,
            error: None,
            stderr_tail: stderr.to_owned(),
            delivered: Vec::new(),
            leftovers: false,
            for_memory: false,
        }
    }

    #[test]
    fn an_option_is_known_where_only_the_id_is_wrong() {
        // As 2.0.37, then 2.1.133, 2.1.330 and 2.1.332 say it.
        let cases = [
            (
                1,
                "error: unknown option '--include-hook-events'\n",
                Answer::Unclear,
            ),
            (
                1,
                "Error: Invalid session ID. Must be a valid UUID.\n",
                Answer::Accepted,
            ),
            (0, "invalid session ID", Answer::Unclear),
            (127, "env: node: No such file or directory", Answer::Unclear),
            (
                1,
                "error: unknown option '--session-id': no session ID",
                Answer::Unclear,
            ),
        ];
        for (code, stderr, expected) in cases {
            let answer = Topic::HookEvents.understood(&report(code, stderr));
            assert_eq!(answer, expected, "{code} {stderr}");
        }
    }

    #[test]
    fn an_answer_is_a_yes_or_a_list_or_nothing() {
        let answer = |code: i32, stderr: &str| understood(&report(code, stderr));
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
