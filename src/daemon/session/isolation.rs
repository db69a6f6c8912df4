//! Isolated agents: looking at what is around one, and starting it with what it is to see.
//!
//! Owns finding the facts on which [`crate::domain::isolation`] decides, the directories that must be there
//! before, and the trial before anything is started. What the facts are is looked up anew for each
//! process, as what a symbolic link leads to can have changed.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::agent_info::IsolatedAsking;
use super::isolation_git as git;
use crate::domain::isolation::{self, CLAUDE_KEPT, Surroundings, Unfit, View};
use crate::domain::{LaunchConfig, SessionId};
use crate::platform;
use crate::platform::isolation::{Contents, Isolation, IsolationError, Mount};

/// The directory beside the database with the socket that isolated agents see.
const SOCKET_DIRECTORY: &str = "agents";

/// The directory beside the database with what isolated sessions keep.
const KEPT_DIRECTORY: &str = "isolated";

/// The name of the socket in it, and where the daemon's directory is for isolated agents.
const SOCKET: &str = "daemon.sock";

/// Where isolated agents are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The daemon's directory.
    state: PathBuf,
    /// The directories of our configuration.
    configuration: Vec<PathBuf>,
}

/// What an isolated process is started with.
pub struct Isolated {
    /// What it sees.
    pub isolation: Isolation,
    /// Its environment.
    pub env: Vec<(String, String)>,
}

impl Isolated {
    /// How an agent is asked about itself that is to be started with it.
    #[must_use]
    pub fn asking(&self) -> IsolatedAsking {
        let home = self.env.iter().find(|(name, _)| name == "HOME");
        IsolatedAsking {
            isolation: self.isolation.clone(),
            home: home.map(|(_, home)| home.clone()).unwrap_or_default(),
        }
    }
}

/// Why an agent cannot be isolated.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Not where it is to work.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Not on this system.
    #[error(transparent)]
    System(#[from] IsolationError),
    /// Something that must be there first cannot be made.
    #[error("cannot use {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What git obeys is a link, which could be made to lead elsewhere.
    #[error("{} is a symbolic link, which an isolated agent could make lead elsewhere, and git obeys what is there: put a file or a directory in its place", .0.display())]
    Linked(PathBuf),
    /// There is too much in a directory to be looked through.
    #[error("there are too many directories in and around {} to look for git repositories in all of them, whose settings must be kept from an isolated agent: name a smaller working directory", .0.display())]
    TooMany(PathBuf),
    /// It has no home.
    #[error("it has no HOME in its environment, and so no home that could be kept from it")]
    NoHome,
    /// A directory leads elsewhere than when the session was launched.
    #[error("{} leads to {} now, which it did not when the session was launched", .0.display(), .1.display())]
    Moved(PathBuf, PathBuf),
    /// Its directory's path is too long.
    #[error("the path {} is longer than Claude Code's names for projects", .0.display())]
    TooLong(PathBuf),
}

impl Places {
    /// Those of a database's directory.
    #[must_use]
    pub fn of(state: &Path) -> Self {
        let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = std::env::home_dir().map(|home| home.join(".config"));
        let configuration = base.into_iter().chain(home);
        Self {
            state: state.to_owned(),
            configuration: configuration.map(|base| base.join("humanlayer")).collect(),
        }
    }

