//! Which file this program is, also after it was replaced or removed, and where others are.
//!
//! The system names the file that a process was started from, and appends a word when that has no
//! name any more; it can still be run through `/proc` then.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// What Linux appends to the name of a file that was removed or replaced.
const DELETED: &str = " (deleted)";

/// The first program of a name on a search path that this user can execute. Entries that are relative
/// are passed over: what lies in a working directory is not ours to run.
#[must_use]
pub fn on_path(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|program| is_executable(program))
}

/// Whether this user can execute a file.
#[must_use]
pub fn is_executable(program: &Path) -> bool {
    program.is_file() && rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok()
}

/// This program's own file, so that what is started is exactly what runs now.
///
/// # Errors
/// When the system does not tell.
pub fn running_program() -> io::Result<PathBuf> {
    let named = std::env::current_exe()?;
    Ok(running(&named, Path::new("/proc/self/exe")))
}

/// The program that is installed where this one was: a newer one after an upgrade. Without any it is
/// [`running_program`].
///
/// # Errors
/// When the system does not tell.
pub fn installed_program() -> io::Result<PathBuf> {
    let named = std::env::current_exe()?;
    let installed = without_suffix(&named);
    if installed.is_file() {
        return Ok(installed);
    }
    Ok(running(&named, Path::new("/proc/self/exe")))
}

/// The named file if it is the one that runs, else the link to that.
fn running(named: &Path, link: &Path) -> PathBuf {
    use std::os::unix::fs::MetadataExt as _;

    let id = |path: &Path| {
        std::fs::metadata(path)
            .ok()
            .map(|found| (found.dev(), found.ino()))
    };
    match id(link) {
        Some(running) if id(named) != Some(running) => link.to_owned(),
        // Where there is no such link the name is all there is.
        Some(_) | None => named.to_owned(),
    }
}

fn without_suffix(named: &Path) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

    // A file may really have such a name.
    if named.exists() {
        return named.to_owned();
    }
    match named
        .as_os_str()
        .as_bytes()
        .strip_suffix(DELETED.as_bytes())
    {
        Some(bare) => PathBuf::from(std::ffi::OsString::from_vec(bare.to_vec())),
        None => named.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_replaced_program_is_found_under_its_name_and_runs_through_the_link() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("humanlayer");
        let link = temp.path().join("exe");
        std::fs::write(&path, "old").unwrap();
        std::fs::hard_link(&path, &link).unwrap();
        assert_eq!(running(&path, &link), path);
        assert_eq!(without_suffix(&path), path);
        // Replaced: the system names the old file by a name that is not there.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "new").unwrap();
        let named = temp.path().join("humanlayer (deleted)");
        assert_eq!(running(&named, &link), link);
        assert_eq!(running(&path, &link), link, "that is another program");
        assert_eq!(without_suffix(&named), path);
        // A file that is really called so.
        std::fs::write(&named, "x").unwrap();
        assert_eq!(without_suffix(&named), named);
        // A system without such a link.
        assert_eq!(running(&named, &temp.path().join("none")), named);
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
        assert_eq!(on_path(&path, "claude"), Some(folders[1].join("claude")));
        // What lies where somebody happens to be is not run.
        let elsewhere =
            std::env::join_paths([Path::new(""), Path::new("."), Path::new("bin")]).unwrap();
        assert_eq!(on_path(&elsewhere, "claude"), None);
        assert_eq!(on_path(OsStr::new(""), "claude"), None);
    }
}
