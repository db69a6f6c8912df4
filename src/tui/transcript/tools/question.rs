//! `AskUserQuestion`: questions to the user, each with its options, and what was chosen.

use serde_json::Value;

use crate::domain::question::{self, Question};
use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::generic_input::fields;
use crate::tui::transcript::render::text::Row;
use crate::tui::transcript::tools::input::{field, list};

/// Writes the questions of an input; its `answers`, where they are there, mark what was chosen. An
/// input that cannot be read as questions is shown as it is.
pub(crate) fn card(canvas: &mut Canvas<'_>, input: &Value) {
    let Some(questions) = question::parse(input) else {
        return fields(canvas, input);
    };
    for (at, question) in questions.iter().enumerate() {
        if at > 0 {
            canvas.push(Row::new());
        }
        one(canvas, question, input.get("answers"));
    }
}

fn one(canvas: &mut Canvas<'_>, question: &Question, answers: Option<&Value>) {
    let theme = canvas.theme;
    let mut row = Row::new();
    if !question.header.is_empty() {
        row.prose(&question.header, theme.dim, theme);
        row.own("  ", theme.text);
    }
    row.prose(&question.text, theme.heading, theme);
    canvas.words(&row, &Row::new(), &Row::new());
    let answer = answers
        .and_then(|answers| answers.get(&question.text))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (chosen, other) = question.chosen(answer);
    let rest = Row::of("  ", theme.text);
    for (index, option) in question.options.iter().enumerate() {
        let is_chosen = chosen.contains(&index);
        let mark = match (question.multi_select, is_chosen) {
            (false, false) => "○ ",
            (false, true) => "● ",
            (true, false) => "☐ ",
            (true, true) => "☑ ",
        };
        let style = if is_chosen { theme.good } else { theme.text };
        let mut row = Row::prose_of(&option.label, style, theme);
        if !option.description.is_empty() {
            row.own(" — ", theme.dim);
            row.prose(&option.description, theme.dim, theme);
        }
        canvas.words(&row, &Row::of(mark, style), &rest);
    }
    if !other.is_empty() {
        let row = Row::prose_of(&other.join(", "), theme.good, theme);
        canvas.words(&row, &Row::of("→ ", theme.good), &rest);
    }
}

pub(crate) fn summary(input: &Value) -> String {
    list(input, "questions")
        .iter()
        .filter_map(|question| field(question, "question"))
        .take(16)
        .collect::<Vec<_>>()
        .join(" · ")
}
