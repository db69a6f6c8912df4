//! The approval panel: what the selected session asks, and all that is needed to decide it.

mod body;
mod clip;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::inbox::age_style;
use super::widgets::{fit, fit_tail, frame, scrollbar, split_line};
use crate::domain::text::summary;
use crate::domain::{Kind, Source};
use crate::format::{bytes, short_age, subject};
use crate::protocol::approval::Approval;
use crate::tui::keymap::Action;
use crate::tui::state::card::{CacheKey, CardCache};
use crate::tui::state::guard::{self, TextView, Unread};
use crate::tui::state::{App, offered};
use crate::tui::transcript::text::Row;
use crate::tui::transcript::{highlight, tool_label};

/// Bytes of an input that the card lays out; the rest is for who reads the whole question.
const CARD_BYTES: usize = 64 * 1024;

/// Rows of the agent's last words that the panel shows where there is no conversation beside it.
const CONTEXT_ROWS: usize = 2;
/// Characters of the agent's last words that are looked at for them.
const CONTEXT_CHARS: usize = 400;

/// Lays the shown approval out for so many columns, its frame included, if that is not done.
pub fn arrange(app: &mut App, width: u16) {
    let mut laid = std::mem::take(&mut app.card.laid);
    match app.selected_approval() {
        Some(approval) => lay(
            app,
            approval,
            width.saturating_sub(2),
            CARD_BYTES,
            &mut laid,
        ),
        None => laid = CardCache::default(),
    }
    app.card.laid = laid;
}

/// Lays an approval out, unless the rows are of the same already.
pub fn lay(app: &App, approval: &Approval, width: u16, budget: usize, laid: &mut CardCache) {
    let full = heading(app, approval, usize::MAX);
    let room = heading_room(width.saturating_add(2));
    let place = place(app, approval).filter(|_| full.width() > room);
    let made = CacheKey {
        approval: approval.id.clone(),
        width,
        theme: Box::new(app.theme),
        content: content(app, approval),
        place: place.clone(),
        budget,
        ink: highlight::generation(),
    };
    if laid.of.as_ref() != Some(&made) {
        let (rows, left_out) = body::body(app, approval, place.as_deref(), width, budget);
        *laid = CardCache {
            of: Some(made),
            fingerprint: guard::fingerprint(&rows),
            rows,
            left_out,
        };
    }
}

/// The version of what is told of an approval.
fn content(app: &App, approval: &Approval) -> u64 {
    let subject = &app.card.subject;
    let file = if subject.approval.as_ref() == Some(&approval.id) {
        subject.fingerprint
    } else {
        0
    };
    let hash = |of: &str| {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        hasher.finish()
    };
    let plan = body::plan_of_call(app, approval).map_or(0, |plan| hash(&plan));
    let session = app.data.session(&approval.session_id);
    let place = session.and_then(|session| session.directory_problem.as_deref());
    file.wrapping_add(plan)
        .wrapping_add(place.map_or(0, hash))
        .wrapping_add(app.data.changes_of(&approval.id))
}

/// The rows of an approval that is not the selected one, made of at most so many bytes of its input.
#[must_use]
pub fn rows(app: &App, approval: &Approval, width: u16, budget: usize) -> Vec<Line<'static>> {
    body::body(app, approval, None, width, budget).0
}

/// Whether an approval's text needs more rows or bytes than that.
#[must_use]
pub fn is_longer_than(
    app: &App,
    approval: &Approval,
    width: u16,
    rows: usize,
    bytes: usize,
) -> bool {
    let (laid, left_out) = body::body(app, approval, None, width, bytes);
    !left_out.is_nothing() || laid.len() > rows
}

/// How many rows the panel would like to have; 0 when the selected session asks nothing. As it was
/// laid out last.
#[must_use]
pub fn height(app: &App, with_context: bool, width: u16) -> u16 {
    let laid = &app.card.laid;
    match app.selected_approval() {
        Some(approval) if laid.is_of(&approval.id) => {
            let context = match with_context {
                true => context(app, usize::from(width.saturating_sub(2)), CONTEXT_ROWS).len(),
                false => 0,
            };
            u16::try_from(laid.rows.len() + context)
                .unwrap_or(u16::MAX)
                .saturating_add(3)
        }
        Some(_) | None => 0,
    }
}

/// The panel's parts: who asks and why, the text, the keys.
struct Parts {
    context: Vec<Line<'static>>,
    text: Rect,
    keys: Option<Rect>,
}

