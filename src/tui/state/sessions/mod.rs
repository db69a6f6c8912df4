//! The list of sessions: groups, order, filter, marks, and what is selected.
//!
//! The rows are made lazily and at most once for a state of the sessions: whoever needs them calls
//! [`Sessions::arrange`] first. Steps go over sessions and over the headings of folded groups, which
//! stand for what they hide; other headings are passed by.

mod order;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

pub use order::{Group, Sort};

use super::data::Data;
use super::fuzzy::{Fit, Fuzzy};
use crate::protocol::session::SessionState;

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
    Session {
        id: Arc<str>,
        /// How deep below the session that it continues; 0 at the top.
        depth: usize,
    },
}

/// What a row is about, for selecting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Session(String),
    /// A group, by its heading.
    Group(Group),
}

/// How many sessions there are for the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that fit the filter.
    pub fitting: usize,
    /// Those that it is asked about.
    pub all: usize,
    /// Archived ones that are not shown.
    pub archived: usize,
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Sessions {
    /// The selected session.
    pub selected: Option<String>,
    /// Whether that is what the dashboard began with, so that nobody has chosen it.
    pub is_untouched: bool,
    /// The heading that is selected in place of a session.
    pub heading: Option<Group>,
    /// A session that was started from here and whose record has not come yet.
    pub awaited: Option<String>,
    /// Sessions marked for doing something to all of them.
    pub marked: BTreeSet<String>,
    /// Groups whose sessions are hidden.
    pub folded: BTreeSet<Group>,
    /// Whether archived ones are shown.
    pub show_archived: bool,
    /// The order.
    pub sort: Sort,
    /// Only sessions that hold these words are shown.
    pub filter: String,
    /// Whether the filter is being typed.
    pub typing: bool,
    /// The first row that is shown.
    pub offset: usize,
    /// How many rows were shown last.
    pub height: u16,
    /// Whether the view was scrolled away from what is selected.
    pub scrolled_away: bool,
    /// How many sessions there are.
    pub counts: Counts,
    /// Whether what the filter shows only resembles it: no session has its very words.
    pub is_similar_only: bool,
    /// How often the rows were made, for tests.
    pub rebuild_count: u64,
    /// Where the selected row was when it was drawn last.
    pub selected_row: usize,
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
        self.rebuild_count += 1;
        let mut fuzzy = Fuzzy::new(&self.filter);
        let mut found: Vec<(Group, Member<'_>)> = Vec::new();
        let mut literal = false;
        self.counts = Counts::default();
        // What asks for something is listed by the inbox, above; a filter looks into everything.
        let in_inbox: HashSet<&str> = match fuzzy.is_blank() {
            true => data.pending.values().map(|one| &*one.session_id).collect(),
            false => HashSet::new(),
        };
        for (id, session) in data.sessions() {
            let is_in_inbox = in_inbox.contains(&**id);
            if session.archived && !self.show_archived && !is_in_inbox {
                self.counts.archived += 1;
                continue;
            }
            self.counts.all += 1;
            if is_in_inbox {
                continue;
            }
            let fit = if fuzzy.is_blank() {
                None
            } else {
                match fuzzy.fit(&texts(session)) {
                    Some(fit) => Some(fit),
                    None => continue,
                }
            };
            literal |= fit.is_some_and(|fit| fit.literal);
            let member = Member {
                id,
                parent: session.parent_session_id.as_deref(),
                fit,
                key: self.sort.key(session),
            };
            found.push((Group::of(session), member));
        }
        self.is_similar_only = !fuzzy.is_blank() && !literal && !found.is_empty();
        let mut groups: [Vec<Member<'_>>; Group::ALL.len()] = Default::default();
        for (group, member) in found {
            // Where sessions have the very words, those that only resemble them are not meant.
            if literal && member.fit.is_some_and(|fit| !fit.literal) {
                continue;
            }
            self.counts.fitting += 1;
            groups[group as usize].push(member);
        }
        self.rows.clear();
        for (group, mut members) in Group::ALL.into_iter().zip(groups) {
            if members.is_empty() {
                continue;
            }
            // A filter looks into what is folded, too.
            let folded = fuzzy.is_blank() && self.folded.contains(&group);
            self.rows.push(Row::Heading {
                group,
                count: members.len(),
                folded,
            });
            if !folded {
                members.sort_unstable_by(|a, b| {
                    let score = |member: &Member<'_>| member.fit.map(|fit| fit.score);
                    let by = score(b).cmp(&score(a));
                    by.then_with(|| a.key.compare(&b.key))
                        .then_with(|| a.id.cmp(b.id))
                });
                nest(&members, &mut self.rows);
            }
        }
    }

    /// The selected row's place among the rows: that of the heading where its group is folded.
    #[must_use]
    pub fn position(&self, data: &Data) -> Option<usize> {
        let heading = match (self.heading, &self.selected) {
            (Some(group), _) => group,
            (None, None) => return None,
            (None, Some(selected)) => {
                let found = self
                    .rows
                    .iter()
                    .position(|row| matches!(row, Row::Session { id, .. } if **id == **selected));
                match found {
                    Some(place) => return Some(place),
                    None => Group::of(data.session(selected)?),
                }
            }
        };
        self.rows.iter().position(
            |row| matches!(row, Row::Heading { group, folded: true, .. } if *group == heading),
        )
    }

    /// Whether a group has a heading; taken for granted while the rows are not made anew.
    #[must_use]
    pub fn is_there(&self, data: &Data, wanted: Group) -> bool {
        self.rows_of != Some(data.revision)
            || self
                .rows
                .iter()
                .any(|row| matches!(row, Row::Heading { group, .. } if *group == wanted))
    }

    /// Selects a session.
    pub fn select(&mut self, id: Option<String>) {
        self.selected = id;
        self.is_untouched = false;
        self.heading = None;
        self.scrolled_away = false;
    }

    /// Selects a heading, and no session.
    pub fn select_heading(&mut self, group: Group) {
        self.selected = None;
        self.is_untouched = false;
        self.heading = Some(group);
        self.scrolled_away = false;
    }

    /// What a step from the selected row leads to.
    #[must_use]
    pub fn stepped(&self, data: &Data, by: isize) -> Option<Target> {
        let stops: Vec<usize> = (0..self.rows.len())
            .filter(|row| self.is_stop(*row))
            .collect();
        let last = stops.len().checked_sub(1)?;
        let there = match self.position(data) {
            None => stops
                .partition_point(|row| *row < self.selected_row)
                .min(last),
            Some(here) => stops
                .partition_point(|row| *row < here)
                .saturating_add_signed(by)
                .min(last),
        };
        self.target(*stops.get(there)?)
    }

    /// The first row that a step can end on, or the last one.
    #[must_use]
    pub fn end(&self, is_last: bool) -> Option<Target> {
        let mut stops = (0..self.rows.len()).filter(|row| self.is_stop(*row));
        let stop = if is_last {
            stops.next_back()
        } else {
            stops.next()
        };
        self.target(stop?)
    }

    /// What stands at the place of the selected row now that it is gone.
    #[must_use]
    pub fn nearest(&self) -> Option<Target> {
        let after = (self.selected_row..self.rows.len()).find(|row| self.is_stop(*row));
        let stop = after.or_else(|| (0..self.rows.len()).rev().find(|row| self.is_stop(*row)))?;
        self.target(stop)
    }

    /// Whether a step can end on a row.
    fn is_stop(&self, row: usize) -> bool {
        match self.rows.get(row) {
            Some(Row::Session { .. } | Row::Heading { folded: true, .. }) => true,
            Some(Row::Heading { folded: false, .. }) | None => false,
        }
    }

    /// What a row is about.
    #[must_use]
    pub fn target(&self, row: usize) -> Option<Target> {
        Some(match self.rows.get(row)? {
            Row::Session { id, .. } => Target::Session(id.to_string()),
            Row::Heading { group, .. } => Target::Group(*group),
        })
    }

    /// The first session of a group that is not folded.
    #[must_use]
    pub fn first_of(&self, wanted: Group) -> Option<String> {
        let heading = self
            .rows
            .iter()
            .position(|row| matches!(row, Row::Heading { group, .. } if *group == wanted))?;
        match self.rows.get(heading + 1)? {
            Row::Session { id, .. } => Some(id.to_string()),
            Row::Heading { .. } => None,
        }
    }

    /// The sessions of a group that the list shows, or would show if it were not folded.
    #[must_use]
    pub fn members(&self, data: &Data, group: Group) -> Vec<String> {
        let of_group = |id: &str| {
            let session = data.session(id);
            session.is_some_and(|session| Group::of(session) == group)
        };
        if !self.filter.trim().is_empty() {
            // Nothing is folded while a filter is on.
            return self
                .ids()
                .filter(|id| of_group(id))
                .map(str::to_owned)
                .collect();
        }
        data.sessions()
            .filter(|(id, _)| of_group(id))
            .map(|(id, _)| id.to_string())
            .collect()
    }

    /// The sessions shown, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(|row| match row {
            Row::Session { id, .. } => Some(&**id),
            Row::Heading { .. } => None,
        })
    }
}

