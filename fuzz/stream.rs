//! Recordings of real agents, damaged in every way, through parsing and the state machine.
//!
//! Shared by the fuzz target `agent_stream`, which lets libFuzzer choose the damage, and by a test
//! among the others, which takes it from ten fixed seeds. What must hold, whatever was damaged:
//! nothing panics, every permission request becomes an approval (and one of which it can no longer be
//! told what it wants too), every result ends the turn, and nothing that was not understood is
//! silent.

use std::path::{Path, PathBuf};

use humanlayer::claude::line::{self, AgentLine};
use humanlayer::daemon::session::machine;
use humanlayer::domain::approval::InputState;
use humanlayer::domain::{Effect, Phase, RunId, Session, SessionId};
use serde_json::{Value, json};

/// Where choices come from: libFuzzer's bytes, or a seed.
pub trait Choices {
    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize;
}

/// Choices that follow from a seed (SplitMix64).
pub struct Seeded(pub u64);

impl Choices for Seeded {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// What the agent wrote in each recording, line by line.
pub fn recordings(root: &Path) -> Vec<(PathBuf, Vec<Value>)> {
    let mut files = Vec::new();
    let fixtures = root.join("tests/fixtures");
    for folder in [
        "claude-code-2.1.330",
        "recordings/claude-code-2.0.37",
        "recordings/claude-code-2.1.133",
        "recordings/claude-code-2.1.330",
        "recordings/claude-code-2.1.332",
        // Lines of the same programs that are not of a stream: transcripts, hooks, files.
        "recordings/beside-claude-code-2.0.37",
        "recordings/beside-claude-code-2.1.133",
        "recordings/beside-claude-code-2.1.332",
    ] {
        for entry in std::fs::read_dir(fixtures.join(folder)).expect("the recordings") {
            files.push(entry.expect("a recording").path());
        }
    }
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a recording");
            let lines = text.lines().filter_map(line_of_agent).collect();
            (path, lines)
        })
        .collect()
}

/// A recorded line, if the agent wrote it: `{"<": …}`, `< …`, or, in a file that is its own, all of it.
fn line_of_agent(recorded: &str) -> Option<Value> {
    if let Some(line) = recorded.strip_prefix("< ") {
        return serde_json::from_str(line).ok();
    }
    let line: Value = serde_json::from_str(recorded).ok()?;
    if line.get(">").is_some() {
        return None;
    }
    Some(line.get("<").cloned().unwrap_or(line))
}

/// Values that no field expects, as JSON.
const ODD: [&str; 16] = [
    "null",
    "true",
    "-1",
    "1.5",
    "1e999",
    "123456789012345678901234567890",
    "\"\"",
    "\"7\"",
    r#""\ud83d""#,
    r#""\udc00x\ud83d\ude00""#,
    r#""\u0000\u001b[31m""#,
    "[]",
    "{}",
    r#"{"a":1,"a":2}"#,
    r#"[null,{"type":7}]"#,
    r#"{"type":"hologram","deep":DEEP}"#,
];

/// A damaged line.
struct Damaged {
    bytes: Vec<u8>,
    wants: Wants,
}

/// What can still be told of what a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// What was recorded.
    TheSame,
    /// Something else, which can be read and answered.
    Another,
    /// What it wants, or by which name it is answered, cannot be read.
    Unreadable,
}

impl Wants {
    /// What a line wants into which odd values were put.
    fn of(recorded: &Value, line: &Value, raws: &[String]) -> Self {
        let fields = ["/request_id", "/request/subtype"].map(|path| {
            match (line.pointer(path), recorded.pointer(path)) {
                (Some(now), Some(before)) if now == before => Self::TheSame,
                (Some(Value::String(now)), _) => {
                    let put = (0..raws.len()).find(|number| *now == marker(*number));
                    let is_text = put
                        .is_none_or(|number| serde_json::from_str::<String>(&raws[number]).is_ok());
                    if is_text {
                        Self::Another
                    } else {
                        Self::Unreadable
                    }
                }
                _ => Self::Unreadable,
            }
        });
        match fields {
            [Self::Unreadable, _] | [_, Self::Unreadable] => Self::Unreadable,
            // Under another name it wants the same.
            [_, subtype] => subtype,
        }
    }
}

