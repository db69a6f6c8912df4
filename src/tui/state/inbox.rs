//! The inbox: every pending approval, oldest first, and which of them are marked.
//!
//! A view of the one selection: it marks the row of the approval that the panel shows, and holds no
//! selection of its own. What arrives later never moves that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::data::Data;
use super::fuzzy::Fuzzy;
use crate::domain::Kind;
use crate::domain::danger::{Danger, dangers};
use crate::domain::text::{sanitize_line, summary};
use crate::protocol::approval::Approval;
use crate::tui::forms::Form;
use crate::tui::transcript::{summary_line, summary_of, text};

/// Characters of a message that a row could show.
const MAX_SAID: usize = 300;

/// What a row shows of an approval, found out once: its input can be long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalSummary {
    /// What it touches, in one line that is safe to draw.
    pub summary: String,
    /// Why it is dangerous.
    pub dangers: Vec<Danger>,
}

impl ApprovalSummary {
    fn of(data: &Data, approval: &Approval) -> Self {
        Self {
            summary: in_words(data, approval),
            dangers: dangers(&approval.tool_name, &approval.tool_input),
        }
    }
}

/// Decisions about many approvals that are on their way, to be reported together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Yes, or no.
    pub yes: bool,
    /// Whose outcome is not known yet.
    pub waiting: BTreeSet<String>,
    /// How many were decided so.
    pub decided: usize,
    /// How many were not: others were first, or the daemon refused.
    pub failed: usize,
    /// How many were left out from the start.
    pub skipped: usize,
}

impl Batch {
    /// Notes how a decision ended; whether it was one of these.
    pub fn ended(&mut self, id: &str, is_decided: bool) -> bool {
        let was_waiting = self.waiting.remove(id);
        if was_waiting {
            if is_decided {
                self.decided += 1;
            } else {
                self.failed += 1;
            }
        }
        was_waiting
    }

    /// How all of it ended, once it has.
    #[must_use]
    pub fn report(&self) -> Option<String> {
        if !self.waiting.is_empty() {
            return None;
        }
        let done = if self.yes { "approved" } else { "denied" };
        let mut report = format!("{done} {}", self.decided);
        for (count, what) in [(self.skipped, "skipped"), (self.failed, "not decided:")] {
            if count > 0 {
                report.push_str(&format!(", {what} {count}"));
            }
        }
        Some(report)
    }
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Approvals marked for a decision about all of them.
    pub marked: BTreeSet<String>,
    /// Only those that hold these words are shown.
    pub filter: String,
    /// Whether the filter is being typed.
    pub typing: bool,
    /// Decisions on their way: approval to a word for it.
    pub sending: BTreeMap<String, &'static str>,
    /// Approvals of whose decisions it is not known whether they were taken: no answer came.
    pub unconfirmed: BTreeSet<String>,
    /// Decisions about many approvals that are on their way.
    pub batch: Option<Batch>,
    /// The first row of the list that is shown.
    pub offset: usize,
    /// Where the row of the shown approval stands, or stood before it was decided elsewhere.
    pub place: usize,
    /// What was typed or chosen for an approval and left, or sent: by approval and form. It is there again when
    /// that form is opened anew, as long as the approval is pending: a decision may be refused.
    saved_forms: HashMap<(String, &'static str), Form>,
    summaries: HashMap<String, ApprovalSummary>,
}

impl Inbox {
    /// The approvals shown, oldest first.
    #[must_use]
    pub fn shown(&self, data: &Data) -> Vec<String> {
        self.fitting(data).0
    }

    /// The approvals that fit the filter, and whether they only resemble it: none has its very words.
    #[must_use]
    pub fn fitting(&self, data: &Data) -> (Vec<String>, bool) {
        let mut fuzzy = Fuzzy::new(&self.filter);
        if fuzzy.is_blank() {
            return (data.pending.keys().cloned().collect(), false);
        }
        let found: Vec<(&String, bool)> = data
            .pending
            .values()
            .filter_map(|approval| {
                let fit = fuzzy.fit(&[&self.row_words(data, approval)])?;
                Some((&approval.id, fit.literal))
            })
            .collect();
        // Where some have the very words, those that only resemble them are not meant.
        let literal = found.iter().any(|(_, literal)| *literal);
        let is_similar_only = !literal && !found.is_empty();
        let shown = found.into_iter().filter(|(_, fits)| *fits || !literal);
        (shown.map(|(id, _)| id.clone()).collect(), is_similar_only)
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
        self.summaries.get(id).map_or("", |known| &known.summary)
    }

    /// Why a pending approval is dangerous.
    #[must_use]
    pub fn dangers(&self, id: &str) -> &[Danger] {
        self.summaries.get(id).map_or(&[], |known| &known.dangers)
    }

    /// Keeps what was typed or chosen in a form for an approval.
    pub fn save(&mut self, form: Form) {
        if let Some(id) = form.approval().map(str::to_owned) {
            self.saved_forms.insert((id, form.name()), form);
        }
    }

