//! Forms: what is open on top of the panes and takes the keys, a file a form.
//!
//! At most one is open. Each holds only what was typed and chosen, and the id of what it is about,
//! so that what it sends concerns what was on the screen when it was opened. Every form closes
//! with Esc and none takes a key away that it does not use. Which key says yes is one rule for all ([`yes`]).

pub mod always;
pub mod confirm;
pub mod contact;
pub mod deny;
pub mod edit;
mod field;
pub mod help;
pub mod launch;
pub mod offers;
pub mod palette;
pub mod question;
pub mod read;
pub mod say;
pub mod search;
pub mod several;
pub mod yes;

pub use field::Field;

use yes::Yes;

use crate::tui::forms::batch::BatchDecision;

/// What is open.
#[derive(Clone, Debug)]
pub enum Form {
    /// The reason of a denial.
    Deny(deny::Deny),
    /// Another input, to approve instead.
    Edit(Box<edit::Edit>),
    /// What makes a yes last.
    Always(always::Always),
    /// One decision about many approvals.
    Batch(Box<BatchDecision>),
    /// The answers to an agent's questions.
    Question(question::Question),
    /// The answer to a message.
    Contact(contact::Contact),
    /// A text for a session: a message, a title.
    Say(say::Say),
    /// A second question before something is done.
    Confirm(confirm::Confirm),
    /// The same, for several sessions.
    Several(several::Several),
    /// The whole of an approval.
    Read(read::Read),
    /// Starting a session.
    Launch(Box<launch::Launching>),
    /// Looking for words in all sessions.
    Search(search::Search),
    /// All keys.
    Help(help::Help),
    /// All commands.
    Palette(palette::Palette),
}

impl Form {
    /// The approval that it is about.
    #[must_use]
    pub fn approval(&self) -> Option<&str> {
        match self {
            Self::Deny(form) => Some(&form.approval),
            Self::Edit(form) => Some(&form.approval),
            Self::Always(form) => Some(&form.approval),
            Self::Question(form) => Some(&form.approval),
            Self::Contact(form) => Some(&form.approval),
            Self::Read(form) => Some(&form.approval),
            Self::Confirm(form) => form.approval.as_deref(),
            Self::Palette(form) => form.about.as_deref(),
            Self::Batch(_)
            | Self::Several(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Say(_)
            | Self::Help(_) => None,
        }
    }

    /// What a form is about that sends at a single key: it sends only what was drawn. None for the
    /// others, where something is typed or chosen first.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        match self {
            Self::Confirm(form) => Some(form.identity()),
            Self::Always(form) => Some(format!("always {} {:?}", form.approval, form.choices)),
            Self::Batch(form) => Some(form.identity()),
            Self::Edit(form) if form.review.is_some() => Some(format!("edit {}", form.approval)),
            Self::Several(form) => Some(format!("several {:?} {:?}", form.what, form.sessions)),
            Self::Deny(_)
            | Self::Launch(_)
            | Self::Search(_)
            | Self::Edit(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Say(_)
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
            Self::Several(form) => Some(form.what.yes()),
            Self::Batch(form) if form.yes => Some(Yes::Letter),
            Self::Edit(form) if form.review.is_some() => Some(Yes::Letter),
            Self::Always(_) => Some(Yes::Letter),
            Self::Deny(_)
            | Self::Edit(_)
            | Self::Batch(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Say(_)
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
            Self::Several(form) => form.what.verb(),
            _ => "approve",
        }
    }

    /// Its name, for telling one form from another.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deny(_) => "deny",
            Self::Edit(_) => "edit",
            Self::Always(_) => "always",
            Self::Batch(_) => "batch",
            Self::Question(_) => "question",
            Self::Contact(_) => "contact",
            Self::Say(_) => "say",
            Self::Confirm(_) => "confirm",
            Self::Several(_) => "several",
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
            Self::Always(_) | Self::Batch(_) => true,
            Self::Confirm(form) => form.approval.is_some(),
            Self::Edit(form) => form.review.is_some(),
            Self::Deny(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Say(_)
            | Self::Several(_)
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
            Self::Say(form) => form.about.has_lines(),
            Self::Launch(form) => form.at == launch::Slot::Query,
            Self::Deny(_)
            | Self::Edit(_)
            | Self::Always(_)
            | Self::Question(_)
            | Self::Contact(_)
            | Self::Confirm(_)
            | Self::Batch(_)
            | Self::Several(_) => true,
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
            Self::Say(form) => Some(&mut form.text),
            Self::Palette(form) => Some(&mut form.filter),
            Self::Launch(form) => form.typed(),
            Self::Search(form) => Some(&mut form.words),
            Self::Help(form) if form.typing => Some(&mut form.filter),
            Self::Read(form) if form.typing => Some(&mut form.search),
            Self::Help(_)
            | Self::Confirm(_)
            | Self::Read(_)
            | Self::Always(_)
            | Self::Batch(_)
            | Self::Several(_)
            | Self::Edit(_) => None,
        }
    }
}
