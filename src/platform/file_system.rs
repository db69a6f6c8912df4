//! Where a file is kept: on a disk of this machine, or elsewhere.

use std::fs::File;
use std::path::Path;

/// How many bytes this user may still write to the file system that holds a path, and whether it takes none at
/// all; none where that is not known.
#[must_use]
pub fn room_on_disk(path: &Path) -> Option<(u64, bool)> {
    let found = rustix::fs::statvfs(path).ok()?;
    let left = found.f_bavail.saturating_mul(found.f_frsize);
    let read_only = found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
    Some((left, read_only))
}

/// Whether a file is on another machine.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_remote(file: &File) -> bool {
    /// NFS, SMB, CIFS, SMB 2.
    const REMOTE: [u64; 4] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42];
    rustix::fs::fstatfs(file)
        .is_ok_and(|found| REMOTE.contains(&((found.f_type as u64) & 0xffff_ffff)))
}

/// Nothing is known here, so it may be.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_remote(_: &File) -> bool {
    true
}

/// Has reading an open file not note when that was done, which is a change of the file for each time where its writer
/// goes on. Who does not own the file cannot; then it is noted.
pub fn spare_access_time(file: &File) {
    #[cfg(target_os = "linux")]
    if let Ok(flags) = rustix::fs::fcntl_getfl(file) {
        let _ = rustix::fs::fcntl_setfl(file, flags | rustix::fs::OFlags::NOATIME);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Opens a directory of this user again to them, if it is closed to them; says whether it was. What is not there, and what
/// is no directory, is left alone.
///
/// # Errors
/// When it cannot be looked at or opened.
pub fn open_own_directory(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    const OWN: u32 = 0o700;
    let Ok(about) = path.symlink_metadata() else {
        return Ok(false);
    };
    let is_closed = about.is_dir() && about.mode() & OWN != OWN;
    if !is_closed || about.uid() != super::user_id() {
        return Ok(false);
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(OWN))?;
    Ok(true)
}
