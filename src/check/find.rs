//! Where the agent's program is, and which version.
//!
//! Pure but for looking at files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// First version whose control protocol carries approvals.
pub const FIRST_VERSION: (u32, u32) = (2, 0);

/// The first `claude` on a search path that can be executed.
pub fn on_path(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|directory| !directory.as_os_str().is_empty())
        .map(|directory| directory.join("claude"))
        .find(|program| is_executable(program))
}

/// Whether this user can execute a file.
pub fn is_executable(program: &Path) -> bool {
    program.is_file() && access(program, Access::EXEC_OK).is_ok()
}

/// Major and minor version out of what `--version` prints, such as `2.1.330 (Claude Code)`.
pub fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_whitespace().next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn versions_are_read() {
        let cases = [
            ("2.1.330 (Claude Code)\n", Some((2, 1))),
            ("1.0.7", Some((1, 0))),
            ("2.1.330-beta.1 (Claude Code)", Some((2, 1))),
            ("claude", None),
            ("", None),
        ];
        for (said, expected) in cases {
            assert_eq!(version(said), expected, "{said}");
        }
        assert!(version("1.9.9").unwrap() < FIRST_VERSION);
    }

    #[test]
    fn the_first_executable_one_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let folder = directory.path().join(name);
            fs::create_dir(&folder).unwrap();
            let file = folder.join("claude");
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            folder
        };
        let folders = [
            make("plain", 0o644),
            make("good", 0o755),
            make("more", 0o755),
        ];
        let path = std::env::join_paths(&folders).unwrap();
        assert_eq!(on_path(&path), Some(folders[1].join("claude")));
        assert_eq!(on_path(OsStr::new("")), None);
    }
}
