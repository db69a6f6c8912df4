//! Programs that ask: from then on they, and all below them, are agents.
//!
//! Who asks over MCP is the program that started the server. What was on record when the daemon ended
//! is taken over by the next one, as far as those processes live.

use super::{Caller, Callers, landmarks, lock};
use crate::domain::Origin;
use crate::platform::{ProcessId, Step};

/// Most programs that are kept; those that have ended go first.
const MAX_PROCESSES: usize = 4096;

/// Wrappers between a program and the server that it starts: they run nothing else.
const WRAPPERS: [&str; 10] = [
    "sh", "bash", "dash", "zsh", "npm", "npx", "uv", "uvx", "pnpm", "env",
];

impl Caller {
    /// Notes that this process asks, and gives the processes that are agents by that and were not
    /// known. `over_mcp` says that the call is one that only servers of MCP make.
    #[must_use]
    pub fn asks(&self, over_mcp: bool) -> Vec<ProcessId> {
        // A session's agent is below its runner whatever becomes of the processes in between. Another
        // one is an agent by what it is below, which may end before it does.
        if matches!(self.at_first, Origin::Agent { .. }) {
            return Vec::new();
        }
        let Some(steps) = self.steps() else {
            return Vec::new();
        };
        let asking = asking(&steps, over_mcp);
        let new = self.callers.note_asking(asking);
        if !new.is_empty() {
            tracing::info!(processes = ?new, "a program asks: it and all below it are agents from now on");
        }
        new
    }
}

/// The processes that ask, by a walk from one that does.
fn asking(steps: &[Step], over_mcp: bool) -> Vec<ProcessId> {
    let Some(first) = steps.first() else {
        return Vec::new();
    };
    let mut asking = vec![first.id()];
    if !over_mcp && !landmarks::is_mcp_server(first) {
        return asking;
    }
    for (index, step) in steps.iter().enumerate().skip(1) {
        if landmarks::takes_orphans(step) || landmarks::of(step).is_some() {
            break;
        }
        asking.push(step.id());
        // The shell or the package runner that a server is started through is not who started it.
        let wraps = WRAPPERS.contains(&step.program_name().as_str())
            && step.arguments.iter().any(|word| word.contains("mcp"));
        if !wraps || index > 4 {
            break;
        }
    }
    asking
}

impl Callers {
    /// Puts programs on record; gives those that were not.
    fn note_asking(&self, processes: Vec<ProcessId>) -> Vec<ProcessId> {
        let mut asking = lock(&self.asking);
        let new: Vec<ProcessId> = processes
            .into_iter()
            .filter(|process| asking.insert(*process))
            .collect();
        if asking.len() > MAX_PROCESSES {
            asking.retain(|process| process.exists());
        }
        new
    }

    /// Takes over what an earlier daemon had on record; gives those that have ended.
    pub fn recall_asking(&self, processes: Vec<ProcessId>) -> Vec<ProcessId> {
        let (lives, gone): (Vec<_>, Vec<_>) =
            processes.into_iter().partition(|process| process.exists());
        lock(&self.asking).extend(lives);
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(pid: u32, parent: u32, program: &str, words: &[&str]) -> Step {
        Step {
            pid,
            parent,
            start_time: u64::from(pid),
            name: program.to_owned(),
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Step::default()
        }
    }

    fn pids(steps: &[Step], over_mcp: bool) -> Vec<u32> {
        let asking = asking(steps, over_mcp);
        asking.iter().map(|process| process.pid).collect()
    }

    #[test]
    fn over_mcp_who_started_the_server_asks_else_the_caller_itself() {
        let shell = || step(3, 2, "bash", &["bash"]);
        let above = || [step(2, 1, "xterm", &["xterm"]), step(1, 0, "init", &[])];
        let way = |steps: Vec<Step>| steps.into_iter().chain(above()).collect::<Vec<_>>();
        let contact = way(vec![
            step(9, 3, "humanlayer", &["humanlayer", "contact-human"]),
            shell(),
        ]);
        assert_eq!(pids(&contact, false), [9]);
        let server = way(vec![
            step(9, 8, "humanlayer", &["humanlayer", "mcp", "serve"]),
            step(8, 3, "agent", &["agent"]),
            shell(),
        ]);
        assert_eq!(pids(&server, false), [9, 8]);
        let wrapped = way(vec![
            step(9, 8, "node", &["node", "humanlayer"]),
            step(8, 7, "sh", &["sh", "-c", "humanlayer mcp claude_approvals"]),
            step(7, 6, "npm", &["npm exec humanlayer mcp claude_approvals"]),
            step(6, 3, "agent", &["agent"]),
            shell(),
        ]);
        assert_eq!(pids(&wrapped, true), [9, 8, 7, 6]);
        // A terminal that runs the server itself is not an agent, nor is who takes orphans in.
        let alone = way(vec![step(9, 2, "humanlayer", &["humanlayer", "mcp"])]);
        assert_eq!(pids(&alone, true), [9]);
    }
}
