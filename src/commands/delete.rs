//! `delete` and `prune`: delete sessions for good.
//!
//! Only sessions whose process has ended can be deleted; the daemon refuses others. A person at a
//! terminal is asked first, a script says `--yes`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use jiff::{Span, Timestamp, ZonedDateTime};

use super::exit::Failure;
use super::kind::Kind;
use super::several::{self, Outcomes};
use super::{Context, complete, sessions};
use crate::client::Client;
use crate::domain::text::sanitize_line;
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{DeleteSessionsParams, SessionState};

/// Sessions that one request deletes.
const BATCH: usize = 1_000;

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer delete 1a2b3c4d\n  \
    humanlayer delete --yes $(humanlayer sessions -q --status failed)\n\n\
    Deletes the conversation, its approvals and the agent's lines from the record.\n\
    A session whose process is live must be ended first. If one of several ids is\n\
    not found, none is deleted. `humanlayer archive` only hides sessions.")]
pub struct Args {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `prune`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer prune --older-than 30d --dry-run\n  \
    humanlayer prune --older-than 2w --archived --yes\n\n\
    Deletes sessions whose process has ended and that were last active longer ago\n\
    than that, archived or not. Sessions with a pending approval are kept.")]
pub struct PruneArgs {
    /// Age since the last activity, such as 30d, 2w or 12h
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Span,

    /// Only archived sessions
    #[arg(long)]
    pub archived: bool,

    /// List what would be deleted and delete nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

fn age(text: &str) -> Result<Span, String> {
    let span: Span = text
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    match span.is_positive() {
        true => Ok(span),
        false => Err("must be longer than nothing".to_owned()),
    }
}

/// Deletes the named sessions.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let found = several::find(&client, &args.ids).await?;
    let mut live = Outcomes::<Deleted>::new();
    for session in found.iter().filter(|session| session.live) {
        let failure = Failure::new(Kind::Refused(ErrorKind::Conflict), "its process is live")
            .with_hint(format!("end it first: humanlayer end {}", session.id));
        live.failed(&session.id, failure);
    }
    live.none_failed()?;
    if !args.yes {
        confirm(&found, &mut context)?;
    }
    delete(&client, &found, &mut context).await
}

/// Deletes the sessions that ended long ago.
pub async fn prune(args: PruneArgs, mut context: Context) -> Result<(), Failure> {
    let before = ZonedDateTime::now()
        .checked_sub(args.older_than)
        .map_err(|error| Failure::usage(format!("--older-than: {error}")))?
        .timestamp();
    let client = context.client().await?;
    let mut old = sessions::all(&client).await?;
    old.retain(|session| is_old(session, before) && (session.archived || !args.archived));
    if old.is_empty() {
        if context.out.is_terminal() {
            context.out.line("No session is that old.")?;
        }
        return context.out.result(&old, |_| Ok(()));
    }
    if args.dry_run {
        return context.out.result(&old, |out| sessions::write(out, &old));
    }
    if !args.yes {
        confirm(&old, &mut context)?;
    }
    delete(&client, &old, &mut context).await
}

/// A session that is gone.
#[derive(serde::Serialize)]
struct Deleted {
    id: String,
}

fn is_old(session: &SessionState, before: Timestamp) -> bool {
    !session.live && !session.status.is_active() && session.last_activity_at < before
}

/// Asks a person at the terminal; without one, only `--yes` is a yes.
fn confirm(found: &[SessionState], context: &mut Context) -> Result<(), Failure> {
    let count = match found.len() {
        1 => "1 session".to_owned(),
        count => format!("{count} sessions"),
    };
    if !(context.out.is_terminal() && std::io::stdin().is_terminal()) {
        return Err(Failure::usage(format!("{count} would be deleted for good"))
            .with_hint("add --yes to delete without being asked"));
    }
    sessions::write(&mut context.out, found)?;
    context.out.flush()?;
    let mut terminal = std::io::stderr();
    write!(terminal, "Delete {count} for good? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|cause| Failure::failed(format!("reading the answer: {cause}")))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Kind::Cancelled, "nothing was deleted")),
    }
}

async fn delete(
    client: &Client,
    found: &[SessionState],
    context: &mut Context,
) -> Result<(), Failure> {
    let mut outcomes = Outcomes::new();
    for (number, batch) in found.chunks(BATCH).enumerate() {
        let params = DeleteSessionsParams {
            session_ids: batch.iter().map(|session| session.id.clone()).collect(),
        };
        let answer = match client.delete_sessions(&params).await {
            Ok(answer) => answer,
            Err(error) if number == 0 => return Err(error.into()),
            // What the batches before have deleted is told all the same.
            Err(error) => {
                outcomes.failed("the others", error);
                break;
            }
        };
        for id in answer.deleted {
            outcomes.done(&mut context.out, Deleted { id }, |out, deleted| {
                out.line(sanitize_line(&deleted.id))
            });
        }
        for failed in &answer.failed {
            outcomes.failed(&failed.session_id, Failure::failed(&failed.error));
        }
    }
    outcomes.end(&mut context.out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_with_a_unit() {
        for good in ["30d", "2w", "12h", "1y", "90 days"] {
            assert!(age(good).is_ok(), "{good}");
        }
        for wrong in ["", "30", "-3d", "0d", "soon"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
