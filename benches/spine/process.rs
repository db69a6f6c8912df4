//! What the system knows about a process: memory and processor time, from `/proc`.

use std::fs;

/// Ticks of `/proc/PID/stat` in a second; Linux gives user space no other unit.
pub const TICKS: f64 = 100.0;

/// Resident memory in kilobytes: all of it, and the part that is the process's own (not the
/// program's file, which all its processes share).
pub fn memory(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (field("VmRSS:"), field("RssAnon:"))
}

/// Kilobytes that a process adds to what its machine needs: what is its own, and of what it shares
/// with others (the program's file, for the most part) its part.
pub fn share(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1);
    kilobytes.unwrap().parse().unwrap()
}

/// Processor time that a process has used, in ticks.
pub fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may contain anything; the fields are counted after it.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// One line about this machine and how busy it was.
pub fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{model}, {} cores, Linux {}, load at the end {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        kernel.trim(),
        load.split_whitespace().next().unwrap_or("?"),
    )
}

/// Kilobytes as megabytes.
pub fn megabytes(kilobytes: u64) -> String {
    format!(
        "{:.1} MB",
        f64::from(u32::try_from(kilobytes).unwrap()) / 1024.0
    )
}
