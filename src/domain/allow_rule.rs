//! Which other requests a granted “always allow” rule covers.
//!
//! A person who grants a rule for one request has decided about the other pending requests that the
//! rule covers, and is not asked about them again. The reading of a rule here is narrower than Claude
//! Code's own: whatever is not certain to be covered stays pending. Pure.
//!
//! | rule | covers |
//! | --- | --- |
//! | `Bash(git push:*)`, `Bash(git push *)` | that command and the same with arguments; never a compound command, a redirection or an expansion |
//! | `Bash(git push)` | exactly that command |
//! | `Tool`, `mcp__server__tool` | each call of the tool; of the files that it names, only those that [`super::workspace`] covers |
//! | `mcp__server`, `mcp__server__*` | each tool of the server, likewise |
//! | `WebFetch(domain:example.com)` | pages of exactly that host |
//! | `Edit(…)`, `Read(…)` | files of that pattern for which the agent suggests the same rule, because only the agent knows where links lead |

use std::path::Path;

use serde_json::Value;

use super::approval::{Approval, Kind, Outcome, Source};
use super::danger::dangers;
use super::permission;
use super::tool::{FILE_PATH, Tool};

/// The reason that Claude Code gives where no rule allows a command: asked for want of a rule.
const NO_RULE_YET: &str = "This command requires approval";

/// Characters by which a command may be more than one program with plain arguments.
const SHELL_SYNTAX: &[char] = &[
    ';', '&', '|', '<', '>', '`', '$', '(', ')', '{', '}', '\n', '\r', '\\', '!', '#', '~', '*',
    '?', '[', ']',
];

/// A rule that allows, as Claude Code has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRule {
    /// The tool, or an MCP server.
    pub tool: String,
    /// What it is restricted to; none: every call.
    pub content: Option<String>,
}

impl std::fmt::Display for AllowRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.content {
            Some(content) => write!(f, "{}({content})", self.tool),
            None => f.write_str(&self.tool),
        }
    }
}

/// The rules that permission updates grant.
#[must_use]
pub fn granted(updates: &[Value]) -> Vec<AllowRule> {
    updates
        .iter()
        .filter(|update| permission::is_allow_rule(update))
        .filter_map(|update| update.get("rules")?.as_array())
        .flatten()
        .filter_map(rule)
        .collect()
}

fn rule(json: &Value) -> Option<AllowRule> {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    Some(AllowRule {
        tool: text("toolName").filter(|tool| !tool.is_empty())?.to_owned(),
        content: text("ruleContent")
            .filter(|content| !content.is_empty())
            .map(str::to_owned),
    })
}

/// The first of the granted rules that covers a pending request beside the one that it was granted
/// for. `covers_files` tells whether a rule for a whole tool covers the files that a call names; it is
/// asked last.
#[must_use]
pub fn covering<'a>(
    rules: &'a [AllowRule],
    granted_for: &Approval,
    other: &Approval,
    working_dir: Option<&str>,
    covers_files: impl FnOnce(&Approval) -> bool,
) -> Option<&'a AllowRule> {
    let is_same_request =
        other.tool_name == granted_for.tool_name && other.tool_input == granted_for.tool_input;
    let is_open = other.outcome == Outcome::Pending
        && other.kind == Kind::Permission
        && other.source == Source::Claude
        && other.input_state.is_readable();
    // Claude Code names a path that stopped it. A rule opens only what is in the working directory: for
    // another one it asks again (seen on 2.1.330), and in 2.0 it suggests no rule then.
    let is_stopped_by_path = other.blocked_path.as_deref().is_some_and(|path| {
        let is_same = is_same_request && granted_for.blocked_path.as_deref() == Some(path);
        !(is_same && working_dir.is_some_and(|directory| is_inside(directory, path)))
    });
    // Asked for another reason than the want of a rule: no rule is sure to answer that.
    let wants_a_rule = !is_stopped_by_path
        && !granted(&other.suggestions).is_empty()
        && other
            .decision_reason
            .as_deref()
            .is_none_or(|reason| reason == NO_RULE_YET);
    if !is_open || !wants_a_rule {
        return None;
    }
    let rule = rules.iter().find(|rule| rule.covers(other))?;
    // A dangerous command is decided by itself, unless it is the very one that was decided. Judging one
    // costs most, so it comes last.
    let is_harmless = is_same_request || dangers(&other.tool_name, &other.tool_input).is_empty();
    let is_covered =
        is_harmless && (is_same_request || rule.content.is_some() || covers_files(other));
    is_covered.then_some(rule)
}

