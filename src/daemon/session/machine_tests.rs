//! The state machine, without any I/O: tables of lines, and the recordings of the real agent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use jiff::Timestamp;
use serde_json::{Value, json};

use super::machine::{self, Exit};
use crate::claude::line;
use crate::domain::{Effect, EventType, MessageSign, Phase, RunId, Session, SessionId};

fn session() -> Session {
    let names = (SessionId::from("session"), RunId::from("run"));
    Session::accepted(names.0, names.1, Timestamp::UNIX_EPOCH)
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

#[test]
fn what_is_withdrawn_after_an_interrupt_says_so() {
    let cancel = json!({"type": "control_cancel_request", "request_id": "r1"});
    for (phase, said) in [
        (Phase::Running, "the agent withdrew the request"),
        (Phase::Interrupting, "the turn was interrupted"),
    ] {
        let mut session = session();
        feed(&mut session, &init());
        session.phase = phase;
        let effects = feed(&mut session, &cancel);
        assert!(
            matches!(&effects[..], [Effect::Withdraw { reason, .. }] if *reason == said),
            "{effects:?}"
        );
    }
}

#[test]
fn that_a_resting_process_is_ended_is_no_activity() {
    let mut session = session();
    feed_all(&mut session, &[init(), result("success")]);
    let active = session.last_activity_at;
    let later = active + jiff::SignedDuration::from_hours(1);
    for line in [
        receipt(),
        json!({"type": "system", "subtype": "session_state_changed", "state": "idle"}),
        json!({"type": "system", "subtype": "hook_started", "hook_name": "SessionEnd"}),
    ] {
        machine::apply(&mut session, line::parse(&line.to_string()), later);
    }
    machine::exit(&mut session, &Exit::default(), later);
    assert_eq!(session.last_activity_at, active);
    // The end of a process in the middle of a turn is.
    session = self::session();
    feed(&mut session, &init());
    machine::exit(&mut session, &Exit::default(), later);
    assert_eq!(session.last_activity_at, later);
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
        // Background work goes on beside a session that rests.
        &[
            (None, init(), Running),
            (None, tasks(&["t"]), Running),
            (None, result("success"), Completed),
            (None, tasks(&[]), Completed),
            (None, init(), Running),
            (None, result("success"), Completed),
        ],
        // An interrupt that came when the turn was over brings no result, just its receipt.
        &[
            (None, init(), Running),
            (None, tasks(&["t"]), Running),
            (None, result("success"), Completed),
            (Some(Interrupting), receipt(), Interrupted),
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

/// What the conversation says of the session itself.
fn notes(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Say(piece) if piece.event_type == EventType::System => piece.content.as_deref(),
            _ => None,
        })
        .collect()
}

#[test]
fn a_line_that_cannot_be_read_leaves_a_note() {
    let mut session = session();
    let line = line::parse("Debugger listening on ws://127.0.0.1");
    let effects = machine::apply(&mut session, line, Timestamp::now());
    assert_eq!(
        notes(&effects),
        ["A line of the agent could not be read: Debugger listening on ws://127.0.0.1"]
    );
}

#[test]
fn words_that_the_agent_puts_into_the_conversation_are_not_the_users() {
    let mut session = session();
    let user = |extra: Value| {
        let mut line =
            json!({"type": "user", "message": {"content": [{"type": "text", "text": "words"}]}});
        line.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        line
    };
    let own = [
        json!({}),
        json!({"isSynthetic": true}),
        json!({"isSynthetic": true, "parent_tool_use_id": "t"}),
    ];
    for extra in own {
        assert_eq!(
            notes(&feed(&mut session, &user(extra.clone()))),
            ["words"],
            "{extra}"
        );
    }
    let prompt = feed(&mut session, &user(json!({"parent_tool_use_id": "t"})));
    assert!(
        matches!(&prompt[..], [Effect::Say(piece)] if piece.event_type == EventType::Message && piece.role == Some("user"))
    );
    assert_eq!(feed(&mut session, &user(json!({"isReplay": true}))), []);
}

#[test]
fn background_tasks_of_agents_that_do_not_tell_them_are_found_in_their_tool_calls() {
    let call = |id: &str, name: &str, input: Value| json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "id": id, "name": name, "input": input}]}});
    let answer = |id: &str, content: &str| json!({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": id, "content": content}]}});
    let mut session = session();
    let mut step = |line: &Value, running: &[&str]| {
        feed(&mut session, line);
        assert_eq!(session.background_tasks, running, "{line}");
    };
    step(
        &answer("a", "Command running in background with ID: 91883c"),
        &["91883c"],
    );
    step(
        &answer(
            "b",
            "Async agent launched successfully.\nagentId: ab97 (internal ID)",
        ),
        &["91883c", "ab97"],
    );
    step(
        &call("c", "BashOutput", json!({"bash_id": "91883c"})),
        &["91883c", "ab97"],
    );
    step(
        &answer("c", "<status>running</status>"),
        &["91883c", "ab97"],
    );
    step(
        &call("d", "BashOutput", json!({"bash_id": "91883c"})),
        &["91883c", "ab97"],
    );
    step(
        &answer(
            "d",
            "<status>completed</status>\n\n<exit_code>0</exit_code>",
        ),
        &["ab97"],
    );
    step(
        &json!({"type": "system", "subtype": "task_updated", "task_id": "ab97", "patch": {"status": "running"}}),
        &["ab97"],
    );
    step(
        &json!({"type": "system", "subtype": "task_notification", "task_id": "ab97", "status": "completed"}),
        &[],
    );
    step(
        &answer("e", "Command running in background with ID: x1"),
        &["x1"],
    );
    step(&call("f", "KillShell", json!({"shell_id": "x1"})), &["x1"]);
    step(
        &answer(
            "f",
            "{\"message\":\"Successfully killed shell: x1 (sleep 40)\"}",
        ),
        &[],
    );
    // Once the agent tells them itself nothing else counts.
    step(&tasks(&["t"]), &["t"]);
    step(
        &answer("g", "Command running in background with ID: x2"),
        &["t"],
    );
}

#[test]
fn a_hook_that_stops_a_turn_is_named_and_the_turn_has_failed() {
    let message = json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]}});
    let answer = json!({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t", "content": ""}]}});
    let silent = |turns: i64, reason: Option<&str>| json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": turns, "result": "", "terminal_reason": reason});
    let notice = json!({"type": "system", "subtype": "informational", "content": "UserPromptSubmit operation blocked by hook:\n[x]: forbidden", "prevent_continuation": true,
        "prompt_submit_outcome": {"kind": "blocked_by_hook", "reason": "forbidden words"}});
    let hook = json!({"type": "system", "subtype": "hook_response", "hook_name": "PreToolUse:Bash", "hook_event": "PreToolUse", "stdout": "{\"continue\":false,\"stopReason\":\"budget is used up\"}"});
    let finished = |how: &str| json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 2, "result": "done", "terminal_reason": how});
    let cases: [(&[Value], Option<&str>); 8] = [
        // A hook of a subagent's, which was stopped instead.
        (
            &[
                init(),
                message.clone(),
                hook.clone(),
                answer.clone(),
                finished("completed"),
            ],
            None,
        ),
        (
            &[init(), notice, silent(0, None)],
            Some("A hook blocked the message: forbidden words"),
        ),
        (
            &[init(), silent(0, None)],
            Some(
                "The message never reached the model: a UserPromptSubmit hook may have blocked it.",
            ),
        ),
        (
            &[
                init(),
                message.clone(),
                hook,
                answer.clone(),
                silent(2, Some("hook_stopped")),
            ],
            Some("A hook stopped the turn: PreToolUse:Bash: budget is used up"),
        ),
        (
            &[
                init(),
                message.clone(),
                answer.clone(),
                silent(2, Some("hook_stopped")),
            ],
            Some("A hook stopped the turn; Claude Code does not say why."),
        ),
        (
            &[init(), message.clone(), answer.clone(), silent(2, None)],
            Some("The turn ended after a tool call: a hook may have stopped it."),
        ),
        (
            &[
                init(),
                message.clone(),
                answer,
                silent(2, Some("completed")),
            ],
            None,
        ),
        (&[init(), message, silent(2, Some("tool_deferred"))], None),
    ];
    for (lines, reason) in cases {
        let mut session = session();
        let effects = feed_all(&mut session, lines);
        let said = notes(&effects);
        assert_eq!(said, reason.into_iter().collect::<Vec<_>>(), "{lines:?}");
        assert_eq!(session.error_message.as_deref(), reason);
        let phase = if reason.is_some() {
            Phase::Failed
        } else {
            Phase::Completed
        };
        assert_eq!(session.phase, phase);
    }
}

