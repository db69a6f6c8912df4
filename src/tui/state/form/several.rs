//! A summary before something is done to several sessions.

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
    /// In a word, for the question.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Interrupt => "Interrupt",
            Self::End => "End",
            Self::Archive => "Archive",
            Self::Unarchive => "Unarchive",
        }
    }

    /// Why a session is left out.
    #[must_use]
    pub fn why_not(self) -> &'static str {
        match self {
            Self::Interrupt => "not working",
            Self::End => "no process",
            Self::Archive => "already archived, or still working",
            Self::Unarchive => "not archived",
        }
    }
}
