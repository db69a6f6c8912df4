//! Opening a file whose path others can write to: a regular file, or nothing.
//!
//! What stands at such a path may be a pipe that nobody writes, a device without an end, or a terminal. The
//! open itself never waits and never makes a terminal this process's own.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// What is done where the last part of a path is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The file that it leads to is opened.
    Follow,
    /// It is an error.
    Refuse,
}

/// Opens a regular file to read it.
///
/// # Errors
/// When there is none, it cannot be opened, or what is there is no regular file
/// ([`io::ErrorKind::InvalidInput`]).
pub fn open_regular(path: &Path, links: Links) -> io::Result<File> {
    open_regular_with(OpenOptions::new().read(true), path, links)
}

/// Opens a regular file with these options, of which the flags are replaced.
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_with(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ))
    }
}

/// Reads a whole regular file of at most so many bytes.
///
/// # Errors
/// As [`open_regular`], when it cannot be read, and when it is larger ([`io::ErrorKind::FileTooLarge`]).
pub fn read_regular(path: &Path, links: Links, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path, links)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {most} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_is_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        let pipe = place.path().join("pipe");
        let link = place.path().join("link");
        std::fs::write(&file, "text").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open_regular(&file, Links::Refuse).is_ok());
        assert!(open_regular(&link, Links::Follow).is_ok());
        assert!(open_regular(&link, Links::Refuse).is_err());
        for other in [&pipe, Path::new("/dev/null"), place.path()] {
            let refused = open_regular(other, Links::Follow).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{other:?}");
        }
        assert_eq!(read_regular(&file, Links::Refuse, 4).unwrap(), b"text");
        let refused = read_regular(&file, Links::Refuse, 3).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
    }
}
