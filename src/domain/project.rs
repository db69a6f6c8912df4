//! What a project's own files of Claude Code bring into a session that is launched there, and whether a
//! person has to be asked first.
//!
//! A repository can bring hooks, rules that allow, MCP servers, environment and more, and Claude Code uses
//! them without asking when it is started as it is started here (seen on 2.0.37, 2.1.133 and 2.1.332). So
//! what is known to be harmless is listed, and all else is asked about: which files are there is found out
//! by the daemon, what they mean is judged here. Pure.
//!
//! An answer is remembered for exactly these contents ([`Project::fingerprint`]) in this repository. The
//! contents include the scripts that the files name; what those start in turn is not looked at.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The tool that the question is about, as approvals name it.
pub const TOOL: &str = "ProjectSettings";

/// What a session waits for while a person has not said whether the files are used.
pub const WAITING_FOR: &str = "your answer about this project's settings of Claude Code";

/// The way to deny, which launches without the project's files.
pub const WITHOUT: &str = "without";

/// What a session says whose process is launched without the files.
pub const LAUNCHED_WITHOUT: &str = "Launched without the project's settings of Claude Code, as was decided about them: also without its deny rules, CLAUDE.md, agents, skills and commands. `humanlayer launch --ask-project` asks about them again.";

/// Settings that run nothing, allow nothing and take nothing of the user's away: not `disableAllHooks`, which switches
/// the user's own off, nor `cleanupPeriodDays`, by which all projects' conversations are deleted.
const HARMLESS_SETTINGS: [&str; 20] = [
    "$schema",
    "alwaysThinkingEnabled",
    "attribution",
    "autoScrollEnabled",
    "companyAnnouncements",
    "disabledMcpjsonServers",
    "effortLevel",
    "includeCoAuthoredBy",
    "includeGitInstructions",
    "language",
    "model",
    "outputStyle",
    "prefersReducedMotion",
    "respectGitignore",
    "showThinkingSummaries",
    "spinnerTipsEnabled",
    "spinnerTipsOverride",
    "spinnerVerbs",
    "syntaxHighlightingDisabled",
    "terminalProgressBarEnabled",
];

/// Permissions that take something away.
const HARMLESS_PERMISSIONS: [&str; 4] = [
    "ask",
    "deny",
    "disableAutoMode",
    "disableBypassPermissionsMode",
];

/// Permission modes that allow nothing by themselves.
const HARMLESS_MODES: [&str; 3] = ["default", "dontAsk", "plan"];

/// What an agent's definition may say of itself. Not which skills it has: those are loaded, and the commands in them
/// run, without a question.
const HARMLESS_OF_AGENTS: [&str; 11] = [
    "background",
    "color",
    "description",
    "disallowedTools",
    "effort",
    "isolation",
    "maxTurns",
    "model",
    "name",
    "tools",
    "version",
];

/// What a command or a skill may say of itself.
const HARMLESS_OF_COMMANDS: [&str; 12] = [
    "argument-hint",
    "author",
    "description",
    "disable-model-invocation",
    "effort",
    "license",
    "metadata",
    "model",
    "name",
    "user-invocable",
    "version",
    "when_to_use",
];

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Settings.
    Settings,
    /// MCP servers.
    McpServers,
    /// The definition of an agent.
    Agent,
    /// A command or a skill, which a person may call, perhaps meaning one of Claude Code's own.
    Command,
    /// Prompts that Claude Code is given at times.
    Schedule,
    /// What the model is told.
    Instructions,
    /// The user's own settings, which have changed while an agent worked.
    Users,
    /// What one of the others names.
    Named,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A program or other data.
    Binary {
        /// Its length in bytes.
        bytes: u64,
        /// The SHA-256 of it, in hexadecimal digits.
        sha256: String,
    },
    /// It could not be read, or is too much to be read by a person.
    Unread(String),
}

/// A file of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path from the top of the repository, or whole where it is above that.
    pub path: String,
    /// What it is for.
    pub role: Role,
    /// What is in it.
    pub content: Content,
}

/// What there is for a session in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Which repository it is, by where it came from or where it is.
    pub repository: String,
    /// Where the session works.
    pub directory: String,
    /// The files, sorted by path.
    pub files: Vec<File>,
}

impl Project {
    /// What the files bring, a line each, for people; nothing where nobody has to be asked.
    #[must_use]
    pub fn brings(&self) -> Vec<String> {
        self.files.iter().flat_map(File::brings).collect()
    }