#[test]
fn a_command_that_only_its_result_answers_is_answered_in_the_conversation() {
    let mut session = session();
    let unknown = json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 0, "result": "Unknown command: /nonexistent"});
    let effects = feed_all(&mut session, &[init(), unknown]);
    assert_eq!(notes(&effects), ["Unknown command: /nonexistent"]);
    assert_eq!(session.phase, Phase::Completed);
    let printed = json!({"type": "user", "isReplay": true, "message": {"content": "<local-command-stdout>Total cost: $0</local-command-stdout>"}});
    let effects = feed_all(&mut session, &[init(), printed, result("success")]);
    assert_eq!(notes(&effects), ["Total cost: $0", "words"]);
}

#[test]
fn retries_of_the_models_api_are_one_line_when_they_are_over() {
    let retry = |attempt: i64| json!({"type": "system", "subtype": "api_retry", "attempt": attempt, "max_retries": 10, "error_status": 529, "error": "overloaded"});
    let message =
        json!({"type": "assistant", "message": {"content": [{"type": "text", "text": "ok"}]}});
    let mut session = session();
    let effects = feed_all(&mut session, &[init(), retry(1), retry(2), retry(3)]);
    assert_eq!(effects, []);
    let retrying = session.stream.retrying.clone().unwrap();
    assert_eq!((retrying.attempt, retrying.max_retries), (3, 10));
    let effects = feed_all(&mut session, &[message.clone(), message]);
    assert_eq!(
        notes(&effects),
        ["The API failed 3 times (529, overloaded) before it answered."]
    );
    assert_eq!(session.stream.retrying, None);
}

