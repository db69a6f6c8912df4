//! Linux: process facts from `/proc`, the rest through rustix.
//!
//! Owns the `unsafe` calls on this system: a closure that runs in a
//! spawned child between fork and exec, and the question who connected a socket. Called only through the parent module.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::FallocateFlags;
use rustix::process::Signal;

use super::SocketHolders;

/// What the kernel tells of a process in one of its files. Such a file has no size, so a plain reading feels its
/// way in small steps, each of which the kernel answers anew; here one step takes all.
fn fact(pid: u32, file: &str) -> io::Result<Vec<u8>> {
    /// More than all of these files hold but some environments.
    const USUAL: usize = 8 * 1024;
    let mut bytes = vec![0; USUAL];
    // An environment is memory of the process, of which one step may give a part. Of the kernel's own texts it gives
    // all that there is room for, so their end need not be looked for.
    let is_text = file != "environ";
    let mut file = File::open(format!("/proc/{pid}/{file}"))?;
    let found = file.read(&mut bytes)?;
    bytes.truncate(found);
    if !is_text || found == USUAL {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The same as text.
fn fact_text(pid: u32, file: &str) -> Option<String> {
    String::from_utf8(fact(pid, file).ok()?).ok()
}

/// Makes orphans below this process its own children, whatever sessions or
/// groups they moved to.
///
/// # Errors
/// The kernel's refusal; kernels since 3.4 do not refuse.
pub fn become_subreaper() -> io::Result<()> {
    // Any pid but none switches it on; it always concerns the caller.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Lets the command's child lead a process group of its own and be killed
/// (SIGKILL) when the *thread* that spawns it ends: spawn from a thread that
/// lives as long as the process.
pub fn spawn_in_new_group_dying_with_parent(command: &mut Command) -> &mut Command {
    let parent = rustix::process::getpid();
    command.process_group(0);
    let die_with_parent = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that died before the line above sends nothing any more.
        if rustix::process::getppid() != Some(parent) {
            return Err(rustix::io::Errno::SRCH.into());
        }
        Ok(())
    };
    #[allow(
        unsafe_code,
        reason = "the closure makes two plain system calls and allocates nothing, which is safe between fork and exec"
    )]
    unsafe {
        command.pre_exec(die_with_parent)
    }
}

/// Whether this process leads its session. Not asked by `getsid`, which answers 0 for a session
/// from outside our pid namespace, and 0 is no pid.
pub(super) fn leads_session() -> bool {
    let me = std::process::id();
    // Field 6 of the file, the fourth behind the name.
    stat_field(me, 3).is_some_and(|session| session == me.to_string())
}

/// When the process started, in clock ticks since boot; `None` if there is no
/// such process.
#[must_use]
pub fn process_start_time(pid: u32) -> Option<u64> {
    // Field 22 of the file, the 20th behind the name.
    stat_field(pid, 19)?.parse().ok()
}

/// Now, by the clock of [`process_start_time`].
#[must_use]
pub fn start_clock() -> u64 {
    // A tick is a hundredth of a second for every program.
    since_boot().map_or(u64::MAX, |passed| {
        u64::try_from(passed.as_millis() / 10).unwrap_or(u64::MAX)
    })
}

/// Whether a process has ended and only waits for its parent to take note.
#[must_use]
pub fn is_zombie(pid: u32) -> bool {
    stat_field(pid, 0).is_some_and(|state| matches!(state.as_str(), "Z" | "X"))
}

/// The parent's pid; 0 for a process whose parent is outside our namespace.
#[must_use]
pub fn parent_of(pid: u32) -> Option<u32> {
    stat_field(pid, 1)?.parse().ok()
}

/// The name of the program it runs, at most 15 bytes.
#[must_use]
pub fn process_name(pid: u32) -> Option<String> {
    let bytes = fact(pid, "comm").ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// The pids of all processes below `pid`, all generations, in no useful order.
/// A snapshot: whoever means to end them all must ask again until it is empty.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let all: Vec<(u32, u32)> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        for &(child, its_parent) in &all {
            if its_parent == parent && !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found.remove(0);
    found
}

/// A variable of the environment the process was started with; `None` if it
/// has none or we may not look.
#[must_use]
pub fn environ_var(pid: u32, name: &str) -> Option<String> {
    let bytes = fact(pid, "environ").ok()?;
    bytes.split(|byte| *byte == 0).find_map(|pair| {
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// Gives back the disk blocks of the first `len` bytes of a file, which then
/// read as zeros; the file keeps its size.
///
/// # Errors
/// The file system does not do that, or the file is not open for writing.
pub fn punch_hole(file: &File, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file, flags, 0, len)?;
    Ok(())
}

/// Where a file next has data, from an offset on: what was given back to the disk is skipped. Its end where there is
/// none; the offset itself where the file system does not tell.
#[must_use]
pub fn next_data(file: &File, from: u64) -> u64 {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(from)) {
        Ok(at) => at.max(from),
        Err(rustix::io::Errno::NXIO) => u64::MAX,
        Err(_) => from,
    }
}

/// A name for this run of the kernel: pids and start times mean something only
/// within one.
#[must_use]
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim_end().to_owned())
}

