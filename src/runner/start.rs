//! A runner from its first moment to its last.
//!
//! Owns the order of things: what must be on disk before the agent exists,
//! and what must have happened before its end is told. Called by `main`, on
//! the main thread and before there is any other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use super::agent::{Agent, Ending, Pipes};
use super::dir::{SessionDir, take_lock};
use super::files::{ExitReport, FileError, RunnerState, Spec};
use super::frame::{Reply, Signal};
use super::hub::Hub;
use super::identity::Identity;
use super::listener::Listener;
use super::memory::Kills;
use super::serve::{self, Session};
use super::stderr::Stderr;
use super::stdin::Stdin;
use super::stdout::{Stdout, is_gone, may_write_no_files};
use super::terminate::Terminator;
use super::{
    FILE_RETRY, FORMAT, LEFTOVER_WAIT, LINGER_WAIT, STAGE_WAIT, STDERR_DRAIN_WAIT, spawn_thread,
};
use crate::platform;
use crate::platform::isolation::{Isolation, IsolationError};

/// Why a session could not be started; the text is the exit report's `error`.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("cannot leave the launcher's session: {0}")]
    NewSession(#[source] io::Error),
    #[error("cannot adopt the agent's orphans: {0}")]
    Subreaper(#[source] io::Error),
    #[error("cannot keep other processes out of the runner's memory: {0}")]
    Hide(#[source] io::Error),
    #[error("cannot listen to the runner's own signals: {0}")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot bind socket {}: {source}", path.display())]
    Bind {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open journal {}: {source}", path.display())]
    Journal {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot start the agent in directory {}: {source}", path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot start the agent {}: {source}", program.display())]
    Program {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot find the program that isolates the agent: {0}")]
    OwnProgram(#[source] io::Error),
    #[error("cannot isolate the agent: {0}")]
    Isolation(#[source] IsolationError),
    #[error("cannot make the agent's input and output: {0}")]
    Sockets(#[source] io::Error),
    #[error("cannot start a thread beside the agent: {0}")]
    Thread(#[source] io::Error),
}

impl StartError {
    /// Whether the same may be done once there is room on the disk.
    fn is_for_want_of_room(&self) -> bool {
        let source = match self {
            Self::File(FileError::Write { source, .. })
            | Self::Bind { source, .. }
            | Self::Journal { source, .. } => source,
            _ => return false,
        };
        matches!(
            source.kind(),
            io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::ReadOnlyFilesystem
        )
    }
}

/// A session that has an agent.
struct Running {
    session: Arc<Session>,
    stdout: Stdout,
    stderr: Stderr,
    leftover_wait: Duration,
    /// How many processes the kernel had killed when the agent was started.
    kills: Kills,
}

/// Runs the session of `dir` to its end: starts the agent of its spec, serves
/// its socket, and leaves `exit.json`. Blocks for as long as the agent lives.
///
/// Must be called on the main thread, before there is any other, in a process
/// that leads no process group. Does nothing, successfully, if another runner
/// has the directory or a session was ever started in it. An agent that cannot
/// be started is a success too, and told in `exit.json`; a failure is only
/// what could not be told there, and goes to stderr.
#[must_use]
pub fn run(dir: &Path) -> ExitCode {
    let dir = SessionDir::new(dir);
    // First, so that nothing the launcher's terminal does can reach us; whether
    // it worked can be told only once the directory is ours.
    let left = platform::new_session();
    // Before the key comes, and before anything else may fail to be done.
    let hidden = platform::hide_from_others();
    let told = Identity::receive(&dir).and_then(|identity| {
        let identity = identity.map(Arc::new);
        match take_lock(&dir)? {
            Some(_held) => run_once(
                &dir,
                identity,
                left.map_err(StartError::NewSession)
                    .and(hidden.map_err(StartError::Hide)),
            ),
            None => Ok(()),
        }
    });
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let path = dir.path().display();
            // Nobody may be listening.
            let _ = writeln!(io::stderr(), "cannot run session {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the session, the lock being held. The error is that its end could not
/// be written down.
fn run_once(
    dir: &SessionDir,
    identity: Option<Arc<Identity>>,
    prepared: Result<(), StartError>,
) -> io::Result<()> {
    if dir.state().try_exists()? || dir.exit().try_exists()? {
        return Ok(());
    }
    let started = prepared.and_then(|()| start(dir, identity.as_ref()));
    // Used or useless, and full of secrets.
    let _ = fs::remove_file(dir.spec());
    let written = match started {
        Ok(running) => end(dir, &running),
        Err(error) => {
            let report = ExitReport {
                error: Some(error.to_string()),
                ..report_of(Ending::default(), String::new())
            };
            write_report(dir, identity.as_deref(), &report)
        }
    };
    let _ = fs::remove_file(dir.socket());
    written
}

fn start(dir: &SessionDir, identity: Option<&Arc<Identity>>) -> Result<Running, StartError> {
    platform::become_subreaper().map_err(StartError::Subreaper)?;
    let signals = hear_signals().map_err(StartError::Signals)?;
    let spec = Spec::read(dir)?;
    let socket = dir.socket();
    let listener = when_there_is_room(dir, || {
        Listener::bind(&socket).map_err(|source| StartError::Bind {
            path: socket.clone(),
            source,
        })
    })?;
    let mut state = RunnerState {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        runner_pid: std::process::id(),
        runner_start_time: platform::process_start_time(std::process::id()),
        agent_pid: None,
        agent_start_time: None,
        boot_id: platform::boot_id(),
        started_at: Timestamp::now(),
    };
    // From here on no other runner starts this session again.
    when_there_is_room(dir, || state.write(dir).map_err(StartError::from))?;
    let journal = when_there_is_room(dir, || open_journal(dir))?;
    let (agent, pipes) = spawn(&spec)?;
    let agent = Arc::new(agent);
    let _ = fs::remove_file(dir.spec());
    state.agent_pid = Some(agent.pid());
    state.agent_start_time = platform::process_start_time(agent.pid());
    let attended = Attended {
        agent: &agent,
        pipes,
        journal,
        listener,
        signals,
    };
    let running = attend(dir, &spec, identity, attended).and_then(|running| {
        note_agent(dir, state)?;
        Ok(running)
    });
    if running.is_err() {
        // Without us beside it, it must not go on.
        agent.signal_all(rustix::process::Signal::KILL);
        agent.wait();
        agent.end_leftovers(Duration::ZERO);
        agent.reap();
    }
    running
}

/// Does again what a full disk refuses, until there is room. Nothing is lost by waiting then: there is no
/// agent yet.
fn when_there_is_room<T>(
    dir: &SessionDir,
    make: impl Fn() -> Result<T, StartError>,
) -> Result<T, StartError> {
    loop {
        match make() {
            Err(error)
                if error.is_for_want_of_room() && !is_gone(dir.path()) && !may_write_no_files() =>
            {
                thread::sleep(FILE_RETRY);
            }
            done => return done,
        }
    }
}

/// Writes down which process the agent is; on a full disk later, as it must not wait for that.
fn note_agent(dir: &SessionDir, state: RunnerState) -> Result<(), StartError> {
    match state.write(dir).map_err(StartError::from) {
        Err(error) if error.is_for_want_of_room() => {
            let dir = dir.clone();
            spawn_thread("state", move || {
                let written = when_there_is_room(&dir, || Ok(state.write(&dir)?));
                if let Err(error) = written {
                    let _ = writeln!(io::stderr(), "{error}");
                }
            })
            .map_err(StartError::Thread)
        }
        done => done,
    }
}

/// An agent that was just started, and what comes with it.
struct Attended<'a> {
    agent: &'a Arc<Agent>,
    pipes: Pipes,
    journal: File,
    listener: Listener,
    signals: UnixStream,
}

/// Starts the threads around the agent.
fn attend(
    dir: &SessionDir,
    spec: &Spec,
    identity: Option<&Arc<Identity>>,
    attended: Attended<'_>,
) -> Result<Running, StartError> {
    let Attended {
        agent,
        pipes,
        journal,
        listener,
        mut signals,
    } = attended;
    let grace = spec.grace_ms.map(Duration::from_millis);
    let started = || -> io::Result<Running> {
        let stderr = Stderr::start(pipes.stderr, dir)?;
        let hub = Arc::new(Hub::default());
        let stdout = Stdout::start(pipes.stdout, journal, dir, Arc::clone(&hub))?;
        let stdin = Stdin::start(pipes.stdin, Arc::clone(&hub))?;
        let terminator = Terminator::start(Arc::clone(agent), grace.unwrap_or(STAGE_WAIT))?;
        let heard = Arc::clone(&terminator);
        spawn_thread("signals", move || {
            let mut byte = [0];
            while let Ok(1) = signals.read(&mut byte) {
                heard.request(Signal::Int);
            }
        })?;
        let session = Arc::new(Session {
            agent: Arc::clone(agent),
            hub,
            stdin,
            terminator,
            identity: identity.cloned(),
            daemon_lock: spec.daemon_lock.clone(),
        });
        serve::start(listener, Arc::clone(&session))?;
        Ok(Running {
            session,
            stdout,
            stderr,
            leftover_wait: grace.unwrap_or(LEFTOVER_WAIT),
            kills: Kills::now(),
        })
    };
    started().map_err(StartError::Thread)
}

/// Waits for the agent's end, tidies up behind it, writes it down, tells it.
fn end(dir: &SessionDir, running: &Running) -> io::Result<()> {
    let session = &running.session;
    session.agent.wait();
    session.terminator.finish();
    session.stdin.finish();
    let leftovers = !session.agent.end_leftovers(running.leftover_wait);
    let ending = session.agent.reap();
    // Whoever hears of the end finds all of it.
    running.stdout.finish();
    let tail = running.stderr.finish(STDERR_DRAIN_WAIT);
    let was_killed = ending.signal == Some(rustix::process::Signal::KILL.as_raw())
        && !session.terminator.has_killed();
    let for_memory = was_killed && running.kills.has_grown();
    let report = |leftovers| ExitReport {
        delivered: session.stdin.last_delivered(),
        leftovers,
        for_memory,
        ..report_of(ending, tail.clone())
    };
    let mut written = write_report(dir, session.identity.as_deref(), &report(leftovers));
    session.hub.announce_exit(&Reply::Exited {
        code: ending.code,
        signal: ending.signal,
        leftovers,
    });
    session.hub.linger(LINGER_WAIT);
    session.agent.outlast_leftovers();
    if leftovers {
        // Killed before this, it leaves them to nobody without that being known.
        written = write_report(dir, session.identity.as_deref(), &report(false));
    }
    written
}

/// A report of this end.
fn report_of(ending: Ending, stderr_tail: String) -> ExitReport {
    ExitReport {
        format: FORMAT,
        code: ending.code,
        signal: ending.signal,
        at: Timestamp::now(),
        error: None,
        stderr_tail,
        delivered: Vec::new(),
        leftovers: false,
        for_memory: false,
    }
}

fn write_report(
    dir: &SessionDir,
    identity: Option<&Identity>,
    report: &ExitReport,
) -> io::Result<()> {
    loop {
        match report.write(dir, identity) {
            Ok(()) => return Ok(()),
            // Without its directory nobody is left to read it.
            Err(error) if is_gone(dir.path()) || may_write_no_files() => {
                return Err(io::Error::other(error));
            }
            // The disk may take it later, and nobody else knows how the agent ended.
            Err(_) => thread::sleep(FILE_RETRY),
        }
    }
}

/// A stream with a byte for each SIGTERM, SIGINT or SIGHUP that we get, from
/// now on.
fn hear_signals() -> io::Result<UnixStream> {
    let (ours, handlers) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, handlers.try_clone()?)?;
    }
    // A launcher that ignores it passes that on, and then no exit code would
    // ever reach us; any handler undoes it.
    signal_hook::flag::register(SIGCHLD, Arc::default())?;
    // A limit on the size of files is then an error of the write that met it, like a full disk.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(ours)
}

/// What starts the agent isolated, up to its own arguments.
fn isolated(isolation: &Isolation, program: &Path) -> Result<Command, StartError> {
    let own = platform::running_program().map_err(StartError::OwnProgram)?;
    let mut command = Command::new(own);
    command
        .arg0("humanlayer")
        .args(isolation.arguments().map_err(StartError::Isolation)?)
        .arg(program);
    Ok(command)
}

fn open_journal(dir: &SessionDir) -> Result<File, StartError> {
    let path = dir.journal();
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| StartError::Journal { path, source })
}

fn spawn(spec: &Spec) -> Result<(Agent, Pipes), StartError> {
    // The system reports a missing directory like a missing program.
    let directory = fs::metadata(&spec.cwd).and_then(|found| match found.is_dir() {
        true => Ok(()),
        false => Err(io::ErrorKind::NotADirectory.into()),
    });
    if let Err(source) = directory {
        let path = spec.cwd.clone();
        return Err(StartError::Directory { path, source });
    }
    // Sockets: unlike those of a pipe, nobody opens the other ends again through `/proc`.
    let (stdin, input) = UnixStream::pair().map_err(StartError::Sockets)?;
    let (stdout, output) = UnixStream::pair().map_err(StartError::Sockets)?;
    let mut command = match &spec.isolation {
        None => Command::new(&spec.program),
        Some(isolation) => isolated(isolation, &spec.program)?,
    };
    command
        .args(&spec.args)
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&spec.cwd)
        .stdin(OwnedFd::from(input))
        .stdout(OwnedFd::from(output))
        .stderr(Stdio::piped());
    let own = spec.umask.map(platform::set_umask);
    let spawned = Agent::spawn(&mut command, stdin, stdout);
    own.map(platform::set_umask);
    spawned.map_err(|source| StartError::Program {
        program: spec.program.clone(),
        source,
    })
}
