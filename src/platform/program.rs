//! Which file this program is, also after it was replaced or removed.
//!
//! The system names the file that a process was started from, and appends a word when that has no
//! name any more; it can still be run through `/proc` then.

use std::io;
use std::path::{Path, PathBuf};

/// What Linux appends to the name of a file that was removed or replaced.
const DELETED: &str = " (deleted)";

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
}
