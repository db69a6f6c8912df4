//! How sessions are grouped and sorted.

use std::cmp::Ordering;

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

    /// Puts sessions in order; of two that are alike always the same one comes first.
    pub(super) fn sort<T>(self, sessions: &mut [(T, &SessionState)]) {
        let by_activity = |a: &SessionState, b: &SessionState| {
            let by = b.last_activity_at.cmp(&a.last_activity_at);
            by.then_with(|| a.id.cmp(&b.id))
        };
        let by = |order: fn(&SessionState, &SessionState) -> Ordering| {
            move |a: &(T, &SessionState), b: &(T, &SessionState)| {
                order(a.1, b.1).then_with(|| by_activity(a.1, b.1))
            }
        };
        match self {
            Self::Activity => sessions.sort_unstable_by(|a, b| by_activity(a.1, b.1)),
            Self::Age => sessions.sort_unstable_by(by(|a, b| b.created_at.cmp(&a.created_at))),
            Self::Cost => sessions.sort_unstable_by(by(|a, b| cost(b).total_cmp(&cost(a)))),
            Self::Directory => {
                sessions.sort_unstable_by(by(|a, b| a.working_dir.cmp(&b.working_dir)));
            }
            Self::Title => sessions.sort_by_cached_key(|(_, session)| {
                let subject = crate::format::subject(session, 80).to_lowercase();
                (subject, session.id.clone())
            }),
        }
    }
}

fn cost(session: &SessionState) -> f64 {
    session.cost_usd.unwrap_or(0.0)
}
