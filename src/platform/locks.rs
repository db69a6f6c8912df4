//! Who holds a file locked, and how a person is told which process that is.

use std::path::Path;

use super::walk;

/// A lock on a file, as the system shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileLock {
    /// The process; 0 where it is outside of our namespace.
    pid: u32,
    /// Whether it is one on the whole file (`flock`), not on a range of its bytes.
    is_whole: bool,
    /// Whether nobody else may hold one beside it.
    is_exclusive: bool,
    /// The first of its bytes.
    first: u64,
    /// The last of them.
    last: u64,
}

/// The processes that hold a file locked as a whole, for themselves alone.
#[must_use]
pub fn lock_holders(path: &Path) -> Vec<u32> {
    locks_on(path)
        .into_iter()
        .filter(|lock| lock.is_whole && lock.is_exclusive)
        .map(|lock| lock.pid)
        .collect()
}

/// The locks on a file; none where the system does not show them.
#[cfg(target_os = "linux")]
fn locks_on(path: &Path) -> Vec<FileLock> {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(file), Ok(locks)) = (
        std::fs::metadata(path),
        std::fs::read_to_string("/proc/locks"),
    ) else {
        return Vec::new();
    };
    let device = rustix::fs::major(file.dev()).to_be_bytes();
    let device = (u32::from_be_bytes(device), rustix::fs::minor(file.dev()));
    on_file(&locks, device, file.ino())
}

/// The locks on a file: not told here.
#[cfg(not(target_os = "linux"))]
fn locks_on(_path: &Path) -> Vec<FileLock> {
    Vec::new()
}

/// Reads the system's list, whose lines are like `1: FLOCK  ADVISORY  WRITE 4711 fd:00:1234 0 EOF`. The device is that
/// of a lower layer on some file systems, so a lock with the file's number counts whatever its device; but not
/// beside one that has the right one, as anybody can have a file of that number on a device of their own.
#[cfg(any(target_os = "linux", test))]
fn on_file(list: &str, device: (u32, u32), inode: u64) -> Vec<FileLock> {
    let found: Vec<(bool, FileLock)> = list
        .lines()
        .filter_map(|line| {
            // Who only waits has an arrow in front.
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, kind, _, access, pid, file, first, last] = fields.as_slice() else {
                return None;
            };
            let is_whole = match *kind {
                "FLOCK" => true,
                "POSIX" | "OFDLCK" => false,
                _ => return None,
            };
            let mut file = file.split(':');
            let mut hex = || u32::from_str_radix(file.next()?, 16).ok();
            let of = (hex()?, hex()?);
            if file.next()?.parse() != Ok(inode) {
                return None;
            }
            let lock = FileLock {
                // One of an open file description has -1.
                pid: pid.parse().unwrap_or(0),
                is_whole,
                is_exclusive: *access == "WRITE",
                first: first.parse().ok()?,
                last: last.parse().unwrap_or(u64::MAX),
            };
            Some((of == device, lock))
        })
        .collect();
    let is_told = found.iter().any(|(is_right, _)| *is_right);
    found
        .into_iter()
        .filter(|(is_right, _)| *is_right || !is_told)
        .map(|(_, lock)| lock)
        .collect()
}

/// Longest name of a program that is told.
const NAME: usize = 60;

/// A process as a person is told of it, with the session that it belongs to, as far as that shows.
#[must_use]
pub fn describe_process(pid: u32) -> String {
    let Ok(steps) = walk(pid) else {
        return format!("process {pid}");
    };
    let plain = |text: &str| -> String {
        let shown = |letter: char| letter.is_ascii_graphic() || letter == ' ';
        text.chars()
            .take(NAME)
            .map(|letter| if shown(letter) { letter } else { '?' })
            .collect()
    };
    let name = steps.first().map(|step| plain(&step.program_name()));
    let is_agents = super::has_a_runner(&steps);
    let session = steps.iter().find_map(|step| step.mark.as_deref());
    let of = match session {
        Some(session) => {
            let short: String = plain(session).chars().take(8).collect();
            format!(", of session {short}")
        }
        None if is_agents => ", of a session".to_owned(),
        None => String::new(),
    };
    format!("process {pid} ({}{of})", name.unwrap_or_default())
}

