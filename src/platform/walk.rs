//! The way up from a process to the first one of its system, each step proven.
//!
//! Owns reading a consistent chain: the facts of a parent are read between two looks at its child that
//! agree on who the parent is, so they are that parent's and nobody's who got its number. What the
//! facts mean is the reader's business.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::{ProcessId, Vitals, system};

/// How often a walk is tried before it is given up.
const ATTEMPTS: u32 = 8;

/// No real chain is longer.
const DEPTH: usize = 4096;

/// The variable that marks the programs of a session.
pub const SESSION_MARK: &str = "HUMANLAYER_SESSION_ID";

/// The hidden subcommand that is a runner, followed by its directory. Daemons and clients know runners by it.
pub const RUNNER: &str = "__runner";

/// Whether one of these processes is a session's runner: what is below one was started by an agent, or is one.
#[must_use]
pub fn has_a_runner(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.runner_directory().is_some())
}

/// One process of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Its process id.
    pub pid: u32,
    /// When it started; see [`ProcessId`].
    pub start_time: u64,
    /// Its parent; 0 where that is outside of our namespace.
    pub parent: u32,
    /// Its session, which only a process that begins a new one leaves; 0 where that is not known.
    pub session: u32,
    /// Whether it has a controlling terminal.
    pub has_terminal: bool,
    /// Its name, at most 15 bytes, as the system has it.
    pub name: String,
    /// Its real and its effective user; none where that cannot be read.
    pub users: Option<(u32, u32)>,
    /// The file of its program; none where it hides that.
    pub program: Option<PathBuf>,
    /// The first words of its command line.
    pub arguments: Vec<String>,
    /// The session whose mark its environment carries.
    pub mark: Option<String>,
    /// Its control group; read for the last steps of a walk only.
    pub control_group: Option<String>,
}

impl Step {
    /// Which process it is.
    #[must_use]
    pub fn id(&self) -> ProcessId {
        ProcessId {
            pid: self.pid,
            start_time: self.start_time,
        }
    }

    /// The directory of the runner that it is, by its command line, which nobody else can change.
    #[must_use]
    pub fn runner_directory(&self) -> Option<&str> {
        if self.arguments.get(1).map(String::as_str) != Some(RUNNER) {
            return None;
        }
        let directory = self.arguments.get(2)?.trim_end_matches('/');
        directory.rsplit('/').next()
    }

    /// The name of its program's file, else its name.
    #[must_use]
    pub fn program_name(&self) -> String {
        let file = self.program.as_ref().and_then(|path| path.file_name());
        match file {
            Some(name) => name
                .to_string_lossy()
                .trim_end_matches(" (deleted)")
                .to_owned(),
            None => self.name.clone(),
        }
    }
}

/// Why a walk proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// A process is gone, is about to be, or hides.
    #[error("process {0} has ended or cannot be looked at")]
    Gone(u32),
    /// A process is there, and the system does not show it.
    #[error("process {0} cannot be looked at: /proc is not mounted, or hides it (hidepid)")]
    Hidden(u32),
    /// The chain changed each time that it was read.
    #[error("the processes above process {0} changed each time they were looked at")]
    Unstable(u32),
}

/// A process and all above it, the process itself first. Ends at process 1, or at a process whose
/// parent is outside of our namespace.
///
/// # Errors
/// [`WalkError`]; never a part of the way.
pub fn walk(pid: u32) -> Result<Vec<Step>, WalkError> {
    let mut problem = WalkError::Unstable(pid);
    for _ in 0..ATTEMPTS {
        match walk_once(pid) {
            Ok(Some(steps)) => return Ok(steps),
            Ok(None) => problem = WalkError::Unstable(pid),
            Err(hidden) if is_hidden(hidden) => problem = WalkError::Hidden(hidden),
            Err(gone) => problem = WalkError::Gone(gone),
        }
    }
    Err(problem)
}

/// Whether a process is there, of which nothing can be read.
fn is_hidden(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    let is_there = match test_kill_process(process) {
        Ok(()) => true,
        Err(cause) => cause == rustix::io::Errno::PERM,
    };
    is_there && system::vitals(pid).is_none()
}

/// One reading; none where it changed meanwhile, an error where a process could not be read.
fn walk_once(pid: u32) -> Result<Option<Vec<Step>>, u32> {
    let mut steps: Vec<Step> = Vec::with_capacity(16);
    let mut child: Option<Vitals> = None;
    let mut next = pid;
    while steps.len() < DEPTH {
        let vitals = system::vitals(next).filter(|vitals| !vitals.ended);
        let vitals = vitals.ok_or(next)?;
        if child
            .as_ref()
            .is_some_and(|child| vitals.id.start_time > child.id.start_time)
        {
            return Ok(None);
        }
        let step = facts(&vitals);
        if let Some(child) = &child {
            let again = system::vitals(child.id.pid).ok_or(child.id.pid)?;
            if again.id != child.id || again.parent != child.parent {
                return Ok(None);
            }
        }
        steps.push(step);
        if next == 1 || vitals.parent == 0 {
            // The process that was asked about is still itself.
            let first = steps.first().map(Step::id);
            let now = system::vitals(pid).filter(|now| !now.ended).ok_or(pid)?;
            if first != Some(now.id) {
                return Ok(None);
            }
            for step in steps.iter_mut().rev().take(3) {
                step.control_group = system::control_group_of(step.pid);
            }
            return Ok(Some(steps));
        }
        next = vitals.parent;
        child = Some(vitals);
    }
    Ok(None)
}

