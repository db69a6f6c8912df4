//! The few system calls in which Linux and macOS differ: process identity and
//! ancestry, sessions and process groups, sparse files.
//!
//! Both systems offer the same functions; what a system lacks is a stated
//! no-op or `None`, never a guess. This is the only module that may hold
//! `unsafe` code. It knows nothing of sessions, sockets' protocols or the
//! store. Called by the runner (spawning and ending agents) and by the daemon
//! (whose program a process is, and below which runner).

use std::io;

mod atomic_file;
mod file_system;
mod fork;
pub mod isolation;
mod job;
mod links;
mod locks;
mod program;
mod regular_file;
pub mod sender;
mod socket_path;
mod umask;
mod walk;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;

use system::leads_session;

pub use atomic_file::write_atomically;
pub use file_system::{is_remote, open_own_directory, room_on_disk, spare_access_time};
pub use fork::fork;
pub use job::stop;
pub use links::{FileKind, follow_links};
pub use locks::{describe_process, lock_holders, who_holds, who_holds_database};
pub use program::{installed_program, is_executable, on_path, running_program};
pub use regular_file::{Links, open_regular, open_regular_with, read_regular};
pub use socket_path::{SOCKET_DIR_MAX, SocketPath};
pub use system::{
    abstract_listeners, become_subreaper, boot_id, descendants, environ_var, hide_from_others,
    is_zombie, mount_namespace, next_data, parent_of, peer_pid, process_name, process_start_time,
    processes_called, punch_hole, since_boot, socket_holders, spawn_in_new_group_dying_with_parent,
    start_clock, thread_count,
};
pub use umask::{keep_files_private, set_umask, user_umask};
pub use walk::{
    ProcessHandle, RUNNER, SESSION_MARK, Step, WalkError, effective_user, has_a_runner, is_stopped,
    send_signal, walk,
};

/// What the system tells of a process at once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Vitals {
    id: ProcessId,
    ended: bool,
    stopped: bool,
    parent: u32,
    session: u32,
    has_terminal: bool,
    name: String,
}

/// How many files this process has open, and how many it may; none where the system does not tell.
#[must_use]
pub fn open_files() -> Option<(u64, u64)> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    // The look itself opens one.
    let open = std::fs::read_dir("/dev/fd").ok()?.count().saturating_sub(1);
    Some((open as u64, limit.unwrap_or(u64::MAX)))
}

/// The user that this process acts for.
#[must_use]
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A user's name, where the system knows one.
#[must_use]
pub fn describe_user(uid: u32) -> String {
    let plain = |name: &String| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    user_name(uid)
        .filter(plain)
        .unwrap_or_else(|| uid.to_string())
}

/// The name of a user, where there is one.
#[must_use]
pub fn user_name(uid: u32) -> Option<String> {
    uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned())
}

/// Collects children of this process that have ended and may be collected.
pub fn collect_children(may_be: impl Fn(u32) -> bool) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // Mostly there is none, and then not all processes need to be looked through.
    if !matches!(waitid(WaitId::All, look), Ok(Some(_))) {
        return;
    }
    let me = std::process::id();
    for pid in descendants(me) {
        if parent_of(pid) == Some(me) && is_zombie(pid) && may_be(pid) {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // Whoever else waited for it has it then.
            let _ = pid.map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
        }
    }
}

/// Whether an address is one of this machine's.
#[must_use]
pub fn is_own_address(address: std::net::IpAddr) -> bool {
    // The system lets nobody bind another one's.
    let address = address.to_canonical();
    address.is_loopback() || std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// The processes at one end of a TCP connection on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketHolders {
    /// The user that the socket belongs to.
    pub uid: u32,
    /// Processes that show that they hold it.
    pub shown: Vec<u32>,
    /// Processes that do not show what they hold; looked for only where none shows that it does.
    pub hidden: Vec<u32>,
}

/// A process that cannot be mistaken for a later one with the same pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// The process id.
    pub pid: u32,
    /// When it started: clock ticks since boot on Linux, microseconds since
    /// the epoch on macOS. Only good for comparing on one machine and boot.
    pub start_time: u64,
}

impl ProcessId {
    /// Whether it is there, also as one that has ended and only waits for its parent.
    #[must_use]
    pub fn exists(self) -> bool {
        process_start_time(self.pid) == Some(self.start_time)
    }
}

/// Makes this process the leader of a session of its own, without a terminal;
/// does nothing if it leads one already.
///
/// # Errors
/// Fails if this process leads a process group within another's session; a
/// launcher must not put it into a group of its own.
pub fn new_session() -> io::Result<()> {
    match rustix::process::setsid() {
        // Asked only now: in a container whose first session began outside of it, that session
        // has no number in here, and the answer is then no pid at all.
        Err(rustix::io::Errno::PERM) if leads_session() => Ok(()),
        tried => tried.map(drop).map_err(io::Error::from),
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
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    fn sleeper() -> std::process::Child {
        Command::new("sh")
            .args(["-c", "sleep 600 & echo ready; wait"])
            .env("PLATFORM_TEST", "a=b c")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn wait_ready(child: &mut std::process::Child) {
        let mut line = [0; 6];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut line)
            .unwrap();
    }

    #[test]
    fn a_process_knows_its_place_in_the_tree() {
        let mut child = sleeper();
        wait_ready(&mut child);
        let me = std::process::id();
        assert_eq!(parent_of(child.id()), Some(me));
        let below = descendants(me);
        assert!(below.contains(&child.id()));
        let grandchild = *descendants(child.id()).first().expect("the sleep");
        assert!(below.contains(&grandchild), "all generations");
        let up = walk(grandchild).unwrap();
        let up: Vec<u32> = up.iter().map(|step| step.pid).collect();
        assert_eq!(up.get(..3), Some(&[grandchild, child.id(), me][..]));
        assert_eq!(process_start_time(me), process_start_time(me));
        assert!(process_name(child.id()).unwrap().contains("sh"));
        for pid in [grandchild, child.id()] {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        let gone = child.id();
        child.wait().unwrap();
        assert_eq!(process_start_time(gone), None);
        assert_eq!(walk(gone), Err(WalkError::Gone(gone)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_environment_of_a_process_can_be_asked() {
        let mut child = sleeper();
        wait_ready(&mut child);
        assert_eq!(
            environ_var(child.id(), "PLATFORM_TEST").as_deref(),
            Some("a=b c")
        );
        assert_eq!(environ_var(child.id(), "PLATFORM"), None);
        for pid in descendants(child.id()) {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_hole_keeps_the_size_and_what_follows() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 8192 + 3]).unwrap();
        punch_hole(&file, 0).unwrap();
        punch_hole(&file, 8192).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 8195);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_ends_of_a_connection_are_found_with_their_holders() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(address) else {
                continue; // A machine without IPv6.
            };
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, remote) = listener.accept().unwrap();
            let local = server.local_addr().unwrap();
            for (end, other) in [(remote, local), (local, remote)] {
                let holders = socket_holders(end, other).unwrap().unwrap();
                assert!(holders.shown.contains(&std::process::id()), "{holders:?}");
                assert_eq!(holders.uid, rustix::process::geteuid().as_raw());
            }
            let elsewhere = std::net::SocketAddr::new(local.ip(), 1);
            assert_eq!(socket_holders(elsewhere, local).unwrap(), None);
            drop(client);
        }
    }

    #[test]
    fn the_boot_has_a_name() {
        assert!(boot_id().is_some_and(|id| !id.is_empty()));
    }
}
