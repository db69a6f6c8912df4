//! The agent's program: is it there, is it new enough, does it take approvals?

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::{Finding, probe, version};
use crate::config::Config;
use crate::platform;
use crate::protocol::session::HealthResponse;

/// How long the program may take to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
/// Without one of these the program asks for a login before it opens its protocol.
const CREDENTIALS: [&str; 2] = ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"];

/// The agent's program: which one the daemon uses, or would use, and whether it is new enough.
pub async fn program(config: &Config, daemon: Option<&HealthResponse>) -> Vec<Finding> {
    let setting = Setting::of(config, daemon);
    let found = match known(&setting).await {
        Ok((_, finding)) | Err(finding) => finding,
    };
    std::iter::once(found)
        .chain(difference(config, daemon))
        .collect()
}

/// Examines the agent's program, and for a moment runs it.
pub async fn examine(config: &Config, daemon: Option<&HealthResponse>) -> Vec<Finding> {
    let setting = Setting::of(config, daemon);
    let difference = difference(config, daemon);
    let (program, known) = match known(&setting).await {
        Ok(found) => found,
        Err(finding) => return std::iter::once(finding).chain(difference).collect(),
    };
    let can_answer = CREDENTIALS
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let approvals = if can_answer {
        match probe::control_protocol(&program).await {
            Ok(()) => Finding::ok("approvals", "Claude's control protocol works"),
            Err(problem) => Finding::fail(
                "approvals",
                problem,
                "this version of Claude Code may not work; try another",
            ),
        }
    } else {
        Finding::warn(
            "approvals",
            "control protocol not tested",
            "set ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL and run this again to test it",
        )
    };
    [Some(known), difference, Some(approvals)]
        .into_iter()
        .flatten()
        .collect()
}

/// Which program agents are started with, and who says so.
struct Setting {
    /// None for the `claude` on the PATH.
    program: Option<PathBuf>,
    origin: String,
}

impl Setting {
    /// A running daemon has read its own configuration when it started, and uses that.
    fn of(config: &Config, daemon: Option<&HealthResponse>) -> Self {
        match daemon {
            Some(health) => Self {
                program: health.claude_path.as_ref().map(PathBuf::from),
                origin: "the running daemon's claude_path".to_owned(),
            },
            None => Self {
                program: config.claude_path.value.clone(),
                origin: config.claude_path.origin.to_string(),
            },
        }
    }
}

/// That a running daemon uses another program than this terminal's configuration names.
fn difference(config: &Config, daemon: Option<&HealthResponse>) -> Option<Finding> {
    let uses = daemon?.claude_path.as_ref().map(Path::new);
    let here = config.claude_path.value.as_deref();
    if uses == here {
        return None;
    }
    let named = |program: Option<&Path>| match program {
        Some(program) => program.display().to_string(),
        None => "the `claude` on the PATH".to_owned(),
    };
    Some(Finding::warn(
        "claude_path",
        format!(
            "the running daemon uses {}; here it is {} ({})",
            named(uses),
            named(here),
            config.claude_path.origin
        ),
        "`humanlayer daemon restart` makes it use what is set here; sessions keep running",
    ))
}

/// The program that runs and what is known of it; the finding alone where it does not run.
async fn known(setting: &Setting) -> Result<(PathBuf, Finding), Finding> {
    let program = locate(setting)?;
    match said_version(&program).await {
        Ok(said) => {
            let finding = judge(&program, &said);
            Ok((program, finding))
        }
        Err(problem) => Err(Finding::fail(
            "claude",
            format!("{}: {problem}", program.display()),
            "reinstall it, or name another with HUMANLAYER_CLAUDE_PATH",
        )),
    }
}

fn locate(setting: &Setting) -> Result<PathBuf, Finding> {
    if let Some(program) = &setting.program {
        return if platform::is_executable(program) {
            Ok(program.clone())
        } else {
            Err(Finding::fail(
                "claude",
                format!(
                    "{} ({}) is not a file that can be executed",
                    program.display(),
                    setting.origin
                ),
                "correct the path, or remove it to use the `claude` on your PATH",
            ))
        };
    }
    std::env::var_os("PATH")
        .and_then(|path| platform::on_path(&path, "claude"))
        .ok_or_else(|| {
            Finding::fail(
                "claude",
                "there is no `claude` on your PATH",
                "install it with `npm install -g @anthropic-ai/claude-code`, or name it with HUMANLAYER_CLAUDE_PATH",
            )
        })
}

async fn said_version(program: &Path) -> Result<String, String> {
    let run = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(VERSION_TIMEOUT, run)
        .await
        .map_err(|_| {
            format!(
                "it did not say its version within {} s",
                VERSION_TIMEOUT.as_secs()
            )
        })?
        .map_err(|cause| format!("running it: {cause}"))?;
    if !output.status.success() {
        return Err(format!(
            "asked for its version it ended with {}",
            output.status
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn judge(program: &Path, said: &str) -> Finding {
    let found = format!("{} {said}", program.display());
    let (major, minor) = version::FIRST_VERSION;
    match version::version(said) {
        Some(version) if version >= version::FIRST_VERSION => Finding::ok("claude", found),
        Some(_) => Finding::fail(
            "claude",
            format!("{found} is too old: approvals work from {major}.{minor} on"),
            "update it with `claude update`",
        ),
        None => Finding::warn(
            "claude",
            found,
            format!("its version is not understood; approvals work from {major}.{minor} on"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn old_versions_fail_and_unknown_ones_warn() {
        let cases = [
            ("2.1.330 (Claude Code)", Level::Ok),
            ("2.0.0", Level::Ok),
            ("1.0.99 (Claude Code)", Level::Fail),
            ("something", Level::Warn),
        ];
        for (said, level) in cases {
            assert_eq!(judge(Path::new("/c"), said).level, level, "{said}");
        }
    }
}
