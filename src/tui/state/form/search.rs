//! Looking for words in all sessions: their titles, queries and conversations.

use std::collections::HashMap;

use super::Field;
use crate::protocol::conversation::SearchHit;
use crate::tui::state::data::Data;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::state::sessions::texts;

/// Sessions that are listed by their titles.
const BY_TITLE: usize = 20;
/// Letters from which on conversations are looked through: fewer are everywhere.
const LEAST: usize = 2;

/// The form.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What is typed.
    pub words: Field,
    /// Only this session is looked through, and all of its places are listed.
    pub within: Option<String>,
    /// The search in the conversations that is under way: its number and what it looks for.
    pub asked: Option<(u64, Query)>,
    /// What the hits are for.
    pub hits_for: Query,
    /// Sessions whose titles, directories or models fit, the best first.
    pub sessions: Vec<String>,
    /// Places in conversations, the newest first.
    pub hits: Vec<SearchHit>,
    /// How many more places the sessions have of which not all are listed.
    pub left_out: HashMap<String, u64>,
    /// Whether there may be more places.
    pub more: bool,
    /// Why the conversations could not be looked through.
    pub problem: Option<String>,
    /// The chosen row.
    pub selected: usize,
}

/// What is looked for in conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The words.
    pub words: String,
    /// Only in this session.
    pub session: Option<String>,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    /// A session.
    Session(&'a str),
    /// A place in a conversation.
    Place(&'a SearchHit),
}

impl Search {
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sessions.len() + self.hits.len()
    }

    /// What a row is about.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<Found<'_>> {
        match self.sessions.get(index) {
            Some(id) => Some(Found::Session(id)),
            None => self.hits.get(index - self.sessions.len()).map(Found::Place),
        }
    }

    /// What is typed, as it is looked for.
    #[must_use]
    pub fn needle(&self) -> String {
        self.words.text().trim().to_owned()
    }

    /// What is looked for, as it stands.
    #[must_use]
    pub fn query(&self) -> Query {
        Query {
            words: self.needle(),
            session: self.within.clone(),
        }
    }

    /// The session of the chosen row.
    #[must_use]
    pub fn selected_session(&self) -> Option<String> {
        self.row(self.selected).map(|found| match found {
            Found::Session(id) => id.to_owned(),
            Found::Place(hit) => hit.session_id.clone(),
        })
    }

    /// How many places of its session are not listed, for the last listed one of it.
    #[must_use]
    pub fn left_out_after(&self, hit: &SearchHit) -> Option<u64> {
        let last = self.hits.iter().rev();
        let mut of_session = last.filter(|other| other.session_id == hit.session_id);
        (of_session.next() == Some(hit))
            .then(|| self.left_out.get(&hit.session_id).copied())
            .flatten()
    }

    /// Takes in what is typed now; says what to look for in the conversations, if a search may begin.
    /// While one is under way none begins: it is begun when that one has ended.
    pub fn typed(&mut self, data: &Data) -> Option<Query> {
        self.selected = 0;
        let query = self.query();
        self.sessions = match query.session {
            Some(_) => Vec::new(),
            None => by_title(data, &query.words),
        };
        if query.words.chars().count() < LEAST {
            self.hits.clear();
            self.hits_for = Query::default();
            self.left_out.clear();
            (self.more, self.problem) = (false, None);
            return None;
        }
        (self.asked.is_none() && query != self.hits_for).then_some(query)
    }
}

fn by_title(data: &Data, needle: &str) -> Vec<String> {
    if needle.is_empty() {
        return Vec::new();
    }
    let mut fuzzy = Fuzzy::new(needle);
    let mut found: Vec<_> = data
        .sessions()
        .filter_map(|(id, session)| {
            // By what is shown of it: where its query fits, its conversation has the place.
            let [title, summary, rest @ ..] = texts(session);
            let shown = if title.is_empty() { summary } else { title };
            let [directory, model, asker] = rest;
            let score = fuzzy.score(&[shown, directory, model, asker])?;
            let last = (session.activity, session.last_activity_at);
            Some((std::cmp::Reverse((score, last)), id))
        })
        .collect();
    found.sort_unstable();
    found.truncate(BY_TITLE);
    found.into_iter().map(|(_, id)| id.to_string()).collect()
}
