//! `interrupt`: stop what agents are doing now.

use super::exit::Failure;
use super::several::{self, Failures};
use super::{Context, complete, settle};
use crate::domain::Status;
use crate::domain::text::sanitize_line;
use crate::format;

/// Arguments of `interrupt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  \
    humanlayer interrupt 1a2b3c4d\n\n\
    Returns when the turns have ended. The session lives on and takes the next message;\n\
    `humanlayer end` ends it.\n\
    If one of several ids is not found, none is interrupted.")]
pub struct Args {
    /// The sessions
    #[arg(required = true, value_name = "ID", add = complete::sessions())]
    pub ids: Vec<String>,

    /// Return at once, without waiting until the turns have ended
    #[arg(long)]
    pub no_wait: bool,
}

/// Interrupts the sessions' turns.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let mut failures = Failures::default();
    let mut interrupting = Vec::new();
    for session in several::find(&client, &args.ids).await? {
        match client.interrupt_session(&session.id).await {
            Ok(answer) => interrupting.push((session.id, answer.status)),
            Err(error) => failures.add(&session.id, error),
        }
    }
    for (id, status) in interrupting {
        let status = match args.no_wait {
            true => Ok(status),
            false => settle::until(&client, &id, "its turn to end", |now| {
                now.status != Status::Interrupting
            })
            .await
            .map(|now| format::status(now.status).to_owned()),
        };
        match status {
            Ok(status) => {
                context
                    .out
                    .line(format!("{} {}", sanitize_line(&id), sanitize_line(&status)))?
            }
            Err(failure) => failures.add(&id, failure),
        }
    }
    failures.end()
}
