//! The socket and the database: can the daemon use them, and who does now?

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use super::{Finding, InspectDatabase};
use crate::client::{Client, ClientError};
use crate::config::places::Places;
use crate::ipc::listener::MAX_PATH_BYTES;
use crate::platform;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::session::HealthResponse;

/// How long the daemon may take to say how it is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What helps where the socket cannot be made.
const OTHER_SOCKET: &str =
    "make that possible, or choose another path with HUMANLAYER_DAEMON_SOCKET";

/// What helps where the state cannot be written.
const OTHER_DATABASE: &str = "make that possible, or choose another path with HUMANLAYER_DATABASE_PATH; everything else is kept beside it";

/// Examines the socket, its directory and who answers on it.
pub async fn examine_socket(socket: &Path) -> Vec<Finding> {
    let mut findings = vec![directory(socket)];
    findings.push(match fs::symlink_metadata(socket) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            Finding::ok("daemon", "not running; starts on demand")
        }
        Err(cause) => Finding::fail(
            "daemon",
            format!("looking at {}: {cause}", socket.display()),
            "choose another path with HUMANLAYER_DAEMON_SOCKET",
        ),
        Ok(found) if !found.file_type().is_socket() => Finding::fail(
            "daemon",
            format!("{} is not a socket", socket.display()),
            "move it away, or choose another path with HUMANLAYER_DAEMON_SOCKET",
        ),
        Ok(_) => ask(socket).await,
    });
    findings
}

/// Nobody else may be able to put their own socket in place of ours.
fn directory(socket: &Path) -> Finding {
    let check = "socket";
    let bytes = socket.as_os_str().len();
    if bytes > MAX_PATH_BYTES {
        return Finding::fail(
            check,
            format!("its path has {bytes} bytes; the system takes {MAX_PATH_BYTES}"),
            "choose a shorter one with HUMANLAYER_DAEMON_SOCKET",
        );
    }
    let directory = socket.parent().unwrap_or(socket);
    let found = match fs::metadata(directory) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return match not_writable(directory) {
                None => Finding::ok(check, format!("{} will be created", directory.display())),
                Some(problem) => Finding::fail(check, problem, OTHER_SOCKET),
            };
        }
        Err(cause) => {
            return Finding::fail(
                check,
                format!("looking at {}: {cause}", directory.display()),
                "choose another path with HUMANLAYER_DAEMON_SOCKET",
            );
        }
        Ok(found) => found,
    };
    let uid = rustix::process::geteuid().as_raw();
    let mode = found.mode() & 0o7777;
    if !found.is_dir() {
        Finding::fail(
            check,
            format!("{} is not a directory", directory.display()),
            "choose another path with HUMANLAYER_DAEMON_SOCKET",
        )
    } else if found.uid() != uid {
        let (owner, user) = (
            platform::describe_user(found.uid()),
            platform::describe_user(uid),
        );
        Finding::fail(
            check,
            format!(
                "{} belongs to {owner}, and this is {user}",
                directory.display()
            ),
            format!(
                "if {owner} started the daemon before: sudo chown -R {user} {}; else choose another path with HUMANLAYER_DAEMON_SOCKET",
                directory.display()
            ),
        )
    } else if mode & 0o022 != 0 {
        Finding::fail(
            check,
            format!(
                "others may write to {} (mode {mode:04o})",
                directory.display()
            ),
            format!("chmod 700 {}", directory.display()),
        )
    } else if mode & 0o077 != 0 {
        Finding::warn(
            check,
            format!(
                "others may look into {} (mode {mode:04o})",
                directory.display()
            ),
            format!("chmod 700 {}", directory.display()),
        )
    } else if let Some(problem) = not_writable(directory) {
        Finding::fail(check, problem, OTHER_SOCKET)
    } else {
        Finding::ok(check, socket.display().to_string())
    }
}

/// Why nothing can be made in a directory, or in the nearest one above it that exists; none when it can.
/// Found by making a file there that has no name, or is removed at once.
fn not_writable(directory: &Path) -> Option<String> {
    let existing = directory
        .ancestors()
        .find(|above| above.symlink_metadata().is_ok())?;
    let cause = tempfile::tempfile_in(existing).err()?;
    Some(if existing == directory {
        format!("cannot write to {}: {cause}", directory.display())
    } else {
        format!(
            "cannot make {}: cannot write to {}: {cause}",
            directory.display(),
            existing.display()
        )
    })
}

