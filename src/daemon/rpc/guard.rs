//! Who may decide: a person's programs, never an agent.
//!
//! Deciding is more than answering a question: whoever loosens a session's permissions, or starts
//! an agent with loose ones, decides in advance. Agents may still look, and start agents that ask.

use super::Call;
use super::error::RpcError;
use crate::domain::session::Settings;
use crate::domain::{LaunchConfig, Origin};
use crate::protocol::error::ErrorKind;

impl Call {
    /// Lets only a person's program pass.
    pub fn must_be_a_person(&self, what: &str) -> Result<(), RpcError> {
        let problem = match &self.origin {
            Origin::Person { .. } => return Ok(()),
            Origin::Agent { session_id, .. } => {
                format!(
                    "an agent may not {what}: this call comes from session {}",
                    session_id.short()
                )
            }
            Origin::Unverified { reason } => {
                format!(
                    "only a person's program may {what}, and this caller could not be told from an agent: {reason}"
                )
            }
        };
        tracing::warn!(origin = ?self.origin, what, "refused");
        Err(RpcError::new(ErrorKind::Forbidden, problem).hint("decide in a terminal of your own"))
    }

    /// Lets an agent start only what asks a person, with the standing permissions that it is to have.
    pub fn may_launch(&self, config: &LaunchConfig, settings: &Settings) -> Result<(), RpcError> {
        if self.origin.may_decide() {
            return Ok(());
        }
        let strict_mode = matches!(
            config.permission_mode.as_deref(),
            None | Some("default" | "plan" | "dontAsk")
        );
        let strict = !settings.auto_accept_edits
            && !settings.skip_permissions
            && !config.scripted
            && strict_mode
            && config.allowed_tools.is_empty()
            && config.mcp_config.is_none()
            && config.permission_prompt_tool.is_none();
        if strict {
            Ok(())
        } else {
            self.must_be_a_person("start a session that runs tools without asking")
        }
    }
}
