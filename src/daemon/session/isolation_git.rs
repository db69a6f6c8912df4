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
use crate::daemon::git_settings;
use crate::platform::{self, Links};

/// The longest pointer of git's that is read, in bytes.
const MAX_POINTER: u64 = 8192;

/// How deep in a workspace repositories are looked for, and how many directories are looked at.
const NESTED_DEPTH: usize = 4;
const MOST_DIRECTORIES: usize = 200_000;

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
        // Whatever is in it: an agent can take away what makes it a repository, and put that back later.
        return Some(pointer);
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

/// Whether a directory is a submodule's repository, or was one: an agent can take most of it away for a while.
fn is_repository(path: &Path) -> bool {
    let is_there = |name: &str| path.join(name).symlink_metadata().is_ok();
    ["HEAD", "objects", "config", "hooks"]
        .into_iter()
        .any(is_there)
}

/// What there is of git below a directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Nested {
    /// Repositories.
    pub repositories: Vec<PathBuf>,
    /// Files that say where the repository of their directory is: of submodules, and of linked worktrees.
    pub pointers: Vec<PathBuf>,
}

/// What there is of git below a directory, and in it.
///
/// # Errors
/// When there are more directories than are looked at.
pub fn nested(workspace: &Path) -> Result<Nested, Problem> {
    let mut found = Nested::default();
    let mut left = MOST_DIRECTORIES;
    let mut open = vec![(workspace.to_owned(), 0)];
    while let Some((directory, depth)) = open.pop() {
        let git = directory.join(".git");
        match git.symlink_metadata() {
            Ok(about) if about.is_dir() => found.repositories.push(git.clone()),
            Ok(about) if about.is_symlink() => return Err(Problem::Linked(git)),
            Ok(_) => found.pointers.push(git.clone()),
            Err(_) => {}
        }
        if depth > NESTED_DEPTH {
            continue;
        }
        for below in directories(&directory, &mut left)? {
            if below != git {
                open.push((below, depth + 1));
            }
        }
    }
    Ok(found)
}

