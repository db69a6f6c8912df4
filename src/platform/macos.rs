//! macOS: process facts from libproc and sysctl through libc.
//!
//! The system has neither subreapers nor a signal on the parent's death, so
//! there those are no-ops and a process group is all that holds an agent's
//! processes together. Called only through the parent module.
#![allow(
    unsafe_code,
    reason = "libproc and sysctl have no safe wrapper; each call passes a buffer it owns together with that buffer's size"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// `PROC_PIDT_SHORTBSDINFO`: what anyone may know of any process.
const SHORT_INFO: c_int = 13;

/// `struct proc_bsdshortinfo` of `<sys/proc_info.h>`.
#[repr(C)]
#[derive(Clone, Copy)]
struct ShortInfo {
    pid: u32,
    parent: u32,
    group: u32,
    status: u32,
    name: [c_char; 16],
    flags: u32,
    ids: [u32; 6],
    reserved: u32,
}

/// Does nothing: orphans go to launchd on this system.
///
/// # Errors
/// None.
pub fn become_subreaper() -> io::Result<()> {
    Ok(())
}

/// Lets the command's child lead a process group of its own. It is not killed
/// with its parent, which this system does not offer.
pub fn spawn_in_new_group_dying_with_parent(command: &mut Command) -> &mut Command {
    command.process_group(0)
}

/// Whether this process leads its session.
pub(super) fn leads_session() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session == rustix::process::getpid())
}

/// When the process started, in microseconds since the epoch; `None` if there
/// is no such process, 0 if it belongs to another user and so hides it.
#[must_use]
pub fn process_start_time(pid: u32) -> Option<u64> {
    match info::<libc::proc_bsdinfo>(pid, libc::PROC_PIDTBSDINFO) {
        Some(full) => Some(full.pbi_start_tvsec * 1_000_000 + full.pbi_start_tvusec),
        None => info::<ShortInfo>(pid, SHORT_INFO).map(|_| 0),
    }
}

/// Now, by the clock of [`process_start_time`].
#[must_use]
pub fn start_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

/// Whether a process has ended and only waits for its parent to take note.
#[must_use]
pub fn is_zombie(pid: u32) -> bool {
    info::<libc::proc_bsdinfo>(pid, libc::PROC_PIDTBSDINFO)
        .is_some_and(|full| full.pbi_status == libc::SZOMB)
}

/// The parent's pid.
#[must_use]
pub fn parent_of(pid: u32) -> Option<u32> {
    Some(info::<ShortInfo>(pid, SHORT_INFO)?.parent)
}

/// The name of the program it runs, at most 15 bytes.
#[must_use]
pub fn process_name(pid: u32) -> Option<String> {
    let name: Vec<u8> = info::<ShortInfo>(pid, SHORT_INFO)?
        .name
        .iter()
        .map(|byte| byte.cast_unsigned())
        .take_while(|byte| *byte != 0)
        .collect();
    Some(String::from_utf8_lossy(&name).into_owned())
}

/// The pids of all processes below `pid`, all generations, in no useful order.
/// Orphans are below launchd here, so they are not found.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = all_pids()
        .into_iter()
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

/// Always `None`: the system does not show another process's environment
/// reliably.
#[must_use]
pub fn environ_var(_pid: u32, _name: &str) -> Option<String> {
    None
}

/// Does nothing: the system has holes only at positions that the file system
/// picks, and keeping the blocks is correct.
///
/// # Errors
/// None.
pub fn punch_hole(_file: &File, _len: u64) -> io::Result<()> {
    Ok(())
}

/// Where a file next has data, from an offset on: nothing was given back here.
#[must_use]
pub fn next_data(_file: &File, from: u64) -> u64 {
    from
}

/// A name for this run of the kernel.
#[must_use]
pub fn boot_id() -> Option<String> {
    let mut buffer = [0_u8; 64];
    let mut size = buffer.len();
    // SAFETY: `size` is the length of `buffer`; nothing is written to the kernel.
    let answer = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            buffer.as_mut_ptr().cast::<c_void>(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    if answer != 0 {
        return None;
    }
    let id = CStr::from_bytes_until_nul(&buffer).ok()?;
    Some(id.to_string_lossy().into_owned())
}

/// Every pid of the system.
fn all_pids() -> Vec<u32> {
    // SAFETY: asking for the count alone takes no buffer.
    let count = unsafe { libc::proc_listallpids(std::ptr::null_mut(), 0) };
    // Some room for those that start meanwhile.
    let mut pids = vec![0_i32; usize::try_from(count).unwrap_or(0) + 64];
    let bytes = c_int::try_from(pids.len() * size_of::<i32>()).unwrap_or(0);
    // SAFETY: `bytes` is the size of `pids`.
    let filled = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast::<c_void>(), bytes) };
    pids.truncate(usize::try_from(filled).unwrap_or(0));
    pids.into_iter()
        .filter_map(|pid| u32::try_from(pid).ok())
        .collect()
}