impl AllowRule {
    /// Whether it covers a call, whatever that was asked for.
    fn covers(&self, call: &Approval) -> bool {
        let Some(content) = self.content.as_deref() else {
            return self.names(&call.tool_name);
        };
        let field = |name: &str| call.tool_input.get(name).and_then(Value::as_str);
        let called = Tool::of(&call.tool_name);
        match Tool::of(&self.tool) {
            Some(Tool::Bash) => {
                called == Some(Tool::Bash)
                    && field("command").is_some_and(|command| covers_command(content, command))
            }
            Some(Tool::WebFetch) => {
                called == Some(Tool::WebFetch)
                    && field("url").is_some_and(|url| covers_url(content, url))
            }
            Some(Tool::Edit) => {
                self.covers_file(content, call, called.and_then(Tool::changed_path_field))
            }
            Some(Tool::Read) => {
                let path = (called == Some(Tool::Read)).then_some(FILE_PATH);
                self.covers_file(content, call, path)
            }
            Some(_) | None => false,
        }
    }

    /// Whether it names a tool, or the MCP server of one.
    fn names(&self, tool: &str) -> bool {
        if self.tool == tool {
            return true;
        }
        let server = self.tool.strip_suffix("__*").unwrap_or(&self.tool);
        let is_server = server
            .strip_prefix("mcp__")
            .is_some_and(|name| !name.is_empty() && !name.contains("__") && !name.contains('*'));
        is_server
            && tool
                .strip_prefix(server)
                .and_then(|rest| rest.strip_prefix("__"))
                .is_some_and(|name| !name.is_empty())
    }

    /// Whether it covers a call that has the path of its file in `field`; a call of another tool has none.
    fn covers_file(&self, content: &str, call: &Approval, field: Option<&str>) -> bool {
        let path = field
            .and_then(|field| call.tool_input.get(field))
            .and_then(Value::as_str);
        path.is_some_and(|path| covers_path(content, path))
            && granted(&call.suggestions).contains(self)
    }
}

fn is_inside(directory: &str, path: &str) -> bool {
    let path = Path::new(path);
    let has_parent = path
        .components()
        .any(|part| part == std::path::Component::ParentDir);
    !has_parent && Path::new(directory).is_absolute() && path.starts_with(directory)
}

fn covers_command(content: &str, command: &str) -> bool {
    if command == content {
        return true;
    }
    let prefix = content
        .strip_suffix(":*")
        .or_else(|| content.strip_suffix(" *"));
    let Some(prefix) = prefix.filter(|prefix| !prefix.trim().is_empty()) else {
        return false;
    };
    let rest = command.strip_prefix(prefix);
    let is_prefix = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    // Where the prefix itself has something of the shell's syntax, only Claude Code knows what it means.
    is_prefix && !prefix.contains(SHELL_SYNTAX) && !command.contains(SHELL_SYNTAX)
}

fn covers_url(content: &str, url: &str) -> bool {
    let Some(domain) = content.strip_prefix("domain:") else {
        return false;
    };
    let host = url::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    !domain.is_empty() && host.is_some_and(|host| host.eq_ignore_ascii_case(domain))
}

