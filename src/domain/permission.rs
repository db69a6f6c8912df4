//! Permission updates in Claude Code's form, in words.
//!
//! An agent that asks may suggest updates that would make a yes last. They are kept and sent back
//! as they came; here is only what they mean. What is not understood says so and stays whole. Pure.

use serde_json::Value;

/// Where an update is kept, and so how far it reaches: the names on the wire, from the shortest
/// reach to the longest.
pub const DESTINATIONS: [&str; 4] = [
    "session",
    "localSettings",
    "projectSettings",
    "userSettings",
];

/// Where an update reaches, in words, with the file that it is saved in.
#[must_use]
pub fn reach(update: &Value) -> String {
    match text(update, "destination") {
        "session" => "in this session".to_owned(),
        "localSettings" => "in this project, for you (.claude/settings.local.json)".to_owned(),
        "projectSettings" => "in this project, for everyone (.claude/settings.json)".to_owned(),
        "userSettings" => "in all your projects (~/.claude/settings.json)".to_owned(),
        "cliArg" => "in this session (as a command-line option)".to_owned(),
        other => format!("saved in “{other}”"),
    }
}

/// A permission mode by the one name that is used here. Newer versions of Claude Code list their own
/// default as `manual` and call it `default` everywhere else; all take the latter.
#[must_use]
pub fn mode_name(mode: &str) -> &str {
    match mode {
        "manual" => "default",
        mode => mode,
    }
}

/// What an update does, in words, without its reach.
#[must_use]
pub fn meaning(update: &Value) -> String {
    match text(update, "type") {
        "addRules" => format!("{} {}", behavior(update), rules(update)),
        "replaceRules" => format!("{} only {}", behavior(update), rules(update)),
        "removeRules" => format!("no longer {} {}", behavior(update), rules(update)),
        "setMode" => match text(update, "mode") {
            "acceptEdits" => "accept edits".to_owned(),
            "bypassPermissions" => {
                "allow everything without asking (bypass permissions)".to_owned()
            }
            "default" | "manual" => "ask as usual (default mode)".to_owned(),
            "plan" => "plan mode: change nothing".to_owned(),
            other => format!("switch to permission mode “{other}”"),
        },
        "addDirectories" => format!("allow access to {}", list(update, "directories")),
        "removeDirectories" => format!("remove access to {}", list(update, "directories")),
        _ => format!("unknown permission update: {update}"),
    }
}

/// Whether what it does is understood here.
#[must_use]
pub fn is_known(update: &Value) -> bool {
    matches!(
        text(update, "type"),
        "addRules"
            | "replaceRules"
            | "removeRules"
            | "setMode"
            | "addDirectories"
            | "removeDirectories"
    )
}

/// What an update grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Rules that allow.
    Rule,
    /// Access to further directories.
    Directory,
    /// A whole permission mode.
    Mode,
}

impl Grant {
    /// The option of `humanlayer approve` that grants it.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Rule => "--always",
            Self::Directory => "--allow-directory",
            Self::Mode => "--set-mode",
        }
    }
}

/// What an update grants; none for one that takes something away or is not known.
#[must_use]
pub fn grant(update: &Value) -> Option<Grant> {
    match text(update, "type") {
        _ if is_allow_rule(update) => Some(Grant::Rule),
        "addDirectories" => Some(Grant::Directory),
        "setMode" => Some(Grant::Mode),
        _ => None,
    }
}

/// Whether it only adds rules that allow: what “always allow” grants by itself. Directories and modes
/// reach further and are granted only by a choice of their own.
#[must_use]
pub fn is_allow_rule(update: &Value) -> bool {
    let rules = update.get("rules").and_then(Value::as_array);
    text(update, "type") == "addRules"
        && text(update, "behavior") == "allow"
        && rules.is_some_and(|rules| !rules.is_empty())
}

/// Whether it can be given another reach: a whole mode is for where it was suggested.
#[must_use]
pub fn can_reach_elsewhere(update: &Value) -> bool {
    is_known(update) && text(update, "type") != "setMode"
}

/// The update with another reach.
#[must_use]
pub fn reaching(update: &Value, destination: &str) -> Value {
    let mut changed = update.clone();
    if let Some(fields) = changed.as_object_mut() {
        fields.insert("destination".to_owned(), Value::from(destination));
    }
    changed
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn behavior(update: &Value) -> &str {
    match text(update, "behavior") {
        "" => "allow",
        "deny" => "deny",
        "ask" => "ask about",
        other => other,
    }
}

/// The rules as Claude Code writes them in its settings: `Bash(npm run test:*)`.
fn rules(update: &Value) -> String {
    let rules = update.get("rules").and_then(Value::as_array);
    let named: Vec<String> = rules
        .into_iter()
        .flatten()
        .map(|rule| match text(rule, "ruleContent") {
            "" => text(rule, "toolName").to_owned(),
            content => format!("{}({content})", text(rule, "toolName")),
        })
        .collect();
    if named.is_empty() {
        "nothing".to_owned()
    } else {
        named.join(", ")
    }
}

fn list(update: &Value, name: &str) -> String {
    let values = update.get(name).and_then(Value::as_array);
    let named: Vec<&str> = values
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if named.is_empty() {
        "no directory".to_owned()
    } else {
        named.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn updates_are_said_in_words() {
        let cases = [
            (
                json!({"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "touch /tmp/a1"}],
                    "behavior": "allow", "destination": "localSettings"}),
                "allow Bash(touch /tmp/a1)",
                "in this project, for you (.claude/settings.local.json)",
            ),
            (
                json!({"type": "addRules", "rules": [{"toolName": "Read"}, {"toolName": "Grep"}],
                    "behavior": "deny", "destination": "userSettings"}),
                "deny Read, Grep",
                "in all your projects (~/.claude/settings.json)",
            ),
            (
                json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"}),
                "accept edits",
                "in this session",
            ),
            (
                json!({"type": "addDirectories", "directories": ["/tmp", "/srv"], "destination": "session"}),
                "allow access to /tmp, /srv",
                "in this session",
            ),
            (
                json!({"type": "moveMountains", "destination": "moon"}),
                r#"unknown permission update: {"type":"moveMountains","destination":"moon"}"#,
                "saved in “moon”",
            ),
        ];
        for (update, means, reaches) in cases {
            assert_eq!(meaning(&update), means);
            assert_eq!(reach(&update), reaches);
        }
    }

    #[test]
    fn another_reach_changes_nothing_else() {
        let update = json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"});
        assert_eq!(
            reaching(&update, "userSettings"),
            json!({"type": "setMode", "mode": "acceptEdits", "destination": "userSettings"})
        );
        assert_eq!(reaching(&json!(1), "session"), json!(1));
    }

    #[test]
    fn each_kind_of_grant_is_a_choice_of_its_own() {
        let rules = json!([{"toolName": "Bash", "ruleContent": "ls"}]);
        let cases = [
            (
                json!({"type": "addRules", "behavior": "allow", "rules": rules}),
                Some(Grant::Rule),
            ),
            (
                json!({"type": "addRules", "behavior": "deny", "rules": rules}),
                None,
            ),
            (
                json!({"type": "addRules", "behavior": "allow", "rules": []}),
                None,
            ),
            (
                json!({"type": "addDirectories", "directories": ["/srv"]}),
                Some(Grant::Directory),
            ),
            (
                json!({"type": "setMode", "mode": "acceptEdits"}),
                Some(Grant::Mode),
            ),
            (json!({"type": "removeRules", "rules": rules}), None),
            (json!({}), None),
        ];
        for (update, granted) in cases {
            assert_eq!(grant(&update), granted, "{update}");
        }
    }
}
