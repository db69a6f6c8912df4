//! The language of the demonstration's scripts: one step a line. Pure.
//!
//! `TEXT words` and `SAY`, lines, `END` are said; `THINK words` are thought; `WAIT seconds` passes time;
//! `FREE tool {input}` is a call without a question, `TOOL tool {input}` one that asks; `QUESTION {input}` asks the
//! user; `SUBAGENT {description, prompt}` plays a script of its own; `REFUSED words` are the last ones where the call
//! before was refused (`{reason}` in them is why); `RETRY status` is a passing trouble of the API; `RESULT_ERROR
//! subtype` ends the turn. A line of `===` divides what is played for one message from that for the next.

use std::time::Duration;

use serde_json::{Value, json};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Says this.
    Say(String),
    /// Thinks this.
    Think(String),
    /// Lets time pass.
    Wait(Duration),
    /// Makes a call.
    Call {
        /// The tool.
        tool: String,
        /// Its input.
        input: Value,
        /// Whether nobody is asked.
        free: bool,
    },
    /// Says this and stops, where the call before was refused.
    Refused(String),
    /// Says that the API did not answer, with this status.
    Retry(u16),
    /// Ends the turn with this error.
    Fail(String),
}

/// The parts of a script.
pub fn parts(script: &str) -> Vec<&str> {
    script.split("===\n").collect()
}

/// The steps of a part.
///
/// # Errors
/// The first line that is none.
pub fn parse(part: &str) -> Result<Vec<Step>, String> {
    let mut lines = part.lines();
    let mut steps = Vec::new();
    while let Some(line) = lines.next() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let step = match word {
            "" => continue,
            "SAY" => {
                let said: Vec<&str> = lines.by_ref().take_while(|line| *line != "END").collect();
                Some(Step::Say(said.join("\n")))
            }
            _ => step(word, rest),
        };
        steps.push(step.ok_or_else(|| line.to_owned())?);
    }
    Ok(steps)
}

fn step(word: &str, rest: &str) -> Option<Step> {
    let call = |tool: &str, input: Value, free| Step::Call {
        tool: tool.to_owned(),
        input,
        free,
    };
    let text = rest.to_owned();
    Some(match word {
        "TEXT" => Step::Say(text),
        "THINK" => Step::Think(text),
        "WAIT" => Step::Wait(Duration::from_secs(rest.parse().ok()?)),
        "FREE" | "TOOL" => {
            let (tool, input) = rest.split_once(' ')?;
            call(tool, object(input)?, word == "FREE")
        }
        "QUESTION" => call("AskUserQuestion", object(rest)?, false),
        "SUBAGENT" => {
            let mut input =
                json!({ "subagent_type": "general-purpose", "run_in_background": false });
            input
                .as_object_mut()?
                .extend(object(rest)?.as_object()?.clone());
            call("Task", input, true)
        }
        "REFUSED" => Step::Refused(text),
        "RETRY" => Step::Retry(rest.parse().ok()?),
        "RESULT_ERROR" => Step::Fail(text),
        _ => return None,
    })
}

fn object(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.is_object().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::super::scenes;
    use super::*;

    #[test]
    fn every_script_is_understood_also_what_its_subagents_play() {
        let scenes = scenes::SCENES.iter().map(|scene| scene.script);
        for part in scenes.chain([scenes::NEW]).flat_map(parts) {
            let steps = parse(part);
            assert!(
                steps.as_ref().is_ok_and(|steps| !steps.is_empty()),
                "{steps:?}"
            );
            for step in steps.into_iter().flatten() {
                if let Step::Call { input, .. } = step
                    && let Some(prompt) = input["prompt"].as_str()
                {
                    assert!(
                        parse(prompt).is_ok_and(|steps| !steps.is_empty()),
                        "{prompt}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_no_step_is_named() {
        for line in ["please fix it", "TOOL Bash", "TOOL Bash [1]", "WAIT soon"] {
            assert_eq!(parse(&format!("TEXT a\n{line}\n")), Err(line.to_owned()));
        }
    }
}
