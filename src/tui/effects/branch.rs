//! Which git branch is checked out in a directory, by reading `.git/HEAD`.
//!
//! Nothing is executed: git would run what a repository's configuration names. A directory and what
//! is in it were written by others, so links are not followed out of `.git`, only regular files are
//! opened, little is read, and only what has the form of a branch or of a commit is believed.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::platform::{self, Links};

/// Directories above one in which a repository is looked for.
const MAX_LEVELS: usize = 40;
/// Bytes that are read of a file; those that are meant are shorter.
const MAX_BYTES: u64 = 4 * 1024;
/// Characters of a branch's name; git's own limit is that of a file name.
const MAX_NAME: usize = 250;
/// Characters by which a commit is called.
const SHORT_COMMIT: usize = 8;

/// The branch that is checked out, or the commit where none is; none where there is no repository
/// or it cannot be read.
#[must_use]
pub fn checked_out(directory: &Path) -> Option<String> {
    let git = directory
        .ancestors()
        .take(MAX_LEVELS)
        .find_map(git_directory)?;
    let head = small_file(&git.join("HEAD"))?;
    let head = head.trim();
    if let Some(branch) = head.strip_prefix("ref: refs/heads/") {
        let fits = !branch.is_empty() && branch.len() <= MAX_NAME;
        return (fits && !branch.contains(char::is_whitespace)).then(|| branch.to_owned());
    }
    let is_commit = matches!(head.len(), 40 | 64) && head.bytes().all(|b| b.is_ascii_hexdigit());
    is_commit.then(|| format!("at {}", &head[..SHORT_COMMIT]))
}

/// The directory in which a repository keeps its state: `.git`, or the one that the file `.git` of a
/// worktree or a submodule names.
fn git_directory(directory: &Path) -> Option<PathBuf> {
    let git = directory.join(".git");
    let found = std::fs::symlink_metadata(&git).ok()?;
    if found.is_dir() {
        return Some(git);
    }
    let named = small_file(&git)?;
    let named = named
        .trim_end_matches(['\n', '\r'])
        .strip_prefix("gitdir: ")?;
    let named = directory.join(named);
    // A link in place of the directory is nothing that git makes.
    std::fs::symlink_metadata(&named)
        .ok()?
        .is_dir()
        .then_some(named)
}

/// The text of a short regular file that is no link.
fn small_file(path: &Path) -> Option<String> {
    let file = platform::open_regular(path, Links::Refuse).ok()?;
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn repository(head: &str) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join(".git")).unwrap();
        fs::write(place.path().join(".git/HEAD"), head).unwrap();
        place
    }

    #[test]
    fn the_branch_is_found_from_a_directory_below() {
        let place = repository("ref: refs/heads/feature/login\n");
        let below = place.path().join("src/deep");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(checked_out(&below).as_deref(), Some("feature/login"));
    }

    #[test]
    fn a_commit_is_called_by_its_beginning() {
        let place = repository("0123456789abcdef0123456789abcdef01234567\n");
        assert_eq!(checked_out(place.path()).as_deref(), Some("at 01234567"));
    }

    #[test]
    fn a_worktrees_own_head_counts() {
        let main = repository("ref: refs/heads/main\n");
        let state = main.path().join(".git/worktrees/second");
        fs::create_dir_all(&state).unwrap();
        fs::write(state.join("HEAD"), "ref: refs/heads/second\n").unwrap();
        let tree = tempfile::tempdir().unwrap();
        fs::write(
            tree.path().join(".git"),
            format!("gitdir: {}\n", state.display()),
        )
        .unwrap();
        assert_eq!(checked_out(tree.path()).as_deref(), Some("second"));
        fs::create_dir(main.path().join("sub")).unwrap();
        fs::write(
            main.path().join("sub/.git"),
            "gitdir: ../.git/worktrees/second\n",
        )
        .unwrap();
        assert_eq!(
            checked_out(&main.path().join("sub")).as_deref(),
            Some("second")
        );
    }

    #[test]
    fn what_is_no_head_of_a_repository_is_not_believed() {
        for head in [
            "",
            "ref: refs/heads/",
            "ref: refs/heads/a b",
            "root:x:0:0\n",
            "\u{1b}[2J",
        ] {
            assert_eq!(checked_out(repository(head).path()), None, "{head:?}");
        }
        // Neither links nor pipes are opened.
        let secret = tempfile::NamedTempFile::new().unwrap();
        fs::write(secret.path(), "ref: refs/heads/secret\n").unwrap();
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join(".git")).unwrap();
        symlink(secret.path(), place.path().join(".git/HEAD")).unwrap();
        assert_eq!(checked_out(place.path()), None);
        let other = tempfile::tempdir().unwrap();
        symlink(place.path().join(".git"), other.path().join(".git")).unwrap();
        assert_eq!(checked_out(other.path()), None);
        let piped = tempfile::tempdir().unwrap();
        fs::create_dir(piped.path().join(".git")).unwrap();
        let pipe = piped.path().join(".git/HEAD");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(checked_out(piped.path()), None);
    }
}