/// The directories in a directory; links are none.
///
/// # Errors
/// When more of them were looked at than may be.
fn directories(directory: &Path, left: &mut usize) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| Problem::TooMany(directory.to_owned()))?;
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// What git outside obeys in a repository's directory, those of its submodules, and those of its linked worktrees. The
/// configuration and the directory of hooks are made where they are missing: what is not there cannot be kept.
/// `workspace` is where the agent works: what a configuration names there is obeyed, too.
///
/// # Errors
/// When something of it is a symbolic link, cannot be made, or there is too much of it.
pub fn obeyed(repository: &Path, workspace: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    let mut left = MOST_DIRECTORIES;
    let mut open = vec![repository.to_owned()];
    while let Some(directory) = open.pop() {
        if directory == repository || is_repository(&directory) {
            made(&directory.join("hooks"), |path| fs::create_dir(path))?;
            for name in ["config", "config.worktree"] {
                made_file(&directory.join(name))?;
            }
            for name in ["hooks", "config", "config.worktree"] {
                found.extend(kept(directory.join(name))?);
            }
            for worktree in directories(&directory.join("worktrees"), &mut left)? {
                made_file(&worktree.join("config.worktree"))?;
                for name in ["commondir", "gitdir", "config.worktree"] {
                    found.extend(kept(worktree.join(name))?);
                }
            }
            let top = directory.parent().unwrap_or(&directory);
            let named = git_settings::named(&directory.join("config"), top);
            let within = |path: &PathBuf| {
                let is_inside = |root: &PathBuf| path.starts_with(root) && path != root;
                workspace.iter().any(is_inside) || path.starts_with(repository)
            };
            for path in named.into_iter().filter(within) {
                found.extend(kept(path)?);
            }
            open.extend(directories(&directory.join("modules"), &mut left)?);
        } else {
            // A submodule whose name has several parts.
            open.extend(directories(&directory, &mut left)?);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn made_file(path: &Path) -> Result<(), Problem> {
    made(path, |path| {
        let mut file = OpenOptions::new();
        file.write(true).create_new(true).mode(0o644);
        file.open(path).map(drop)
    })
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
        let root = root.path().canonicalize().unwrap();
        let git = root.join(".git");
        make_repository(&git);
        make_repository(&git.join("modules/a/b"));
        make_repository(&git.join("modules/a/b/modules/c"));
        fs::create_dir_all(git.join("worktrees/w")).unwrap();
        fs::write(git.join("worktrees/w/commondir"), "../..").unwrap();
        let all = [
            "hooks",
            "config",
            "config.worktree",
            "modules/a/b/hooks",
            "modules/a/b/config",
            "modules/a/b/modules/c/config",
            "worktrees/w/commondir",
            "worktrees/w/config.worktree",
        ];
        let found = obeyed(&git, &[]).unwrap();
        for name in all {
            assert!(found.contains(&git.join(name)), "{name}: {found:?}");
            assert!(git.join(name).exists(), "{name}");
        }
        // What an agent can take away, to put it back later.
        for repository in [git.clone(), git.join("modules/a/b")] {
            fs::remove_dir(repository.join("objects")).unwrap();
            fs::remove_file(repository.join("HEAD")).unwrap();
        }
        assert_eq!(obeyed(&git, &[]).unwrap(), found);
        assert_eq!(repository(&root), Some(git.clone()));
        fs::remove_dir(git.join("hooks")).unwrap();
        std::os::unix::fs::symlink("/tmp", git.join("hooks")).unwrap();
        assert!(matches!(obeyed(&git, &[]), Err(Problem::Linked(_))));
    }

    #[test]
    fn what_a_configuration_names_in_the_workspace_is_obeyed_too() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let git = root.join(".git");
        make_repository(&git);
        for name in [".husky/_", "tools"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for name in ["tools/included", "tools/textconv.sh", "sub"] {
            fs::write(root.join(name), "").unwrap();
        }
        let config = "[core]\n\thooksPath = .husky/_\n\tworktree = ..\n[include]\n\tpath = ../tools/included\n[diff \"x\"]\n\ttextconv = \"sh tools/textconv.sh\"\n[submodule \"s\"]\n\turl = ./sub\n";
        fs::write(git.join("config"), config).unwrap();
        let found = obeyed(&git, std::slice::from_ref(&root)).unwrap();
        for name in [".husky/_", "tools/included", "tools/textconv.sh"] {
            assert!(found.contains(&root.join(name)), "{name}: {found:?}");
        }
        assert!(!found.contains(&root.join("sub")));
        assert!(!found.contains(&root));
    }

    #[test]
    fn repositories_and_pointers_below_a_directory_are_found() {
        let root = tempfile::tempdir().unwrap();
        make_repository(&root.path().join("a/.git"));
        make_repository(&root.path().join("a/b/.git"));
        make_repository(&root.path().join(".hidden/c/.git"));
        fs::create_dir_all(root.path().join("d/.git")).unwrap();
        fs::create_dir_all(root.path().join("sub")).unwrap();
        fs::write(root.path().join("sub/.git"), "gitdir: ../.git/modules/sub").unwrap();
        let mut found = nested(root.path()).unwrap();
        found.repositories.sort();
        let at = |name: &str| root.path().join(name);
        let repositories = ["a/.git", "a/b/.git", "d/.git", ".hidden/c/.git"].map(at);
        let mut repositories = repositories.to_vec();
        repositories.sort();
        assert_eq!(found.repositories, repositories);
        assert_eq!(found.pointers, [at("sub/.git")]);
    }

    #[test]
    fn more_directories_than_are_looked_at_are_an_error() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a")).unwrap();
        fs::create_dir_all(root.path().join("b")).unwrap();
        assert!(directories(root.path(), &mut 2).is_ok());
        let found = directories(root.path(), &mut 1);
        assert!(matches!(found, Err(Problem::TooMany(_))));
    }
}