    /// Whether all of it can be shown to a person.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let unread = |file: &File| matches!(file.content, Content::Unread(_));
        !self.files.iter().any(unread)
    }

    /// What an answer holds for: the files, with what is in them. Where the repository is does not count,
    /// so that it is the same in another worktree.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        for file in &self.files {
            add(file.path.as_bytes());
            match &file.content {
                Content::Text(text) => {
                    add(b"text");
                    add(text.as_bytes());
                }
                Content::Binary { sha256, .. } => {
                    add(b"binary");
                    add(sha256.as_bytes());
                }
                Content::Unread(why) => {
                    add(b"unread");
                    add(why.as_bytes());
                }
            }
        }
        hex::encode(hash.finalize())
    }

    /// The question's input: what is to be decided, then every file in full.
    #[must_use]
    pub fn question(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("directory".to_owned(), json!(self.directory));
        fields.insert("brings".to_owned(), json!(self.brings().join("\n")));
        for file in &self.files {
            let text = match &file.content {
                Content::Text(text) => text.clone(),
                Content::Binary { bytes, sha256 } => {
                    format!("a binary file of {bytes} bytes, SHA-256 {sha256}")
                }
                Content::Unread(why) => format!("not read: {why}"),
            };
            // A text of one line looks like the others.
            let text = if text.ends_with('\n') {
                text
            } else {
                text + "\n"
            };
            fields.insert(shown_path(&file.path), json!(text));
        }
        Value::Object(fields)
    }

    /// The same with files of the user's own that have changed meanwhile.
    #[must_use]
    pub fn with(mut self, files: Vec<File>) -> Self {
        self.files.extend(files);
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        self
    }

    /// A fingerprint of all but the settings.
    #[must_use]
    pub fn rest_fingerprint(&self) -> String {
        let mut rest = self.clone();
        rest.files.retain(|file| file.role != Role::Settings);
        rest.fingerprint()
    }

    /// The settings of each file, for comparing them with later ones.
    #[must_use]
    pub fn settings(&self) -> Vec<(&str, &str)> {
        let texts = self.files.iter().filter(|file| file.role == Role::Settings);
        texts
            .filter_map(|file| match &file.content {
                Content::Text(text) => Some((file.path.as_str(), text.as_str())),
                Content::Binary { .. } | Content::Unread(_) => None,
            })
            .collect()
    }
}

impl File {
    fn brings(&self) -> Vec<String> {
        let path = &self.path;
        let text = match (&self.content, self.role) {
            (_, Role::Named) => return Vec::new(),
            (Content::Text(text), _) => text,
            (Content::Binary { .. }, _) => return vec![format!("{path}: not a text")],
            (Content::Unread(why), _) => return vec![format!("{path}: {why}")],
        };
        let found = match self.role {
            Role::Settings => object(text, settings),
            Role::Users => vec!["your own settings, for all projects, have changed".to_owned()],
            Role::Command => command(text),
            Role::Schedule => schedule(text),
            Role::Instructions => Vec::new(),
            Role::McpServers => object(text, servers),
            Role::Agent => agent(text),
            Role::Named => Vec::new(),
        };
        found.iter().map(|what| format!("{path}: {what}")).collect()
    }
}

/// How the question names a file: never as one of its other fields, nor as what looks like one with its value.
fn shown_path(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_clear = path.contains('/') && path.chars().all(is_plain);
    if is_clear || path.starts_with('/') {
        path.to_owned()
    } else {
        format!("./{path}")
    }
}

fn object(text: &str, judge: fn(&Map<String, Value>) -> Vec<String>) -> Vec<String> {
    // Claude Code ignores a file that it cannot read; how lenient it is differs.
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(fields)) => judge(&fields),
        Ok(_) | Err(_) if text.trim().is_empty() => Vec::new(),
        Ok(_) | Err(_) => vec!["cannot be read as a JSON object".to_owned()],
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn settings(fields: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in fields {
        if is_empty(value) || HARMLESS_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        match (name.as_str(), value) {
            ("permissions", Value::Object(permissions)) => {
                found.extend(self::permissions(permissions));
            }
            ("hooks", Value::Object(hooks)) => found.extend(self::hooks(hooks)),
            ("env", Value::Object(env)) => {
                let names: Vec<&str> = env.keys().map(String::as_str).collect();
                found.push(format!("sets the environment: {}", names.join(", ")));
            }
            ("enableAllProjectMcpServers", Value::Bool(false)) => {}
            ("enabledPlugins" | "extraKnownMarketplaces", _) => {
                found.push(format!("plugins ({name})"));
            }
            _ => found.push(format!("sets {name}")),
        }
    }
    found
}

