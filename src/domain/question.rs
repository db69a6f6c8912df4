//! The questions of an `AskUserQuestion`: the one place that reads them, and that turns what a person
//! typed into answers.
//!
//! Pure. A list is read whole or not at all: an answer to a part of it would be none.

use serde_json::{Map, Value};

/// An option of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuestionOption {
    /// What is answered by it.
    pub label: String,
    /// What it means.
    pub description: String,
}

/// One question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Its text, which names it in the answer.
    pub text: String,
    /// Its short name; may be empty.
    pub header: String,
    /// Whether several options may be chosen.
    pub multi_select: bool,
    /// Its options; without any, it is answered in words.
    pub options: Vec<QuestionOption>,
}

/// The questions of a tool's input, in order; none where one of them cannot be read.
#[must_use]
pub fn parse(input: &Value) -> Option<Vec<Question>> {
    let list = input.get("questions")?.as_array()?;
    let questions: Option<Vec<Question>> = list.iter().map(question).collect();
    questions.filter(|questions| !questions.is_empty())
}

fn question(json: &Value) -> Option<Question> {
    let text = text(json, "question");
    (!text.is_empty()).then(|| Question {
        text,
        header: self::text(json, "header"),
        multi_select: json.get("multiSelect").and_then(Value::as_bool) == Some(true),
        options: options(json),
    })
}

fn options(question: &Value) -> Vec<QuestionOption> {
    let options = question.get("options").and_then(Value::as_array);
    options
        .into_iter()
        .flatten()
        .filter_map(|option| {
            let label = option
                .as_str()
                .map_or_else(|| text(option, "label"), str::to_owned);
            (!label.is_empty()).then(|| QuestionOption {
                label,
                description: text(option, "description"),
            })
        })
        .collect()
}

fn text(json: &Value, name: &str) -> String {
    let text = json.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Several choices as one answer, in the form in which the agent's own program gives them.
#[must_use]
pub fn join(choices: &[String]) -> String {
    choices.join(", ")
}

impl Question {
    /// Which options an answer names, by their index, and what it says beside them.
    #[must_use]
    pub fn chosen(&self, answer: &str) -> (Vec<usize>, Vec<String>) {
        let mut chosen = Vec::new();
        let mut other = Vec::new();
        let by_label = |part: &str| self.options.iter().position(|o| o.label == part);
        if let Some(index) = by_label(answer) {
            return (vec![index], other);
        }
        // A label may hold a comma itself, so the longest one that fits comes first.
        let mut rest = answer.trim();
        while !rest.is_empty() {
            if self.multi_select
                && let Some((index, tail)) = self.leading(rest)
            {
                if !chosen.contains(&index) {
                    chosen.push(index);
                }
                rest = tail;
                continue;
            }
            let (part, tail) = match rest.split_once(',') {
                Some((part, tail)) if self.multi_select => (part.trim(), tail.trim_start()),
                Some(_) | None => (rest, ""),
            };
            if !part.is_empty() {
                other.push(part.to_owned());
            }
            rest = tail;
        }
        (chosen, other)
    }

    /// The longest label that a text begins with, and what comes behind it.
    fn leading<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        self.options
            .iter()
            .enumerate()
            .filter_map(|(index, option)| {
                let rest = text.strip_prefix(option.label.as_str())?.trim_start();
                let tail = match rest.strip_prefix(',') {
                    Some(tail) => tail.trim_start(),
                    None if rest.is_empty() => rest,
                    None => return None,
                };
                Some((option.label.len(), index, tail))
            })
            .max_by_key(|(length, _, _)| *length)
            .map(|(_, index, tail)| (index, tail))
    }

    /// The answer that a person typed: an option by its label, whatever its case, or by its number.
    ///
    /// # Errors
    /// Why it is none of them, with the options, and the one that was probably meant.
    pub fn choose(&self, typed: &str) -> Result<&str, String> {
        let label = |option: &QuestionOption| option.label == typed;
        // An exact label comes first: an option may itself be a number.
        if let Some(option) = self.options.iter().find(|option| label(option)) {
            return Ok(&option.label);
        }
        let mut alike = self
            .options
            .iter()
            .filter(|option| option.label.to_lowercase() == typed.to_lowercase());
        if let (Some(option), None) = (alike.next(), alike.next()) {
            return Ok(&option.label);
        }
        let by_number = typed
            .parse::<usize>()
            .ok()
            .and_then(|number| self.options.get(number.checked_sub(1)?));
        match by_number {
            Some(option) => Ok(&option.label),
            None => Err(self.not_an_option(typed)),
        }
    }

    fn not_an_option(&self, typed: &str) -> String {
        if self.options.is_empty() {
            return format!("“{}” has no options", self.text);
        }
        let meant = self
            .options
            .iter()
            .map(|option| {
                let score =
                    strsim::jaro_winkler(&option.label.to_lowercase(), &typed.to_lowercase());
                (score, option)
            })
            .filter(|(score, _)| *score > 0.8)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut problem = format!("“{typed}” is not an option of “{}”", self.text);
        if let Some((_, option)) = meant {
            problem.push_str(&format!("; did you mean “{}”?", option.label));
        }
        problem.push_str("\nOptions:");
        for (index, option) in self.options.iter().enumerate() {
            problem.push_str(&format!("\n  {} {}", index + 1, option.label));
        }
        problem
    }
}

