//! Starting sessions: the prompt line, and what is remembered for it.

use std::collections::BTreeMap;

use super::complete::Completion;
use crate::protocol::session::LaunchSessionParams;
use crate::tui::forms::Field;
use crate::tui::forms::launch::Launching;
use crate::tui::memory::{Memory, Template};

/// The prompt line.
#[derive(Debug, Default)]
pub struct Launch {
    pub prompt: Field,
    /// What can be completed in it.
    pub completion: Completion,
    /// What is remembered.
    pub memory: Memory,
    /// Where in the history the line is; none: not in it.
    pub history_at: Option<usize>,
    /// What was typed before the history was gone into.
    pub before_history: String,
    /// Where sessions are started now; none: where the dashboard was.
    pub place: Option<String>,
    /// The form as it was left without starting anything.
    pub draft: Option<Box<Launching>>,
    /// Forms whose sessions are being started, by the sessions' ids.
    pub sent: Vec<(String, Box<Launching>)>,
    /// Directories used lately.
    pub recent: Vec<String>,
    /// The permission modes that the installed agent lists; empty while that is not known.
    pub modes: Vec<String>,
    /// Where conversations are exported to, unless somebody has chosen another place.
    pub exports: String,
    /// The environment that new sessions get.
    pub environment: BTreeMap<String, String>,
}

impl Launch {
    /// What the prompt line starts sessions with: the last settings, but where this dashboard works
    /// and not where some earlier one did.
    #[must_use]
    pub fn settings(&self, directory: &str) -> Template {
        Template {
            directory: self.place.clone().unwrap_or_else(|| directory.to_owned()),
            query: String::new(),
            ..self.memory.last.clone()
        }
    }

    /// What to ask the daemon for.
    #[must_use]
    pub fn params(
        &self,
        query: &str,
        template: &Template,
        directory: &str,
        session_id: String,
    ) -> LaunchSessionParams {
        let text = |value: &String| Some(value.clone()).filter(|value| !value.trim().is_empty());
        let list = |value: &Vec<String>| Some(value.clone()).filter(|value| !value.is_empty());
        LaunchSessionParams {
            query: query.to_owned(),
            model: text(&template.model),
            working_dir: text(&template.directory).or_else(|| Some(directory.to_owned())),
            permission_mode: text(&template.permission_mode),
            isolation: template.isolation,
            additional_directories: list(&template.additional_directories),
            allowed_tools: list(&template.allowed_tools),
            disallowed_tools: list(&template.disallowed_tools),
            append_system_prompt: text(&template.system_prompt),
            max_turns: template.max_turns,
            approvals: Some(true),
            session_id: Some(session_id),
            env: Some(self.environment.clone()),
            ..LaunchSessionParams::default()
        }
    }
}
