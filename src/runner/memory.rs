//! Whether the kernel has killed processes for want of memory.
//!
//! It does not say which; it counts them, in the cgroup of this process or, where that does not count, in the
//! whole system. An agent that was killed by nobody known while the count grew was probably one of them.

use std::fs;
use std::path::Path;

/// How many the kernel had killed at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kills(Option<u64>);

impl Kills {
    pub(super) fn now() -> Self {
        Self(in_cgroup().or_else(|| count(&fs::read_to_string("/proc/vmstat").ok()?)))
    }

    /// Whether it has killed any since then.
    pub(super) fn has_grown(self) -> bool {
        let Self(now) = Self::now();
        self.0.zip(now).is_some_and(|(then, now)| now > then)
    }
}

fn in_cgroup() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let events = Path::new("/sys/fs/cgroup").join(path).join("memory.events");
    count(&fs::read_to_string(events).ok()?)
}

fn count(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_others() {
        assert_eq!(
            count("low 0\noom 3\noom_kill 2\noom_group_kill 0\n"),
            Some(2)
        );
        assert_eq!(count("pgfault 12\n"), None);
        assert!(!Kills::now().has_grown());
        assert!(!Kills::default().has_grown(), "it is not known");
    }
}