#[test]
fn a_cleared_context_is_marked_and_the_cost_goes_on_growing() {
    let init =
        |id: &str| json!({"type": "system", "subtype": "init", "session_id": id, "model": "opus"});
    let end = |cost: f64, tokens: i64, turn: i64| {
        json!({"type": "result", "subtype": "success", "is_error": false, "result": "words", "total_cost_usd": cost,
            "usage": {"input_tokens": turn}, "modelUsage": {"opus": {"inputTokens": tokens, "contextWindow": 1000}}})
    };
    let reset = json!({"type": "conversation_reset", "trigger": "clear"});
    // Newer agents say so and begin to count anew; older ones only have a new name for it.
    let lives: [&[Value]; 2] = [
        &[
            init("a"),
            end(0.5, 100, 100),
            reset,
            init("b"),
            end(0.0, 0, 0),
            init("b"),
            end(0.25, 50, 50),
        ],
        &[
            init("a"),
            end(0.5, 100, 100),
            init("b"),
            end(0.5, 100, 0),
            init("b"),
            end(0.75, 150, 50),
        ],
    ];
    for life in lives {
        let mut session = session();
        let effects = feed_all(&mut session, life);
        let marks = notes(&effects)
            .into_iter()
            .filter(|note| *note == "Context cleared.");
        assert_eq!(marks.count(), 1);
        assert_eq!(session.usage.cost_usd, Some(0.75));
        assert_eq!(session.usage.input_tokens, Some(150));
    }
}