/// A session that is to be put in its place.
struct Member<'a> {
    id: &'a Arc<str>,
    parent: Option<&'a str>,
    /// How it matches the filter; none without one.
    fit: Option<Fit>,
    key: order::Key<'a>,
}

/// Puts sessions below the one that they continue, where that one is in the same group.
fn nest(members: &[Member<'_>], rows: &mut Vec<Row>) {
    let row = |member: &Member<'_>, depth| Row::Session {
        id: Arc::clone(member.id),
        depth,
    };
    let wanted: HashSet<&str> = members.iter().filter_map(|member| member.parent).collect();
    let mut here: HashMap<&str, usize> = HashMap::new();
    if !wanted.is_empty() {
        let places = members.iter().enumerate();
        let parents = places.filter(|(_, member)| wanted.contains(&**member.id));
        here.extend(parents.map(|(index, member)| (&**member.id, index)));
    }
    if here.is_empty() {
        return rows.extend(members.iter().map(|member| row(member, 0)));
    }
    let mut parents: Vec<Option<usize>> = members
        .iter()
        .map(|member| here.get(member.parent?).copied())
        .collect();
    let tops = tops(&mut parents);
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children.entry(*parent).or_default().push(index);
        }
    }
    // A stack instead of recursion: a chain of continuations can be long.
    let mut stack: Vec<(usize, usize)> = tops.into_iter().rev().map(|top| (top, 0)).collect();
    while let Some((index, depth)) = stack.pop() {
        rows.extend(members.get(index).map(|member| row(member, depth)));
        if let Some(below) = children.get(&index) {
            stack.extend(below.iter().rev().map(|child| (*child, depth + 1)));
        }
    }
}

