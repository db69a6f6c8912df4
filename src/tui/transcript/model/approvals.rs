//! What became of the question about a tool call.
//!
//! Owns the approvals' states by call and how they are said in a few words.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::Outcome;
use crate::domain::approval::DecidedBy;
use crate::protocol::approval::Approval;
use crate::tui::transcript::model::item::ToolCall;

/// The states by tool call.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    calls: HashMap<String, CallState>,
    /// The call that the approval panel asks about, while there is one.
    asked: Option<String>,
}

/// The state of the question about one call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallState {
    /// How it ended.
    pub outcome: Outcome,
    /// The reason or a note.
    pub comment: Option<String>,
    /// Who decided.
    pub decided_by: Option<DecidedBy>,
    /// The input that was approved, where it differs from what was asked.
    pub edited: Option<Value>,
    /// Lines of it that were approved without having been shown.
    pub unread_lines: Option<u32>,
    /// The answers given to questions.
    pub answers: Option<Value>,
    /// Why the answer never reached the agent.
    pub undelivered: Option<String>,
    /// Where it stands beside the approval panel.
    pub panel: Panel,
}

/// Where a pending call stands beside the approval panel, which shows all of it: one line is enough
/// then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Panel {
    /// There is none, or the call is not pending.
    #[default]
    Absent,
    /// The panel asks about it.
    Asked,
    /// The panel asks about another call.
    Queued,
}

impl CallState {
    /// Of a call that the agent gets to once the one that the panel asks about is decided.
    pub fn queued() -> Self {
        Self {
            outcome: Outcome::Pending,
            comment: None,
            decided_by: None,
            edited: None,
            answers: None,
            undelivered: None,
            unread_lines: None,
            panel: Panel::Queued,
        }
    }
}

fn place(outcome: Outcome, call: &str, asked: Option<&str>) -> Panel {
    match (outcome, asked) {
        (Outcome::Pending, Some(asked)) if asked == call => Panel::Asked,
        (Outcome::Pending, Some(_)) => Panel::Queued,
        (_, _) => Panel::Absent,
    }
}

impl Approvals {
    /// Takes an approval in; the call that it is about, if it is about one.
    pub fn insert<'a>(&mut self, approval: &'a Approval) -> Option<&'a str> {
        let call = approval.tool_use_id.as_deref()?;
        let edited = approval.updated_input.as_ref();
        let state = CallState {
            outcome: approval.outcome,
            comment: approval.comment.clone().filter(|text| !text.is_empty()),
            decided_by: approval.decided_by.clone(),
            edited: edited
                .filter(|input| **input != approval.tool_input)
                .cloned(),
            unread_lines: approval.unread_lines,
            answers: approval.answers.clone(),
            undelivered: approval.undelivered.clone(),
            panel: place(approval.outcome, call, self.asked.as_deref()),
        };
        // A final outcome stands, whatever comes late.
        let known = self.calls.get(call);
        if state.outcome == Outcome::Pending
            && known.is_some_and(|known| known.outcome != Outcome::Pending)
        {
            return None;
        }
        self.calls.insert(call.to_owned(), state);
        Some(call)
    }

    /// The call that the approval panel asks about.
    pub fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// Takes in which call the approval panel asks about; says whose looks change.
    pub fn set_asked(&mut self, asked: Option<&str>) -> Vec<String> {
        if self.asked.as_deref() == asked {
            return Vec::new();
        }
        self.asked = asked.map(str::to_owned);
        let mut changed = Vec::new();
        for (call, state) in &mut self.calls {
            let panel = place(state.outcome, call, asked);
            if state.panel != panel {
                state.panel = panel;
                changed.push(call.clone());
            }
        }
        changed
    }

    /// The state of the question about a call.
    pub fn of(&self, call: &str) -> Option<&CallState> {
        self.calls.get(call)
    }
}

/// The input that was approved instead of the call's own, where it was edited.
pub(crate) fn edited(call: &ToolCall, state: Option<&CallState>) -> Option<Value> {
    match state {
        Some(state) if state.outcome != Outcome::Pending => state.edited.clone(),
        Some(_) | None => serde_json::from_str(call.edited.as_deref()?).ok(),
    }
}

/// How the question about a call ended: by the approval where it is known, else by what the stored
/// piece said.
pub(crate) fn outcome(call: &ToolCall, state: Option<&CallState>) -> Option<Outcome> {
    state.map(|state| state.outcome).or(call.outcome)
}

/// What else is to be known of the decision about a call.
pub(crate) fn remarks(call: &ToolCall, state: Option<&CallState>) -> String {
    let unread = match state {
        Some(state) if state.outcome != Outcome::Pending => state.unread_lines,
        Some(_) | None => call.unread_lines,
    };
    crate::format::remarks(edited(call, state).is_some(), unread)
}

/// The outcome in a few words; safe to draw.
pub(crate) fn words(outcome: Outcome, remarks: &str, state: Option<&CallState>) -> String {
    let by = state
        .and_then(|state| state.decided_by.as_ref())
        .map(|by| format!(" by {}", crate::format::decided_by(by)))
        .unwrap_or_default();
    match outcome {
        Outcome::Pending if state.is_some_and(|state| state.panel == Panel::Queued) => {
            "⏸ queued".to_owned()
        }
        Outcome::Pending => "⏸ pending".to_owned(),
        Outcome::Approved => format!("✓ approved{by}{remarks}"),
        Outcome::Answered => format!("✓ answered{by}"),
        Outcome::Denied => format!("✗ denied{by}"),
        Outcome::Withdrawn => "↩ withdrawn".to_owned(),
        Outcome::Abandoned => "↩ abandoned".to_owned(),
        Outcome::Expired => "✗ expired".to_owned(),
    }
}
