//! What the user hands in: texts, JSON, directories, the environment.
//!
//! Owns reading standard input where `-` stands for it and turning arguments
//! into what the wire wants. A wrong argument is a usage failure that says
//! what would be right.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::exit::Failure;

/// Longest text read from standard input: what one request can carry.
const INPUT_BYTES: u64 = 10 * 1024 * 1024;

/// The text itself, or standard input for `-`.
pub fn text(argument: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut read = String::new();
    std::io::stdin()
        .lock()
        .take(INPUT_BYTES + 1)
        .read_to_string(&mut read)
        .map_err(|cause| Failure::failed(format!("reading standard input: {cause}")))?;
    if read.len() as u64 > INPUT_BYTES {
        return Err(Failure::usage("standard input is longer than 10 MiB"));
    }
    Ok(read)
}

/// Like [`text`], for what must not be empty.
pub fn message(argument: &str, what: &str) -> Result<String, Failure> {
    let text = text(argument)?;
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("the {what} is empty")));
    }
    Ok(text)
}

/// JSON from an argument, or standard input for `-`.
pub fn json(argument: &str, what: &str) -> Result<Value, Failure> {
    let text = text(argument)?;
    let are = match what {
        "parameters" => "are",
        _ => "is",
    };
    serde_json::from_str(&text)
        .map_err(|cause| Failure::usage(format!("{what} {are} not valid JSON: {cause}")))
}

/// JSON from an argument that begins as an object does, else from the file of that name.
pub fn json_or_file(argument: &str, what: &str) -> Result<Value, Failure> {
    if argument == "-" || argument.trim_start().starts_with('{') {
        return json(argument, what);
    }
    let text = std::fs::read_to_string(argument)
        .map_err(|cause| Failure::usage(format!("{what}: reading {argument}: {cause}")))?;
    serde_json::from_str(&text)
        .map_err(|cause| Failure::usage(format!("{what}: {argument} is not valid JSON: {cause}")))
}

/// A directory as an absolute path; `~` means the home directory.
pub fn directory(path: &Path) -> Result<String, Failure> {
    let is_whole = path.is_absolute() || path.starts_with("~");
    let here = match std::env::current_dir() {
        Ok(here) => here,
        Err(_) if is_whole => std::path::PathBuf::from("/"),
        Err(cause) => {
            let name = named_directory().unwrap_or_default();
            return Err(
                Failure::usage(format!("the working directory {name} is gone: {cause}"))
                    .with_hint("change to one that exists, or name one in full: --working-dir DIR"),
            );
        }
    };
    let home = std::env::home_dir().unwrap_or_else(|| here.clone());
    let found = crate::config::expand(path, &home, &here)
        .canonicalize()
        .map_err(|cause| Failure::usage(format!("directory {}: {cause}", path.display())))?;
    if !found.is_dir() {
        return Err(Failure::usage(format!(
            "{} is not a directory",
            path.display()
        )));
    }
    found.into_os_string().into_string().map_err(|_| {
        Failure::usage(format!(
            "the name of directory {} is not valid UTF-8",
            path.display()
        ))
    })
}

/// The name of the working directory, which may be gone, as the shell has it.
pub fn named_directory() -> Option<String> {
    std::env::var("PWD")
        .ok()
        .filter(|name| name.starts_with('/'))
}

/// This program's environment, for the agent. JSON cannot carry what is not UTF-8.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Splits names of tools at commas, but not within parentheses: `Read,Bash(git log a,b)`.
pub fn tools(arguments: &[String]) -> Option<Vec<String>> {
    let mut tools = Vec::new();
    for argument in arguments {
        let mut depth = 0usize;
        let parts = argument.split(|c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        });
        tools.extend(
            parts
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned),
        );
    }
    (!tools.is_empty()).then_some(tools)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::commands::exit::Exit;

    #[test]
    fn tools_are_split_outside_parentheses() {
        let given = ["Read, Bash(git log a,b)".to_owned(), "Edit,".to_owned()];
        assert_eq!(
            tools(&given).unwrap(),
            ["Read", "Bash(git log a,b)", "Edit"]
        );
        assert_eq!(tools(&[]), None);
    }

    #[test]
    fn json_comes_from_the_argument_or_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mcp.json");
        std::fs::write(&file, r#"{"mcpServers": {}}"#).unwrap();
        let from_file = json_or_file(file.to_str().unwrap(), "--mcp-config").unwrap();
        let given = json_or_file(r#" {"mcpServers": {}}"#, "--mcp-config").unwrap();
        assert_eq!(from_file, given);
        for wrong in ["{", "/no/such/file"] {
            let failure = json_or_file(wrong, "--mcp-config").unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
        }
    }

    #[test]
    fn directories_become_absolute_and_must_be_there() {
        assert!(directory(Path::new(".")).unwrap().starts_with('/'));
        assert_eq!(
            directory(Path::new("/no/such")).unwrap_err().exit(),
            Exit::Usage
        );
    }
}
