//! A stand-in for Claude Code that plays a script instead of asking a model.
//!
//! Speaks Claude Code's stdio protocol line for line as recorded from 2.1.330, runs tool calls for real after
//! asking, and costs nothing. Tests and benches start it where the real agent would be.
//! It shares no code with the daemon on purpose: two ends that agree because they use the
//! same types would prove nothing.
//!
//! Every prompt is a script (the language is in `script.rs`); with `--script FILE`, or the variable
//! `HUMANLAYER_SCRIPTED_AGENT_SCRIPT`, the file's parts, divided by lines of `===`, replace
//! the first prompts. `HUMANLAYER_SCRIPTED_AGENT_LOG` names a file to which every received
//! line is appended as `{at, kind, line}`; `HUMANLAYER_SCRIPTED_AGENT_SAID` names a file to which
//! everything that is said is appended a moment before it goes to stdout, so that what was said is known whatever
//! becomes of stdout; `HUMANLAYER_SCRIPTED_AGENT_STATE` names a folder
//! in which sessions are kept, so that a later process can resume them.

mod accounts;
mod intake;
mod memory;
mod messages;
mod options;
mod output;
mod permissions;
mod script;
mod session;
mod speech;
mod task;
mod tools;
mod turn;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use serde_json::json;

use accounts::{Accounts, TurnEnd};
use memory::{Memory, MemoryError};
use options::Options;
use output::{Output, complain};
use permissions::{Mode, Permissions};
use session::{Prompt, Session, Work};
use turn::{Stop, Turn};

/// The permission modes, as Claude Code 2.1.133 lists them.
const MODES: [&str; 6] = [
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "default",
    "dontAsk",
    "plan",
];

/// What `--help` prints.
const HELP: &str =
    "Usage: claude [options]\n\nA scripted agent that takes Claude Code's options.\n";

/// Names the script that is played when no `--script` does.
const SCRIPT_VARIABLE: &str = "HUMANLAYER_SCRIPTED_AGENT_SCRIPT";

/// Names the folder in which sessions are kept.
const STATE_VARIABLE: &str = "HUMANLAYER_SCRIPTED_AGENT_STATE";

/// Names the file in which received lines are noted.
const LOG_VARIABLE: &str = "HUMANLAYER_SCRIPTED_AGENT_LOG";

/// Names the file in which what is said is kept.
const SAID_VARIABLE: &str = "HUMANLAYER_SCRIPTED_AGENT_SAID";

