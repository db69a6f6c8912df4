//! Which background tasks of an agent run.
//!
//! Claude Code from 2.1.330 on says so itself (`background_tasks_changed`). Before that it has to be
//! told from the tool calls: a result says that a command or an agent runs on under a name, and
//! later ones that it was killed or has ended. 2.0.x does not say when a command ends by itself, so
//! a task counts as running until somebody has looked.

use crate::domain::stream_state::MAX_FOLLOWED;
use crate::domain::{Session, Tool};
use crate::json::Members;

/// A tool call: notes one that looks after a task, whose result does not name it.
pub(super) fn called(session: &mut Session, call: &str, tool: &str, input: &str) {
    // What is noted here would never be looked at, and is stored with each stretch of the journal.
    if session.stream.tells_tasks {
        return;
    }
    let Some(field) = Tool::of(tool).and_then(Tool::background_task_field) else {
        return;
    };
    let Some(task) = Members::of(input).string(field) else {
        return;
    };
    let stream = &mut session.stream;
    if session.background_tasks.contains(&task) {
        if stream.looks.len() >= MAX_FOLLOWED {
            stream.looks.remove(0);
        }
        stream.looks.push((call.to_owned(), task));
    }
}

/// A tool's result: a task may have begun, or have been found to be over.
pub(super) fn answered(session: &mut Session, call: &str, content: &str) {
    if session.stream.tells_tasks {
        return;
    }
    if let Some(task) = begun(content) {
        let known = session.background_tasks.iter().any(|known| known == task);
        if !known && session.background_tasks.len() < MAX_FOLLOWED {
            session.background_tasks.push(task.to_owned());
        }
        return;
    }
    let looks = &mut session.stream.looks;
    if let Some(at) = looks.iter().position(|(look, _)| look == call) {
        let (_, task) = looks.remove(at);
        if is_over(content) {
            ended(session, &task);
        }
    }
}

/// The task that a result says to run on.
fn begun(content: &str) -> Option<&str> {
    let rest = content
        .strip_prefix("Command running in background with ID: ")
        .or_else(|| {
            content
                .strip_prefix("Async agent launched successfully")
                .and_then(|rest| rest.split_once("agentId: "))
                .map(|(_, rest)| rest)
        })?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// Whether a look says that the task has ended.
fn is_over(content: &str) -> bool {
    let over = ["completed", "failed", "killed", "stopped", "cancelled"];
    over.iter()
        .any(|status| content.contains(&format!("<status>{status}</status>")))
        || content.contains("Successfully killed shell")
        || content.contains("Successfully stopped task")
        || content.contains("No shell found with ID")
}

/// A task has ended.
pub(super) fn ended(session: &mut Session, task: &str) {
    if !session.stream.tells_tasks {
        session.background_tasks.retain(|known| known != task);
    }
}

/// The process has ended, and its tasks with it.
pub(super) fn process_ended(session: &mut Session) {
    session.stream.looks.clear();
    session.stream.tells_tasks = false;
}
