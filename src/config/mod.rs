//! What the user has set, and where each value comes from.
//!
//! A flag beats the environment, which beats the file of the project in the working directory,
//! where that may set it, which beats the user's own file, which beats the default; every value
//! remembers which of them it came from. `settings` is the one table from which all else here
//! derives. Owns reading the files and (for `login`) changing values in the user's. It must not
//! start anything or print. Called once, before any command or daemon runs.

mod call_for;
mod check;
mod file;
pub mod places;
mod resolve;
mod schema;
mod settings;
mod spec;
mod types;
mod value;
mod write;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use call_for::CallFor;
pub(crate) use check::check;
use file::ConfigFile;
use resolve::Resolver;
pub use schema::{Names, SCHEMA_NAME, schema, starter};
pub use settings::{Config, Dashboard, Description, FOREIGN, describe, specs};
pub use spec::Spec;
pub use value::{Entry, LogLevel, Origin, Port, Secret, Setting};
pub(crate) use write::set;

/// The name of the configuration file, wherever it is.
pub const FILE_NAME: &str = "humanlayer.json";

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
    /// Neither the environment nor the system names a home directory.
    #[error("finding your home directory: HOME is not set; set it")]
    NoHome,
    /// There is no working directory.
    #[error(
        "the working directory is gone ({0}), and a relative path needs one: change to one that exists"
    )]
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
    /// An object of ours is something else.
    #[error("reading {file}: `{key}` must be an object, not {found}; fix it with `humanlayer config edit`", file = file.display())]
    NotAnObjectThere {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// What it is.
        found: &'static str,
    },
    /// A value that makes no sense.
    #[error("`{key}` ({origin}) {problem}; {next}", next = origin.remedy())]
    Invalid {
        /// The key.
        key: &'static str,
        /// Where the value comes from.
        origin: Origin,
        /// What is wrong with it and what would be right.
        problem: String,
    },
}

/// Something in a configuration file that has no effect, and is therefore probably a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A key that means nothing.
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The key, with the object that it is in.
        key: String,
        /// The key that may have been meant.
        instead: Option<String>,
    },
    /// A project's own file sets what only the user may.
    NotForAProject {
        /// The file in the working directory.
        file: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// A project's own file makes no sense.
    UnusableOfAProject {
        /// The file in the working directory.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { file, key, instead } => {
                write!(f, "unknown key `{key}` in {}", shown(file))?;
                match instead {
                    Some(near) => write!(f, "; did you mean `{near}`?"),
                    None => f.write_str("; `humanlayer config list` lists all settings"),
                }
            }
            Self::NotForAProject { file, key } => write!(
                f,
                "`{key}` in {} is ignored: a project's file may not set it. Set it in your own file (`humanlayer config edit`) or name this file with --config-file",
                shown(file)
            ),
            Self::UnusableOfAProject { file, problem } => {
                write!(f, "{} is ignored: {problem}", shown(file))
            }
        }
    }
}

/// A path on one line: whoever made the directories has named them, perhaps with a line break.
fn shown(path: &std::path::Path) -> String {
    crate::domain::text::sanitize_line(&path.to_string_lossy()).into_owned()
}

impl Config {
    /// Resolves the configuration of this process.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file or variable, the key and what to do.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        with_process_inputs(flags, Self::resolve)
    }

    /// Resolves the configuration from what is given. A project's file that makes no sense is left out: it
    /// must keep nobody from deciding there.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file or variable, the key and what to do.
    pub fn resolve(inputs: &Inputs<'_>) -> Result<Self, ConfigError> {
        let tried = ConfigFile::of_project(inputs);
        let (project, problem) = match tried {
            Ok(project) => (project, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let had_project = project.is_some();
        let (resolved, problem) = match Self::resolve_with(inputs, project) {
            Err(error) if had_project => {
                (Self::resolve_with(inputs, None), Some(error.to_string()))
            }
            resolved => (resolved, problem),
        };
        let mut config = resolved?;
        config
            .warnings
            .extend(problem.map(|problem| Warning::UnusableOfAProject {
                file: inputs.directory.join(FILE_NAME),
                problem,
            }));
        Ok(config)
    }

    fn resolve_with(inputs: &Inputs<'_>, project: Option<ConfigFile>) -> Result<Self, ConfigError> {
        let own = ConfigFile::own(inputs)?;
        let mut warnings = Vec::new();
        warnings.extend(own.iter().flat_map(|file| file.warnings(false)));
        warnings.extend(project.iter().flat_map(|file| file.warnings(true)));
        let from = Resolver {
            inputs,
            project: project.as_ref(),
            own: own.as_ref(),
        };
        let dashboard = Dashboard::resolve_settings(&from)?;
        let path = |file: &Option<ConfigFile>| file.as_ref().map(|file| file.path.clone());
        let mut config =
            Self::resolve_settings(&from, dashboard, path(&own), path(&project), warnings)?;
        if let Some(socket) = &inputs.flags.daemon_socket {
            config.daemon_socket = Setting {
                value: expand(socket, inputs.home, inputs.directory),
                origin: Origin::Flag("--daemon-socket"),
            };
        }
        Ok(config)
    }

    /// After how long without work an idle session's process ends.
    #[must_use]
    pub fn session_idle(&self) -> Duration {
        seconds(self.session_idle_minutes.value * 60.0)
    }

    /// How long to wait between two polls of the HumanLayer API while something is going on.
    #[must_use]
    pub fn api_poll(&self) -> Duration {
        seconds(self.api_poll_seconds.value)
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

/// The user's own file, or the one asked for: where what is the user's alone is kept.
///
/// # Errors
/// When there is no home or working directory.
pub fn locate_own(flags: &Flags) -> Result<PathBuf, ConfigError> {
    with_process_inputs(flags, |inputs| Ok(ConfigFile::own_path(inputs)))
}

/// Where there is nothing: a working directory that has been deleted.
const DELETED: &str = "/proc/self/cwd";

fn with_process_inputs<T>(
    flags: &Flags,
    then: impl FnOnce(&Inputs<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let home = std::env::home_dir()
        .filter(|home| home.is_absolute())
        .ok_or(ConfigError::NoHome)?;
    let named = [&flags.daemon_socket, &flags.config_file];
    let needs_it = named.into_iter().flatten().any(|path| path.is_relative());
    let directory = match std::env::current_dir() {
        Ok(directory) => directory,
        Err(cause) if needs_it => return Err(ConfigError::NoDirectory(cause)),
        // It has been deleted: there is no project's file in it, and nothing else needs it.
        Err(_) => PathBuf::from(DELETED),
    };
    then(&Inputs {
        flags,
        environment: &|name| std::env::var_os(name),
        directory: &directory,
        home: &home,
    })
}

/// So many seconds; what no duration can be is none. The settings' own bounds keep that out.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
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
