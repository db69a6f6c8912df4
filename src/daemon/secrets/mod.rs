//! What a session was launched with and must not be readable: its environment, its MCP servers'
//! settings, the key of its model proxy.
//!
//! Owns [`LaunchSecrets`], how they are encrypted ([`Sealer`]) and what may be kept of an MCP
//! configuration in clear (`outline`). A resumed conversation needs all of it; a copy of the
//! database must give none of it away. Called by the store, which keeps the sealed bytes, and by
//! whoever launches and resumes. Knows neither SQL nor the agent's command line.
//!
//! The key lies in a file of its own beside the database (0600), not in the desktop's keyring: a
//! daemon on a server has no keyring, one that was started by systemd is not connected to it, and a
//! locked keyring asks a person at a moment when nobody may be there.

mod key;
mod outline;
mod resume;
mod seal;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use key::is_key;
pub use outline::{ClearConfig, outline, take_from_config};
pub use resume::{CannotResume, Needs, Requester, Resumed, resume};
pub use seal::Sealer;

use crate::claude::args::ProxyAccess;

/// What a session was launched with that nobody else may read.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaunchSecrets {
    /// The environment as the caller gave it; none for a session of a release that did not keep it.
    pub env: Option<BTreeMap<String, String>>,
    /// The MCP servers, whole, in Claude Code's own form.
    pub mcp_config: Option<Value>,
    /// The model proxy.
    pub proxy: Option<ProxyAccess>,
}

impl fmt::Debug for LaunchSecrets {
    /// Shows names, never values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.env.as_ref().map(|env| env.keys().collect::<Vec<_>>());
        f.debug_struct("LaunchSecrets")
            .field("env", &names)
            .field("mcp_config", &self.mcp_config.as_ref().map(outline))
            .field("proxy", &self.proxy)
            .finish()
    }
}

/// Why launch secrets cannot be read. The text follows "cannot read the environment that this session
/// was launched with:" and says what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// None were stored.
    #[error("an earlier release launched it and did not store its environment")]
    NotStored,
    /// The key file cannot be used.
    #[error("the key file {path} cannot be used: {problem}", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// They were sealed with another key.
    #[error("it was encrypted with a key that is no longer in {path}; put the old file back if you have it", path = path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// They were changed, moved to another session, or written by a newer release.
    #[error("the stored data is damaged or was written by a newer release")]
    Unreadable,
}
