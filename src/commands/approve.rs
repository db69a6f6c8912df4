//! `approve`: let agents do what they ask for.

use serde_json::Value;

use super::decide::{self, Report};
use super::exit::Failure;
use super::{Context, complete, input};
use crate::domain::permission::{self, Grant};
use crate::domain::{Capability, Decision};
use crate::protocol::approval::Approval;

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer approve 1a2b3c4d\n  \
    humanlayer approve 1a2b3c4d 5e6f7a8b\n  \
    humanlayer approve 1a2b3c4d --always\n  \
    humanlayer approve 1a2b3c4d --input '{\"command\": \"ls -l\"}'\n\n\
    The input that was approved is printed in full; `humanlayer show ID` prints it before, and what\n\
    --always, --allow-directory and --set-mode would grant. Of several approvals each is looked up\n\
    and checked before the first one is approved.")]
pub struct Args {
    /// The approvals
    #[arg(required = true, value_name = "ID", add = complete::approvals())]
    pub ids: Vec<String>,

    /// A note for the record
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub comment: Option<String>,

    /// Run with this input instead: the tool's whole input, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,

    /// Also save the rule that the agent suggests, so that the same is not asked again
    #[arg(long)]
    pub always: bool,

    /// Also allow access to the directories that the agent suggests
    #[arg(long)]
    pub allow_directory: bool,

    /// Also switch the session to the permission mode that the agent suggests, such as “accept edits”
    #[arg(long)]
    pub set_mode: bool,
}

impl Args {
    fn grants(&self) -> Vec<Grant> {
        [
            (self.always, Grant::Rule),
            (self.allow_directory, Grant::Directory),
            (self.set_mode, Grant::Mode),
        ]
        .into_iter()
        .filter_map(|(is_chosen, grant)| is_chosen.then_some(grant))
        .collect()
    }
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
    let mut needed = vec![Capability::Approve];
    if updated_input.is_some() {
        needed.push(Capability::Edit);
    }
    let grants = args.grants();
    let client = context.client().await?;
    let approvals = decide::find(&client, &args.ids, &needed).await?;
    if updated_input.is_some() && approvals.len() > 1 {
        return Err(Failure::usage("--input goes with one approval"));
    }
    let mut decisions = Vec::new();
    for approval in approvals {
        let decision = Decision::Approve {
            comment: args.comment.clone(),
            updated_input: updated_input.clone(),
            updated_permissions: granted(&approval, &grants)?,
            unread_lines: None,
        };
        decisions.push((approval, decision));
    }
    decide::send_all(&client, decisions, Report::Whole, &mut context).await
}

/// The suggestions that were chosen; nothing beside them.
fn granted(approval: &Approval, grants: &[Grant]) -> Result<Option<Vec<Value>>, Failure> {
    if grants.is_empty() {
        return Ok(None);
    }
    let suggestions = &approval.permission_suggestions;
    for grant in grants {
        if suggestions
            .iter()
            .any(|update| permission::grant(update) == Some(*grant))
        {
            continue;
        }
        let option = grant.option();
        let what = match grant {
            Grant::Rule => "rule",
            Grant::Directory => "directory",
            Grant::Mode => "permission mode",
        };
        let others: Vec<String> = suggestions
            .iter()
            .filter_map(|update| {
                let option = permission::grant(update)?.option();
                Some(format!("{option} ({})", permission::meaning(update)))
            })
            .collect();
        let hint = if others.is_empty() {
            format!("approve it without {option}")
        } else {
            format!("it suggests: {}", others.join(", "))
        };
        return Err(Failure::failed(format!(
            "the agent suggests no {what} that {option} could grant"
        ))
        .with_hint(hint));
    }
    let chosen = suggestions
        .iter()
        .filter(|update| permission::grant(update).is_some_and(|grant| grants.contains(&grant)));
    Ok(Some(chosen.cloned().collect()))
}