fn parts(app: &App, area: Rect, with_context: bool) -> Parts {
    let mut inside = area.inner(Margin::new(1, 1));
    // The keys give way where there is only one row.
    let keys = (inside.height > 1).then(|| {
        inside.height -= 1;
        Rect {
            y: inside.y + inside.height,
            height: 1,
            ..inside
        }
    });
    let text = app.card.laid.rows.len();
    let room = if usize::from(inside.height) > text {
        usize::from(inside.height) - text
    } else if inside.height >= 6 {
        1
    } else {
        0
    };
    let mut context = Vec::new();
    if with_context {
        context = self::context(app, usize::from(inside.width), room.min(CONTEXT_ROWS));
        let taken = u16::try_from(context.len()).unwrap_or(0);
        inside.y += taken;
        inside.height -= taken;
    }
    Parts {
        context,
        text: inside,
        keys,
    }
}

/// Which session asks, and the agent's last words before it did: as many rows as there is room for.
fn context(app: &App, width: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let Some(approval) = app.selected_approval().filter(|_| rows > 0) else {
        return Vec::new();
    };
    let mut row = Row::new();
    if let Some(session) = app.data.session(&approval.session_id) {
        row.foreign(&subject(session, 60), theme.heading, theme);
    }
    let call = approval.tool_use_id.as_deref();
    let words = app.detail.transcript.last_words(call);
    let words = words.map(|words| summary(words, CONTEXT_CHARS));
    if let Some(words) = words.filter(|words| !words.trim().is_empty()) {
        row.own(": ", theme.dim);
        row.foreign(words.trim(), theme.dim, theme);
    }
    if row.is_empty() {
        return Vec::new();
    }
    // Breaking between words leaves columns empty: as much of it as fits then.
    let mut columns = width * rows;
    loop {
        let cut = row.clone().cut(columns);
        let lines = cut.words(width, &Row::new(), &Row::new());
        if lines.len() <= rows || columns == 0 {
            return lines;
        }
        columns = columns.saturating_sub(4);
    }
}

/// How many rows of the text there is no room for.
#[must_use]
pub fn hidden(app: &App, area: Rect, with_context: bool) -> u16 {
    let room = usize::from(parts(app, area, with_context).text.height);
    let rows = app.card.laid.rows.len();
    u16::try_from(rows.saturating_sub(room)).unwrap_or(u16::MAX)
}

/// Which rows of the text a panel of this size shows: none where it has no room for any.
#[must_use]
pub fn text_view(app: &App, area: Rect, with_context: bool) -> Option<TextView> {
    let approval = app.selected_approval()?;
    let room = if area.height >= 3 && area.width >= 10 {
        usize::from(parts(app, area, with_context).text.height)
    } else {
        0
    };
    Some(view_of(
        app,
        approval,
        &app.card.laid,
        usize::from(app.card.scroll),
        room,
        area.width.saturating_sub(2),
    ))
}

/// Which rows of an approval's text are on the screen. A row that is wider than the pane is not: what
/// is cut off was not drawn.
#[must_use]
pub fn view_of(
    app: &App,
    approval: &Approval,
    laid: &CardCache,
    scroll: usize,
    room: usize,
    width: u16,
) -> TextView {
    let total = laid.rows.len();
    let end = scroll.saturating_add(room).min(total);
    let shown = laid.rows.get(scroll..end).unwrap_or_default();
    let whole = shown
        .iter()
        .take_while(|row| row.width() <= usize::from(width))
        .count();
    TextView {
        subject: approval.id.clone(),
        content: content(app, approval),
        layout: laid.fingerprint,
        rows: scroll..scroll + whole,
        total,
        left_out: laid.left_out,
    }
}

pub fn draw(app: &App, area: Rect, with_context: bool, buf: &mut Buffer) {
    let Some(approval) = app.selected_approval().filter(|_| area.height > 0) else {
        return;
    };
    let theme = &app.theme;
    let title = title(app, approval, usize::from(area.width));
    let inside = frame(theme, title, true, area, buf);
    edge(app, approval, area, buf);
    if inside.height == 0 {
        return;
    }
    let parts = parts(app, area, with_context);
    for (line, y) in parts.context.iter().zip(inside.y..) {
        buf.set_line(inside.x, y, line, inside.width);
    }
    let rows = &app.card.laid.rows;
    let skip = usize::from(app.card.scroll);
    let room = parts.text.height;
    for (line, y) in rows.iter().skip(skip).zip(0..room) {
        buf.set_line(parts.text.x, parts.text.y + y, line, parts.text.width);
    }
    scrollbar(
        theme,
        true,
        scroll_area(area, parts.text),
        skip,
        rows.len(),
        buf,
    );
    let Some(foot) = parts.keys else {
        return;
    };
    if let Some(word) = app.inbox.sending.get(&approval.id) {
        let line = Line::styled(format!("{word}…"), theme.accent);
        buf.set_line(foot.x, foot.y, &line, foot.width);
        return;
    }
    // What is open has the keys, and names them itself.
    if app.form.is_some() {
        return;
    }
    let unread = text_view(app, area, with_context)
        .map(|text| app.guard.unread(&text))
        .unwrap_or_default();
    let below = rows.len().saturating_sub(skip + usize::from(room));
    let width = usize::from(foot.width);
    let mut more = match offered::must_read(approval, unread) {
        // How much is to be read is said with the keys, and one of them goes there.
        true => Line::default(),
        false => more(app, below, skip),
    };
    let mut keys = keys_line(app, approval, unread, width, &more);
    if keys.width() == 0 {
        // What decides comes first where there is not the room for both.
        more = Line::default();
        keys = keys_line(app, approval, unread, width, &more);
    }
    split_line(keys, &more, ratatui::style::Style::new(), foot, buf);
}

