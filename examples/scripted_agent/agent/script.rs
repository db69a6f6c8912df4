//! The language of the scripted agent: one directive a line, read into a tree.
//!
//! Owns the parser and nothing else: it is pure, so the tables in its tests are the
//! language's reference. A line that is no directive is ignored, and a script without a
//! single directive means "say hello". Called by the session for every prompt.

use serde_json::{Value, json};

/// One step of a script.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Directive {
    /// `TEXT words`, or `SAY`, lines, `END`: a text block.
    Text(String),
    /// `PACE milliseconds`: from now on so long between two words of a text.
    Pace(u64),
    /// `REFUSED words`: if a call of the last message was refused, these are said and the turn is
    /// over; `{reason}` in them is the reason.
    Refused(String),
    /// `THINK words`: a thinking block.
    Think(String),
    /// `TOOL`, `FREE`, `SUBAGENT`, `QUESTION`, `PLAN`, `BACKGROUND`: a tool call.
    Call(Call),
    /// `ASK_ALL`: the calls that follow are asked for all at once.
    AskAll,
    /// `CANCEL [path]`: the next question is withdrawn after it was asked; with a path,
    /// only once that file exists.
    Cancel(Option<String>),
    /// `MALFORMED text`: this line, as it is, on stdout.
    Malformed(String),
    /// `UNKNOWN {json}`: this object as a line on stdout.
    Unknown(Value),
    /// `FLOOD n [bytes]`: many text lines as fast as possible.
    Flood {
        /// How many lines.
        lines: u64,
        /// Bytes of text in each.
        bytes: usize,
    },
    /// `LONG bytes`: one text line with that many bytes of text.
    Long(usize),
    /// `HALF text`: half a text line now, the rest when the next directive runs that is
    /// not `WAIT`, `WAITFILE` or `TOUCH`, or when anything else is written.
    Half(String),
    /// `WAIT seconds` (also `SLEEP`): in milliseconds here.
    Wait(u64),
    /// `WAITFILE path`: until the file exists.
    WaitFile(String),
    /// `TOUCH path`: an empty file.
    Touch(String),
    /// `RETRY status` (also `ERR`): a transient trouble of the API.
    Retry(u16),
    /// `STDERR text`: a line on stderr.
    Stderr(String),
    /// `CRASH`: abort.
    Crash,
    /// `KILLSELF`: SIGKILL to itself.
    KillSelf,
    /// `EXIT code`: leave at once with that code.
    Exit(i32),
    /// `RESULT_ERROR subtype`: the turn ends with this error.
    ResultError(String),
    /// `USAGE {json}`: the token usage that later messages report.
    Usage(Value),
    /// `LOOP n … END`: the body n times.
    Loop {
        /// How often.
        times: u64,
        /// What.
        body: Vec<Directive>,
    },
}

/// One tool call of a script.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The tool's name on the wire.
    pub(super) name: String,
    /// Its input.
    pub(super) input: Value,
    /// Whether it runs without any question.
    pub(super) free: bool,
}

/// A line of a script that names a directive and cannot be followed.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("script line {line}: {reason}")]
pub(super) struct ScriptError {
    /// One-based.
    pub(super) line: usize,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// Parses a whole script.
pub(super) fn parse(text: &str) -> Result<Vec<Directive>, ScriptError> {
    let mut lines = Lines {
        lines: text.lines().collect(),
        next: 0,
    };
    lines.block(false)
}

struct Lines<'a> {
    lines: Vec<&'a str>,
    next: usize,
}

