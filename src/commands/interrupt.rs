//! `interrupt`: stop what agents are doing now.

use super::exit::Failure;
use super::several::{self, Outcomes};
use super::{Context, complete, printer, settle};
use crate::domain::Status;

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
    let mut outcomes = Outcomes::new();
    let mut interrupting = Vec::new();
    for session in several::find(&client, &args.ids).await? {
        match client.interrupt_session(&session.id).await {
            Ok(_) => interrupting.push(session.id),
            Err(error) => outcomes.failed(&session.id, error),
        }
    }
    for id in interrupting {
        let session = match args.no_wait {
            true => client.get_session_state(&id).await.map_err(Failure::from),
            false => {
                settle::until(&client, &id, "its turn to end", |now| {
                    now.status != Status::Interrupting
                })
                .await
            }
        };
        match session {
            Ok(session) => outcomes.done(&mut context.out, session, |out, session| {
                out.line(printer::session_line(session))
            }),
            Err(failure) => outcomes.failed(&id, failure),
        }
    }
    outcomes.end(&mut context.out)
}
