//! When the agent asks: permission modes, remembered rules, and what a question offers.
//!
//! Owns the decision whether to run, refuse or ask; asks nothing itself. Pure, so every mode is a
//! row of a table in the tests. Called by the turn before each tool call, and by the
//! session when an answer or a request changes the rules.

use serde_json::{Value, json};

/// A permission mode, as Claude Code names them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mode {
    /// Ask for everything that changes something.
    Default,
    /// Edits run, the rest is asked.
    AcceptEdits,
    /// Only plans; asks like the default here.
    Plan,
    /// Nothing is asked, everything runs.
    Bypass,
    /// Nothing is asked, what would be is refused.
    DontAsk,
    /// One that this stand-in does not know: asks like the default.
    Other(String),
}

impl Mode {
    /// Reads a mode's name.
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "default" => Self::Default,
            "acceptEdits" => Self::AcceptEdits,
            "plan" => Self::Plan,
            "bypassPermissions" => Self::Bypass,
            "dontAsk" => Self::DontAsk,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The mode's name on the wire.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::Plan => "plan",
            Self::Bypass => "bypassPermissions",
            Self::DontAsk => "dontAsk",
            Self::Other(name) => name,
        }
    }
}

/// What to do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Run it, without a question; the reason is that the tool is harmless or the mode.
    Run,
    /// Refuse it, without a question.
    Refuse,
    /// Ask first.
    Ask,
}

/// Tools that look and change nothing.
const HARMLESS: &[&str] = &[
    "Read",
    "Glob",
    "Grep",
    "LS",
    "Task",
    "TodoWrite",
    "ToolSearch",
];
/// Tools that edit files.
const EDITS: &[&str] = &["Write", "Edit", "MultiEdit", "NotebookEdit"];
/// Tools whose question is the point: no mode answers them.
const INTERACTIVE: &[&str] = &["AskUserQuestion", "ExitPlanMode"];
/// Shell commands that count as edits.
const EDIT_COMMANDS: &[&str] = &["touch", "mkdir", "rm", "rmdir", "mv", "cp", "sed"];

/// A remembered rule.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    tool: String,
    content: Option<String>,
    allow: bool,
}

/// The mode and the rules of a session.
#[derive(Debug)]
pub(super) struct Permissions {
    /// The present mode.
    pub(super) mode: Mode,
    /// Directories that answers added.
    pub(super) directories: Vec<String>,
    rules: Vec<Rule>,
    can_ask: bool,
}

impl Permissions {
    /// A session's start; without a way to ask, what would be asked is refused.
    pub(super) fn new(mode: Mode, can_ask: bool) -> Self {
        Self {
            mode,
            directories: Vec::new(),
            rules: Vec::new(),
            can_ask,
        }
    }

    /// What to do with this call.
    pub(super) fn verdict(&self, tool: &str, input: &Value) -> Verdict {
        let ask = if self.can_ask {
            Verdict::Ask
        } else {
            Verdict::Refuse
        };
        if is_interactive(tool) {
            return ask;
        }
        let mut matching = self.rules.iter().filter(|rule| rule.matches(tool, input));
        match (matching.clone().any(|rule| !rule.allow), matching.next()) {
            (true, _) => return Verdict::Refuse,
            (false, Some(_)) => return Verdict::Run,
            (false, None) => {}
        }
        if HARMLESS.contains(&tool) {
            return Verdict::Run;
        }
        match &self.mode {
            Mode::Bypass => Verdict::Run,
            Mode::AcceptEdits if is_edit(tool, input) => Verdict::Run,
            Mode::DontAsk => Verdict::Refuse,
            Mode::Default | Mode::AcceptEdits | Mode::Plan | Mode::Other(_) => ask,
        }
    }

