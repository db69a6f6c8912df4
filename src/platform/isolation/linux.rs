//! The processes of isolation: a parent outside, the first process inside, and the program.
//!
//! The parent is whom the runner knows. It ends as the program ended, and dies with its runner; the first
//! process dies with it, and with that everything inside, as the kernel ends a process namespace with its
//! first process. The program runs in a second user namespace, inside the one to which the mounts belong:
//! in there nobody has any right over them, also as its root.

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use super::mounts::{self, Doing as _, MountError};
use super::{FAILED, Isolation, sys};

/// How long what the program left behind may take to end after SIGTERM. As for one that is not isolated.
const LEFTOVER_WAIT: Duration = Duration::from_secs(2);

/// How often leftovers are looked for.
const LEFTOVER_POLL: Duration = Duration::from_millis(10);

/// Signals that a terminal or a runner sends to the whole group: the program's business only.
const PASSED_BY: [libc::c_int; 8] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGTSTP,
    libc::SIGALRM,
];

/// See [`super::run`].
pub(super) fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let isolation = arguments.next().unwrap_or_default();
    let isolation = match serde_json::from_slice(isolation.as_encoded_bytes()) {
        Ok(isolation) => isolation,
        Err(error) => return failed(&format!("cannot understand what to isolate: {error}")),
    };
    let command = arguments.next().map(|program| {
        let mut command = Command::new(program);
        command.args(arguments);
        command
    });
    match parent(&isolation, command) {
        Ok(code) => code,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(problem: &str) -> ExitCode {
    // Whoever started this reads it, or nobody.
    let _ = writeln!(io::stderr(), "cannot isolate: {problem}");
    ExitCode::from(FAILED)
}

/// Makes the namespaces; in the parent it comes back when the program has ended.
fn parent(isolation: &Isolation, command: Option<Command>) -> Result<ExitCode, MountError> {
    let runner = rustix::process::getppid();
    new_user_namespace(Path::new("/proc")).doing(|| {
        "make a user namespace (the system, or the container around it, may forbid them to unprivileged users)".to_owned()
    })?;
    // A change of rights can have undone what the runner had set.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .doing(|| "die with the runner".to_owned())?;
    if rustix::process::getppid() != runner {
        return Err(io::Error::other("it has ended"))
            .doing(|| "go on without the runner".to_owned());
    }
    let kinds = UnshareFlags::NEWPID | UnshareFlags::NEWIPC;
    sys::unshare(kinds).doing(|| "make a process namespace".to_owned())?;
    let (reader, writer) = io::pipe().doing(|| "make a pipe".to_owned())?;
    match sys::fork().doing(|| "start the first process".to_owned())? {
        None => {
            drop(reader);
            Ok(first(isolation, command, writer))
        }
        Some(child) => {
            drop(writer);
            wait_for(child, reader)
        }
    }
}

/// Stays until the first process has ended, and ends as the program did.
fn wait_for(child: libc::pid_t, mut reader: PipeReader) -> Result<ExitCode, MountError> {
    for signal in PASSED_BY {
        sys::ignore(signal, true);
    }
    // The program's input ends when it closes it.
    let _ = close_standard_streams();
    let status = loop {
        let waited = rustix::io::retry_on_intr(|| {
            rustix::process::waitpid(Pid::from_raw(child), WaitOptions::empty())
        });
        match waited.doing(|| "wait for the first process".to_owned())? {
            Some((_, status)) => break status,
            None => continue,
        }
    };
    let mut told = [0; 4];
    let status = match reader.read_exact(&mut told) {
        // The first process was killed, and the program with it.
        Err(_) if status.signaled() => ExitStatus::from_raw(Signal::KILL.as_raw()),
        // It failed before there was a program.
        Err(_) => return Ok(ExitCode::from(FAILED)),
        Ok(()) => ExitStatus::from_raw(i32::from_ne_bytes(told)),
    };
    if let Some(signal) = status.signal() {
        // Only the way of ending is to be the same.
        let _ =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
        sys::end_by(signal);
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::from(FAILED), ExitCode::from))
}

