//! What approving, denying and answering have in common.
//!
//! Owns sending a decision and saying what came of it. A decision goes out
//! under the approval's whole id, which was looked up and is shown, never
//! under what was typed.

use super::Context;
use super::exit::{Exit, Failure};
use super::printer;
use crate::client::Client;
use crate::domain::{Capability, Outcome};
use crate::format;
use crate::protocol::approval::Approval;
use crate::protocol::decision::{SendDecisionParams, SendDecisionResponse};

/// The `error_kind` of a decision that came too late.
const ALREADY_RESOLVED: &str = "already_resolved";

/// Sends a decision and shows the approval as it stands then.
pub async fn send(
    client: &Client,
    decision: SendDecisionParams,
    context: &mut Context,
) -> Result<(), Failure> {
    let answer = client.send_decision(&decision).await?;
    let approval = settled(answer)?;
    let approval = match approval {
        Some(approval) => approval,
        None => client.get_approval(&decision.approval_id).await?,
    };
    printer::approval(&mut context.out, &approval)?;
    Ok(())
}

/// Refuses what cannot be done with an approval, and says what can. What has ended already is left
/// to the daemon, whose answer says how it ended.
pub fn require(approval: &Approval, capability: Capability) -> Result<(), Failure> {
    if approval.outcome != Outcome::Pending || approval.can().allows(capability) {
        return Ok(());
    }
    Err(Failure::usage(approval.why_not(capability)).with_hint(format::how_to_decide(approval)))
}

/// Turns «no» in the answer into the failure that it is.
fn settled(answer: SendDecisionResponse) -> Result<Option<Approval>, Failure> {
    if answer.success {
        return Ok(answer.approval);
    }
    let too_late = answer.error_kind.as_deref() == Some(ALREADY_RESOLVED);
    let message = match (&answer.approval, too_late) {
        (Some(approval), true) => format!("already {}", format::outcome(approval)),
        (None, _) | (Some(_), false) => answer
            .error
            .unwrap_or_else(|| "the daemon refused the decision".to_owned()),
    };
    Err(if too_late {
        Failure::new(Exit::AlreadyResolved, message)
            .with_hint("`humanlayer show ID` shows how it ended")
    } else {
        Failure::failed(message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::domain::capabilities::testing::requests;

    fn answer(success: bool, kind: Option<&str>) -> SendDecisionResponse {
        SendDecisionResponse {
            success,
            error: Some("no".into()),
            error_kind: kind.map(str::to_owned),
            approval: None,
        }
    }

    #[test]
    fn a_late_decision_has_its_own_exit_code() {
        assert!(settled(answer(true, None)).is_ok());
        let late = settled(answer(false, Some(ALREADY_RESOLVED))).unwrap_err();
        assert_eq!(late.exit(), Exit::AlreadyResolved);
        let other = settled(answer(false, None)).unwrap_err();
        assert_eq!(other.exit(), Exit::Failed);
    }

    #[test]
    fn the_command_line_offers_what_the_daemon_takes() {
        for request in requests() {
            let approval = Approval::from(&request);
            let can = approval.can();
            let what = format!("{:?} {:?}", approval.kind, approval.source);
            let how = format::how_to_decide(&approval);
            for (capability, verb) in [
                (Capability::Approve, "humanlayer approve"),
                (Capability::Deny, "humanlayer deny"),
                (Capability::Answer, "humanlayer answer"),
                (Capability::Respond, "humanlayer respond"),
            ] {
                assert_eq!(how.contains(verb), can.allows(capability), "{how} {what}");
            }
            for capability in Capability::ALL {
                let allowed = require(&approval, capability).is_ok();
                assert_eq!(allowed, can.allows(capability), "{capability:?} {what}");
            }
        }
    }
}