    /// Takes over what an answer's `updatedPermissions` say; true if the mode changed.
    pub(super) fn update(&mut self, updates: &Value) -> bool {
        let before = self.mode.clone();
        for update in updates.as_array().into_iter().flatten() {
            match update["type"].as_str() {
                Some("setMode") => {
                    self.mode = Mode::from_name(update["mode"].as_str().unwrap_or("default"));
                }
                Some("addDirectories") => self
                    .directories
                    .extend(strings(&update["directories"]).map(str::to_owned)),
                Some("addRules") => self.rules.extend(rules(update)),
                Some("removeRules") => {
                    let gone: Vec<_> = rules(update).collect();
                    self.rules.retain(|rule| !gone.contains(rule));
                }
                Some(_) | None => {}
            }
        }
        before != self.mode
    }
}

impl Rule {
    fn matches(&self, tool: &str, input: &Value) -> bool {
        if self.tool != tool {
            return false;
        }
        let Some(content) = &self.content else {
            return true;
        };
        let subject = subject(input);
        match content.strip_suffix(":*") {
            Some(prefix) => subject.starts_with(prefix),
            None => subject == content,
        }
    }
}

/// Whether the tool's question is one for a person and not about permission.
pub(super) fn is_interactive(tool: &str) -> bool {
    INTERACTIVE.contains(&tool)
}

/// The `can_use_tool` request for a call.
pub(super) fn question(
    tool: &str,
    input: &Value,
    tool_use_id: &str,
    agent_id: Option<&str>,
    cwd: &str,
) -> Value {
    let mut request = json!({
        "subtype": "can_use_tool", "tool_name": tool, "display_name": tool, "input": input,
    });
    if is_interactive(tool) {
        super::messages::extend(
            &mut request,
            json!({ "tool_use_id": tool_use_id, "requires_user_interaction": true }),
        );
    } else {
        super::messages::extend(&mut request, offer(tool, input, cwd));
        super::messages::extend(&mut request, json!({ "tool_use_id": tool_use_id }));
    }
    if let Some(agent_id) = agent_id {
        super::messages::extend(&mut request, json!({ "agent_id": agent_id }));
    }
    request
}

/// The description of a call and the rules that "always allow" could save for it.
fn offer(tool: &str, input: &Value, cwd: &str) -> Value {
    let accept_edits =
        json!({ "type": "setMode", "mode": "acceptEdits", "destination": "session" });
    let subject = subject(input);
    if EDITS.contains(&tool) {
        let name = subject.rsplit('/').next().unwrap_or(subject);
        return json!({ "description": name, "permission_suggestions": [accept_edits] });
    }
    let mut rule = json!({ "toolName": tool });
    if tool == "Bash" {
        super::messages::extend(&mut rule, json!({ "ruleContent": subject }));
    }
    let always = json!({
        "type": "addRules", "rules": [rule], "behavior": "allow", "destination": "localSettings",
    });
    match outside_path(tool, subject, cwd) {
        Some(path) => {
            let directory = path
                .rsplit_once('/')
                .map_or("/", |(directory, _)| directory);
            let directory = if directory.is_empty() { "/" } else { directory };
            let directories = json!({
                "type": "addDirectories", "directories": [directory], "destination": "session",
            });
            json!({
                "description": subject,
                "permission_suggestions": [always, directories, accept_edits],
                "blocked_path": path,
            })
        }
        None => json!({
            "description": subject,
            "permission_suggestions": [always],
            "decision_reason": "This command requires approval",
            "decision_reason_type": "other",
        }),
    }
}

/// The file outside the working directory that an editing shell command names, if any.
fn outside_path<'a>(tool: &str, command: &'a str, cwd: &str) -> Option<&'a str> {
    if tool != "Bash" {
        return None;
    }
    let mut words = command.split_whitespace();
    if !EDIT_COMMANDS.contains(&words.next()?) {
        return None;
    }
    words.find(|word| word.starts_with('/') && !word.starts_with(cwd))
}

