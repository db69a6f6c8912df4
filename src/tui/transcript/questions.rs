//! The card of questions to the user: each with its options, and what was chosen.

use serde_json::Value;

use super::card::{field, list};
use super::sheet::Sheet;
use super::text::Row;

/// Writes the questions of an input; its `answers`, where they are there, mark what was chosen.
pub(super) fn write(sheet: &mut Sheet<'_>, input: &Value) {
    for (at, question) in list(input, "questions").iter().enumerate() {
        if at > 0 {
            sheet.push(Row::new());
        }
        one(sheet, question, input.get("answers"));
    }
}

fn one(sheet: &mut Sheet<'_>, question: &Value, answers: Option<&Value>) {
    let theme = sheet.theme;
    let asked = field(question, "question").unwrap_or_default();
    let mut row = Row::new();
    if let Some(header) = field(question, "header") {
        row.prose(header, theme.dim, theme);
        row.own("  ", theme.text);
    }
    row.prose(asked, theme.heading, theme);
    sheet.words(&row, &Row::new(), &Row::new());
    let several = question.get("multiSelect").and_then(Value::as_bool) == Some(true);
    let answer = answers
        .and_then(|answers| answers.get(asked))
        .and_then(Value::as_str)
        .unwrap_or_default();
    // Several choices come joined by commas; what is no option was written by hand.
    let mut given: Vec<&str> = if several {
        answer.split(',').map(str::trim).collect()
    } else {
        vec![answer]
    };
    given.retain(|part| !part.is_empty());
    let rest = Row::of("  ", theme.text);
    for option in list(question, "options") {
        let label = field(option, "label")
            .or_else(|| option.as_str())
            .unwrap_or_default();
        let chosen = given.contains(&label);
        given.retain(|part| *part != label);
        let mark = match (several, chosen) {
            (false, false) => "○ ",
            (false, true) => "● ",
            (true, false) => "☐ ",
            (true, true) => "☑ ",
        };
        let style = if chosen { theme.good } else { theme.text };
        let mut row = Row::prose_of(label, style, theme);
        if let Some(description) = field(option, "description") {
            row.own(" — ", theme.dim);
            row.prose(description, theme.dim, theme);
        }
        sheet.words(&row, &Row::of(mark, style), &rest);
    }
    if !given.is_empty() {
        let row = Row::prose_of(&given.join(", "), theme.good, theme);
        sheet.words(&row, &Row::of("→ ", theme.good), &rest);
    }
}