/// Damages a line in one of several ways, never so that it says to be another kind of line.
fn damage(line: &Value, choices: &mut impl Choices) -> Damaged {
    let recorded = line;
    let mut line = line.clone();
    let mut raws = Vec::new();
    for _ in 0..choices.below(4) {
        put_odd_value(&mut line, choices, &mut raws);
    }
    let mut wants = Wants::of(recorded, &line, &raws);
    let mut text = match choices.below(4) {
        0 => with_type_last(&line).to_string(),
        _ => line.to_string(),
    };
    for (number, raw) in raws.into_iter().enumerate() {
        text = text.replace(&marker_json(number), &raw);
    }
    match choices.below(8) {
        // Twice the same name, and one that nobody knows.
        0 => {
            text = text.replacen(
                '{',
                r#"{"brand_new":[1e999,"\ud83d"],"uuid":1,"uuid":2,"request":7,"#,
                1,
            )
        }
        1 => text = text.replacen(':', " :\t", 3),
        2 => {
            // Cut off, behind its type.
            let kind = format!(r#""type":{}"#, line["type"]);
            let head = text.rfind(&kind).map_or(text.len(), |at| at + kind.len());
            let keep = head + choices.below(text.len() - head + 1);
            let keep = (keep..text.len()).find(|at| text.is_char_boundary(*at));
            let keep = keep.unwrap_or(text.len());
            if keep < text.len() {
                wants = Wants::Unreadable;
            }
            text.truncate(keep);
        }
        _ => {}
    }
    let mut bytes = text.into_bytes();
    if choices.below(8) == 0 {
        // A byte that is no text, inside a string.
        let strings: Vec<usize> = (3..bytes.len())
            .filter(|at| bytes[at - 3..*at] == *b"\":\"" && !bytes[..at - 3].ends_with(b"type"))
            .collect();
        if !strings.is_empty() {
            bytes.insert(strings[choices.below(strings.len())], 0xff);
            wants = Wants::Unreadable;
        }
    }
    Damaged { bytes, wants }
}

fn marker(number: usize) -> String {
    format!("\u{1}odd {number}\u{1}")
}

fn marker_json(number: usize) -> String {
    Value::from(marker(number)).to_string()
}

/// Puts an odd value in place of some field, but not of the line's type.
fn put_odd_value(line: &mut Value, choices: &mut impl Choices, raws: &mut Vec<String>) {
    let depth = [2, 99, 200, 20_000][choices.below(4)];
    let deep = "[".repeat(depth) + &"]".repeat(depth);
    let raw = ODD[choices.below(ODD.len())].replace("DEEP", &deep);
    let mut at = line;
    let mut is_top = true;
    loop {
        let stop = !is_top && choices.below(3) == 0;
        let keys: Vec<String> = match &*at {
            Value::Object(map) if !stop => map
                .keys()
                .filter(|name| !is_top || *name != "type")
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        if let Value::Array(items) = &*at
            && !stop
            && !items.is_empty()
        {
            let number = choices.below(items.len());
            is_top = false;
            at = &mut at[number];
            continue;
        }
        if keys.is_empty() {
            break;
        }
        let key = &keys[choices.below(keys.len())];
        is_top = false;
        at = &mut at[key.as_str()];
    }
    if !is_top {
        *at = Value::from(marker(raws.len()));
        raws.push(raw);
    }
}

fn with_type_last(line: &Value) -> Value {
    let mut map = line.as_object().cloned().unwrap_or_default();
    if let Some(kind) = map.shift_remove("type") {
        map.insert("type".to_owned(), kind);
    }
    Value::Object(map)
}

/// The lines as they come: some not at all, some twice, some after the next one.
fn shuffled<'a>(lines: &'a [Value], choices: &mut impl Choices) -> Vec<&'a Value> {
    let mut coming = Vec::with_capacity(lines.len());
    for line in lines {
        match choices.below(24) {
            1 => {}
            2 => coming.extend([line, line]),
            3 if !coming.is_empty() => coming.insert(coming.len() - 1, line),
            _ => coming.push(line),
        }
    }
    coming
}

/// Plays a recording with every line damaged, and checks what must hold.
pub fn play(lines: &[Value], choices: &mut impl Choices) {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let mut session = Session::accepted(SessionId::from("s"), RunId::from("r"), now);
    for recorded in shuffled(lines, choices) {
        let damaged = damage(recorded, choices);
        let shown = String::from_utf8_lossy(&damaged.bytes).into_owned();
        let understood = line::read(&damaged.bytes);
        let is_understood = understood.is_understood();
        let malformed = matches!(understood, AgentLine::Malformed(_));
        let effects = machine::apply(&mut session, understood, now);
        let asked = effects.iter().find_map(|effect| match effect {
            Effect::Ask(question) => Some(question),
            _ => None,
        });
        match recorded["type"].as_str().unwrap_or_default() {
            "control_request" => {
                let permission = recorded["request"]["subtype"] == "can_use_tool";
                let answered = effects
                    .iter()
                    .any(|effect| matches!(effect, Effect::Send(_)));
                match damaged.wants {
                    Wants::TheSame => assert_eq!(asked.is_some(), permission, "{shown}"),
                    Wants::Another => assert!(asked.is_some() || answered, "{shown}"),
                    Wants::Unreadable => assert!(asked.is_some(), "{shown}"),
                }
                if let Some(question) = asked
                    && question.input_state == InputState::Unreadable
                {
                    let raw = question.raw_input.as_deref().unwrap_or_default();
                    assert!(shown.contains(raw), "{shown}");
                }
            }
            "result" => {
                assert!(session.completed_at.is_some(), "{shown}");
                assert!(
                    matches!(
                        session.phase,
                        Phase::Completed | Phase::Failed | Phase::Interrupted
                    ),
                    "{shown}"
                );
            }
            _ => assert!(asked.is_none(), "{shown}"),
        }
        if malformed {
            assert!(!is_understood && !effects.is_empty(), "{shown}");
        }
        // What goes to clients must be what they can read.
        for effect in &effects {
            if let Effect::Say(piece) = effect
                && let Some(input) = &piece.tool_input
            {
                assert!(serde_json::from_str::<Value>(input).is_ok(), "{shown}");
            }
        }
        let usage = &session.usage;
        assert!(
            usage
                .cost_usd
                .is_none_or(|cost| cost >= 0.0 && cost.is_finite()),
            "{shown}"
        );
    }
    drop(json!(session.stream));
}
