//! Tools that are not Claude Code's own: by their names, and by commands, SQL and paths that they are given.

use serde_json::Value;

use super::{Found, paths, reason, sql};

/// Levels of an input that are looked into.
const MAX_DEPTH: usize = 6;
/// Values of an input that are looked at.
const MAX_VALUES: usize = 512;

/// Words of a name that say that something is removed.
const REMOVES: [&str; 14] = [
    "delete",
    "destroy",
    "drop",
    "purge",
    "remove",
    "truncate",
    "wipe",
    "erase",
    "terminate",
    "revoke",
    "uninstall",
    "nuke",
    "unpublish",
    "rm",
];

/// Judges a call of a tool.
pub(super) fn judge(tool_name: &str, input: &Value, found: &mut Found) {
    let name = tool_name.rsplit("__").next().unwrap_or(tool_name);
    let words = words(name);
    if words.iter().any(|word| REMOVES.contains(&word.as_str())) {
        found.add(reason::BY_NAME, name);
    }
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    if has(&["force"]) && has(&["push"]) {
        found.add(reason::REWRITES, name);
    }
    if has(&["publish", "deploy"]) && has(&["production", "prod", "package", "release"]) {
        found.add(reason::PUBLISHES, name);
    }
    let writes = has(&[
        "write", "edit", "create", "save", "append", "move", "rename", "copy", "patch", "replace",
        "update", "put", "upload", "insert",
    ]);
    let runs = has(&[
        "run", "exec", "execute", "shell", "bash", "command", "terminal", "cmd", "script",
        "process", "spawn",
    ]);
    let mut left = MAX_VALUES;
    let look = Look { writes, runs };
    look.fields(input, 0, &mut left, found);
}

/// A name's words: `deleteRepo`, `delete_repo`, `delete-repo`, `DELETERepo`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut rest = name.chars().take(200).peekable();
    while let Some(c) = rest.next() {
        let begins = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_ascii_digit()
                || (before.is_uppercase() && rest.peek().is_some_and(|next| next.is_lowercase())));
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a tool's name says of it.
struct Look {
    writes: bool,
    runs: bool,
}

impl Look {
    fn fields(&self, value: &Value, depth: usize, left: &mut usize, found: &mut Found) {
        let Value::Object(fields) = value else { return };
        self.command(fields, found);
        for (name, value) in fields {
            if *left == 0 {
                return;
            }
            *left -= 1;
            let lower = name.to_ascii_lowercase();
            match value {
                Value::String(text) => self.text(&lower, text, found),
                Value::Array(values) if depth < MAX_DEPTH => {
                    for value in values.iter().take(64) {
                        match value {
                            // Each by itself; one command in parts is looked at with its fields.
                            Value::String(text) if lower.ends_with("commands") => {
                                found.command(text);
                            }
                            Value::String(text)
                                if lower.contains("sql")
                                    || lower.contains("quer")
                                    || lower.contains("statement")
                                    || lower.contains("path") =>
                            {
                                self.text(lower.trim_end_matches('s'), text, found)
                            }
                            value => self.fields(value, depth + 1, left, found),
                        }
                    }
                }
                value if depth < MAX_DEPTH => self.fields(value, depth + 1, left, found),
                _ => {}
            }
        }
    }

    /// A command with its arguments, in one text, in a list, or in both.
    fn command(&self, fields: &serde_json::Map<String, Value>, found: &mut Found) {
        let get = |names: &[&str]| {
            fields
                .iter()
                .find(|(name, _)| names.contains(&name.to_ascii_lowercase().as_str()))
                .map(|(_, value)| value)
        };
        let list = |value: Option<&Value>| -> Vec<String> {
            match value {
                Some(Value::Array(values)) => values
                    .iter()
                    .filter_map(Value::as_str)
                    .take(512)
                    .map(str::to_owned)
                    .collect(),
                Some(Value::String(text)) => vec![text.clone()],
                _ => Vec::new(),
            }
        };
        let command = get(&[
            "command",
            "cmd",
            "program",
            "executable",
            "binary",
            "argv",
            "commandline",
            "command_line",
            "exec",
        ]);
        let arguments = list(get(&["args", "arguments", "argv", "params", "parameters"]));
        let is_list = matches!(command, Some(Value::Array(_)));
        let mut words = list(command);
        if words.is_empty() {
            if self.runs && arguments.len() > 1 {
                words.clone_from(&arguments);
            } else {
                return;
            }
        } else {
            words.extend(arguments.iter().cloned());
        }
        if is_list || !arguments.is_empty() {
            let line: Vec<String> = words
                .iter()
                .map(|word| shell_words::quote(word).into_owned())
                .collect();
            found.command(&line.join(" "));
        }
        if let Some(Value::String(command)) = command {
            let line = [command.as_str()]
                .into_iter()
                .chain(arguments.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join(" ");
            found.command(&line);
        }
    }

    fn text(&self, name: &str, text: &str, found: &mut Found) {
        let short = &text[..text.floor_char_boundary(super::MAX_COMMAND)];
        match name {
            "sql" | "query" | "statement" | "sql_query" | "sqlquery" | "stmt" => {
                if let Some(part) = sql::destructive(short) {
                    found.add(reason::SQL, part);
                }
            }
            "script" | "shell" | "bash" | "code" if self.runs || name != "code" => {
                found.command(text)
            }
            "input" | "keys" | "text" if self.runs => found.command(text),
            "path" | "file" | "file_path" | "filepath" | "filename" | "destination" | "dest"
            | "target" | "to" | "uri" | "source" | "target_path" | "new_path" => {
                let full = paths::normal(text, None);
                if self.writes
                    && let Some(reason) = paths::written(&full)
                {
                    found.add(reason, text);
                } else if paths::is_secret(&full) && !full.contains(' ') {
                    found.add(paths::SECRETS, text);
                }
            }
            _ => {}
        }
    }
}
