//! How a tool call looks: its head, its card, what became of the question about it, its result.

use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use crate::domain::Outcome;
use crate::tui::theme::Theme;
use crate::tui::transcript::model::approvals::{self, CallState};
use crate::tui::transcript::model::item::{Answer, ToolCall};
use crate::tui::transcript::model::partial_json;
use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::render::parts::{Part, indent};
use crate::tui::transcript::render::text::{self, Row};
use crate::tui::transcript::tools::input::NoFiles;
use crate::tui::transcript::tools::result::{self, ResultLayout};
use crate::tui::transcript::tools::{self};

/// Rows of an unfolded card; whoever wants more opens it elsewhere.
const MAX_ROWS: usize = 5_000;

/// Rows of what is being written.
const WRITTEN_ROWS: usize = 6;

/// Bytes of a reason that are shown.
const MAX_REASON: usize = 4 * 1024;

/// Columns that a head keeps for what the call touches, before it says how it went.
const MIN_SUMMARY: usize = 24;

/// What a call's subagent does.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Steps {
    /// Its pieces.
    pub pieces: usize,
    /// Its latest tool call, in one line.
    pub latest: Option<String>,
}

/// The parts of a call.
pub(crate) fn parts(
    call: &ToolCall,
    steps: &Steps,
    folded: bool,
    state: Option<&CallState>,
    context: &LayoutContext,
) -> Vec<Part> {
    let theme = &context.theme;
    let outcome = approvals::outcome(call, state);
    let is_edited = approvals::edited(call, state).is_some();
    let remarks = approvals::remarks(call, state);
    let input = shown_input(call, state);
    let result = call
        .answer
        .as_ref()
        .map(|answer| ResultLayout::of(&call.name, &input, answer));
    let mut rows = vec![Line::default()];
    rows.extend(head(
        call,
        &input,
        steps,
        folded,
        outcome.map(|outcome| (outcome, approvals::words(outcome, &remarks, state))),
        result.as_ref(),
        context,
    ));
    if call.writing {
        rows.extend(written(call, context));
        return vec![Part::Rows(rows)];
    }
    let is_in_panel = state.is_some_and(|state| state.panel != approvals::Panel::Absent);
    if !(is_in_panel && folded && call.answer.is_none()) {
        rows.extend(card_rows(call, &input, folded, context));
    }
    if is_edited && !folded {
        rows.push(Row::of("  the agent asked for:", theme.dim).line());
        rows.extend(card_rows(call, &call.input(), false, context));
    }
    let reason = (outcome == Some(Outcome::Denied))
        .then(|| reason(call, state))
        .flatten();
    let mut remark = |words: &str, said: &str, style: Style| {
        let mut row = Row::of(words, style);
        row.prose(text::head(said, MAX_REASON), style, theme);
        rows.extend(row.words(context.width, &indent(), &Row::of("    ", style)));
    };
    if let Some(reason) = reason {
        remark("✗ ", reason, theme.bad);
    } else if let Some(note) = state.and_then(|state| state.comment.as_deref()) {
        remark("note: ", note, theme.dim);
    }
    if let Some(why) = state.and_then(|state| state.undelivered.as_deref()) {
        remark("the answer did not reach the agent: ", why, theme.bad);
    }
    if let Some(latest) = steps.latest.as_ref().filter(|_| folded && is_running(call)) {
        let mut row = Row::of("  ⋯ ", theme.working);
        row.foreign(latest, theme.dim, theme);
        rows.push(row.cut(context.width).line());
    }
    let mut parts = vec![Part::Rows(rows)];
    if let (Some(result), Some(answer)) = (result, &call.answer)
        && reason.is_none_or(|reason| reason.trim() != answer.text.trim())
    {
        parts.extend(result.parts(folded, context));
    }
    parts
}

/// The parts of a result whose call is not there.
pub(crate) fn orphan_parts(answer: &Answer, folded: bool, context: &LayoutContext) -> Vec<Part> {
    let theme = &context.theme;
    let row = Row::of("● a result, of a call further up", theme.dim);
    let mut parts = vec![Part::Rows(vec![row.cut(context.width).line()])];
    parts.extend(ResultLayout::of("", &Value::Null, answer).parts(folded, context));
    parts
}

fn is_running(call: &ToolCall) -> bool {
    call.answer.is_none() || call.open_steps > 0
}

/// The input to show: what really ran, with the answers that were given.
fn shown_input(call: &ToolCall, state: Option<&CallState>) -> Arc<Value> {
    let mut input = match approvals::edited(call, state) {
        Some(edited) if edited.as_object().is_some_and(|edited| !edited.is_empty()) => {
            Arc::new(edited)
        }
        Some(_) | None if call.writing => Arc::new(partial_json::read(&call.input)),
        Some(_) | None => call.input(),
    };
    if let Some(answers) = state.and_then(|state| state.answers.as_ref())
        && let Some(input) = Arc::make_mut(&mut input).as_object_mut()
    {
        input.insert("answers".to_owned(), answers.clone());
    }
    input
}

fn reason<'a>(call: &'a ToolCall, state: Option<&'a CallState>) -> Option<&'a str> {
    let said = state.and_then(|state| state.comment.as_deref());
    said.or_else(|| call.answer.as_ref().map(|answer| answer.text.as_str()))
}

