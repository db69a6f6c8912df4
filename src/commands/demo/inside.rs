//! The demonstration's dashboard: the ordinary one, over sessions that are started beside it.

use std::path::Path;

use super::stage::{SCENES, Scene, environment, project_in};
use crate::client::{ClientError, ensure_daemon};
use crate::commands::dashboard;
use crate::commands::exit::Failure;
use crate::commands::in_process::inspect_database;
use crate::config::{Config, Flags};
use crate::protocol::session::LaunchSessionParams;
use crate::tui::runtime;
use crate::tui::state::tour::Tour;

/// Shows it until the user leaves.
pub async fn run(root: &Path, flags: &Flags) -> Result<(), Failure> {
    let config = Config::load(flags)?;
    let mut app = dashboard::app(&config)?;
    app.preferences.demo = true;
    app.tour = Some(Tour::default());
    app.launch.agent = Some("scripted".to_owned());
    app.launch.environment = environment(root, None);
    // The first frame does not wait for the sessions.
    let starting = tokio::spawn(start(config.clone(), root.to_owned()));
    let shown = runtime::run(config, app, inspect_database).await;
    if starting.is_finished()
        && let Ok(Err(error)) = starting.await
    {
        crate::commands::output::warn(&format!("starting the scripted agents: {error}"));
    }
    let ended = shown.map_err(|error| Failure::failed(error.to_string()))?;
    ended.pass_on();
    Ok(())
}

/// Starts the sessions.
async fn start(config: Config, root: std::path::PathBuf) -> Result<(), ClientError> {
    let client = ensure_daemon(&config).await?;
    for scene in &SCENES {
        client.launch_session(&params(scene, &root)).await?;
    }
    Ok(())
}

fn params(scene: &Scene, root: &Path) -> LaunchSessionParams {
    LaunchSessionParams {
        query: scene.query.to_owned(),
        working_dir: Some(project_in(root).to_string_lossy().into_owned()),
        approvals: Some(true),
        agent: Some("scripted".to_owned()),
        env: Some(environment(root, Some(scene.name))),
        ..LaunchSessionParams::default()
    }
}
