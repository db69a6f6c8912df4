//! `deny`: refuse what agents ask for.

use super::decide::{self, Report};
use super::exit::Failure;
use super::{Context, complete, input};
use crate::domain::{Capability, Decision};

/// Arguments of `deny`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer deny 1a2b3c4d -m \"use the test database\"\n  \
    humanlayer deny 1a2b3c4d 5e6f7a8b -m \"not on this branch\"\n  \
    humanlayer deny 1a2b3c4d -m \"stop, this is the wrong branch\" --interrupt\n  \
    humanlayer deny 1a2b3c4d --option too-risky   one of the reasons that its asker offers\n\n\
    Of several approvals each is looked up and checked before the first one is denied.")]
pub struct Args {
    /// The approvals
    #[arg(required = true, value_name = "ID", add = complete::approvals())]
    pub ids: Vec<String>,

    /// Why; the asker is told it
    #[arg(
        short = 'm',
        long,
        value_name = "TEXT",
        required_unless_present = "option"
    )]
    pub reason: Option<String>,

    /// One of the denials that the asker offers, by its name; its text is the reason unless -m gives
    /// another
    #[arg(long, value_name = "NAME")]
    pub option: Option<String>,

    /// Also end the agent's turn
    #[arg(long)]
    pub interrupt: bool,
}

/// Denies.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let reason = match &args.reason {
        Some(reason) => Some(input::message(reason, "reason")?),
        None => None,
    };
    let mut needed = vec![Capability::Deny];
    if args.interrupt {
        needed.push(Capability::Interrupt);
    }
    let client = context.client().await?;
    let approvals = decide::find(&client, &args.ids, &needed).await?;
    let decision = Decision::Deny {
        reason: reason.unwrap_or_default(),
        interrupt: args.interrupt,
        option: args.option,
    };
    let decisions = approvals
        .into_iter()
        .map(|approval| (approval, decision.clone()))
        .collect();
    decide::send_all(&client, decisions, Report::Whole, &mut context).await
}