fn permissions(fields: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in fields {
        if is_empty(value) || HARMLESS_PERMISSIONS.contains(&name.as_str()) {
            continue;
        }
        match (name.as_str(), value) {
            ("allow", Value::Array(rules)) => {
                found.extend(
                    rules
                        .iter()
                        .map(|rule| format!("allows without asking: {}", plain(rule))),
                );
            }
            ("additionalDirectories", Value::Array(directories)) => found.extend(
                directories
                    .iter()
                    .map(|directory| format!("allows access to {}", plain(directory))),
            ),
            ("defaultMode", Value::String(mode)) if HARMLESS_MODES.contains(&mode.as_str()) => {}
            ("defaultMode", mode) => found.push(format!("permission mode {}", plain(mode))),
            _ => found.push(format!("sets permissions.{name}")),
        }
    }
    found
}

fn hooks(fields: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (event, groups) in fields {
        if is_empty(groups) {
            continue;
        }
        let groups = groups.as_array().map(Vec::as_slice).unwrap_or_default();
        let before = found.len();
        for group in groups {
            let hooks = group.get("hooks").and_then(Value::as_array);
            for hook in hooks.into_iter().flatten() {
                let what = ["command", "url", "prompt"]
                    .iter()
                    .find_map(|name| hook.get(name));
                let what = what.map_or_else(|| plain(hook), plain);
                found.push(format!("hook on {event}: {what}"));
            }
        }
        if found.len() == before {
            found.push(format!("hook on {event}"));
        }
    }
    found
}

fn servers(fields: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in fields {
        match value.as_object().filter(|_| name == "mcpServers") {
            _ if is_empty(value) => {}
            Some(servers) => found.extend(servers.iter().map(|(name, server)| {
                let field = |field: &str| server.get(field).map(plain);
                let arguments = server.get("args").and_then(Value::as_array);
                let arguments = arguments.into_iter().flatten().map(plain);
                let command = field("command").map(|command| {
                    [command]
                        .into_iter()
                        .chain(arguments)
                        .collect::<Vec<_>>()
                        .join(" ")
                });
                let what = command.or_else(|| field("url")).unwrap_or_default();
                format!("MCP server {name}: {what}")
            })),
            None if name == "$schema" => {}
            None => found.push(format!("sets {name}")),
        }
    }
    found
}

/// A value as text.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether an agent's definition says more than what the agent is: its head is YAML, of which only the
/// plainest form is taken as understood.
fn agent(text: &str) -> Vec<String> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let Some(rest) = text.strip_prefix("---") else {
        return Vec::new();
    };
    let mut found = head(rest, &HARMLESS_OF_AGENTS, "an agent");
    found.dedup();
    found
}

/// Whether a command or a skill says in its head more than what it is, or runs something when it is called.
fn command(text: &str) -> Vec<String> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let mut found = match text.strip_prefix("---") {
        Some(rest) => head(rest, &HARMLESS_OF_COMMANDS, "a command"),
        None => Vec::new(),
    };
    // Their output is put into the prompt, without a question where the head allows them.
    if text.contains("!`") || text.contains("```!") {
        found.push("a command that runs others when it is called".to_owned());
    }
    found.dedup();
    found
}

/// Whether there are prompts for later.
fn schedule(text: &str) -> Vec<String> {
    let is_nothing = |value: &Value| match value {
        Value::Object(fields) => fields.values().all(is_empty),
        value => is_empty(value),
    };
    match serde_json::from_str(text) {
        Ok(value) if is_nothing(&value) => Vec::new(),
        Ok(_) | Err(_) if text.trim().is_empty() => Vec::new(),
        Ok(_) | Err(_) => {
            vec!["prompts that Claude Code is given by itself, at times".to_owned()]
        }
    }
}

/// What a head in YAML, behind its first dashes, says but what is harmless.
fn head(rest: &str, harmless: &[&str], what: &str) -> Vec<String> {
    let unreadable = format!("{what} whose head can't be read");
    let mut found = Vec::new();
    let mut lines = rest
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    if !lines.next().is_none_or(is_blank) {
        found.push(unreadable.clone());
    }
    // Whether a line without an indent came, so that what is indented is within that.
    let mut is_within = false;
    for line in lines {
        if line.strip_prefix("---").is_some_and(is_blank) {
            break;
        }
        // YAML and others end lines there, too.
        if line.contains([
            '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}',
        ]) {
            found.push(unreadable.clone());
            continue;
        }
        if is_blank(line) || line.starts_with('#') {
            continue;
        }
        if line.starts_with([' ', '\t', '-']) {
            if !is_within || line.starts_with("---") {
                found.push(unreadable.clone());
            }
            continue;
        }
        is_within = true;
        let is_word = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        match line.split_once(':').filter(|(name, _)| is_word(name)) {
            Some((name, _)) if harmless.contains(&name) => {}
            Some(("permissionMode", mode))
                if HARMLESS_MODES.contains(&mode.trim_matches([' ', '\t'])) => {}
            Some((name, _)) => found.push(format!("{what} with {name} of its own")),
            None => found.push(unreadable.clone()),
        }
    }
    found
}

