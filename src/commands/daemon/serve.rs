//! Being the daemon: in the background, or in the foreground for servers.
//!
//! Owns the steps before the daemon runs, in their order: daemonizing comes
//! before any thread or runtime exists, because a fork takes only the calling
//! thread along; the log comes after it. The daemon itself is [`crate::daemon`].

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use daemonize::Daemonize;
use secrecy::SecretString;

use super::parent;
use crate::commands::exit::Failure;
use crate::commands::in_process::{self, HttpOptions, Options, RemoteApiSettings};
use crate::commands::output;
use crate::config::{Config, Flags};
use crate::logging::{self, Destination};
use crate::platform::{self, Step};

/// Runs the daemon in this process until it is told to stop.
pub fn headless(config: &Config) -> Result<(), Failure> {
    let starter = starter()?;
    platform::keep_files_private();
    let color = output::has_color();
    logging::init(Destination::Stderr { color }, config.log_level.value)
        .map_err(|cause| Failure::failed(cause.to_string()))?;
    serve(config, starter, false)
}

/// The way up from whoever started this process. Read before going into the background, where it is
/// lost; nobody hands it over, so nobody can claim another one.
fn starter() -> Result<Vec<Step>, Failure> {
    let steps = platform::walk(std::process::id())
        .map_err(|cause| Failure::failed(format!("looking at who started this: {cause}")))?;
    Ok(steps.into_iter().skip(1).collect())
}

/// Becomes the daemon in the background. Who started us reads our standard output: what goes
/// wrong before the daemon serves is written there, and it closes when the daemon dies.
pub fn detached(flags: &Flags) -> Result<(), Failure> {
    // A copy that our own children do not inherit; the original is about to be replaced.
    let mut report = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map(|pipe| Some(File::from(pipe)))
        .map_err(|cause| Failure::failed(format!("keeping the report's pipe: {cause}")))?;
    become_daemon(flags, &mut report).map_err(|failure| {
        let Failure::Told(trouble) = failure else {
            return failure;
        };
        if let Some(report) = &mut report {
            let hint = trouble.hint.map(|hint| format!("; {hint}"));
            let hint = hint.unwrap_or_default();
            // Late in life nobody reads it any more, and the log has it too.
            let _ = write!(report, "{}{hint}", trouble.message);
        }
        Failure::shown(trouble.kind, trouble.message)
    })
}

/// Is the daemon that takes the place of one that died. Its parent has gone into the background long ago.
pub fn restarted(flags: &Flags) -> Result<(), Failure> {
    let config = Config::load(flags)?;
    let starter = starter()?;
    log_to_directory(&config)?;
    tracing::warn!("the last daemon died; this one takes its place");
    serve(&config, starter, true)
}

/// Sets up what a daemon in the background logs to.
fn log_to_directory(config: &Config) -> Result<(), Failure> {
    // What agents make is made with the user's mask, which their runners are told.
    platform::keep_files_private();
    logging::init(
        Destination::Directory(config.log_directory()),
        config.log_level.value,
    )
    .map_err(|cause| Failure::failed(cause.to_string()))
}

fn become_daemon(flags: &Flags, report: &mut Option<File>) -> Result<(), Failure> {
    // Relative paths are resolved here, before the working directory changes.
    let config = Config::load(flags)?;
    let starter = starter()?;
    // Not everybody has the home that the system names: a service's user often has none.
    let home = std::env::home_dir().filter(|home| home.is_dir());
    let home = home.unwrap_or_else(|| "/".into());
    Daemonize::new()
        .working_directory(home)
        // Agents create files on the user's behalf, so the user's own mask stays.
        .umask(platform::user_umask())
        .start()
        .map_err(|cause| Failure::failed(format!("going into the background: {cause}")))?;
    let child = platform::fork()
        .map_err(|cause| Failure::failed(format!("starting the daemon: {cause}")))?;
    if let Some(child) = child {
        // The pipe closes when the daemon dies.
        *report = None;
        parent::watch(child, &config);
        return Ok(());
    }
    log_to_directory(&config)?;
    serve(&config, starter, false)
}

fn serve(config: &Config, starter: Vec<Step>, restarted: bool) -> Result<(), Failure> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    in_process::run(Options {
        socket: config.daemon_socket.value.clone(),
        database: config.database_path.value.clone(),
        claude_path: config.claude_path.value.clone(),
        session_idle: config.session_idle(),
        isolation: config.isolation.value,
        agent_launches: config.agent_launches.value,
        http: HttpOptions {
            host: config.http_host.value.clone(),
            port: config.http_port.value,
            allow_remote: config.http_allow_remote.value,
        },
        remote_api: config.api_key.value.as_ref().map(|key| RemoteApiSettings {
            base_url: config.api_base_url.value.clone(),
            key: SecretString::from(key.expose()),
            every: config.api_poll(),
        }),
        starter,
        restarted,
    })
    .map_err(|cause| {
        tracing::error!(%cause, "the daemon ends");
        Failure::failed(cause.to_string())
    })
}