impl Lines<'_> {
    fn block(&mut self, inner: bool) -> Result<Vec<Directive>, ScriptError> {
        let opened = self.next;
        let mut out = Vec::new();
        while let Some(line) = self.lines.get(self.next).copied() {
            self.next += 1;
            let (word, rest) = split_word(line);
            match word {
                "END" if inner => return Ok(out),
                "LOOP" => {
                    let times = self.number(rest)?;
                    let body = self.block(true)?;
                    out.push(Directive::Loop { times, body });
                }
                "SAY" => out.push(Directive::Text(self.raw_block()?)),
                "BACKGROUND" => {
                    let prompt = self.raw_block()?;
                    out.push(background(rest, &prompt));
                }
                _ => {
                    if let Some(directive) = self.simple(word, rest)? {
                        out.push(directive);
                    }
                }
            }
        }
        if inner {
            return Err(ScriptError {
                line: opened,
                reason: "this block has no END".to_owned(),
            });
        }
        Ok(out)
    }

    /// The text up to the END that closes this block: to be said, or parsed by a background task.
    fn raw_block(&mut self) -> Result<String, ScriptError> {
        let opened = self.next;
        let mut depth = 0_usize;
        let mut body = Vec::new();
        while let Some(line) = self.lines.get(self.next).copied() {
            self.next += 1;
            match split_word(line).0 {
                "END" if depth == 0 => return Ok(body.join("\n")),
                "END" => depth -= 1,
                "LOOP" | "BACKGROUND" | "SAY" => depth += 1,
                _ => {}
            }
            body.push(line);
        }
        Err(ScriptError {
            line: opened,
            reason: "this block has no END".to_owned(),
        })
    }

    fn simple(&self, word: &str, rest: &str) -> Result<Option<Directive>, ScriptError> {
        let text = || rest.to_owned();
        Ok(Some(match word {
            "TEXT" => Directive::Text(text()),
            "THINK" => Directive::Think(text()),
            "PACE" => Directive::Pace(self.number(rest)?),
            "REFUSED" => Directive::Refused(text()),
            "TOOL" | "FREE" => {
                let (name, input) = split_word(rest);
                if name.is_empty() {
                    return Err(self.error("a tool call needs a name"));
                }
                Directive::Call(Call {
                    name: name.to_owned(),
                    input: self.object(input)?,
                    free: word == "FREE",
                })
            }
            "SUBAGENT" => Directive::Call(subagent(self.object(rest)?)),
            "QUESTION" => asked("AskUserQuestion", self.object(rest)?),
            "PLAN" => asked("ExitPlanMode", json!({ "plan": rest })),
            "ASK_ALL" => Directive::AskAll,
            "CANCEL" => Directive::Cancel((!rest.is_empty()).then(text)),
            "MALFORMED" => Directive::Malformed(text()),
            "UNKNOWN" => Directive::Unknown(self.object(rest)?),
            "FLOOD" => {
                let (lines, bytes) = split_word(rest);
                Directive::Flood {
                    lines: self.number(lines)?,
                    bytes: if bytes.is_empty() {
                        64
                    } else {
                        self.number(bytes)?
                    },
                }
            }
            "LONG" => Directive::Long(self.number(rest)?),
            "HALF" => Directive::Half(text()),
            "WAIT" | "SLEEP" => Directive::Wait(self.milliseconds(rest)?),
            "WAITFILE" => Directive::WaitFile(text()),
            "TOUCH" => Directive::Touch(text()),
            "RETRY" | "ERR" => Directive::Retry(self.number(rest)?),
            "STDERR" => Directive::Stderr(text()),
            "CRASH" => Directive::Crash,
            "KILLSELF" => Directive::KillSelf,
            "EXIT" => Directive::Exit(self.number(rest)?),
            "RESULT_ERROR" => Directive::ResultError(if rest.is_empty() {
                "error_during_execution".to_owned()
            } else {
                text()
            }),
            "USAGE" => Directive::Usage(self.object(rest)?),
            _ => return Ok(None),
        }))
    }

    fn error(&self, reason: impl Into<String>) -> ScriptError {
        ScriptError {
            line: self.next,
            reason: reason.into(),
        }
    }

    fn object(&self, text: &str) -> Result<Value, ScriptError> {
        let text = if text.is_empty() { "{}" } else { text };
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(Value::Object(map)),
            Ok(_) => Err(self.error("this needs a JSON object")),
            Err(cause) => Err(self.error(format!("this is not JSON: {cause}"))),
        }
    }

    fn number<N: std::str::FromStr>(&self, text: &str) -> Result<N, ScriptError> {
        text.trim()
            .parse()
            .map_err(|_| self.error(format!("{text:?} is not a number that fits here")))
    }

    fn milliseconds(&self, text: &str) -> Result<u64, ScriptError> {
        let wait = std::time::Duration::try_from_secs_f64(self.number(text)?)
            .map_err(|cause| self.error(cause.to_string()))?;
        u64::try_from(wait.as_millis()).map_err(|cause| self.error(cause.to_string()))
    }
}

fn asked(name: &str, input: Value) -> Directive {
    Directive::Call(Call {
        name: name.to_owned(),
        input,
        free: false,
    })
}

/// A subagent that the turn waits for.
fn subagent(given: Value) -> Call {
    let mut input = json!({
        "description": "sub",
        "prompt": "",
        "subagent_type": "general-purpose",
        "run_in_background": false,
    });
    merge(&mut input, given);
    Call {
        name: "Task".to_owned(),
        input,
        free: true,
    }
}