#[test]
fn tokens_follow_each_message_and_the_result_corrects_them() {
    let message = |id: &str, tokens: i64| json!({"type": "assistant", "message": {"id": id, "content": [{"type": "text", "text": "x"}], "usage": {"input_tokens": tokens, "output_tokens": 1}}});
    let mut session = session();
    feed_all(
        &mut session,
        &[
            init(),
            message("m1", 100),
            message("m1", 100),
            message("m2", 50),
        ],
    );
    assert_eq!(
        (session.usage.input_tokens, session.usage.output_tokens),
        (Some(150), Some(2))
    );
    assert_eq!(session.usage.context_limit, Some(200_000));
    let end = json!({"type": "result", "subtype": "success", "is_error": false, "usage": {"input_tokens": 150, "output_tokens": 40}, "total_cost_usd": 0.5,
        "modelUsage": {"opus": {"inputTokens": 150, "outputTokens": 40, "contextWindow": 1_000_000}}});
    feed(&mut session, &end);
    assert_eq!(
        (session.usage.input_tokens, session.usage.output_tokens),
        (Some(150), Some(40))
    );
    assert_eq!(session.usage.context_limit, Some(1_000_000));
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

#[test]
fn a_turn_is_as_old_as_its_begin_and_a_later_one_begins_anew() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut session = session();
    let mut step = |line: &Value, second| {
        machine::apply(&mut session, line::parse(&line.to_string()), at(second));
        session.stream.turn_started_at
    };
    let call = json!({"type": "assistant", "message": {"content": [
        {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "cargo test"}}]}});
    assert_eq!(step(&init(), 10), Some(at(10)));
    assert_eq!(step(&call, 20), Some(at(10)));
    // Announced again in the middle of the turn, as after a mode has changed.
    assert_eq!(step(&init(), 30), Some(at(10)));
    assert_eq!(step(&result("success"), 40), None);
    assert_eq!(step(&init(), 50), Some(at(50)));
    let mut session = session;
    machine::exit(&mut session, &Exit::default(), at(60));
    assert_eq!(session.stream.turn_started_at, None);
}

