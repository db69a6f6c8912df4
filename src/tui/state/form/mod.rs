//! Forms: what is open on top of the panes and takes the keys, a file a form.
//!
//! At most one is open. Each holds only what was typed and chosen, and the id of what it is about,
//! so that what it sends concerns what was on the screen when it was opened. Every form closes
//! with Esc and none takes a key away that it does not use.

pub mod always;
pub mod confirm;
pub mod contact;
pub mod deny;
pub mod edit;
pub mod help;
pub mod launch;
pub mod many;
pub mod offers;
pub mod palette;
pub mod question;
pub mod read;
pub mod say;
pub mod search;
pub mod several;

use crossterm::event::{Event, KeyEvent};
use ratatui_textarea::TextArea;

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
    Many(many::Many),
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
            Self::Many(_)
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
            Self::Confirm(form) => Some(format!("confirm {:?} {}", form.approval, form.question)),
            Self::Always(form) => Some(format!("always {} {:?}", form.approval, form.choices)),
            Self::Many(form) => Some(form.identity()),
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

    /// Its name, for telling one form from another.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deny(_) => "deny",
            Self::Edit(_) => "edit",
            Self::Always(_) => "always",
            Self::Many(_) => "many",
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
            Self::Always(_) | Self::Many(_) => true,
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

    /// The field that text goes to.
    pub fn field(&mut self) -> Option<&mut Field> {
        match self {
            Self::Deny(form) => Some(&mut form.reason.text),
            Self::Contact(form) => Some(&mut form.answer.text),
            Self::Many(form) if !form.yes => Some(&mut form.reason.text),
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
            Self::Help(_)
            | Self::Confirm(_)
            | Self::Read(_)
            | Self::Always(_)
            | Self::Many(_)
            | Self::Several(_)
            | Self::Edit(_) => None,
        }
    }
}

/// A text that is typed.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// The library's own state: text, cursor, undo.
    pub area: TextArea<'static>,
}

impl Field {
    /// A field that holds a text, the cursor at its end.
    #[must_use]
    pub fn holding(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    /// What it holds.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether it holds nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Replaces what it holds.
    pub fn set(&mut self, text: &str) {
        *self = Self::holding(text);
    }

    /// Puts text in at the cursor, as if it were typed. Carriage returns, which terminals paste for
    /// line ends, become line ends.
    pub fn insert(&mut self, text: &str) {
        self.area
            .insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    /// Takes a key that edits.
    pub fn key(&mut self, key: KeyEvent) {
        self.area.input(Event::Key(key));
    }
}
