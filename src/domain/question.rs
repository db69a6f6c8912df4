//! The questions of an `AskUserQuestion`: the one place that reads them, and that turns what a person
//! typed into answers.
//!
//! Pure. A list is read whole or not at all: an answer to a part of it would be none.

use std::collections::HashSet;

use super::text::nearest;
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

/// Whether [`parse`] gives something, without making it: asked for each frame. Two questions of one text cannot be
/// answered, because a question's text names its answer.
#[must_use]
pub fn can_be_read(input: &Value) -> bool {
    let Some(list) = input.get("questions").and_then(Value::as_array) else {
        return false;
    };
    let mut texts: HashSet<&str> = HashSet::new();
    let is_one = |question| {
        let text = Value::get(question, "question").and_then(Value::as_str);
        text.is_some_and(|text| !text.is_empty() && texts.insert(text))
    };
    !list.is_empty() && list.iter().all(is_one)
}

/// The questions of a tool's input, in order; none where one of them cannot be read.
#[must_use]
pub fn parse(input: &Value) -> Option<Vec<Question>> {
    if !can_be_read(input) {
        return None;
    }
    let list = input.get("questions")?.as_array()?;
    Some(list.iter().map(question).collect())
}

fn question(json: &Value) -> Question {
    Question {
        text: text(json, "question"),
        header: text(json, "header"),
        multi_select: json.get("multiSelect").and_then(Value::as_bool) == Some(true),
        options: options(json),
    }
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
        let labels: Vec<String> = self
            .options
            .iter()
            .map(|option| option.label.to_lowercase())
            .collect();
        let meant = nearest(&typed.to_lowercase(), labels.iter().map(String::as_str))
            .and_then(|near| labels.iter().position(|label| label == near))
            .and_then(|at| self.options.get(at));
        let mut problem = format!("“{typed}” is not an option of “{}”", self.text);
        if let Some(option) = meant {
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

/// The text of an input with the answers as a further field.
#[must_use]
pub fn with_answers(input: &str, answers: &Value) -> String {
    let input = input.trim_end();
    match input.strip_suffix('}').map(str::trim_end) {
        Some(fields) if fields.trim_start() == "{" => format!(r#"{{"answers":{answers}}}"#),
        Some(fields) => format!(r#"{fields},"answers":{answers}}}"#),
        None => format!(r#"{{"answers":{answers}}}"#),
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
             "options": [{"label": "x"}, {"label": "y"}, "z"]}
        ]})
    }

    #[test]
    fn two_questions_of_one_text_cannot_be_answered() {
        let question = |header: &str, text: &str| json!({"question": text, "header": header, "options": ["Yes", "No"]});
        let list = |texts: [&str; 2]| json!({"questions": [question("Delete DB", texts[0]), question("Run tests", texts[1])]});
        assert!(can_be_read(&list(["Delete it?", "Run it?"])));
        assert!(!can_be_read(&list(["Proceed?", "Proceed?"])));
        assert_eq!(parse(&list(["Proceed?", "Proceed?"])), None);
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn answer(input: &Value, options: &[&str], texts: &[&str]) -> Result<Value, String> {
        let typed = Typed {
            options: &owned(options),
            texts: &owned(texts),
        };
        answers(&parse(input).unwrap(), typed).map(Value::Object)
    }

    #[test]
    fn answers_are_added_to_the_input_as_it_came() {
        let answers = json!({"Which?": "a"});
        for (input, expected) in [
            ("{}", r#"{"answers":{"Which?":"a"}}"#),
            (
                r#"{"questions": [ 1.0 ] }"#,
                r#"{"questions": [ 1.0 ],"answers":{"Which?":"a"}}"#,
            ),
        ] {
            assert_eq!(with_answers(input, &answers), expected);
        }
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let questions = parse(&two()).unwrap();
        assert!(can_be_read(&two()) && can_be_read(&one()));
        assert_eq!(questions.len(), 2);
        assert_eq!(questions[1].options[2].label, "z");
        assert!(questions[1].multi_select && !questions[0].multi_select);
        for input in [
            json!({}),
            json!({"questions": []}),
            json!({"questions": "Which?"}),
            json!({"questions": [{"question": "Which?"}, {"header": "no text"}]}),
            json!("Which?"),
        ] {
            assert_eq!(parse(&input), None, "{input}");
            assert!(!can_be_read(&input), "{input}");
        }
    }

    #[test]
    fn one_question_takes_a_label_or_a_number() {
        for (typed, chosen) in [
            ("SQLite", "SQLite"),
            ("sqlite", "SQLite"),
            ("1", "Postgres"),
            ("DB=2", "SQLite"),
            ("Which database? = 2", "SQLite"),
        ] {
            let expected = json!({"Which database?": chosen});
            assert_eq!(answer(&one(), &[typed], &[]).unwrap(), expected, "{typed}");
        }
    }

    #[test]
    fn own_words_are_taken_only_as_such() {
        let expected = json!({"Which database?": "none, thanks"});
        assert_eq!(answer(&one(), &[], &["none, thanks"]).unwrap(), expected);
        let problem = answer(&one(), &["none, thanks"], &[]).unwrap_err();
        assert!(problem.contains("is not an option"), "{problem}");
        assert!(!problem.contains("did you mean"), "{problem}");
        let problem = answer(&one(), &["postgress"], &[]).unwrap_err();
        assert!(problem.contains("did you mean “Postgres”?"), "{problem}");
        assert!(problem.contains("1 Postgres\n  2 SQLite"), "{problem}");
        let mixed = answer(&two(), &["Eq=yes", "W=x"], &["W=something else"]).unwrap();
        assert_eq!(mixed["Which?"], "x, something else");
        let open = json!({"questions": [{"question": "Why?"}]});
        let problem = answer(&open, &["because"], &[]).unwrap_err();
        assert!(problem.contains("--text"), "{problem}");
        assert_eq!(
            answer(&open, &[], &["because"]).unwrap(),
            json!({"Why?": "because"})
        );
    }

    #[test]
    fn several_questions_are_named_by_text_header_or_number() {
        for typed in [
            &["a=b?=1", "Which?=z", "Which?=x"][..],
            &["Eq=yes", "W=3", "W=1"],
            &["1=1", "2=3", "2=1"],
        ] {
            let expected = json!({"a=b?": "Yes", "Which?": "z, x"});
            assert_eq!(answer(&two(), typed, &[]).unwrap(), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_explained() {
        let cases = [
            (one(), &["3"][..], "is not an option"),
            (one(), &["0"], "is not an option"),
            (one(), &["1", "2"], "takes one answer"),
            (one(), &[""], "is empty"),
            (two(), &["1=1"], "no answer to “Which?”"),
            (two(), &["Yes"], "names none of them"),
            (two(), &["3=Yes"], "names none of them"),
        ];
        for (input, typed, said) in cases {
            let problem = answer(&input, typed, &[]).unwrap_err();
            assert!(problem.contains(said), "{typed:?}: {problem}");
        }
    }

    #[test]
    fn an_answer_is_read_back_as_options_and_other_words() {
        let question = Question {
            multi_select: true,
            options: ["x", "x, y", "z"]
                .map(|label| QuestionOption {
                    label: label.to_owned(),
                    ..QuestionOption::default()
                })
                .to_vec(),
            ..Question::default()
        };
        let single = Question {
            multi_select: false,
            ..question.clone()
        };
        let none: Vec<String> = vec![];
        assert_eq!(question.chosen("x, z"), (vec![0, 2], none.clone()));
        assert_eq!(question.chosen("x, y, z"), (vec![1, 2], none.clone()));
        assert_eq!(question.chosen("z, more"), (vec![2], owned(&["more"])));
        assert_eq!(question.chosen(""), (vec![], none.clone()));
        assert_eq!(single.chosen("x, y"), (vec![1], none));
        assert_eq!(single.chosen("a, b"), (vec![], owned(&["a, b"])));
    }
}
