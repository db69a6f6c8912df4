//! Subagents: turns inside a turn, waited for or beside it.
//!
//! Owns the `task_*` and `background_tasks_changed` lines and the thread of a background
//! task. What a subagent says and asks is an ordinary turn with a parent. Called by the
//! turn for `Task` calls, and by the session when an interrupt ends what runs.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::messages::{self, Parent};
use super::session::{Interrupted, MAX_TASKS, Session, Task};
use super::tools::ToolResult;
use super::turn::{Stop, Turn};

/// Runs a `Task` call: beside the turn, unless the input says to wait.
pub(super) fn run(
    session: &Arc<Session>,
    interrupts: u64,
    tool_use_id: &str,
    input: &Value,
) -> Result<ToolResult, Interrupted> {
    let text = |field: &str, default: &str| input[field].as_str().unwrap_or(default).to_owned();
    let task = Task {
        id: format!("a{}", messages::short_id(16)),
        run_id: format!("{}-{}", messages::short_id(9), messages::short_id(8)),
        tool_use_id: tool_use_id.to_owned(),
        subagent_type: text("subagent_type", "general-purpose"),
        description: text("description", "sub"),
    };
    let prompt = text("prompt", "");
    session.state().accounts.spawned();
    if input["run_in_background"] == json!(false) {
        wait_for(session, interrupts, &task, &prompt)
    } else {
        Ok(launch(session, interrupts, task, prompt))
    }
}

fn wait_for(
    session: &Arc<Session>,
    interrupts: u64,
    task: &Task,
    prompt: &str,
) -> Result<ToolResult, Interrupted> {
    write_started(session, task, prompt, false);
    let parent = parent_of(task);
    session.out.line(&messages::user(
        &session.id,
        json!([{ "type": "text", "text": prompt }]),
        Some(&parent),
        json!({}),
    ));
    let started = Instant::now();
    let mut turn = Turn::for_subagent(session, interrupts, parent);
    let played = turn.run_script(prompt);
    if matches!(played, Err(Stop::Interrupted { .. })) {
        return Err(Interrupted);
    }
    session.state().accounts.completed();
    write_ended(session, task, &turn, started, false);
    let report = format!(
        "{}\nagentId: {} (use SendMessage with to: '{}' to continue this agent)",
        turn.text, task.id, task.id
    );
    Ok(ToolResult {
        content: json!([{ "type": "text", "text": report }]),
        is_error: None,
        detail: json!({ "status": "completed", "prompt": prompt, "agentId": task.id,
            "content": [{ "type": "text", "text": turn.text }] }),
    })
}

fn launch(session: &Arc<Session>, interrupts: u64, task: Task, prompt: String) -> ToolResult {
    let tasks = {
        let mut state = session.state();
        if state.tasks.len() >= MAX_TASKS {
            return ToolResult::error("too many background tasks");
        }
        state.tasks.push(task.clone());
        state.tasks.clone()
    };
    write_changed(session, &tasks);
    write_started(session, &task, &prompt, true);
    let result = launched(session, &task, &prompt);
    let inner = Arc::clone(session);
    let thread = std::thread::Builder::new().name("task".to_owned());
    let doomed = task.clone();
    let spawned = thread.spawn(move || {
        let started = Instant::now();
        let mut turn = Turn::for_subagent(&inner, interrupts, parent_of(&task));
        let played = turn.run_script(&prompt);
        // After an interrupt the end was already told.
        if !matches!(played, Err(Stop::Interrupted { .. })) {
            write_ended(&inner, &task, &turn, started, true);
        }
        inner.task_done(&task);
    });
    match spawned {
        Ok(_) => result,
        Err(cause) => {
            session.task_done(&doomed);
            ToolResult::error(format!("cannot start a thread: {cause}"))
        }
    }
}

