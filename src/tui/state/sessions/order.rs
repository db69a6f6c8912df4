//! How sessions are grouped and sorted.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::domain::Status;
use crate::protocol::session::SessionState;

/// The groups, by what needs a person first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// An approval is pending.
    Pending,
    /// The last turn failed.
    Failed,
    /// A turn runs, or begins or stops to.
    Running,
    /// The last turn ended well, or was interrupted.
    Completed,
    /// Archived.
    Archived,
}

impl Group {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Failed,
        Self::Running,
        Self::Completed,
        Self::Archived,
    ];

    /// Where a session belongs.
    #[must_use]
    pub fn of(session: &SessionState) -> Self {
        if session.archived {
            return Self::Archived;
        }
        match session.status {
            Status::WaitingInput => Self::Pending,
            Status::Starting | Status::Running | Status::Interrupting | Status::Draft => {
                Self::Running
            }
            Status::Completed | Status::Interrupted | Status::Discarded => Self::Completed,
            Status::Failed => Self::Failed,
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Completed => "Completed",
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

    /// What a session is sorted by, taken out of its record once: comparing records themselves would
    /// fetch each of them over and over.
    pub(super) fn key(self, session: &SessionState) -> Key<'_> {
        let (text, number) = match self {
            Self::Activity => (None, 0),
            Self::Age => (None, session.created_at.as_microsecond().saturating_neg()),
            Self::Cost => (
                None,
                micros(session.cost_usd.unwrap_or(0.0)).saturating_neg(),
            ),
            Self::Title => {
                let subject = crate::format::subject(session, 80);
                (Some(Cow::Owned(subject.to_lowercase())), 0)
            }
            Self::Directory => (session.working_dir.as_deref().map(Cow::Borrowed), 0),
        };
        let head = session.id.as_bytes().first_chunk().copied();
        Key {
            text,
            numbers: [
                number,
                session.activity.saturating_neg(),
                // A daemon of an earlier release does not tell the order.
                session.last_activity_at.as_microsecond().saturating_neg(),
            ],
            head: u64::from_be_bytes(head.unwrap_or_default()),
        }
    }
}

/// Millionths of a dollar.
fn micros(dollars: f64) -> i64 {
    // A float that is too large, or none at all, saturates.
    (dollars * 1e6) as i64
}

/// What a session is sorted by.
#[derive(Clone, Debug)]
pub(super) struct Key<'a> {
    text: Option<Cow<'a, str>>,
    numbers: [i64; 3],
    /// The beginning of its id: of two that are alike always the same one comes first.
    head: u64,
}

impl Key<'_> {
    /// Which comes first.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let by_text = match (&self.text, &other.text) {
            (None, None) => Ordering::Equal,
            (one, other) => one.cmp(other),
        };
        by_text
            .then_with(|| self.numbers.cmp(&other.numbers))
            .then_with(|| self.head.cmp(&other.head))
    }
}
