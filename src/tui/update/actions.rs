//! What an action does; the one place where a key, the palette and the mouse meet.

use super::{Effect, card, decide, launch, list, notify, search, select, session};
use crate::tui::effect::{MessagePurpose, Purpose};
use crate::tui::forms::Form;
use crate::tui::forms::confirm::Confirm;
use crate::tui::forms::help::Help;
use crate::tui::forms::palette::PaletteForm;
use crate::tui::forms::yes::Yes;
use crate::tui::keymap::Action;
use crate::tui::state::notice::Tone;
use crate::tui::state::{App, Connection, Pane};
use crate::tui::theme::{self, Theme};
use crate::tui::transcript::{Found, Scroll};

/// Does what is asked for.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if decides(action) && app.is_searching() {
        let words = "Searching: the keys that decide do nothing; Esc ends the search";
        notify(app, Tone::Plain, words);
        return Vec::new();
    }
    match action {
        Action::Approve => decide::approve(app),
        Action::ApproveUnread => decide::approve_unread(app),
        Action::Deny => decide::deny(app),
        Action::Edit => decide::edit(app),
        Action::AlwaysAllow => decide::always(app),
        Action::Answer => decide::answer(app),
        Action::ApproveMany => decide::many(app, true),
        Action::DenyMany => decide::many(app, false),
        Action::QuestionDown => scroll_question(app, 1),
        Action::QuestionUp => scroll_question(app, -1),
        Action::NextMatch => to_match(app, true),
        Action::PreviousMatch => to_match(app, false),
        Action::ReadApproval => decide::read(app),
        Action::NextApproval => next_approval(app, true),
        Action::PreviousApproval => next_approval(app, false),
        Action::NewSession => launch::open_prompt(app),
        Action::LaunchForm => launch::open_form(app),
        Action::Search => search::open(app),
        Action::Reply => session::say_to(app, MessagePurpose::Reply),
        Action::Fork => session::say_to(app, MessagePurpose::Fork),
        Action::Rename => session::say_to(app, MessagePurpose::Title),
        Action::Unsend => session::unsend(app),
        Action::Interrupt => session::interrupt(app),
        Action::EndSession => session::end(app),
        Action::RestartSession => session::restart(app),
        Action::Archive => session::archive(app),
        Action::Delete => session::delete(app),
        Action::AutoAccept => session::auto_accept(app),
        Action::Export => session::say_to(app, MessagePurpose::Export),
        Action::Up => step(app, -1),
        Action::Down => step(app, 1),
        Action::PageUp => page(app, -1, Scroll::Pages(-1)),
        Action::PageDown => page(app, 1, Scroll::Pages(1)),
        Action::HalfPageUp => page(app, -1, Scroll::HalfPages(-1)),
        Action::HalfPageDown => page(app, 1, Scroll::HalfPages(1)),
        Action::ScrollUp => scroll(app, Scroll::Lines(-1)),
        Action::ScrollDown => scroll(app, Scroll::Lines(1)),
        Action::Top => far(app, isize::MIN),
        Action::Bottom => far(app, isize::MAX),
        Action::Open => {
            list::open(app);
            Vec::new()
        }
        Action::Back => {
            app.focus = Pane::Sessions;
            app.detail.open = false;
            Vec::new()
        }
        Action::Mark => mark(app),
        Action::SelectAll => {
            list::select_all(app);
            Vec::new()
        }
        Action::SelectGroup => {
            list::select_group(app);
            Vec::new()
        }
        Action::NextUnread => {
            list::next_unread(app);
            Vec::new()
        }
        Action::Collapse => {
            list::fold(app);
            Vec::new()
        }
        Action::Sort => {
            list::sort(app);
            Vec::new()
        }
        Action::ShowArchived => {
            list::show_archived(app);
            Vec::new()
        }
        Action::Fold => {
            app.detail.transcript.toggle_fold();
            Vec::new()
        }
        Action::FoldAll => {
            app.detail.transcript.toggle_fold_all();
            Vec::new()
        }
        Action::NextTurn => scroll(app, Scroll::NextTurn),
        Action::PreviousTurn => scroll(app, Scroll::PreviousTurn),
        Action::Copy if app.focus == Pane::Inbox => match app.selected_approval() {
            Some(approval) => vec![Effect::Copy(card::copied(approval))],
            None => {
                notify(app, Tone::Plain, "No pending approvals");
                Vec::new()
            }
        },
        Action::Copy => match app.detail.transcript.selected_text() {
            Some(text) => vec![Effect::Copy(text)],
            None => {
                notify(app, Tone::Plain, "Nothing to copy here");
                Vec::new()
            }
        },
        Action::Pager => vec![Effect::Pager(app.detail.transcript.to_markdown())],
        Action::Editor => vec![Effect::Editor {
            purpose: Purpose::Look,
            text: app.detail.transcript.to_markdown(),
            extension: "md",
        }],
        Action::Filter => {
            match app.focus {
                Pane::Conversation => app.detail.typing = true,
                Pane::Inbox if !app.data.pending.is_empty() => app.inbox.typing = true,
                Pane::Sessions | Pane::Inbox | Pane::Prompt => {
                    app.focus = Pane::Sessions;
                    app.sessions.typing = true;
                }
            }
            Vec::new()
        }
        Action::Zoom => {
            app.zoomed = !app.zoomed;
            Vec::new()
        }
        Action::FocusNext => focus(app, 1),
        Action::FocusPrevious => focus(app, -1),
        Action::FocusInbox => focus_on(app, Pane::Inbox),
        Action::FocusSessions => focus_on(app, Pane::Sessions),
        Action::FocusConversation => focus_on(app, Pane::Conversation),
        Action::Theme => next_theme(app),
        Action::Palette => {
            let shown = app.frame.decision.as_ref();
            let shown = shown.and_then(|view| view.approval.as_deref());
            app.form = Some(Form::Palette(PaletteForm::new(
                app.focus.context(),
                shown.and_then(|id| app.data.pending(id)),
                &app.launch.memory.commands,
            )));
            Vec::new()
        }
        Action::Help => {
            app.form = Some(Form::Help(Help::new(app.context())));
            Vec::new()
        }
        Action::Demo if app.preferences.demo => {
            notify(app, Tone::Plain, "this is the demonstration");
            Vec::new()
        }
        Action::Demo if app.data.is_empty() => vec![Effect::Demo],
        Action::Demo => {
            let question = "Leave for the demo? It runs scripted agents in a place of its own; your \
                            sessions keep running, and quitting it comes back here.";
            app.form = Some(Form::Confirm(Confirm::before(
                "start the demo",
                Yes::LetterOrEnter,
                question.to_owned(),
                vec![Effect::Demo],
            )));
            Vec::new()
        }
        Action::RestartDaemon => vec![Effect::RestartDaemon],
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Cancel => cancel(app),
        Action::Quit => vec![Effect::Quit],
    }
}

