//! Starting sessions: the prompt line, and what is remembered for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::session::LaunchSessionParams;

/// How a session was started last, or under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    /// Where the agent works; empty: where the dashboard was started.
    pub directory: String,
    /// The model; empty: the agent's own default.
    pub model: String,
    /// Claude Code's permission mode; empty: its default.
    pub permission_mode: String,
    /// Directories beside the first.
    pub additional_directories: Vec<String>,
    /// Tools that run without asking.
    pub allowed_tools: Vec<String>,
    /// Tools that are refused.
    pub disallowed_tools: Vec<String>,
    /// Is added to the system prompt.
    pub system_prompt: String,
    /// A beginning of the query; empty for the last settings.
    pub query: String,
}

/// What the dashboard remembers from one time to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// How the last session was started.
    pub last: Template,
    /// Settings under names.
    pub templates: BTreeMap<String, Template>,
    /// Queries given lately, the newest last.
    pub history: Vec<String>,
    /// The theme chosen in the dashboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
}

/// The prompt line.
#[derive(Debug, Default)]
pub struct Launch {
    /// What is typed.
    pub prompt: super::form::Field,
    /// What is remembered.
    pub remembered: Remembered,
    /// Where in the history the line is; none: not in it.
    pub history_at: Option<usize>,
    /// The agent for new sessions: none is Claude Code; the demonstration has `scripted`.
    pub agent: Option<String>,
    /// The environment that new sessions get.
    pub environment: BTreeMap<String, String>,
}

impl Launch {
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
            additional_directories: list(&template.additional_directories),
            allowed_tools: list(&template.allowed_tools),
            disallowed_tools: list(&template.disallowed_tools),
            append_system_prompt: text(&template.system_prompt),
            approvals: Some(true),
            agent: self.agent.clone(),
            session_id: Some(session_id),
            env: Some(self.environment.clone()),
            ..LaunchSessionParams::default()
        }
    }
}