/// How a running daemon says that it is; none where none answers.
pub async fn health(socket: &Path) -> Option<HealthResponse> {
    let asked = async { Client::connect(socket).await?.health().await };
    tokio::time::timeout(ANSWER_TIMEOUT, asked).await.ok()?.ok()
}

async fn ask(socket: &Path) -> Finding {
    let check = "daemon";
    let asked = async { Client::connect(socket).await?.health().await };
    match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
        Err(_) | Ok(Err(ClientError::Silent { .. })) => Finding::fail(
            check,
            format!("it does not answer within {} s", ANSWER_TIMEOUT.as_secs()),
            "`humanlayer daemon restart` is safe: sessions keep running",
        ),
        Ok(Err(ClientError::NotRunning { .. })) => Finding::warn(
            check,
            "does not run, and has left its socket behind",
            "nothing to do: the next start replaces it",
        ),
        Ok(Err(error)) => Finding::fail(
            check,
            error.to_string(),
            "another program may serve the socket; stop it, or choose another path with HUMANLAYER_DAEMON_SOCKET",
        ),
        Ok(Ok(health)) => judge(&health),
    }
}

/// Whether the daemon takes this program for a person's, where it does not.
pub fn examine_caller(health: &HealthResponse) -> Option<Finding> {
    let reason = health.caller_problem.as_ref()?;
    Some(Finding::warn(
        "decisions",
        format!("the daemon lets this program decide nothing: {reason}"),
        "decide in a terminal of your own, where the daemon runs and can look at it",
    ))
}

/// Whether processes can be looked at here: without that nothing is known of whoever calls.
pub fn examine_proc() -> Option<Finding> {
    let is_missing = cfg!(target_os = "linux") && !Path::new("/proc/self/stat").exists();
    is_missing.then(|| {
        Finding::fail(
            "proc",
            "/proc is not mounted here: neither Claude Code nor the daemon can run",
            "mount it (mount -t proc proc /proc), or run this where it is mounted",
        )
    })
}

/// How close the daemon is to the limit of its open files.
pub fn examine_limits(health: &HealthResponse) -> Option<Finding> {
    let files = health.open_files.as_ref()?;
    let check = "limits";
    let found = format!(
        "the daemon has {} of at most {} files open: room for {} more sessions",
        files.used, files.limit, files.room_for
    );
    Some(if files.room_for < FEW_SESSIONS {
        Finding::warn(
            check,
            found,
            "raise the limit of open files (`ulimit -n`, `LimitNOFILE=` of a service), then `humanlayer daemon restart`: sessions keep running",
        )
    } else {
        Finding::ok(check, found)
    })
}

/// Room for fewer further sessions is warned of.
const FEW_SESSIONS: u64 = 10;

fn judge(health: &HealthResponse) -> Finding {
    let check = "daemon";
    let found = format!(
        "runs: version {}, protocol {}, pid {}, {} live {}",
        health.version,
        health.protocol,
        health.pid,
        health.live_sessions,
        if health.live_sessions == 1 {
            "session"
        } else {
            "sessions"
        },
    );
    if let Some(problem) = &health.problem {
        return Finding::fail(
            check,
            format!("{found}; {problem}"),
            "the daemon's log says more: `humanlayer daemon logs`",
        );
    }
    if let Some(alarm) = health.alarms.first() {
        let more = match health.alarms.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        return Finding::warn(
            check,
            format!("{found}; alarm: {}{more}", alarm.detail),
            "look into it, then acknowledge it: `humanlayer alarms list`, `humanlayer alarms ack ID`",
        );
    }
    if let Some(problem) = &health.http_problem {
        return Finding::warn(
            check,
            format!("{found}; the local HumanLayer API is not served: {problem}"),
            "set http_port to another port, or to 0 to do without it",
        );
    }
    match health.protocol {
        PROTOCOL_VERSION => Finding::ok(check, found),
        // The older daemon does not say.
        0 => Finding::warn(
            check,
            format!(
                "an older daemon, version {}, serves the socket",
                health.version
            ),
            "stop it the way it was started; this program starts its own",
        ),
        _ => Finding::warn(
            check,
            found,
            format!(
                "this program speaks protocol {PROTOCOL_VERSION}; `humanlayer daemon restart` is safe"
            ),
        ),
    }
}

