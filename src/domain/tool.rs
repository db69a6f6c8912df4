//! The tools of Claude Code: what they are called, which fields their inputs have, and which of them change files.
//!
//! Everything here that treats a tool's calls in its own way asks this module. It knows names and fields only: how a
//! call is judged, covered by a rule or drawn belongs to those who do it. A call of any other tool, or of a tool
//! that a later version brings, is still asked about, shown and recorded whole.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The field in which tools that handle a file have its path.
pub const FILE_PATH: &str = "file_path";

/// The field in which tools that handle a notebook have its path.
pub const NOTEBOOK_PATH: &str = "notebook_path";

/// A tool that something here treats in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
pub enum Tool {
    /// Asks the user questions with options.
    AskUserQuestion,
    /// Runs a command of the shell.
    Bash,
    /// Reads what a command in the background has put out; up to 2.1.x.
    BashOutput,
    /// Replaces one text in a file.
    Edit,
    /// Asks whether a plan may be carried out.
    ExitPlanMode,
    /// Lists files by a pattern.
    Glob,
    /// Searches the contents of files.
    Grep,
    /// Ends a command in the background; up to 2.1.x.
    #[strum(to_string = "KillShell", serialize = "KillBash")]
    KillShell,
    /// Lists a directory; up to 1.x.
    #[strum(to_string = "LS")]
    Ls,
    /// Replaces several texts in a file; up to 2.0.x.
    MultiEdit,
    /// Changes a cell of a notebook.
    NotebookEdit,
    /// Reads a notebook; up to 1.x.
    NotebookRead,
    /// Reads a file.
    Read,
    /// Loads a skill.
    Skill,
    /// Starts a subagent: `Agent` since 2.1.x.
    #[strum(to_string = "Task", serialize = "Agent")]
    Task,
    /// Reads what a task in the background has put out.
    #[strum(to_string = "TaskOutput", serialize = "AgentOutputTool")]
    TaskOutput,
    /// Ends a task in the background.
    TaskStop,
    /// Replaces the list of things to do.
    TodoWrite,
    /// Reads a page of the web.
    WebFetch,
    /// Searches the web.
    WebSearch,
    /// Writes a whole file.
    Write,
}

impl Tool {
    /// The tool of a name; none for any other, such as one of an MCP server.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Its name; where versions differ, the older one.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether all that it does is to change files, so that accepting edits stands for it.
    #[must_use]
    pub fn changes_files(self) -> bool {
        self.changed_path_field().is_some()
    }

