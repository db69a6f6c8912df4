//! The same for several sessions, with one word about all of them.

use super::{EffectRunner, said};
use crate::protocol::session::{
    ArchiveSessionParams, BulkArchiveSessionsParams, DeleteSessionsParams,
};
use crate::tui::effect::ForEachSession;
use crate::tui::msg::EffectResult;

/// Sessions of one bulk call, as the daemon has it.
const BULK: usize = 1_000;

/// Sessions that one call deletes: a decision that is made meanwhile waits for one call at most.
const DELETED_AT_ONCE: usize = 20;

impl EffectRunner {
    /// Interrupts or ends each of them; one that cannot be does not keep the others from it.
    pub(super) async fn each(&self, what: ForEachSession, sessions: Vec<String>) -> EffectResult {
        let all = sessions.len();
        let mut failed = Vec::new();
        for id in sessions {
            let done = match what {
                ForEachSession::Interrupt => self
                    .call(async |client| client.interrupt_session(&id).await)
                    .await
                    .map(drop),
                ForEachSession::End => self
                    .call(async |client| client.end_session(&id).await)
                    .await
                    .map(drop),
            };
            failed.extend(done.err().map(said));
        }
        let word = match what {
            ForEachSession::Interrupt => "interrupted",
            ForEachSession::End => "ended",
        };
        EffectResult::Toast(match failed.first() {
            None => Ok(format!("{all} sessions are being {word}")),
            Some(why) => Err(format!(
                "{} of {all} sessions not {word}: {why}",
                failed.len()
            )),
        })
    }

    /// Archives sessions, or brings them back.
    pub(super) async fn archive(&self, sessions: Vec<String>, archived: bool) -> EffectResult {
        let word = if archived { "archived" } else { "unarchived" };
        if let [session] = sessions.as_slice() {
            let params = ArchiveSessionParams {
                session_id: session.clone(),
                archived,
                end: false,
            };
            return self
                .toast(word, async |client| client.archive_session(&params).await)
                .await;
        }
        let mut failed = 0;
        for some in sessions.chunks(BULK) {
            let params = BulkArchiveSessionsParams {
                session_ids: some.to_vec(),
                archived,
                end: false,
            };
            match self
                .call(async |client| client.bulk_archive_sessions(&params).await)
                .await
            {
                Ok(done) => failed += done.failed_sessions.len(),
                Err(error) => return EffectResult::Toast(Err(said(error))),
            }
        }
        let all = sessions.len();
        EffectResult::Toast(match failed {
            0 => Ok(format!("{all} sessions {word}")),
            _ => Err(format!("{failed} of {all} sessions could not be {word}")),
        })
    }

    /// Deletes sessions; one that cannot be deleted does not keep the others from it.
    pub(super) async fn delete(&self, sessions: Vec<String>) -> EffectResult {
        let (mut deleted, mut failed) = (0, Vec::new());
        for some in sessions.chunks(DELETED_AT_ONCE) {
            let params = DeleteSessionsParams {
                session_ids: some.to_vec(),
            };
            // Asked once: after a lost connection the sessions of this call may be gone already.
            match self
                .call(async |client| client.delete_sessions(&params).await)
                .await
            {
                Ok(done) => {
                    deleted += done.deleted.len();
                    failed.extend(done.failed.into_iter().map(|failed| failed.error));
                }
                Err(error) => {
                    return EffectResult::Toast(Err(deletion(deleted, Some(&said(error)))));
                }
            }
        }
        EffectResult::Toast(match failed.first() {
            None => Ok(deletion(deleted, None)),
            Some(why) if failed.len() == 1 => Err(deletion(deleted, Some(why))),
            Some(why) => {
                let why = format!("{} could not be deleted: {why}", failed.len());
                Err(deletion(deleted, Some(&why)))
            }
        })
    }
}

/// What became of a deletion, in words.
fn deletion(deleted: usize, problem: Option<&str>) -> String {
    let done = match deleted {
        1 => "1 session deleted".to_owned(),
        many => format!("{many} sessions deleted"),
    };
    match problem {
        None => done,
        Some(problem) => format!("{done}; {problem}"),
    }
}
