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
