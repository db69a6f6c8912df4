//! Writing a whole conversation to a file.

use std::io::Write as _;
use std::path::Path;

use super::{Errands, said};
use crate::protocol::conversation::{ConversationEvent, GetConversationParams};
use crate::protocol::error::ErrorKind;
use crate::tui::msg::Done;
use crate::tui::transcript::Transcript;

/// Pieces that are read at once.
const PAGE: u32 = 1_000;
/// Characters of a file's name.
const NAME: usize = 60;

impl Errands {
    /// Reads all of a session's conversation, not only what is on the screen, and writes it as Markdown
    /// to a new file where the dashboard was started.
    pub(super) async fn export(&self, session: &str, name: &str) -> Done {
        let events = match self.whole(session).await {
            Ok(events) => events,
            Err(why) => return Done::Said(Err(format!("not exported: {why}"))),
        };
        let name = name.to_owned();
        let written = tokio::task::spawn_blocking(move || {
            let mut transcript = Transcript::new();
            transcript.replace(events, false);
            write(Path::new("."), &name, &transcript.to_markdown())
        });
        Done::Said(match written.await {
            Ok(written) => written,
            Err(error) => Err(format!("not exported: {error}")),
        })
    }

    async fn whole(&self, session: &str) -> Result<Vec<ConversationEvent>, String> {
        let mut events: Vec<ConversationEvent> = Vec::new();
        let mut limit = PAGE;
        loop {
            let params = GetConversationParams {
                session_id: Some(session.to_owned()),
                limit: Some(limit),
                after: Some(events.last().map_or(0, |last| last.sequence)),
                by_conversation: true,
                ..GetConversationParams::default()
            };
            let page = self
                .ask(async |client| client.get_conversation(&params).await)
                .await;
            match page {
                // Its pieces are too large for one answer.
                Err(error) if error.is(ErrorKind::TooLarge) && limit > 1 => limit /= 4,
                Err(error) => return Err(said(error)),
                Ok(page) if page.events.is_empty() => return Ok(events),
                Ok(page) => events.extend(page.events),
            }
            limit = limit.max(1);
        }
    }
}

/// Writes a text to a new file in a directory, and says which.
fn write(directory: &Path, name: &str, text: &str) -> Result<String, String> {
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(NAME)
        .collect();
    let base = Some(safe.trim_matches('-'))
        .filter(|name| !name.is_empty())
        .unwrap_or("conversation");
    for number in 1..1_000 {
        let file = match number {
            1 => directory.join(format!("{base}.md")),
            _ => directory.join(format!("{base}-{number}.md")),
        };
        let shown = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
        let shown = shown.display();
        // Never over a file that is there.
        match std::fs::File::create_new(&file) {
            Ok(mut created) => {
                return created
                    .write_all(text.as_bytes())
                    .map(|()| format!("written to {shown}"))
                    .map_err(|error| format!("writing {shown}: {error}"));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("writing {shown}: {error}")),
        }
    }
    Err(format!("too many files called {base}-….md"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_file_is_never_written_over() {
        let here = tempfile::tempdir().unwrap();
        for (name, file) in [
            ("Fix: it/now!", "Fix--it-now.md"),
            ("Fix: it/now!", "Fix--it-now-2.md"),
            ("../..", "conversation.md"),
        ] {
            let said = write(here.path(), name, "words").unwrap();
            assert!(said.ends_with(file), "{said}");
            let held = std::fs::read_to_string(here.path().join(file)).unwrap();
            assert_eq!(held, "words");
        }
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let why = write(Path::new("/no/such/place"), "a", "words").unwrap_err();
        assert!(why.starts_with("writing /no/such/place/a.md: "), "{why}");
    }
}
