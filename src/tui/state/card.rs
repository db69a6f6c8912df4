//! The approval panel: which approval it shows, how far it is scrolled, the file and the git branch
//! that the approval is about, and its rows once they are laid out.
//!
//! It belongs to the selected session and shows one of its approvals: the oldest, unless the user has
//! stepped to another one; it stays on that one until it ends or another session is selected. File
//! and branch are read by effects; here is what came of them. Rows are kept until what they are made
//! of changes, as an input can be long. Must not lay out anything: that is the view's.

use crate::tui::state::guard::LeftOut;
use ratatui::text::Line;

use crate::domain::Tool;
use crate::protocol::approval::Approval;
use crate::tui::theme::Theme;
use crate::tui::transcript::FileSource;

/// Bytes of a file that are read for a comparison.
pub const MAX_FILE: u64 = 2 * 1024 * 1024;

/// What is where an approval's input says that a file is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FileProbe {
    /// A file with this text.
    Text(String),
    Missing,
    /// Something that is not compared, and why.
    Other(String),
}

/// The file of the selected approval.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    pub approval: Option<String>,
    /// The path, as the input has it.
    pub path: String,
    /// What was found there; none while it is being read.
    pub found: Option<FileProbe>,
    /// A fingerprint of what was found; rows made of another one are old.
    pub fingerprint: u64,
}

impl FileSource for Subject {
    fn read(&self, path: &str) -> Option<String> {
        match &self.found {
            Some(FileProbe::Text(text)) if self.path == path => Some(text.clone()),
            Some(FileProbe::Text(_) | FileProbe::Missing | FileProbe::Other(_)) | None => None,
        }
    }
}

/// The path of the file that a tool call would change.
#[must_use]
pub fn changed_path(approval: &Approval) -> Option<&str> {
    let field = Tool::of(&approval.tool_name)?.changed_path_field()?;
    approval
        .tool_input
        .get(field)?
        .as_str()
        .filter(|path| !path.is_empty())
}

/// What rows are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey {
    pub approval: String,
    /// The columns.
    pub width: u16,
    /// The theme.
    pub theme: Box<Theme>,
    /// The revision of what is told: the approval, its file.
    pub content: u64,
    /// Where the session works, as the rows say it.
    pub place: Option<String>,
    /// Bytes of the input that are laid out.
    pub budget: usize,
    /// How much code could be highlighted then.
    pub ink: u64,
}

/// Rows that were laid out.
#[derive(Clone, Debug, Default)]
pub struct CardCache {
    /// Of what they are made; none: of nothing yet.
    pub of: Option<CacheKey>,
    pub rows: Vec<Line<'static>>,
    /// A fingerprint of the rows' text.
    pub fingerprint: u64,
    /// What of the input is beyond the budget or not known, so that no row shows it.
    pub left_out: LeftOut,
}

impl CardCache {
    /// Whether they are this approval's.
    #[must_use]
    pub fn is_of(&self, approval: &str) -> bool {
        self.of
            .as_ref()
            .is_some_and(|made| made.approval == approval)
    }
}

/// The git branch that is checked out where the session works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// The directory; none: of nothing yet.
    pub directory: Option<String>,
    /// The branch, or what else is checked out; none where there is no repository, or not yet known.
    pub name: Option<String>,
}

/// Everything of the panel.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// The approval that is shown.
    pub approval: Option<String>,
    /// The first row shown of its text.
    pub scroll: u16,
    /// What is checked out where the session works.
    pub branch: Branch,
    /// The file that the selected approval is about.
    pub subject: Subject,
    /// Its rows as they were drawn last.
    pub laid: CardCache,
}

impl Card {
    /// Shows an approval, from its beginning.
    pub fn show(&mut self, approval: Option<String>) {
        if self.approval != approval {
            self.scroll = 0;
        }
        self.approval = approval;
    }
}
