//! Forms: what is open on top of the panes and takes the keys.
//!
//! A form is one file or folder: what it holds, what its keys do and how it is drawn. [`Form`] lists them all, and
//! each of its functions names every form, so that the compiler leads who adds one to all that it has to say.
//! [`keys`] decides which keys reach a form and count, [`drawing`] has what several of them draw alike.
//!
//! At most one is open. Each holds only what was typed and chosen, and the id of what it is about,
//! so that what it sends concerns what was on the screen when it was opened. Every form closes
//! with Esc and none takes a key away that it does not use. Which key says yes is one rule for all ([`yes`]).

pub mod always_allow;
pub mod batch;
pub mod bulk;
pub mod confirm;
pub mod contact;
pub mod deny;
pub mod drawing;
pub mod edit;
mod field;
pub mod help;
pub mod keys;
pub mod launch;
pub mod message;
pub mod palette;
pub mod question;
pub mod read;
pub mod reply_options;
pub mod search;
pub mod yes;

pub use field::Field;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::tui::state::App;
use batch::BatchDecision;
use keys::After;
use yes::Yes;

/// What is open.
#[derive(Clone, Debug)]
pub enum Form {
    /// The reason of a denial.
    Deny(deny::Deny),
    /// Another input, to approve instead.
    Edit(Box<edit::EditForm>),
    /// What makes a yes last.
    AlwaysAllow(always_allow::AlwaysAllow),
    /// One decision about many approvals.
    Batch(Box<BatchDecision>),
    /// The answers to an agent's questions.
    Question(question::Question),
    /// The answer to a message.
    Contact(contact::Contact),
    /// A text for a session: a message, a title.
    Message(message::MessageForm),
    /// A second question before something is done.
    Confirm(confirm::Confirm),
    /// The same, for several sessions.
    Bulk(bulk::BulkAction),
    /// The whole of an approval.
    Read(read::Read),
    /// Starting a session.
    Launch(Box<launch::Launching>),
    /// Looking for words in all sessions.
    Search(search::SearchForm),
    /// All keys.
    Help(help::Help),
    /// All commands.
    Palette(palette::PaletteForm),
}

