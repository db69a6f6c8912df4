//! One conversation as it grows: what comes from the daemon is taken in here, and what the dashboard asks about the
//! conversation is answered. The files below walk over its rows, move and search in them, and draw what is in view.

mod draw;
mod rows;
mod scroll;
mod search;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::Delivery;
use crate::protocol::approval::Approval;
use crate::protocol::conversation::ConversationEvent;
use crate::tui::transcript::model::approvals::Approvals;
use crate::tui::transcript::model::draft::Drafts;
use crate::tui::transcript::model::item::{ItemId, Kind};
use crate::tui::transcript::model::items::Items;
use crate::tui::transcript::render::highlight_budget::HighlightBudget;
use crate::tui::transcript::tools;
use crate::tui::transcript::viewport::cache::Cache;
use crate::tui::transcript::viewport::needle::SearchState;
use crate::tui::transcript::viewport::position::{Position, View};

pub use scroll::Scroll;

/// A page that the transcript would like to have. The same answer comes until the page has: whoever
/// asks the daemon remembers what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageWanted {
    /// The pieces before this sequence, for [`Transcript::prepend`].
    Before(i64),
    /// The pieces after this sequence, for [`Transcript::append`].
    After(i64),
}

/// Items that are looked through for the agent's last words.
const MAX_LOOK_BACK: usize = 200;

/// The conversation of one session.
#[derive(Debug)]
pub struct Transcript {
    pub(super) items: Items,
    pub(super) drafts: Drafts,
    pub(super) approvals: Approvals,
    /// The first and the last sequence that are loaded.
    pub(super) loaded: Option<(i64, i64)>,
    pub(super) more_before: bool,
    /// The newest sequence that was seen.
    pub(super) newest: i64,
    /// What somebody has folded or unfolded.
    pub(super) folds: HashMap<ItemId, bool>,
    /// How everything else that folds is folded; none: as its kind is at first.
    pub(super) fold_default: Option<bool>,
    /// What a person selected; none: what the approval panel asks about, else the last item.
    pub(super) cursor: Option<ItemId>,
    /// Whether a person has moved since the approval panel began to ask about its call.
    pub(super) left_asked: bool,
    /// Pieces that came while the view did not follow.
    pub(super) unseen: usize,
    pub(super) view: View,
    pub(super) cache: Cache,
    pub(super) budget: Arc<HighlightBudget>,
    pub(super) search: Option<SearchState>,
}

impl Default for Transcript {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcript {
    /// An empty conversation.
    #[must_use]
    pub fn new() -> Self {
        Self {
            items: Items::default(),
            drafts: Drafts::default(),
            approvals: Approvals::default(),
            loaded: None,
            more_before: false,
            newest: 0,
            folds: HashMap::new(),
            fold_default: None,
            cursor: None,
            left_asked: false,
            unseen: 0,
            view: View::default(),
            cache: Cache::default(),
            budget: HighlightBudget::for_frames(),
            search: None,
        }
    }

    /// Takes a page as all there is: the newest one. What was folded stays, and so does the view
    /// where it is part of the page.
    pub fn replace(&mut self, events: Vec<ConversationEvent>, more_before: bool) {
        let key_of = |id: ItemId| self.items.get(id).key;
        let folds: HashMap<i64, bool> = self
            .folds
            .iter()
            .map(|(id, folded)| (key_of(*id), *folded))
            .collect();
        let cursor = self.cursor.map(key_of);
        let top = self
            .view
            .anchor
            .map(|top| (key_of(top.item), top.part, top.row));
        self.items = Items::default();
        self.drafts = Drafts::default();
        self.cache.clear();
        self.folds.clear();
        (self.cursor, self.view.anchor, self.view.top) = (None, None, None);
        self.view.shown.clear();
        self.forget_match();
        (self.loaded, self.newest) = (None, 0);
        self.more_before = more_before;
        for event in events {
            let key = event.sequence;
            let touched = self.take(event, None);
            let Some(id) = touched.first().copied() else {
                continue;
            };
            if self.items.get(id).key != key {
                continue;
            }
            if let Some(folded) = folds.get(&key) {
                self.folds.insert(id, *folded);
            }
            if cursor == Some(key) {
                self.cursor = Some(id);
            }
            if let Some((_, part, row)) = top.filter(|(anchored, _, _)| *anchored == key) {
                let item = id;
                self.view.anchor = Some(Position { item, part, row });
            }
        }
        if self.view.anchor.is_none() {
            self.cursor = None;
            self.unseen = 0;
        }
    }

