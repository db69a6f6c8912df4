//! What the demonstration plays: its sessions, and what a session plays that the user starts.
//!
//! All of it ships within this program. Knows nothing of how it is played.

use std::path::{Path, PathBuf};

/// A session of the demonstration.
pub struct Scene {
    /// What was asked for.
    pub query: &'static str,
    /// What its agent plays.
    pub script: &'static str,
}

/// The sessions, in the order in which they are started.
pub const SCENES: [Scene; 8] = [
    Scene {
        query: "What changed this week?",
        script: include_str!("../../../assets/demo/explain.txt"),
    },
    Scene {
        query: "Make the rate limiter count per client",
        script: include_str!("../../../assets/demo/limiter.txt"),
    },
    Scene {
        query: "The build machine's disk is full: clean it up",
        script: include_str!("../../../assets/demo/disk.txt"),
    },
    Scene {
        query: "Upgrade the HTTP client",
        script: include_str!("../../../assets/demo/upgrade.txt"),
    },
    Scene {
        query: "Dark mode for the settings page",
        script: include_str!("../../../assets/demo/dark_mode.txt"),
    },
    Scene {
        query: "Plan: keep sessions in the database",
        script: include_str!("../../../assets/demo/plan.txt"),
    },
    Scene {
        query: "Why is checkout so slow?",
        script: include_str!("../../../assets/demo/slow.txt"),
    },
    Scene {
        query: "Release 0.5.0",
        script: include_str!("../../../assets/demo/release.txt"),
    },
];

/// What a session plays that the user starts.
pub const NEW: &str = include_str!("../../../assets/demo/new.txt");

/// Where the agents work, in the demonstration's home.
pub fn project_in(home: &Path) -> PathBuf {
    home.join("shop")
}
