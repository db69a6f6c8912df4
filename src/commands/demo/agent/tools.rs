//! What a call of the demonstration's agent does once it may: commands run, files are read and written.
//!
//! Commands find the demonstration's own programs first. Knows nothing of permission.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use super::session::{Interrupted, Session};

/// How often it is looked whether a command was interrupted.
const GLANCE: Duration = Duration::from_millis(20);

/// What came of a call.
pub struct ToolResult {
    /// For the model.
    pub content: Value,
    /// Whether it failed.
    pub is_error: bool,
    /// For the screen.
    pub detail: Value,
}

impl ToolResult {
    /// A result of plain text.
    pub fn text(text: impl Into<String>, detail: Value) -> Self {
        Self {
            content: Value::String(text.into()),
            is_error: false,
            detail,
        }
    }

    /// A call that failed or was refused.
    pub fn error(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            detail: Value::String(format!("Error: {text}")),
            content: Value::String(text),
            is_error: true,
        }
    }
}

/// Runs a call.
pub fn run(session: &Session, tool: &str, input: &Value) -> Result<ToolResult, Interrupted> {
    let text = |field: &str| input[field].as_str().unwrap_or_default();
    let path = text("file_path");
    let file = session.directory.join(path);
    Ok(match tool {
        "Bash" => return bash(session, text("command")),
        "Read" => read(&file, path),
        "Write" => write(&file, path, text("content")),
        "Edit" => edit(&file, path, text("old_string"), text("new_string")),
        "AskUserQuestion" => answered(input),
        "ExitPlanMode" => ToolResult::text(
            "User has approved exiting plan mode. You can now proceed.",
            json!({ "plan": input["plan"], "isAgent": false, "filePath": null }),
        ),
        other => {
            let done = format!("{other} done");
            ToolResult::text(done.clone(), json!({ "content": done }))
        }
    })
}

fn bash(session: &Session, command: &str) -> Result<ToolResult, Interrupted> {
    let programs = session.home.join("bin");
    let path = std::env::var("PATH").unwrap_or_default();
    // A group of its own: an interrupt ends the command and what it started.
    let child = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", programs.display()))
        .current_dir(&session.directory)
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
    // Nobody wants the output after an interrupt.
    std::thread::spawn(move || {
        let _ = done.send(child.wait_with_output());
    });
    loop {
        match finished.recv_timeout(GLANCE) {
            Ok(Ok(output)) => return Ok(printed(&output)),
            Ok(Err(cause)) => return Ok(ToolResult::error(format!("cannot wait for sh: {cause}"))),
            Err(RecvTimeoutError::Disconnected) => return Err(Interrupted),
            Err(RecvTimeoutError::Timeout) => {
                if session.check().is_err() {
                    // It may have ended by itself in this moment: then there is no group.
                    let _ = kill_process_group(group, Signal::KILL);
                    return Err(Interrupted);
                }
            }
        }
    }
}

fn printed(output: &Output) -> ToolResult {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let mut both = [stdout.as_str(), stderr.as_str()]
        .join("\n")
        .trim()
        .to_owned();
    if !output.status.success() {
        let code = output.status.code().unwrap_or(137);
        return ToolResult::error(format!("Exit code {code}\n{both}").trim_end());
    }
    if both.is_empty() {
        "(Bash completed with no output)".clone_into(&mut both);
    }
    let detail =
        json!({ "stdout": stdout, "stderr": stderr, "interrupted": false, "isImage": false });
    ToolResult::text(both, detail)
}

fn read(file: &Path, path: &str) -> ToolResult {
    match fs::read_to_string(file) {
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

fn write(file: &Path, path: &str, content: &str) -> ToolResult {
    match fs::write(file, content) {
        Ok(()) => ToolResult::text(
            format!("File created successfully at: {path}"),
            json!({ "type": "create", "filePath": path, "content": content,
                "structuredPatch": [], "originalFile": null }),
        ),
        Err(cause) => ToolResult::error(format!("cannot write {path}: {cause}")),
    }
}

fn edit(file: &Path, path: &str, old: &str, new: &str) -> ToolResult {
    let before = match fs::read_to_string(file) {
        Ok(before) => before,
        Err(cause) => return ToolResult::error(format!("cannot read {path}: {cause}")),
    };
    if !before.contains(old) {
        return ToolResult::error("String to replace not found in file.");
    }
    match fs::write(file, before.replacen(old, new, 1)) {
        Ok(()) => ToolResult::text(
            format!("The file {path} has been updated successfully."),
            json!({ "filePath": path, "oldString": old, "newString": new,
                "originalFile": before, "structuredPatch": [], "userModified": false,
                "replaceAll": false }),
        ),
        Err(cause) => ToolResult::error(format!("cannot write {path}: {cause}")),
    }
}

fn answered(input: &Value) -> ToolResult {
    let answers = input["answers"].as_object().into_iter().flatten();
    let answers: Vec<String> = answers
        .map(|(question, answer)| format!("\"{question}\"={answer}"))
        .collect();
    let answers = answers.join(", ");
    ToolResult::text(
        format!(
            "Your questions have been answered: {answers}. You can now continue with these answers in mind."
        ),
        input.clone(),
    )
}
