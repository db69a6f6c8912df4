//! Drawing what is in view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::theme::Theme;
use crate::tui::transcript::conversation::Transcript;
use crate::tui::transcript::model::item::ItemId;
use crate::tui::transcript::render::highlight;
use crate::tui::transcript::render::text::Row;
use crate::tui::transcript::viewport::position::Position;

impl Transcript {
    /// Draws what is in view.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer, theme: &Theme, focused: bool) {
        let area = area.intersection(buf.area);
        let has_resized = self.fit(area, theme);
        self.view.shown.clear();
        if area.is_empty() {
            return;
        }
        self.cache.begin_frame();
        if has_resized {
            self.keep_selection_in_view();
        }
        match self.top_to_draw() {
            Some(top) => self.draw_from(top, area, buf, focused),
            None => self.view.top = None,
        }
        self.count_matches();
        self.cache.end_frame();
        self.budget.begin_frame();
    }

    fn draw_from(&mut self, top: Position, area: Rect, buf: &mut Buffer, focused: bool) {
        let theme = self.view.theme;
        let theme = &theme;
        self.view.top = Some(top);
        let (rows, at_end) = self.shown_rows(top, area.height);
        self.view.at_end = at_end;
        if at_end {
            self.unseen = 0;
        }
        self.view.shown.extend(rows.iter().map(|(id, _)| Some(*id)));
        let is_gone = |id: ItemId| self.items.place_of(id).is_none();
        if self.view.anchor.is_some() && self.cursor.is_none_or(is_gone) {
            self.cursor = rows.last().map(|(id, _)| *id);
        }
        let selected = self.selected_item();
        let mark = if focused { theme.accent } else { theme.dim };
        for (y, (id, line)) in (area.y..).zip(&rows) {
            let before = u16::try_from(self.before(*id)).unwrap_or(u16::MAX);
            let x = area.x.saturating_add(before);
            if x < area.right() {
                buf.set_line(x, y, line, area.right() - x);
                self.mark_matches(line, Rect::new(x, y, area.right() - x, 1), buf, theme);
            }
            if selected == Some(*id) && before > 0 && line.width() > 0 {
                buf.set_string(area.x, y, "▌", mark);
            }
        }
        self.draw_unseen(area, buf, theme);
    }

    /// Takes on the size and the looks to draw in; says whether the size is another one.
    fn fit(&mut self, area: Rect, theme: &Theme) -> bool {
        let ready = highlight::generation();
        let view = &mut self.view;
        let same = view.width == area.width && view.theme == *theme && view.highlighting == ready;
        let has_resized = view.width != area.width || view.height != area.height;
        view.height = area.height;
        if !same {
            view.width = area.width;
            view.theme = *theme;
            view.highlighting = ready;
            self.cache.clear();
            self.forget_all_found();
        }
        has_resized
    }

    fn top_to_draw(&mut self) -> Option<Position> {
        let Some(anchor) = self.view.anchor else {
            return self.resting_top();
        };
        let top = self.clamp(anchor)?;
        self.view.anchor = Some(top);
        let rows = usize::from(self.view.height).saturating_sub(1);
        let (_, moved) = self.down(top, rows);
        if moved == rows {
            return Some(top);
        }
        // The view grew, or what was below it shrank: no empty rows below the end.
        let bottom = self.bottom_top();
        self.view.anchor = bottom;
        bottom
    }

    /// The rows from one on, with the item of each, and whether the last row of all is among them.
    fn shown_rows(&mut self, top: Position, height: u16) -> (Vec<(ItemId, Line<'static>)>, bool) {
        let height = usize::from(height);
        let mut rows = Vec::with_capacity(height);
        let mut at = Some(top);
        while let Some(from) = at {
            let room = height - rows.len();
            let lines = self.rows(from.item, from.part);
            let is_whole = lines.len().saturating_sub(from.row) <= room;
            rows.extend(
                lines
                    .iter()
                    .skip(from.row)
                    .take(room)
                    .map(|line| (from.item, line.clone())),
            );
            if rows.len() >= height {
                let at_end = is_whole && self.part_after(from).is_none();
                return (rows, at_end);
            }
            at = self.part_after(from);
        }
        (rows, true)
    }

    /// Says at the foot that there is more below.
    fn draw_unseen(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        if self.view.at_end {
            return;
        }
        let said = match self.unseen {
            0 => " ↓ more ".to_owned(),
            count => format!(" ↓ {count} new "),
        };
        let row = Row::of(&said, theme.bar.patch(theme.key));
        let width = u16::try_from(row.width()).unwrap_or(u16::MAX);
        if width + 4 <= area.width && area.height > 2 {
            let (x, y) = (area.right() - width, area.bottom() - 1);
            buf.set_line(x, y, &row.line(), width);
        }
    }
}
