//! `answer`: answer an agent's question.
//!
//! Owns reading the questions out of an approval and turning what was typed
//! into the text of each question's answer. Whether the answers fit is the
//! daemon's to judge; here they are only understood.

use serde_json::{Map, Value};

use super::exit::Failure;
use super::{Context, decide, input};
use crate::domain::{Capability, Decision};
use crate::protocol::decision::SendDecisionParams;

/// Arguments of `answer`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer answer 1a2b3c4d Postgres          the label of an option\n  \
    humanlayer answer 1a2b3c4d 2                 its number\n  \
    humanlayer answer 1a2b3c4d \"none of these\"   your own words\n  \
    humanlayer answer 1a2b3c4d 1=2 2=Yes         several questions, by number\n  \
    humanlayer answer 1a2b3c4d \"Which one?=2\"    or by their text or header\n\n\
    Where several options may be chosen, give several.\n\
    `humanlayer show ID` shows the questions and their options.")]
pub struct Args {
    /// The approval
    pub id: String,

    /// An option's label or number, or your own words; QUESTION=ANSWER for several questions
    #[arg(required_unless_present = "json")]
    pub answers: Vec<String>,

    /// The answers as a JSON object: question text to answer
    #[arg(long, value_name = "JSON", conflicts_with = "answers")]
    pub json: Option<String>,

    /// A note for the record
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub comment: Option<String>,
}

/// Answers.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let given = match &args.json {
        Some(text) => match input::json(text, "--json")? {
            Value::Object(answers) => Some(answers),
            _ => {
                return Err(Failure::usage(
                    "--json must be a JSON object: question text to answer",
                ));
            }
        },
        None => None,
    };
    let client = context.client().await?;
    let approval = client.get_approval(&args.id).await?;
    decide::require(&approval, Capability::Answer)?;
    let answers = match given {
        Some(answers) => answers,
        None => understand(&questions(&approval.tool_input), &args.answers).map_err(|problem| {
            Failure::usage(problem)
                .with_hint("`humanlayer show ID` shows the questions and their options")
        })?,
    };
    let decision = Decision::Answer {
        answers,
        comment: args.comment,
    };
    let params = SendDecisionParams::new(&approval.id, decision);
    decide::send(&client, params, &mut context).await
}

/// A question as the agent put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its short name.
    pub header: &'a str,
    /// Its options.
    pub labels: Vec<&'a str>,
    /// Whether several options may be chosen.
    pub several: bool,
}

/// The questions of a tool's input, in order.
#[must_use]
pub fn questions(tool_input: &Value) -> Vec<Question<'_>> {
    let list = tool_input.get("questions").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(question).collect()
}

fn question(json: &Value) -> Option<Question<'_>> {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let options = json.get("options").and_then(Value::as_array);
    Some(Question {
        text: text("question")?,
        header: text("header").unwrap_or(""),
        labels: options
            .into_iter()
            .flatten()
            .filter_map(|option| option.get("label")?.as_str())
            .collect(),
        several: json.get("multiSelect").and_then(Value::as_bool) == Some(true),
    })
}

/// What was typed, as answers by the questions' texts.
fn understand(questions: &[Question<'_>], typed: &[String]) -> Result<Map<String, Value>, String> {
    let mut choices: Vec<Vec<String>> = vec![Vec::new(); questions.len()];
    for text in typed {
        let (index, answer) = match questions {
            [] => return Err("the question has no text; use --json".to_owned()),
            [only] => (0, addressed(only, text).unwrap_or(text)),
            several => split(several, text)?,
        };
        choices[index].push(choose(&questions[index], answer)?);
    }
    let mut answers = Map::new();
    for (question, chosen) in questions.iter().zip(choices) {
        if chosen.is_empty() {
            return Err(format!("no answer to «{}»", question.text));
        }
        if chosen.len() > 1 && !question.several {
            return Err(format!("«{}» takes one answer", question.text));
        }
        // The form in which the agent's own program gives several choices.
        answers.insert(question.text.to_owned(), Value::from(chosen.join(", ")));
    }
    Ok(answers)
}

/// The answer in `QUESTION=ANSWER` when it is this question's text or header.
fn addressed<'a>(question: &Question<'_>, text: &'a str) -> Option<&'a str> {
    [question.text, question.header]
        .into_iter()
        .filter(|name| !name.is_empty())
        .find_map(|name| text.strip_prefix(name)?.trim_start().strip_prefix('='))
        .map(str::trim)
}

/// Which of several questions is answered, and how.
fn split<'a>(questions: &[Question<'_>], text: &'a str) -> Result<(usize, &'a str), String> {
    let by_name = questions
        .iter()
        .enumerate()
        .find_map(|(index, question)| Some((index, addressed(question, text)?)));
    let by_number = || {
        let (number, answer) = text.split_once('=')?;
        let index = number.trim().parse::<usize>().ok()?.checked_sub(1)?;
        (index < questions.len()).then_some((index, answer.trim()))
    };
    by_name.or_else(by_number).ok_or_else(|| {
        format!(
            "there are {} questions, so each answer is QUESTION=ANSWER; «{text}» names none of them",
            questions.len()
        )
    })
}

