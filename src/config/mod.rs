//! What the user has set, and where each value comes from.
//!
//! A flag beats the environment, which beats the file, which beats the
//! default; every value remembers which of them it came from. Owns the names
//! and bounds of all settings, reading the file, and (for `login`) changing
//! values in it. It must not start anything or print. Called once, before any
//! command or daemon runs.

mod dashboard;
mod file;
mod value;
mod write;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

pub use dashboard::Dashboard;
use file::ConfigFile;
pub(crate) use file::check;
pub use value::{Entry, LogLevel, Origin, Secret, Setting};
pub(crate) use write::set;

/// The name of the configuration file, wherever it is.
pub const FILE_NAME: &str = "humanlayer.json";
/// Longest time after which an idle session's process may be ended, in minutes (a year).
const MOST_IDLE_MINUTES: f64 = 525_600.0;

/// Bounds of the pause between two polls, in seconds.
const POLL_SECONDS: std::ops::RangeInclusive<f64> = 0.05..=3600.0;

/// What was said on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--daemon-socket`.
    pub daemon_socket: Option<PathBuf>,
    /// `--config-file`.
    pub config_file: Option<PathBuf>,
}

/// All that the configuration depends on, so that a test can choose it.
pub struct Inputs<'a> {
    /// The command line.
    pub flags: &'a Flags,
    /// Looks an environment variable up.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// The working directory, absolute.
    pub directory: &'a Path,
    /// The user's home directory.
    pub home: &'a Path,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A project's own file sets what only the user may.
    #[error("{file} sets {key}, which a project may not; set it in ~/.config/humanlayer/humanlayer.json or in the environment, or name this file with --config-file", file = file.display())]
    NotForAProject {
        /// The file in the working directory.
        file: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// Neither the environment nor the system names a home directory.
    #[error("finding your home directory: HOME is not set; set it")]
    NoHome,
    /// There is no working directory.
    #[error("finding the working directory: {0}; change to one that exists")]
    NoDirectory(io::Error),
    /// The file cannot be read.
    #[error("reading {file}: {source}", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("writing {file}: {source}; it is as it was", file = file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not JSON.
    #[error("reading {file}: it is not valid JSON ({source}); fix it with `humanlayer config edit`", file = file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The file is JSON, but not an object.
    #[error("reading {file}: it must hold one JSON object, such as {{}}; fix it with `humanlayer config edit`", file = file.display())]
    NotAnObject {
        /// The file.
        file: PathBuf,
    },
    /// A value has the wrong type.
    #[error("reading {file}: `{key}` must be {expected}, not {found}; fix it with `humanlayer config edit`", file = file.display())]
    WrongType {
        /// The file.
        file: PathBuf,
        /// The key.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A key in an object of ours that means nothing.
    #[error("reading {file}: `{key}` means nothing; {instead}", file = file.display())]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The key, with the object that it is in.
        key: String,
        /// What may have been meant.
        instead: String,
    },
    /// A value of the right type that makes no sense.
    #[error("the value of `{key}` ({origin}) {problem}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// Where the value comes from.
        origin: Origin,
        /// What is wrong with it and what would be right.
        problem: String,
    },
}

/// The resolved configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// The daemon's socket, absolute.
    pub daemon_socket: Setting<PathBuf>,
    /// The daemon's database, absolute.
    pub database_path: Setting<PathBuf>,
    /// The agent's program; none means `claude` on the PATH.
    pub claude_path: Setting<Option<PathBuf>>,
    /// How much is logged.
    pub log_level: Setting<LogLevel>,
    /// After how many minutes without work an idle session's process ends; above 0.
    pub session_idle_minutes: Setting<f64>,
    /// The key for the HumanLayer API.
    pub api_key: Setting<Option<Secret>>,
    /// Where the HumanLayer API is.
    pub api_base_url: Setting<String>,
    /// The pause between two polls of it while something is going on, in seconds.
    pub api_poll_seconds: Setting<f64>,
    /// Where its web application is.
    pub app_base_url: Setting<String>,
    /// Address of the daemon's local HTTP API.
    pub http_host: Setting<String>,
    /// Its port; 0 means none.
    pub http_port: Setting<u16>,
    /// Whether it may be served at an address that other machines reach.
    pub http_allow_remote: Setting<bool>,
    /// The run that this program belongs to, when one says so.
    pub run_id: Setting<Option<String>>,
    /// How the user wants the dashboard.
    pub dashboard: Dashboard,
}

