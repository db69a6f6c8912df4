//! The answers to an agent's questions.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::format::bytes;
use crate::tui::forms::drawing::{draw_field, keys_at_foot};
use crate::tui::forms::question::{Asked, Question};
use crate::tui::state::App;
use crate::tui::theme::Theme;
use crate::tui::transcript::text::{self, Row};
use crate::tui::view::widgets::{fit, popup};

pub fn draw(app: &App, form: &Question, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let width = 84.min(screen.width);
    let columns = usize::from(width.saturating_sub(2));
    let (rows, at) = match form.current() {
        Some(asked) => one(theme, asked, columns),
        None => (review(theme, form, columns), 0),
    };
    let on_other = form.current().is_some_and(Asked::is_on_other);
    let field = form
        .current()
        .map_or(0, |asked| field_height(asked, on_other));
    let tabs = u16::from(!form.is_single());
    let wanted = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let height = wanted.saturating_add(field + 2 * tabs + 4);
    let title = Line::styled(" Your answer ", theme.waiting);
    let inside = popup(theme, title, width, height, screen, buf);
    if tabs > 0 && inside.height > 2 {
        buf.set_line(inside.x, inside.y, &headers(theme, form), inside.width);
    }
    let top = inside.y + 2 * tabs;
    let room = inside.height.saturating_sub(2 * tabs + field + 2);
    // The row that keys are about stays in sight.
    let skip = (at + 1).saturating_sub(usize::from(room));
    for (row, y) in rows.iter().skip(skip).zip(0..room) {
        buf.set_line(inside.x, top + y, row, inside.width);
    }
    let mut cursor = None;
    if let Some(asked) = form.current() {
        let shown = room.min(u16::try_from(rows.len().saturating_sub(skip)).unwrap_or(room));
        let area = Rect {
            x: inside.x + 6.min(inside.width),
            y: top + shown,
            width: inside.width.saturating_sub(6),
            height: field.min(inside.height.saturating_sub(2 * tabs + shown + 1)),
        };
        cursor = other(theme, asked, on_other, inside.x, area, buf);
    }
    keys_at_foot(theme, &keys(form), inside, buf);
    cursor
}

fn keys(form: &Question) -> Vec<(&'static str, &'static str)> {
    let Some(asked) = form.current() else {
        return vec![
            ("enter", "send"),
            ("1-9", "change one"),
            ("shift-tab", "back"),
            ("esc", "back"),
        ];
    };
    let go = if form.is_single() { "send" } else { "next" };
    let mut keys = vec![("enter", go)];
    if asked.is_on_other() {
        keys.extend([("alt-enter", "new line"), ("ctrl-g", "editor")]);
    } else if asked.several {
        keys.extend([("1-9 space", "toggle"), ("↑↓", "move")]);
    } else {
        keys.extend([("1-9", "choose"), ("↑↓", "move")]);
    }
    if !form.is_single() {
        keys.push(("tab", "another question"));
    }
    keys.push(("esc", "back"));
    keys
}

/// All questions by their short names, with what is answered.
fn headers(theme: &Theme, form: &Question) -> Line<'static> {
    let mut spans = Vec::new();
    // Of many, those around the one that is shown.
    let from = form
        .at
        .saturating_sub(3)
        .min(form.asked.len().saturating_sub(8));
    for (index, asked) in form.asked.iter().enumerate().skip(from).take(TABS) {
        let name = if asked.header.is_empty() {
            format!("{}", index + 1)
        } else {
            fit(&asked.header, 16)
        };
        let mark = if asked.answer().is_some() {
            "✓"
        } else {
            "·"
        };
        let style = if index == form.at {
            theme.selected.patch(theme.heading)
        } else {
            theme.dim
        };
        spans.push(Span::styled(format!(" {mark} {name} "), style));
    }
    let style = if form.current().is_none() {
        theme.selected.patch(theme.heading)
    } else {
        theme.dim
    };
    spans.push(Span::styled(" send ", style));
    Line::from(spans)
}

/// Questions that are named above the one that is shown.
const TABS: usize = 64;
/// Options above and below the one that keys are about that are laid out: more than any screen has rows.
const AROUND: usize = 256;
/// Bytes of one text that are laid out here; the panel has all of it.
const MAX_BYTES: usize = 8 * 1024;

/// The beginning of a foreign text, and how much of it there is beside that.
fn head(text: &str, style: Style, theme: &Theme) -> Row {
    let kept = text::head(text, MAX_BYTES);
    let mut row = Row::foreign_of(kept, style, theme);
    if kept.len() < text.len() {
        let more = format!("… {} more", bytes(text.len() - kept.len()));
        row.own(&more, theme.waiting);
    }
    row
}

