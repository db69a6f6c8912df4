//! One decision about many approvals. Which ones is fixed when the form opens.

use std::collections::BTreeMap;

use super::offers::{Offer, Offers};
use crate::domain::Kind;
use crate::protocol::approval::Approval;
use crate::tui::state::App;

/// One of them, as it was when the form opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One {
    /// The approval.
    pub id: String,
    /// What it touches, in one line that is safe to draw.
    pub summary: String,
    /// The tool.
    pub tool: String,
    /// The session.
    pub session: String,
    /// Why it is dangerous, if it is.
    pub danger: Option<&'static str>,
}

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Many {
    /// Yes, or no.
    pub yes: bool,
    /// What is decided.
    pub plain: Vec<One>,
    /// Dangerous ones, which a yes leaves out until that is said.
    pub dangerous: Vec<One>,
    /// Whether the dangerous ones are approved too.
    pub with_dangerous: bool,
    /// What wants more than a yes or a no, in words: how many of what.
    pub left_out: BTreeMap<&'static str, usize>,
    /// The reason of a no.
    pub reason: Offers,
    /// The first row shown.
    pub scroll: usize,
}

impl Many {
    /// About the marked ones, else about all that are shown.
    #[must_use]
    pub fn of(app: &App, yes: bool, quick: &[String]) -> Self {
        let marked: Vec<String> = app
            .data
            .pending
            .keys()
            .filter(|id| app.inbox.marked.contains(*id))
            .cloned()
            .collect();
        let ids = if marked.is_empty() {
            app.inbox.shown(&app.data)
        } else {
            marked
        };
        let mut form = Self {
            yes,
            reason: Offers::of(quick.iter().map(|reason| Offer::words(reason)).collect()),
            ..Self::default()
        };
        for approval in ids.iter().filter_map(|id| app.data.pending(id)) {
            form.add(app, approval);
        }
        form
    }

    fn add(&mut self, app: &App, approval: &Approval) {
        let why_not = match (approval.kind, self.yes) {
            _ if app.inbox.sending.contains_key(&approval.id) => Some("on their way already"),
            (Kind::Permission, _) | (Kind::Plan, false) => None,
            (Kind::Plan, true) => Some("plans, to be read first"),
            (Kind::Question, _) => Some("questions, to be answered"),
            (Kind::Contact, _) => Some("messages, to be answered"),
        };
        if let Some(why) = why_not {
            *self.left_out.entry(why).or_default() += 1;
            return;
        }
        let dangers = app.inbox.dangers(&approval.id);
        let session = app.data.session(&approval.session_id);
        let one = One {
            id: approval.id.clone(),
            summary: app.inbox.summary(&approval.id).to_owned(),
            tool: crate::tui::transcript::tool_label(&approval.tool_name),
            session: session
                .map(|session| crate::format::subject(session, 60))
                .unwrap_or_default(),
            danger: dangers.first().map(|danger| danger.reason),
        };
        if self.yes && one.danger.is_some() {
            self.dangerous.push(one);
        } else {
            self.plain.push(one);
        }
    }

    /// What is decided now.
    pub fn decided(&self) -> impl Iterator<Item = &One> {
        let dangerous = self.dangerous.iter().filter(|_| self.with_dangerous);
        self.plain.iter().chain(dangerous)
    }

    /// How many of each, the most first: by tool, or by session.
    #[must_use]
    pub fn counts(&self, by: impl Fn(&One) -> &String) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for one in self.plain.iter().chain(&self.dangerous) {
            *counts.entry(by(one)).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> = counts
            .into_iter()
            .map(|(name, count)| (name.clone(), count))
            .collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    /// What it is about, for telling whether that was drawn.
    #[must_use]
    pub fn identity(&self) -> String {
        let ids: Vec<&str> = self.decided().map(|one| one.id.as_str()).collect();
        format!("many {} {}", self.yes, ids.join(" "))
    }
}