impl Config {
    /// Resolves the configuration of this process.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file or variable, the key and what to do.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        with_process_inputs(flags, Self::resolve)
    }

    /// Resolves the configuration from what is given.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file or variable, the key and what to do.
    pub fn resolve(inputs: &Inputs<'_>) -> Result<Self, ConfigError> {
        let file = ConfigFile::find(inputs)?;
        let from = Resolver {
            inputs,
            file: file.as_ref(),
        };
        let state = inputs.home.join(".humanlayer");
        let flagged = inputs.flags.daemon_socket.as_deref().map(|path| Setting {
            value: from.absolute(path, inputs.directory),
            origin: Origin::Flag("--daemon-socket"),
        });
        let daemon_socket = match flagged {
            Some(setting) => setting,
            None => from.path("daemon_socket", "HUMANLAYER_DAEMON_SOCKET", || {
                state.join("daemon.sock")
            })?,
        };
        Ok(Self {
            daemon_socket,
            database_path: from.path("database_path", "HUMANLAYER_DATABASE_PATH", || {
                state.join("daemon.db")
            })?,
            claude_path: from.optional_path("claude_path", "HUMANLAYER_CLAUDE_PATH")?,
            log_level: from.parsed(
                "log_level",
                &["HUMANLAYER_LOG_LEVEL"],
                TEXT,
                || LogLevel::Info,
                |text| {
                    LogLevel::parse(text)
                        .ok_or("must be one of error, warn, info, debug, trace".to_owned())
                },
            )?,
            session_idle_minutes: from.parsed(
                "session_idle_minutes",
                &["HUMANLAYER_SESSION_IDLE_MINUTES"],
                NUMBER,
                || 10.0,
                |text| match text.parse() {
                    Ok(minutes) if minutes > 0.0 && minutes <= MOST_IDLE_MINUTES => Ok(minutes),
                    Ok(_) | Err(_) => Err(format!(
                        "must be a number of minutes above 0, at most {MOST_IDLE_MINUTES}"
                    )),
                },
            )?,
            api_key: from.parsed(
                "api_key",
                &["HUMANLAYER_API_KEY"],
                TEXT,
                || None,
                |text| Ok(Some(Secret::new(text))),
            )?,
            api_base_url: from.parsed(
                "api_base_url",
                &["HUMANLAYER_API_BASE", "HUMANLAYER_API_BASE_URL"],
                TEXT,
                || "https://api.humanlayer.dev/humanlayer/v1".to_owned(),
                url,
            )?,
            api_poll_seconds: from.parsed(
                "api_poll_seconds",
                &["HUMANLAYER_API_POLL_SECONDS"],
                NUMBER,
                || 3.0,
                |text| match text.parse() {
                    Ok(seconds) if POLL_SECONDS.contains(&seconds) => Ok(seconds),
                    Ok(_) | Err(_) => Err(format!(
                        "must be a number of seconds from {} to {}",
                        POLL_SECONDS.start(),
                        POLL_SECONDS.end()
                    )),
                },
            )?,
            app_base_url: from.parsed(
                "app_base_url",
                &["HUMANLAYER_APP_URL"],
                TEXT,
                || "https://app.humanlayer.dev".to_owned(),
                url,
            )?,
            http_host: from.parsed(
                "http_host",
                &["HUMANLAYER_DAEMON_HTTP_HOST"],
                TEXT,
                || "127.0.0.1".to_owned(),
                |text| Ok(text.to_owned()),
            )?,
            http_port: from.parsed(
                "http_port",
                &["HUMANLAYER_DAEMON_HTTP_PORT"],
                NUMBER,
                || 7777,
                |text| {
                    text.parse()
                        .map_err(|_| "must be a port from 0 (off) to 65535".to_owned())
                },
            )?,
            http_allow_remote: from.parsed(
                "http_allow_remote",
                &["HUMANLAYER_DAEMON_HTTP_ALLOW_REMOTE"],
                FLAG,
                || false,
                |text| match text {
                    "true" | "1" => Ok(true),
                    "false" | "0" => Ok(false),
                    _ => Err("must be true or false".to_owned()),
                },
            )?,
            run_id: from.parsed(
                "run_id",
                &["HUMANLAYER_RUN_ID"],
                TEXT,
                || None,
                |text| Ok(Some(text.to_owned())),
            )?,
            dashboard: Dashboard::read(file.as_ref())?,
            file: file.map(|file| file.path),
        })
    }

    /// Every value and where it comes from, secrets masked.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        fn path(path: &Path) -> Value {
            Value::from(path.to_string_lossy())
        }
        let mut entries = vec![
            self.daemon_socket.entry("daemon_socket", |v| path(v)),
            self.database_path.entry("database_path", |v| path(v)),
            self.claude_path
                .entry("claude_path", |v| v.as_deref().map_or(Value::Null, path)),
            self.log_level
                .entry("log_level", |v| Value::from(v.as_str())),
            self.session_idle_minutes
                .entry("session_idle_minutes", |v| Value::from(*v)),
            self.api_key.entry("api_key", |v| {
                v.as_ref()
                    .map_or(Value::Null, |secret| secret.masked().into())
            }),
            self.api_base_url
                .entry("api_base_url", |v| Value::from(v.as_str())),
            self.api_poll_seconds
                .entry("api_poll_seconds", |v| Value::from(*v)),
            self.app_base_url
                .entry("app_base_url", |v| Value::from(v.as_str())),
            self.http_host
                .entry("http_host", |v| Value::from(v.as_str())),
            self.http_port.entry("http_port", |v| Value::from(*v)),
            self.http_allow_remote
                .entry("http_allow_remote", |v| Value::from(*v)),
            self.run_id.entry("run_id", |v| Value::from(v.as_deref())),
        ];
        entries.extend(self.dashboard.entries());
        entries
    }

    /// After how long without work an idle session's process ends.
    #[must_use]
    pub fn session_idle(&self) -> Duration {
        Duration::from_secs_f64(self.session_idle_minutes.value * 60.0)
    }

    /// How long to wait between two polls of the HumanLayer API while something is going on.
    #[must_use]
    pub fn api_poll(&self) -> Duration {
        Duration::from_secs_f64(self.api_poll_seconds.value)
    }

    /// The directory of the daemon's log files: the database's.
    #[must_use]
    pub fn log_directory(&self) -> &Path {
        self.database_path
            .value
            .parent()
            .unwrap_or_else(|| Path::new("/"))
    }
}