    /// The socket for isolated agents. Nothing else is in its directory.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.socket_directory().join(SOCKET)
    }

    /// Its directory.
    #[must_use]
    pub fn socket_directory(&self) -> PathBuf {
        self.state.join(SOCKET_DIRECTORY)
    }

    /// Where isolated agents find it.
    #[must_use]
    pub fn socket_inside(&self) -> PathBuf {
        self.state.join(SOCKET)
    }

    fn kept(&self, session: &SessionId) -> PathBuf {
        self.state.join(KEPT_DIRECTORY).join(session.as_str())
    }

    /// Removes what an isolated session kept. Blocks.
    pub fn remove_kept(&self, session: &SessionId) {
        let path = self.kept(session);
        let removed = fs::remove_dir_all(&path).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                open_up(&path);
                fs::remove_dir_all(&path)
            }
            _ => Err(error),
        });
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove what an isolated session kept");
        }
    }

    /// What a process is isolated with, once it was tried. Blocks.
    ///
    /// # Errors
    /// Why it cannot be isolated.
    pub fn isolate(
        &self,
        session: &SessionId,
        working_dir: &Path,
        config: &LaunchConfig,
        env: Vec<(String, String)>,
        mcp_config: Option<PathBuf>,
        program: &Path,
    ) -> Result<Isolated, Problem> {
        let around = self.look(session, working_dir, config, &env, mcp_config)?;
        let mounts = isolation::view(&around, Path::exists)?;
        let isolation = Isolation {
            directory: around.workspace.first().cloned().unwrap_or_default(),
            program: Some(program.to_owned()),
            mounts: mounts.into_iter().map(mount).collect(),
        };
        let conversations = around.claude.join("projects").join(&around.project);
        let kept = CLAUDE_KEPT.map(|name| around.kept.join(name));
        let memory = conversations.join(isolation::MEMORY);
        for path in kept.into_iter().chain([conversations, memory]) {
            private_directory(&path)?;
        }
        isolation.try_out()?;
        let socket = self.socket_inside();
        let env = isolation::environment(env, around.user, &around.claude, &socket);
        Ok(Isolated { isolation, env })
    }

    fn look(
        &self,
        session: &SessionId,
        working_dir: &Path,
        config: &LaunchConfig,
        env: &[(String, String)],
        mcp_config: Option<PathBuf>,
    ) -> Result<Surroundings, Problem> {
        let variable = |wanted: &str| {
            let found = env.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| PathBuf::from(value))
        };
        let home = variable("HOME").ok_or(Problem::NoHome)?;
        let home = resolved(&home)?;
        let mut homes = vec![home.clone()];
        homes.extend(std::env::home_dir().and_then(|own| fs::canonicalize(own).ok()));
        homes.retain(|home| home.parent().is_some());
        // One within another one comes after it.
        homes.sort();
        homes.dedup();
        let own_claude = variable("CLAUDE_CONFIG_DIR").filter(|path| path.is_absolute());
        let claude_state = match &own_claude {
            Some(directory) => directory.join(".claude.json"),
            None => home.join(".claude.json"),
        };
        let claude = own_claude.unwrap_or_else(|| home.join(".claude"));
        let claude = fs::canonicalize(&claude).unwrap_or(claude);
        let mut workspace = vec![unmoved(working_dir)?];
        for directory in config.additional_directories.iter().map(Path::new) {
            workspace.push(unmoved(directory)?);
        }
        let mut repositories: Vec<PathBuf> = workspace
            .iter()
            .filter_map(|directory| git::repository(directory))
            .collect();
        let mut obeyed = Vec::new();
        for directory in &workspace {
            let nested = git::nested(directory)?;
            repositories.extend(nested.repositories);
            obeyed.extend(nested.pointers);
        }
        repositories.sort();
        repositories.dedup();
        for repository in &repositories {
            obeyed.extend(git::obeyed(repository, &workspace)?);
        }
        obeyed.sort();
        obeyed.dedup();
        let project = workspace.first().cloned().unwrap_or_default();
        let project = isolation::project_name(&project).ok_or(Problem::TooLong(project))?;
        let inside = variable("XDG_CONFIG_HOME").map(|base| base.join("humanlayer"));
        let configuration = self.configuration.iter().cloned().chain(inside);
        let configuration: Vec<PathBuf> = configuration
            .chain([home.join(".config/humanlayer")])
            .collect();
        // What is not there cannot be hidden, and may be made while the agent runs.
        for path in &configuration {
            make_to_be_hidden(path);
        }
        for home in &homes {
            for keys in isolation::KEYS {
                make_to_be_hidden(&home.join(keys));
            }
        }
        let configuration = configuration.into_iter();
        let mut configuration: Vec<PathBuf> = configuration
            .filter_map(|path| fs::canonicalize(path).ok())
            .collect();
        configuration.sort();
        configuration.dedup();
        let state = resolved(&self.state)?;
        Ok(Surroundings {
            user: platform::user_id(),
            homes,
            workspace,
            repositories,
            obeyed,
            claude_entries: entries(&claude),
            claude,
            claude_state: Some(claude_state).filter(|path| path.is_file()),
            project,
            kept: state.join(KEPT_DIRECTORY).join(session.as_str()),
            socket_directory: state.join(SOCKET_DIRECTORY),
            state,
            configuration,
            mcp_config: mcp_config.as_deref().map(resolved).transpose()?,
            resolver: fs::canonicalize("/etc/resolv.conf")
                .ok()
                .filter(|path| path.starts_with("/run")),
        })
    }
}

fn mount(place: isolation::Place) -> Mount {
    let isolation::Place { at, view } = place;
    let (what, writable) = match view {
        View::Writable => (Contents::Bind(at.clone()), true),
        View::ReadOnly => (Contents::Bind(at.clone()), false),
        View::Other(source, writable) => (Contents::Bind(source), writable),
        View::Still => (Contents::Layer(at.clone()), false),
        View::Passing => (Contents::Layer(at.clone()), true),
        View::Scratch(mode) => (Contents::Empty(mode), true),
        View::Hidden => (Contents::Empty(0o755), false),
        View::Text(text) => (Contents::Text(text.to_owned()), false),
        View::Copy(source) => (Contents::Copy(source), true),
    };
    Mount { at, what, writable }
}

fn resolved(path: &Path) -> Result<PathBuf, Problem> {
    fs::canonicalize(path).map_err(|source| Problem::Directory {
        path: path.to_owned(),
        source,
    })
}

/// A path that was resolved when the session was launched, and is the same today.
fn unmoved(path: &Path) -> Result<PathBuf, Problem> {
    match resolved(path)? {
        same if same == path => Ok(same),
        other => Err(Problem::Moved(path.to_owned(), other)),
    }
}

fn private_directory(path: &Path) -> Result<(), Problem> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(|source| Problem::Directory {
        path: path.to_owned(),
        source,
    })
}

/// Makes a directory that is to be hidden, for this user alone; where that cannot be, nobody makes one meanwhile either.
fn make_to_be_hidden(path: &Path) {
    if let Err(error) = private_directory(path) {
        tracing::debug!(%error, "a directory that would be hidden cannot be made");
    }
}

/// What is in a directory, and where that really is. What leads nowhere is left out.
fn entries(directory: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            Some((name, fs::canonicalize(entry.path()).ok()?))
        })
        .collect();
    found.sort();
    found
}

/// Lets this user remove what is in a directory of theirs.
fn open_up(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        // What cannot be changed shows when it is removed.
        let _ = fs::set_permissions(&directory, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        directories.extend(below.map(|entry| entry.path()));
    }
}
