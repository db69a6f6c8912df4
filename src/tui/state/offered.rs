//! The actions that are offered for an approval: the one table behind panel, footer and palette.
//!
//! What can be done is the daemon's word ([`crate::domain::Capabilities`]); here is only which action
//! does it and how it is called.

use crate::domain::{Capability, Kind};
use crate::protocol::approval::Approval;
use crate::tui::keymap::Action;
use crate::tui::state::guard::Unread;

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
        (Action::AlwaysAllow, _) => Some(Capability::Always),
        _ => None,
    }
}

/// Whether an action can be done with an approval; what decides nothing always can.
#[must_use]
pub fn is_possible(action: Action, approval: &Approval) -> bool {
    capability(action, approval.kind).is_none_or(|capability| approval.can().allows(capability))
}

/// The same while so much of its text has not been read: a yes first shows the next page.
#[must_use]
pub fn actions_until_read(approval: &Approval, unread: Unread) -> Vec<(Action, &'static str)> {
    let mut offered = actions(approval);
    if must_read(approval, unread) {
        offered.retain(|(action, _)| {
            !matches!(action, Action::Approve | Action::Edit | Action::AlwaysAllow)
        });
        offered.insert(0, (Action::Approve, "next page"));
        if unread.is_long {
            offered.insert(1, (Action::ApproveUnread, "approve unread"));
        }
    }
    offered
}

/// Whether there is something to read before a yes counts. Who answers with words is shown what to answer
/// anyway.
#[must_use]
pub fn must_read(approval: &Approval, unread: Unread) -> bool {
    match approval.kind {
        Kind::Permission | Kind::Plan => !unread.is_nothing(),
        Kind::Question | Kind::Contact => false,
    }
}

/// The actions for an approval with their labels, the most used first.
#[must_use]
pub fn actions(approval: &Approval) -> Vec<(Action, &'static str)> {
    let labels = match approval.kind {
        Kind::Permission => vec![
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::Edit, "edit"),
            (Action::AlwaysAllow, "always allow"),
        ],
        Kind::Plan => vec![
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::AlwaysAllow, "approve, accept edits"),
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
