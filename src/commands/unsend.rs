//! `unsend`: withdraw a message that the agent has not read.

use super::exit::Failure;
use super::kind::Kind;
use super::{Context, complete, show};
use crate::domain::text::{sanitize_line, summary};
use crate::protocol::error::ErrorKind;
use crate::protocol::messages::{WithdrawMessageParams, WithdrawalOutcome};

/// Characters of a message that are repeated.
const WORDS: usize = 60;

/// Arguments of `unsend`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer unsend 1a2b3c4d\n  \
    humanlayer unsend 1a2b3c4d 4711\n  \
    humanlayer unsend 1a2b3c4d --all\n\n\
    `humanlayer show ID` lists the messages that the agent has not read, with their numbers.\n\
    A message that waits for the session's next process can always be withdrawn; one that is\n\
    in the queue of a running agent with Claude Code 2.1 or later, unless the agent takes it\n\
    up at that moment. Fails if it is too late.")]
pub struct Args {
    /// The session
    #[arg(value_name = "ID", add = complete::sessions())]
    pub id: String,

    /// The message's number; without it the newest
    #[arg(conflicts_with = "all")]
    pub message: Option<i64>,

    /// Withdraw all that the agent has not read
    #[arg(long)]
    pub all: bool,
}

/// Withdraws messages.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let session = client.get_session_state(&args.id).await?;
    let unread = show::unread_messages(&client, &session.id).await?;
    // The newest first: what is withdrawn never came before what is read.
    let messages: Vec<Option<i64>> = if args.all {
        unread.iter().rev().map(|piece| Some(piece.id)).collect()
    } else {
        vec![args.message]
    };
    if messages.is_empty() {
        return Err(Failure::failed(
            "there is no message that the agent has not read",
        ));
    }
    let mut too_late = None;
    let mut answers = Vec::new();
    for message_id in messages {
        let params = WithdrawMessageParams {
            session_id: session.id.clone(),
            message_id,
        };
        let answer = client.withdraw_message(&params).await?;
        let id = answer.message_id;
        if answer.outcome == WithdrawalOutcome::Withdrawn && !context.out.is_json() {
            let words = unread.iter().find(|piece| piece.id == id);
            let words = words.and_then(|piece| piece.content.as_deref());
            let words = summary(words.unwrap_or_default(), WORDS);
            let line = format!("Withdrawn: message {id} {words}");
            context.out.line(sanitize_line(line.trim_end()))?;
        }
        let reason = answer.reason.clone().unwrap_or_default();
        match answer.outcome {
            WithdrawalOutcome::Withdrawn => {}
            WithdrawalOutcome::TooLate => {
                too_late = Some(format!("message {id} is not withdrawn: {reason}"));
            }
            WithdrawalOutcome::Pending => {
                too_late = Some(format!("message {id} is not withdrawn yet: {reason}"));
            }
        }
        answers.push(answer);
    }
    if context.out.is_json() {
        context.out.json(&answers)?;
    }
    match too_late {
        Some(problem) => Err(Failure::new(Kind::Refused(ErrorKind::Conflict), problem)),
        None => Ok(()),
    }
}
