//! Starting sessions: the prompt line, and what is remembered for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::complete::Completion;
use crate::protocol::session::LaunchSessionParams;
use crate::tui::forms::{Field, launch::Launching};

/// Queries that are remembered.
const HISTORY: usize = 100;
/// The mode in which nothing is asked. Never remembered: the next launch must not have it unseen.
pub const ASKS_NOTHING: &str = "bypassPermissions";

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
    /// Whether the agent is isolated; none: as the setting says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<bool>,
    /// Directories beside the first.
    pub additional_directories: Vec<String>,
    /// Tools that run without asking.
    pub allowed_tools: Vec<String>,
    /// Tools that are disallowed.
    pub disallowed_tools: Vec<String>,
    /// Is added to the system prompt.
    pub system_prompt: String,
    /// Most model turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
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
    /// Names of commands that were chosen lately from all of them, the last one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Sessions that finished or failed and have not been looked at since.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unread: BTreeSet<String>,
    /// Until when the dashboard has seen what finishes. What finishes later is unread at the next start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_until: Option<Timestamp>,
    /// Where the last conversation was exported to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_directory: Option<String>,
}

impl Remembered {
    /// Remembers a query; one that is there already comes to the front.
    pub fn query(&mut self, query: &str) {
        self.history.retain(|given| given != query);
        self.history.push(query.to_owned());
        let over = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..over);
    }

    /// Remembers how a session was started.
    pub fn settings(&mut self, template: &Template) {
        self.last = Template {
            query: String::new(),
            ..template.clone()
        };
        if self.last.permission_mode == ASKS_NOTHING {
            self.last.permission_mode = String::new();
        }
    }
}

/// The prompt line.
#[derive(Debug, Default)]
pub struct Launch {
    /// What is typed.
    pub prompt: Field,
    /// What can be completed in it.
    pub completion: Completion,
    /// What is remembered.
    pub remembered: Remembered,
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
    /// The agent for new sessions: none is Claude Code; the demonstration has `scripted`.
    pub agent: Option<String>,
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
            ..self.remembered.last.clone()
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
            agent: self.agent.clone(),
            session_id: Some(session_id),
            env: Some(self.environment.clone()),
            ..LaunchSessionParams::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_remembered_once_each_and_not_for_ever() {
        let mut remembered = Remembered::default();
        for query in ["a", "b", "a"] {
            remembered.query(query);
        }
        assert_eq!(remembered.history, ["b", "a"]);
        for n in 0..300 {
            remembered.query(&n.to_string());
        }
        assert_eq!(remembered.history.len(), HISTORY);
        assert_eq!(remembered.history.last().map(String::as_str), Some("299"));
    }

    #[test]
    fn asking_nothing_is_never_remembered() {
        let mut remembered = Remembered::default();
        let mut template = Template {
            model: "opus".to_owned(),
            permission_mode: ASKS_NOTHING.to_owned(),
            query: "q".to_owned(),
            ..Template::default()
        };
        remembered.settings(&template);
        template.permission_mode = String::new();
        template.query = String::new();
        assert_eq!(remembered.last, template);
    }
}
