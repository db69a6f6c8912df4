//! The demonstration's directory: a project, programs that do nothing, scripts, a configuration.
//!
//! Owns where everything is and what is in it; all of it ships within this program. Removed with
//! its owner. Starts nothing.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::commands::exit::Failure;
use crate::config::{Config, Dashboard, Flags, Inputs};

/// Longest path of a directory for temporary files below which a session's socket still fits.
const LONGEST_BASE: usize = 24;
/// What each part of a script begins with: the pace at which agents speak, in milliseconds a word,
/// and what each of their messages is said to have used.
const OPENING: &str = "PACE 35\nUSAGE {\"input_tokens\": 900, \"output_tokens\": 420, \"cache_read_input_tokens\": 31000}";

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

/// A session of the demonstration.
pub struct Scene {
    /// What was asked for.
    pub query: &'static str,
    /// The script's name.
    pub name: &'static str,
    script: &'static str,
}

/// The sessions, in the order in which they are started.
pub const SCENES: [Scene; 8] = [
    Scene {
        query: "What changed this week?",
        name: "explain",
        script: include_str!("../../../assets/demo/explain.txt"),
    },
    Scene {
        query: "Make the rate limiter count per client",
        name: "limiter",
        script: include_str!("../../../assets/demo/limiter.txt"),
    },
    Scene {
        query: "The build machine's disk is full: clean it up",
        name: "disk",
        script: include_str!("../../../assets/demo/disk.txt"),
    },
    Scene {
        query: "Upgrade the HTTP client",
        name: "upgrade",
        script: include_str!("../../../assets/demo/upgrade.txt"),
    },
    Scene {
        query: "Dark mode for the settings page",
        name: "dark_mode",
        script: include_str!("../../../assets/demo/dark_mode.txt"),
    },
    Scene {
        query: "Plan: keep sessions in the database",
        name: "plan",
        script: include_str!("../../../assets/demo/plan.txt"),
    },
    Scene {
        query: "Why is checkout so slow?",
        name: "slow",
        script: include_str!("../../../assets/demo/slow.txt"),
    },
    Scene {
        query: "Release 0.5.0",
        name: "release",
        script: include_str!("../../../assets/demo/release.txt"),
    },
];

/// What a session plays that the user starts.
const NEW: (&str, &str) = ("new", include_str!("../../../assets/demo/new.txt"));

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
        for directory in [
            "state",
            "scripts",
            "bin",
            "agents",
            "home/shop/src",
            "home/shop/migrations",
        ] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.path().join(directory))?;
        }
        for (name, content) in PROJECT {
            std::fs::write(self.project().join(name), content)?;
        }
        for (name, content) in PROGRAMS {
            let program = self.path().join("bin").join(name);
            std::fs::write(&program, content)?;
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700))?;
        }
        let scripts = SCENES.iter().map(|scene| (scene.name, scene.script));
        for (name, script) in scripts.chain([NEW]) {
            std::fs::write(script_of(self.path(), name), self.dressed(script))?;
        }
        let preferences: Map<String, Value> = match preferences {
            Some(preferences) => preferences.set().collect(),
            None => Map::new(),
        };
        let config = json!({
            "daemon_socket": self.path().join("state/daemon.sock"),
            "database_path": self.path().join("state/daemon.db"),
            "http_port": 0,
            "dashboard": preferences,
        });
        std::fs::write(self.config_file(), config.to_string())
    }

    /// A script with the project's path in it, each part spoken at a pace.
    fn dressed(&self, script: &str) -> String {
        let script = script.replace("{shop}", &self.project().to_string_lossy());
        let parts: Vec<String> = script
            .split("===\n")
            .map(|part| format!("{OPENING}\n{part}"))
            .collect();
        parts.join("===\n")
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
        project_in(self.path())
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

/// Where the agents work.
pub fn project_in(root: &Path) -> PathBuf {
    root.join("home/shop")
}

fn script_of(root: &Path, name: &str) -> PathBuf {
    root.join("scripts").join(format!("{name}.txt"))
}

/// The environment of a session that plays a script; none: the one for sessions of the user.
pub fn environment(root: &Path, name: Option<&str>) -> BTreeMap<String, String> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let script = script_of(root, name.unwrap_or(NEW.0));
    BTreeMap::from([
        ("HOME".to_owned(), text(root.join("home"))),
        (
            "PATH".to_owned(),
            format!("{}:{path}", text(root.join("bin"))),
        ),
        ("HUMANLAYER_SCRIPTED_AGENT_SCRIPT".to_owned(), text(script)),
        (
            "HUMANLAYER_SCRIPTED_AGENT_STATE".to_owned(),
            text(root.join("agents")),
        ),
    ])
}
