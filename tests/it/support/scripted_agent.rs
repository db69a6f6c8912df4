//! The scripted agent where a test wants Claude Code: the program of `examples/scripted_agent`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The binary under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_humanlayer")
}

/// The scripted agent's program. `cargo test` builds it, but not where it was told which tests to build
/// (`--test it`): then it is built here, as often as it has changed.
pub fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let profile = Path::new(binary()).parent().unwrap();
        let program = profile.join("examples/scripted_agent");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scripted_agent");
        let built = fs::metadata(&program).and_then(|program| program.modified());
        if built.is_ok_and(|built| built >= newest_in(&sources)) {
            return program.display().to_string();
        }
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet", "--example", "scripted_agent"])
            .args([
                "--manifest-path",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let built = build.status().expect("cargo runs");
        assert!(built.success() && program.exists(), "build it: {build:?}");
        // Cargo leaves a program as it is whose sources have only been touched.
        fs::File::open(&program)
            .unwrap()
            .set_modified(SystemTime::now())
            .unwrap();
        program.display().to_string()
    })
}

/// When a file of a folder last changed.
fn newest_in(folder: &Path) -> SystemTime {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let times = entries.map(|entry| match entry.path().is_dir() {
        true => newest_in(&entry.path()),
        false => entry.metadata().unwrap().modified().unwrap(),
    });
    times.max().unwrap()
}

/// The scripted agent in this folder, able to ask over stdio.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .args(["--permission-prompt-tool", "stdio"])
        .current_dir(folder)
        .env_remove("HUMANLAYER_SCRIPTED_AGENT_SCRIPT")
        .env_remove("HUMANLAYER_SCRIPTED_AGENT_LOG");
    command
}

/// Writes a program into this folder that takes Claude Code's flags and is the scripted
/// agent: for `HUMANLAYER_CLAUDE_PATH`.
pub fn program_in(folder: &Path) -> PathBuf {
    let path = folder.join("claude");
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", program());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}