fn facts(vitals: &Vitals) -> Step {
    let pid = vitals.id.pid;
    Step {
        pid,
        start_time: vitals.id.start_time,
        parent: vitals.parent,
        session: vitals.session,
        has_terminal: vitals.has_terminal,
        name: vitals.name.clone(),
        users: system::users_of(pid),
        program: system::program_of(pid),
        arguments: system::arguments_of(pid),
        mark: system::environ_var(pid, SESSION_MARK).filter(|id| !id.is_empty()),
        control_group: None,
    }
}

/// Whether a process is there and was stopped by a signal.
#[must_use]
pub fn is_stopped(process: ProcessId) -> bool {
    system::vitals(process.pid)
        .is_some_and(|vitals| vitals.id == process && vitals.stopped && !vitals.ended)
}

/// Sends a signal to this process, and to none that got its number.
///
/// # Errors
/// When it is gone, or the system refuses.
pub fn send_signal(process: ProcessId, signal: rustix::process::Signal) -> io::Result<()> {
    let handle = ProcessHandle::open(process.pid);
    let is_itself = system::vitals(process.pid).is_some_and(|vitals| vitals.id == process);
    if !is_itself {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("process {} has ended", process.pid),
        ));
    }
    #[cfg(target_os = "linux")]
    if let Some(handle) = handle {
        return rustix::process::pidfd_send_signal(&handle.0, signal).map_err(io::Error::from);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = handle;
    let pid = i32::try_from(process.pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or(io::ErrorKind::NotFound)?;
    rustix::process::kill_process(pid, signal).map_err(io::Error::from)
}

/// The effective user of a process; none if it is gone.
#[must_use]
pub fn effective_user(pid: u32) -> Option<u32> {
    system::users_of(pid).map(|(_, effective)| effective)
}

/// A process that is held on to: its number may go to another one, this does not.
#[derive(Debug)]
pub struct ProcessHandle(OwnedFd);

impl ProcessHandle {
    /// The process that connected a Unix socket; none where the system has no such handles, an error
    /// where that process is gone.
    ///
    /// # Errors
    /// What the system answers.
    pub fn of_peer(socket: BorrowedFd<'_>) -> io::Result<Option<Self>> {
        Ok(system::peer_handle(socket)?.map(Self))
    }

    /// The process that has this number now; none where the system has no such handles.
    #[must_use]
    pub fn open(pid: u32) -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
            let flags = rustix::process::PidfdFlags::empty();
            rustix::process::pidfd_open(pid, flags).ok().map(Self)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = pid;
            None
        }
    }

    /// Whether it has not ended. Its number is its own as long as this is so.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let mut ended = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        let now = Timespec::default();
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut ended, Some(&now)))
            .is_ok_and(|ready| ready == 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test says what went wrong by failing"
    )]
    use super::*;

    #[test]
    fn a_walk_begins_at_the_process_and_ends_at_the_first_one() {
        let me = std::process::id();
        let steps = walk(me).unwrap();
        let first = steps.first().unwrap();
        assert_eq!(first.pid, me);
        assert!(first.users.is_some());
        for pair in steps.windows(2) {
            assert_eq!(pair[0].parent, pair[1].pid);
            assert!(pair[0].start_time >= pair[1].start_time);
        }
        let last = steps.last().unwrap();
        assert!(last.pid == 1 || last.parent == 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_ended_proves_nothing_even_while_it_is_a_zombie() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .env(SESSION_MARK, "session")
            .spawn()
            .unwrap();
        let handle = ProcessHandle::open(child.id()).expect("a handle");
        assert!(handle.is_alive());
        let steps = walk(child.id()).unwrap();
        // Until it has become the other program it has our environment.
        assert_eq!(steps[1].pid, std::process::id());
        child.kill().unwrap();
        while handle.is_alive() {
            std::thread::yield_now();
        }
        assert_eq!(walk(child.id()), Err(WalkError::Gone(child.id())));
        child.wait().unwrap();
        assert_eq!(walk(child.id()), Err(WalkError::Gone(child.id())));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_is_held_by_who_connected_it() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        if let Some(handle) = ProcessHandle::of_peer(ours.as_fd()).unwrap() {
            assert!(handle.is_alive());
        }
    }
}
