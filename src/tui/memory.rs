//! What the dashboard remembers from one time to the next, in a file of its own.
//!
//! Plain data; `effects` reads and writes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Maximum number of model turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// A beginning of the query; empty for the last settings.
    pub query: String,
}

/// What the dashboard remembers from one time to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
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

impl Memory {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_remembered_once_each_and_not_for_ever() {
        let mut remembered = Memory::default();
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
        let mut remembered = Memory::default();
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
