//! What an isolated program sees, built in a mount namespace of its own.
//!
//! Everything that is shown is taken hold of first, then the whole tree becomes read-only, and then one
//! mount after the other is put into its place, in the given order. So nothing is reached through what was
//! mounted over it. Paths are walked without following symbolic links: where one has become one since it
//! was looked at, the program is not started.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
};

use super::{Contents, Isolation, sys};

/// The devices that an isolated program has, beside terminals of its own.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Names in its `/dev` that lead to others.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Where the changes of layers are kept: it is mounted over afterwards.
const SCRATCH: &str = "/dev";

/// What was being done when the system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {source}{}", hint(source))]
pub(super) struct MountError {
    doing: String,
    #[source]
    source: io::Error,
}

fn hint(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::ENOSYS) => " (isolation needs Linux 5.12 or newer)",
        Some(libc::ELOOP) => " (a part of the path is a symbolic link)",
        _ => "",
    }
}

/// Says what was being done.
pub(super) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, MountError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, MountError> {
        self.map_err(|source| MountError {
            doing: doing(),
            source: source.into(),
        })
    }
}

/// A thing that will be put into its place.
enum Held {
    /// A mount that is nowhere yet.
    Mount(OwnedFd),
    /// The bytes of a file.
    Bytes(Vec<u8>),
}

/// Makes this process's mount namespace, which must be its own already, show what is asked for. Gives the
/// processes as files that can be written to, for what is left to be set up; nobody else finds them.
pub(super) fn build(isolation: &Isolation) -> Result<OwnedFd, MountError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)
        .doing(|| "keep mounts to this namespace".to_owned())?;
    let devices = devices()?;
    let processes = new("proc", &[], &[])?;
    let scratch = scratch()?;
    let mut held = Vec::with_capacity(isolation.mounts.len());
    for (number, mount) in isolation.mounts.iter().enumerate() {
        held.push(hold(mount, number, &scratch)?);
    }
    let root = open(Path::new("/"))?;
    sys::restrict(root.as_fd(), true, true).doing(|| "make everything read-only".to_owned())?;
    for (mount, held) in isolation.mounts.iter().zip(&held) {
        match held {
            Held::Mount(tree) => {
                let is_directory = is_directory(tree.as_fd(), &mount.at)?;
                place(tree.as_fd(), &mount.at, is_directory)?;
            }
            Held::Bytes(bytes) => write(&mount.at, bytes)?,
        }
    }
    // Only now, as places were made in them.
    for (mount, held) in isolation.mounts.iter().zip(&held) {
        if let (Held::Mount(tree), false) = (held, mount.writable) {
            sys::restrict(tree.as_fd(), true, false)
                .doing(|| format!("close the mount at {}", mount.at.display()))?;
        }
    }
    let shown = new("proc", &[], &[])?;
    // Root may write to files in it that concern the whole machine.
    let read_only = rustix::process::geteuid().is_root();
    sys::restrict(shown.as_fd(), read_only, false).doing(|| "close /proc".to_owned())?;
    place(shown.as_fd(), Path::new("/proc"), true)?;
    place_devices(&devices)?;
    Ok(processes)
}

/// Takes hold of what will be at a place.
fn hold(mount: &super::Mount, number: usize, scratch: &OwnedFd) -> Result<Held, MountError> {
    let closing = || format!("close the mount at {}", mount.at.display());
    Ok(match &mount.what {
        Contents::Bind(source) => {
            let tree = tree(source)?;
            sys::restrict(tree.as_fd(), !mount.writable, true).doing(closing)?;
            Held::Mount(tree)
        }
        Contents::Layer(source) => Held::Mount(layer(source, number, scratch)?),
        Contents::Empty(mode) => Held::Mount(memory(*mode)?),
        Contents::Text(text) => Held::Mount(file(text, number, scratch)?),
        Contents::Copy(source) => {
            let bytes = fs::read(source).doing(|| format!("read {}", source.display()))?;
            Held::Bytes(bytes)
        }
    })
}

fn open(path: &Path) -> Result<OwnedFd, MountError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
        .doing(|| format!("open {}", path.display()))
}

fn is_directory(file: BorrowedFd<'_>, at: &Path) -> Result<bool, MountError> {
    let found = rustix::fs::fstat(file).doing(|| format!("look at {}", at.display()))?;
    Ok(rustix::fs::FileType::from_raw_mode(found.st_mode).is_dir())
}

/// A copy of the mounts from a path on.
fn tree(path: &Path) -> Result<OwnedFd, MountError> {
    let place = open(path)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    rustix::mount::open_tree(&place, "", flags).doing(|| format!("take hold of {}", path.display()))
}

