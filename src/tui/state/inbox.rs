//! What waits for a decision: which one is selected, and which are marked.
//!
//! The rule that people rely on: where none is selected the oldest becomes selected; what arrives
//! later never takes the selection away; and when the selected one ends, the next oldest of the
//! same session is selected, else the one that took its place in the list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::data::Data;
use super::form::Form;
use crate::domain::Kind;
use crate::domain::danger::{Danger, dangers};
use crate::domain::text::{sanitize_line, summary};
use crate::protocol::approval::Approval;
use crate::tui::transcript::{summary_line, summary_of, text};

/// Characters of a message that a row could show.
const MOST_SAID: usize = 300;

/// What a row shows of an approval, found out once: its input can be long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it touches, in one line that is safe to draw.
    pub summary: String,
    /// Why it is dangerous.
    pub dangers: Vec<Danger>,
}

impl Facts {
    fn of(data: &Data, approval: &Approval) -> Self {
        Self {
            summary: in_words(data, approval),
            dangers: dangers(&approval.tool_name, &approval.tool_input),
        }
    }
}

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
    /// Whether the filter is being typed.
    pub typing: bool,
    /// Decisions on their way: approval to a word for it.
    pub sending: BTreeMap<String, &'static str>,
    /// The first row shown of the card's input.
    pub card_scroll: u16,
    /// The first row of the list that is shown.
    pub offset: usize,
    /// Answers begun and put off, by their approval.
    pub put_off: HashMap<String, Form>,
    facts: HashMap<String, Facts>,
}

impl Inbox {
    /// The approvals shown, oldest first.
    #[must_use]
    pub fn shown(&self, data: &Data) -> Vec<String> {
        let mut fuzzy = super::fuzzy::Fuzzy::new(&self.filter);
        if fuzzy.is_blank() {
            return data.pending.keys().cloned().collect();
        }
        data.pending
            .values()
            .filter(|approval| fuzzy.fits(&[&self.row_words(data, approval)]))
            .map(|approval| approval.id.clone())
            .collect()
    }

    /// What a filter is matched against.
    fn row_words(&self, data: &Data, approval: &Approval) -> String {
        let session = data.session(&approval.session_id);
        format!(
            "{} {}",
            self.summary(&approval.id),
            session
                .map(|s| crate::format::subject(s, 200))
                .unwrap_or_default(),
        )
    }

    /// What a pending approval touches, in one line that is safe to draw.
    #[must_use]
    pub fn summary(&self, id: &str) -> &str {
        self.facts.get(id).map_or("", |facts| &facts.summary)
    }

    /// Why a pending approval is dangerous.
    #[must_use]
    pub fn dangers(&self, id: &str) -> &[Danger] {
        self.facts.get(id).map_or(&[], |facts| &facts.dangers)
    }

    /// Selects the first that is shown where the filter hides the selected one.
    pub fn select_shown(&mut self, data: &Data) {
        let shown = self.shown(data);
        let selected = self.selected.as_ref();
        if !shown.is_empty() && !selected.is_some_and(|id| shown.contains(id)) {
            self.select(data, shown.first().cloned());
        }
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
        self.put_off.retain(|id, _| data.pending.contains_key(id));
        self.facts.retain(|id, _| data.pending.contains_key(id));
        for (id, approval) in &data.pending {
            if !self.facts.contains_key(id) {
                self.facts.insert(id.clone(), Facts::of(data, approval));
            }
        }
        if data.pending.is_empty() {
            self.filter.clear();
            self.typing = false;
        }
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

/// What an approval touches, in one line: by what it is to a person, where the tool's name says less.
fn in_words(data: &Data, approval: &Approval) -> String {
    let input = &approval.tool_input;
    let field = |name: &str| {
        let text = input.get(name).and_then(Value::as_str).unwrap_or_default();
        text::head(text, MOST_SAID).trim()
    };
    let who = match approval.kind {
        Kind::Permission => {
            let line = summary_line(&approval.tool_name, input);
            // Where the session works is said by the session; the path has better use for the room.
            let session = data.session(&approval.session_id);
            return match session.and_then(|session| session.working_dir.as_deref()) {
                Some(directory) if super::card::changed_path(approval).is_some() => {
                    line.replacen(&format!("{}/", sanitize_line(directory)), "", 1)
                }
                Some(_) | None => line,
            };
        }
        Kind::Question => "Question".to_owned(),
        Kind::Plan => "Plan".to_owned(),
        Kind::Contact => approval
            .asker
            .clone()
            .unwrap_or_else(|| "Message".to_owned()),
    };
    let what = match approval.kind {
        Kind::Contact if !field("subject").is_empty() => field("subject").to_owned(),
        Kind::Contact => summary(field("message"), MOST_SAID),
        Kind::Permission | Kind::Question | Kind::Plan => summary_of(&approval.tool_name, input),
    };
    sanitize_line(&format!("{}  {what}", summary(&who, 40))).into_owned()
}
