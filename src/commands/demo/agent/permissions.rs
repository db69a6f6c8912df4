//! When the demonstration's agent asks: its permission mode, the rules that answers granted, and what its
//! questions offer. Pure.

use serde_json::{Value, json};

/// Tools that edit files.
const EDITS: [&str; 2] = ["Edit", "Write"];
/// Tools whose question is the point.
const INTERACTIVE: [&str; 2] = ["AskUserQuestion", "ExitPlanMode"];

/// What to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Run it.
    Run,
    /// Refuse it.
    Refuse,
    /// Ask first.
    Ask,
}

/// The mode and the rules of a session.
#[derive(Debug)]
pub struct Permissions {
    /// The mode's name.
    pub mode: String,
    can_ask: bool,
    /// A tool, and what of it if not all.
    rules: Vec<(String, Option<String>)>,
}

impl Permissions {
    /// Those of a session that begins.
    pub fn new(mode: &str, can_ask: bool) -> Self {
        Self {
            mode: mode.to_owned(),
            can_ask,
            rules: Vec::new(),
        }
    }

    /// What to do with a call that is not free.
    pub fn verdict(&self, tool: &str, input: &Value) -> Verdict {
        let ask = match self.can_ask {
            true => Verdict::Ask,
            false => Verdict::Refuse,
        };
        if INTERACTIVE.contains(&tool) {
            return ask;
        }
        let is_granted = |(of, what): &(String, Option<String>)| {
            of == tool
                && what
                    .as_deref()
                    .is_none_or(|what| matches(what, subject(input)))
        };
        if self.rules.iter().any(is_granted) {
            return Verdict::Run;
        }
        match self.mode.as_str() {
            "bypassPermissions" => Verdict::Run,
            "acceptEdits" if EDITS.contains(&tool) => Verdict::Run,
            "dontAsk" => Verdict::Refuse,
            _ => ask,
        }
    }

    /// Takes over what an answer grants; whether the mode has changed.
    pub fn approved(&mut self, tool: &str, updates: &Value) -> bool {
        let before = self.mode.clone();
        for update in updates.as_array().into_iter().flatten() {
            if let ("setMode", Some(mode)) = (kind(update), update["mode"].as_str()) {
                mode.clone_into(&mut self.mode);
            }
            if kind(update) == "addRules" && update["behavior"] == "allow" {
                let rules = update["rules"].as_array().into_iter().flatten();
                self.rules.extend(rules.filter_map(|rule| {
                    let what = rule["ruleContent"].as_str().map(str::to_owned);
                    Some((rule["toolName"].as_str()?.to_owned(), what))
                }));
            }
        }
        if tool == "ExitPlanMode" && self.mode == "plan" {
            "default".clone_into(&mut self.mode);
        }
        self.mode != before
    }
}

/// What a question about a call says.
pub fn question(tool: &str, input: &Value, call: &str, agent: Option<&str>) -> Value {
    let mut request = json!({
        "subtype": "can_use_tool", "tool_name": tool, "display_name": tool, "input": input,
        "tool_use_id": call,
    });
    if let Some(agent) = agent {
        request["agent_id"] = json!(agent);
    }
    if INTERACTIVE.contains(&tool) {
        request["requires_user_interaction"] = json!(true);
        return request;
    }
    let subject = subject(input);
    if EDITS.contains(&tool) {
        request["description"] = json!(subject.rsplit('/').next().unwrap_or(subject));
        request["permission_suggestions"] =
            json!([{ "type": "setMode", "mode": "acceptEdits", "destination": "session" }]);
    } else {
        let mut rule = json!({ "toolName": tool });
        if tool == "Bash" {
            rule["ruleContent"] = json!(subject);
        }
        request["description"] = json!(subject);
        request["permission_suggestions"] = json!([{
            "type": "addRules", "rules": [rule], "behavior": "allow",
            "destination": "localSettings",
        }]);
    }
    request
}

fn kind(update: &Value) -> &str {
    update["type"].as_str().unwrap_or_default()
}

/// What a call is about.
fn subject(input: &Value) -> &str {
    let named = ["command", "file_path"].iter();
    named
        .filter_map(|name| input[*name].as_str())
        .next()
        .unwrap_or_default()
}

/// A rule's content: a whole command, or how it begins.
fn matches(rule: &str, subject: &str) -> bool {
    match rule.strip_suffix(":*") {
        Some(beginning) => subject.starts_with(beginning),
        None => subject == rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_decides() {
        let cases = [
            ("default", "Bash", Verdict::Ask),
            ("plan", "Write", Verdict::Ask),
            ("acceptEdits", "Write", Verdict::Run),
            ("acceptEdits", "Bash", Verdict::Ask),
            ("bypassPermissions", "Bash", Verdict::Run),
            ("bypassPermissions", "AskUserQuestion", Verdict::Ask),
            ("dontAsk", "Bash", Verdict::Refuse),
        ];
        for (mode, tool, expected) in cases {
            let permissions = Permissions::new(mode, true);
            assert_eq!(
                permissions.verdict(tool, &json!({})),
                expected,
                "{mode} {tool}"
            );
        }
        let mute = Permissions::new("default", false);
        assert_eq!(mute.verdict("Bash", &json!({})), Verdict::Refuse);
    }

    #[test]
    fn what_a_question_offers_is_what_makes_it_go_away() {
        let mut permissions = Permissions::new("default", true);
        let input = json!({ "command": "cargo test" });
        let asked = question("Bash", &input, "toolu_1", None);
        assert!(!permissions.approved("Bash", &asked["permission_suggestions"]));
        assert_eq!(permissions.verdict("Bash", &input), Verdict::Run);
        let other = json!({ "command": "git push" });
        assert_eq!(permissions.verdict("Bash", &other), Verdict::Ask);
        let edit = question("Edit", &json!({ "file_path": "/w/a" }), "toolu_2", None);
        assert!(permissions.approved("Edit", &edit["permission_suggestions"]));
        assert_eq!(permissions.verdict("Edit", &json!({})), Verdict::Run);
    }
}