/// What was typed for a list of questions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed<'a> {
    /// Options, by label or number; `QUESTION=ANSWER` where there are several questions.
    pub options: &'a [String],
    /// Answers in the person's own words, addressed in the same way.
    pub texts: &'a [String],
}

/// What was typed, as answers by the questions' texts.
///
/// # Errors
/// What does not fit, for the person who typed it.
pub fn answers(questions: &[Question], typed: Typed<'_>) -> Result<Map<String, Value>, String> {
    let mut given: Vec<Vec<String>> = vec![Vec::new(); questions.len()];
    for text in typed.options {
        let (index, answer) = addressed(questions, text)?;
        let (Some(question), Some(given)) = (questions.get(index), given.get_mut(index)) else {
            continue;
        };
        if answer.is_empty() {
            return Err(format!("the answer to “{}” is empty", question.text));
        }
        if question.options.is_empty() {
            return Err(format!(
                "“{}” has no options: answer it in your own words with --text",
                question.text
            ));
        }
        let label = question.choose(answer)?;
        if !given.iter().any(|known| known == label) {
            given.push(label.to_owned());
        }
    }
    for text in typed.texts {
        let (index, answer) = addressed(questions, text)?;
        let (Some(question), Some(given)) = (questions.get(index), given.get_mut(index)) else {
            continue;
        };
        if answer.trim().is_empty() {
            return Err(format!("the answer to “{}” is empty", question.text));
        }
        given.push(answer.to_owned());
    }
    let mut answers = Map::new();
    for (question, given) in questions.iter().zip(given) {
        if given.is_empty() {
            return Err(format!("no answer to “{}”", question.text));
        }
        if given.len() > 1 && !question.multi_select {
            return Err(format!("“{}” takes one answer", question.text));
        }
        answers.insert(question.text.clone(), Value::from(join(&given)));
    }
    Ok(answers)
}

/// Which question a typed text is about, and the answer in it.
fn addressed<'a>(questions: &[Question], text: &'a str) -> Result<(usize, &'a str), String> {
    let named = |question: &Question| {
        [&question.text, &question.header]
            .into_iter()
            .filter(|name| !name.is_empty())
            .find_map(|name| {
                text.strip_prefix(name.as_str())?
                    .trim_start()
                    .strip_prefix('=')
            })
            .map(str::trim)
    };
    let by_name = questions
        .iter()
        .enumerate()
        .find_map(|(index, question)| Some((index, named(question)?)));
    if let [_] = questions {
        return Ok(by_name.unwrap_or((0, text)));
    }
    let by_number = || {
        let (number, answer) = text.split_once('=')?;
        let index = number.trim().parse::<usize>().ok()?.checked_sub(1)?;
        (index < questions.len()).then_some((index, answer.trim()))
    };
    by_name.or_else(by_number).ok_or_else(|| {
        format!(
            "there are {} questions, so each answer is QUESTION=ANSWER; “{text}” names none of them",
            questions.len()
        )
    })
}
