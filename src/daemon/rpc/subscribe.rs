//! `Subscribe`, as the older daemon has it: the call takes its connection over, and every event is
//! one more answer to it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::error::RpcError;
use super::events::{Feed, Item, filter};
use crate::daemon::Daemon;
use crate::ipc::{LineSender, Takeover, TakeoverRequest};
use crate::protocol::event::{SubscribeParams, SubscribeResponse};
use crate::protocol::method;

/// Between two signs of life on a quiet subscription.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The method.
pub struct Subscribe(pub Arc<Daemon>);

impl Takeover for Subscribe {
    fn method(&self) -> &str {
        method::SUBSCRIBE
    }

    fn run(&self, request: TakeoverRequest, lines: LineSender) -> BoxFuture<'static, ()> {
        let daemon = Arc::clone(&self.0);
        async move {
            // The client is gone when a line cannot be sent; there is nobody to tell.
            let _ = answer(daemon, request, &lines).await;
        }
        .boxed()
    }
}

/// One answer to the call.
#[derive(Serialize)]
struct Reply<'a, T> {
    jsonrpc: &'static str,
    result: T,
    id: &'a RawValue,
}

/// The fields of [`EventAnswer`](crate::protocol::event::EventAnswer).
#[derive(Serialize)]
struct Given {
    event: Item,
}

fn reply(id: &RawValue, result: impl Serialize) -> Option<Box<RawValue>> {
    let jsonrpc = "2.0";
    to_raw_value(&Reply {
        jsonrpc,
        result,
        id,
    })
    .ok()
}

async fn answer(daemon: Arc<Daemon>, request: TakeoverRequest, lines: &LineSender) -> Option<()> {
    let id = request.id;
    let mut feed = match begin(daemon, request.params.as_deref()).await {
        Ok(feed) => feed,
        Err(error) => {
            let error = jsonrpsee::types::ErrorObjectOwned::from(error);
            let line = to_raw_value(&json!({"jsonrpc": "2.0", "error": error, "id": id})).ok()?;
            return lines.send(line).await.ok();
        }
    };
    let greeting = SubscribeResponse {
        subscription_id: Uuid::new_v4().to_string(),
        message: "Subscription established. Waiting for events...".to_owned(),
    };
    lines.send(reply(&id, greeting)?).await.ok()?;
    loop {
        let line = match tokio::time::timeout(HEARTBEAT, feed.next()).await {
            Ok(Some(event)) => reply(&id, Given { event })?,
            Ok(None) => return None,
            Err(_) => reply(
                &id,
                json!({"type": "heartbeat", "message": "Connection alive"}),
            )?,
        };
        lines.send(line).await.ok()?;
    }
}

async fn begin(daemon: Arc<Daemon>, params: Option<&RawValue>) -> Result<Feed, RpcError> {
    let params: SubscribeParams = match params {
        Some(params) => serde_json::from_str(params.get())
            .map_err(|error| RpcError::invalid("params", error))?,
        None => SubscribeParams::default(),
    };
    let filter = filter(
        &daemon,
        params.event_types,
        params.session_id,
        params.run_id,
        true,
    )
    .await?;
    Ok(Feed::begin(daemon, filter, None).await?)
}
