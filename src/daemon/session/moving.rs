//! Going on in another directory: the agent's record of the conversation is copied to where the agent looks
//! for it, and the session's record says where it works now.

use std::path::Path;

use super::launch::LaunchError;
use super::manager::Sessions;
use super::{Context, agent_record};
use crate::claude::transcript;
use crate::daemon::blocking::blocking;
use crate::daemon::store::{StoreError, works_there};
use crate::domain::{Session, project};

impl Sessions {
    /// Has a session without a process go on in another directory, which is there. What waits for its next
    /// process is started then.
    ///
    /// # Errors
    /// [`LaunchError`]; the session is where it was then.
    pub async fn move_to(&self, key: i64, directory: &Path) -> Result<Session, LaunchError> {
        let ctx = self.context();
        let session = ctx.store.session_by_key(key).await?;
        {
            let _lane = self.lane(&session.id).await;
            let session = ctx.store.session_by_key(key).await?;
            ctx.store.must_be_ours(&session)?;
            let problem = match session.waiting_for.as_deref() {
                _ if session.process.is_ours_and_alive() => Some(works_there(&session)),
                Some(project::WAITING_FOR) => {
                    Some("waits for your answer about its project: answer that first".to_owned())
                }
                Some(_) | None => None,
            };
            if let Some(problem) = problem {
                let id = session.id.clone();
                return Err(StoreError::Conflict { id, problem }.into());
            }
            carry_over(ctx, &session, directory).await?;
            let path = directory.to_string_lossy().into_owned();
            ctx.store.move_session(key, path).await?;
        }
        self.resume_waiting().await;
        Ok(ctx.store.session_by_key(key).await?)
    }
}

/// Copies the agent's record of a session's conversation to where an agent in another directory looks for it.
/// The newest releases of Claude Code find it anywhere, earlier ones only there.
///
/// # Errors
/// When there is a record and it cannot be copied.
pub async fn carry_over(
    ctx: &Context,
    session: &Session,
    directory: &Path,
) -> Result<(), LaunchError> {
    let failed = |source| LaunchError::CarryOver {
        path: directory.to_owned(),
        source,
    };
    let Some(conversation) = session.claude_session_id.clone() else {
        return Ok(());
    };
    if session.working_dir == directory.to_string_lossy() {
        return Ok(());
    }
    let dir = agent_record::config_dir(&ctx.store, session);
    let Some(dir) = dir.await.map_err(failed)? else {
        return Ok(());
    };
    let place = directory.to_owned();
    let carried = blocking(move || transcript::carry_over(&dir, &conversation, &place)).await;
    if let Some(copy) = carried.map_err(failed)? {
        tracing::info!(session = %session.id, copy = %copy.display(), "copied the agent's record of the conversation");
    }
    Ok(())
}
