//! The line of keys: what matters here and now, and always how to see all of them.
//!
//! A word to the user takes its place for a while, and that of the status line above it where it is too
//! long for one row (unless that says that there is no daemon). No hint is ever cut: one that does not fit is left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::widgets::fit;
use crate::tui::keymap::Action;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Pane};

/// Draws it; the status line is above it.
pub fn draw(app: &App, area: Rect, status: Rect, buf: &mut Buffer) {
    if area.height == 0 || area.width < 2 {
        return;
    }
    let theme = &app.theme;
    let inside = Rect {
        x: area.x + 1,
        width: area.width - 1,
        ..area
    };
    if let Some(notice) = &app.notice {
        let style = match notice.tone {
            Tone::Good => theme.good,
            Tone::Plain | Tone::Hint => theme.accent,
            Tone::Bad => theme.bad,
        };
        let columns = usize::from(inside.width);
        let (first, second) = match status.height {
            // Without a daemon that line says what to do about it.
            1 if app.is_connected() => two_rows(&notice.text, columns),
            _ => (fit(&notice.text, columns), None),
        };
        if let Some(second) = second {
            buf.set_string(
                status.x,
                status.y,
                " ".repeat(usize::from(status.width)),
                theme.text,
            );
            buf.set_stringn(inside.x, status.y, first, columns, style);
            buf.set_stringn(inside.x, inside.y, second, columns, style);
        } else {
            buf.set_stringn(inside.x, inside.y, first, columns, style);
        }
        return;
    }
    // A dialog has its own keys, which it shows itself.
    if app.form.is_some() {
        return;
    }
    // Typing takes the letters, so what they do elsewhere is not offered.
    let pinned = if is_typing(app) {
        None
    } else {
        Some(hint(app, &app.keymap.key(Action::Help), "all keys"))
    };
    let line = fitting(offers(app), pinned, usize::from(inside.width));
    buf.set_line(inside.x, inside.y, &line, inside.width);
}

/// A text on one row, or on two where it is too long for one: what to do next stands at its end.
fn two_rows(text: &str, columns: usize) -> (String, Option<String>) {
    let whole = fit(text, columns.saturating_mul(2));
    if whole.width() <= columns {
        return (whole, None);
    }
    let mut wide = 0;
    let mut end = None;
    for (at, cluster) in whole.grapheme_indices(true) {
        if wide > columns {
            break;
        }
        if cluster == " " {
            end = Some(at);
        }
        wide += cluster.width();
    }
    match end.and_then(|at| whole.split_at_checked(at)) {
        Some((first, rest)) => (first.to_owned(), Some(fit(rest.trim_start(), columns))),
        None => (fit(&whole, columns), None),
    }
}

type Hint<'a> = Vec<Span<'a>>;

fn width(hint: &Hint<'_>) -> usize {
    hint.iter().map(Span::width).sum()
}

/// As many of the hints as fit, in order, and the pinned one in any case.
fn fitting<'a>(offers: Vec<Hint<'a>>, pinned: Option<Hint<'a>>, columns: usize) -> Line<'a> {
    const GAP: usize = 2;
    let mut room = columns.saturating_sub(pinned.as_ref().map_or(0, width));
    let mut spans = Vec::new();
    for offer in offers {
        let wide = width(&offer) + GAP;
        if wide <= room {
            room -= wide;
            spans.extend(offer);
            spans.push(Span::raw("  "));
        }
    }
    spans.extend(pinned.into_iter().flatten());
    Line::from(spans)
}

fn hint<'a>(app: &App, key: &str, words: &'a str) -> Hint<'a> {
    vec![
        Span::styled(key.to_owned(), app.theme.key),
        Span::styled(" ", app.theme.dim),
        Span::styled(words, app.theme.dim),
    ]
}

fn is_typing(app: &App) -> bool {
    app.focus == Pane::Prompt || app.sessions.typing || app.inbox.typing || app.detail.typing
}