/// Goes back one step: what is typed first, then marks, then the pane.
fn cancel(app: &mut App) -> Vec<Effect> {
    if app.focus == Pane::Conversation && app.is_searching() {
        leave_search(app);
    } else if app.inbox.typing || (app.focus == Pane::Inbox && !app.inbox.filter.is_empty()) {
        app.inbox.typing = false;
        app.inbox.filter.clear();
    } else if app.sessions.typing || !app.sessions.filter.is_empty() {
        app.sessions.typing = false;
        app.sessions.filter.clear();
        app.sessions.stale();
    } else if !app.inbox.marked.is_empty() || !app.sessions.marked.is_empty() {
        app.inbox.marked.clear();
        app.sessions.marked.clear();
    } else if app.zoomed && app.focus != Pane::Prompt {
        app.zoomed = false;
    } else if app.focus == Pane::Conversation || app.focus == Pane::Prompt {
        app.focus = Pane::Sessions;
        app.detail.open = false;
    } else if let Connection::Up { .. } = app.connection {
        app.notice = None;
    }
    Vec::new()
}

/// Whether an action decides an approval, or opens what does.
pub fn decides(action: Action) -> bool {
    matches!(
        action,
        Action::Approve
            | Action::ApproveUnread
            | Action::Deny
            | Action::Edit
            | Action::AlwaysAllow
            | Action::Answer
            | Action::ApproveMany
            | Action::DenyMany
            | Action::ReadApproval
    )
}