/// Who holds the end `end` of a TCP connection with `other`; `None` if this machine knows no such end.
///
/// # Errors
/// What reading `/proc` answers.
pub fn socket_holders(end: SocketAddr, other: SocketAddr) -> io::Result<Option<SocketHolders>> {
    let Some((uid, inode)) = find_socket(canonical(end), canonical(other))? else {
        return Ok(None);
    };
    let link = format!("socket:[{inode}]");
    let mut holders = SocketHolders {
        uid,
        ..SocketHolders::default()
    };
    let pids: Vec<u32> = fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for pid in &pids {
        match holds(&format!("/proc/{pid}/fd"), &link) {
            Shown::Yes => holders.shown.push(*pid),
            Shown::No => {}
            Shown::Hidden => holders.hidden.push(*pid),
        }
    }
    if holders.shown.is_empty() {
        // A thread may have a table of its own.
        for pid in pids {
            let tasks = fs::read_dir(format!("/proc/{pid}/task"));
            let mut tasks = tasks.into_iter().flatten().flatten();
            if tasks.any(|task| {
                let table = task.path().join("fd");
                matches!(holds(&table.to_string_lossy(), &link), Shown::Yes)
            }) {
                holders.shown.push(pid);
            }
        }
    }
    if !holders.shown.is_empty() {
        holders.hidden.clear();
    }
    Ok(Some(holders))
}

enum Shown {
    Yes,
    No,
    Hidden,
}

/// Whether a table of open files has a link.
fn holds(table: &str, link: &str) -> Shown {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let entries = match fs::read_dir(table) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Shown::No,
        Err(_) => return Shown::Hidden,
    };
    let mut hidden = false;
    for entry in entries.flatten() {
        match fs::read_link(entry.path()) {
            Ok(target) if target.as_os_str() == link => return Shown::Yes,
            Ok(_) => {}
            Err(error) if gone(&error) => {}
            Err(_) => hidden = true,
        }
    }
    if hidden { Shown::Hidden } else { Shown::No }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The owner and the inode of a TCP socket with these ends.
fn find_socket(end: SocketAddr, other: SocketAddr) -> io::Result<Option<(u32, u64)>> {
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = match fs::read_to_string(table) {
            Ok(text) => text,
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let found = text.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
            let [_, local, remote, _, _, _, _, uid, _, inode] = fields.as_slice() else {
                return None;
            };
            let here = table_address(local)? == end && table_address(remote)? == other;
            // A connection that is over has no inode.
            let inode = inode.parse().ok().filter(|inode| *inode != 0)?;
            here.then_some((uid.parse().ok()?, inode))
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// An address of the kernel's tables: hexadecimal words in memory order, then the port.
fn table_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for start in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(start..start + 8)?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// The fields of `/proc/PID/stat` that a walk needs; `None` if there is no such process.
pub(super) fn vitals(pid: u32) -> Option<super::Vitals> {
    let bytes = fact(pid, "stat").ok()?;
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(bytes.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(bytes.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(20).collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    Some(super::Vitals {
        id: super::ProcessId {
            pid,
            start_time: fields.get(19)?.parse().ok()?,
        },
        ended: matches!(*fields.first()?, "Z" | "X"),
        // Not one that a debugger holds ("t").
        stopped: *fields.first()? == "T",
        parent: u32::try_from(number(1)?).ok()?,
        session: u32::try_from(number(3)?).unwrap_or(0),
        has_terminal: number(4)? != 0,
        name,
    })
}

/// The real and the effective user of a process.
pub(super) fn users_of(pid: u32) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    // The owner is the effective user, or root for a process that hides from its user. Only then
    // is the longer file read.
    let owner = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    if owner != 0 {
        return Some((owner, owner));
    }
    let status = fact_text(pid, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let mut users = line.split_ascii_whitespace();
    Some((users.next()?.parse().ok()?, users.next()?.parse().ok()?))
}

/// The file of the program that a process runs; none where the process hides it.
pub(super) fn program_of(pid: u32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The first words of a process's command line, as far as they are in its first bytes.
pub(super) fn arguments_of(pid: u32) -> Vec<String> {
    let mut bytes = [0; COMMAND_LINE];
    command_line(pid, &mut bytes).map_or_else(Vec::new, split)
}

/// How much of a command line is read.
const COMMAND_LINE: usize = 4096;

/// The beginning of a process's command line, its words each with a zero behind.
fn command_line(pid: u32, bytes: &mut [u8; COMMAND_LINE]) -> Option<&[u8]> {
    let mut file = File::open(format!("/proc/{pid}/cmdline")).ok()?;
    let read = file.read(bytes).unwrap_or(0);
    bytes.get(..read)
}

fn split(command_line: &[u8]) -> Vec<String> {
    command_line
        .split(|byte| *byte == 0)
        .take(8)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The control group of a process, in the hierarchy that systemd names.
pub(super) fn control_group_of(pid: u32) -> Option<String> {
    let text = fact_text(pid, "cgroup")?;
    let of = |prefix: &str| {
        let line = text.lines().find(|line| line.starts_with(prefix))?;
        line.splitn(3, ':').nth(2).map(str::to_owned)
    };
    let unified = of("0::").filter(|path| path != "/");
    unified.or_else(|| {
        let line = text.lines().find(|line| line.contains(":name=systemd:"))?;
        line.splitn(3, ':').nth(2).map(str::to_owned)
    })
}

/// The processes of this machine whose command line begins with these words, in no order.
#[must_use]
pub fn processes_called(words: &[&str]) -> Vec<(u32, Vec<String>)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    // Nearly all of them are none of these: their words are not taken apart.
    let beginning: Vec<u8> = words
        .iter()
        .flat_map(|word| [word.as_bytes(), b"\0"].concat())
        .collect();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| {
            let mut bytes = [0; COMMAND_LINE];
            let read = command_line(pid, &mut bytes)?;
            read.starts_with(&beginning).then(|| (pid, split(read)))
        })
        .collect()
}

/// A handle on the process that connected a Unix socket, which stays that process's whoever gets its
/// number later. None where the kernel does not offer it (before 6.5).
pub(super) fn peer_handle(socket: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    use std::os::fd::{AsRawFd as _, FromRawFd as _};
    /// The same on every architecture that this program is built for.
    const SO_PEERPIDFD: libc::c_int = 77;
    let mut handle: libc::c_int = -1;
    let mut size = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4);
    #[allow(
        unsafe_code,
        reason = "the kernel writes one integer into `handle`, whose size is given"
    )]
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PEERPIDFD,
            (&raw mut handle).cast(),
            &raw mut size,
        )
    };
    if answer == 0 && handle >= 0 {
        #[allow(
            unsafe_code,
            reason = "the kernel has just made this descriptor for us, and nobody else has it"
        )]
        return Ok(Some(unsafe { OwnedFd::from_raw_fd(handle) }));
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ENOPROTOOPT) {
        return Ok(None);
    }
    Err(error)
}