/// An option by its number or its label, else the words as they are.
fn choose(question: &Question<'_>, answer: &str) -> Result<String, String> {
    let labels = &question.labels;
    if answer.is_empty() {
        return Err(format!("the answer to «{}» is empty", question.text));
    }
    // A label comes first: an option may itself be a number.
    let label = labels.iter().find(|label| **label == answer).or_else(|| {
        labels
            .iter()
            .find(|label| label.eq_ignore_ascii_case(answer))
    });
    if let Some(label) = label {
        return Ok((*label).to_owned());
    }
    match answer.parse::<usize>() {
        Ok(number) if !labels.is_empty() => number
            .checked_sub(1)
            .and_then(|index| labels.get(index))
            .map(|label| (*label).to_owned())
            .ok_or_else(|| {
                format!(
                    "«{}» has the options 1 to {}; for the number itself use --json",
                    question.text,
                    labels.len()
                )
            }),
        Ok(_) | Err(_) => Ok(answer.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    fn one() -> Value {
        json!({"questions": [
            {"question": "Which database?", "header": "DB", "multiSelect": false,
             "options": [{"label": "Postgres"}, {"label": "SQLite"}]}
        ]})
    }

    fn two() -> Value {
        json!({"questions": [
            {"question": "a=b?", "header": "Eq", "options": [{"label": "Yes"}, {"label": "No"}]},
            {"question": "Which?", "header": "W", "multiSelect": true,
             "options": [{"label": "x"}, {"label": "y"}, {"label": "z"}]}
        ]})
    }

    fn answer(input: &Value, typed: &[&str]) -> Result<Value, String> {
        let typed: Vec<String> = typed.iter().map(|text| (*text).to_owned()).collect();
        understand(&questions(input), &typed).map(Value::Object)
    }

    #[test]
    fn one_question_takes_a_label_a_number_or_words() {
        let cases = [
            ("SQLite", "SQLite"),
            ("sqlite", "SQLite"),
            ("1", "Postgres"),
            ("none, thanks", "none, thanks"),
            ("DB=2", "SQLite"),
            ("Which database? = 2", "SQLite"),
            ("x=y", "x=y"),
        ];
        for (typed, chosen) in cases {
            assert_eq!(
                answer(&one(), &[typed]).unwrap(),
                json!({"Which database?": chosen}),
                "{typed}"
            );
        }
    }

    #[test]
    fn several_questions_are_named_by_text_header_or_number() {
        for typed in [
            &["a=b?=1", "Which?=z", "Which?=x"][..],
            &["Eq=yes", "W=3", "W=1"],
            &["1=1", "2=3", "2=1"],
        ] {
            assert_eq!(
                answer(&two(), typed).unwrap(),
                json!({"a=b?": "Yes", "Which?": "z, x"}),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let cases = [
            (one(), &["3"][..], "options 1 to 2"),
            (one(), &["0"], "options 1 to 2"),
            (one(), &["1", "2"], "takes one answer"),
            (one(), &[""], "is empty"),
            (two(), &["1=1"], "no answer to «Which?»"),
            (two(), &["Yes"], "names none of them"),
            (two(), &["3=Yes"], "names none of them"),
            (json!({}), &["Yes"], "use --json"),
        ];
        for (input, typed, said) in cases {
            let problem = answer(&input, typed).unwrap_err();
            assert!(problem.contains(said), "{typed:?}: {problem}");
        }
    }
}
