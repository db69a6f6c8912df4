//! What waits for a decision: which one is selected, and which are marked.
//!
//! The rule that people rely on: where none is selected the oldest becomes selected; what arrives
//! later never takes the selection away; and when the selected one ends, the next oldest of the
//! same session is selected, else the one that took its place in the list.

use std::collections::{BTreeMap, BTreeSet};

use super::data::Data;

/// The pane's state.
#[derive(Debug, Default)]
pub struct Inbox {
    /// The selected approval, which `y` and `n` are about.
    pub selected: Option<String>,
    /// Where it stands in the list, so that its successor can be found once it is gone.
    position: usize,
    /// Whose it is, for the same reason.
    session: Option<String>,
    /// Approvals marked for a decision about all of them.
    pub marked: BTreeSet<String>,
    /// Only those that hold these words are shown.
    pub filter: String,
    /// Decisions on their way: approval to a word for it.
    pub sending: BTreeMap<String, &'static str>,
    /// The first row shown of the card's input.
    pub card_scroll: u16,
    /// The first row of the list that is shown.
    pub offset: usize,
}

impl Inbox {
    /// The approvals shown, oldest first.
    #[must_use]
    pub fn shown(&self, data: &Data) -> Vec<String> {
        let mut fuzzy = super::fuzzy::Fuzzy::new(&self.filter);
        data.pending
            .values()
            .filter(|approval| fuzzy.is_blank() || fuzzy.fits(&[&row_words(data, approval)]))
            .map(|approval| approval.id.clone())
            .collect()
    }

    /// Selects one.
    pub fn select(&mut self, data: &Data, id: Option<String>) {
        if self.selected != id {
            self.card_scroll = 0;
        }
        self.selected = id;
        self.note_place(data);
    }

    fn note_place(&mut self, data: &Data) {
        if let Some(approval) = self.selected.as_ref().and_then(|id| data.pending.get(id)) {
            self.position = data.pending.get_index_of(&approval.id).unwrap_or(0);
            self.session = Some(approval.session_id.clone());
        }
    }

    /// Keeps the selection on something that is pending, after approvals came or went.
    pub fn settle(&mut self, data: &Data) {
        self.marked.retain(|id| data.pending.contains_key(id));
        self.sending.retain(|id, _| data.pending.contains_key(id));
        if let Some(id) = &self.selected
            && data.pending.contains_key(id)
        {
            return self.note_place(data);
        }
        let next = self
            .session
            .as_deref()
            .and_then(|session| data.oldest_of(session))
            .or_else(|| {
                let last = data.pending.len().checked_sub(1)?;
                data.pending
                    .get_index(self.position.min(last))
                    .map(|(_, approval)| approval)
            })
            .map(|approval| approval.id.clone());
        self.select(data, next);
    }

    /// Moves the selection within what is shown.
    pub fn step(&mut self, data: &Data, by: isize) {
        let shown = self.shown(data);
        let Some(last) = shown.len().checked_sub(1) else {
            return;
        };
        let here = self
            .selected
            .as_ref()
            .and_then(|id| shown.iter().position(|other| other == id))
            .unwrap_or(0);
        let there = here.saturating_add_signed(by).min(last);
        self.select(data, shown.get(there).cloned());
    }
}

/// What a filter is matched against.
fn row_words(data: &Data, approval: &crate::protocol::approval::Approval) -> String {
    let session = data.session(&approval.session_id);
    format!(
        "{} {} {}",
        approval.tool_name,
        crate::tui::transcript::summary_line(&approval.tool_name, &approval.tool_input),
        session
            .map(|s| crate::format::subject(s, 200))
            .unwrap_or_default(),
    )
}