/// Runs the agent until its session is over. `words` are its arguments. Exit code 0 as Claude Code's: after SIGINT, `end_session`, or the
/// end of stdin once idle; 1 after a line that is not JSON, or if it cannot start.
#[must_use]
pub fn run(words: impl IntoIterator<Item = String>) -> ExitCode {
    let options = options::parse(words);
    if options.version {
        let version = format!("{} (scripted)\n", messages::VERSION);
        return match io::stdout().write_all(version.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    if let Some(mode) = &options.permission_mode
        && !MODES.contains(&mode.as_str())
    {
        let known = MODES.join(", ");
        complain(&format!(
            "error: option '--permission-mode <mode>' argument '{mode}' is invalid. Allowed choices are {known}."
        ));
        return ExitCode::FAILURE;
    }
    if options.help {
        return match io::stdout().write_all(HELP.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    if let Some(id) = &options.session_id
        && uuid::Uuid::parse_str(id).is_err()
    {
        complain("Error: Invalid session ID. Must be a valid UUID.");
        return ExitCode::FAILURE;
    }
    match begin(options) {
        Ok(session) => {
            serve(&session);
            session.out.exit(0)
        }
        Err(cause) => {
            complain(&cause.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Why the agent cannot start. What Claude Code would say is said without additions.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("the scripted agent cannot start: {0}")]
    System(#[from] io::Error),
}

fn begin(options: Options) -> Result<Arc<Session>, StartError> {
    let script = options
        .script
        .clone()
        .or_else(|| std::env::var_os(SCRIPT_VARIABLE).map(PathBuf::from));
    let prepared = match script {
        Some(path) => read_parts(&path)?,
        None => VecDeque::new(),
    };
    let log = std::env::var_os(LOG_VARIABLE).map(PathBuf::from);
    let said = std::env::var_os(SAID_VARIABLE).map(PathBuf::from);
    let out = Output::open(log.as_deref(), said.as_deref())?;
    let cwd = std::env::current_dir()?.to_string_lossy().into_owned();
    let id = match (&options.resume, options.fork_session) {
        (Some(id), false) => id.clone(),
        (Some(_), true) | (None, _) => options.session_id.clone().unwrap_or_else(messages::new_id),
    };
    let folder = std::env::var_os(STATE_VARIABLE).map(PathBuf::from);
    let memory = match Memory::open(folder.as_deref(), &options, &id) {
        Err(MemoryError::Unknown(unknown)) => {
            let error = MemoryError::Unknown(unknown);
            let end = TurnEnd {
                subtype: "error_during_execution".to_owned(),
                errors: vec![error.to_string()],
                ..TurnEnd::default()
            };
            out.line(&Accounts::default().result(&id, &end));
            return Err(error.into());
        }
        opened => opened?,
    };
    let mode = if options.skip_permissions {
        Mode::Bypass
    } else {
        Mode::from_name(options.permission_mode.as_deref().unwrap_or("default"))
    };
    let can_ask = options.permission_prompt_tool.as_deref() == Some("stdio");
    let permissions = Permissions::new(mode, can_ask);
    let model = options
        .model
        .clone()
        .unwrap_or_else(|| accounts::DEFAULT_MODEL.to_owned());
    let session = Session::new(options, id, cwd, out, memory, prepared, permissions, model);
    let session = Arc::new(session);
    intake::start(&session)?;
    Ok(session)
}

/// A script file's parts: one for each turn.
fn read_parts(path: &Path) -> io::Result<VecDeque<String>> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| io::Error::new(cause.kind(), format!("{}: {cause}", path.display())))?;
    let mut parts = VecDeque::from([String::new()]);
    for line in text.lines() {
        if line.trim() == "===" {
            parts.push_back(String::new());
        } else if let Some(part) = parts.back_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    Ok(parts)
}

/// Takes turns until there are none left.
fn serve(session: &Arc<Session>) {
    while let Some(work) = session.next_work() {
        match work {
            Work::Prompt(prompt) => answer(session, &prompt),
            Work::Notice(run_id) => acknowledge(session, &run_id),
        }
    }
}

/// A turn in answer to the user.
fn answer(session: &Arc<Session>, prompt: &Prompt) {
    let asked_by: Vec<String> = prompt.uuid.iter().cloned().collect();
    let interrupts = session.interrupts();
    let started = Instant::now();
    if let Some(uuid) = &prompt.uuid {
        session.write_progress(uuid, "started");
    }
    session.write_init();
    session.write_replay(prompt);
    let prepared = session
        .prepared
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front();
    let mut turn = Turn::new(session, interrupts, asked_by.clone());
    let stop = turn.run_script(prepared.as_deref().unwrap_or(&prompt.text));
    for uuid in turn.take_absorbed() {
        session.write_progress(&uuid, "completed");
    }
    let state = if matches!(stop, Err(Stop::Interrupted { .. })) {
        "cancelled"
    } else {
        "completed"
    };
    let mut end = ended(turn, stop, started);
    end.asked_by = asked_by;
    write_result(session, &end);
    if let Some(uuid) = &prompt.uuid {
        session.write_progress(uuid, state);
    }
}

/// The turn that follows the end of a background task.
fn acknowledge(session: &Arc<Session>, run_id: &str) {
    let started = Instant::now();
    session.write_init();
    let mut turn = Turn::new(session, session.interrupts(), Vec::new());
    let stop = turn.run_script("");
    let mut end = ended(turn, stop, started);
    end.origin = Some(json!({
        "kind": "task-notification", "producer": "session-task", "runId": run_id,
    }));
    write_result(session, &end);
}

fn ended(turn: Turn, stop: Result<(), Stop>, started: Instant) -> TurnEnd {
    let mut end = TurnEnd {
        subtype: "success".to_owned(),
        terminal_reason: "completed",
        stop_reason: "end_turn",
        num_turns: turn.user_lines + 1,
        duration_ms: turn::milliseconds_since(started),
        tokens: turn.tokens,
        text: turn.text,
        denials: turn.denials,
        streamed: turn.streamed,
        ..TurnEnd::default()
    };
    match stop {
        Ok(()) => {}
        Err(Stop::Interrupted { in_tools }) => {
            "error_during_execution".clone_into(&mut end.subtype);
            end.stop_reason = "tool_use";
            end.terminal_reason = if in_tools {
                "aborted_tools"
            } else {
                "aborted_streaming"
            };
            end.errors = vec![
                "[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=tool_use"
                    .to_owned(),
            ];
        }
        Err(Stop::Error { subtype, reason }) => {
            end.terminal_reason = if subtype == "error_max_turns" {
                "max_turns"
            } else {
                "model_error"
            };
            end.subtype = subtype;
            end.errors = vec![reason];
        }
    }
    end
}

fn write_result(session: &Session, end: &TurnEnd) {
    let line = session.state().accounts.result(&session.id, end);
    session.out.line(&line);
}
