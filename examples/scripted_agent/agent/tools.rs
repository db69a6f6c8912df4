//! What a tool call does once it may run.
//!
//! Owns the effects: `Bash` really runs, `Write` and `Edit` really write, so that a test
//! can count how often a call took place. Every other tool only says that it ran. Knows
//! nothing of permission; called by the turn, after the question.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use super::session::{Interrupted, Session};

/// How often a running command looks whether it was interrupted.
const GLANCE: Duration = Duration::from_millis(20);

/// What came of a call.
#[derive(Debug, PartialEq)]
pub(super) struct ToolResult {
    /// For the model: text, or blocks.
    pub(super) content: Value,
    /// Whether the tool says that it failed; `None` where Claude Code leaves it out.
    pub(super) is_error: Option<bool>,
    /// For the screen: the `tool_use_result` field.
    pub(super) detail: Value,
}

impl ToolResult {
    /// A result of plain text.
    pub(super) fn text(text: impl Into<String>, detail: Value) -> Self {
        Self {
            content: Value::String(text.into()),
            is_error: None,
            detail,
        }
    }

    /// A call that failed or was refused.
    pub(super) fn error(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            detail: Value::String(format!("Error: {text}")),
            content: Value::String(text),
            is_error: Some(true),
        }
    }
}

/// Runs a call. Subagents are not run here: they are turns of their own.
pub(super) fn run(
    session: &Session,
    interrupts: u64,
    name: &str,
    input: &Value,
) -> Result<ToolResult, Interrupted> {
    let text = |field: &str| input[field].as_str();
    match name {
        "Bash" => match text("command") {
            Some(command) => bash(session, interrupts, command),
            None => Ok(ToolResult::error("Bash needs a command")),
        },
        "Write" => Ok(match (text("file_path"), text("content")) {
            (Some(path), Some(content)) => write(session, path, content),
            (None, _) | (_, None) => ToolResult::error("Write needs file_path and content"),
        }),
        "Edit" => Ok(
            match (text("file_path"), text("old_string"), text("new_string")) {
                (Some(path), Some(old), Some(new)) => edit(session, path, old, new),
                (None, _, _) | (_, None, _) | (_, _, None) => {
                    ToolResult::error("Edit needs file_path, old_string and new_string")
                }
            },
        ),
        "Read" => Ok(read(session, text("file_path").unwrap_or_default())),
        "AskUserQuestion" => Ok(answered(input)),
        "ExitPlanMode" => Ok(ToolResult::text(
            "User has approved exiting plan mode. You can now proceed.",
            json!({ "plan": input["plan"], "isAgent": false, "filePath": null }),
        )),
        other => Ok(ToolResult::text(
            format!("{other} done"),
            json!({ "content": format!("{other} done") }),
        )),
    }
}

fn bash(session: &Session, interrupts: u64, command: &str) -> Result<ToolResult, Interrupted> {
    // A group of its own: an interrupt ends the command and what it started, and a signal
    // to the agent's group is the agent's business.
    let child = Command::new("sh")
        .args(["-c", command])
        .current_dir(&session.cwd)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let child = match child {
        Ok(child) => child,
        Err(cause) => return Ok(ToolResult::error(format!("cannot run sh: {cause}"))),
    };
    let group = Pid::from_child(&child);
    let (done, finished) = mpsc::sync_channel(1);
    // The receiver is gone only after an interrupt, when nobody wants the output.
    std::thread::spawn(move || {
        let _ = done.send(child.wait_with_output());
    });
    loop {
        match finished.recv_timeout(GLANCE) {
            Ok(Ok(output)) => return Ok(bash_result(&output)),
            Ok(Err(cause)) => return Ok(ToolResult::error(format!("cannot wait for sh: {cause}"))),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                if session.check(interrupts).is_err() {
                    // It may have ended by itself in this moment: then there is no group.
                    let _ = kill_process_group(group, Signal::KILL);
                    return Err(Interrupted);
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Ok(ToolResult::error("the thread that waited for sh is gone"));
            }
        }
    }
}

fn bash_result(output: &Output) -> ToolResult {
    let stdout = String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned();
    let stderr = String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned();
    let both = [stdout.as_str(), stderr.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    if !output.status.success() {
        let code = output.status.code().unwrap_or(137);
        return ToolResult::error(format!("Exit code {code}\n{both}").trim_end());
    }
    let content = if both.is_empty() {
        "(Bash completed with no output)".to_owned()
    } else {
        both
    };
    ToolResult {
        content: Value::String(content),
        is_error: Some(false),
        detail: json!({
            "stdout": stdout, "stderr": stderr, "interrupted": false, "isImage": false,
            "noOutputExpected": stdout.is_empty() && stderr.is_empty(),
        }),
    }
}

fn write(session: &Session, path: &str, content: &str) -> ToolResult {
    match fs::write(absolute(session, path), content) {
        Ok(()) => ToolResult::text(
            format!("File created successfully at: {path}"),
            json!({ "type": "create", "filePath": path, "content": content,
                "structuredPatch": [], "originalFile": null }),
        ),
        Err(cause) => ToolResult::error(format!("cannot write {path}: {cause}")),
    }
}

fn edit(session: &Session, path: &str, old: &str, new: &str) -> ToolResult {
    let file = absolute(session, path);
    let before = match fs::read_to_string(&file) {
        Ok(before) => before,
        Err(cause) => return ToolResult::error(format!("cannot read {path}: {cause}")),
    };
    if !before.contains(old) {
        return ToolResult::error("String to replace not found in file.");
    }
    match fs::write(&file, before.replacen(old, new, 1)) {
        Ok(()) => ToolResult::text(
            format!("The file {path} has been updated successfully."),
            json!({ "filePath": path, "oldString": old, "newString": new,
                "originalFile": before, "structuredPatch": [], "userModified": false,
                "replaceAll": false }),
        ),
        Err(cause) => ToolResult::error(format!("cannot write {path}: {cause}")),
    }
}

fn read(session: &Session, path: &str) -> ToolResult {
    match fs::read_to_string(absolute(session, path)) {
        Ok(text) => {
            let numbered: Vec<String> = text
                .split('\n')
                .zip(1..)
                .map(|(line, number)| format!("{number}\t{line}"))
                .collect();
            let lines = numbered.len();
            ToolResult::text(
                numbered.join("\n"),
                json!({ "type": "text", "file": { "filePath": path, "content": text,
                    "numLines": lines, "startLine": 1, "totalLines": lines } }),
            )
        }
        Err(cause) => ToolResult::error(format!("cannot read {path}: {cause}")),
    }
}

fn answered(input: &Value) -> ToolResult {
    let answers: Vec<String> = input["answers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(question, answer)| format!("\"{question}\"={answer}"))
        .collect();
    ToolResult::text(
        format!(
            "Your questions have been answered: {}. You can now continue with these answers in mind.",
            answers.join(", ")
        ),
        input.clone(),
    )
}

fn absolute(session: &Session, path: &str) -> std::path::PathBuf {
    Path::new(&session.cwd).join(path)
}
