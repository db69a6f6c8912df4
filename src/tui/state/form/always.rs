//! Approve and make it last: which permissions, and how far each reaches.

use serde_json::Value;

use crate::domain::Kind;
use crate::domain::permission;
use crate::protocol::approval::Approval;

/// What makes the yes last.
#[derive(Clone, Debug, PartialEq)]
pub enum Lasting {
    /// A permission update that the agent suggests, in its own form.
    Update(Value),
    /// The daemon's own standing rule: this session's edits of files are accepted.
    AcceptEdits,
}

impl Lasting {
    /// What it does.
    #[must_use]
    pub fn meaning(&self) -> String {
        match self {
            Self::Update(update) => permission::meaning(update),
            Self::AcceptEdits => "accept edits".to_owned(),
        }
    }

    /// How far that reaches.
    #[must_use]
    pub fn reach(&self) -> String {
        match self {
            Self::Update(update) => permission::reach(update),
            Self::AcceptEdits => "in this session, until you turn it off".to_owned(),
        }
    }
}

/// One that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What.
    pub what: Lasting,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Always {
    /// The approval.
    pub approval: String,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// The row that keys are about.
    pub at: usize,
}

impl Always {
    /// For an approval. A suggested rule is chosen already, as that is what “always allow” means;
    /// another directory or a whole mode is chosen by hand.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        let mut form = Self {
            approval: approval.id.clone(),
            ..Self::default()
        };
        let updates = approval.permission_suggestions.iter().cloned();
        form.choices = updates
            .map(|update| Choice {
                what: Lasting::Update(update),
                chosen: false,
            })
            .collect();
        if form.choices.is_empty() && approval.kind == Kind::Plan {
            form.choices.push(Choice {
                what: Lasting::AcceptEdits,
                chosen: true,
            });
        }
        let rule = form.choices.iter_mut().find(|choice| match &choice.what {
            Lasting::Update(update) => permission::is_allow_rule(update),
            Lasting::AcceptEdits => false,
        });
        if let Some(choice) = rule {
            choice.chosen = true;
        }
        form
    }

    /// Chooses the row's reach anew: the next one, from this session to all projects.
    pub fn reach(&mut self, further: bool) {
        let Some(Choice {
            what: Lasting::Update(update),
            ..
        }) = self.choices.get_mut(self.at)
        else {
            return;
        };
        if !permission::can_reach_elsewhere(update) {
            return;
        }
        let names = permission::DESTINATIONS;
        let here = update.get("destination").and_then(Value::as_str);
        let here = names.iter().position(|name| Some(*name) == here);
        let there = match (here, further) {
            (None, _) => 0,
            (Some(at), true) => (at + 1) % names.len(),
            (Some(at), false) => (at + names.len() - 1) % names.len(),
        };
        *update = permission::reaching(update, names[there]);
    }

    /// Whether the row's reach can be changed.
    #[must_use]
    pub fn can_reach(&self) -> bool {
        self.choices
            .get(self.at)
            .is_some_and(|choice| match &choice.what {
                Lasting::Update(update) => permission::can_reach_elsewhere(update),
                Lasting::AcceptEdits => false,
            })
    }

    /// The updates to send.
    #[must_use]
    pub fn updates(&self) -> Vec<Value> {
        let chosen = self.choices.iter().filter(|choice| choice.chosen);
        chosen
            .filter_map(|choice| match &choice.what {
                Lasting::Update(update) => Some(update.clone()),
                Lasting::AcceptEdits => None,
            })
            .collect()
    }

    /// Whether the session's edits shall be accepted from now on.
    #[must_use]
    pub fn accepts_edits(&self) -> bool {
        self.choices
            .iter()
            .any(|choice| choice.chosen && choice.what == Lasting::AcceptEdits)
    }
}
