//! The system calls of isolation that no library makes safe, and nothing else.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::mount::MountAttrFlags;
use rustix::thread::UnshareFlags;

/// What a mount can be told to become.
#[repr(C)]
#[derive(Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    namespace: u64,
}

/// Makes a mount, and with `all_below` those in it, read-only and deaf to set-user-id programs.
///
/// # Errors
/// The kernel's refusal; those before 5.12 do not know it.
pub(super) fn restrict(mount: BorrowedFd<'_>, read_only: bool, all_below: bool) -> io::Result<()> {
    let mut attributes = MountAttributes {
        set: u64::from(MountAttrFlags::MOUNT_ATTR_NOSUID.bits()),
        ..MountAttributes::default()
    };
    if read_only {
        attributes.set |= u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    }
    let mut flags = libc::AT_EMPTY_PATH;
    if all_below {
        flags |= libc::AT_RECURSIVE;
    }
    let empty: &CStr = c"";
    #[allow(
        unsafe_code,
        reason = "the kernel reads a text that ends and a structure whose size is given"
    )]
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            empty.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Leaves namespaces for new ones.
///
/// # Errors
/// The kernel's refusal.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    #[allow(
        unsafe_code,
        reason = "only a descriptor table that is no longer shared would surprise other threads, and nobody asks for that"
    )]
    let done = unsafe { rustix::thread::unshare_unsafe(flags) };
    done.map_err(io::Error::from)
}

/// Goes on as two processes: the child's number, or none in the child. Only where there is one thread.
///
/// # Errors
/// The kernel's refusal.
pub(super) fn fork() -> io::Result<Option<libc::pid_t>> {
    #[allow(
        unsafe_code,
        reason = "there is no other thread, so the child finds nothing locked or half done"
    )]
    let answer = unsafe { libc::fork() };
    match answer {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        child => Ok(Some(child)),
    }
}

/// Ignores a signal, or has it do again what it does by itself.
pub(super) fn ignore(signal: libc::c_int, ignored: bool) {
    let action = if ignored {
        libc::SIG_IGN
    } else {
        libc::SIG_DFL
    };
    #[allow(unsafe_code, reason = "no code of ours is called by the signal")]
    // Some signals let nobody choose.
    let _ = unsafe { libc::signal(signal, action) };
}

/// Ends this process by a signal, as another one ended.
pub(super) fn end_by(signal: libc::c_int) {
    ignore(signal, false);
    #[allow(
        unsafe_code,
        reason = "raises a signal whose action is the system's own"
    )]
    let _ = unsafe { libc::raise(signal) };
}

/// Leaves the keys that the kernel keeps for the user's session.
pub(super) fn leave_session_keyring() {
    const JOIN_SESSION_KEYRING: libc::c_long = 1;
    #[allow(
        unsafe_code,
        reason = "a null name asks for a new keyring that has none; nothing is read"
    )]
    // Without keys in the kernel there is nothing to leave.
    let _ = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            JOIN_SESSION_KEYRING,
            std::ptr::null::<libc::c_char>(),
        )
    };
}
