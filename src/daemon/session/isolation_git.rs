//! What git outside obeys of the repositories in which an isolated agent works.
//!
//! Owns finding a workspace's repositories, those of submodules and linked worktrees within them, and the files and
//! directories in each whose content is run, or says where that is. Must not decide what an agent may do with them
//! ([`crate::domain::isolation`]).

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::isolation::Problem;
use crate::platform::{self, Links};

/// The longest pointer of git's that is read, in bytes.
const MAX_POINTER: u64 = 8192;

/// How deep in a workspace repositories are looked for, and how many directories are looked at.
const NESTED_DEPTH: usize = 4;
const MOST_DIRECTORIES: usize = 5_000;

/// The directory of the git repository to which a directory belongs. A `.git` that is no directory is
/// believed only if the repository that it names has this very place on record as one of its worktrees: an
/// agent could have written it.
pub fn repository(directory: &Path) -> Option<PathBuf> {
    let pointer = directory
        .ancestors()
        .map(|directory| directory.join(".git"))
        .find(|path| path.symlink_metadata().is_ok())?;
    let kind = pointer.symlink_metadata().ok()?.file_type();
    if kind.is_dir() {
        return is_repository(&pointer).then_some(pointer);
    }
    if !kind.is_file() {
        return None;
    }
    let own = line_of(&pointer)?;
    let own = fs::canonicalize(own.strip_prefix("gitdir:")?.trim()).ok()?;
    let back = line_of(&own.join("gitdir"))?;
    if fs::canonicalize(back).ok()? != pointer {
        return None;
    }
    let common = own.join(line_of(&own.join("commondir"))?);
    let common = fs::canonicalize(common).ok()?;
    (is_repository(&common) && own.starts_with(common.join("worktrees"))).then_some(common)
}

/// The text of a file of one line.
fn line_of(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = platform::open_regular(path, Links::Refuse).ok()?;
    file.take(MAX_POINTER + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= MAX_POINTER).then(|| text.trim().to_owned())
}

fn is_repository(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir()
}

/// The repositories below a directory, but those in hidden directories.
pub fn nested(workspace: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = MOST_DIRECTORIES;
    let mut open = vec![(workspace.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        for below in directories(&directory, &mut left) {
            let name = below.file_name().unwrap_or_default();
            if name == ".git" && is_repository(&below) {
                found.push(below);
            } else if depth < NESTED_DEPTH && !name.as_encoded_bytes().starts_with(b".") {
                open.push((below, depth + 1));
            }
        }
    }
    found
}

/// The directories in a directory, as long as there are any left to look at; links are none.
fn directories(directory: &Path, left: &mut usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if *left == 0 {
            return found;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            *left -= 1;
            found.push(entry.path());
        }
    }
    found
}

/// What git outside obeys in a repository's directory, those of its submodules, and those of its linked worktrees. The
/// configuration and the directory of hooks are made where they are missing: what is not there cannot be kept.
///
/// # Errors
/// When something of it is a symbolic link, or cannot be made.
pub fn obeyed(repository: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    let mut left = MOST_DIRECTORIES;
    let mut open = vec![repository.to_owned()];
    while let Some(directory) = open.pop() {
        if is_repository(&directory) {
            made(&directory.join("hooks"), |path| fs::create_dir(path))?;
            made(&directory.join("config"), |path| {
                let mut file = OpenOptions::new();
                file.write(true).create_new(true).mode(0o644);
                file.open(path).map(drop)
            })?;
            for name in ["hooks", "config", "config.worktree"] {
                found.extend(kept(directory.join(name))?);
            }
            for worktree in directories(&directory.join("worktrees"), &mut left) {
                for name in ["commondir", "gitdir", "config.worktree"] {
                    found.extend(kept(worktree.join(name))?);
                }
            }
            open.extend(directories(&directory.join("modules"), &mut left));
        } else {
            // A submodule whose name has several parts.
            open.extend(directories(&directory, &mut left));
        }
    }
    Ok(found)
}

fn made(path: &Path, make: impl Fn(&Path) -> io::Result<()>) -> Result<(), Problem> {
    match make(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Problem::Directory {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A path at which something is; an error where that is a link.
fn kept(path: PathBuf) -> Result<Option<PathBuf>, Problem> {
    match path.symlink_metadata() {
        Ok(about) if about.is_symlink() => Err(Problem::Linked(path)),
        Ok(_) => Ok(Some(path)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn make_repository(at: &Path) {
        fs::create_dir_all(at.join("objects")).unwrap();
        fs::write(at.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    #[test]
    fn what_git_obeys_is_found_in_submodules_and_worktrees_and_made_where_it_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let git = root.path().join(".git");
        make_repository(&git);
        make_repository(&git.join("modules/a/b"));
        make_repository(&git.join("modules/a/b/modules/c"));
        fs::create_dir_all(git.join("worktrees/w")).unwrap();
        fs::write(git.join("worktrees/w/commondir"), "../..").unwrap();
        let found = obeyed(&git).unwrap();
        for name in [
            "hooks",
            "config",
            "modules/a/b/hooks",
            "modules/a/b/config",
            "modules/a/b/modules/c/config",
            "worktrees/w/commondir",
        ] {
            assert!(found.contains(&git.join(name)), "{name}: {found:?}");
            assert!(git.join(name).exists(), "{name}");
        }
        fs::remove_dir(git.join("hooks")).unwrap();
        std::os::unix::fs::symlink("/tmp", git.join("hooks")).unwrap();
        assert!(matches!(obeyed(&git), Err(Problem::Linked(_))));
    }

    #[test]
    fn repositories_below_a_directory_are_found() {
        let root = tempfile::tempdir().unwrap();
        make_repository(&root.path().join("a/.git"));
        make_repository(&root.path().join("a/b/.git"));
        make_repository(&root.path().join(".hidden/c/.git"));
        fs::create_dir_all(root.path().join("d/.git")).unwrap();
        let mut found = nested(root.path());
        found.sort();
        let at = |name: &str| root.path().join(name);
        assert_eq!(found, [at("a/.git"), at("a/b/.git")]);
    }
}
