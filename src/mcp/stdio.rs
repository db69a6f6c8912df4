//! A server's life on standard input and output.
//!
//! Owns the notice that the client is gone (its end of the input is closed) or that this process is
//! to end, on which every pending question is withdrawn before it ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ServerHandler, ServiceExt as _};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lines;
use super::wait::Waiter;
use crate::client::events::MAX_RECONNECT_TIME;
use crate::config::Config;

/// Why a server ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Signals cannot be listened to.
    #[error("listening to signals: {0}")]
    Signals(#[from] io::Error),
    /// The client does not speak MCP.
    #[error("greeting the MCP client: {0}")]
    Greeting(Box<ServerInitializeError>),
}

/// Serves one client until it is gone or a signal ends this process.
///
/// # Errors
/// [`ServeError`].
pub async fn serve<S: ServerHandler>(
    config: Config,
    sign_of_life: Duration,
    server: impl FnOnce(Arc<Waiter>) -> S,
) -> Result<(), ServeError> {
    let waiter = Arc::new(Waiter {
        config,
        sign_of_life,
        gone: CancellationToken::new(),
        calls: TaskTracker::new(),
    });
    let mut ends = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ];
    let told_to_end = async {
        let [interrupt, terminate, hangup] = &mut ends;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    let (input, output) = rmcp::transport::io::stdio_pipes();
    let input = lines::readable(Watched {
        input,
        closed: waiter.gone.clone(),
    });
    let transport =
        AsyncRwTransport::new_server(input, output).with_max_line_length(lines::MAX_READABLE_LINE);
    let served = async {
        match server(Arc::clone(&waiter)).serve(transport).await {
            Ok(running) => {
                let end = running.waiting().await;
                tracing::debug!(?end, "the client is done");
                Ok(())
            }
            Err(_) if waiter.gone.is_cancelled() => Ok(()),
            Err(error) => Err(ServeError::Greeting(Box::new(error))),
        }
    };
    let ended = tokio::select! {
        ended = served => ended,
        () = told_to_end => Ok(()),
    };
    waiter.gone.cancel();
    waiter.calls.close();
    if tokio::time::timeout(MAX_RECONNECT_TIME, waiter.calls.wait())
        .await
        .is_err()
    {
        tracing::warn!("ending with questions that could not be withdrawn");
    }
    ended
}

/// Standard input, whose end is noticed at once: the MCP library first waits for its calls.
struct Watched<R> {
    input: R,
    closed: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let room = buffer.remaining() > 0;
        let polled = Pin::new(&mut self.input).poll_read(cx, buffer);
        let ended = match &polled {
            Poll::Ready(Ok(())) => room && buffer.filled().len() == before,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if ended {
            self.closed.cancel();
        }
        polled
    }
}