    /// The field with the path of the file that a call changes; none for a tool that changes none by itself.
    #[must_use]
    pub fn changed_path_field(self) -> Option<&'static str> {
        match self {
            Self::Edit | Self::MultiEdit | Self::Write => Some(FILE_PATH),
            Self::NotebookEdit => Some(NOTEBOOK_PATH),
            Self::AskUserQuestion
            | Self::Bash
            | Self::BashOutput
            | Self::ExitPlanMode
            | Self::Glob
            | Self::Grep
            | Self::KillShell
            | Self::Ls
            | Self::NotebookRead
            | Self::Read
            | Self::Skill
            | Self::Task
            | Self::TaskOutput
            | Self::TaskStop
            | Self::TodoWrite
            | Self::WebFetch
            | Self::WebSearch => None,
        }
    }

    /// The field that says in one line what a call is about.
    #[must_use]
    pub fn subject_field(self) -> Option<&'static str> {
        match self {
            Self::Bash => Some("command"),
            Self::Edit | Self::MultiEdit | Self::Read | Self::Write => Some(FILE_PATH),
            Self::NotebookEdit | Self::NotebookRead => Some(NOTEBOOK_PATH),
            Self::Glob | Self::Grep => Some("pattern"),
            Self::Ls => Some("path"),
            Self::Skill => Some("skill"),
            Self::Task => Some("description"),
            Self::WebFetch => Some("url"),
            Self::WebSearch => Some("query"),
            Self::AskUserQuestion
            | Self::BashOutput
            | Self::ExitPlanMode
            | Self::KillShell
            | Self::TaskOutput
            | Self::TaskStop
            | Self::TodoWrite => None,
        }
    }

    /// The field that a person would take along: the command, the new text, the address.
    #[must_use]
    pub fn main_text_field(self) -> Option<&'static str> {
        match self {
            Self::Bash => Some("command"),
            Self::Edit => Some("new_string"),
            Self::ExitPlanMode => Some("plan"),
            Self::WebFetch => Some("url"),
            Self::Write => Some("content"),
            Self::AskUserQuestion
            | Self::BashOutput
            | Self::Glob
            | Self::Grep
            | Self::KillShell
            | Self::Ls
            | Self::MultiEdit
            | Self::NotebookEdit
            | Self::NotebookRead
            | Self::Read
            | Self::Skill
            | Self::Task
            | Self::TaskOutput
            | Self::TaskStop
            | Self::TodoWrite
            | Self::WebSearch => None,
        }
    }

    /// The text fields that a person may want to change before approving a call, the likeliest first. An input
    /// whose fields are of another kind is changed as a whole.
    #[must_use]
    pub fn editable_fields(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["command"],
            Self::Edit => &["new_string", "old_string", FILE_PATH],
            Self::NotebookEdit => &["new_source"],
            Self::WebFetch => &["url", "prompt"],
            Self::WebSearch => &["query"],
            Self::Write => &["content", FILE_PATH],
            Self::AskUserQuestion
            | Self::BashOutput
            | Self::ExitPlanMode
            | Self::Glob
            | Self::Grep
            | Self::KillShell
            | Self::Ls
            | Self::MultiEdit
            | Self::NotebookRead
            | Self::Read
            | Self::Skill
            | Self::Task
            | Self::TaskOutput
            | Self::TaskStop
            | Self::TodoWrite => &[],
        }
    }

    /// The field with the background task that a call reads from or ends.
    #[must_use]
    pub fn background_task_field(self) -> Option<&'static str> {
        match self {
            Self::BashOutput => Some("bash_id"),
            Self::KillShell => Some("shell_id"),
            Self::TaskOutput | Self::TaskStop => Some("task_id"),
            Self::AskUserQuestion
            | Self::Bash
            | Self::Edit
            | Self::ExitPlanMode
            | Self::Glob
            | Self::Grep
            | Self::Ls
            | Self::MultiEdit
            | Self::NotebookEdit
            | Self::NotebookRead
            | Self::Read
            | Self::Skill
            | Self::Task
            | Self::TodoWrite
            | Self::WebFetch
            | Self::WebSearch
            | Self::Write => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_claude_code_has_them_and_as_nothing_else() {
        let cases = [
            ("Bash", Some(Tool::Bash)),
            ("LS", Some(Tool::Ls)),
            ("Task", Some(Tool::Task)),
            ("Agent", Some(Tool::Task)),
            ("KillShell", Some(Tool::KillShell)),
            ("KillBash", Some(Tool::KillShell)),
            ("AgentOutputTool", Some(Tool::TaskOutput)),
            ("bash", None),
            ("Ls", None),
            ("Bash ", None),
            ("mcp__files__Write", None),
            ("", None),
        ];
        for (name, tool) in cases {
            assert_eq!(Tool::of(name), tool, "{name}");
        }
        for tool in Tool::VARIANTS {
            assert_eq!(Tool::of(tool.name()), Some(*tool));
        }
        assert_eq!(Tool::Task.name(), "Task");
    }

    #[test]
    fn accepting_edits_stands_for_tools_that_change_files_alone() {
        let changing = Tool::VARIANTS.iter().filter(|tool| tool.changes_files());
        assert_eq!(
            changing.map(|tool| tool.name()).collect::<Vec<_>>(),
            ["Edit", "MultiEdit", "NotebookEdit", "Write"]
        );
    }
}
