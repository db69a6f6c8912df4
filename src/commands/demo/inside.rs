//! The demonstration's dashboard: the ordinary one, over sessions that are started beside it.

use super::scenes::{SCENES, Scene};
use crate::client::{ClientError, ensure_daemon};
use crate::commands::dashboard;
use crate::commands::exit::Failure;
use crate::commands::in_process::inspect_database;
use crate::config::{Config, Flags};
use crate::protocol::session::LaunchSessionParams;
use crate::tui::runtime;
use crate::tui::state::tour::Tour;

/// Shows it until the user leaves.
pub async fn run(flags: &Flags) -> Result<(), Failure> {
    let config = Config::load(flags)?;
    let mut app = dashboard::app(&config)?;
    app.preferences.demo = true;
    app.tour = Some(Tour::default());
    let project = app.directory.clone();
    // The first frame does not wait for the sessions.
    let starting = tokio::spawn(start(config.clone(), project));
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
async fn start(config: Config, project: String) -> Result<(), ClientError> {
    let client = ensure_daemon(&config).await?;
    for scene in &SCENES {
        client.launch_session(&params(scene, &project)).await?;
    }
    Ok(())
}

fn params(scene: &Scene, project: &str) -> LaunchSessionParams {
    LaunchSessionParams {
        query: scene.query.to_owned(),
        working_dir: Some(project.to_owned()),
        approvals: Some(true),
        ..LaunchSessionParams::default()
    }
}