/// Examines the database without changing it, by `inspect`, and whether the daemon could write it.
pub fn examine_database(database: &Path, inspect: InspectDatabase) -> Finding {
    let check = "database";
    let found = match fs::symlink_metadata(database) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            Ok(format!("{} will be created", database.display()))
        }
        Err(_) | Ok(_) => inspect(database).map(|found| format!("{}: {found}", database.display())),
    };
    let found = match found {
        Ok(found) => found,
        // The store's sentence says what to do as well.
        Err(problem) => {
            return Finding {
                next: None,
                ..Finding::fail(check, problem, "")
            };
        }
    };
    match state_problem(database) {
        None => Finding::ok(check, found),
        Some(problem) => Finding::fail(check, problem, OTHER_DATABASE),
    }
}

/// Why the daemon could not keep its state beside a database: the database, its key, its log and the
/// sessions' directories.
fn state_problem(database: &Path) -> Option<String> {
    let places = Places::of(database);
    if let Some(problem) = not_writable(&places.directory) {
        return Some(problem);
    }
    for file in [database, &places.key] {
        match fs::OpenOptions::new().write(true).open(file) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Some(format!("cannot write {}: {cause}", file.display()));
            }
            Ok(_) | Err(_) => {}
        }
    }
    let sessions = &places.sessions;
    if sessions.exists()
        && let Some(problem) = not_writable(sessions)
    {
        return Some(problem);
    }
    let over = places.excess()?;
    Some(format!(
        "{} is {over} bytes too long for the sockets of sessions",
        sessions.display()
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::Level;
    use super::*;
    use crate::daemon::store;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    fn inspect(database: &Path) -> Result<String, String> {
        store::inspect(database).map_err(|problem| problem.to_string())
    }

    fn level_of(mode: u32) -> Level {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        self::directory(&directory.path().join("d.sock")).level
    }

    #[test]
    fn a_directory_that_others_can_write_to_fails() {
        assert_eq!(level_of(0o700), Level::Ok);
        assert_eq!(level_of(0o755), Level::Warn);
        assert_eq!(level_of(0o775), Level::Fail);
        let long = Path::new("/").join("x".repeat(MAX_PATH_BYTES));
        assert_eq!(self::directory(&long).level, Level::Fail);
    }

    #[tokio::test]
    async fn what_is_at_the_sockets_place_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("d.sock");
        let level = async |socket: &Path| examine_socket(socket).await[1].level;
        assert_eq!(level(&socket).await, Level::Ok);
        fs::write(&socket, "").unwrap();
        assert_eq!(level(&socket).await, Level::Fail);
        fs::remove_file(&socket).unwrap();
        drop(UnixListener::bind(&socket).unwrap());
        assert_eq!(level(&socket).await, Level::Warn);
    }

    #[test]
    fn a_place_that_cannot_be_written_fails() {
        // Nobody can make a directory in /proc, not even root; as on a disk mounted read-only.
        let home = Path::new("/proc/humanlayer");
        let found = self::directory(&home.join("d.sock"));
        assert_eq!(found.level, Level::Fail, "{found:?}");
        let found = examine_database(&home.join("d.db"), inspect);
        assert_eq!(found.level, Level::Fail, "{found:?}");
        assert!(found.next.unwrap().contains("HUMANLAYER_DATABASE_PATH"));
        let file = tempfile::NamedTempFile::new().unwrap();
        for found in [
            self::directory(&file.path().join("d.sock")),
            examine_database(&file.path().join("d.db"), inspect),
        ] {
            assert_eq!(found.level, Level::Fail, "{found:?}");
        }
    }

    #[test]
    fn another_programs_database_fails_and_none_is_fine() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("d.db");
        assert_eq!(examine_database(&file, inspect).level, Level::Ok);
        fs::write(&file, "this is no database at all").unwrap();
        assert_eq!(examine_database(&file, inspect).level, Level::Fail);
    }
}
