//! The ways in which a tool's result can be shown.

use serde_json::Value;

/// How a result is shown.
pub(crate) enum ResultView {
    /// Only in the head; the text where somebody unfolds it.
    Quiet,
    /// The same, with these words in the head.
    Counted(String),
    /// Lines of output.
    Output,
    /// Code with its line numbers, of the file with this name.
    Numbered(String),
    /// Markdown.
    Markdown,
    /// Names and values.
    Fields(Value),
}
