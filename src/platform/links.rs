//! Where the links of a path lead, also of one whose end does not exist yet.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

/// Most links that are followed, as a system does.
const MAX_LINKS: usize = 40;

/// Most steps on the way.
const MAX_STEPS: usize = 4_096;

/// Directories in which names mean something else for each process.
const OF_EACH_PROCESS: [&str; 2] = ["/proc", "/dev"];

/// What is at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Nothing.
    Missing,
    /// A file, with so many names.
    File {
        /// How many.
        names: u64,
    },
    /// A directory.
    Directory,
    /// A device, a pipe or a socket.
    Special,
}

/// Follows the links of an absolute path, component by component: gives the path without a link and what
/// is there. Opens nothing. Whatever does not exist is taken as it is written.
///
/// # Errors
/// When a directory cannot be looked into, the links lead in a circle or to where a path means something
/// else for each process, or `..` follows what does not exist.
pub fn follow_links(path: &Path) -> io::Result<(PathBuf, FileKind)> {
    if !path.is_absolute() {
        return Err(unclear("the path is not absolute"));
    }
    let mut rest: Vec<OsString> = parts(path);
    let mut at = PathBuf::from("/");
    let (mut links, mut steps) = (0, 0);
    let mut kind = FileKind::Directory;
    while let Some(part) = rest.pop() {
        steps += 1;
        if steps > MAX_STEPS {
            return Err(unclear("the path has too many parts"));
        }
        if part == ".." {
            if kind == FileKind::Missing {
                return Err(unclear("`..` follows what does not exist"));
            }
            at.pop();
            continue;
        }
        at.push(part);
        if OF_EACH_PROCESS.iter().any(|place| at.starts_with(place)) {
            return Err(unclear("the path means something else for each process"));
        }
        if kind == FileKind::Missing {
            continue;
        }
        let metadata = match fs::symlink_metadata(&at) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                kind = FileKind::Missing;
                continue;
            }
            Err(error) => return Err(error),
        };
        if !metadata.is_symlink() {
            kind = kind_of(metadata.file_type(), metadata.nlink());
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(unclear("the links lead in a circle"));
        }
        let target = fs::read_link(&at)?;
        at.pop();
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        kind = FileKind::Directory;
        rest.extend(parts(&target));
    }
    Ok((at, kind))
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let components = path.components().rev();
    components
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

fn kind_of(file: FileType, names: u64) -> FileKind {
    if file.is_dir() {
        FileKind::Directory
    } else if file.is_fifo() || file.is_socket() || file.is_block_device() || file.is_char_device()
    {
        FileKind::Special
    } else {
        FileKind::File { names }
    }
}

fn unclear(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_the_system_does() {
        let root = tempfile::tempdir().unwrap();
        // The directory of temporary files may be a link itself.
        let root_path = root.path().canonicalize().unwrap();
        let at = |name: &str| root_path.join(name);
        fs::create_dir_all(at("real/sub")).unwrap();
        fs::write(at("real/file"), "").unwrap();
        fs::write(at("one"), "").unwrap();
        fs::hard_link(at("one"), at("two")).unwrap();
        symlink("real", at("relative")).unwrap();
        symlink(at("real/sub"), at("absolute")).unwrap();
        symlink("real/missing", at("dangling")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("/proc/self/cwd", at("process")).unwrap();
        let file = FileKind::File { names: 1 };
        for (path, expected, kind) in [
            ("real/file", "real/file", file),
            ("relative/file", "real/file", file),
            ("absolute/../file", "real/file", file),
            ("absolute/new/deep", "real/sub/new/deep", FileKind::Missing),
            ("dangling", "real/missing", FileKind::Missing),
            ("relative", "real", FileKind::Directory),
            ("two", "two", FileKind::File { names: 2 }),
        ] {
            let followed = follow_links(&at(path)).unwrap();
            assert_eq!(followed, (at(expected), kind), "{path}");
            if kind != FileKind::Missing {
                assert_eq!(at(path).canonicalize().unwrap(), followed.0, "{path}");
            }
        }
        for path in ["circle/x", "process/x", "missing/../x", "real/file/x"] {
            assert!(follow_links(&at(path)).is_err(), "{path}");
        }
        assert!(follow_links(Path::new("relative")).is_err());
    }
}
