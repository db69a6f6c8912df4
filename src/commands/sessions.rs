//! `sessions`: list sessions.

use super::Context;
use super::exit::Failure;
use crate::client::Client;
use crate::domain::Status;
use crate::format;
use crate::protocol::session::{GetOverviewParams, SessionState};

/// Sessions asked for at once.
const PAGE: u32 = 1000;

/// Arguments of `sessions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer sessions\n  \
    humanlayer sessions --all --json | jq '.[].cost_usd'")]
pub struct Args {
    /// Also those that were put away
    #[arg(long)]
    pub all: bool,

    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists sessions, the last active first.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let sessions = fetch(&context.client().await?, args.all).await?;
    if args.json {
        return context.out.json(&sessions);
    }
    if sessions.is_empty() && context.out.is_terminal() {
        context
            .out
            .line("No sessions. Start one with `humanlayer launch QUERY`.")?;
        return Ok(());
    }
    write(&mut context.out, &sessions)?;
    Ok(())
}

/// Writes a list of sessions.
pub fn write(out: &mut super::output::Output, sessions: &[SessionState]) -> std::io::Result<()> {
    let terminal = out.is_terminal();
    out.rows(
        [
            "ID",
            "STATUS",
            "SUBJECT",
            "MODEL",
            "DIRECTORY",
            "COST",
            "ACTIVE",
        ],
        &["SUBJECT", "DIRECTORY"],
        sessions.iter().map(|session| {
            [
                format::session_id(&session.id, terminal),
                status(session, terminal),
                format::subject(session, if terminal { 60 } else { 200 }),
                model(session.model.as_deref().unwrap_or(""), terminal),
                format::directory(session.working_dir.as_deref().unwrap_or(""), terminal),
                format::dollars(session.cost_usd),
                format::time(session.last_activity_at, terminal),
            ]
        }),
    )
}

/// A model's name; for people without what all of them share.
fn model(name: &str, terminal: bool) -> String {
    let short = terminal.then(|| name.strip_prefix("claude-")).flatten();
    short.unwrap_or(name).to_owned()
}

/// A session's status; for people with what else they should know in a list.
fn status(session: &SessionState, terminal: bool) -> String {
    let mut status = session.status.as_str().to_owned();
    if !terminal {
        return status;
    }
    if session.status == Status::WaitingInput {
        status = "waiting".to_owned();
    }
    if let Some(tasks) = format::background_tasks(session.background_tasks)
        && !session.status.is_active()
    {
        status = format!("{status} ({tasks})");
    }
    if session.archived {
        status.push_str(" (archived)");
    }
    if session.dangerously_skip_permissions {
        status.push_str(" (asks nothing)");
    }
    status
}

/// All sessions, page by page.
async fn fetch(client: &Client, include_archived: bool) -> Result<Vec<SessionState>, Failure> {
    let mut sessions: Vec<SessionState> = Vec::new();
    loop {
        let params = GetOverviewParams {
            include_archived,
            limit: Some(PAGE),
            after: sessions.last().map(|last| last.id.clone()),
            ..GetOverviewParams::default()
        };
        let page = client.get_overview(&params).await?.sessions;
        let is_last = page.len() < PAGE as usize;
        sessions.extend(page);
        if is_last {
            return Ok(sessions);
        }
    }
}
