//! What a project's files of Claude Code do to a launch: used, left out, or asked about first.
//!
//! Looked at before each process of a session, so that a resume and a fork ask too when the files are not
//! known. What an agent launches uses none of them in any case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Context;
use crate::daemon::blocking::blocking;
use crate::daemon::project::{self, Found};
use crate::daemon::store::{ProjectAnswer, StoreError};
use crate::domain::LaunchConfig;
use crate::domain::project::Project;

/// What is known of a project's files for a launch.
pub struct Looked {
    /// The repository, where it was looked at.
    pub repository: Option<String>,
    /// What to do.
    pub verdict: Verdict,
}

/// What to do with a project's files.
pub enum Verdict {
    /// There is nothing to be asked, or a person wants them used.
    Use,
    /// A person wants them left out.
    Without,
    /// A person has to be asked.
    Ask(Box<Project>),
}

impl Looked {
    /// How a process is launched then.
    pub fn apply(&self, config: LaunchConfig) -> LaunchConfig {
        LaunchConfig {
            without_project: matches!(self.verdict, Verdict::Without),
            ..config
        }
    }
}

/// Looks at what a project brings to a launch. `ask_again` leaves out of account what was said about it before.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn look(
    ctx: &Context,
    config: &LaunchConfig,
    directory: &Path,
    env: Option<&BTreeMap<String, String>>,
    ask_again: bool,
) -> Result<Looked, StoreError> {
    if config.scripted || config.by_an_agent {
        return Ok(Looked {
            repository: None,
            verdict: Verdict::Use,
        });
    }
    let project = read(config, directory, env).await.project;
    let repository = Some(project.repository.clone());
    let verdict = match ask_again && !project.brings().is_empty() {
        true => Verdict::Ask(Box::new(project)),
        false => verdict(ctx, project).await?,
    };
    Ok(Looked {
        repository,
        verdict,
    })
}

/// Reads what a project brings to a session.
pub async fn read(
    config: &LaunchConfig,
    directory: &Path,
    env: Option<&BTreeMap<String, String>>,
) -> Found {
    let directory: PathBuf = directory.to_owned();
    let additional = config.additional_directories.clone();
    let env = env.cloned().unwrap_or_default();
    blocking(move || project::read(&directory, &additional, &env)).await
}

/// What a person wants done with a project's files.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn verdict(ctx: &Context, project: Project) -> Result<Verdict, StoreError> {
    if project.brings().is_empty() {
        return Ok(Verdict::Use);
    }
    Ok(match ctx.store.project_answer(project.clone()).await? {
        Some(ProjectAnswer::Use) => Verdict::Use,
        Some(ProjectAnswer::Without) => Verdict::Without,
        None => Verdict::Ask(Box::new(project)),
    })
}