/// The part of the frame's right edge that stands for the text.
fn scroll_area(area: Rect, text: Rect) -> Rect {
    Rect {
        y: text.y.saturating_sub(1),
        height: text.height + 2,
        ..area
    }
}

/// The keys that decide. While they do nothing yet, because what they are about has just changed, they
/// are shown dim.
fn keys_line(
    app: &App,
    approval: &Approval,
    unread: Unread,
    width: usize,
    more: &Line<'_>,
) -> Line<'static> {
    let theme = &app.theme;
    let wide = width.saturating_sub(more.width() + 2);
    if app.is_searching() {
        let words = fit("keys are for the search; Esc to decide", wide);
        return Line::styled(words, theme.dim);
    }
    let keys = offered::actions_until_read(approval, unread);
    let mut said = String::new();
    if offered::must_read(approval, unread) {
        said = format!("{} · ", unread.describe());
    }
    let mut line = Line::default();
    if said.width() + 16 <= wide {
        line.spans.push(Span::styled(said, theme.waiting));
    }
    let room = wide.saturating_sub(line.width());
    line.spans.extend(fitting(app, &keys, room).spans);
    if app.is_guarded() {
        for span in &mut line.spans {
            span.style = theme.dim;
        }
    }
    line
}

/// On the frame's lower edge: which of the session's approvals this is.
fn edge(app: &App, approval: &Approval, area: Rect, buf: &mut Buffer) {
    let of_session: Vec<&str> = app
        .data
        .pending_of(&approval.session_id)
        .map(|approval| approval.id.as_str())
        .collect();
    let Some(at) = of_session.iter().position(|id| *id == approval.id) else {
        return;
    };
    let count = of_session.len();
    if count < 2 || area.height < 3 {
        return;
    }
    let key = app.keymap.key(Action::NextApproval);
    let words = format!(" {} of {count} in this session ({key}) ", at + 1);
    let wide = u16::try_from(words.width()).unwrap_or(u16::MAX);
    if wide + 4 <= area.width {
        let x = area.right() - wide - 2;
        buf.set_string(x, area.bottom() - 1, words, app.theme.dim);
    }
}

/// What is asked, by whom and where, and how long it has waited.
fn title(app: &App, approval: &Approval, width: usize) -> Line<'static> {
    let theme = &app.theme;
    let age = short_age(approval.created_at, app.now);
    let room = heading_room(u16::try_from(width).unwrap_or(u16::MAX));
    let what = heading(app, approval, room);
    let rest = width.saturating_sub(what.width() + 2 + 2);
    let mut spans = vec![Span::styled(format!(" {what} "), theme.waiting)];
    let waiting = "waiting ";
    if rest >= waiting.len() + age.width() + 3 {
        let gap = rest - waiting.len() - age.width() - 3;
        spans.push(Span::styled("─".repeat(gap), theme.border_focus));
        spans.push(Span::styled(format!(" {waiting}"), theme.dim));
        spans.push(Span::styled(
            format!("{age} "),
            age_style(theme, approval.created_at, app.now),
        ));
    }
    Line::from(spans)
}

/// Columns for the heading in a frame of this width, beside the time that it has waited where there is
/// room for both. It does not depend on that time, so that a heading stays as it is.
fn heading_room(width: u16) -> usize {
    const AGE: usize = "waiting 59m".len() + 5;
    let width = usize::from(width);
    width.saturating_sub(if width < 48 { 4 } else { AGE + 4 })
}

