//! What is said while there are no sessions: what is missing, how to mend it, how to begin.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::domain::text::sanitize_line;
use crate::tui::keymap::Action;
use crate::tui::state::{App, Connection};

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut lines = Vec::new();
    match &app.connection {
        Connection::Connecting => lines.push(Line::styled("connecting to the daemon…", theme.dim)),
        Connection::Lost { .. } | Connection::Up { .. } => {
            lines.push(Line::styled("No sessions yet.", theme.heading));
            lines.push(Line::default());
        }
    }
    if let Some(findings) = &app.first_run {
        for finding in &findings.findings {
            let (mark, style) = if finding.good {
                ("✓ ", theme.good)
            } else {
                ("✗ ", theme.bad)
            };
            lines.push(Line::from(vec![
                Span::styled(mark, style),
                Span::styled(sanitize_line(&finding.what).into_owned(), theme.text),
                Span::styled(format!("  {}", sanitize_line(&finding.found)), theme.dim),
            ]));
            if let Some(mend) = &finding.mend {
                lines.push(Line::styled(
                    format!("  {}", sanitize_line(mend)),
                    theme.accent,
                ));
            }
        }
        lines.push(Line::default());
    }
    if matches!(app.connection, Connection::Up { .. }) {
        let key = app.keymap.key(Action::NewSession);
        lines.push(Line::from(vec![
            Span::styled(key, theme.key),
            Span::styled("  and say what shall be done", theme.text),
        ]));
        lines.push(Line::from(vec![
            Span::styled("humanlayer demo", theme.key),
            Span::styled("  shows it all without any set-up", theme.text),
        ]));
    }
    Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .render(area.inner(ratatui::layout::Margin::new(1, 0)), buf);
}
