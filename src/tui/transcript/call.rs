//! How a tool call looks: its head, its card, its approval, its result.

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use super::NoFiles;
use super::approvals::{self, CallState};
use super::card;
use super::item::{Answer, Call};
use super::looks::{self, Look, Part, Setting, indent};
use super::summary;
use super::text::Row;
use crate::domain::Outcome;

/// Lines at the start of a folded result.
const HEAD_LINES: usize = 4;

/// Lines at the end of a folded result.
const TAIL_LINES: usize = 4;

/// The parts of a call.
pub(super) fn parts(
    call: &Call,
    folded: bool,
    state: Option<&CallState>,
    setting: &Setting,
) -> Vec<Part> {
    let theme = &setting.theme;
    let outcome = approvals::outcome(call, state);
    let mut rows = vec![Line::default(), head(call, outcome, state, setting)];
    if !folded {
        let input = call.input();
        let room = u16::try_from(setting.width.saturating_sub(2)).unwrap_or(u16::MAX);
        for row in card::tool_card(&call.name, &input, &NoFiles, room, theme) {
            rows.push(indented(row));
        }
    }
    if let Some(reason) = state
        .filter(|state| state.outcome == Outcome::Denied)
        .and_then(|state| state.comment.as_deref())
    {
        let row = Row::foreign_of(reason, theme.bad, theme);
        rows.extend(row.words(setting.width, &indent(), &indent()));
    }
    let mut parts = vec![Part::Rows(rows)];
    if let Some(answer) = &call.answer {
        let look = match (call.name.as_str(), answer.is_error) {
            ("Read", false) => {
                let path = call.input();
                let path = path.get("file_path").and_then(Value::as_str);
                Look::Numbered(path.unwrap_or_default().to_owned())
            }
            (_, true) => Look::Output(theme.bad),
            (_, false) => Look::Output(theme.dim),
        };
        parts.extend(result(answer, &look, folded, setting));
    }
    parts
}

/// The parts of a result whose call is not there.
pub(super) fn orphan_parts(answer: &Answer, folded: bool, setting: &Setting) -> Vec<Part> {
    let theme = &setting.theme;
    let mut row = Row::of("● ", theme.dim);
    row.own("a result, of a call further up", theme.dim);
    let mut parts = vec![Part::Rows(vec![row.cut(setting.width).line()])];
    parts.extend(result(answer, &Look::Output(theme.dim), folded, setting));
    parts
}

fn indented(mut row: Line<'static>) -> Line<'static> {
    row.spans.insert(0, "  ".into());
    row
}

fn head(
    call: &Call,
    outcome: Option<Outcome>,
    state: Option<&CallState>,
    setting: &Setting,
) -> Line<'static> {
    let theme = &setting.theme;
    let failed = call.answer.as_ref().is_some_and(|answer| answer.is_error);
    let mark = match (outcome, &call.answer) {
        (Some(Outcome::Pending), None) => theme.waiting,
        (_, None) => theme.working,
        (_, Some(_)) if failed => theme.bad,
        (_, Some(_)) => theme.good,
    };
    let mut row = Row::of("● ", mark);
    row.own(&summary::tool_label(&call.name), theme.tool);
    let what = summary::summary_of(&call.name, &call.input());
    if !what.is_empty() {
        row.own(" ", theme.text);
        row.foreign(&what, theme.text, theme);
    }
    let mut end = Row::new();
    if call.writing {
        end.own("  writing …", theme.dim);
    }
    if let Some(outcome) = outcome {
        end.own("  ", theme.dim);
        end.own(&approvals::words(outcome, state), style_of(outcome, theme));
    }
    if call.steps > 0 {
        end.own(&format!("  {} steps", call.steps), theme.dim);
    }
    let room = setting.width.saturating_sub(end.width());
    if room < 12 {
        return row.cut(setting.width).line();
    }
    let mut row = row.cut(room);
    row.append(end);
    row.line()
}

fn style_of(outcome: Outcome, theme: &crate::tui::theme::Theme) -> Style {
    match outcome {
        Outcome::Pending => theme.waiting,
        Outcome::Approved | Outcome::Answered => theme.good,
        Outcome::Denied | Outcome::Expired => theme.bad,
        Outcome::Withdrawn | Outcome::Abandoned => theme.dim,
    }
}

fn result(answer: &Answer, look: &Look, folded: bool, setting: &Setting) -> Vec<Part> {
    let theme = &setting.theme;
    let text = answer.text.as_str();
    let all = looks::line_count(text);
    if !folded || all <= HEAD_LINES + TAIL_LINES + 1 {
        return looks::stretch(text, 0..text.len(), look, indent(), indent());
    }
    let (end, start) = (
        looks::lines_end(text, HEAD_LINES),
        looks::lines_start(text, TAIL_LINES),
    );
    let mut parts = looks::stretch(text, 0..end, look, indent(), indent());
    parts.push(Part::Rows(vec![looks::more(
        all - HEAD_LINES - TAIL_LINES,
        "line",
        theme,
    )]));
    parts.extend(looks::stretch(
        text,
        start..text.len(),
        look,
        indent(),
        indent(),
    ));
    parts
}
