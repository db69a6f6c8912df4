//! Who decided an approval, and how that is said to whom.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::origin::Origin;

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecidedBy {
    /// A person, through a program of theirs.
    Person {
        /// Process id of that program.
        pid: u32,
        /// User id.
        uid: u32,
        /// Name of that program.
        program: String,
        /// The user's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Which of our own clients that was, as it says itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<ClientKind>,
    },
    /// A standing permission that a person had set.
    Rule {
        /// Which one: `auto_accept_edits`, `dangerously_skip_permissions`, or a permission rule in
        /// Claude Code's notation that was granted with another approval.
        rule: String,
        /// Who granted it, where that was said with the approval that granted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        granted_by: Option<Box<DecidedBy>>,
        /// When it ends, if it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        expires_at: Option<Timestamp>,
    },
    /// Whoever holds a key of the local HumanLayer API.
    Key {
        /// The key's name.
        name: String,
    },
    /// Somebody at the remote HumanLayer API, not here.
    Elsewhere {
        /// Where: the API's address.
        place: String,
    },
    /// The agent itself, by taking the question back or by ending.
    Agent,
}

/// One of our own clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The dashboard.
    Dashboard,
    /// The command line.
    Cli,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

impl ClientKind {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Dashboard => Some("dashboard"),
            Self::Cli => Some("command line"),
            Self::Other => None,
        }
    }
}

impl DecidedBy {
    /// The person behind an origin that may decide.
    #[must_use]
    pub fn from_origin(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Person { pid, uid, program } => Some(Self::Person {
                pid: *pid,
                uid: *uid,
                program: program.clone(),
                user: None,
                client: None,
            }),
            Origin::Agent { .. } | Origin::OtherAgent { .. } | Origin::Unverified { .. } => None,
        }
    }

    /// The same person, with their name and the client that they used.
    #[must_use]
    pub fn with(self, name: Option<String>, kind: Option<ClientKind>) -> Self {
        match self {
            Self::Person {
                pid, uid, program, ..
            } => Self::Person {
                pid,
                uid,
                program,
                user: name,
                client: kind,
            },
            other => other,
        }
    }

    /// In a few words, for the person with this user id: “you” for what they decided themselves.
    #[must_use]
    pub fn describe(&self, viewer: u32) -> String {
        match self {
            Self::Person {
                uid,
                program,
                user,
                client,
                ..
            } => {
                let client = client.and_then(ClientKind::name);
                let is_ours = client.is_some() || program == "humanlayer";
                let who = match user {
                    _ if *uid == viewer => "you".to_owned(),
                    Some(name) => name.clone(),
                    None => format!("user {uid}"),
                };
                match (is_ours, client) {
                    (true, _) if *uid == viewer => who,
                    (true, Some(client)) => format!("{who} ({client})"),
                    (true, None) => who,
                    (false, _) => format!("{who} ({program})"),
                }
            }
            Self::Rule {
                rule,
                granted_by,
                expires_at,
            } => {
                let until = expires_at
                    .map(|until| format!(" (until {until})"))
                    .unwrap_or_default();
                let granted = granted_by
                    .as_ref()
                    .map(|by| format!(", granted by {}", by.describe(viewer)))
                    .unwrap_or_default();
                format!("rule {rule}{until}{granted}")
            }
            Self::Key { name } => format!("key {name}"),
            Self::Elsewhere { place } => format!("somebody at {place}"),
            Self::Agent => "the agent".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_you_to_themselves_and_a_name_to_others() {
        let person = |program: &str, client| DecidedBy::Person {
            pid: 7,
            uid: 1000,
            program: program.to_owned(),
            user: Some("ada".to_owned()),
            client,
        };
        let cases = [
            (
                person("humanlayer", Some(ClientKind::Cli)),
                "you",
                "ada (command line)",
            ),
            (
                person("humanlayer", Some(ClientKind::Dashboard)),
                "you",
                "ada (dashboard)",
            ),
            (person("humanlayer", None), "you", "ada"),
            (person("node", None), "you (node)", "ada (node)"),
        ];
        for (by, to_themselves, to_others) in cases {
            assert_eq!(by.describe(1000), to_themselves);
            assert_eq!(by.describe(0), to_others);
            let rule = DecidedBy::Rule {
                rule: "Bash(ls:*)".to_owned(),
                granted_by: Some(Box::new(by)),
                expires_at: None,
            };
            let expected = format!("rule Bash(ls:*), granted by {to_themselves}");
            assert_eq!(rule.describe(1000), expected);
        }
    }

    #[test]
    fn records_of_older_daemons_can_be_read() {
        let old = r#"{"kind":"person","pid":1,"uid":2,"program":"humanlayer"}"#;
        let by: DecidedBy = serde_json::from_str(old).unwrap_or(DecidedBy::Agent);
        assert_eq!(by.describe(2), "you");
        assert_eq!(by.describe(3), "user 2");
        let old = r#"{"kind":"rule","rule":"auto_accept_edits"}"#;
        let by: DecidedBy = serde_json::from_str(old).unwrap_or(DecidedBy::Agent);
        assert_eq!(by.describe(2), "rule auto_accept_edits");
        let newer = r#"{"kind":"person","pid":1,"uid":2,"program":"humanlayer","client":"phone"}"#;
        let by: DecidedBy = serde_json::from_str(newer).unwrap_or(DecidedBy::Agent);
        assert_eq!(by.describe(3), "user 2");
    }
}
