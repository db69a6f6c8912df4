//! `approve`: let an agent do what it asks for.

use super::exit::Failure;
use super::{Context, decide, input};
use crate::domain::{Capability, Decision};
use crate::protocol::decision::SendDecisionParams;

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer approve 1a2b3c4d\n  \
    humanlayer approve 1a2b3c4d --always\n  \
    humanlayer approve 1a2b3c4d --input '{\"command\": \"ls -l\"}'\n\n\
    The input that was approved is printed in full; `humanlayer show ID` prints it before.")]
pub struct Args {
    /// The approval
    pub id: String,

    /// A note for the record
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub comment: Option<String>,

    /// Run with this input instead: the tool's whole input, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,

    /// Also allow the like from now on, as the agent suggests
    #[arg(long)]
    pub always: bool,
}

/// Approves.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let updated_input = match &args.input {
        Some(given) => {
            let value = input::json(given, "--input")?;
            if !value.is_object() {
                return Err(Failure::usage(
                    "--input must be a JSON object, the tool's whole input",
                ));
            }
            Some(value)
        }
        None => None,
    };
    let client = context.client().await?;
    let approval = client.get_approval(&args.id).await?;
    decide::require(&approval, Capability::Approve)?;
    let updated_permissions = if args.always {
        if approval.permission_suggestions.is_empty() {
            return Err(Failure::failed(
                "the agent suggests nothing that --always could make last",
            )
            .with_hint("approve it without --always"));
        }
        Some(approval.permission_suggestions)
    } else {
        None
    };
    let decision = Decision::Approve {
        comment: args.comment,
        updated_input,
        updated_permissions,
    };
    let params = SendDecisionParams::new(&approval.id, decision);
    decide::send(&client, params, &mut context).await
}