/// Who else holds a file locked as a whole, with what helps; none if nobody does, or it is not told.
#[must_use]
pub fn who_holds(path: &Path) -> Option<String> {
    told(locks_on(path).iter().filter(|lock| lock.is_whole))
}

/// The byte of SQLite's index of a write-ahead log that whoever writes to the database holds locked.
const SQLITE_WRITE_LOCK: u64 = 120;

/// Who else holds a SQLite database so that it cannot be written, with what helps; none if nobody does, or
/// it is not told.
#[must_use]
pub fn who_holds_database(path: &Path) -> Option<String> {
    let mut index = path.as_os_str().to_owned();
    index.push("-shm");
    let mut locks = locks_on(Path::new(&index));
    locks.retain(|lock| (lock.first..=lock.last).contains(&SQLITE_WRITE_LOCK));
    locks.extend(locks_on(path).into_iter().filter(|lock| !lock.is_whole));
    told(locks.iter().filter(|lock| lock.is_exclusive))
}

fn told<'a>(locks: impl Iterator<Item = &'a FileLock>) -> Option<String> {
    let own = std::process::id();
    let pid = locks.map(|lock| lock.pid).find(|pid| *pid != own)?;
    Some(match pid {
        0 => "a process outside of this container".to_owned(),
        pid => format!("{}; `kill {pid}` ends it", describe_process(pid)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const LIST: &str = "1: POSIX  ADVISORY  WRITE 11 fd:00:77 120 120
2: FLOCK  ADVISORY  READ 12 fd:00:77 0 EOF
2: -> FLOCK  ADVISORY  WRITE 13 fd:00:77 0 EOF
3: OFDLCK ADVISORY  WRITE -1 fd:00:77 1073741824 1073742335
4: FLOCK  ADVISORY  WRITE 14 00:2a:77 0 EOF
5: FLOCK  ADVISORY  WRITE 15 fd:00:78 0 EOF
6: LEASE  ACTIVE    WRITE 16 fd:00:77 0 EOF
";

    #[test]
    fn a_lock_is_of_its_file_and_of_nobody_who_waits() {
        let pids = |device, inode| -> Vec<u32> {
            let found = on_file(LIST, device, inode);
            found.iter().map(|lock| lock.pid).collect()
        };
        assert_eq!(pids((0xfd, 0), 77), [11, 12, 0]);
        // A device that no line has: that of a lower layer.
        assert_eq!(pids((8, 1), 77), [11, 12, 0, 14]);
        assert_eq!(pids((0xfd, 0), 79), [0; 0]);
        let first = on_file(LIST, (0xfd, 0), 77)[0];
        assert!(!first.is_whole && first.is_exclusive);
        assert_eq!((first.first, first.last), (120, 120));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_locks_a_file_is_found_and_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(who_holds(file.path()), None);
        let mut holder = std::process::Command::new("flock")
            .arg(file.path())
            .args(["sh", "-c", "echo ready; read line"])
            .env("HUMANLAYER_SESSION_ID", "0123456789\u{1b}[31m")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready).unwrap();
        assert_eq!(lock_holders(file.path()), [holder.id()]);
        let told = who_holds(file.path()).unwrap();
        let pid = holder.id();
        assert!(
            told.starts_with(&format!("process {pid} (flock, of session 01234567)")),
            "{told}"
        );
        assert!(told.contains(&format!("kill {pid}")), "{told}");
        drop(holder.stdin.take());
        holder.wait().unwrap();
        assert_eq!(who_holds(file.path()), None);
    }
}
