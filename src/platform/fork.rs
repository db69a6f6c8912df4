//! One process becomes two.

use std::io;

/// Forks; gives the child's process id to the parent, and nothing to the child.
///
/// # Errors
/// When the system refuses, or when this process has more than one thread: the child would have the locks
/// of the others, and not them.
pub fn fork() -> io::Result<Option<u32>> {
    if std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1) {
        return Err(io::Error::other("this process has several threads"));
    }
    #[allow(
        unsafe_code,
        reason = "there is one thread only, so the child is a whole copy that may go on as this process could"
    )]
    let pid = unsafe { libc::fork() };
    match u32::try_from(pid) {
        Ok(0) => Ok(None),
        Ok(child) => Ok(Some(child)),
        Err(_) => Err(io::Error::last_os_error()),
    }
}
