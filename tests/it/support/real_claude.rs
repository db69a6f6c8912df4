//! The real Claude Code, pinned, without a model, an account or a network.
//!
//! Finds the program that `tests/run` installs and gives it an environment in which it
//! talks to nobody but a scripted model. A test that needs it fails when it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::scripted_model::ScriptedModel;

/// The version that most tests run against, which is also the one that most recordings are of.
pub const PINNED: &str = "2.1.330";

/// The real program with a home and a project of its own.
pub struct RealClaude {
    program: PathBuf,
    root: TempDir,
    base_url: String,
}

impl RealClaude {
    /// Finds the pinned version; its model is the given one.
    pub fn with(model: &ScriptedModel) -> Self {
        Self::of_version(PINNED, model)
    }

    /// Finds one of the versions that `tests/clients` installs: 2.0.37 (the oldest that is
    /// supported), 2.1.133, 2.1.330 and 2.1.332 (the newest known).
    pub fn of_version(version: &str, model: &ScriptedModel) -> Self {
        let program = program(version);
        assert!(
            program.is_file(),
            "the pinned Claude Code is not at {}: start the tests with tests/run, \
             which installs it, or name another folder in HUMANLAYER_TEST_CLIENTS",
            program.display()
        );
        let root = TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        std::fs::create_dir(root.path().join("project")).unwrap();
        Self {
            program,
            root,
            base_url: model.url().to_owned(),
        }
    }

    /// The program, for `HUMANLAYER_CLAUDE_PATH`.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// An empty folder to work in.
    pub fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// What keeps it off the network, in a home of its own.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.root.path().join("home");
        vec![
            ("HOME", home.to_str().unwrap().to_owned()),
            ("ANTHROPIC_BASE_URL", self.base_url.clone()),
            ("ANTHROPIC_API_KEY", "any".to_owned()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
            ("DISABLE_TELEMETRY", "1".to_owned()),
            ("DISABLE_AUTOUPDATER", "1".to_owned()),
        ]
    }

    /// A command that speaks the stdio protocol, in the project.
    pub fn stdio(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-p", "--input-format", "stream-json"])
            .args(["--output-format", "stream-json", "--verbose"])
            .args(["--permission-prompt-tool", "stdio"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment())
            .current_dir(self.project());
        command
    }
}

/// The folder into which `tests/run` installs the pinned clients.
pub fn clients() -> PathBuf {
    std::env::var_os("HUMANLAYER_TEST_CLIENTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients"),
        PathBuf::from,
    )
}

fn program(version: &str) -> PathBuf {
    let modules = clients().join("node_modules");
    let package = format!("claude-code-{version}");
    // The 2.0 releases are scripts for node, later ones are native programs in packages of their own.
    if version.starts_with("2.0.") {
        return modules.join(package).join("cli.js");
    }
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let processor = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let native = format!("@anthropic-ai/claude-code-{system}-{processor}/claude");
    if version == PINNED {
        return modules.join(native);
    }
    modules.join(package).join("node_modules").join(native)
}