/// Which file is, or would be, read: the one asked for, else the one in the
/// working directory if it is there, else the user's.
///
/// # Errors
/// When there is no home or working directory.
pub fn locate(flags: &Flags) -> Result<PathBuf, ConfigError> {
    with_process_inputs(flags, |inputs| Ok(ConfigFile::locate(inputs)))
}

/// The user's own file, or the one asked for: where what is the user's alone is kept.
///
/// # Errors
/// When there is no home or working directory.
pub fn locate_own(flags: &Flags) -> Result<PathBuf, ConfigError> {
    with_process_inputs(flags, |inputs| Ok(ConfigFile::locate_own(inputs)))
}

fn with_process_inputs<T>(
    flags: &Flags,
    then: impl FnOnce(&Inputs<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let home = std::env::home_dir()
        .filter(|home| home.is_absolute())
        .ok_or(ConfigError::NoHome)?;
    let directory = std::env::current_dir().map_err(ConfigError::NoDirectory)?;
    then(&Inputs {
        flags,
        environment: &|name| std::env::var_os(name),
        directory: &directory,
        home: &home,
    })
}

fn url(text: &str) -> Result<String, String> {
    if text.starts_with("https://") || text.starts_with("http://") {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be a URL that begins with https:// or http://".to_owned())
    }
}

/// What a key's value must be in the file.
type Form = (&'static str, fn(&Value) -> Option<String>);

const TEXT: Form = ("a string", |value| value.as_str().map(str::to_owned));
const NUMBER: Form = ("a number", |value| match value {
    Value::Number(number) => Some(number.to_string()),
    Value::String(text) => Some(text.clone()),
    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
});

const FLAG: Form = ("true or false", |value| match value {
    Value::Bool(flag) => Some(flag.to_string()),
    Value::String(text) => Some(text.clone()),
    Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
});

struct Resolver<'a> {
    inputs: &'a Inputs<'a>,
    file: Option<&'a ConfigFile>,
}

impl Resolver<'_> {
    /// The raw text of a key and where it comes from; empty variables and nulls count as unset.
    fn find(
        &self,
        key: &'static str,
        variables: &[&'static str],
        form: Form,
    ) -> Result<Option<(String, Origin)>, ConfigError> {
        for variable in variables {
            let Some(found) = (self.inputs.environment)(variable).filter(|v| !v.is_empty()) else {
                continue;
            };
            let origin = Origin::Environment(variable);
            return match found.into_string() {
                Ok(text) => Ok(Some((text, origin))),
                Err(_) => Err(ConfigError::Invalid {
                    key,
                    origin,
                    problem: "is not valid UTF-8; set another".to_owned(),
                }),
            };
        }
        match self.file {
            Some(file) => Ok(file
                .text(key, form)?
                .map(|text| (text, Origin::File(file.path.clone())))),
            None => Ok(None),
        }
    }

    fn parsed<T>(
        &self,
        key: &'static str,
        variables: &[&'static str],
        form: Form,
        default: impl FnOnce() -> T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Setting<T>, ConfigError> {
        match self.find(key, variables, form)? {
            None => Ok(Setting {
                value: default(),
                origin: Origin::Default,
            }),
            Some((text, origin)) => match parse(text.trim()) {
                Ok(value) => Ok(Setting { value, origin }),
                Err(problem) => Err(ConfigError::Invalid {
                    key,
                    origin,
                    problem,
                }),
            },
        }
    }

    fn optional_path(
        &self,
        key: &'static str,
        variable: &'static str,
    ) -> Result<Setting<Option<PathBuf>>, ConfigError> {
        let Some((text, origin)) = self.find(key, &[variable], TEXT)? else {
            return Ok(Setting {
                value: None,
                origin: Origin::Default,
            });
        };
        // A relative path in the file means one beside the file.
        let base = match &origin {
            Origin::File(file) => file.parent().unwrap_or(self.inputs.directory),
            Origin::Flag(_) | Origin::Environment(_) | Origin::Default => self.inputs.directory,
        };
        Ok(Setting {
            value: Some(self.absolute(Path::new(&text), base)),
            origin,
        })
    }

    fn path(
        &self,
        key: &'static str,
        variable: &'static str,
        default: impl FnOnce() -> PathBuf,
    ) -> Result<Setting<PathBuf>, ConfigError> {
        let Setting { value, origin } = self.optional_path(key, variable)?;
        Ok(Setting {
            value: value.unwrap_or_else(default),
            origin,
        })
    }

    fn absolute(&self, path: &Path, base: &Path) -> PathBuf {
        expand(path, self.inputs.home, base)
    }
}

/// Makes a path absolute: `~` means `home`, anything relative is below `base`.
#[must_use]
pub fn expand(path: &Path, home: &Path, base: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.to_owned(),
        Ok(rest) => home.join(rest),
        Err(_) => base.join(path),
    }
}

#[cfg(test)]
mod tests;
