//! The actions that are offered for an approval: the one table behind panel, footer and palette.
//!
//! What can be done is the daemon's word ([`crate::domain::Capabilities`]); here is only which action
//! does it and how it is called.

use crate::domain::{Capability, Kind};
use crate::protocol::approval::Approval;
use crate::tui::keymap::Action;

/// What an action does with an approval; none for actions that decide nothing.
#[must_use]
pub fn capability(action: Action, kind: Kind) -> Option<Capability> {
    match (action, kind) {
        (Action::Approve | Action::Edit | Action::Answer, Kind::Question) => {
            Some(Capability::Answer)
        }
        (Action::Approve | Action::Edit | Action::Answer, Kind::Contact) => {
            Some(Capability::Respond)
        }
        (Action::Approve, Kind::Permission | Kind::Plan) => Some(Capability::Approve),
        (Action::Edit, Kind::Permission | Kind::Plan) => Some(Capability::Edit),
        (Action::Deny, _) => Some(Capability::Deny),
        (Action::Always, _) => Some(Capability::Always),
        _ => None,
    }
}

/// Whether an action can be done with an approval; what decides nothing always can.
#[must_use]
pub fn is_possible(action: Action, approval: &Approval) -> bool {
    capability(action, approval.kind).is_none_or(|capability| approval.can().allows(capability))
}

/// The actions for an approval with their labels, the most used first.
#[must_use]
pub fn actions(approval: &Approval) -> Vec<(Action, &'static str)> {
    let labels = match approval.kind {
        Kind::Permission => vec![
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::Edit, "edit"),
            (Action::Always, "always allow"),
        ],
        Kind::Plan => vec![
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::Always, "approve, accept edits"),
            (Action::Edit, "edit"),
        ],
        Kind::Question | Kind::Contact => {
            vec![(Action::Approve, "answer"), (Action::Deny, "deny")]
        }
    };
    labels
        .into_iter()
        .filter(|(action, _)| is_possible(*action, approval))
        .chain([(Action::ReadApproval, "read")])
        .collect()
}
