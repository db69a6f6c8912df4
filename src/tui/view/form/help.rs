//! All keys, made from the keymap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{Action, Context};
use crate::tui::state::App;
use crate::tui::state::form::help::Help;
use crate::tui::view::widgets::{form_hints, popup};

/// Draws it.
pub fn draw(app: &App, form: &Help, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let title = Line::styled(" Keys ", theme.accent);
    let inside = popup(theme, title, 72, screen.height, screen, buf);
    let lines = lines(app);
    let room = inside.height.saturating_sub(1);
    let most = lines.len().saturating_sub(usize::from(room));
    for (line, y) in lines.iter().skip(form.scroll.min(most)).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, line, inside.width);
    }
    let keys = form_hints(theme, &[("↑↓", "scroll"), ("esc", "back")]);
    if inside.height > 0 {
        buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
    }
}

fn lines(app: &App) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    for context in Context::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(context.title(), theme.heading));
        for action in Action::ALL {
            if action.contexts().first() != Some(&context) {
                continue;
            }
            let keys: Vec<String> = app
                .keymap
                .keys(*action)
                .iter()
                .map(ToString::to_string)
                .collect();
            lines.push(Line::from(vec![
                Span::styled(format!("  {:<16}", keys.join(" ")), theme.key),
                Span::styled(action.words(), theme.text),
            ]));
        }
    }
    lines
}
