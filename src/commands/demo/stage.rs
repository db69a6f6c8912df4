//! The demonstration's directory: a project, programs that do nothing, a link to the agent, a configuration.
//!
//! Owns where everything is and what is in it; all of it ships within this program. Removed with
//! its owner. Starts nothing.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::agent;
use super::scenes::project_in;
use crate::commands::exit::Failure;
use crate::config::{Config, Dashboard, Flags, Inputs};

/// Longest path of a directory for temporary files below which a session's socket still fits.
const LONGEST_BASE: usize = 24;

/// Files of the project: name, content.
const PROJECT: [(&str, &str); 4] = [
    (
        "src/limit.rs",
        include_str!("../../../assets/demo/shop/src/limit.rs"),
    ),
    (
        "src/checkout.rs",
        include_str!("../../../assets/demo/shop/src/checkout.rs"),
    ),
    (
        "settings.css",
        include_str!("../../../assets/demo/shop/settings.css"),
    ),
    (
        "README.md",
        include_str!("../../../assets/demo/shop/README.md"),
    ),
];

/// Programs that only print.
const PROGRAMS: [(&str, &str); 2] = [
    ("cargo", include_str!("../../../assets/demo/bin/cargo")),
    ("git", include_str!("../../../assets/demo/bin/git")),
];

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
#[error("preparing the demonstration in {}: {source}", path.display())]
pub struct StageError {
    path: PathBuf,
    source: io::Error,
}

/// The directory.
pub struct Stage {
    root: TempDir,
}

impl Stage {
    /// Makes it and fills it.
    pub fn set(preferences: Option<&Dashboard>) -> Result<Self, StageError> {
        let base = std::env::temp_dir();
        let base = if base.as_os_str().len() > LONGEST_BASE {
            PathBuf::from("/tmp")
        } else {
            base
        };
        let failed = |source| StageError {
            path: base.clone(),
            source,
        };
        let root = tempfile::Builder::new()
            .prefix("humanlayer-demo-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(&base)
            .map_err(failed)?;
        let stage = Self { root };
        stage.fill(preferences).map_err(failed)?;
        Ok(stage)
    }

    fn fill(&self, preferences: Option<&Dashboard>) -> io::Result<()> {
        for directory in ["state", "home/bin", "home/shop/src", "home/shop/migrations"] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.path().join(directory))?;
        }
        for (name, content) in PROJECT {
            std::fs::write(self.project().join(name), content)?;
        }
        for (name, content) in PROGRAMS {
            let program = self.home().join("bin").join(name);
            std::fs::write(&program, content)?;
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700))?;
        }
        // A link, because files in a directory for temporary ones are not executed everywhere.
        let agent = agent::link_in(&self.home());
        std::os::unix::fs::symlink(crate::platform::installed_program()?, &agent)?;
        let preferences: Map<String, Value> = match preferences {
            Some(preferences) => preferences.set().collect(),
            None => Map::new(),
        };
        let config = json!({
            "daemon_socket": self.path().join("state/daemon.sock"),
            "database_path": self.path().join("state/daemon.db"),
            "claude_path": agent,
            "http_port": 0,
            "dashboard": preferences,
        });
        std::fs::write(self.config_file(), config.to_string())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// The user's home there.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// Where the agents work.
    pub fn project(&self) -> PathBuf {
        project_in(&self.home())
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.path().join("humanlayer.json")
    }

    /// The configuration, whatever the environment says.
    pub fn config(&self) -> Result<Config, Failure> {
        let flags = Flags {
            config_file: Some(self.config_file()),
            daemon_socket: None,
        };
        Ok(Config::resolve(&Inputs {
            flags: &flags,
            environment: &|_| None,
            directory: self.path(),
            home: &self.home(),
        })?)
    }

    /// The directories of the sessions.
    pub fn sessions(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path().join("state/sessions")) else {
            return Vec::new();
        };
        entries.flatten().map(|entry| entry.path()).collect()
    }

    /// Removes all of it.
    pub fn strike(self) -> io::Result<()> {
        self.root.close()
    }
}
