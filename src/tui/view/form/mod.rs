//! The open form, on top of everything; a file a form.

mod confirm;
mod deny;
mod help;
mod launch;
mod several;
mod palette;
mod read;
mod say;
mod search;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;

use crate::tui::state::form::Field;
use crate::tui::state::{App, Form};
use crate::tui::theme::Theme;

/// Draws it; returns where the cursor is.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    match app.form.as_ref()? {
        Form::Deny(form) => deny::draw(app, form, area, buf),
        Form::Say(form) => say::draw(app, form, area, buf),
        Form::Confirm(form) => {
            confirm::draw(app, form, area, buf);
            None
        }
        Form::Several(form) => {
            several::draw(app, form, area, buf);
            None
        }
        Form::Read(form) => {
            read::draw(app, form, area, buf);
            None
        }
        Form::Help(form) => {
            help::draw(app, form, area, buf);
            None
        }
        Form::Launch(form) => launch::draw(app, form, area, buf),
        Form::Search(form) => search::draw(app, form, area, buf),
        Form::Palette(form) => palette::draw(app, form, area, buf),
    }
}

/// Draws a field; the library keeps its cursor in sight.
fn draw_field(theme: &Theme, field: &Field, area: Rect, buf: &mut Buffer) {
    let mut area_of = field.area.clone();
    area_of.set_style(theme.text);
    area_of.set_cursor_line_style(ratatui::style::Style::new());
    area_of.set_cursor_style(
        ratatui::style::Style::new().add_modifier(ratatui::style::Modifier::REVERSED),
    );
    area_of.render(area, buf);
}
