//! What the card of an approval is made of beside the approval: the file that it is about, and its
//! rows once they are laid out.
//!
//! The file is read by an effect when the approval becomes selected; here is what came of it. Rows
//! are kept until what they are made of changes, as an input can be long. Must not lay out anything:
//! that is the view's.

use ratatui::text::Line;

use crate::protocol::approval::Approval;
use crate::tui::transcript::FileSource;

/// Bytes of a file that are read for a comparison.
pub const MOST_FILE: u64 = 2 * 1024 * 1024;

/// What is where an approval's input says that a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// A file with this text.
    Text(String),
    /// Nothing.
    Missing,
    /// Something that is not compared, and why.
    Other(String),
}

/// The file of the selected approval.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The approval.
    pub approval: Option<String>,
    /// The path, as the input has it.
    pub path: String,
    /// What was found there; none while it is being read.
    pub found: Option<Looked>,
    /// Grows with every change, so that rows made of it are known to be old.
    pub revision: u64,
}

impl FileSource for Subject {
    fn read(&self, path: &str) -> Option<String> {
        match &self.found {
            Some(Looked::Text(text)) if self.path == path => Some(text.clone()),
            Some(Looked::Text(_) | Looked::Missing | Looked::Other(_)) | None => None,
        }
    }
}

/// The path of the file that a tool call would change.
#[must_use]
pub fn changed_path(approval: &Approval) -> Option<&str> {
    let field = match approval.tool_name.as_str() {
        "Edit" | "Write" | "MultiEdit" => "file_path",
        "NotebookEdit" => "notebook_path",
        _ => return None,
    };
    approval
        .tool_input
        .get(field)?
        .as_str()
        .filter(|path| !path.is_empty())
}

/// What rows are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The approval.
    pub approval: String,
    /// The columns.
    pub width: u16,
    /// The theme's name.
    pub theme: &'static str,
    /// The file's revision.
    pub file: u64,
    /// Bytes of the input that are laid out.
    pub budget: usize,
    /// How much code could be highlighted then.
    pub ink: u64,
}

/// Rows that were laid out.
#[derive(Clone, Debug, Default)]
pub struct Laid {
    /// Of what they are made; none: of nothing yet.
    pub of: Option<Made>,
    /// The rows.
    pub rows: Vec<Line<'static>>,
    /// Bytes of the input beyond the budget, which no row shows.
    pub left_out: usize,
}

impl Laid {
    /// Whether they are this approval's.
    #[must_use]
    pub fn is_of(&self, approval: &str) -> bool {
        self.of
            .as_ref()
            .is_some_and(|made| made.approval == approval)
    }
}

/// Everything of the card.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// The file that the selected approval is about.
    pub subject: Subject,
    /// Its rows as they were drawn last.
    pub laid: Laid,
}