/// A question with the options around the one that keys are about, and the last row of that one.
fn one(theme: &Theme, asked: &Asked, width: usize) -> (Vec<Line<'static>>, usize) {
    let question = head(&asked.text, theme.heading, theme);
    let mut rows = question.words(width, &Row::new(), &Row::new());
    let how = if asked.several {
        "Select one or more"
    } else {
        ""
    };
    rows.push(Line::styled(how, theme.dim));
    let mut at = 0;
    let count = asked.choices.len();
    let from = asked.at.min(count).saturating_sub(AROUND);
    let until = asked.at.saturating_add(AROUND + 1).min(count);
    let more = |count: usize, place: &str| {
        Line::styled(format!("      … {count} more {place}"), theme.waiting)
    };
    rows.extend((from > 0).then(|| more(from, "above")));
    let laid = asked.choices.iter().enumerate();
    for (index, choice) in laid.take(until).skip(from) {
        let chosen = asked.chosen.contains(&index);
        let style = if chosen { theme.good } else { theme.text };
        let first = mark(theme, asked, index, chosen);
        let rest = Row::of("      ", theme.text);
        let label = head(&choice.label, style, theme);
        rows.extend(label.words(width, &first, &rest));
        if !choice.description.is_empty() {
            let meaning = head(&choice.description, theme.dim, theme);
            rows.extend(meaning.words(width, &rest, &rest));
        }
        if index == asked.at {
            at = rows.len().saturating_sub(1);
        }
    }
    rows.extend((until < count).then(|| more(count - until, "below")));
    if asked.is_on_other() {
        at = rows.len().saturating_sub(1);
    }
    (rows, at)
}

fn mark(theme: &Theme, asked: &Asked, index: usize, chosen: bool) -> Row {
    let mut row = Row::of(if asked.at == index { "▸ " } else { "  " }, theme.accent);
    let number = if index < 9 {
        format!("{} ", index + 1)
    } else {
        "  ".to_owned()
    };
    row.own(&number, theme.key);
    let (on, off) = if asked.several {
        ("☑ ", "☐ ")
    } else {
        ("● ", "○ ")
    };
    let style = if chosen { theme.good } else { theme.dim };
    row.own(if chosen { on } else { off }, style);
    row
}

fn field_height(asked: &Asked, on_other: bool) -> u16 {
    let lines = u16::try_from(asked.other.area.lines().len()).unwrap_or(u16::MAX);
    if on_other { lines.clamp(2, 6) } else { 1 }
}

/// One's own words, as the last row.
fn other(
    theme: &Theme,
    asked: &Asked,
    on_other: bool,
    x: u16,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    if area.height == 0 || area.width == 0 {
        return None;
    }
    let index = asked.choices.len();
    let first = mark(theme, asked, index, asked.with_other).line();
    buf.set_line(x, area.y, &first, 6);
    if on_other {
        let mut field = asked.other.clone();
        field.area.set_placeholder_text("Other…");
        field.area.set_placeholder_style(theme.dim);
        return draw_field(theme, &field, area, buf);
    }
    let (words, style) = if asked.other.is_blank() {
        ("Other…".to_owned(), theme.dim)
    } else {
        (asked.other.text(), theme.text)
    };
    let words = fit(&words, usize::from(area.width));
    buf.set_string(area.x, area.y, words, style);
    None
}

/// All answers, before they are sent.
fn review(theme: &Theme, form: &Question, width: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    for (index, asked) in form.asked.iter().enumerate() {
        if rows.len() >= AROUND {
            let more = format!("… {} more", form.asked.len() - index);
            rows.push(Line::styled(more, theme.waiting));
            break;
        }
        let mut first = Row::of(&format!("{} ", index + 1), theme.key);
        let rest = Row::of("  ", theme.text);
        let question = head(&asked.text, theme.dim, theme);
        rows.extend(question.words(width, &first, &rest));
        let (words, style) = match asked.answer() {
            Some(answer) => (answer, theme.good),
            None => ("no answer yet".to_owned(), theme.bad),
        };
        first = Row::of("  → ", style);
        let answer = head(&words, style, theme);
        rows.extend(answer.words(width, &first, &Row::of("    ", theme.text)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::question::QuestionOption;

    fn many(count: usize) -> Asked {
        let choice = |n: usize| QuestionOption {
            label: format!("option-{n}"),
            description: String::new(),
        };
        Asked {
            text: "word ".repeat(100_000),
            choices: (0..count).map(choice).collect(),
            ..Asked::default()
        }
    }

    #[test]
    fn however_many_options_there_are_those_around_the_keys_are_laid_out_and_the_rest_is_counted() {
        let theme = Theme::dark();
        let mut asked = many(100_000);
        for (at, said) in [
            (0, "99743 more below"),
            (50_000, "49744 more above"),
            (99_999, "99743 more above"),
            (100_000, "99744 more above"),
        ] {
            asked.at = at;
            let (rows, last) = one(&theme, &asked, 80);
            assert!(rows.len() < 1_000, "{}", rows.len());
            let text: Vec<String> = rows.iter().map(ToString::to_string).collect();
            assert!(text.iter().any(|row| row.contains(said)), "{at}: {text:#?}");
            if at < 100_000 {
                assert!(
                    text[last].ends_with(&format!("option-{at}")),
                    "{}",
                    text[last]
                );
            }
        }
        let form = Question {
            asked: vec![many(2); 10_000],
            ..Question::default()
        };
        assert!(headers(&theme, &form).spans.len() <= TABS + 1);
        let rows = review(&theme, &form, 80);
        assert!(rows.len() < AROUND + 200, "{}", rows.len());
        let last = rows.last().map(ToString::to_string).unwrap_or_default();
        assert!(last.contains("99") && last.ends_with(" more"), "{last}");
    }
}