#[allow(
    clippy::too_many_arguments,
    reason = "the head says a little of everything"
)]
fn head(
    call: &ToolCall,
    input: &Value,
    steps: &Steps,
    folded: bool,
    outcome: Option<(Outcome, String)>,
    result: Option<&ResultLayout<'_>>,
    context: &LayoutContext,
) -> Vec<Line<'static>> {
    let theme = &context.theme;
    let (outcome, words) = outcome.unzip();
    let mut row = Row::of("● ", mark(call, outcome, theme));
    row.own(&tools::tool_label(&call.name), theme.tool);
    let what = tools::summary_of(&call.name, input);
    if !what.is_empty() {
        row.own("  ", theme.text);
        // Safe already; once more, so that what was unsafe is marked.
        row.append(marked(&what, theme));
    }
    let mut end = Row::new();
    if call.writing {
        end.own("  writing …", theme.working);
    }
    if let (Some(outcome), Some(words)) = (outcome, words) {
        end.own("  ", theme.dim);
        end.own(&words, style_of(outcome, theme));
    }
    if steps.pieces > 0 {
        end.own(
            &format!("  {}", steps_words(call, steps, folded)),
            theme.dim,
        );
    }
    let said = result.filter(|_| outcome != Some(Outcome::Denied));
    if let Some((words, style)) = said.and_then(|result| result.words(theme)) {
        end.own("  ", theme.dim);
        end.own(&words, style);
    }
    if row.width() + end.width() <= context.width {
        row.append(end);
        return vec![row.line()];
    }
    let room = context.width.saturating_sub(end.width());
    if room >= MIN_SUMMARY.min(row.width()) {
        let mut row = row.cut(room);
        row.append(end);
        return vec![row.line()];
    }
    // Too narrow for both on one line: how it went stands below.
    let mut rows = vec![row.cut(context.width).line()];
    if !end.is_empty() {
        rows.extend(end.words(context.width, &Row::new(), &indent()));
    }
    rows
}

/// A summary, with what was made visible in it marked.
fn marked(safe: &str, theme: &Theme) -> Row {
    let mut row = Row::new();
    let mut rest = safe;
    while let Some(at) = rest.find("\\u{") {
        let end = rest[at..].find('}').map_or(rest.len(), |end| at + end + 1);
        row.own(&rest[..at], theme.text);
        row.own(&rest[at..end], theme.text.patch(theme.unmasked));
        rest = &rest[end..];
    }
    row.own(rest, theme.text);
    row
}

fn mark(call: &ToolCall, outcome: Option<Outcome>, theme: &Theme) -> Style {
    match (&call.answer, outcome) {
        (None, Some(Outcome::Pending)) => theme.waiting,
        (None, Some(Outcome::Denied | Outcome::Expired)) => theme.bad,
        (None, Some(Outcome::Withdrawn | Outcome::Abandoned)) => theme.dim,
        (None, Some(Outcome::Approved | Outcome::Answered) | None) => theme.working,
        (Some(answer), _) if answer.is_error => theme.bad,
        (Some(_), _) if call.open_steps > 0 => theme.working,
        (Some(_), _) => theme.good,
    }
}

fn style_of(outcome: Outcome, theme: &Theme) -> Style {
    match outcome {
        Outcome::Pending => theme.waiting,
        Outcome::Approved | Outcome::Answered => theme.good,
        Outcome::Denied | Outcome::Expired => theme.bad,
        Outcome::Withdrawn | Outcome::Abandoned => theme.dim,
    }
}

fn steps_words(call: &ToolCall, steps: &Steps, folded: bool) -> String {
    let sign = if folded { "▸" } else { "▾" };
    let (count, what) = if call.steps > 0 {
        (call.steps, "step")
    } else {
        (steps.pieces, "message")
    };
    let s = if count == 1 { "" } else { "s" };
    let running = match call.open_steps {
        0 => String::new(),
        open => format!(", {open} running"),
    };
    format!("{sign} {} {what}{s}{running}", text::grouped(count))
}

fn card_rows(
    call: &ToolCall,
    input: &Value,
    folded: bool,
    context: &LayoutContext,
) -> Vec<Line<'static>> {
    let theme = &context.theme;
    let most = if folded {
        tools::folded_rows(&call.name, input, context.width)
    } else {
        MAX_ROWS
    };
    if most == 0 {
        return Vec::new();
    }
    let mut canvas = Canvas::new(
        context.width.saturating_sub(2),
        most,
        theme,
        &context.budget,
    );
    canvas.shows_path = tools::summary_of(&call.name, input).len() + 24 > context.width;
    tools::write_card(&mut canvas, &call.name, input, &NoFiles);
    let (rows, more) = canvas.finish();
    let mut rows: Vec<Line<'static>> = rows.into_iter().map(result::set_in).collect();
    if more {
        let said = if folded {
            "  …"
        } else {
            "  … and more: open it in an editor to see all"
        };
        rows.push(Row::of(said, theme.dim).line());
    }
    rows
}

/// The end of what is being written.
fn written(call: &ToolCall, context: &LayoutContext) -> Vec<Line<'static>> {
    let theme = &context.theme;
    let tail = partial_json::tail(&call.input);
    let mut rows = Vec::new();
    for line in text::lines(&tail) {
        let row = Row::foreign_of(line, theme.dim, theme);
        rows.extend(row.columns(context.width, &indent(), &indent()));
    }
    rows.split_off(rows.len().saturating_sub(WRITTEN_ROWS))
}