/// Whether there is nothing in a line but what every reader takes for nothing.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t'))
}

/// Whether later settings are the earlier ones with nothing but what permission updates of a person add
/// to the settings of a project, and what is harmless.
#[must_use]
pub fn is_granted(before: &str, after: &str, updates: &[Value]) -> bool {
    let read = |text: &str| match text.trim() {
        "" => Some(Map::new()),
        text => serde_json::from_str::<Map<String, Value>>(text).ok(),
    };
    let (Some(mut before), Some(mut after)) = (read(before), read(after)) else {
        return false;
    };
    let granted = Granted::by(updates);
    let (mut had, mut has) = (permissions_of(&mut before), permissions_of(&mut after));
    for (name, added) in [
        ("allow", granted.rules.as_slice()),
        ("additionalDirectories", granted.directories.as_slice()),
    ] {
        let (had, has) = (list(had.remove(name)), list(has.remove(name)));
        let is_new = |value: &&Value| !had.contains(value);
        if has
            .iter()
            .filter(is_new)
            .any(|value| !added.contains(value))
        {
            return false;
        }
    }
    // What is asked or denied may become more, and not less.
    for name in ["ask", "deny"] {
        let (had, has) = (list(had.remove(name)), list(has.remove(name)));
        if had.iter().any(|value| !has.contains(value)) {
            return false;
        }
    }
    let (was, is) = (had.remove("defaultMode"), has.remove("defaultMode"));
    let is_granted_mode = is.as_ref().is_none_or(|mode| {
        granted.modes.contains(mode) || HARMLESS_MODES.iter().any(|one| mode == one)
    });
    if was != is && !is_granted_mode {
        return false;
    }
    for fields in [&mut before, &mut after] {
        fields
            .retain(|name, value| !is_empty(value) && !HARMLESS_SETTINGS.contains(&name.as_str()));
    }
    for permissions in [&mut had, &mut has] {
        permissions.retain(|_, value| !is_empty(value));
    }
    before == after && had == has
}

/// Whether later settings of the user's own are the earlier ones with nothing but what is harmless. What a person grants
/// for all projects is asked about as well: nothing here is known of which one it was.
#[must_use]
pub fn is_no_looser(before: &str, after: &str) -> bool {
    before == after || is_granted(before, after, &[])
}

/// What updates add to the settings of a project.
struct Granted {
    rules: Vec<Value>,
    directories: Vec<Value>,
    modes: Vec<Value>,
}

impl Granted {
    fn by(updates: &[Value]) -> Self {
        let mut granted = Self {
            rules: Vec::new(),
            directories: Vec::new(),
            modes: Vec::new(),
        };
        for update in updates {
            let text = |name: &str| update.get(name).and_then(Value::as_str).unwrap_or_default();
            if !matches!(text("destination"), "localSettings" | "projectSettings") {
                continue;
            }
            match text("type") {
                "addRules" if text("behavior") == "allow" => {
                    let rules = list(update.get("rules").cloned());
                    granted.rules.extend(rules.iter().filter_map(rule));
                }
                "addDirectories" => granted
                    .directories
                    .extend(list(update.get("directories").cloned())),
                "setMode" => granted.modes.push(json!(text("mode"))),
                _ => {}
            }
        }
        granted
    }
}

/// A rule as it is in settings.
fn rule(rule: &Value) -> Option<Value> {
    let tool = rule.get("toolName")?.as_str()?;
    let content = rule.get("ruleContent").and_then(Value::as_str);
    Some(match content.filter(|content| !content.is_empty()) {
        // Claude Code escapes what would end a rule.
        Some(content) => json!(format!("{tool}({})", escaped(content))),
        None => json!(tool),
    })
}

fn escaped(content: &str) -> String {
    content
        .replace('\\', "\\\\")
        .replace('(', "\\(")
        .replace(')', "\\)")
}

/// Takes the permissions out of settings.
fn permissions_of(settings: &mut Map<String, Value>) -> Map<String, Value> {
    match settings.remove("permissions") {
        Some(Value::Object(permissions)) => permissions,
        Some(Value::Null) | None => Map::new(),
        // Not understood, and so never the same.
        Some(value) => Map::from_iter([(format!("not an object: {value}"), json!(true))]),
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(values)) => values,
        Some(Value::Null) | None => Vec::new(),
        Some(value) => vec![value],
    }
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;
