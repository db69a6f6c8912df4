//! Terminals on the wire: those that began while an agent ran, with nobody to show for it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A terminal that a person has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TerminalInfo {
    /// Its process.
    pub pid: u32,
    /// Its program.
    pub program: String,
    /// Who confirmed it.
    pub confirmed_by: String,
    /// When (RFC 3339).
    #[schemars(with = "String")]
    pub confirmed_at: Timestamp,
}

/// Parameters of `listTerminals`: none.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListTerminalsParams {}

/// Parameters of `confirmTerminal`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConfirmTerminalParams {
    /// The terminal's process, or any in it (required).
    pub pid: u32,
}

/// Answer of `listTerminals` and `confirmTerminal`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TerminalsResponse {
    /// The confirmed terminals of this run of the system.
    pub terminals: Vec<TerminalInfo>,
}