/// Only patterns from the root: `//dir/**` and `//dir/file`.
fn covers_path(content: &str, path: &str) -> bool {
    let Some(pattern) = content
        .strip_prefix('/')
        .filter(|rest| rest.starts_with('/'))
    else {
        return false;
    };
    let is_plain = path.starts_with('/')
        && !path.ends_with('/')
        && !path
            .split('/')
            .skip(1)
            .any(|part| part.is_empty() || part == "." || part == "..");
    if !is_plain {
        return false;
    }
    match pattern.strip_suffix("/**") {
        Some(directory) => {
            !directory.contains(['*', '?', '[', '!'])
                && path
                    .strip_prefix(directory)
                    .is_some_and(|rest| rest.starts_with('/'))
        }
        None => !pattern.contains(['*', '?', '[', '!']) && path == pattern,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(tool: &str, content: Option<&str>) -> AllowRule {
        AllowRule {
            tool: tool.to_owned(),
            content: content.map(str::to_owned),
        }
    }

    /// A request for which the agent suggests some rule.
    fn call(tool: &str, input: Value) -> Approval {
        Approval {
            suggestions: vec![json!({"type": "addRules", "behavior": "allow",
                "destination": "session", "rules": [{"toolName": "Any"}]})],
            ..Approval::example(tool, Source::Claude, input)
        }
    }

    fn bash(command: &str) -> Approval {
        call("Bash", json!({"command": command}))
    }

    fn is_covered(rule: AllowRule, other: &Approval) -> bool {
        let first = bash("something else");
        covering(&[rule], &first, other, Some("/work"), |_| true).is_some()
    }

    #[test]
    fn a_rule_covers_what_its_pattern_says_and_no_more() {
        let push = "git push:*";
        let cases = [
            ("Bash", Some(push), "git push", true),
            ("Bash", Some(push), "git push origin main", true),
            ("Bash", Some("git push *"), "git push origin main", true),
            ("Bash", Some("git push"), "git push", true),
            ("Bash", Some("git push"), "git push origin", false),
            ("Bash", Some(push), "git pushx", false),
            ("Bash", Some(push), " git push", false),
            ("Bash", Some(push), "git  push", false),
            ("Bash", Some(push), "sudo git push", false),
            ("Bash", Some(push), "X=1 git push", false),
            ("Bash", Some(push), "git push && touch x", false),
            ("Bash", Some(push), "git push; touch x", false),
            ("Bash", Some(push), "git push | tee x", false),
            ("Bash", Some(push), "git push &", false),
            ("Bash", Some(push), "git push > x", false),
            ("Bash", Some(push), "git push < x", false),
            ("Bash", Some(push), "git push $(cat x)", false),
            ("Bash", Some(push), "git push `cat x`", false),
            ("Bash", Some(push), "git push $X", false),
            ("Bash", Some(push), "git push\ntouch x", false),
            ("Bash", Some(push), "git push \\\n x", false),
            ("Bash", Some(push), "git push {a,b}", false),
            ("Bash", Some("git:push*"), "git:pushes", false),
            ("Bash", Some("npm * test"), "npm run test", false),
            ("Bash", Some(":*"), "anything", false),
            ("Bash", Some("*"), "anything", false),
            ("Bash", Some("a && b"), "a && b", true),
            ("Bash", None, "a && b", true),
            ("Read", None, "ls", false),
            ("Bash(ls)", None, "ls", false),
        ];
        for (tool, content, command, expected) in cases {
            let rule = rule(tool, content);
            assert_eq!(
                is_covered(rule.clone(), &bash(command)),
                expected,
                "{rule} {command}"
            );
        }
    }

    #[test]
    fn tools_servers_and_hosts_are_matched_whole() {
        let fetch = |url: &str| call("WebFetch", json!({"url": url}));
        let cases = [
            (
                rule("mcp__db__query", None),
                call("mcp__db__query", json!({})),
                true,
            ),
            (
                rule("mcp__db", None),
                call("mcp__db__query", json!({})),
                true,
            ),
            (
                rule("mcp__db__*", None),
                call("mcp__db__query", json!({})),
                true,
            ),
            (
                rule("mcp__db", None),
                call("mcp__db2__query", json!({})),
                false,
            ),
            (
                rule("mcp__", None),
                call("mcp__db__query", json!({})),
                false,
            ),
            (rule("mcp", None), call("mcp__db__query", json!({})), false),
            (
                rule("mcp__db__q", None),
                call("mcp__db__query", json!({})),
                false,
            ),
            (
                rule("WebFetch", Some("domain:a.com")),
                fetch("https://a.com/x"),
                true,
            ),
            (
                rule("WebFetch", Some("domain:a.com")),
                fetch("https://A.com:8443/x"),
                true,
            ),
            (
                rule("WebFetch", Some("domain:a.com")),
                fetch("https://b.a.com/"),
                false,
            ),
            (
                rule("WebFetch", Some("domain:a.com")),
                fetch("https://a.com.evil/"),
                false,
            ),
            (
                rule("WebFetch", Some("domain:a.com")),
                fetch("https://a.com@evil/"),
                false,
            ),
            (
                rule("WebFetch", Some("domain:a.com")),
                fetch("a.com"),
                false,
            ),
            (rule("Task", Some("x")), call("Task", json!({})), false),
        ];
        for (rule, call, expected) in cases {
            assert_eq!(
                is_covered(rule.clone(), &call),
                expected,
                "{rule} {}",
                call.tool_input
            );
        }
    }

    #[test]
    fn a_file_is_covered_where_the_agent_suggests_the_same_rule() {
        let suggestion = |content: &str| {
            json!({"type": "addRules", "behavior": "allow", "destination": "session",
                "rules": [{"toolName": "Read", "ruleContent": content}]})
        };
        let read = |path: &str, suggestions: Vec<Value>| Approval {
            suggestions,
            ..Approval::example("Read", Source::Claude, json!({"file_path": path}))
        };
        let cases = [
            ("//srv/data/**", "/srv/data/a", true),
            ("//srv/data/**", "/srv/data/b/c", true),
            ("//srv/data/**", "/srv/data/../x", false),
            ("//srv/data/**", "/srv/database", false),
            ("//srv/data/**", "srv/data/a", false),
            ("//srv/d*/**", "/srv/data/a", false),
            ("//srv/data/a", "/srv/data/a", true),
            ("/srv/data/**", "/srv/data/a", false),
            ("~/data/**", "/root/data/a", false),
        ];
        for (content, path, expected) in cases {
            let granted = rule("Read", Some(content));
            let same = read(path, vec![suggestion(content)]);
            assert_eq!(
                is_covered(granted.clone(), &same),
                expected,
                "{content} {path}"
            );
            let other_rule = read(path, vec![suggestion("//other/**")]);
            assert!(!is_covered(granted, &other_rule), "{content} {path}");
        }
    }

    #[test]
    fn what_is_asked_for_another_reason_or_of_another_kind_stays_pending() {
        let granted = || rule("Bash", Some("git push:*"));
        let push = || bash("git push origin");
        assert!(is_covered(granted(), &push()));
        let others = [
            Approval {
                outcome: Outcome::Denied,
                ..push()
            },
            Approval {
                kind: Kind::Plan,
                ..push()
            },
            Approval {
                source: Source::Mcp,
                ..push()
            },
            Approval {
                blocked_path: Some("/etc".into()),
                ..push()
            },
            Approval {
                decision_reason: Some("an ask rule".into()),
                ..push()
            },
            Approval {
                suggestions: vec![json!({"type": "addDirectories"})],
                ..push()
            },
        ];
        for other in others {
            assert!(!is_covered(granted(), &other), "{other:?}");
        }
        let usual = Approval {
            decision_reason: Some(NO_RULE_YET.into()),
            ..push()
        };
        assert!(is_covered(granted(), &usual));
    }

    #[test]
    fn a_path_that_stops_a_command_is_opened_by_a_rule_only_in_the_working_directory() {
        let rules = [rule("Bash", Some("touch a *"))];
        let touch = |path: &str| Approval {
            blocked_path: Some(path.to_owned()),
            ..bash("touch a")
        };
        for (first, other, expected) in [
            ("/work/a", "/work/a", true),
            ("/work/a", "/work/b", false),
            ("/out/a", "/out/a", false),
            ("/work/../a", "/work/../a", false),
        ] {
            let covered = covering(&rules, &touch(first), &touch(other), Some("/work"), |_| {
                true
            });
            assert_eq!(covered.is_some(), expected, "{first} {other}");
            assert!(covering(&rules, &touch(first), &touch(other), None, |_| true).is_none());
        }
    }

    #[test]
    fn a_dangerous_command_is_decided_by_itself_unless_it_is_the_same() {
        let rules = [rule("Bash", Some("git push:*"))];
        let force = bash("git push --force");
        assert!(covering(&rules, &bash("git push"), &force, None, |_| true).is_none());
        assert!(covering(&rules, &force, &force, None, |_| true).is_some());
    }

    #[test]
    fn a_rule_for_a_whole_tool_covers_only_files_of_the_workspace() {
        let write = |path: &str| call("Write", json!({"file_path": path}));
        let first = write("/work/a");
        let rules = [rule("Write", None)];
        let is_covered = |other: &Approval, files: bool| {
            covering(&rules, &first, other, Some("/work"), |_| files).is_some()
        };
        assert!(is_covered(&write("/work/b"), true));
        assert!(!is_covered(&write("/work/b"), false));
        assert!(is_covered(&first, false), "it is the very one");
        let server = [rule("mcp__files", None)];
        let other = call("mcp__files__store", json!({"path": "/work/b"}));
        assert!(covering(&server, &first, &other, None, |_| true).is_some());
        assert!(covering(&server, &first, &other, None, |_| false).is_none());
    }

    #[test]
    fn only_updates_that_allow_grant_a_rule() {
        let rules = json!([{"toolName": "Bash", "ruleContent": "ls"}]);
        let of = |kind: &str, behavior: &str| {
            granted(&[json!({"type": kind, "behavior": behavior, "rules": rules})])
        };
        assert_eq!(of("addRules", "allow"), [rule("Bash", Some("ls"))]);
        assert_eq!(of("addRules", "deny"), []);
        assert_eq!(of("addRules", "ask"), []);
        assert_eq!(of("removeRules", "allow"), []);
        assert_eq!(
            granted(&[json!({"type": "setMode", "mode": "acceptEdits"}), json!(1)]),
            []
        );
    }

    proptest! {
        /// Whatever a prefix rule covers is one program with plain arguments.
        #[test]
        fn a_covered_command_has_no_shell_syntax(command in r"git push[ -~\n]{0,20}") {
            if covers_command("git push:*", &command) {
                prop_assert!(!command.contains(SHELL_SYNTAX));
                let words = shell_words::split(&command);
                prop_assert!(words.is_err() || words.unwrap()[..2] == ["git", "push"]);
            }
        }
    }
}