/// The sessions that stand at the top, each where the first of those below it would stand: a family
/// is as active as its most active member. A circle, which cannot be, is opened.
fn tops(parents: &mut [Option<usize>]) -> Vec<usize> {
    let mut root: Vec<Option<usize>> = vec![None; parents.len()];
    // On which climb each was passed last.
    let mut passed = vec![usize::MAX; parents.len()];
    let mut tops = Vec::new();
    for index in 0..parents.len() {
        let mut path = Vec::new();
        let mut at = index;
        let top = loop {
            if let Some(known) = root.get(at).copied().flatten() {
                break known;
            }
            match parents.get(at).copied().flatten() {
                Some(parent) if passed[parent] != index && parent != at => {
                    passed[at] = index;
                    path.push(at);
                    at = parent;
                }
                Some(_) => {
                    parents[at] = None;
                    tops.push(at);
                    break at;
                }
                None => {
                    tops.push(at);
                    break at;
                }
            }
        };
        path.push(at);
        for member in path {
            root[member] = Some(top);
        }
    }
    tops
}

/// What a filter is matched against, each for itself.
#[must_use]
pub fn texts(session: &SessionState) -> [&str; 5] {
    [
        &session.title,
        &session.summary,
        session.working_dir.as_deref().unwrap_or_default(),
        session.model.as_deref().unwrap_or_default(),
        session.asker.as_deref().unwrap_or_default(),
    ]
}