/// The first process of the namespace: builds what is seen, starts the program, takes its orphans in.
fn first(isolation: &Isolation, command: Option<Command>, mut writer: PipeWriter) -> ExitCode {
    let started = || -> Result<(Option<libc::pid_t>, OwnedFd), MountError> {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .doing(|| "die with the parent".to_owned())?;
        if has_no_reader(&writer) {
            return Err(io::Error::other("it has ended"))
                .doing(|| "go on without the parent".to_owned());
        }
        sys::unshare(UnshareFlags::NEWNS).doing(|| "make a mount namespace".to_owned())?;
        let processes = mounts::build(isolation)?;
        std::env::set_current_dir("/").doing(|| "leave the old directory".to_owned())?;
        let child = sys::fork().doing(|| "start the program".to_owned())?;
        Ok((child, processes))
    };
    let child = match started() {
        Ok((Some(child), _)) => child,
        Ok((None, processes)) => return program(isolation, command, &processes),
        Err(error) => return failed(&error.to_string()),
    };
    let _ = close_standard_streams();
    let closed = give_up_rights().and_then(|()| {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
            .map_err(io::Error::from)
    });
    if closed.is_err() {
        // With it ends the namespace.
        return ExitCode::from(FAILED);
    }
    let status = collect(|pid| pid == child);
    let _ = writer.write_all(&status.unwrap_or(Signal::KILL.as_raw()).to_ne_bytes());
    end_leftovers();
    ExitCode::SUCCESS
}

/// Collects children until one is found, or none is left.
fn collect(is_it: impl Fn(libc::pid_t) -> bool) -> Option<libc::c_int> {
    loop {
        match rustix::io::retry_on_intr(|| rustix::process::wait(WaitOptions::empty())) {
            Ok(Some((pid, status))) if is_it(pid.as_raw_nonzero().get()) => {
                return Some(status.as_raw());
            }
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// Asks what the program left behind to end, and waits for it a while. What is left then is killed with
/// this process.
fn end_leftovers() {
    ask_all_to_end();
    let deadline = Instant::now() + LEFTOVER_WAIT;
    while Instant::now() < deadline {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(LEFTOVER_POLL),
            Err(_) => return,
        }
    }
}

fn ask_all_to_end() {
    let Ok(entries) = fs::read_dir("/proc") else {
        return;
    };
    let all = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    for pid in all.filter(|pid| *pid != 1).filter_map(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
}

/// Becomes the program; comes back only when that is not possible. Without one it is a trial, and done.
fn program(isolation: &Isolation, command: Option<Command>, processes: &OwnedFd) -> ExitCode {
    let ready = || -> Result<(), MountError> {
        let processes = PathBuf::from(format!("/proc/self/fd/{}", processes.as_raw_fd()));
        new_user_namespace(&processes).doing(|| "make the program's user namespace".to_owned())?;
        std::env::set_current_dir(&isolation.directory)
            .doing(|| format!("start in {}", isolation.directory.display()))?;
        if let Some(program) = &isolation.program {
            rustix::fs::access(program, rustix::fs::Access::EXEC_OK)
                .doing(|| format!("run {} as an isolated agent sees it", program.display()))?;
        }
        sys::leave_session_keyring();
        rustix::thread::set_no_new_privs(true).doing(|| "rule out new privileges".to_owned())?;
        give_up_rights().doing(|| "give up rights".to_owned())?;
        keep_to_own_abstract_sockets();
        Ok(())
    };
    if let Err(error) = ready() {
        return failed(&error.to_string());
    }
    let Some(mut command) = command else {
        return ExitCode::SUCCESS;
    };
    let name = command.get_program().to_string_lossy().into_owned();
    let error = command.exec();
    failed(&format!("cannot start {name}: {error}"))
}

/// Makes a user namespace in which this user is the only one. `processes` is a place with the processes as
/// files that can be written to.
fn new_user_namespace(processes: &Path) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    sys::unshare(UnshareFlags::NEWUSER)?;
    let own = processes.join("self");
    fs::write(own.join("setgroups"), "deny")?;
    fs::write(own.join("uid_map"), format!("{user} {user} 1"))?;
    fs::write(own.join("gid_map"), format!("{group} {group} 1"))
}

/// Gives up every right of this process in its user namespace, for good.
fn give_up_rights() -> io::Result<()> {
    for number in 0..u64::BITS {
        let right = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(right) {
            Ok(()) => {}
            // The kernel knows no more of them.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none)?;
    Ok(())
}

/// Closes the way to abstract sockets, which have no place in a file system, of programs outside. Kernels
/// before 6.12 do not have that, and then they stay open.
fn keep_to_own_abstract_sockets() {
    use landlock::{Ruleset, RulesetAttr as _, Scope};
    let ruled = Ruleset::default()
        .scope(Scope::AbstractUnixSocket)
        .and_then(Ruleset::create);
    if let Ok(ruleset) = ruled {
        let _ = ruleset.restrict_self();
    }
}

/// Puts nothing in the place of the standard streams.
fn close_standard_streams() -> io::Result<()> {
    let nothing = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}

/// Whether the parent is gone already.
fn has_no_reader(writer: &PipeWriter) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec};
    let mut gone = [PollFd::new(writer, PollFlags::empty())];
    rustix::event::poll(&mut gone, Some(&Timespec::default())).is_ok_and(|count| count > 0)
}
