//! What a walk means. Pure: the walk and what is known in, a verdict out.
//!
//! First whatever shows an agent, anywhere on the way: a session's mark, a runner, this daemon, Claude
//! Code, a program that asks. Then the proof of a person: the way must end at a login, a terminal or a
//! place on record. Everything else is not proven.

use std::collections::{HashMap, HashSet};

use super::landmarks::{self, Landmark};
use super::place::{self, Place, PlaceRecord};
use super::terminals::Terminals;
use crate::domain::SessionId;
use crate::platform::{ProcessId, Step};

/// What a runner runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The session.
    pub session: SessionId,
    /// Its process's directory.
    pub directory: String,
}

/// What is known beside the walk.
pub struct Knowledge<'a> {
    /// The user of the daemon.
    pub user: u32,
    /// The daemon's own process.
    pub daemon: u32,
    /// This run of the system.
    pub boot: &'a str,
    /// The runners that this daemon knows.
    pub runners: &'a HashMap<ProcessId, Runner>,
    /// Programs that ask, and those that started a server which asks.
    pub asking: &'a HashSet<ProcessId>,
    /// Places on record.
    pub places: &'a [PlaceRecord],
    /// From when on a process of this user may be what a killed runner's agent left behind.
    pub suspect_since: Option<u64>,
    /// When agents ran, and which terminals are confirmed.
    pub terminals: &'a Terminals,
}

/// What a walk proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A process of a session's agent.
    Agent(SessionId),
    /// A process of another agent; what shows that.
    OtherAgent(String),
    /// A person's program.
    Person,
    /// Neither; why a person is not proven.
    Unproven(String),
}

/// Judges a walk, whose first step is the caller.
#[must_use]
pub fn judge(steps: &[Step], known: &Knowledge<'_>) -> Verdict {
    if let Some(session) = steps.iter().find_map(|step| session_of(step, known)) {
        return Verdict::Agent(session);
    }
    if let Some(evidence) = steps.iter().find_map(|step| other_agent(step, known)) {
        return Verdict::OtherAgent(evidence);
    }
    match proof(steps, known) {
        Ok(()) => Verdict::Person,
        Err(reason) => Verdict::Unproven(reason),
    }
}

/// The session whose agent a step shows.
fn session_of(step: &Step, known: &Knowledge<'_>) -> Option<SessionId> {
    if let Some(runner) = known.runners.get(&step.id()) {
        return Some(runner.session.clone());
    }
    // A runner's command line is its own: nobody below it can change that. So one that this daemon has
    // not heard of (another daemon's, or one whose files were moved away) is known all the same.
    if let Some(directory) = step.runner_directory() {
        let runner = known
            .runners
            .values()
            .find(|runner| runner.directory == directory);
        let session = runner.map(|runner| runner.session.clone());
        return Some(session.unwrap_or_else(|| SessionId::from(directory.to_owned())));
    }
    // A program that an agent started outside of its runner still carries the session's mark.
    step.mark.clone().map(SessionId::from)
}

fn other_agent(step: &Step, known: &Knowledge<'_>) -> Option<String> {
    let pid = step.pid;
    if pid == known.daemon {
        return Some(format!("it is below this daemon (process {pid})"));
    }
    if landmarks::is_claude_code(step) {
        return Some(format!("it is below Claude Code (process {pid})"));
    }
    if known.asking.contains(&step.id()) {
        let name = step.program_name();
        return Some(format!(
            "it is, or is below, a program that asks ({name}, process {pid})"
        ));
    }
    None
}

/// Checks that where a way ends is older than what may have escaped, or is not this user's.
fn must_be_older(end: &Step, known: &Knowledge<'_>) -> Result<(), String> {
    let is_the_users = end
        .users
        .is_none_or(|(_, effective)| effective == known.user);
    match known.suspect_since {
        Some(since) if is_the_users && end.start_time >= since => Err(format!(
            "a session's runner was killed, and process {} ({}), where this caller comes from, is younger than that session; acknowledge the alarm from an older terminal or a new login: `humanlayer alarms`",
            end.pid,
            end.program_name()
        )),
        Some(_) | None => Ok(()),
    }
}

/// Checks that a terminal is not one that an agent could have started.
fn must_be_known(
    terminal: &Step,
    above: Option<&Step>,
    known: &Knowledge<'_>,
) -> Result<(), String> {
    if known.terminals.must_be_confirmed(terminal, above) {
        let (name, pid) = (terminal.program_name(), terminal.pid);
        return Err(format!(
            "{name} (process {pid}), where this caller is, began while an agent ran, and nothing shows who started it; confirm it once from an older terminal: `humanlayer terminals confirm {pid}`"
        ));
    }
    Ok(())
}

/// Proves a person, else says why not.
fn proof(steps: &[Step], known: &Knowledge<'_>) -> Result<(), String> {
    // Once a way leads through a process of root, which asked for a password or a key there, the user
    // above may be another one.
    let mut passed_root = false;
    for (index, step) in steps.iter().enumerate() {
        let Some((real, effective)) = step.users else {
            return Err(format!("the user of process {} cannot be read", step.pid));
        };
        passed_root |= effective == 0;
        if effective != known.user && !passed_root {
            return Err(format!(
                "process {} above it belongs to another user",
                step.pid
            ));
        }
        let below = index.checked_sub(1).and_then(|index| steps.get(index));
        match landmarks::of(step) {
            Some(Landmark::Login) if below.is_some() && (real, effective) == (0, 0) => {
                return Ok(());
            }
            Some(Landmark::Terminal) if below.is_some_and(|below| below.has_terminal) => {
                must_be_older(step, known)?;
                return must_be_known(step, steps.get(index + 1), known);
            }
            Some(Landmark::Login | Landmark::Terminal) | None => {}
        }
    }
    let here = Place::of(steps, known.boot);
    if let Some(here) = &here
        && known.places.iter().any(|record| record.place == *here)
    {
        return place::top(steps).map_or(Ok(()), |top| must_be_older(top, known));
    }
    Err(match here {
        Some(place) => format!(
            "it was started neither from a login nor from a terminal, and its place is not on record: {place}"
        ),
        None => "it was started neither from a login nor from a terminal".to_owned(),
    })
}
