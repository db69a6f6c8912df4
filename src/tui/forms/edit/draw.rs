//! Approve with another input: the text, then what is changed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::tui::forms::drawing::{draw_field, guarded, keys_at_foot};
use crate::tui::forms::edit::{Changed, EditForm, words};
use crate::tui::forms::yes::{NO, Yes};
use crate::tui::state::App;
use crate::tui::theme::Theme;
use crate::tui::transcript::text::Row;
use crate::tui::transcript::tool_label;
use crate::tui::view::widgets::{fit, popup};

pub fn draw(app: &App, form: &mut EditForm, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let width = 110.min(screen.width.saturating_sub(2)).max(1);
    let height = match &form.review {
        Some(changes) => u16::try_from(changes.len() + form.dangers.len() + 6).unwrap_or(u16::MAX),
        None => {
            let lines = form.part().map_or(0, |part| part.text.area.lines().len());
            let lines = u16::try_from(lines).unwrap_or(u16::MAX);
            lines
                .saturating_add(6)
                .clamp(10, screen.height.saturating_sub(2).max(10))
        }
    };
    let verb = if form.review.is_some() {
        "Approve as edited?"
    } else {
        "Edit, then approve:"
    };
    let title = format!(" {verb} {} ", fit(&tool_label(&form.tool), 40));
    let title = Line::styled(title, theme.accent);
    let inside = popup(theme, title, width, height.max(8), screen, buf);
    if inside.height < 2 {
        return None;
    }
    match &form.review {
        Some(changes) => {
            form.scroll = review(&guarded(app), form, changes, inside, buf);
            None
        }
        None => text(app, form, inside, buf),
    }
}

fn text(app: &App, form: &EditForm, inside: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let mut spans = Vec::new();
    for (index, part) in form.parts.iter().enumerate() {
        let style = if index == form.at {
            theme.heading
        } else {
            theme.dim
        };
        let changed = if part.value() == part.was { "" } else { "*" };
        spans.push(Span::styled(
            format!("{}{changed}", words(part.name)),
            style,
        ));
        spans.push(Span::styled("   ", theme.dim));
    }
    buf.set_line(inside.x, inside.y, &Line::from(spans), inside.width);
    let field = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(3),
        ..inside
    };
    let part = form.part();
    let cursor = part.and_then(|part| draw_field(theme, &part.text, field, buf));
    let y = inside.y + inside.height.saturating_sub(2);
    let hidden = form.hidden();
    let width = usize::from(inside.width);
    if app.data.pending(&form.approval).is_none() {
        let words = "no longer pending; ctrl-g takes the text to the editor";
        buf.set_stringn(inside.x, y, words, width, theme.bad);
    } else if let Some(problem) = &form.problem {
        buf.set_stringn(inside.x, y, fit(problem, width), width, theme.bad);
    } else if hidden > 0 {
        let words = format!("hidden characters: {hidden}; the review shows them as what they are");
        buf.set_stringn(inside.x, y, words, width, theme.waiting);
    }
    let mut keys = vec![("enter", "review"), ("alt-enter", "new line")];
    if form.parts.len() > 1 {
        keys.push(("tab", "the next part"));
    }
    keys.extend([("ctrl-g", "editor"), ("esc", "back")]);
    keys_at_foot(&guarded(app), &keys, inside, buf);
    cursor
}

/// Draws what was changed; returns the first row that is shown.
fn review(
    theme: &Theme,
    form: &EditForm,
    changes: &[Changed],
    inside: Rect,
    buf: &mut Buffer,
) -> usize {
    let width = usize::from(inside.width);
    let mut rows: Vec<Line<'static>> = Vec::new();
    for danger in &form.dangers {
        let mut row = Row::of(danger.verdict.sign(), theme.danger);
        row.own(" ", theme.text);
        row.own(danger.reason, theme.bad);
        rows.extend(row.words(width, &Row::new(), &Row::of("    ", theme.text)));
    }
    if changes.is_empty() {
        rows.push(Line::styled("Nothing is changed.", theme.text));
    }
    let rest = Row::of("  ", theme.text);
    for change in changes {
        let (sign, line, style) = match change {
            Changed::Note(words) => {
                rows.push(Line::styled(words.clone(), theme.dim));
                continue;
            }
            Changed::Same(line) => ("  ", line, theme.dim),
            Changed::Removed(line) => ("- ", line, theme.removed),
            Changed::Added(line) => ("+ ", line, theme.added),
        };
        let row = Row::foreign_of(line, style.patch(ground(theme, change)), theme);
        rows.extend(row.columns(width, &Row::of(sign, style), &rest));
    }
    let room = inside.height.saturating_sub(2);
    let most = rows.len().saturating_sub(usize::from(room));
    let skip = form.scroll.min(most);
    for (row, y) in rows.iter().skip(skip).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, row, inside.width);
    }
    let below = rows.len().saturating_sub(skip + usize::from(room));
    let y = inside.y + inside.height - 1;
    if below > 0 {
        let words = format!("… {below} more lines");
        buf.set_stringn(inside.x, y - 1, words, width, theme.waiting);
    }
    let approve = if changes.is_empty() {
        "approve as it is"
    } else {
        "approve as edited"
    };
    let mut keys = vec![(Yes::Letter.label(), approve)];
    if most > 0 {
        keys.push(("↑↓", "scroll"));
    }
    keys.push((NO, "edit on"));
    keys_at_foot(theme, &keys, inside, buf);
    skip
}

/// Changed lines keep the words' own colour where the theme marks them by their ground.
fn ground(theme: &Theme, change: &Changed) -> ratatui::style::Style {
    match change {
        Changed::Added(_) => theme.added,
        Changed::Removed(_) => theme.removed,
        Changed::Same(_) | Changed::Note(_) => ratatui::style::Style::new(),
    }
}