/// Goes to the next match of the search, or the one before.
fn to_match(app: &mut App, is_forward: bool) -> Vec<Effect> {
    let transcript = &mut app.detail.transcript;
    let found = if is_forward {
        transcript.next_match()
    } else {
        transcript.previous_match()
    };
    match (found, is_forward) {
        (Found::Match, _) => app.notice = None,
        (Found::Wrapped, true) => notify(app, Tone::Plain, "Search went on at the beginning"),
        (Found::Wrapped, false) => notify(app, Tone::Plain, "Search went on at the end"),
        (Found::Nothing, _) if app.detail.search.is_none() => {
            let key = app.keymap.key(Action::Filter);
            notify(app, Tone::Plain, format!("Nothing to search for ({key})"));
        }
        (Found::Nothing, _) => notify(app, Tone::Plain, "Not found"),
    }
    Vec::new()
}

/// Ends the search in the conversation.
pub fn leave_search(app: &mut App) {
    app.detail.search = None;
    app.detail.typing = false;
    app.detail.transcript.search("");
}

/// Ends the search in the conversation once that has no longer the keys: they decide again elsewhere.
pub fn settle_search(app: &mut App) {
    if app.focus != Pane::Conversation && app.is_searching() {
        leave_search(app);
    }
}

fn scroll_question(app: &mut App, by: i16) -> Vec<Effect> {
    card::scroll(app, by);
    Vec::new()
}

/// Goes to the next pending approval, or the one before, around the ends of the list.
fn next_approval(app: &mut App, is_forward: bool) -> Vec<Effect> {
    let shown = app.selected_approval().map(|approval| approval.id.as_str());
    match app.inbox.next(&app.data, shown, is_forward) {
        Some(next) => select::approval(app, &next),
        None => notify(app, Tone::Plain, "No pending approvals"),
    }
    Vec::new()
}

/// Goes to a pending approval of the list, so many rows from the one that is shown.
pub fn step_approval(app: &mut App, by: isize) -> Vec<Effect> {
    let shown = app.selected_approval().map(|approval| approval.id.as_str());
    let next = match shown {
        Some(_) => app.inbox.stepped(&app.data, shown, by),
        None => app.inbox.near_place(&app.data, by < 0),
    };
    if let Some(next) = next {
        select::approval(app, &next);
    }
    Vec::new()
}

fn step(app: &mut App, by: isize) -> Vec<Effect> {
    let is_at_first = app.focus == Pane::Sessions && by == -1 && list::is_at_first(app);
    match app.focus {
        Pane::Inbox if by == 1 && is_last_approval(app) => {
            app.sessions.arrange(&app.data);
            if let Some(first) = app.sessions.end(false) {
                app.focus = Pane::Sessions;
                select::target(app, first);
            }
            Vec::new()
        }
        Pane::Inbox => step_approval(app, by),
        Pane::Sessions if is_at_first && !app.data.pending.is_empty() => {
            if let Some(last) = app.inbox.stepped(&app.data, None, -1) {
                app.focus = Pane::Inbox;
                select::approval(app, &last);
            }
            Vec::new()
        }
        Pane::Sessions | Pane::Prompt => {
            list::step(app, by);
            Vec::new()
        }
        Pane::Conversation => {
            let item = if by < 0 {
                Scroll::PreviousItem
            } else {
                Scroll::NextItem
            };
            scroll(app, item)
        }
    }
}

