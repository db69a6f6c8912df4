//! What approving, denying and answering have in common.
//!
//! Owns sending decisions and saying what came of them. All approvals are looked up and checked
//! before the first decision goes out, and each goes out under the approval's whole id, never under
//! what was typed.

use std::io;

use serde_json::Value;

use super::Context;
use super::exit::Failure;
use super::kind::Kind;
use super::output::Output;
use super::printer;
use super::several::Outcomes;
use crate::client::Client;
use crate::domain::approval::ClientKind;
use crate::domain::text::sanitize_line;
use crate::domain::{Capability, Decision, Outcome};
use crate::format;
use crate::protocol::approval::Approval;
use crate::protocol::decision::{SendDecisionParams, SendDecisionResponse};

/// The `error_kind` of a decision that came too late.
const ALREADY_RESOLVED: &str = "already_resolved";

/// Characters of an input in a report of one line.
const GIST: usize = 200;

/// How what came of decisions is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The whole approval; where there are several, a line and the input of each.
    Whole,
    /// A line each.
    Line,
}

/// Looks approvals up, each once, and checks that this can be done with all of them. One that has
/// ended passes: the daemon's answer says how it ended.
pub async fn find(
    client: &Client,
    ids: &[String],
    capabilities: &[Capability],
) -> Result<Vec<Approval>, Failure> {
    let mut found: Vec<Approval> = Vec::new();
    for id in ids {
        let approval = client.get_approval(id).await?;
        for capability in capabilities {
            require(&approval, *capability)?;
        }
        if !found.iter().any(|known| known.id == approval.id) {
            found.push(approval);
        }
    }
    Ok(found)
}

/// Refuses what cannot be done with an approval, and says what can. What has ended already is left
/// to the daemon, whose answer says how it ended.
pub fn require(approval: &Approval, capability: Capability) -> Result<(), Failure> {
    if approval.outcome != Outcome::Pending || approval.can().allows(capability) {
        return Ok(());
    }
    Err(Failure::usage(approval.why_not(capability)).with_hint(format::how_to_decide(approval)))
}

/// Sends a decision and reports the approval as it stands then.
pub async fn send(
    client: &Client,
    approval: Approval,
    decision: Decision,
    report: Report,
    context: &mut Context,
) -> Result<(), Failure> {
    send_all(client, vec![(approval, decision)], report, context).await
}

/// Sends decisions one after the other and reports each. One that fails keeps no other from being
/// sent; the exit code is that of the first failure.
pub async fn send_all(
    client: &Client,
    decisions: Vec<(Approval, Decision)>,
    report: Report,
    context: &mut Context,
) -> Result<(), Failure> {
    let is_single = decisions.len() == 1;
    let mut outcomes = Outcomes::new();
    for (approval, decision) in decisions {
        match send_one(client, &approval, decision).await {
            Ok(approval) => outcomes.done(&mut context.out, approval, |out, approval| {
                write(out, approval, report, is_single)
            }),
            Err(failure) if is_single => return Err(failure),
            Err(failure) => outcomes.failed(&format::approval_id(&approval.id, true), failure),
        }
    }
    outcomes.end(&mut context.out)
}

fn write(out: &mut Output, approval: &Approval, report: Report, is_single: bool) -> io::Result<()> {
    match (report, is_single) {
        (Report::Whole, true) => printer::approval(out, approval),
        (Report::Whole, false) => {
            out.line(line(approval))?;
            printer::input(out, format::effective_input(approval))
        }
        (Report::Line, _) => out.line(line(approval)),
    }
}

/// A decided approval in one line.
fn line(approval: &Approval) -> String {
    let id = format::approval_id(&approval.id, true);
    let what = match &approval.answers {
        Some(Value::Object(answers)) => answers
            .iter()
            .map(|(question, answer)| match answer {
                Value::String(answer) => format!("{question} → {answer}"),
                other => format!("{question} → {other}"),
            })
            .collect::<Vec<String>>()
            .join("; "),
        Some(_) | None => {
            let gist = format::gist(approval, GIST);
            format!("{}: {gist}", approval.tool_name)
        }
    };
    format!(
        "{}  {}  {}",
        format::outcome(approval),
        sanitize_line(&id),
        sanitize_line(&what)
    )
}

async fn send_one(
    client: &Client,
    approval: &Approval,
    decision: Decision,
) -> Result<Approval, Failure> {
    let params = SendDecisionParams::new(&approval.id, decision).from_client(ClientKind::Cli);
    match settled(client.send_decision(&params).await?)? {
        Some(approval) => Ok(approval),
        None => Ok(client.get_approval(&approval.id).await?),
    }
}

/// Turns a refusal in the answer into the failure that it is.
fn settled(answer: SendDecisionResponse) -> Result<Option<Approval>, Failure> {
    if answer.success {
        return Ok(answer.approval);
    }
    let too_late = answer.error_kind.as_deref() == Some(ALREADY_RESOLVED);
    let message = match (&answer.approval, too_late) {
        (Some(approval), true) => format!("already {}", format::outcome(approval)),
        (None, _) | (Some(_), false) => answer
            .error
            .clone()
            .unwrap_or_else(|| "the daemon refused the decision".to_owned()),
    };
    Err(if too_late {
        Failure::new(Kind::ALREADY_RESOLVED, message)
            .with_hint("`humanlayer show ID` shows how it ended")
            .with_approval(answer.approval)
    } else {
        Failure::failed(message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::commands::exit::Exit;
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
