//! Looking for words in all sessions: their titles, queries and conversations.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::domain::text::{find_ignoring_case, sanitize_line};
use crate::format::{short_age, subject};
use crate::protocol::conversation::SearchHit;
use crate::tui::effect::SearchQuery;
use crate::tui::forms::keys::{After, moved};
use crate::tui::forms::{Field, Form};
use crate::tui::state::App;
use crate::tui::state::data::Data;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::state::sessions::texts;
use crate::tui::theme::Theme;
use crate::tui::update::search::{ask, go};
use crate::tui::view::sessions::status_mark;
use crate::tui::view::typed;
use crate::tui::view::widgets::{fit, form_hints, offset, popup, row_style, scrollbar, split_line};

/// Sessions that are listed by their titles.
const BY_TITLE: usize = 20;
/// Letters from which on conversations are looked through: fewer are everywhere.
const MIN_LETTERS: usize = 2;

#[derive(Clone, Debug, Default)]
pub struct SearchForm {
    pub words: Field,
    /// Only this session is looked through, and all of its places are listed.
    pub within: Option<String>,
    /// The search in the conversations that is under way: its number and what it looks for.
    pub asked: Option<(u64, SearchQuery)>,
    /// What the hits are for.
    pub hits_for: SearchQuery,
    /// Sessions whose titles, directories or models fit, the best first.
    pub sessions: Vec<String>,
    /// Places in conversations, the newest first.
    pub hits: Vec<SearchHit>,
    /// How many more places the sessions have of which not all are listed.
    pub left_out: HashMap<String, u64>,
    /// Whether there may be more places.
    pub more: bool,
    /// Why the conversations could not be looked through.
    pub problem: Option<String>,
    /// The chosen row.
    pub selected: usize,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SearchRow<'a> {
    Session(&'a str),
    /// A place in a conversation.
    Place(&'a SearchHit),
}

impl SearchForm {
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sessions.len() + self.hits.len()
    }

    /// What a row is about.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<SearchRow<'_>> {
        match self.sessions.get(index) {
            Some(id) => Some(SearchRow::Session(id)),
            None => self
                .hits
                .get(index - self.sessions.len())
                .map(SearchRow::Place),
        }
    }

    /// What is typed, as it is looked for.
    #[must_use]
    pub fn needle(&self) -> String {
        self.words.text().trim().to_owned()
    }

    /// What is looked for, as it stands.
    #[must_use]
    pub fn query(&self) -> SearchQuery {
        SearchQuery {
            words: self.needle(),
            session: self.within.clone(),
        }
    }

    /// The session of the chosen row.
    #[must_use]
    pub fn selected_session(&self) -> Option<String> {
        self.row(self.selected).map(|found| match found {
            SearchRow::Session(id) => id.to_owned(),
            SearchRow::Place(hit) => hit.session_id.clone(),
        })
    }

    /// How many places of its session are not listed, for the last listed one of it.
    #[must_use]
    pub fn left_out_after(&self, hit: &SearchHit) -> Option<u64> {
        let last = self.hits.iter().rev();
        let mut of_session = last.filter(|other| other.session_id == hit.session_id);
        (of_session.next() == Some(hit))
            .then(|| self.left_out.get(&hit.session_id).copied())
            .flatten()
    }

    /// Takes in what is typed now; says what to look for in the conversations, if a search may begin.
    /// While one is under way none begins: it is begun when that one has ended.
    pub fn typed(&mut self, data: &Data) -> Option<SearchQuery> {
        self.selected = 0;
        let query = self.query();
        self.sessions = match query.session {
            Some(_) => Vec::new(),
            None => by_title(data, &query.words),
        };
        if query.words.chars().count() < MIN_LETTERS {
            self.hits.clear();
            self.hits_for = SearchQuery::default();
            self.left_out.clear();
            (self.more, self.problem) = (false, None);
            return None;
        }
        (self.asked.is_none() && query != self.hits_for).then_some(query)
    }
}

fn by_title(data: &Data, needle: &str) -> Vec<String> {
    if needle.is_empty() {
        return Vec::new();
    }
    let mut fuzzy = Fuzzy::new(needle);
    let mut found: Vec<_> = data
        .sessions()
        .filter_map(|(id, session)| {
            // By what is shown of it: where its query fits, its conversation has the place.
            let [title, summary, rest @ ..] = texts(session);
            let shown = if title.is_empty() { summary } else { title };
            let [directory, model, asker] = rest;
            let score = fuzzy.score(&[shown, directory, model, asker])?;
            let last = (session.activity, session.last_activity_at);
            Some((std::cmp::Reverse((score, last)), id))
        })
        .collect();
    found.sort_unstable();
    found.truncate(BY_TITLE);
    found.into_iter().map(|(_, id)| id.to_string()).collect()
}

/// Enter goes to the chosen row; Tab lists all places of its session, and back.
pub fn key(app: &mut App, mut form: SearchForm, key: KeyEvent) -> After {
    if let Some(selected) = moved(form.selected, key, form.count()) {
        form.selected = selected;
        return After::Stay(Form::Search(form));
    }
    if key.code == KeyCode::Enter {
        let effects = go(app, form);
        return match app.form.take() {
            Some(form) => After::And(form, effects),
            None => After::Close(effects),
        };
    }
    if key.code == KeyCode::Tab {
        form.within = match form.within.take() {
            Some(_) => None,
            None => form.selected_session(),
        };
        let effects = ask(app, &mut form);
        return After::And(Form::Search(form), effects);
    }
    let before = form.needle();
    form.words.key(key);
    if form.needle() == before {
        return After::Stay(Form::Search(form));
    }
    let effects = ask(app, &mut form);
    After::And(Form::Search(form), effects)
}

pub fn draw(app: &App, form: &SearchForm, screen: Rect, buf: &mut Buffer) -> Option<Position> {
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
fn state(form: &SearchForm) -> String {
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

fn rows(app: &App, form: &SearchForm, list: Rect, buf: &mut Buffer) {
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
            Some(SearchRow::Session(id)) => title_rows(app, id, usize::from(list.width)),
            Some(SearchRow::Place(hit)) => place(app, form, hit, usize::from(list.width)),
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
fn title_rows(app: &App, id: &str, width: usize) -> (Line<'static>, Line<'static>) {
    let theme = &app.theme;
    let Some(session) = app.data.session(id) else {
        return (Line::default(), Line::default());
    };
    let (mark, style) = status_mark(theme, session.status);
    let away = if session.archived { " archived" } else { "" };
    let directory = app.relative_to_home(session.working_dir.as_deref().unwrap_or_default());
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
    form: &SearchForm,
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
