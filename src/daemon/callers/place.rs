//! Places: where programs run that a person has not started in a terminal.
//!
//! Owns what a place is and how it is found at the end of a walk: a service by its unit, a container by
//! its first process, else the topmost process itself, which no later one can be. Places are on record in
//! the database; nothing else makes one.

use std::fmt;

use jiff::Timestamp;

use super::landmarks::is_user_manager;
use crate::platform::{ProcessId, Step};

/// A place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A service of the system's or the user's systemd, by its control group.
    Unit {
        /// The control group.
        name: String,
    },
    /// A process from outside of this container, which is named by its first process.
    Container {
        /// The run of the system.
        boot: String,
        /// When the container's first process started.
        start_time: u64,
    },
    /// All below one process.
    Process {
        /// The run of the system.
        boot: String,
        /// The process.
        process: ProcessId,
    },
}

impl Place {
    /// Where a walk ends. None for a walk that ends at nothing.
    #[must_use]
    pub fn of(steps: &[Step], boot: &str) -> Option<Self> {
        let last = steps.last()?;
        let boot = boot.to_owned();
        if last.pid != 1 {
            // Its parent is outside of our namespace: no orphan of this container gets there.
            return crate::platform::process_start_time(1)
                .map(|start_time| Self::Container { boot, start_time });
        }
        let top = top(steps)?;
        let above = steps.iter().find(|step| step.pid == top.parent);
        let by_systemd = above.is_some_and(|above| above.name == "systemd");
        if by_systemd
            && top.session == top.pid
            && let Some(group) = &top.control_group
            && group.ends_with(".service")
        {
            return Some(Self::Unit {
                name: group.clone(),
            });
        }
        Some(Self::Process {
            boot,
            process: top.id(),
        })
    }
}

impl Place {
    /// Whether it can still be met.
    #[must_use]
    pub fn is_present(&self, boot: &str) -> bool {
        let starts_at =
            |pid, start_time| crate::platform::process_start_time(pid) == Some(start_time);
        match self {
            Self::Unit { .. } => true,
            Self::Container {
                boot: of,
                start_time,
            } => of == boot && starts_at(1, *start_time),
            Self::Process { boot: of, process } => {
                of == boot && starts_at(process.pid, process.start_time)
            }
        }
    }
}

/// The topmost process that is not only there to take orphans in.
#[must_use]
pub fn top(steps: &[Step]) -> Option<&Step> {
    let mut rest = steps.iter().rev();
    let first = rest.next()?;
    let Some(below) = rest.next() else {
        return Some(first);
    };
    // A container's first process may be the very shell: what it started has its session, which no
    // runner and nothing below one is in.
    if first.session != 0 && below.session == first.session {
        return Some(first);
    }
    if is_user_manager(below) {
        return Some(rest.next().unwrap_or(below));
    }
    Some(below)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit { name } => write!(f, "service {name}"),
            Self::Container { .. } => f.write_str("this container, from outside"),
            Self::Process { process, .. } => write!(f, "process {}", process.pid),
        }
    }
}

/// A place on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRecord {
    /// Its place in the store.
    pub id: i64,
    /// The place.
    pub place: Place,
    /// The name of the topmost program there, for people.
    pub program: String,
    /// Who put it on record: a person, or the first start of the daemon.
    pub added_by: String,
    /// When.
    pub created_at: Timestamp,
}
