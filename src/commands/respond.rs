//! `respond`: answer a program's message with a text or one of its options.

use super::decide::{self, Report};
use super::exit::Failure;
use super::{Context, complete, input};
use crate::domain::{Capability, Decision};

/// Arguments of `respond`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer respond 1a2b3c4d -m \"yes, but only in staging\"\n  \
    humanlayer respond 1a2b3c4d --option later\n  \
    humanlayer respond 1a2b3c4d -m - < answer.txt\n\n\
    `humanlayer show ID` shows the message and its options.")]
pub struct Args {
    /// The approval
    #[arg(add = complete::approvals())]
    pub id: String,

    /// The answer; `-` reads it from standard input
    #[arg(
        short = 'm',
        long = "message",
        value_name = "TEXT",
        required_unless_present = "option"
    )]
    pub text: Option<String>,

    /// One of the options offered, by its name; its text is the answer unless -m gives another
    #[arg(long, value_name = "NAME")]
    pub option: Option<String>,
}

/// Answers.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let text = match &args.text {
        Some(text) => Some(input::message(text, "answer")?),
        None => None,
    };
    let client = context.client().await?;
    let approval = client.get_approval(&args.id).await?;
    decide::require(&approval, Capability::Respond)?;
    let decision = Decision::Respond {
        text,
        option: args.option,
    };
    decide::send(&client, approval, decision, Report::Whole, &mut context).await
}
