//! Whose question it is: a session of the daemon's, or an agent that was started by hand.
//!
//! Owns how the latter is named: by its directory and its process, so that each agent has its own
//! place in the inbox and finds it again when its server is started anew.

use std::path::PathBuf;

use rmcp::model::Implementation;
use uuid::Uuid;

use crate::client::spawn;
use crate::platform;
use crate::protocol::approval::ExternalAsker;

/// The agent that this server serves. Made when the server starts: later its parent may be gone.
#[derive(Clone, Debug)]
pub struct Asker {
    run_id: String,
    in_session: bool,
    cwd: PathBuf,
    parent: Option<u32>,
}

impl Asker {
    /// The agent that started this process. `run_id` is what the user set, if anything.
    #[must_use]
    pub fn of_this_process(run_id: Option<&str>) -> Self {
        let parent =
            rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
        let session = spawn::own_session();
        let in_session = session.is_some();
        Self {
            run_id: session
                .or_else(|| run_id.map(str::to_owned))
                .unwrap_or_else(|| run_of(parent)),
            in_session,
            cwd: std::env::current_dir().unwrap_or_default(),
            parent,
        }
    }

    /// The session's id where a session's agent asks, else the run of this agent.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The run to name where an agent's own session goes without saying.
    #[must_use]
    pub fn foreign_run_id(&self) -> Option<String> {
        (!self.in_session).then(|| self.run_id.clone())
    }

    /// Who asks, in case the run is none of the daemon's. `client` is how the agent calls itself.
    #[must_use]
    pub fn external(&self, client: Option<&Implementation>) -> ExternalAsker {
        let client = client.map(|client| client.name.trim()).unwrap_or_default();
        let directory = self.cwd.file_name().map(|name| name.to_string_lossy());
        ExternalAsker {
            name: name(client, directory.as_deref(), self.parent),
            cwd: self.cwd.to_string_lossy().into_owned(),
            pid: self.parent,
        }
    }
}

/// The run of an agent that has none: its process, which cannot be mistaken for a later one.
fn run_of(parent: Option<u32>) -> String {
    let started = parent.and_then(|pid| Some((pid, platform::process_start_time(pid)?)));
    match started {
        Some((pid, time)) => format!("process-{pid}-{time}"),
        None => format!("process-{}", Uuid::new_v4()),
    }
}

fn name(client: &str, directory: Option<&str>, pid: Option<u32>) -> String {
    let mut name = if client.is_empty() { "agent" } else { client }.to_owned();
    if let Some(directory) = directory {
        name.push_str(" in ");
        name.push_str(directory);
    }
    if let Some(pid) = pid {
        name.push_str(&format!(" (pid {pid})"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_named_by_directory_and_process() {
        assert_eq!(
            name("claude-code", Some("project"), Some(7)),
            "claude-code in project (pid 7)"
        );
        assert_eq!(name("", None, None), "agent");
    }

    #[test]
    fn one_process_has_one_run() {
        let me = Some(std::process::id());
        assert_eq!(run_of(me), run_of(me));
        assert_ne!(run_of(None), run_of(None));
    }
}
