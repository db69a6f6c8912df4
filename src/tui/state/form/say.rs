//! A text for a session.

use super::Field;

/// What the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A message; goes on with the session, live or over.
    Reply,
    /// The first message of a new session that goes on from here.
    Fork,
    /// Its title.
    Title,
    /// The file that the conversation is exported to.
    Export,
    /// The directory in which it goes on, because its own is not there.
    Directory,
}

impl About {
    /// Whether the text may have several lines.
    #[must_use]
    pub fn has_lines(self) -> bool {
        match self {
            Self::Reply | Self::Fork => true,
            Self::Title | Self::Export | Self::Directory => false,
        }
    }
}

/// Characters of an exported file's name.
const NAME: usize = 60;

/// The name of the file that a conversation is exported to, by its title.
#[must_use]
pub fn export_name(title: &str) -> String {
    let safe: String = title
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(NAME)
        .collect();
    let words: Vec<&str> = safe.split('-').filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    match name.as_str() {
        "" => "conversation.md".to_owned(),
        name => format!("{name}.md"),
    }
}

/// The form.
#[derive(Clone, Debug)]
pub struct Say {
    /// The session.
    pub session: String,
    /// What the text is.
    pub about: About,
    /// What is typed.
    pub text: Field,
}

/// Texts that were typed and did not arrive, or were put by with Esc: nothing typed is lost.
#[derive(Debug, Default)]
pub struct Drafts(Vec<(String, About, String)>);

/// Texts that are kept; the oldest goes first.
const KEPT: usize = 100;

impl Drafts {
    /// Keeps a text for when the form is opened again.
    pub fn keep(&mut self, session: &str, about: About, text: String) {
        let _ = self.take(session, about);
        if !text.trim().is_empty() {
            self.0.push((session.to_owned(), about, text));
        }
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// Gives a text back.
    pub fn take(&mut self, session: &str, about: About) -> Option<String> {
        let at = self
            .0
            .iter()
            .position(|(of, what, _)| of == session && *what == about)?;
        Some(self.0.remove(at).2)
    }
}
