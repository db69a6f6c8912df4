//! Mending what the daemon keeps, and putting a backup of it back, on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `repair`: none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RepairParams {}

/// Answer of `repair`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RepairResponse {
    /// What was done, for people; empty where nothing was to be done.
    pub done: Vec<String>,
}

/// Parameters of `restoreDatabase`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RestoreDatabaseParams {
    /// The backup's absolute path (required).
    pub path: String,
}

/// Answer of `restoreDatabase`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestoreDatabaseResponse {
    /// What is in the backup, for people.
    pub contents: String,
    /// Where the present database will be kept.
    pub kept: String,
}