fn is_last_approval(app: &App) -> bool {
    let listed = app.inbox.shown(&app.data);
    let shown = app.selected_approval().map(|approval| &approval.id);
    shown.is_some() && listed.last() == shown
}

/// A page or half of one, of the conversation or of a list.
fn page(app: &mut App, direction: isize, by: Scroll) -> Vec<Effect> {
    let is_half = matches!(by, Scroll::HalfPages(_));
    match app.focus {
        Pane::Conversation => scroll(app, by),
        Pane::Sessions => {
            list::page(app, direction, is_half);
            Vec::new()
        }
        Pane::Inbox | Pane::Prompt => step(app, direction * if is_half { 5 } else { 10 }),
    }
}

fn far(app: &mut App, by: isize) -> Vec<Effect> {
    match app.focus {
        Pane::Conversation if by < 0 => scroll(app, Scroll::Top),
        Pane::Conversation => scroll(app, Scroll::Bottom),
        Pane::Inbox | Pane::Sessions | Pane::Prompt => step(app, by),
    }
}

fn scroll(app: &mut App, by: Scroll) -> Vec<Effect> {
    app.detail.transcript.scroll(by);
    Vec::new()
}

fn mark(app: &mut App) -> Vec<Effect> {
    if app.focus != Pane::Inbox {
        list::mark(app);
        return Vec::new();
    }
    let shown = app.selected_approval().map(|approval| approval.id.clone());
    if let Some(id) = shown
        && !app.inbox.marked.remove(&id)
    {
        app.inbox.marked.insert(id);
    }
    step(app, 1)
}

fn focus(app: &mut App, by: isize) -> Vec<Effect> {
    // Inbox and sessions are one list: the keys go to where its selected row is.
    let list = match app.selected_approval() {
        Some(_) => Pane::Inbox,
        None if app.focus == Pane::Inbox => Pane::Inbox,
        None => Pane::Sessions,
    };
    let order = [list, Pane::Conversation];
    let here = order.iter().position(|pane| *pane == app.focus);
    let there = here.map_or(0, |here| (here.cast_signed() + by).rem_euclid(2));
    app.focus = order[there.cast_unsigned() % order.len()];
    app.detail.open = app.focus == Pane::Conversation;
    Vec::new()
}

/// Gives a pane the keys; a list then has the selected row.
fn focus_on(app: &mut App, pane: Pane) -> Vec<Effect> {
    match pane {
        Pane::Inbox if app.selected_approval().is_none() => {
            let Some(first) = app.inbox.stepped(&app.data, None, 0) else {
                notify(app, Tone::Plain, "No pending approvals");
                return Vec::new();
            };
            select::approval(app, &first);
        }
        Pane::Sessions if app.selected_approval().is_some() => {
            app.sessions.arrange(&app.data);
            if let (None, Some(nearest)) =
                (app.sessions.position(&app.data), app.sessions.nearest())
            {
                select::target(app, nearest);
            }
        }
        Pane::Inbox | Pane::Sessions | Pane::Conversation | Pane::Prompt => {}
    }
    app.focus = pane;
    app.detail.open = pane == Pane::Conversation;
    Vec::new()
}

fn next_theme(app: &mut App) -> Vec<Effect> {
    let here = theme::NAMES
        .iter()
        .position(|name| *name == app.theme.name)
        .unwrap_or(0);
    set_theme(app, theme::NAMES[(here + 1) % theme::NAMES.len()])
}

/// Takes the theme of that name and remembers it.
pub fn set_theme(app: &mut App, name: &str) -> Vec<Effect> {
    let Some(theme) = Theme::named(name) else {
        return Vec::new();
    };
    app.theme = theme.on(app.ground);
    app.theme_by_ground = false;
    app.launch.memory.theme = Some(name.to_owned());
    let words = if app.preferences.theme_set {
        format!("theme: {name}, until you leave; `dashboard.theme` names another")
    } else {
        format!("theme: {name}")
    };
    notify(app, Tone::Plain, words);
    vec![Effect::SaveMemory(Box::new(app.launch.memory.clone()))]
}
