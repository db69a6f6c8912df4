//! `request_permission`: the permission prompt tool of a Claude Code.
//!
//! Owns the tool's arguments and the one text block that Claude Code takes for an answer. Stands in
//! for the older client's server of the same name and takes more than it: edited inputs and answers.

use std::sync::Arc;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, ContentBlock, CustomRequest, CustomResult, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::asker::Asker;
use super::lines::{self, MAX_INPUT, SentInput};
use super::reply;
use super::wait::{Unsettled, Waiter};
use crate::client::pending_question::Question;
use crate::protocol::approval::CreateApprovalParams;

/// The server.
#[derive(Clone)]
pub struct Approvals {
    waiter: Arc<Waiter>,
    asker: Asker,
}

/// Arguments of `request_permission`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PermissionRequest {
    /// The tool that would run.
    tool_name: String,
    /// Its input.
    #[serde(default)]
    #[schemars(with = "Map<String, Value>")]
    input: SentInput,
    /// The tool call's id.
    #[serde(default, deserialize_with = "words")]
    tool_use_id: Option<String>,
}

/// A text; what is something else is not needed.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

#[tool_router]
impl Approvals {
    /// A server for the agent that started this process.
    #[must_use]
    pub fn new(waiter: Arc<Waiter>, asker: Asker) -> Self {
        Self { waiter, asker }
    }

    /// Ask a person whether a tool may run, and wait for what they decide.
    #[tool(
        name = "request_permission",
        description = "Ask a person whether a tool may run, and wait for what they decide"
    )]
    async fn request_permission(
        &self,
        Parameters(request): Parameters<PermissionRequest>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        if request.tool_name.trim().is_empty() {
            return Err(ErrorData::invalid_params("tool_name is empty", None));
        }
        let input = match request.input {
            SentInput::Text(text) if text.starts_with('{') => {
                RawValue::from_string(text).map_err(|error| {
                    ErrorData::invalid_params(format!("input is not JSON: {error}"), None)
                })?
            }
            SentInput::Text(_) => {
                return Err(ErrorData::invalid_params("input must be an object", None));
            }
            SentInput::TooLong { bytes } => {
                return Ok(told(reply::not_asked(&format!(
                    "its input of {bytes} bytes is over the limit of {MAX_INPUT}"
                ))));
            }
        };
        let question = Question::Permission(CreateApprovalParams {
            run_id: self.asker.run_id().to_owned(),
            tool_name: request.tool_name,
            tool_input: Some(input.clone()),
            tool_use_id: request.tool_use_id,
            accepts_edits: true,
            external: Some(self.asker.external(context.client_info().as_ref())),
            ..CreateApprovalParams::default()
        });
        let answer = match self.waiter.ask(question, &context).await {
            Ok(approval) => reply::permission(&approval, input.get()),
            Err(Unsettled::Failed(error)) => {
                tracing::error!(%error, "a question could not be asked");
                reply::not_asked(&error.to_string())
            }
            Err(cancelled @ Unsettled::Cancelled) => {
                return Err(ErrorData::internal_error(cancelled.to_string(), None));
            }
        };
        Ok(told(answer))
    }
}

/// The one text block that Claude Code takes for an answer.
fn told(answer: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(answer)])
}

#[tool_handler]
impl ServerHandler for Approvals {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(super::implementation())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(lines::refuse(&request))
    }
}
