//! `deny`: refuse what an agent asks for.

use super::exit::Failure;
use super::{Context, decide, input};
use crate::domain::{Capability, Decision};
use crate::protocol::decision::SendDecisionParams;

/// Arguments of `deny`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer deny 1a2b3c4d -m \"use the test database\"\n  \
    humanlayer deny 1a2b3c4d -m \"stop, this is the wrong branch\" --interrupt\n  \
    humanlayer deny 1a2b3c4d --option too-risky   one of the reasons that its asker offers")]
pub struct Args {
    /// The approval
    pub id: String,

    /// Why; the asker is told it
    #[arg(
        short = 'm',
        long,
        value_name = "TEXT",
        required_unless_present = "option"
    )]
    pub reason: Option<String>,

    /// One of the refusals that the asker offers, by its name; its words are the reason unless -m
    /// gives another
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
    let client = context.client().await?;
    let approval = client.get_approval(&args.id).await?;
    decide::require(&approval, Capability::Deny)?;
    let decision = Decision::Deny {
        reason: reason.unwrap_or_default(),
        interrupt: args.interrupt,
        option: args.option,
    };
    let params = SendDecisionParams::new(&approval.id, decision);
    decide::send(&client, params, &mut context).await
}