/// A new file system.
fn new(kind: &str, options: &[(&str, &str)], flags: &[&str]) -> Result<OwnedFd, MountError> {
    let made = || -> rustix::io::Result<OwnedFd> {
        let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in options {
            rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value)?;
        }
        for flag in flags {
            rustix::mount::fsconfig_set_flag(context.as_fd(), *flag)?;
        }
        rustix::mount::fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID;
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    made().doing(|| format!("mount a file system of kind {kind}"))
}

fn memory(mode: u32) -> Result<OwnedFd, MountError> {
    new(
        "tmpfs",
        &[("mode", &format!("{mode:o}")), ("size", "50%")],
        &[],
    )
}

/// Mounts a place for changes, and opens it.
fn scratch() -> Result<OwnedFd, MountError> {
    let memory = memory(0o700)?;
    place(memory.as_fd(), Path::new(SCRATCH), true)?;
    open(Path::new(SCRATCH))
}

fn in_scratch(scratch: &OwnedFd, number: usize, name: &str) -> PathBuf {
    PathBuf::from(format!(
        "/proc/self/fd/{}/{number}.{name}",
        scratch.as_raw_fd()
    ))
}

/// A directory as it is, whose changes are kept in memory.
fn layer(source: &Path, number: usize, scratch: &OwnedFd) -> Result<OwnedFd, MountError> {
    let doing = || format!("make a layer over {}", source.display());
    let below = open(source)?;
    let lower = format!("/proc/self/fd/{}", below.as_raw_fd());
    let mode = rustix::fs::fstat(&below).doing(doing)?.st_mode & 0o7777;
    let (upper, work) = (
        in_scratch(scratch, number, "upper"),
        in_scratch(scratch, number, "work"),
    );
    for dir in [&upper, &work] {
        fs::DirBuilder::new().mode(mode).create(dir).doing(doing)?;
    }
    let (upper, work) = (upper.to_string_lossy(), work.to_string_lossy());
    let options = [
        ("lowerdir", lower.as_str()),
        ("upperdir", &upper),
        ("workdir", &work),
    ];
    new("overlay", &options, &["userxattr"]).map_err(|error| MountError {
        doing: format!("make a layer over {}", source.display()),
        source: error.source,
    })
}

/// A file with a text, as a mount.
fn file(text: &str, number: usize, scratch: &OwnedFd) -> Result<OwnedFd, MountError> {
    let path = in_scratch(scratch, number, "text");
    let doing = || "write a file in memory".to_owned();
    let mut made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .doing(doing)?;
    made.write_all(text.as_bytes()).doing(doing)?;
    drop(made);
    tree(&Path::new(SCRATCH).join(format!("{number}.text")))
}

/// Puts a mount into its place, which is made if it is missing.
fn place(mount: BorrowedFd<'_>, at: &Path, is_directory: bool) -> Result<(), MountError> {
    let doing = || format!("mount something at {}", at.display());
    let target = match open(at) {
        Ok(target) => target,
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            make(at, is_directory)?;
            open(at)?
        }
        Err(error) => return Err(error),
    };
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, "", &target, "", flags).doing(doing)
}

/// Makes a place and what is missing above it.
fn make(at: &Path, is_directory: bool) -> Result<(), MountError> {
    let directory = match is_directory {
        true => Some(at),
        false => at.parent(),
    };
    if let Some(directory) = directory {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o755);
        builder
            .create(directory)
            .doing(|| format!("make the directory {}", directory.display()))?;
    }
    if !is_directory {
        write(at, &[])?;
    }
    Ok(())
}

fn write(at: &Path, bytes: &[u8]) -> Result<(), MountError> {
    let doing = || format!("write {}", at.display());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(at)
        .doing(doing)?;
    file.write_all(bytes).doing(doing)
}

/// The devices, as mounts that are nowhere yet.
fn devices() -> Result<Vec<(&'static str, OwnedFd)>, MountError> {
    let held = DEVICES.iter().map(|name| {
        let path = Path::new("/dev").join(name);
        Ok((*name, tree(&path)?))
    });
    held.collect()
}

fn place_devices(devices: &[(&str, OwnedFd)]) -> Result<(), MountError> {
    let dev = Path::new("/dev");
    let directory = memory(0o755)?;
    place(directory.as_fd(), dev, true)?;
    for (name, device) in devices {
        place(device.as_fd(), &dev.join(name), false)?;
    }
    let terminals = new(
        "devpts",
        &[("ptmxmode", "0666"), ("mode", "0620")],
        &["newinstance"],
    )?;
    place(terminals.as_fd(), &dev.join("pts"), true)?;
    for (name, target) in DEVICE_LINKS {
        std::os::unix::fs::symlink(target, dev.join(name))
            .doing(|| format!("make the link /dev/{name}"))?;
    }
    place(memory(0o1777)?.as_fd(), &dev.join("shm"), true)?;
    sys::restrict(directory.as_fd(), true, false).doing(|| "make /dev read-only".to_owned())
}
