//! `end`: end the processes of sessions.

use super::exit::Failure;
use super::several::{self, Outcomes};
use super::{Context, complete, printer, settle};

/// Arguments of `end`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer end 1a2b3c4d\n  \
    humanlayer end $(humanlayer sessions -q --status running)\n\n\
    Returns when the processes are gone. If one of several ids is not found, none is\n\
    ended. The conversation is kept; a later message resumes it.")]
pub struct Args {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,

    /// Return at once, without waiting until the processes are gone
    #[arg(long)]
    pub no_wait: bool,
}

/// Ends the sessions' processes.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let mut outcomes = Outcomes::new();
    let mut ending = Vec::new();
    for session in several::find(&client, &args.ids).await? {
        match client.end_session(&session.id).await {
            Ok(ended) => ending.push(ended.session),
            Err(error) => outcomes.failed(&session.id, error),
        }
    }
    for session in ending {
        let ended = match args.no_wait {
            true => Ok(session.clone()),
            false => {
                settle::until(&client, &session.id, "its process to end", |now| !now.live).await
            }
        };
        match ended {
            Ok(ended) => outcomes.done(&mut context.out, ended, |out, ended| {
                out.line(printer::session_line(ended))
            }),
            Err(failure) => outcomes.failed(&session.id, failure),
        }
    }
    outcomes.end(&mut context.out)
}
