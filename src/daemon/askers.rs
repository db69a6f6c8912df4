//! Ends requests whose asking process has ended, so that nobody answers what nobody waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::store::{Store, StoreError};
use crate::platform::{self, ProcessId};

/// How often it is looked whether the processes live, while there are any.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until the daemon shuts down. `asked` tells that there may be another process.
pub async fn watch(store: Store, asked: Arc<Notify>, stop: CancellationToken) {
    loop {
        let waiting = match look(&store).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "cannot end the requests of programs that have ended");
                true
            }
        };
        let sleep = async {
            if waiting {
                tokio::time::sleep(EVERY).await;
            } else {
                asked.notified().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep => {}
        }
    }
}

/// Ends what is to be ended; says whether processes are left to look at.
async fn look(store: &Store) -> Result<bool, StoreError> {
    let known = store.asker_processes().await?;
    let gone: Vec<ProcessId> = known
        .iter()
        .map(|asker| asker.process)
        .filter(|process| !process.exists() || platform::is_zombie(process.pid))
        .collect();
    // While they only wait, nothing is written.
    if !gone.is_empty() || known.iter().any(|asker| asker.settled) {
        store.end_requests_of(gone).await?;
    }
    Ok(!known.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::claude::control;
    use crate::claude::input::ToolInput;
    use crate::daemon::bus::Bus;
    use crate::daemon::store::{Asker, NewMcpApproval};
    use crate::domain::approval::DecidedBy;

    #[tokio::test]
    async fn while_programs_only_wait_nothing_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("db");
        let store = Store::open(&file, Arc::new(Bus::default()), control::answer).unwrap();
        assert!(!look(&store).await.unwrap());
        let pid = std::process::id();
        let start_time = platform::process_start_time(pid).unwrap();
        let question = NewMcpApproval {
            run_id: "run".into(),
            tool_name: "Bash".into(),
            tool_input: ToolInput::read("Bash", r#"{"command":"true"}"#),
            tool_use_id: None,
            call_id: None,
            accepts_edits: false,
            external: Some(Asker::default()),
            ends_with: Some(ProcessId { pid, start_time }),
        };
        let asked = store.create_mcp_approval(question).await.unwrap();
        {
            // Whoever writes now waits in vain.
            let other = rusqlite::Connection::open(&file).unwrap();
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            for _ in 0..3 {
                assert!(look(&store).await.unwrap());
            }
        }
        let withdrawn =
            store.withdraw_request(asked.id.as_str(), DecidedBy::Agent, "enough".into());
        withdrawn.await.unwrap();
        assert!(look(&store).await.unwrap());
        assert!(!look(&store).await.unwrap(), "what is settled is forgotten");
    }
}