/// What is offered here, what matters most first.
fn offers(app: &App) -> Vec<Hint<'static>> {
    if app.focus == Pane::Prompt {
        return own(
            app,
            &[
                ("enter", "start"),
                ("esc", "cancel"),
                ("alt-enter", "new line"),
                ("@", "file"),
                ("ctrl-o", "options"),
                ("↑↓", "history"),
                ("ctrl-g", "editor"),
            ],
        );
    }
    if is_typing(app) {
        return own(app, &[("enter", "apply"), ("esc", "clear")]);
    }
    let mut actions: Vec<(Action, &str)> = Vec::new();
    if app.zoomed {
        actions.push((Action::Zoom, "unzoom"));
    }
    match app.focus {
        Pane::Conversation if app.is_searching() => actions.extend([
            (Action::NextMatch, "next match"),
            (Action::PreviousMatch, "previous match"),
            (Action::Cancel, "end search"),
            (Action::Filter, "search for something else"),
        ]),
        Pane::Inbox => actions.extend(of_inbox(app)),
        Pane::Sessions => actions.extend(of_sessions(app)),
        Pane::Conversation => actions.extend(of_conversation(app)),
        Pane::Prompt => {}
    }
    if app.focus == Pane::Conversation && !app.zoomed && !app.is_searching() {
        actions.push((Action::Zoom, "zoom"));
    }
    actions.extend([
        (Action::Palette, "commands"),
        (Action::Quit, "quit"),
        (Action::FocusNext, "next pane"),
    ]);
    actions
        .into_iter()
        .map(|(action, words)| (app.keymap.key(action), words))
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, words)| hint(app, &key, words))
        .collect()
}

fn own(app: &App, keys: &[(&str, &'static str)]) -> Vec<Hint<'static>> {
    keys.iter()
        .map(|(key, words)| hint(app, key, words))
        .collect()
}

fn of_conversation(app: &App) -> Vec<(Action, &'static str)> {
    let mut actions = vec![(Action::Back, "back"), (Action::Reply, "reply")];
    if app.detail.transcript.queued_messages() > 0 {
        actions.push((Action::Unsend, "withdraw the message"));
    }
    actions.extend([
        (Action::Fold, "fold"),
        (Action::NextTurn, "next turn"),
        (Action::Filter, "search"),
        (Action::Pager, "pager"),
        (Action::Copy, "copy"),
    ]);
    actions
}

fn of_inbox(app: &App) -> Vec<(Action, &'static str)> {
    if !app.inbox.marked.is_empty() {
        return vec![
            (Action::ApproveMany, "approve selected"),
            (Action::DenyMany, "deny selected"),
            (Action::Mark, "select"),
            (Action::Cancel, "clear selection"),
        ];
    }
    // What decides is said by the panel, as what it means depends on the approval.
    let mut actions = match app.selected_approval() {
        None => vec![(Action::FocusSessions, "sessions")],
        Some(_) => vec![(Action::Answer, "read or answer"), (Action::Reply, "reply")],
    };
    if app.data.pending.len() > 1 {
        actions.extend([
            (Action::Mark, "select"),
            (Action::ApproveMany, "approve all"),
            (Action::DenyMany, "deny all"),
        ]);
    }
    actions
}

fn of_sessions(app: &App) -> Vec<(Action, &'static str)> {
    if !app.inbox.marked.is_empty() && app.sessions.marked.is_empty() {
        // The last one of the inbox was selected, and the keys have gone on to the list below.
        return of_inbox(app);
    }
    if !app.sessions.marked.is_empty() {
        return vec![
            (Action::Archive, "archive selected"),
            (Action::EndSession, "end"),
            (Action::Interrupt, "interrupt"),
            (Action::Delete, "delete"),
            (Action::Mark, "select"),
            (Action::Cancel, "clear selection"),
        ];
    }
    let mut actions = vec![(Action::NewSession, "new")];
    let Some(session) = app.selected_session() else {
        return actions;
    };
    actions.push((Action::Open, "open"));
    actions.push((Action::Reply, "reply"));
    if session.status.is_active() {
        actions.push((Action::Interrupt, "interrupt"));
    } else if session.archived {
        actions.push((Action::Archive, "unarchive"));
    } else {
        actions.push((Action::Archive, "archive"));
    }
    actions.extend([
        (Action::Filter, "filter"),
        (Action::Search, "search"),
        (Action::Sort, "sort"),
    ]);
    if !session.live {
        actions.push((Action::Delete, "delete"));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_for_a_row_is_parted_between_words() {
        let parted = |text: &str| {
            let (first, second) = two_rows(text, 10);
            (first, second.unwrap_or_default())
        };
        for (text, first, second) in [
            ("short", "short", ""),
            ("ten signs.", "ten signs.", ""),
            ("ten signs. more", "ten signs.", "more"),
            ("not decided: run it", "not", "decided: …"),
            ("one two three four", "one two", "three four"),
            ("漢字漢字 漢字漢字", "漢字漢字", "漢字漢字"),
            ("onelongwordofall", "onelongwo…", ""),
            ("one two three four five six", "one two", "three fou…"),
        ] {
            assert_eq!(
                parted(text),
                (first.to_owned(), second.to_owned()),
                "{text}"
            );
        }
    }
}
