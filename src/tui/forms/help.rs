//! All keys, made from the keymap.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::tui::forms::drawing::{draw_field, keys_at_foot};
use crate::tui::forms::keys::{After, scrolled};
use crate::tui::forms::{Field, Form};
use crate::tui::keymap::{Action, DIALOG_KEYS, DIALOGS, KeyContext};
use crate::tui::state::App;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::view::widgets::{fit, matched, popup};

#[derive(Clone, Debug)]
pub struct Help {
    /// The pane from which it was opened, whose keys come first.
    pub here: KeyContext,
    /// The first line shown.
    pub scroll: usize,
    /// Only keys that fit this are shown.
    pub filter: Field,
    /// Whether the filter is being typed.
    pub typing: bool,
}

impl Help {
    /// Opened from a pane.
    #[must_use]
    pub fn new(here: KeyContext) -> Self {
        Self {
            here,
            scroll: 0,
            filter: Field::default(),
            typing: false,
        }
    }

    /// The panes in the order in which their keys are shown.
    #[must_use]
    pub fn order(&self) -> Vec<KeyContext> {
        let mut order = vec![self.here];
        order.extend(
            KeyContext::ALL
                .into_iter()
                .filter(|pane| *pane != self.here),
        );
        order
    }
}

/// Scrolls; `/` searches, `q` and `?` close it.
pub fn key(mut form: Help, key: KeyEvent) -> After {
    if form.typing {
        match key.code {
            KeyCode::Enter | KeyCode::Down => form.typing = false,
            _ => {
                form.filter.key(key);
                form.scroll = 0;
            }
        }
        return After::Stay(Form::Help(form));
    }
    if key.code == KeyCode::Char('/') {
        form.typing = true;
        return After::Stay(Form::Help(form));
    }
    match (scrolled(form.scroll, key), key.code) {
        (Some(first), _) => {
            form.scroll = first;
            After::Stay(Form::Help(form))
        }
        (None, KeyCode::Char('q' | '?') | KeyCode::Enter) => After::Close(Vec::new()),
        (None, _) => After::Stay(Form::Help(form)),
    }
}

/// Columns of the keys.
const KEYS: usize = 18;
/// Columns that a column of keys with their words wants.
const COLUMN: u16 = 64;
pub fn draw(app: &App, form: &mut Help, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let two = screen.width >= 2 * COLUMN;
    let title = Line::styled(" Keys ", theme.accent);
    let width = if two { 2 * COLUMN + 4 } else { COLUMN + 16 };
    let inside = popup(theme, title, width, screen.height, screen, buf);
    if inside.height < 2 {
        return None;
    }
    let mut cursor = None;
    let mut room = Rect {
        height: inside.height - 1,
        ..inside
    };
    if form.typing || !form.filter.is_blank() {
        buf.set_string(inside.x, inside.y, "/", theme.accent);
        let field = Rect {
            x: inside.x + 1,
            width: inside.width.saturating_sub(1),
            height: 1,
            ..inside
        };
        cursor = draw_field(theme, &form.filter, field, buf);
        room.y += 1;
        room.height -= 1;
    }
    let columns = if two { 2 } else { 1 };
    let lines = lines(app, form, usize::from(room.width) / columns);
    let rows = usize::from(room.height);
    let most = lines.len().saturating_sub(rows * columns);
    form.scroll = form.scroll.min(most);
    let mut rest = lines.iter().skip(form.scroll);
    for column in 0..u16::try_from(columns).unwrap_or(1) {
        let x = room.x + column * (room.width / 2);
        for (y, line) in (0..room.height).zip(rest.by_ref()) {
            buf.set_line(x, room.y + y, line, room.right().saturating_sub(x));
        }
    }
    if lines.is_empty() {
        buf.set_string(room.x, room.y, "No matching keys.", theme.dim);
    }
    let keys: &[(&str, &str)] = if form.typing {
        &[("enter", "apply"), ("esc", "clear")]
    } else if most > 0 {
        &[("↑↓", "scroll"), ("/", "search"), ("esc", "back")]
    } else {
        &[("/", "search"), ("esc", "back")]
    };
    keys_at_foot(theme, keys, inside, buf);
    cursor.filter(|_| form.typing)
}

fn lines(app: &App, form: &Help, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut fuzzy = Fuzzy::new(&form.filter.text());
    let mut lines = Vec::new();
    let mut section = |title: &'static str, keys: Vec<(String, &str)>, fuzzy: &mut Fuzzy| {
        let fitting: Vec<_> = keys
            .into_iter()
            .filter(|(keys, words)| fuzzy.fits(&[keys, words]))
            .collect();
        if fitting.is_empty() {
            return;
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(title, theme.heading));
        for (keys, words) in fitting {
            let mut spans = vec![Span::styled(format!("  {keys:<KEYS$}"), theme.key)];
            let words = fit(words, width.saturating_sub(KEYS + 3));
            spans.extend(matched(&words, fuzzy, theme.text, theme.matched));
            lines.push(Line::from(spans));
        }
    };
    for context in form.order() {
        section(
            context.title(),
            keys_of(app, context, form.here),
            &mut fuzzy,
        );
    }
    let own = DIALOG_KEYS
        .iter()
        .map(|(keys, words)| ((*keys).to_owned(), *words))
        .collect();
    section(DIALOGS, own, &mut fuzzy);
    lines
}

/// The keys of a pane. What several panes have is shown with the one that help was opened from.
fn keys_of(app: &App, context: KeyContext, here: KeyContext) -> Vec<(String, &'static str)> {
    Action::ALL
        .iter()
        .filter(|action| {
            let contexts = action.contexts();
            if contexts.contains(&here) {
                context == here
            } else {
                contexts.first() == Some(&context)
            }
        })
        .map(|action| {
            let keys: Vec<String> = app
                .keymap
                .keys(*action)
                .iter()
                .map(ToString::to_string)
                .collect();
            let keys = if keys.is_empty() {
                // The palette has it all the same.
                "—".to_owned()
            } else {
                keys.join(" ")
            };
            (keys, action.words())
        })
        .collect()
}