    /// The form of that name for an approval as it was left or sent; none where it was not.
    pub fn saved(&mut self, id: &str, form: &'static str) -> Option<Form> {
        self.saved_forms.remove(&(id.to_owned(), form))
    }

    /// Forgets what is no longer pending, and finds out what its rows show of what is new.
    pub fn reconcile(&mut self, data: &Data) {
        self.marked.retain(|id| data.pending.contains_key(id));
        self.sending.retain(|id, _| data.pending.contains_key(id));
        self.saved_forms
            .retain(|(id, _), _| data.pending.contains_key(id));
        self.summaries.retain(|id, _| data.pending.contains_key(id));
        if let Some(batch) = &mut self.batch {
            // What ended while there was no connection is not known to have ended as decided.
            batch.waiting.retain(|id| data.pending.contains_key(id));
        }
        self.batch = self.batch.take().filter(|batch| !batch.waiting.is_empty());
        for (id, approval) in &data.pending {
            if !self.summaries.contains_key(id) {
                self.summaries
                    .insert(id.clone(), ApprovalSummary::of(data, approval));
            }
        }
        if data.pending.is_empty() {
            self.typing = false;
        }
        // What no filter lists is not decided behind a filter.
        if !self.typing && !self.filter.is_empty() && self.shown(data).is_empty() {
            self.filter.clear();
        }
    }

    /// The approval at the place where the shown one stood, or the one before; the last where fewer are
    /// listed now.
    #[must_use]
    pub fn near_place(&self, data: &Data, is_before: bool) -> Option<String> {
        let listed = self.shown(data);
        let last = listed.len().checked_sub(1)?;
        let there = self.place.saturating_sub(usize::from(is_before));
        listed.get(there.min(last)).cloned()
    }

    /// Notes where the shown approval stands.
    pub fn note_place(&mut self, data: &Data, shown: &str) {
        let place = match self.filter.trim().is_empty() {
            true => data.pending.keys().position(|id| id == shown),
            false => self.shown(data).iter().position(|id| id == shown),
        };
        self.place = place.unwrap_or(self.place);
    }

    /// The approval so many rows from the shown one, within what is listed; the nearest end where
    /// none of them is shown.
    #[must_use]
    pub fn stepped(&self, data: &Data, shown: Option<&str>, by: isize) -> Option<String> {
        let listed = self.shown(data);
        let last = listed.len().checked_sub(1)?;
        let here = shown.and_then(|id| listed.iter().position(|other| other == id));
        let there = match here {
            Some(here) => here.saturating_add_signed(by).min(last),
            None if by < 0 => last,
            None => 0,
        };
        listed.get(there).cloned()
    }

    /// The next approval, or the one before, around the ends: for a key that goes through them all.
    #[must_use]
    pub fn next(&self, data: &Data, shown: Option<&str>, is_forward: bool) -> Option<String> {
        let listed = self.shown(data);
        let count = listed.len();
        let here = shown.and_then(|id| listed.iter().position(|other| other == id));
        let there = match (here, is_forward) {
            (_, _) if count == 0 => return None,
            (Some(here), true) => (here + 1) % count,
            (Some(here), false) => (here + count - 1) % count,
            (None, true) => 0,
            (None, false) => count - 1,
        };
        listed.get(there).cloned()
    }

    /// Which approval comes after one that was decided: the oldest of the same session, else the one
    /// that followed it in the list, else the first. What is being decided already, and what the filter leaves
    /// out, is passed over.
    #[must_use]
    pub fn after(&self, data: &Data, session: &str, position: usize) -> Option<String> {
        let listed: Option<HashSet<String>> =
            (!self.filter.trim().is_empty()).then(|| self.shown(data).into_iter().collect());
        let open = |approval: &&Approval| {
            let is_listed = listed.as_ref().is_none_or(|ids| ids.contains(&approval.id));
            is_listed && !self.sending.contains_key(&approval.id)
        };
        let mut of_session = data.pending.values().filter(open);
        of_session
            .find(|approval| approval.session_id == session)
            .or_else(|| data.pending.values().skip(position).find(open))
            .or_else(|| data.pending.values().find(open))
            .map(|approval| approval.id.clone())
    }
}

/// What an approval touches, in one line: by what it is to a person, where the tool's name says less.
fn in_words(data: &Data, approval: &Approval) -> String {
    let input = &approval.tool_input;
    let field = |name: &str| {
        let text = input.get(name).and_then(Value::as_str).unwrap_or_default();
        text::head(text, MAX_SAID).trim()
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
        Kind::Contact => summary(field("message"), MAX_SAID),
        Kind::Permission | Kind::Question | Kind::Plan => summary_of(&approval.tool_name, input),
    };
    sanitize_line(&format!("{}  {what}", summary(&who, 40))).into_owned()
}