fn is_edit(tool: &str, input: &Value) -> bool {
    let edits = |command: &str| {
        command
            .split_whitespace()
            .next()
            .is_some_and(|word| EDIT_COMMANDS.contains(&word))
    };
    EDITS.contains(&tool) || (tool == "Bash" && edits(subject(input)))
}

/// What a call is about, in one string: the command, the file, the address.
fn subject(input: &Value) -> &str {
    ["command", "file_path", "notebook_path", "url", "query"]
        .iter()
        .find_map(|name| input[*name].as_str())
        .unwrap_or("")
}

fn rules(update: &Value) -> impl Iterator<Item = Rule> {
    let allow = update["behavior"].as_str() == Some("allow");
    update["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(move |rule| {
            Some(Rule {
                tool: rule["toolName"].as_str()?.to_owned(),
                content: rule["ruleContent"].as_str().map(str::to_owned),
                allow,
            })
        })
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("default", "Bash", Verdict::Ask)]
    #[case("default", "Read", Verdict::Run)]
    #[case("default", "mcp__x__y", Verdict::Ask)]
    #[case("plan", "Write", Verdict::Ask)]
    #[case("acceptEdits", "Write", Verdict::Run)]
    #[case("acceptEdits", "Bash", Verdict::Ask)]
    #[case("bypassPermissions", "Bash", Verdict::Run)]
    #[case("bypassPermissions", "AskUserQuestion", Verdict::Ask)]
    #[case("dontAsk", "Bash", Verdict::Refuse)]
    #[case("somethingNew", "Bash", Verdict::Ask)]
    fn a_mode_decides(#[case] mode: &str, #[case] tool: &str, #[case] expected: Verdict) {
        let permissions = Permissions::new(Mode::from_name(mode), true);
        let input = json!({ "command": "make" });
        assert_eq!(permissions.verdict(tool, &input), expected);
    }

    #[test]
    fn without_a_way_to_ask_it_refuses() {
        let permissions = Permissions::new(Mode::Default, false);
        assert_eq!(permissions.verdict("Bash", &json!({})), Verdict::Refuse);
    }

    #[test]
    fn what_a_question_suggests_is_what_makes_it_go_away() {
        let mut permissions = Permissions::new(Mode::Default, true);
        let input = json!({ "command": "make" });
        let asked = question("Bash", &input, "toolu_1", None, "/w");
        assert!(!permissions.update(&asked["permission_suggestions"]));
        assert_eq!(permissions.verdict("Bash", &input), Verdict::Run);
        let other = json!({ "command": "make install" });
        assert_eq!(permissions.verdict("Bash", &other), Verdict::Ask);
    }

    #[test]
    fn rules_match_prefixes_can_be_removed_and_deny_wins() {
        let mut permissions = Permissions::new(Mode::Default, true);
        let rule = |behavior: &str, kind: &str| {
            json!([{ "type": kind, "behavior": behavior,
                "rules": [{ "toolName": "Bash", "ruleContent": "make:*" }] }])
        };
        let input = json!({ "command": "make all" });
        permissions.update(&rule("allow", "addRules"));
        assert_eq!(permissions.verdict("Bash", &input), Verdict::Run);
        permissions.update(&rule("deny", "addRules"));
        assert_eq!(permissions.verdict("Bash", &input), Verdict::Refuse);
        permissions.update(&rule("deny", "removeRules"));
        permissions.update(&rule("allow", "removeRules"));
        assert_eq!(permissions.verdict("Bash", &input), Verdict::Ask);
    }

    #[test]
    fn a_path_outside_is_named() {
        let input = json!({ "command": "touch /tmp/a1" });
        let asked = question("Bash", &input, "toolu_1", Some("a1"), "/home/me");
        assert_eq!(asked["blocked_path"], "/tmp/a1");
        assert_eq!(asked["agent_id"], "a1");
        assert_eq!(asked["permission_suggestions"][1]["directories"][0], "/tmp");
    }
}
