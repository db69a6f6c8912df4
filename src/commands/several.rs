//! Several sessions on one command line: all are found before anything is done to one.

use super::exit::{Exit, Failure};
use super::output;
use crate::client::Client;
use crate::domain::text::sanitize_line;
use crate::protocol::session::SessionState;

/// The sessions of these ids, each once. Fails if one is not found, or not clear.
pub async fn find(client: &Client, ids: &[String]) -> Result<Vec<SessionState>, Failure> {
    let mut sessions: Vec<SessionState> = Vec::new();
    for id in ids {
        let session = client.get_session_state(id).await?;
        if !sessions.iter().any(|known| known.id == session.id) {
            sessions.push(session);
        }
    }
    Ok(sessions)
}

/// Collects what went wrong while something is done to each; the first decides the exit code.
#[derive(Default)]
pub struct Failures {
    first: Option<Exit>,
}

impl Failures {
    /// Says what went wrong with one.
    pub fn add(&mut self, id: &str, failure: impl Into<Failure>) {
        let failure = failure.into();
        if let Failure::Told { message, hint, .. } = &failure {
            let hint = hint.as_ref().map(|hint| format!("\n  {hint}"));
            output::warn(&format!(
                "{}: {message}{}",
                sanitize_line(id),
                hint.unwrap_or_default()
            ));
        }
        self.first.get_or_insert(failure.exit());
    }

    /// How the command ends.
    pub fn end(self) -> Result<(), Failure> {
        self.first.map_or(Ok(()), |exit| Err(Failure::Silent(exit)))
    }
}
