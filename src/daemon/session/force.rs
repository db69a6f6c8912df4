//! Ending a session's processes from outside, where their runner does not.
//!
//! A runner takes in the orphans of its agent, so all that the agent started stays below it as long as it
//! lives, stopped or not. So what is below goes first, and the runner after it: nothing escapes.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::platform::{self, ProcessId};

/// How long what is below a runner may take to be gone after SIGKILL.
const KILL_WAIT: Duration = Duration::from_secs(2);

/// Between two looks at what is left.
const POLL: Duration = Duration::from_millis(10);

/// How long a runner below which nothing is left may take to report and end.
const REPORT_WAIT: Duration = Duration::from_secs(3);

/// Kills all processes below a runner; says whether none is left.
pub fn end_below(runner: ProcessId) -> bool {
    let deadline = Instant::now() + KILL_WAIT;
    loop {
        let mut left = false;
        for pid in platform::descendants(runner.pid) {
            let Some(start_time) = platform::process_start_time(pid) else {
                continue;
            };
            if platform::is_zombie(pid) {
                continue;
            }
            left = true;
            // It may end by itself at this moment.
            let _ = platform::send_signal(ProcessId { pid, start_time }, Signal::KILL);
        }
        if !left || Instant::now() >= deadline {
            return !left;
        }
        std::thread::sleep(POLL);
    }
}

/// Lets a runner go on, so that it reports, and kills it if it does not end.
pub async fn end_unless_it_ends(runner: ProcessId) {
    // Whoever stops it again meanwhile does so in vain.
    let _ = platform::send_signal(runner, Signal::CONT);
    tokio::time::sleep(REPORT_WAIT).await;
    let _ = platform::send_signal(runner, Signal::KILL);
}
