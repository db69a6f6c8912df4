//! The state machine over recordings of Claude Code 2.0.37, 2.1.133 and 2.1.332, each of something that
//! went wrong once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use jiff::Timestamp;
use rstest::rstest;

use super::machine;
use crate::claude::line;
use crate::domain::approval::InputState;
use crate::domain::{Effect, EventType, Phase, RunId, Session, SessionId};

const VERSIONS: [&str; 3] = ["2.0.37", "2.1.133", "2.1.332"];

/// Plays what the agent wrote in a recording.
fn play(version: &str, name: &str) -> (Session, Vec<Effect>) {
    let path = format!(
        "{}/tests/fixtures/recordings/claude-code-{version}/{name}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    let names = (SessionId::from("session"), RunId::from("run"));
    let mut session = Session::accepted(names.0, names.1, Timestamp::UNIX_EPOCH);
    let mut effects = Vec::new();
    for recorded in std::fs::read_to_string(path).unwrap().lines() {
        if let Some(written) = recorded.strip_prefix("< ") {
            let line = line::parse(written);
            assert!(
                line.is_understood() || name == "lone-surrogate",
                "{written}"
            );
            effects.extend(machine::apply(&mut session, line, Timestamp::UNIX_EPOCH));
        }
    }
    (session, effects)
}

fn of_type(effects: &[Effect], wanted: EventType) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Say(piece) if piece.event_type == wanted => Some(
                piece
                    .content
                    .as_deref()
                    .or(piece.tool_name.as_deref())
                    .unwrap_or_default(),
            ),
            _ => None,
        })
        .collect()
}

#[test]
fn half_a_character_in_an_input_is_asked_as_it_came() {
    for version in VERSIONS {
        let (session, effects) = play(version, "lone-surrogate");
        let asked: Vec<_> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Ask(question) => Some(question),
                _ => None,
            })
            .collect();
        let [question] = asked[..] else {
            panic!("{version}: {effects:?}");
        };
        assert_eq!(question.input_state, InputState::Unreadable, "{version}");
        let raw = question.raw_input.as_deref().unwrap();
        assert!(raw.contains(r"echo cut \ud83d"), "{raw}");
        assert_eq!(of_type(&effects, EventType::ToolCall), ["Bash"]);
        assert_eq!(session.phase, Phase::Completed, "{version}");
    }
}

#[test]
fn counts_that_are_null_lose_neither_words_nor_calls() {
    for version in VERSIONS {
        let (session, effects) = play(version, "null-counts");
        assert_eq!(
            of_type(&effects, EventType::Message),
            ["nulls", "done"],
            "{version}"
        );
        assert_eq!(
            of_type(&effects, EventType::ToolCall),
            ["Bash"],
            "{version}"
        );
        assert_eq!(
            session.usage.input_tokens.map(|tokens| tokens >= 200),
            Some(true)
        );
    }
}

#[rstest]
#[case(
    "2.0.37",
    "hook-blocks-message",
    "The message never reached the model: a UserPromptSubmit hook may have blocked it."
)]
#[case(
    "2.1.133",
    "hook-blocks-message",
    "The message never reached the model: a UserPromptSubmit hook may have blocked it."
)]
#[case(
    "2.1.332",
    "hook-blocks-message",
    "A hook blocked the message: forbidden words"
)]
#[case(
    "2.0.37",
    "hook-stops-turn",
    "The turn ended after a tool call: a hook may have stopped it."
)]
#[case(
    "2.1.133",
    "hook-stops-turn",
    "A hook stopped the turn; Claude Code does not say why."
)]
#[case(
    "2.1.332",
    "hook-stops-turn",
    "A hook stopped the turn; Claude Code does not say why."
)]
fn a_turn_that_a_hook_ended_has_failed_and_says_so(
    #[case] version: &str,
    #[case] name: &str,
    #[case] reason: &str,
) {
    let (session, effects) = play(version, name);
    assert_eq!(session.phase, Phase::Failed);
    assert_eq!(session.error_message.as_deref(), Some(reason));
    assert_eq!(of_type(&effects, EventType::System), [reason]);
}

#[rstest]
#[case("2.0.37", 0, 0.002_098_5)]
#[case("2.1.133", 1, 0.002_098_5)]
#[case("2.1.332", 1, 0.001_674_4)]
fn clearing_the_context_is_marked_and_makes_nothing_cheaper(
    #[case] version: &str,
    #[case] marks: usize,
    #[case] cost: f64,
) {
    let (session, effects) = play(version, "clear");
    let notes = of_type(&effects, EventType::System);
    // 2.0.37 goes on under the same name and the same totals, and says nothing.
    assert_eq!(notes, vec!["Context cleared."; marks]);
    assert!(
        (session.usage.cost_usd.unwrap() - cost).abs() < 1e-9,
        "{:?}",
        session.usage
    );
    assert_eq!(session.phase, Phase::Completed);
}

#[test]
fn what_the_agent_puts_into_the_conversation_is_not_the_users() {
    for version in VERSIONS {
        for (name, beginning) in [
            ("compact", "This session is being continued"),
            ("hook-stop", "Stop hook feedback"),
            ("interrupt", "[Request interrupted by user"),
        ] {
            let (_, effects) = play(version, name);
            let notes = of_type(&effects, EventType::System);
            assert!(
                notes.iter().any(|note| note.starts_with(beginning)),
                "{version} {name}: {notes:?}"
            );
            let by_user = effects.iter().any(|effect| {
                matches!(effect, Effect::Say(piece)
                    if piece.event_type == EventType::Message && piece.role == Some("user"))
            });
            assert!(!by_user, "{version} {name}: {effects:?}");
        }
        assert_eq!(
            play(version, "interrupt").0.phase,
            Phase::Interrupted,
            "{version}"
        );
    }
}

#[test]
fn a_session_with_only_background_work_rests_and_knows_what_runs() {
    for version in VERSIONS {
        for name in [
            "background-command",
            "background-killed",
            "background-looked-at",
            "background-agent",
        ] {
            let (session, _) = play(version, name);
            assert_eq!(session.phase, Phase::Completed, "{version} {name}");
            // 2.0.37 does not say when a command ends that nobody looks at.
            let running = usize::from(version == "2.0.37" && name == "background-command");
            assert_eq!(session.background_tasks.len(), running, "{version} {name}");
        }
    }
}

#[test]
fn blocks_of_the_models_host_and_retries_take_a_line_each() {
    for version in VERSIONS {
        let (_, effects) = play(version, "host-blocks");
        assert_eq!(
            of_type(&effects, EventType::Thinking),
            ["[redacted thinking]"],
            "{version}"
        );
        assert_eq!(
            of_type(&effects, EventType::ToolCall),
            ["web_search"],
            "{version}"
        );
        assert_eq!(
            of_type(&effects, EventType::ToolResult).len(),
            1,
            "{version}"
        );
        assert_eq!(
            of_type(&effects, EventType::System),
            Vec::<&str>::new(),
            "{version}"
        );
    }
    let (session, effects) = play("2.1.332", "api-retry");
    let notes = of_type(&effects, EventType::System);
    assert_eq!(
        notes,
        ["The API failed once (529, overloaded) before it answered."]
    );
    assert_eq!(session.stream.retrying, None);
}