fn launched(session: &Session, task: &Task, prompt: &str) -> ToolResult {
    let output = output_file(session, task);
    let text = format!(
        "Async agent launched successfully.\nagentId: {}\nThe agent is working in the background. You will be notified automatically when it completes.\noutput_file: {output}",
        task.id
    );
    let model = session.state().model.clone();
    ToolResult {
        content: json!([{ "type": "text", "text": text }]),
        is_error: None,
        detail: json!({
            "isAsync": true, "status": "async_launched", "agentId": task.id,
            "description": task.description, "resolvedModel": model, "prompt": prompt,
            "outputFile": output, "canReadOutputFile": true, "canContinueAgent": true,
        }),
    }
}

fn write_started(session: &Session, task: &Task, prompt: &str, background: bool) {
    let fields = json!({
        "task_id": task.id, "run_id": task.run_id, "tool_use_id": task.tool_use_id,
        "description": task.description, "subagent_type": task.subagent_type,
        "is_backgrounded": background, "spawn_depth": 1, "task_type": "local_agent",
        "prompt": prompt,
    });
    write(session, "task_started", fields);
}

/// What a subagent does now.
pub(super) fn write_progress(session: &Session, parent: &Parent, tool: &str, input: &Value) {
    let subject = input["command"].as_str().unwrap_or(tool);
    let fields = json!({
        "task_id": parent.agent_id, "run_id": parent.run_id, "tool_use_id": parent.tool_use_id,
        "description": format!("Running {subject}"), "subagent_type": parent.subagent_type,
        "usage": { "total_tokens": 125, "tool_uses": 1, "duration_ms": 0 },
        "last_tool_name": tool,
    });
    write(session, "task_progress", fields);
}

fn write_ended(session: &Session, task: &Task, turn: &Turn, started: Instant, report: bool) {
    write_updated(session, task, "completed");
    let mut fields = notification(session, task, "completed", &turn.text);
    if report {
        messages::extend(&mut fields, json!({ "summary_is_report": true }));
    }
    let duration = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    messages::extend(
        &mut fields,
        json!({ "usage": { "total_tokens": turn.tokens.total(), "tool_uses": turn.tool_uses,
            "duration_ms": duration } }),
    );
    write(session, "task_notification", fields);
}

/// The lines that tell that an interrupt ended a background task.
pub(super) fn write_stopped(session: &Session, task: &Task) {
    write_updated(session, task, "killed");
    let fields = notification(session, task, "stopped", &task.description);
    write(session, "task_notification", fields);
    write_changed(session, &[]);
}

fn write_updated(session: &Session, task: &Task, status: &str) {
    let fields = json!({
        "task_id": task.id, "run_id": task.run_id,
        "patch": { "status": status, "end_time": messages::unix_millis() },
    });
    write(session, "task_updated", fields);
}

/// The line that tells which background tasks run now.
pub(super) fn write_changed(session: &Session, tasks: &[Task]) {
    let tasks: Vec<Value> = tasks
        .iter()
        .map(|task| {
            json!({
                "task_id": task.id, "run_id": task.run_id, "task_type": "local_agent",
                "subagent_type": task.subagent_type, "description": task.description,
            })
        })
        .collect();
    write(
        session,
        "background_tasks_changed",
        json!({ "tasks": tasks }),
    );
}

fn notification(session: &Session, task: &Task, status: &str, summary: &str) -> Value {
    json!({
        "task_id": task.id, "run_id": task.run_id, "tool_use_id": task.tool_use_id,
        "status": status, "output_file": output_file(session, task), "summary": summary,
    })
}

fn write(session: &Session, subtype: &str, fields: Value) {
    session
        .out
        .line(&messages::system(&session.id, subtype, fields));
}

fn output_file(session: &Session, task: &Task) -> String {
    let project = session.cwd.replace('/', "-");
    format!(
        "/tmp/claude-0/{project}/{}/tasks/{}.output",
        session.id, task.id
    )
}

fn parent_of(task: &Task) -> Parent {
    Parent {
        tool_use_id: task.tool_use_id.clone(),
        agent_id: task.id.clone(),
        run_id: task.run_id.clone(),
        subagent_type: task.subagent_type.clone(),
        description: task.description.clone(),
    }
}
