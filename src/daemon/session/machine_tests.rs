//! The state machine, without any I/O: tables of lines, and the recordings of the real agent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use jiff::Timestamp;
use serde_json::{Value, json};

use super::machine::{self, Exit};
use crate::daemon::claude::line;
use crate::domain::session::{Process, Settings, Usage};
use crate::domain::{Effect, LaunchConfig, Phase, RunId, Session, SessionId, Status};

fn session() -> Session {
    Session {
        key: 1,
        id: SessionId::from("session"),
        run_id: RunId::from("run"),
        claude_session_id: None,
        parent_session_id: None,
        phase: Phase::Starting,
        status: Status::Starting,
        process: Process::Live,
        query: String::new(),
        summary: String::new(),
        title: String::new(),
        model_id: None,
        working_dir: String::new(),
        config: LaunchConfig::default(),
        settings: Settings::default(),
        created_at: Timestamp::UNIX_EPOCH,
        last_activity_at: Timestamp::UNIX_EPOCH,
        completed_at: None,
        error_message: None,
        result_content: None,
        usage: Usage::default(),
        archived: false,
        background_tasks: vec![],
        journal_offset: 0,
        pending_approvals: 0,
        asker: None,
        asker_pid: None,
    }
}

fn feed(session: &mut Session, line: &Value) -> Vec<Effect> {
    machine::apply(session, line::parse(&line.to_string()), Timestamp::now())
}

fn feed_all(session: &mut Session, lines: &[Value]) -> Vec<Effect> {
    lines.iter().flat_map(|line| feed(session, line)).collect()
}

fn init() -> Value {
    json!({"type": "system", "subtype": "init", "session_id": "claude", "model": "opus"})
}

fn result(subtype: &str) -> Value {
    json!({"type": "result", "subtype": subtype, "is_error": subtype != "success", "result": "words"})
}

fn tasks(ids: &[&str]) -> Value {
    let tasks: Vec<Value> = ids.iter().map(|id| json!({"task_id": id})).collect();
    json!({"type": "system", "subtype": "background_tasks_changed", "tasks": tasks})
}

fn receipt() -> Value {
    json!({"type": "control_response", "response": {"subtype": "success", "request_id": "interrupt-1"}})
}

#[test]
fn the_life_of_a_session() {
    use Phase::{Completed, Failed, Interrupted, Interrupting, Running};
    // Each step: an optional phase that a person's act puts it into, a line, the phase after it.
    let lives: [&[(Option<Phase>, Value, Phase)]; 7] = [
        &[
            (None, init(), Running),
            (None, result("success"), Completed),
            (Some(Running), init(), Running),
        ],
        &[
            (None, init(), Running),
            (None, result("error_max_turns"), Failed),
            (Some(Running), init(), Running),
        ],
        &[
            (None, init(), Running),
            (Some(Interrupting), receipt(), Interrupting),
            (None, result("error_during_execution"), Interrupted),
        ],
        // The turn was over before the interrupt took effect: it succeeded.
        &[
            (None, init(), Running),
            (Some(Interrupting), result("success"), Completed),
        ],
        // Background work keeps it running after the result, until it is done.
        &[
            (None, init(), Running),
            (None, tasks(&["t"]), Running),
            (None, result("success"), Running),
            (None, tasks(&[]), Completed),
            (None, init(), Running),
            (None, result("success"), Completed),
        ],
        // Only background work is interrupted: no result comes, just the receipt and its end.
        &[
            (None, init(), Running),
            (None, tasks(&["t"]), Running),
            (None, result("success"), Running),
            (Some(Interrupting), receipt(), Interrupting),
            (None, tasks(&[]), Interrupted),
        ],
        &[
            (Some(Interrupting), init(), Interrupting),
            (None, result("error_during_execution"), Interrupted),
        ],
    ];
    for (number, life) in lives.iter().enumerate() {
        let mut session = session();
        for (step, (act, line, after)) in life.iter().enumerate() {
            if let Some(act) = act {
                session.phase = *act;
            }
            feed(&mut session, line);
            assert_eq!(session.phase, *after, "life {number}, step {step}: {line}");
        }
    }
}

