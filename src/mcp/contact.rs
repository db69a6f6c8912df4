//! `contact_human`: a message to a person, for any MCP client.
//!
//! Owns the tool's arguments and how the answer is put: the person's words, alone in their block.

use std::sync::Arc;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, ContentBlock, CustomRequest, CustomResult, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;

use super::asker::Asker;
use super::lines;
use super::reply::Reply;
use super::wait::{Unsettled, Waiter};
use crate::client::pending_question::Question;
use crate::domain::approval::ResponseOption;
use crate::protocol::approval::CreateContactParams;

/// The server.
#[derive(Clone)]
pub struct Contact {
    waiter: Arc<Waiter>,
    asker: Asker,
}

/// Arguments of `contact_human`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ContactRequest {
    /// What the person is to read.
    message: String,
    /// What it is about, in a few words.
    #[serde(default)]
    subject: Option<String>,
    /// Answers to choose from; one in words is always possible.
    #[serde(default)]
    response_options: Vec<OfferedOption>,
}

/// An answer to choose from: its name alone, or more about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OfferedOption {
    Name(String),
    Full(ResponseOption),
}

impl From<OfferedOption> for ResponseOption {
    fn from(offered: OfferedOption) -> Self {
        match offered {
            OfferedOption::Name(name) => Self {
                name,
                ..Self::default()
            },
            OfferedOption::Full(option) => option,
        }
    }
}

#[tool_router]
impl Contact {
    /// A server for the program that started this process.
    #[must_use]
    pub fn new(waiter: Arc<Waiter>, asker: Asker) -> Self {
        Self { waiter, asker }
    }

    /// Ask a person something, and wait for the answer.
    #[tool(
        name = "contact_human",
        description = "Ask a person something, or tell them, and wait for their answer. It may take long; it is in their own words, or one of the options that you offer"
    )]
    async fn contact_human(
        &self,
        Parameters(request): Parameters<ContactRequest>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        if request.message.trim().is_empty() {
            return Err(ErrorData::invalid_params("message is empty", None));
        }
        let external = self.asker.external(context.client_info().as_ref());
        let options = request.response_options.into_iter();
        let question = Question::Contact(CreateContactParams {
            run_id: self.asker.foreign_run_id(),
            message: request.message,
            subject: request.subject,
            response_options: Some(options.map(ResponseOption::from).collect()),
            call_id: None,
            asker: Some(external.name),
            cwd: Some(external.cwd),
            ..CreateContactParams::default()
        });
        match self.waiter.ask(question, &context).await {
            Ok(approval) => Ok(result(Reply::of(&approval))),
            Err(Unsettled::Failed(error)) => {
                tracing::error!(%error, "a message could not be passed on");
                Ok(CallToolResult::error(vec![ContentBlock::text(format!(
                    "Nobody was asked: {error}"
                ))]))
            }
            Err(cancelled @ Unsettled::Cancelled) => {
                Err(ErrorData::internal_error(cancelled.to_string(), None))
            }
        }
    }
}

fn result(reply: Reply) -> CallToolResult {
    match reply {
        Reply::Answer { words, option } => {
            let chosen = option.filter(|option| *option != words);
            let mut blocks = vec![ContentBlock::text(words)];
            blocks.extend(chosen.map(|name| ContentBlock::text(format!("Option chosen: {name}"))));
            CallToolResult::success(blocks)
        }
        Reply::Declined { reason } => CallToolResult::success(vec![ContentBlock::text(format!(
            "The person declined to answer: {reason}"
        ))]),
        Reply::Nobody { why } => CallToolResult::error(vec![ContentBlock::text(why)]),
    }
}

#[tool_handler]
impl ServerHandler for Contact {
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
