//! Whether Claude Code has something to log in with.
//!
//! Looks only whether it is there, never at what it is: whether it is still valid is known once an
//! agent runs. A login may also be somewhere else (a cloud's own tools, a key chain), so that none
//! was found is a warning.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Finding;

/// Variables that are a login, or say that a cloud has it.
const VARIABLES: [&str; 6] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
];

/// Examines the login.
pub fn examine() -> Finding {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = std::env::home_dir().unwrap_or_default();
    let directory = variable("CLAUDE_CONFIG_DIR").map(PathBuf::from);
    match find(|name| variable(name).is_some(), directory.as_deref(), &home) {
        Some(found) => Finding::ok("claude login", found),
        None => Finding::warn(
            "claude login",
            "none was found",
            "run `claude` once and log in, or set ANTHROPIC_API_KEY",
        ),
    }
}

/// Where the login is.
fn find(is_set: impl Fn(&str) -> bool, directory: Option<&Path>, home: &Path) -> Option<String> {
    if let Some(name) = VARIABLES.into_iter().find(|name| is_set(name)) {
        return Some(name.to_owned());
    }
    let own = home.join(".claude");
    let kept = directory.unwrap_or(&own);
    let credentials = kept.join(".credentials.json");
    if credentials.is_file() {
        return Some(credentials.display().to_string());
    }
    // On a Mac the secret is in the key chain, and only the account is named in a file.
    let account = directory.unwrap_or(home).join(".claude.json");
    let settings = kept.join("settings.json");
    let says = |file: &Path, keys: &[&str]| {
        let text = std::fs::read(file).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        let there = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
        keys.iter()
            .any(|key| there(key))
            .then(|| file.display().to_string())
    };
    says(&account, &["oauthAccount", "primaryApiKey"])
        .or_else(|| says(&settings, &["apiKeyHelper"]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn each_place_is_looked_at() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let none = |_: &str| false;
        assert_eq!(find(none, None, home), None);
        assert_eq!(
            find(|name| name == "ANTHROPIC_API_KEY", None, home).as_deref(),
            Some("ANTHROPIC_API_KEY")
        );
        let write = |name: &str, text: &str| std::fs::write(home.join(name), text).unwrap();
        write(".claude.json", r#"{"oauthAccount": null}"#);
        assert_eq!(find(none, None, home), None);
        write(".claude.json", r#"{"oauthAccount": {"accountUuid": "x"}}"#);
        assert!(find(none, None, home).unwrap().ends_with(".claude.json"));
        std::fs::create_dir(home.join(".claude")).unwrap();
        write(".claude/.credentials.json", "{}");
        assert!(
            find(none, None, home)
                .unwrap()
                .ends_with(".credentials.json")
        );
        let other = home.join("other");
        assert_eq!(find(none, Some(&other), home), None);
        std::fs::create_dir(&other).unwrap();
        write("other/settings.json", r#"{"apiKeyHelper": "/bin/key"}"#);
        assert!(
            find(none, Some(&other), home)
                .unwrap()
                .ends_with("settings.json")
        );
    }
}
