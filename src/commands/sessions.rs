//! `sessions`: list sessions.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};

use super::Context;
use super::exit::Failure;
use crate::client::Client;
use crate::domain::Status;
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::session::{GetOverviewParams, SessionState};

/// Sessions asked for at once.
const PAGE: u32 = 1000;

/// Arguments of `sessions`.
#[derive(Debug, Default, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer sessions\n  \
    humanlayer sessions --status failed --status interrupted\n  \
    humanlayer archive $(humanlayer sessions -q --status completed)\n  \
    humanlayer sessions --all --json | jq '.[].cost_usd'")]
pub struct Args {
    /// Include archived sessions
    #[arg(short, long)]
    pub all: bool,

    /// Only sessions with this status (repeatable)
    #[arg(short, long, value_parser = statuses())]
    pub status: Vec<Status>,

    /// Maximum number of sessions, the last active first
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// Print ids only
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
}

/// The statuses by the names that people read; the wire's are understood too.
fn statuses() -> impl clap::builder::TypedValueParser<Value = Status> {
    PossibleValuesParser::new([
        PossibleValue::new("starting"),
        PossibleValue::new("running"),
        PossibleValue::new("pending")
            .aliases(["waiting_input", "waiting"])
            .help("an approval is pending"),
        PossibleValue::new("completed"),
        PossibleValue::new("failed"),
        PossibleValue::new("interrupting"),
        PossibleValue::new("interrupted"),
    ])
    .map(|name| match Status::parse(&name) {
        Some(status) => status,
        // `pending` and its aliases.
        None => Status::WaitingInput,
    })
}

/// Lists sessions, the last active first.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let sessions = fetch(&context.client().await?, &args).await?;
    if context.out.is_json() {
        return context.out.json(&sessions);
    }
    if args.quiet {
        for session in &sessions {
            context.out.line(sanitize_line(&session.id))?;
        }
        return Ok(());
    }
    if sessions.is_empty() && context.out.is_terminal() {
        context.out.line(if args.status.is_empty() {
            "No sessions. Start one with `humanlayer launch PROMPT`."
        } else {
            "No session has this status."
        })?;
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
            "DIRECTORY",
            "MODEL",
            "COST",
            "ACTIVE",
        ],
        &["SUBJECT", "DIRECTORY"],
        sessions.iter().map(|session| {
            [
                format::session_id(&session.id, terminal),
                status(session, terminal),
                format::subject(session, if terminal { 60 } else { 200 }),
                format::directory(session.working_dir.as_deref().unwrap_or(""), terminal),
                model(session.model.as_deref().unwrap_or(""), terminal),
                format::cost(session),
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
    let mut status = format::status(session.status).to_owned();
    if !terminal {
        return status;
    }
    if let Some(tasks) = format::background_tasks(session.background_tasks)
        && !session.status.is_active()
    {
        status = format!("{status} ({tasks})");
    }
    if session.archived {
        status.push_str(" (archived)");
    }
    if let Some(problem) = format::directory_problem(session) {
        status.push_str(&format!(" ({problem})"));
    }
    if session.dangerously_skip_permissions {
        status.push_str(" (asks nothing)");
    }
    status
}

/// All sessions, archived or not.
pub async fn all(client: &Client) -> Result<Vec<SessionState>, Failure> {
    let args = Args {
        all: true,
        ..Args::default()
    };
    fetch(client, &args).await
}

/// The sessions that are asked for, page by page.
async fn fetch(client: &Client, args: &Args) -> Result<Vec<SessionState>, Failure> {
    let mut sessions: Vec<SessionState> = Vec::new();
    loop {
        let left = args
            .limit
            .map(|most| most - sessions.len().min(most as usize) as u32);
        let size = left.map_or(PAGE, |left| left.min(PAGE));
        let params = GetOverviewParams {
            include_archived: args.all,
            statuses: (!args.status.is_empty()).then(|| args.status.clone()),
            limit: Some(size),
            after: sessions.last().map(|last| last.id.clone()),
        };
        let page = client.get_overview(&params).await?.sessions;
        let is_last = page.len() < size as usize;
        sessions.extend(page);
        if is_last
            || args
                .limit
                .is_some_and(|most| sessions.len() >= most as usize)
        {
            return Ok(sessions);
        }
    }
}
