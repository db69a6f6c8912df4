//! The command line of the scripted agent: Claude Code's flags, most of them ignored.
//!
//! Owns the reading of flags; decides nothing about the session. Unlike a real command
//! line it never refuses one, so that a newer launcher can be tried against it. Only a
//! permission mode that does not exist is refused, in Claude Code's words.

use std::path::PathBuf;

/// Flags that are followed by one value and change nothing here. A flag that is in neither
/// list takes no value.
const IGNORED_WITH_VALUE: &[&str] = &[
    "--input-format",
    "--output-format",
    "--mcp-config",
    "--append-system-prompt",
    "--system-prompt",
    "--max-turns",
    "--max-budget-usd",
    "--settings",
    "--setting-sources",
    "--fallback-model",
    "--agents",
    "--agent",
    "--effort",
    "--max-thinking-tokens",
    "--json-schema",
    "--betas",
    "--plugin-dir",
    "--name",
    "-n",
];

/// Flags that take every following word up to the next flag.
const IGNORED_WITH_VALUES: &[&str] = &["--add-dir", "--allowedTools", "--allowed-tools"];

/// What the command line asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Options {
    /// `--version`: print it and leave.
    pub(super) version: bool,
    /// `--help`: print it and leave.
    pub(super) help: bool,
    /// `--script FILE`.
    pub(super) script: Option<PathBuf>,
    /// `--session-id UUID`.
    pub(super) session_id: Option<String>,
    /// `--resume ID`.
    pub(super) resume: Option<String>,
    /// `--fork-session`.
    pub(super) fork_session: bool,
    /// `--model M`.
    pub(super) model: Option<String>,
    /// `--permission-mode MODE`.
    pub(super) permission_mode: Option<String>,
    /// `--dangerously-skip-permissions`.
    pub(super) skip_permissions: bool,
    /// `--permission-prompt-tool T`: only `stdio` lets it ask.
    pub(super) permission_prompt_tool: Option<String>,
    /// `--include-partial-messages`.
    pub(super) partial_messages: bool,
    /// `--replay-user-messages`.
    pub(super) replay_user_messages: bool,
}

/// Reads the arguments.
pub(super) fn parse(words: impl IntoIterator<Item = String>) -> Options {
    let mut options = Options::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let (flag, inline) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => {
                (flag.to_owned(), Some(value.to_owned()))
            }
            Some(_) | None => (word, None),
        };
        let mut value = || inline.clone().or_else(|| words.next());
        match flag.as_str() {
            "--version" | "-v" => options.version = true,
            "--help" | "-h" => options.help = true,
            "--fork-session" => options.fork_session = true,
            "--dangerously-skip-permissions" => options.skip_permissions = true,
            "--include-partial-messages" => options.partial_messages = true,
            "--replay-user-messages" => options.replay_user_messages = true,
            "--script" => options.script = value().map(PathBuf::from),
            "--session-id" => options.session_id = value(),
            "--resume" | "-r" => options.resume = value(),
            "--model" => options.model = value(),
            "--permission-mode" => options.permission_mode = value(),
            "--permission-prompt-tool" => options.permission_prompt_tool = value(),
            other if IGNORED_WITH_VALUE.contains(&other) => drop(value()),
            other if IGNORED_WITH_VALUES.contains(&other) => {
                while words.next_if(|word| !word.starts_with('-')).is_some() {}
            }
            _ => {}
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Options {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_launchers_line_is_understood() {
        let options = read(
            "-p --input-format stream-json --output-format stream-json --verbose \
             --permission-prompt-tool stdio --include-partial-messages --session-id abc \
             --model opus --permission-mode plan --add-dir /a /b --replay-user-messages \
             --max-turns 3",
        );
        assert_eq!(
            options,
            Options {
                session_id: Some("abc".into()),
                model: Some("opus".into()),
                permission_mode: Some("plan".into()),
                permission_prompt_tool: Some("stdio".into()),
                partial_messages: true,
                replay_user_messages: true,
                ..Options::default()
            }
        );
    }

    #[test]
    fn values_may_be_joined_by_an_equals_sign() {
        let options = read("--resume=abc --fork-session --script=/x --new-flag=1 --version");
        assert_eq!(options.resume.as_deref(), Some("abc"));
        assert!(options.fork_session && options.version);
        assert_eq!(options.script, Some(PathBuf::from("/x")));
    }
}
