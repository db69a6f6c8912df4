//! The list of sessions: groups, order, filter, marks.

use std::collections::BTreeSet;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::data::Data;
use crate::domain::Status;
use crate::protocol::session::SessionState;

/// The groups, by what needs a person first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Something is pending.
    NeedsYou,
    /// The agent works.
    Working,
    /// The last turn ended well, or was interrupted.
    Done,
    /// The last turn ended badly.
    Failed,
    /// Put away.
    Archived,
}

impl Group {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::NeedsYou,
        Self::Working,
        Self::Done,
        Self::Failed,
        Self::Archived,
    ];

    /// Where a session belongs.
    #[must_use]
    pub fn of(session: &SessionState) -> Self {
        if session.archived {
            return Self::Archived;
        }
        match session.status {
            Status::WaitingInput => Self::NeedsYou,
            Status::Starting | Status::Running | Status::Interrupting | Status::Draft => {
                Self::Working
            }
            Status::Completed | Status::Interrupted | Status::Discarded => Self::Done,
            Status::Failed => Self::Failed,
        }
    }

    /// In words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NeedsYou => "Needs you",
            Self::Working => "Working",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Archived => "Archived",
        }
    }
}

/// What sessions are sorted by within their group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sort {
    /// The last active first.
    #[default]
    Activity,
    /// The newest first.
    Age,
    /// The dearest first.
    Cost,
    /// By title.
    Title,
    /// By directory.
    Directory,
}

impl Sort {
    /// The next one in turn.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Activity => Self::Age,
            Self::Age => Self::Cost,
            Self::Cost => Self::Title,
            Self::Title => Self::Directory,
            Self::Directory => Self::Activity,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Activity => "last activity",
            Self::Age => "age",
            Self::Cost => "cost",
            Self::Title => "title",
            Self::Directory => "directory",
        }
    }
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A group's heading.
    Heading {
        /// The group.
        group: Group,
        /// How many sessions it holds.
        count: usize,
        /// Whether they are hidden.
        folded: bool,
    },
    /// A session.
    Session {
        /// Its id.
        id: String,
        /// How deep below the session that it continues; 0 at the top.
        depth: usize,
    },
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Sessions {
    /// The selected session.
    pub selected: Option<String>,
    /// Sessions marked for doing something to all of them.
    pub marked: BTreeSet<String>,
    /// Groups whose sessions are hidden.
    pub folded: BTreeSet<Group>,
    /// Whether what was put away is shown.
    pub show_archived: bool,
    /// The order.
    pub sort: Sort,
    /// Only sessions that hold these words are shown.
    pub filter: String,
    /// Whether the filter is being typed.
    pub typing: bool,
    /// The first row that is shown.
    pub offset: usize,
    rows: Vec<Row>,
    rows_of: Option<u64>,
}

impl Sessions {
    /// The rows; made anew only after something changed. Call [`Sessions::arrange`] first.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Has the rows made anew: the filter, the order or the folding changed.
    pub fn stale(&mut self) {
        self.rows_of = None;
    }

    /// Makes the rows anew if anything changed.
    pub fn arrange(&mut self, data: &Data) {
        if self.rows_of == Some(data.revision) {
            return;
        }
        self.rows_of = Some(data.revision);
        let mut sessions: Vec<&SessionState> = data
            .sessions()
            .filter(|session| self.show_archived || !session.archived)
            .filter(|session| self.filter.is_empty() || holds(&self.filter, &words(session)))
            .collect();
        sessions.sort_by(|a, b| self.order(a, b));
        self.rows.clear();
        for group in Group::ALL {
            let members: Vec<&SessionState> = sessions
                .iter()
                .copied()
                .filter(|session| Group::of(session) == group)
                .collect();
            if members.is_empty() {
                continue;
            }
            let folded = self.folded.contains(&group);
            self.rows.push(Row::Heading {
                group,
                count: members.len(),
                folded,
            });
            if !folded {
                nest(&members, &mut self.rows);
            }
        }
    }

    fn order(&self, a: &SessionState, b: &SessionState) -> std::cmp::Ordering {
        let by = match self.sort {
            Sort::Activity => b.last_activity_at.cmp(&a.last_activity_at),
            Sort::Age => b.created_at.cmp(&a.created_at),
            Sort::Cost => b
                .cost_usd
                .unwrap_or(0.0)
                .total_cmp(&a.cost_usd.unwrap_or(0.0)),
            Sort::Title => crate::format::subject(a, 80).cmp(&crate::format::subject(b, 80)),
            Sort::Directory => a.working_dir.cmp(&b.working_dir),
        };
        by.then_with(|| a.id.cmp(&b.id))
    }

    /// The selected row's place among the rows.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows
            .iter()
            .position(|row| matches!(row, Row::Session { id, .. } if id == selected))
    }

    /// The session that a step from the selected one leads to.
    #[must_use]
    pub fn stepped(&self, by: isize) -> Option<String> {
        let ids: Vec<&String> = self.ids().collect();
        let last = ids.len().checked_sub(1)?;
        let there = match &self.selected {
            None => 0,
            Some(selected) => match ids.iter().position(|id| *id == selected) {
                Some(here) => here.saturating_add_signed(by).min(last),
                None => 0,
            },
        };
        ids.get(there).map(|id| (*id).clone())
    }

    /// The sessions shown, in order.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().filter_map(|row| match row {
            Row::Session { id, .. } => Some(id),
            Row::Heading { .. } => None,
        })
    }
}

/// Puts sessions below the one that they continue, where that one is in the same group.
fn nest(members: &[&SessionState], rows: &mut Vec<Row>) {
    use std::collections::HashMap;
    let here: HashMap<&str, usize> = members
        .iter()
        .enumerate()
        .map(|(index, session)| (session.id.as_str(), index))
        .collect();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut tops = Vec::new();
    for (index, session) in members.iter().enumerate() {
        match session
            .parent_session_id
            .as_deref()
            .and_then(|parent| here.get(parent))
        {
            Some(parent) => children.entry(*parent).or_default().push(index),
            None => tops.push(index),
        }
    }
    // A stack instead of recursion: a chain of continuations can be long.
    let mut stack: Vec<(usize, usize)> = tops.into_iter().rev().map(|top| (top, 0)).collect();
    while let Some((index, depth)) = stack.pop() {
        if let Some(session) = members.get(index) {
            rows.push(Row::Session {
                id: session.id.clone(),
                depth,
            });
        }
        if let Some(below) = children.get(&index) {
            stack.extend(below.iter().rev().map(|child| (*child, depth + 1)));
        }
    }
}

/// What a filter is matched against.
#[must_use]
pub fn words(session: &SessionState) -> String {
    format!(
        "{} {} {} {}",
        session.title,
        session.summary,
        session.working_dir.as_deref().unwrap_or_default(),
        session.model.as_deref().unwrap_or_default(),
    )
}

/// Whether a fuzzy filter holds for a text; an empty one always does.
#[must_use]
pub fn holds(filter: &str, text: &str) -> bool {
    if filter.trim().is_empty() {
        return true;
    }
    let pattern = Pattern::new(
        filter,
        CaseMatching::Smart,
        Normalization::Smart,
        AtomKind::Fuzzy,
    );
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    pattern
        .score(Utf32Str::new(text, &mut buffer), &mut matcher)
        .is_some()
}
