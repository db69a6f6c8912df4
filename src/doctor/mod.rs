//! What must be there for agents to run: Claude Code, a login, a socket, a database.
//!
//! Owns looking at them and saying how to mend what is missing; each thing has its file. Changes
//! nothing and starts no daemon. Called by `doctor`, which prints the findings, and by the
//! dashboard, which shows them while there are no sessions.

pub mod agent;
pub mod daemon;
pub mod isolation;
pub mod login;
mod probe;
pub mod remote_api;
mod version;

use std::path::Path;

use serde::Serialize;

use crate::config::Config;

/// Says in a few words what is in a database, or why the daemon would not open it. Passed in by who knows the
/// daemon's store.
pub type InspectDatabase = fn(&Path) -> Result<String, String>;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It works.
    Ok,
    /// It may not work, or that is not known.
    Warn,
    /// It cannot work.
    Fail,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Finding {
    /// It works.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            level: Level::Ok,
            message: message.into(),
            next: None,
        }
    }

    /// It may not work.
    pub fn warn(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            next: Some(next.into()),
            ..Self::ok(check, message)
        }
    }

    /// It cannot work.
    pub fn fail(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            next: Some(next.into()),
            ..Self::ok(check, message)
        }
    }
}

/// Looks at what a first session needs, which takes a moment and starts nothing but
/// `claude --version`.
pub async fn first_session(config: &Config, inspect: InspectDatabase) -> Vec<Finding> {
    let health = daemon::health(&config.daemon_socket.value).await;
    let mut findings = agent::program(config, health.as_ref()).await;
    findings.push(login::examine());
    findings.extend(
        daemon::examine_socket(&config.daemon_socket.value)
            .await
            .into_iter()
            // Where its socket is matters only when something is wrong with that.
            .filter(|finding| finding.check == "daemon" || finding.level != Level::Ok),
    );
    findings.push(daemon::examine_database(
        &config.database_path.value,
        inspect,
    ));
    findings
}