#[test]
fn ends_are_honest() {
    let code = |code| Exit {
        code: Some(code),
        stderr_tail: "last words".into(),
        ..Exit::default()
    };
    let cases = [
        (
            Phase::Starting,
            false,
            code(1),
            Phase::Failed,
            "the agent exited with code 1 at startup: last words",
        ),
        (
            Phase::Running,
            false,
            code(0),
            Phase::Failed,
            "the agent exited with code 0 during a turn: last words",
        ),
        (Phase::Running, true, code(0), Phase::Completed, ""),
        (Phase::Interrupting, false, code(0), Phase::Interrupted, ""),
        (Phase::Completed, true, code(1), Phase::Completed, ""),
        (Phase::Interrupted, true, code(0), Phase::Interrupted, ""),
        (
            Phase::Running,
            false,
            Exit {
                problem: Some("the machine was restarted".into()),
                ..Exit::default()
            },
            Phase::Failed,
            "the machine was restarted",
        ),
    ];
    for (phase, turn_over, exit, after, message) in cases {
        let mut session = Session {
            phase,
            completed_at: turn_over.then_some(Timestamp::UNIX_EPOCH),
            ..session()
        };
        machine::exit(&mut session, &exit, Timestamp::now());
        assert_eq!(session.phase, after);
        let said = session.error_message.unwrap_or_default();
        assert!(
            said.contains(message) && said.is_empty() == message.is_empty(),
            "{phase:?}: {said:?}"
        );
    }
}

#[test]
fn usage_is_cumulative_and_the_context_is_the_main_conversation_s() {
    let mut session = session();
    let message = |parent: Value, input: i64| {
        json!({"type": "assistant", "parent_tool_use_id": parent, "message": {"content": [], "usage":
            {"input_tokens": input, "output_tokens": 1, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5}}})
    };
    let end = |cost: f64, input: i64| {
        json!({"type": "result", "subtype": "success", "total_cost_usd": cost, "num_turns": 2, "duration_ms": 7,
            "modelUsage": {"opus": {"inputTokens": input, "contextWindow": 1000}, "haiku": {"inputTokens": 1, "contextWindow": 9999}}})
    };
    feed_all(
        &mut session,
        &[
            init(),
            message(Value::Null, 100),
            message(json!("toolu_1"), 7000),
            end(0.5, 100),
            init(),
            end(0.75, 150),
        ],
    );
    assert_eq!(session.usage.context_tokens, Some(116));
    assert_eq!(session.usage.context_limit, Some(1000));
    assert_eq!(session.usage.cost_usd, Some(0.75));
    assert_eq!(session.usage.input_tokens, Some(151));
    assert_eq!(
        (session.usage.num_turns, session.usage.duration_ms),
        (Some(4), Some(14))
    );
}

#[test]
fn requests_that_are_not_served_are_answered_so() {
    let mut session = session();
    let request = json!({"type": "control_request", "request_id": "r", "request": {"subtype": "elicitation"}});
    let effects = feed(&mut session, &request);
    let [Effect::Send(line)] = &effects[..] else {
        panic!("{effects:?}")
    };
    let line: Value = serde_json::from_str(&line.line).unwrap();
    assert_eq!(line["response"]["subtype"], "error");
    assert_eq!(line["response"]["request_id"], "r");
}

/// Plays the agent's side of a recording.
fn play(name: &str) -> (Session, Vec<Effect>) {
    let path = format!(
        "{}/tests/fixtures/claude-code-2.1.330/{name}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut session = session();
    let mut effects = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        if let Some(said) = recorded.get("<") {
            effects.extend(feed(&mut session, said));
        }
    }
    (session, effects)
}

#[test]
fn recordings_of_the_real_agent_end_where_they_ended() {
    for name in [
        "deny",
        "edit",
        "multi",
        "overloaded",
        "parallel",
        "partial",
        "plan",
        "question",
        "task",
    ] {
        let (session, effects) = play(name);
        assert_eq!(session.phase, Phase::Completed, "{name}");
        assert!(
            session.claude_session_id.is_some() && session.usage.cost_usd.is_some(),
            "{name}"
        );
        assert_eq!(session.usage.context_limit, Some(1_000_000), "{name}");
        let asked: Vec<&str> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Ask(question) => Some(question.tool_name.as_str()),
                _ => None,
            })
            .collect();
        let expected: &[&str] = match name {
            "deny" => &["Write"],
            "edit" => &["Edit"],
            "partial" | "task" => &["Bash"],
            "parallel" => &["Bash", "Bash", "Bash"],
            "plan" => &["ExitPlanMode"],
            "question" => &["AskUserQuestion"],
            _ => &[],
        };
        assert_eq!(asked, expected, "{name}");
    }
}

#[test]
fn a_subagents_words_carry_the_call_that_started_it() {
    let (_, effects) = play("task");
    let parents = effects.iter().filter(|effect| {
        matches!(effect, Effect::Say(piece) if piece.parent_tool_use_id.as_deref() == Some("toolu_00000019"))
    });
    assert!(parents.count() >= 3);
}
