//! Recorded conversations of the real Claude Code, through the daemon's own parser and machine.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rstest::rstest;
use serde_json::Value;

use super::support::{drawn, piece, says};
use crate::claude::line::{self, AgentLine};
use crate::daemon::session::machine;
use crate::domain::{Effect, RunId, Session, SessionId};
use crate::protocol::conversation::ConversationEvent;
use crate::tui::transcript::Transcript;

/// A piece of a recording: live words, or what is stored.
pub enum Recorded {
    Delta(Value),
    Stored(Box<ConversationEvent>),
}

/// What a recording brings to the dashboard, in order.
pub fn recording(name: &str) -> Vec<Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/claude-code-2.1.330")
        .join(format!("{name}.jsonl"));
    let mut session = session();
    let mut recorded = Vec::new();
    let mut sequence = 0;
    let mut store = |event: ConversationEvent| {
        sequence += 1;
        Recorded::Stored(Box::new(ConversationEvent { sequence, ..event }))
    };
    for row in fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        if let Some(sent) = row.get(">") {
            if sent["type"] == "user" {
                let text = sent["message"]["content"].as_str().unwrap();
                recorded.push(store(says(0, "user", text)));
            }
            continue;
        }
        let line = row["<"].to_string();
        match line::parse(&line) {
            AgentLine::Delta(delta) => {
                recorded.push(Recorded::Delta(serde_json::from_str(delta.get()).unwrap()));
            }
            parsed => {
                for effect in machine::apply(&mut session, parsed, Timestamp::UNIX_EPOCH) {
                    if let Effect::Say(new) = effect {
                        recorded.push(store(ConversationEvent {
                            role: new.role.map(str::to_owned),
                            content: new.content,
                            tool_id: new.tool_id,
                            tool_name: new.tool_name,
                            tool_input_json: new.tool_input,
                            parent_tool_use_id: new.parent_tool_use_id,
                            tool_result_for_id: new.tool_result_for_id,
                            tool_result_content: new.tool_result_content,
                            is_error: new.is_error,
                            ..piece(0, new.event_type)
                        }));
                    }
                }
            }
        }
    }
    recorded
}

/// The stored pieces of a recording.
pub fn stored(name: &str) -> Vec<ConversationEvent> {
    recording(name)
        .into_iter()
        .filter_map(|recorded| match recorded {
            Recorded::Delta(_) => None,
            Recorded::Stored(event) => Some(*event),
        })
        .collect()
}

fn session() -> Session {
    Session::accepted(
        SessionId::from("s"),
        RunId::from("r"),
        Timestamp::UNIX_EPOCH,
    )
}

#[rstest]
#[case("deny")]
#[case("edit")]
#[case("multi")]
#[case("overloaded")]
#[case("parallel")]
#[case("partial")]
#[case("plan")]
#[case("question")]
#[case("task")]
fn recordings_look_as_they_should(#[case] name: &str) {
    let mut transcript = Transcript::new();
    transcript.replace(stored(name), false);
    let folded = drawn(&mut transcript, 80, 40);
    transcript.fold_all(false);
    let open = drawn(&mut transcript, 80, 40);
    let shown = format!(
        "{}\n\n════ unfolded ════\n{}",
        folded.join("\n").trim_end(),
        open.join("\n").trim_end()
    );
    insta::assert_snapshot!(format!("recorded_{name}"), shown);
}

#[rstest]
#[case("partial")]
#[case("task")]
fn live_words_end_as_what_is_stored(#[case] name: &str) {
    let mut live = Transcript::new();
    for recorded in recording(name) {
        match recorded {
            Recorded::Delta(delta) => live.delta(&delta),
            Recorded::Stored(event) => live.push(*event),
        }
        drawn(&mut live, 80, 30);
    }
    let mut whole = Transcript::new();
    whole.replace(stored(name), false);
    assert_eq!(drawn(&mut live, 80, 40), drawn(&mut whole, 80, 40));
    assert_eq!(live.to_markdown(), whole.to_markdown());
}