#[test]
fn the_tool_that_runs_is_known_until_it_has_answered() {
    let call = |id: &str, command: &str, parent: Value| {
        json!({"type": "assistant", "parent_tool_use_id": parent, "message": {"content": [
            {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}]}})
    };
    let answer = |id: &str| {
        json!({"type": "user", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": "done"}]}})
    };
    let mut session = session();
    let mut tool = |line: Value| {
        feed(&mut session, &line);
        session.stream.current_tool.clone().map(|tool| tool.summary)
    };
    tool(init());
    let test = Some("Bash: cargo test".to_owned());
    assert_eq!(tool(call("a", "cargo test", Value::Null)), test);
    assert_eq!(
        tool(call("b", "ls", json!("a"))),
        test,
        "a subagent's is not the session's"
    );
    assert_eq!(tool(answer("b")), test);
    assert_eq!(tool(answer("a")), None);
    tool(call("c", "cargo test", Value::Null));
    assert_eq!(tool(result("success")), None);
}

fn signs(effects: &[Effect]) -> Vec<MessageSign> {
    let signs = effects.iter().filter_map(|effect| match effect {
        Effect::Messages(sign) => Some(sign.clone()),
        _ => None,
    });
    signs.collect()
}

#[test]
fn messages_are_read_when_the_agent_acts_after_it_took_them() {
    use MessageSign::{Dropped, FirstIsRead, NotWithdrawn, Read, Started, StartedAreRead};
    let replay = |uuid: &str, text: &str| json!({"type": "user", "isReplay": true, "uuid": uuid, "message": {"role": "user", "content": text}});
    let command = |uuid: &str, state: &str| json!({"type": "command_lifecycle", "command_uuid": uuid, "state": state});
    let said = || json!({"type": "assistant", "message": {"content": [{"type": "text", "text": "words"}]}});
    let withdrawn = |cancelled: bool| json!({"type": "control_response", "response": {"subtype": "success", "request_id": "cancel-message-a", "response": {"cancelled": cancelled}}});
    let of_command = |turns: i64| json!({"type": "result", "subtype": "success", "result": "", "num_turns": turns});
    let named = |uuid: &str| uuid.to_owned();
    let unsure = |is_final| NotWithdrawn {
        uuid: named("a"),
        is_final,
    };
    let cases: &[(&str, &[Value], &[MessageSign])] = &[
        (
            "2.0.37: with the first words of the turn",
            &[init(), replay("a", "x"), said(), result("success")],
            &[Started(named("a")), StartedAreRead],
        ),
        (
            "2.1.133: two that were joined",
            &[
                replay("a", "x"),
                init(),
                replay("b", "x\ny"),
                said(),
                result("success"),
            ],
            &[Started(named("a")), Started(named("b")), StartedAreRead],
        ),
        (
            "taken and not acted on",
            &[replay("a", "x"), init()],
            &[Started(named("a"))],
        ),
        (
            "/cost on 2.0.37",
            &[
                init(),
                replay("other", "<local-command-stdout>$0</local-command-stdout>"),
                of_command(5),
            ],
            &[FirstIsRead],
        ),
        (
            "/cost on 2.1.133",
            &[init(), said(), of_command(0)],
            &[FirstIsRead],
        ),
        (
            "a message that a hook blocked, after another one joined it",
            &[replay("a", "x"), init(), of_command(0)],
            &[Started(named("a")), StartedAreRead],
        ),
        (
            "a turn of background work is no message's",
            &[init(), said(), of_command(1)],
            &[],
        ),
        (
            "an interrupted turn, which tells its message first",
            &[init(), replay("a", "x"), result("error_during_execution")],
            &[Started(named("a")), StartedAreRead],
        ),
        (
            "2.1.330 tells of each",
            &[
                command("a", "queued"),
                command("a", "started"),
                init(),
                said(),
                of_command(0),
                command("a", "completed"),
            ],
            &[Started(named("a")), StartedAreRead, Read(named("a"))],
        ),
        (
            "2.1.330 runs a command that nobody sees",
            &[
                command("a", "queued"),
                command("a", "started"),
                init(),
                of_command(0),
                command("a", "completed"),
            ],
            &[Started(named("a")), StartedAreRead, Read(named("a"))],
        ),
        (
            "withdrawn",
            &[init(), withdrawn(true)],
            &[Dropped(named("a"))],
        ),
        (
            "too late on 2.1.133",
            &[init(), withdrawn(false)],
            &[unsure(true)],
        ),
        (
            "taken out at that moment on 2.1.332, and dropped",
            &[
                command("a", "queued"),
                withdrawn(false),
                command("a", "cancelled"),
            ],
            &[unsure(false), Dropped(named("a"))],
        ),
    ];
    for (name, lines, expected) in cases {
        let mut session = session();
        assert_eq!(signs(&feed_all(&mut session, lines)), *expected, "{name}");
    }
}

#[test]
fn a_turn_whose_process_is_killed_is_not_priced_and_its_tokens_are_counted_once() {
    let said = |id: &str| json!({"type": "assistant", "message": {"id": id, "content": [], "usage": {"input_tokens": 100, "output_tokens": 20}}});
    let report = |calls: i64, cost: f64| {
        json!({"type": "result", "subtype": "success", "total_cost_usd": cost,
            "usage": {"input_tokens": 100, "output_tokens": 20},
            "modelUsage": {"opus": {"inputTokens": 100 * calls, "outputTokens": 20 * calls}}})
    };
    let end = |code: Option<i32>, signal: Option<i32>| Exit {
        code,
        signal,
        ..Exit::default()
    };
    // How the process ends in its second turn, what the next one reports first, what is counted then:
    // the price of how many turns, how many that have none, input tokens.
    let cases = [
        (
            "SIGKILL, any version",
            end(None, Some(9)),
            report(1, 1.0),
            (2.0, 1, 300),
        ),
        (
            "SIGTERM, 2.1.133: the next begins at nothing",
            end(Some(143), None),
            report(1, 1.0),
            (2.0, 1, 300),
        ),
        (
            "SIGTERM, 2.1.330: the next goes on",
            end(Some(143), None),
            report(3, 3.0),
            (3.0, 0, 300),
        ),
    ];
    for (name, exit, first, (cost, unpriced, input)) in cases {
        let mut session = session();
        feed_all(
            &mut session,
            &[init(), said("a"), report(1, 1.0), init(), said("b")],
        );
        machine::exit(&mut session, &exit, Timestamp::now());
        assert_eq!(session.stream.unpriced.turns, 1, "{name}");
        feed_all(&mut session, &[init(), said("c"), first]);
        assert_eq!(session.usage.cost_usd, Some(cost), "{name}");
        assert_eq!(session.stream.unpriced.turns, unpriced, "{name}");
        assert_eq!(session.usage.input_tokens, Some(input), "{name}");
    }
    // Between turns nothing is lost.
    let mut session = session();
    feed_all(&mut session, &[init(), said("a"), report(1, 1.0)]);
    machine::exit(&mut session, &end(None, Some(9)), Timestamp::now());
    assert_eq!(session.stream.unpriced.turns, 0);
}