    /// Takes the page before the first piece in. The view stays where it is.
    pub fn prepend(&mut self, events: Vec<ConversationEvent>, more_before: bool) {
        self.more_before = more_before;
        let first = self.loaded.map_or(i64::MAX, |(first, _)| first);
        for event in events {
            if event.sequence < first {
                self.take(event, None);
            }
        }
    }

    /// Takes the page after the last piece in, as asked for by [`PageWanted::After`]. What the page
    /// does not have is not there; `more_after` says whether the next page is wanted.
    pub fn append(&mut self, events: Vec<ConversationEvent>, more_after: bool) {
        for event in events {
            let last = self.loaded.map_or(0, |(_, last)| last);
            if event.sequence > last {
                self.accept(event);
            } else {
                self.message_updated(event.sequence, event.id, event.delivery);
            }
        }
        if !more_after {
            self.newest = self.loaded.map_or(0, |(_, last)| last);
        }
    }

    /// Takes a piece in as it comes. One that is there already is ignored; one that does not follow
    /// on the last is not taken, but wanted with those before it ([`Self::needs_page`]).
    pub fn push(&mut self, event: ConversationEvent) {
        self.newest = self.newest.max(event.sequence);
        match self.loaded {
            Some((_, last)) if event.sequence <= last => {}
            Some((_, last)) if event.sequence > last + 1 => {}
            None if event.sequence > 1 && !self.more_before => {
                // Nothing was loaded yet: what came before is a page away.
                self.more_before = true;
                self.accept(event);
            }
            Some(_) | None => self.accept(event),
        }
    }

    /// Notes how far a message of the user is; none when the agent has read it.
    pub fn message_updated(&mut self, sequence: i64, id: i64, delivery: Option<Delivery>) {
        if let Some(item) = self.items.set_delivery(sequence, id, delivery) {
            self.forget(&[item]);
        }
    }

    /// The place of the first message that is loaded and has not been read.
    #[must_use]
    pub fn first_unread(&self) -> Option<i64> {
        self.items.first_unread()
    }

    /// The id of the selected message, if the agent has not read it; else of the newest such one.
    #[must_use]
    pub fn unread_message(&self) -> Option<i64> {
        let selected = self.selected_item().and_then(|id| self.items.delivery(id));
        selected
            .filter(|(_, delivery)| delivery.is_open())
            .or_else(|| self.items.newest_unread())
            .map(|(id, _)| id)
    }

    /// How many messages are queued for the agent.
    #[must_use]
    pub fn queued_messages(&self) -> usize {
        self.items.queued()
    }

    fn accept(&mut self, event: ConversationEvent) {
        let draft = self.drafts.take(&self.items, &event);
        if !self.is_following() {
            self.unseen += 1;
        }
        self.take(event, draft);
    }

    fn take(&mut self, event: ConversationEvent, draft: Option<ItemId>) -> Vec<ItemId> {
        let sequence = event.sequence;
        self.newest = self.newest.max(sequence);
        self.loaded = Some(self.loaded.map_or((sequence, sequence), |(first, last)| {
            (first.min(sequence), last.max(sequence))
        }));
        let touched = self.items.insert(event, draft);
        self.forget(&touched);
        touched
    }

    /// Takes live words in: a `message_delta`'s `delta`.
    pub fn delta(&mut self, delta: &Value) {
        let change = self.drafts.delta(&mut self.items, delta);
        for id in &change.grown {
            self.forget_found(*id);
            let folded = self.is_folded(*id);
            if folded {
                self.cache.forget(*id);
            } else {
                let text = self.items.get(*id).kind.text();
                self.cache.grow(*id, text);
            }
        }
        self.forget(&change.touched);
        self.forget(&change.gone);
    }

    /// Takes out what was being written: the turn is over, or the connection is lost.
    pub fn drop_drafts(&mut self) {
        let gone = self.drafts.clear(&mut self.items);
        self.forget(&gone);
    }

