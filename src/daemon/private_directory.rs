//! Directories that nobody else can write to, for what only the user may read.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use super::error::DaemonError;
use crate::platform;

/// Makes a directory, or looks whether the one that is there is as it should be.
///
/// # Errors
/// When it cannot be made, or others can write to it.
pub(super) fn private_dir(path: &Path) -> Result<(), DaemonError> {
    let failed = |source| DaemonError::Directory {
        path: path.to_owned(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    let data = fs::metadata(path).map_err(failed)?;
    match unsafe_directory(data.uid(), data.gid(), data.mode(), platform::user_id()) {
        Some(ANOTHER_USERS) => Err(DaemonError::OthersDirectory {
            path: path.to_owned(),
            owner: platform::describe_user(data.uid()),
            user: platform::describe_user(platform::user_id()),
        }),
        Some(why) => Err(DaemonError::OpenDirectory {
            path: path.to_owned(),
            why,
        }),
        None => Ok(()),
    }
}

/// A directory's owner could put anything there.
const ANOTHER_USERS: &str = "it belongs to another user";

/// Why others could put a socket or a database of their own into a directory.
fn unsafe_directory(owner: u32, group: u32, mode: u32, user: u32) -> Option<&'static str> {
    let own_group = rustix::process::getegid().as_raw();
    if owner != user {
        Some(ANOTHER_USERS)
    } else if mode & 0o002 != 0 {
        Some("every user can write there")
    } else if mode & 0o020 != 0 && group != own_group {
        Some("a group of users can write there")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_that_nobody_else_can_write_to_is_used() {
        let group = rustix::process::getegid().as_raw();
        for (owner, of_group, mode, is_safe) in [
            (7, group, 0o700, true),
            (7, group, 0o755, true),
            (7, group, 0o775, true),
            (7, group + 1, 0o775, false),
            (7, group, 0o777, false),
            (7, group, 0o1777, false),
            (0, group, 0o755, false),
            (8, group, 0o700, false),
        ] {
            let why = unsafe_directory(owner, of_group, mode, 7);
            assert_eq!(why.is_none(), is_safe, "{owner} {mode:o}");
        }
    }
}
