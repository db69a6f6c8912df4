//! A summary before something is done to several sessions.

use super::yes::Yes;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Interrupt their turns.
    Interrupt,
    /// End their processes.
    End,
    /// Archive them.
    Archive,
    /// Unarchive them.
    Unarchive,
    /// Delete them for good.
    Delete,
}

/// The form.
#[derive(Clone, Debug)]
pub struct Several {
    /// What is to be done.
    pub what: What,
    /// To which sessions.
    pub sessions: Vec<String>,
    /// How many marked ones are left out, because it does not apply to them.
    pub left_out: usize,
    /// The first line shown.
    pub scroll: usize,
}

impl What {
    /// The question, about so many sessions.
    #[must_use]
    pub fn question(self, count: usize) -> String {
        let verb = match self {
            Self::Interrupt => "Interrupt",
            Self::End => "End",
            Self::Archive => "Archive",
            Self::Unarchive => "Unarchive",
            Self::Delete if count == 1 => {
                return "Delete 1 session and its conversation?".to_owned();
            }
            Self::Delete => return format!("Delete {count} sessions and their conversations?"),
        };
        match count {
            1 => format!("{verb} 1 session?"),
            _ => format!("{verb} {count} sessions?"),
        }
    }

    /// What it does, as a verb.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::End => "end",
            Self::Archive => "archive",
            Self::Unarchive => "unarchive",
            Self::Delete => "delete",
        }
    }

    /// The key that confirms it. Whose turn or background work would be lost, and what would be gone for
    /// good, is not lost by an Enter that chose the command in the palette.
    #[must_use]
    pub fn yes(self) -> Yes {
        match self {
            Self::Interrupt | Self::Archive | Self::Unarchive => Yes::LetterOrEnter,
            Self::End | Self::Delete => Yes::Letter,
        }
    }

    /// Why a session is left out.
    #[must_use]
    pub fn why_not(self) -> &'static str {
        match self {
            Self::Interrupt => "not running",
            Self::End => "no process",
            Self::Archive => "already archived, or still running",
            Self::Unarchive => "not archived",
            Self::Delete => "not ended",
        }
    }
}