/// One of libproc's plain structures, if the system fills all of it.
fn info<T: Copy>(pid: u32, flavor: c_int) -> Option<T> {
    let pid = c_int::try_from(pid).ok()?;
    let size = c_int::try_from(size_of::<T>()).ok()?;
    let mut out = MaybeUninit::<T>::zeroed();
    // SAFETY: `size` is the size of `out`.
    let filled =
        unsafe { libc::proc_pidinfo(pid, flavor, 0, out.as_mut_ptr().cast::<c_void>(), size) };
    // SAFETY: the kernel filled the whole structure, which is plain integers.
    (filled == size).then(|| unsafe { out.assume_init() })
}

/// What a walk needs of a process; `None` if there is no such process. The system tells no session of
/// another process.
pub(super) fn vitals(pid: u32) -> Option<super::Vitals> {
    let start_time = process_start_time(pid)?;
    let full = info::<libc::proc_bsdinfo>(pid, libc::PROC_PIDTBSDINFO);
    Some(super::Vitals {
        id: super::ProcessId { pid, start_time },
        ended: is_zombie(pid),
        // SSTOP
        stopped: full.is_some_and(|full| full.pbi_status == 4),
        parent: parent_of(pid)?,
        session: 0,
        has_terminal: full.is_some_and(|full| full.e_tdev != u32::MAX),
        name: process_name(pid).unwrap_or_default(),
    })
}

/// The real and the effective user of a process.
pub(super) fn users_of(pid: u32) -> Option<(u32, u32)> {
    // Effective, its group, real, its group, saved, its group.
    let ids = info::<ShortInfo>(pid, SHORT_INFO)?.ids;
    Some((ids[2], ids[0]))
}

/// The file of the program that a process runs.
pub(super) fn program_of(pid: u32) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut buffer = vec![0_u8; 4096];
    let pid = c_int::try_from(pid).ok()?;
    let size = u32::try_from(buffer.len()).ok()?;
    // SAFETY: `size` is the length of `buffer`.
    let length = unsafe { libc::proc_pidpath(pid, buffer.as_mut_ptr().cast::<c_void>(), size) };
    let bytes = buffer.get(..usize::try_from(length).ok().filter(|length| *length > 0)?)?;
    Some(std::ffi::OsStr::from_bytes(bytes).into())
}

/// The words of a command line: not told here.
pub(super) fn arguments_of(_pid: u32) -> Vec<String> {
    Vec::new()
}

/// This system has no control groups.
pub(super) fn control_group_of(_pid: u32) -> Option<String> {
    None
}

/// Not told here, as command lines are not.
#[must_use]
pub fn processes_called(_words: &[&str]) -> Vec<(u32, Vec<String>)> {
    Vec::new()
}

/// This system has no handles on processes.
pub(super) fn peer_handle(
    _socket: std::os::fd::BorrowedFd<'_>,
) -> io::Result<Option<std::os::fd::OwnedFd>> {
    Ok(None)
}

/// How many threads a process has: nobody asks here, as who serves a socket is not told either.
#[must_use]
pub fn thread_count(_pid: u32) -> Option<u32> {
    None
}

/// This system has no mount namespaces, and none of the sockets for which they are asked.
#[must_use]
pub fn mount_namespace() -> Option<Vec<u8>> {
    None
}

/// This system has no sockets whose names are no files.
#[must_use]
pub fn abstract_listeners(_prefix: &[u8], _most: usize) -> Vec<Vec<u8>> {
    Vec::new()
}

/// How long the system has run: not told here.
#[must_use]
pub fn since_boot() -> Option<std::time::Duration> {
    None
}

/// The process that connected a Unix socket: not told here.
#[must_use]
pub fn peer_pid(_socket: std::os::fd::BorrowedFd<'_>) -> Option<u32> {
    None
}

/// Does nothing: another process of the user may not look into this one without the user's leave.
///
/// # Errors
/// None.
pub fn hide_from_others() -> io::Result<()> {
    Ok(())
}

/// Who holds an end of a TCP connection. Not to be told here: a caller that decides about permission
/// refuses then.
///
/// # Errors
/// Always.
pub fn socket_holders(
    _end: std::net::SocketAddr,
    _other: std::net::SocketAddr,
) -> io::Result<Option<super::SocketHolders>> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "on macOS the process behind a TCP connection is not looked up",
    ))
}
