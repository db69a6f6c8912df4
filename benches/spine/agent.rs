//! This program as an agent: what it does is the first message that it gets.
//!
//! It is not the tests' scripted agent, because it must cost next to nothing beside the daemon
//! that is measured, and it notes times that only the agent's end can see.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// The word that makes this program an agent.
pub const WORD: &str = "__bench_agent";

/// Nanoseconds since 1970: the clock that all processes of a run share.
pub fn nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

pub fn run() -> ExitCode {
    // Each agent has a conversation of its own, whose name it was given.
    let arguments: Vec<String> = std::env::args().collect();
    let name = arguments.windows(2).find_map(|pair| match pair {
        [option, name] if option == "--session-id" || option == "--resume" => Some(name.as_str()),
        _ => None,
    });
    // Whether it knows an option is asked with a name that is none.
    if name.is_some_and(|name| name.len() < 36) {
        eprintln!("Error: Invalid session ID");
        return ExitCode::FAILURE;
    }
    let mut input = io::stdin().lock();
    let task = loop {
        let Some(line) = receive(&mut input) else {
            return ExitCode::SUCCESS;
        };
        if line["type"] == "user" {
            break line["message"]["content"].as_str().unwrap().to_owned();
        }
        if line["type"] == "control_request" {
            say(&json!({"type": "control_response", "response": {
                "subtype": "success", "request_id": line["request_id"], "response": {}}}));
        }
    };
    say(
        &json!({"type": "system", "subtype": "init", "session_id": name.unwrap_or("s"), "model": "claude-opus-5-5",
        "cwd": "/home/me/project", "tools": ["Bash", "Edit", "Read"], "permissionMode": "default"}),
    );
    let words: Vec<&str> = task.split(' ').collect();
    match words.as_slice() {
        ["park"] => say(&result("parked")),
        ["cat", journal] => {
            let text = fs::read(journal).unwrap();
            let mut out = io::stdout().lock();
            out.write_all(&text).unwrap();
            out.flush().unwrap();
        }
        ["command", name, shape, bytes] => command(name, shape, bytes.parse().unwrap()),
        ["ask", rounds, notes] => ask(rounds.parse().unwrap(), Path::new(notes), &mut input),
        ["ask_at_once", questions] => ask_at_once(questions.parse().unwrap()),
        ["tick", every_ms, lines, gate] => tick(
            Duration::from_millis(every_ms.parse().unwrap()),
            lines.parse().unwrap(),
            Path::new(gate),
        ),
        _ => panic!("no such task: {task}"),
    }
    while let Some(line) = receive(&mut input) {
        if line["request"]["subtype"] == "end_session" {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn receive(input: &mut impl BufRead) -> Option<Value> {
    let mut line = String::new();
    let read = input.read_line(&mut line).unwrap();
    (read > 0).then(|| serde_json::from_str(&line).unwrap())
}

fn say(line: &Value) {
    let mut text = line.to_string();
    text.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}

fn assistant(block: &Value) -> Value {
    json!({"type": "assistant", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
        "content": [block], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 100, "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 11, "output_tokens": 42}},
        "parent_tool_use_id": null, "session_id": "s", "uuid": "u"})
}

fn result(text: &str) -> Value {
    json!({"type": "result", "subtype": "success", "is_error": false, "duration_ms": 1,
        "num_turns": 1, "result": text, "total_cost_usd": 0.001,
        "usage": {"input_tokens": 200, "output_tokens": 84}})
}

/// Asks once for a command of so many bytes, of one line, of many, or of words with a letter that
/// imitates another one, which begins with `NAME-command`.
fn command(name: &str, shape: &str, bytes: usize) {
    let mut text = format!("{name}-command");
    while text.len() < bytes {
        let number = text.len();
        match shape {
            "lines" => write!(text, "\necho part {number} of what is to be run"),
            "letters" => write!(text, " p\u{430}ypal"),
            _ => write!(text, " echo part {number} of what is to be run"),
        }
        .unwrap();
    }
    let input = json!({"command": text});
    let call = "toolu_1";
    say(&assistant(
        &json!({"type": "tool_use", "id": call, "name": "Bash", "input": input}),
    ));
    say(
        &json!({"type": "control_request", "request_id": "request-1", "request": {
        "subtype": "can_use_tool", "tool_name": "Bash", "display_name": "Bash", "input": input,
        "permission_suggestions": [], "tool_use_id": call}}),
    );
}

/// Asks for so many tool calls side by side.
fn ask_at_once(questions: u32) {
    for number in 0..questions {
        let call = format!("toolu_{number}");
        let input =
            json!({"command": format!("cargo test case_{number}"), "description": "Run a test"});
        say(&assistant(
            &json!({"type": "tool_use", "id": call, "name": "Bash", "input": input}),
        ));
        say(
            &json!({"type": "control_request", "request_id": format!("request-{number}"), "request": {
            "subtype": "can_use_tool", "tool_name": "Bash", "display_name": "Bash", "input": input,
            "description": "Run a test", "permission_suggestions": [], "tool_use_id": call}}),
        );
    }
}

/// Asks for one tool call after another; notes when each question was about to be written and when
/// its answer had been read, a line each: `asked answered`.
fn ask(rounds: u32, notes: &Path, input: &mut impl BufRead) {
    let mut times = String::new();
    for round in 0..rounds {
        let (call, request) = (format!("toolu_{round}"), format!("request-{round}"));
        let command = json!({"command": "cargo test --workspace", "description": "Run the tests"});
        say(&assistant(
            &json!({"type": "tool_use", "id": call, "name": "Bash", "input": command}),
        ));
        // The call is stored by itself, as it mostly is with a real agent, so that the question's
        // way is measured and not the call's.
        std::thread::sleep(Duration::from_millis(4));
        let question = json!({"type": "control_request", "request_id": request, "request": {
            "subtype": "can_use_tool", "tool_name": "Bash", "display_name": "Bash",
            "input": command, "description": "Run the tests", "permission_suggestions": [],
            "tool_use_id": call}});
        let asked = nanos();
        say(&question);
        let answered = loop {
            let line = receive(input).expect("an answer");
            let at = nanos();
            if line["response"]["request_id"] == request {
                break at;
            }
        };
        writeln!(times, "{asked} {answered}").unwrap();
        say(
            &json!({"type": "user", "message": {"role": "user", "content": [{
            "tool_use_id": call, "type": "tool_result", "content": "ok"}]},
            "parent_tool_use_id": null, "session_id": "s", "uuid": "u"}),
        );
        // A model takes longer than this to begin its next call. Rounds that follow each other more
        // closely would meet the daemon while it gathers commits, and measure that.
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::write(notes, times).unwrap();
    say(&result("asked enough"));
}

/// Says the time at a steady rate, from when the gate is there.
fn tick(every: Duration, lines: u32, gate: &Path) {
    while !gate.exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    // Agents do not speak in step.
    let phase = u64::from(std::process::id()) * 7919 % u64::try_from(every.as_millis()).unwrap();
    let mut next = std::time::Instant::now() + Duration::from_millis(phase);
    for _ in 0..lines {
        std::thread::sleep(next.saturating_duration_since(std::time::Instant::now()));
        next += every;
        let words = format!(
            "written {} and some more words to make it a usual line",
            nanos()
        );
        say(&assistant(&json!({"type": "text", "text": words})));
    }
    say(&result("ticked enough"));
}
