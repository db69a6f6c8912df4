//! Looking for words in all sessions.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::domain::text::{find_ignoring_case, sanitize_line};
use crate::format::{short_age, subject};
use crate::protocol::conversation::SearchHit;
use crate::tui::state::App;
use crate::tui::state::form::search::{Found, Search};
use crate::tui::theme::Theme;
use crate::tui::view::sessions::status_mark;
use crate::tui::view::typed;
use crate::tui::view::widgets::{fit, form_hints, offset, popup, row_style, scrollbar, split_line};

/// Draws it.
pub fn draw(app: &App, form: &Search, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let (width, height) = (
        screen.width.saturating_sub(4).min(110),
        screen.height.saturating_sub(4).min(34),
    );
    let within = form.within.as_deref();
    let title = match within.map(|id| app.data.session(id)) {
        None => " Search all sessions ".to_owned(),
        Some(session) => {
            let name = session
                .map(|session| subject(session, 40))
                .unwrap_or_default();
            format!(" Search “{name}” ")
        }
    };
    let title = Line::styled(title, theme.accent);
    let inside = popup(theme, title, width, height, screen, buf);
    if inside.height < 4 || inside.width < 20 {
        return None;
    }
    let said = Line::styled(state(form), theme.dim);
    let first = Rect {
        height: 1,
        ..inside
    };
    split_line(
        Line::styled("/ ", theme.accent),
        &said,
        theme.text,
        first,
        buf,
    );
    let said = u16::try_from(said.width()).unwrap_or(0);
    let field = Rect {
        x: first.x + 2,
        width: first.width.saturating_sub(3 + said),
        ..first
    };
    let cursor = typed::draw(&form.words, theme.text, true, field, buf);
    let list = Rect {
        y: inside.y + 2,
        height: inside.height - 3,
        ..inside
    };
    rows(app, form, list, buf);
    let scope = match within {
        Some(_) => "all sessions",
        None => "all of this session",
    };
    let mut keys = vec![("enter", "go there"), ("↑↓", "choose"), ("esc", "back")];
    if within.is_some() || form.count() > 0 {
        keys.insert(1, ("tab", scope));
    }
    let y = inside.bottom() - 1;
    buf.set_line(inside.x, y, &form_hints(theme, &keys), inside.width);
    cursor
}

/// How the search stands, in a few words.
fn state(form: &Search) -> String {
    if form.needle().chars().count() < 2 {
        return String::new();
    }
    if form.asked.is_some() {
        return "looking…".to_owned();
    }
    let more = if form.more { " or more" } else { "" };
    let left_out: u64 = form.left_out.values().sum();
    match (form.hits.len(), left_out) {
        (0, _) => String::new(),
        (1, 0) => format!("1 match{more}"),
        (count, 0) => format!("{count} matches{more}"),
        (count, left_out) => format!("{count} of {} matches{more}", count as u64 + left_out),
    }
}

fn rows(app: &App, form: &Search, list: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let count = form.count();
    if let Some(problem) = &form.problem {
        let words = fit(
            &format!("conversations were not looked through: {problem}"),
            usize::from(list.width),
        );
        buf.set_string(list.x, list.bottom() - 1, words, theme.bad);
    }
    if count == 0 {
        let words = if form.needle().is_empty() {
            "Titles, directories, and every word that was said, shown or run."
        } else if form.asked.is_some() || form.needle().chars().count() < 2 {
            ""
        } else if form.more {
            "Nothing in the newest conversations; older ones were not looked through."
        } else {
            "Nothing has these words."
        };
        let words = fit(words, usize::from(list.width));
        buf.set_string(list.x, list.y, words, theme.dim);
        return;
    }
    let selected = form.selected.min(count - 1);
    let first = offset(0, Some(selected), count, list.height);
    for (index, y) in (first..count).zip(list.y..list.bottom()) {
        let line = Rect {
            y,
            height: 1,
            ..list
        };
        let (left, right) = match form.row(index) {
            Some(Found::Session(id)) => by_title(app, id, usize::from(list.width)),
            Some(Found::Place(hit)) => place(app, form, hit, usize::from(list.width)),
            None => continue,
        };
        let style = row_style(theme, index == selected, true);
        split_line(left, &right, style, line, buf);
    }
    let frame = Rect {
        x: list.x.saturating_sub(1),
        y: list.y.saturating_sub(1),
        width: list.width + 2,
        height: list.height + 2,
    };
    scrollbar(theme, true, frame, first, count, buf);
}

/// A session whose title fits.
fn by_title(app: &App, id: &str, width: usize) -> (Line<'static>, Line<'static>) {
    let theme = &app.theme;
    let Some(session) = app.data.session(id) else {
        return (Line::default(), Line::default());
    };
    let (mark, style) = status_mark(theme, session.status);
    let away = if session.archived { " archived" } else { "" };
    let directory = app.from_home(session.working_dir.as_deref().unwrap_or_default());
    let left = Line::from(vec![
        Span::styled(format!("{mark} "), style),
        Span::styled(fit(&subject(session, 200), width / 2), theme.heading),
        Span::styled(away, theme.dim),
        Span::styled(format!("  {}", fit(&directory, width / 4)), theme.dim),
    ]);
    let age = short_age(session.last_activity_at, app.now);
    (left, Line::styled(age, theme.dim))
}

/// A place in a conversation: the words first, then whose they are.
fn place(
    app: &App,
    form: &Search,
    hit: &SearchHit,
    width: usize,
) -> (Line<'static>, Line<'static>) {
    let theme = &app.theme;
    let words = &form.hits_for.words;
    let session = app.data.session(&hit.session_id);
    let name = session
        .map(|session| subject(session, 60))
        .unwrap_or_default();
    let age = short_age(hit.created_at, app.now);
    let more = form.left_out_after(hit);
    let more = more
        .map(|count| format!("+{count} in "))
        .unwrap_or_default();
    let right = format!("{more}{} {age:>3}", fit(&name, width / 4));
    let mut left = vec![Span::styled("  ", theme.dim)];
    left.extend(marked(theme, &hit.excerpt, words));
    (Line::from(left), Line::styled(right, theme.dim))
}

/// The excerpt with the words standing out.
fn marked(theme: &Theme, excerpt: &str, words: &str) -> Vec<Span<'static>> {
    let safe = sanitize_line(excerpt);
    match find_ignoring_case(&safe, &words.to_lowercase()) {
        Some(at) => vec![
            Span::styled(safe[..at.start].to_owned(), theme.text),
            Span::styled(safe[at.clone()].to_owned(), theme.matched),
            Span::styled(safe[at.end..].to_owned(), theme.text),
        ],
        None => vec![Span::styled(safe.into_owned(), theme.text)],
    }
}