impl Form {
    /// The approval that it is about.
    #[must_use]
    pub fn approval(&self) -> Option<&str> {
        match self {
            Self::Deny(form) => Some(&form.approval),
            Self::Edit(form) => Some(&form.approval),
            Self::AlwaysAllow(form) => Some(&form.approval),
            Self::Question(form) => Some(&form.approval),
            Self::Contact(form) => Some(&form.approval),
            Self::Read(form) => Some(&form.approval),
            Self::Confirm(form) => form.approval.as_deref(),
            Self::Palette(form) => form.about.as_deref(),
            Self::Batch(_)
            | Self::Bulk(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Message(_)
            | Self::Help(_) => None,
        }
    }

    /// What a form is about that sends at a single key: it sends only what was drawn. None for the
    /// others, where something is typed or chosen first.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        match self {
            Self::Confirm(form) => Some(form.identity()),
            Self::AlwaysAllow(form) => Some(format!("always {} {:?}", form.approval, form.choices)),
            Self::Batch(form) => Some(form.identity()),
            Self::Edit(form) if form.review.is_some() => Some(format!("edit {}", form.approval)),
            Self::Bulk(form) => Some(format!("several {:?} {:?}", form.what, form.sessions)),
            Self::Deny(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Edit(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Message(_)
            | Self::Read(_)
            | Self::Help(_)
            | Self::Palette(_) => None,
        }
    }

    /// The key that says yes, where it asks for a yes or a no.
    #[must_use]
    pub fn yes(&self) -> Option<Yes> {
        match self {
            Self::Confirm(form) => Some(form.yes),
            Self::Bulk(form) => Some(form.what.yes()),
            Self::Batch(form) if form.yes => Some(Yes::Letter),
            Self::Edit(form) if form.review.is_some() => Some(Yes::Letter),
            Self::AlwaysAllow(_) => Some(Yes::Letter),
            Self::Deny(_)
            | Self::Edit(_)
            | Self::Batch(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Message(_)
            | Self::Read(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Help(_)
            | Self::Palette(_) => None,
        }
    }

    /// What that yes does, as a verb.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Confirm(form) => form.verb,
            Self::Bulk(form) => form.what.verb(),
            Self::Deny(_)
            | Self::Edit(_)
            | Self::AlwaysAllow(_)
            | Self::Batch(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Message(_)
            | Self::Read(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Help(_)
            | Self::Palette(_) => "approve",
        }
    }

    /// Its name, for telling one form from another.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deny(_) => "deny",
            Self::Edit(_) => "edit",
            Self::AlwaysAllow(_) => "always-allow",
            Self::Batch(_) => "batch",
            Self::Question(_) => "question",
            Self::Contact(_) => "contact",
            Self::Message(_) => "message",
            Self::Confirm(_) => "confirm",
            Self::Bulk(_) => "bulk",
            Self::Read(_) => "read",
            Self::Launch(_) => "launch",
            Self::Search(_) => "search",
            Self::Help(_) => "help",
            Self::Palette(_) => "palette",
        }
    }

    /// Whether it sends a decision about approvals at a single key, which the decision guard is for.
    #[must_use]
    pub fn decides(&self) -> bool {
        match self {
            Self::AlwaysAllow(_) | Self::Batch(_) => true,
            Self::Confirm(form) => form.approval.is_some(),
            Self::Edit(form) => form.review.is_some(),
            Self::Deny(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Message(_)
            | Self::Bulk(_)
            | Self::Read(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Help(_)
            | Self::Palette(_) => false,
        }
    }

    /// Whether the text that is typed may have several lines.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        match self {
            Self::Palette(_) | Self::Search(_) | Self::Help(_) | Self::Read(_) => false,
            Self::Message(form) => form.about.has_lines(),
            Self::Launch(form) => form.at == launch::Slot::Query,
            Self::Deny(_)
            | Self::Edit(_)
            | Self::AlwaysAllow(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Confirm(_)
            | Self::Batch(_)
            | Self::Bulk(_) => true,
        }
    }

    /// The field that text goes to.
    pub fn field(&mut self) -> Option<&mut Field> {
        match self {
            Self::Deny(form) => Some(&mut form.reason.text),
            Self::Contact(form) => Some(&mut form.answer.text),
            Self::Batch(form) if !form.yes => Some(&mut form.reason.text),
            Self::Edit(form) if form.review.is_none() => form.part_mut().map(|part| &mut part.text),
            Self::Question(form) => {
                let asked = form.current_mut()?;
                asked.at = asked.choices.len();
                asked.with_other = true;
                Some(&mut asked.other)
            }
            Self::Message(form) => Some(&mut form.text),
            Self::Palette(form) => Some(&mut form.filter),
            Self::Launch(form) => form.typed(),
            Self::Search(form) => Some(&mut form.words),
            Self::Help(form) if form.typing => Some(&mut form.filter),
            Self::Read(form) if form.typing => Some(&mut form.search),
            Self::Help(_)
            | Self::Confirm(_)
            | Self::Read(_)
            | Self::AlwaysAllow(_)
            | Self::Batch(_)
            | Self::Bulk(_)
            | Self::Edit(_) => None,
        }
    }

    /// What the form does with a key.
    fn press(self, app: &mut App, key: KeyEvent) -> After {
        match self {
            Self::Deny(form) => deny::key(app, form, key),
            Self::Edit(form) => edit::key(app, form, key),
            Self::AlwaysAllow(form) => always_allow::key(app, form, key),
            Self::Batch(form) => batch::key(app, form, key),
            Self::Question(form) => question::key(app, form, key),
            Self::Contact(form) => contact::key(app, form, key),
            Self::Message(form) => message::key(app, form, key),
            Self::Confirm(form) => confirm::key(app, form, key),
            Self::Bulk(form) => bulk::key(app, form, key),
            Self::Launch(form) => launch::key(app, form, key),
            Self::Search(form) => search::key(app, form, key),
            Self::Read(form) => read::key(app, form, key),
            Self::Help(form) => help::key(form, key),
            Self::Palette(form) => palette::key(app, form, key),
        }
    }

    /// Goes back one step; out of the form, unless that step leaves it open.
    fn back(self, app: &mut App) {
        match self {
            Self::Edit(mut form) if form.review.is_some() => {
                form.review = None;
                app.form = Some(Form::Edit(form));
            }
            Self::Read(mut form) if form.is_searching() => {
                form.end_search();
                app.form = Some(Form::Read(form));
            }
            Self::Question(_) | Self::Contact(_) => {
                app.inbox.save(self);
            }
            Self::Message(form) => message::keep_draft(app, &form),
            Self::Launch(form) => app.form = launch::esc(app, form),
            Self::Deny(_)
            | Self::Edit(_)
            | Self::AlwaysAllow(_)
            | Self::Batch(_)
            | Self::Bulk(_)
            | Self::Search(_)
            | Self::Confirm(_)
            | Self::Read(_)
            | Self::Help(_)
            | Self::Palette(_) => {}
        }
    }

    fn arrange(&mut self, app: &App, area: Rect) {
        match self {
            Self::Read(form) => read::arrange(app, form, area),
            Self::Confirm(form) => confirm::arrange(app, form, area),
            Self::Batch(form) => batch::arrange(app, form, area),
            Self::Deny(_)
            | Self::Edit(_)
            | Self::AlwaysAllow(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Message(_)
            | Self::Bulk(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Help(_)
            | Self::Palette(_) => {}
        }
    }

    fn draw(&mut self, app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
        match self {
            Self::Deny(form) => deny::draw(app, form, area, buf),
            Self::Edit(form) => edit::draw(app, form, area, buf),
            Self::AlwaysAllow(form) => {
                always_allow::draw(app, form, area, buf);
                None
            }
            Self::Batch(form) => batch::draw(app, form, area, buf),
            Self::Question(form) => question::draw(app, form, area, buf),
            Self::Contact(form) => contact::draw(app, form, area, buf),
            Self::Message(form) => message::draw(app, form, area, buf),
            Self::Confirm(form) => {
                confirm::draw(app, form, area, buf);
                None
            }
            Self::Bulk(form) => {
                bulk::draw(app, form, area, buf);
                None
            }
            Self::Read(form) => read::draw(app, form, area, buf),
            Self::Help(form) => help::draw(app, form, area, buf),
            Self::Launch(form) => launch::draw(app, form, area, buf),
            Self::Search(form) => search::draw(app, form, area, buf),
            Self::Palette(form) => palette::draw(app, form, area, buf),
        }
    }
}

/// Lays out the open form for an area before it is drawn, which scrolls what no longer fits.
pub fn arrange(app: &mut App, area: Rect) {
    if let Some(mut form) = app.form.take() {
        form.arrange(app, area);
        app.form = Some(form);
    }
}

/// Draws the open form and keeps its scrolling within what there is; returns where the cursor is.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let mut form = app.form.take()?;
    let cursor = form.draw(app, area, buf);
    app.form = Some(form);
    cursor
}
