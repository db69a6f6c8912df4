//! `demo`: the dashboard over a daemon of its own, with scripted agents.
//!
//! Two processes. This one makes a private directory, starts the second with an environment in
//! which nothing of the user's is set, waits for its end, however that comes about, and cleans up:
//! stops the daemon, ends the sessions, removes the directory. The second (`inside`) is the
//! dashboard. Nothing outside the directory is read but the user's preferences for the dashboard.

pub mod agent;
mod inside;
mod scenes;
mod stage;

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::daemon;
use super::exit::Failure;
use super::kind::Kind;
use super::output;
use crate::config::{Config, Flags};
use crate::runner::{RunnerState, SessionDir, is_alive};
use crate::tui::runtime;
use stage::Stage;

/// How long the sessions may take to end.
const END_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked whether they have.
const GLANCE: Duration = Duration::from_millis(10);

/// Variables that the dashboard needs and that say nothing of this product.
const KEPT: [&str; 16] = [
    "PATH",
    "TERM",
    "TMUX",
    "TMUX_PANE",
    "COLORTERM",
    "COLORFGBG",
    "NO_COLOR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "USER",
    "SHELL",
    "PAGER",
    "VISUAL",
    "EDITOR",
];

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer demo\n\n\
    Needs no Claude Code, no key and no set-up. The agents are scripts that ship with this\n\
    program; the daemon, the approvals and the dashboard are the real ones, in a directory of\n\
    their own. What you let the agents do they do there. Leaving with `q` removes everything.")]
pub struct Args {
    /// Be the dashboard
    #[arg(long, hide = true)]
    inside: bool,
}

/// Shows the demonstration and cleans up behind it.
pub async fn run(args: Args, flags: &Flags) -> Result<(), Failure> {
    if args.inside {
        return inside::run(flags).await;
    }
    if !runtime::has_terminal() {
        return Err(Failure::usage(
            "the demonstration is a dashboard and needs a terminal; this is none",
        ));
    }
    if let Some(why) = runtime::cannot_draw() {
        return Err(Failure::usage(format!(
            "the demonstration is a dashboard, and this terminal cannot show one: {why}"
        ))
        .with_hint("set TERM to what the terminal is, for example TERM=xterm-256color"));
    }
    // Where the user's own configuration is broken, the demonstration does without.
    let preferences = Config::load(flags).ok().map(|config| config.dashboard);
    let stage =
        Stage::set(preferences.as_ref()).map_err(|error| Failure::failed(error.to_string()))?;
    let config = stage.config()?;
    let ended = show(&stage).await;
    clean_up(&config, &stage).await;
    let directory = stage.path().to_owned();
    stage
        .strike()
        .map_err(|error| Failure::failed(format!("removing {}: {error}", directory.display())))?;
    match ended {
        Ok(status) if status.success() => Ok(()),
        // It has said why itself.
        Ok(_) => Err(Failure::shown(Kind::Failed, "the dashboard failed")),
        Err(error) => Err(Failure::failed(format!("showing the dashboard: {error}"))),
    }
}

/// Runs the dashboard until it ends; a signal to end is passed on.
async fn show(stage: &Stage) -> std::io::Result<ExitStatus> {
    let mut told = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ];
    let mut command = Command::new(crate::platform::installed_program()?);
    command
        .arg("--config-file")
        .arg(stage.config_file())
        .args(["demo", "--inside"])
        .env_clear()
        .envs(
            KEPT.into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .env("HOME", stage.home())
        .envs((!output::has_color()).then_some(("NO_COLOR", "1")))
        .current_dir(stage.project());
    let mut child = command.spawn()?;
    let [interrupt, terminate, hangup] = &mut told;
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            _ = interrupt.recv() => end(&child),
            _ = terminate.recv() => end(&child),
            _ = hangup.recv() => end(&child),
        }
    }
}

fn end(child: &Child) {
    let pid = child
        .id()
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    if let Some(pid) = pid {
        // Gone already is what is wanted.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Ends the daemon and the sessions. What cannot be ended is killed, as nobody could answer it.
async fn clean_up(config: &Config, stage: &Stage) {
    if let Err(Failure::Told(trouble)) = daemon::stop(config).await {
        output::warn(&trouble.message);
    }
    let deadline = Instant::now() + END_LIMIT;
    let mut told = false;
    loop {
        let alive: Vec<SessionDir> = stage
            .sessions()
            .into_iter()
            .map(SessionDir::new)
            .filter(|session| is_alive(session).unwrap_or(false))
            .collect();
        let late = Instant::now() >= deadline;
        if alive.is_empty() || (late && told) {
            return;
        }
        for session in &alive {
            end_session(session, if late { Signal::KILL } else { Signal::TERM });
        }
        told = late;
        tokio::time::sleep(GLANCE).await;
    }
}

fn end_session(session: &SessionDir, how: Signal) {
    // One that has not written its state yet is found the next time.
    let Ok(Some(state)) = RunnerState::read(session) else {
        return;
    };
    let agent = state.agent_pid.filter(|_| how == Signal::KILL);
    for pid in [Some(state.runner_pid), agent].into_iter().flatten() {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, how);
        }
    }
}