    /// Takes the state of a question about a call in.
    pub fn approval(&mut self, approval: &Approval) {
        if let Some(call) = self.approvals.insert(approval)
            && let Some(id) = self.items.call(call)
        {
            self.cache.forget(id);
        }
    }

    /// The page that is wanted: what is missing after the last piece, or what comes before the
    /// first one when the view, as it was drawn last, is near it.
    #[must_use]
    pub fn needs_page(&self) -> Option<PageWanted> {
        let (first, last) = self.loaded?;
        if self.newest > last {
            return Some(PageWanted::After(last));
        }
        if !self.more_before {
            return None;
        }
        let near = match self.view.top {
            None => false,
            Some(top) => {
                let root = self.items.root(top.item);
                let place = self.items.place_of(root).unwrap_or(0);
                place < usize::from(self.view.height)
            }
        };
        near.then_some(PageWanted::Before(first))
    }

    /// The tool call that runs, in a line; none while none does.
    #[must_use]
    pub fn current_call(&self) -> Option<String> {
        const LOOKED_AT: usize = 16;
        let newest = self.items.top().iter().rev().take(LOOKED_AT);
        newest
            .filter_map(|(_, id)| match &self.items.get(*id).kind {
                Kind::Call(call) if call.answer.is_none() && !call.writing => {
                    Some(tools::summary_line(&call.name, &call.input()))
                }
                _ => None,
            })
            .next_back()
    }

    /// The last sequence that is loaded.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.loaded.map(|(_, last)| last)
    }

    /// Takes in which call the approval panel asks about: it and the queued ones are one line each. It
    /// is selected and in view, unless a person has selected something else or does so later.
    pub fn set_asked(&mut self, call: Option<&str>) {
        if self.approvals.asked() == call {
            return;
        }
        self.left_asked = false;
        self.forget_queued();
        for changed in self.approvals.set_asked(call) {
            if let Some(id) = self.items.call(&changed) {
                self.cache.forget(id);
            }
        }
        self.forget_queued();
    }

    /// Forgets the looks of the calls behind the one that is asked about.
    fn forget_queued(&mut self) {
        let asked = self
            .approvals
            .asked()
            .and_then(|call| self.items.call(call));
        if let Some(asked) = asked {
            for id in self.calls_behind(asked).collect::<Vec<_>>() {
                self.cache.forget(id);
            }
        }
    }

    /// The agent's last words before a call, as far as they are loaded: what it said since it was told
    /// something. For a call that is not here yet, its last words of all.
    #[must_use]
    pub fn last_words(&self, call: Option<&str>) -> Option<&str> {
        let call = call.and_then(|call| self.items.call(call));
        let root = call.map(|call| self.items.root(call));
        let top = self.items.top();
        let end = root
            .and_then(|root| self.items.place_of(root))
            .unwrap_or(top.len());
        for (_, id) in top.iter().take(end).rev().take(MAX_LOOK_BACK) {
            match &self.items.get(*id).kind {
                Kind::Assistant(words) => return Some(words),
                Kind::User(_) => return None,
                Kind::Thinking(_)
                | Kind::System(_)
                | Kind::Call(_)
                | Kind::Orphan(_)
                | Kind::Absent => {}
            }
        }
        None
    }

    /// The plan that a call would leave plan mode with, as far as that call is loaded. Some requests
    /// come without their plan, which is then in the call alone.
    #[must_use]
    pub fn plan_of(&self, call: &str) -> Option<String> {
        let id = self.items.call(call)?;
        match &self.items.get(id).kind {
            Kind::Call(call) if !call.writing => {
                Some(call.input().get("plan")?.as_str()?.to_owned())
            }
            _ => None,
        }
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.top().is_empty()
    }

    /// How many items, parts of items included, have been laid out so far: the work that drawing
    /// was, for tests and benchmarks.
    #[must_use]
    pub fn laid_out(&self) -> u64 {
        self.cache.work()
    }

    /// Whether the last frame showed code plain for want of time: another frame soon shows more of it
    /// highlighted.
    #[must_use]
    pub fn wants_frame(&self) -> bool {
        self.cache.has_plain() || self.is_counting()
    }

    fn forget(&mut self, touched: &[ItemId]) {
        for id in touched {
            self.forget_found(*id);
            self.cache.forget(*id);
            if let Some(parent) = self.items.get(*id).parent {
                self.cache.forget(parent);
            }
        }
    }
}
