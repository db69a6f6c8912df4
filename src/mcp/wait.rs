//! One call of a client, from its question to its end.
//!
//! Owns the signs of life while a person thinks, and taking the question back when the client
//! cancels its call or goes away. Called by the tools.

use std::convert::Infallible;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{PingRequest, ProgressNotificationParam, ProgressToken, ServerRequest};
use rmcp::service::RequestContext;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::ClientError;
use crate::client::pending_question::{PendingQuestion, Progress, Question};
use crate::config::Config;
use crate::domain::ApprovalId;
use crate::protocol::approval::Approval;

/// What all calls of one server share.
#[derive(Debug)]
pub struct Waiter {
    /// The configuration.
    pub config: Config,
    /// How often a waiting call gives a sign of life.
    pub sign_of_life: Duration,
    /// Cancelled when the client is gone, or this server is to end.
    pub gone: CancellationToken,
    /// The calls that are not over.
    pub calls: TaskTracker,
}

/// Why a call has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    /// The client does not want it any more.
    #[error("the call was cancelled; its question is withdrawn")]
    Cancelled,
    /// The question could not be asked, or its outcome not be had.
    #[error(transparent)]
    Failed(#[from] ClientError),
}

impl Waiter {
    /// Asks and waits. No time is too long: the client is told regularly that the call lives.
    ///
    /// # Errors
    /// [`Unsettled`].
    pub async fn ask(
        &self,
        question: Question,
        context: &RequestContext<RoleServer>,
    ) -> Result<Approval, Unsettled> {
        let _open = self.calls.token();
        let (recorded, waiting) = watch::channel(None);
        let mut asking = PendingQuestion::new(&self.config, question);
        let progress = |progress: Progress<'_>| match progress {
            Progress::Recorded(id) => {
                tracing::info!(approval = id, "waiting for a person");
                recorded.send_replace(Some(id.to_owned()));
            }
            Progress::Retrying(error) => tracing::warn!(%error, "the daemon is waited for"),
        };
        let reason = tokio::select! {
            biased;
            settled = asking.settle(progress) => return Ok(settled?),
            () = context.ct.cancelled() => "its asker cancelled the call",
            () = self.gone.cancelled() => "its asker is gone",
            never = give_signs(context, waiting, self.sign_of_life) => match never {},
        };
        if let Err(error) = asking.withdraw(reason).await {
            tracing::warn!(%error, "a question that nobody waits for could not be withdrawn");
        }
        Err(Unsettled::Cancelled)
    }
}

/// Tells the client again and again that its call lives.
async fn give_signs(
    context: &RequestContext<RoleServer>,
    mut waiting: watch::Receiver<Option<String>>,
    every: Duration,
) -> Infallible {
    let token = context.meta.get_progress_token();
    let mut given = 0.0;
    loop {
        let state = waiting.borrow_and_update().clone();
        given += 1.0;
        // A client that cannot be told is gone or going, which shows elsewhere.
        match &token {
            Some(token) => progress(context, token.clone(), given, state.as_deref()).await,
            None => ping(context, every).await,
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            Ok(()) = waiting.changed() => {}
        }
    }
}

async fn progress(
    context: &RequestContext<RoleServer>,
    token: ProgressToken,
    given: f64,
    approval: Option<&str>,
) {
    let message = match approval {
        Some(id) => format!("waiting for a person ({})", ApprovalId::from(id).short()),
        None => "waiting for the HumanLayer daemon".to_owned(),
    };
    let mut params = ProgressNotificationParam::new(token, given);
    params.message = Some(message);
    if let Err(error) = context.peer.notify_progress(params).await {
        tracing::debug!(%error, "a sign of life was not taken");
    }
}

/// A client that gave no progress token hears a ping, where its protocol has that.
async fn ping(context: &RequestContext<RoleServer>, patience: Duration) {
    let has_ping = context
        .protocol_version()
        .is_some_and(|version| version.has_initialize());
    if !has_ping {
        return;
    }
    let ping = ServerRequest::PingRequest(PingRequest::default());
    // Whether it answers, and what, does not matter.
    let answered = tokio::time::timeout(patience, context.peer.send_request(ping)).await;
    if let Ok(Err(error)) = answered {
        tracing::debug!(%error, "a ping was not answered");
    }
}
