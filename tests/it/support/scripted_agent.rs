//! The scripted agent where a test wants Claude Code.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The binary under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_humanlayer")
}

/// The scripted agent in this folder, able to ask over stdio.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["__agent", "--permission-prompt-tool", "stdio"])
        .current_dir(folder)
        .env_remove("HUMANLAYER_SCRIPTED_AGENT_SCRIPT")
        .env_remove("HUMANLAYER_SCRIPTED_AGENT_LOG");
    command
}

/// Writes a program into this folder that takes Claude Code's flags and is the scripted
/// agent: for `HUMANLAYER_CLAUDE_PATH`.
pub fn program_in(folder: &Path) -> PathBuf {
    let path = folder.join("claude");
    let script = format!("#!/bin/sh\nexec '{}' __agent \"$@\"\n", binary());
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}