/// The process that connected a Unix socket, as its number was then.
#[must_use]
pub fn peer_pid(socket: BorrowedFd<'_>) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(socket).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// How many threads a process has; none if there is no such process.
#[must_use]
pub fn thread_count(pid: u32) -> Option<u32> {
    // Field 20 of the file, the 18th behind the name.
    stat_field(pid, 17)?.parse().ok()
}

/// Which mount namespace this process is in.
#[must_use]
pub fn mount_namespace() -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt as _;
    let link = fs::read_link("/proc/self/ns/mnt").ok()?;
    Some(link.into_os_string().into_vec())
}

/// The names without a file that begin so and on which somebody listens, in this network namespace; at most so many.
#[must_use]
pub fn abstract_listeners(prefix: &[u8], most: usize) -> Vec<Vec<u8>> {
    /// So much of the list is read.
    const LIST: u64 = 64 * 1024 * 1024;
    let Ok(file) = File::open("/proc/self/net/unix") else {
        return Vec::new();
    };
    let mut list = Vec::new();
    if file.take(LIST).read_to_end(&mut list).is_err() {
        return Vec::new();
    }
    let lines = list.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| abstract_listener(line))
        .filter(|name| name.starts_with(prefix))
        .take(most)
        .map(<[u8]>::to_vec)
        .collect()
}

/// The name in a line of the list of Unix sockets, where it is no file's and somebody listens on it.
fn abstract_listener(line: &[u8]) -> Option<&[u8]> {
    const LISTENS: u32 = 0x1_0000;
    // Number: references, protocol, flags, type, state, inode, and the name behind a blank.
    let mut fields = line.splitn(8, |byte| *byte == b' ');
    let flags = std::str::from_utf8(fields.nth(3)?).ok()?;
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let rest = fields.nth(3)?;
    // The inode is padded.
    let name = rest.trim_ascii_start();
    let name = match name.iter().position(|byte| *byte == b' ') {
        Some(at) if name.first() != Some(&b'@') => name.get(at + 1..)?,
        _ => name,
    };
    (flags & LISTENS != 0)
        .then(|| name.strip_prefix(b"@"))
        .flatten()
}

/// How long the system has run, times of sleep included.
#[must_use]
pub fn since_boot() -> Option<std::time::Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    #[allow(
        unsafe_code,
        reason = "one time is written into `time`. Asked of the C library, so that a test can put another clock there"
    )]
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).ok().filter(|_| answer == 0)?;
    let rest = u32::try_from(time.tv_nsec).ok()?;
    Some(std::time::Duration::new(seconds, rest))
}

/// Keeps other processes of this user out of this one's memory, environment and open files, and its
/// memory out of core dumps.
///
/// # Errors
/// The kernel's refusal.
pub fn hide_from_others() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Field `index` of `/proc/PID/stat`, counted from the one behind the name
/// (the state). The name is in parentheses and may hold any byte, so only the
/// last parenthesis ends it.
fn stat_field(pid: u32, index: usize) -> Option<String> {
    let bytes = fact(pid, "stat").ok()?;
    let behind = bytes.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(bytes.get(behind..)?).ok()?;
    rest.split_ascii_whitespace()
        .nth(index)
        .map(ToOwned::to_owned)
}