/// Where the session works: its directory from home, and what is checked out there.
#[must_use]
pub fn place(app: &App, approval: &Approval) -> Option<String> {
    let directory = app
        .data
        .session(&approval.session_id)
        .and_then(|session| session.working_dir.as_deref())
        .filter(|directory| !directory.is_empty())?;
    let shown = app.relative_to_home(directory);
    Some(match branch(app, directory) {
        Some(branch) => format!("{shown} ({branch})"),
        None => shown,
    })
}

fn branch<'a>(app: &'a App, directory: &str) -> Option<&'a str> {
    let branch = &app.card.branch;
    let is_of = branch.directory.as_deref() == Some(directory);
    branch.name.as_deref().filter(|_| is_of)
}

/// What is asked, by whom and where: `Allow Bash in ~/src/infra (main)?`. Where there is not the room,
/// the directory loses its beginning, and then goes; what is asked never does.
#[must_use]
pub fn heading(app: &App, approval: &Approval, room: usize) -> String {
    let asked = asks(approval);
    let (what, mark) = match asked.strip_suffix('?') {
        Some(what) => (what.to_owned(), "?"),
        None => (asked, ""),
    };
    let Some(place) = place(app, approval) else {
        return fit(&format!("{what}{mark}"), room);
    };
    let rest = room.saturating_sub(what.width() + " in ".len() + mark.len());
    if rest < place.width() && rest < 8 {
        return fit(&format!("{what}{mark}"), room);
    }
    format!("{what} in {}{mark}", fit_tail(&place, rest))
}

/// Whether a frame of this width inside has no room to name the tool whole.
fn cuts_tool(approval: &Approval, width: u16) -> bool {
    approval.kind == Kind::Permission
        && approval.source != Source::Launch
        && (tool_label(&approval.tool_name).ends_with('…')
            || asks(approval).width() > heading_room(width.saturating_add(2)))
}

/// Whether a heading names who asks by the beginning alone.
fn cuts_asker(asker: &str) -> bool {
    fit(asker, MAX_ASKER).ends_with('…')
}

/// Columns of a heading for the name of who asks.
const MAX_ASKER: usize = 24;

/// What is asked, and by whom.
#[must_use]
pub fn asks(approval: &Approval) -> String {
    let asker = approval.asker.as_deref();
    let asker = asker.map(|asker| fit(asker, MAX_ASKER));
    match approval.kind {
        Kind::Permission if approval.source == Source::Launch => {
            "Use this project's settings?".to_owned()
        }
        Kind::Permission => {
            let tool = tool_label(&approval.tool_name);
            match (asker, &approval.agent_id) {
                (Some(asker), _) => format!("Allow {asker} to use {tool}?"),
                (None, Some(_)) => format!("Allow a subagent to use {tool}?"),
                (None, None) => format!("Allow {tool}?"),
            }
        }
        Kind::Question => "Question from Claude".to_owned(),
        Kind::Contact => format!("Question from {}", asker.as_deref().unwrap_or("a program")),
        Kind::Plan => "Approve this plan?".to_owned(),
    }
}

/// What is further down, or that one has scrolled.
fn more(app: &App, below: usize, above: usize) -> Line<'static> {
    let theme = &app.theme;
    let left_out = app.card.laid.left_out;
    let words = match (below, left_out.bytes()) {
        (0, 0) if above > 0 => "the end ".to_owned(),
        (0, 0) => return Line::default(),
        (0, more) => format!("{} more ", bytes(more)),
        (1, 0) => "1 more line ".to_owned(),
        (below, 0) => format!("{below} more lines "),
        (below, more) => format!("{below} lines and {} more ", bytes(more)),
    };
    let key = match (below, above) {
        (0, 0) => app.keymap.key(Action::ReadApproval),
        (0, _) => app.keymap.key(Action::QuestionUp),
        (_, _) => app.keymap.key(Action::QuestionDown),
    };
    Line::from(vec![
        Span::styled(words, theme.waiting),
        Span::styled(key, theme.key),
    ])
}

/// Keys with their words, as many as there is room for; none is cut in two.
#[must_use]
pub fn fitting(app: &App, actions: &[(Action, &'static str)], room: usize) -> Line<'static> {
    let theme = &app.theme;
    let mut line = Line::default();
    for (action, words) in actions {
        let key = app.keymap.key(*action);
        if key.is_empty() {
            continue;
        }
        let gap = if line.spans.is_empty() { "" } else { "  " };
        let added = [
            Span::styled(gap, theme.dim),
            Span::styled(key, theme.key),
            Span::styled(format!(" {words}"), theme.dim),
        ];
        let wide: usize = added.iter().map(Span::width).sum();
        if line.width() + wide > room {
            break;
        }
        line.spans.extend(added);
    }
    line
}