/// A subagent that goes on after the turn's result.
fn background(description: &str, prompt: &str) -> Directive {
    let description = if description.is_empty() {
        "background"
    } else {
        description
    };
    Directive::Call(Call {
        name: "Task".to_owned(),
        input: json!({
            "description": description,
            "prompt": prompt,
            "subagent_type": "general-purpose",
        }),
        free: true,
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    line.split_once([' ', '\t'])
        .map_or((line.trim_end(), ""), |(word, rest)| (word, rest.trim()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("TEXT a b", Directive::Text("a b".into()))]
    #[case("  TEXT a", Directive::Text("a".into()))]
    #[case("THINK hm", Directive::Think("hm".into()))]
    #[case("SAY\n# A\n\nb\nEND", Directive::Text("# A\n\nb".into()))]
    #[case("PACE 40", Directive::Pace(40))]
    #[case("REFUSED so: {reason}", Directive::Refused("so: {reason}".into()))]
    #[case("ASK_ALL", Directive::AskAll)]
    #[case("CANCEL", Directive::Cancel(None))]
    #[case("CANCEL /tmp/go", Directive::Cancel(Some("/tmp/go".into())))]
    #[case("FLOOD 3", Directive::Flood { lines: 3, bytes: 64 })]
    #[case("FLOOD 3 10", Directive::Flood { lines: 3, bytes: 10 })]
    #[case("LONG 70000", Directive::Long(70_000))]
    #[case("WAIT 0.25", Directive::Wait(250))]
    #[case("SLEEP 1", Directive::Wait(1000))]
    #[case("RETRY 529", Directive::Retry(529))]
    #[case("ERR 429", Directive::Retry(429))]
    #[case("EXIT 3", Directive::Exit(3))]
    #[case("RESULT_ERROR", Directive::ResultError("error_during_execution".into()))]
    #[case("RESULT_ERROR error_max_turns", Directive::ResultError("error_max_turns".into()))]
    #[case("UNKNOWN {\"type\":\"x\"}", Directive::Unknown(json!({"type": "x"})))]
    #[case("MALFORMED {oops", Directive::Malformed("{oops".into()))]
    fn a_line_is_a_directive(#[case] line: &str, #[case] expected: Directive) {
        assert_eq!(parse(line), Ok(vec![expected]));
    }

    #[test]
    fn calls_carry_their_input() {
        let script = "TOOL Bash {\"command\":\"ls\"}\nFREE Read\nPLAN do it";
        let calls: Vec<_> = parse(script)
            .unwrap()
            .into_iter()
            .map(|directive| match directive {
                Directive::Call(call) => (call.name, call.input, call.free),
                other => unreachable!("{other:?}"),
            })
            .collect();
        assert_eq!(
            calls,
            [
                ("Bash".to_owned(), json!({"command": "ls"}), false),
                ("Read".to_owned(), json!({}), true),
                ("ExitPlanMode".to_owned(), json!({"plan": "do it"}), false),
            ]
        );
    }

    #[test]
    fn a_background_keeps_its_body_as_text_and_loops_nest() {
        let script = "BACKGROUND work\nLOOP 2\nTEXT in\nEND\nEND\nLOOP 2\nTEXT out\nEND\nTEXT end";
        let parsed = parse(script).unwrap();
        assert_eq!(parsed.len(), 3);
        let Directive::Call(call) = &parsed[0] else {
            unreachable!("{parsed:?}")
        };
        assert_eq!(call.input["prompt"], "LOOP 2\nTEXT in\nEND");
        assert_eq!(call.input["description"], "work");
        assert_eq!(
            parsed[1],
            Directive::Loop {
                times: 2,
                body: vec![Directive::Text("out".into())]
            }
        );
    }

    #[test]
    fn prose_is_no_directive() {
        assert_eq!(parse("please fix the bug\nTEXTURE x\nEND"), Ok(vec![]));
    }

    #[rstest]
    #[case("TEXT a\nTOOL", 2, "a tool call needs a name")]
    #[case("TOOL Bash [1]", 1, "this needs a JSON object")]
    #[case("LOOP 2\nTEXT a", 1, "this block has no END")]
    #[case("WAIT -1", 1, "negative")]
    #[case("EXIT soon", 1, "\"soon\" is not a number")]
    fn a_bad_line_is_named(#[case] script: &str, #[case] line: usize, #[case] reason: &str) {
        let error = parse(script).unwrap_err();
        assert_eq!(error.line, line);
        assert!(error.reason.contains(reason), "{error}");
    }
}
