//! Writing a whole conversation to a file.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{EffectRunner, said};
use crate::client::conversation;
use crate::protocol::conversation::GetConversationParams;
use crate::tui::msg::EffectResult;
use crate::tui::transcript::Transcript;

impl EffectRunner {
    /// Reads all of a session's conversation, not only what is on the screen, and writes it as Markdown
    /// to a file; over one that is there only where that was confirmed.
    pub(super) async fn export(
        &self,
        session: String,
        path: String,
        overwrite: bool,
    ) -> EffectResult {
        if !overwrite && Path::new(&path).exists() {
            return EffectResult::ExportExists { session, path };
        }
        let ask = async |params: &GetConversationParams| self.conversation(params).await;
        let events = match conversation::whole(ask, &session).await {
            Ok(events) => events,
            Err(error) => {
                return EffectResult::Toast(Err(format!("Not exported: {}", said(error))));
            }
        };
        let about = self.call(async |client| client.get_session_state(&session).await);
        let about = match about.await {
            Ok(about) => about,
            Err(error) => {
                return EffectResult::Toast(Err(format!("Not exported: {}", said(error))));
            }
        };
        let written = tokio::task::spawn_blocking(move || {
            let mut transcript = Transcript::new();
            transcript.replace(events, false);
            let text = transcript.to_document(&about);
            match write(Path::new(&path), &text, overwrite) {
                Ok(()) => EffectResult::Toast(Ok(format!("Exported to {path}"))),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    EffectResult::ExportExists { session, path }
                }
                Err(error) => {
                    EffectResult::Toast(Err(format!("Not exported: writing {path}: {error}")))
                }
            }
        });
        match written.await {
            Ok(done) => done,
            Err(error) => EffectResult::Toast(Err(format!("Not exported: {error}"))),
        }
    }
}

/// Writes a text to a file for this user alone, whose directory is made if it is not there.
fn write(file: &Path, text: &str, overwrite: bool) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_file_is_written_over_only_where_that_is_confirmed() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("new/talk.md");
        write(&file, "first", false).unwrap();
        let refused = write(&file, "second", false).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "first");
        write(&file, "second", true).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "second");
        let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
}
