//! Waiting until what was asked of sessions has happened, so that the next command finds it so.

use std::time::{Duration, Instant};

use super::exit::Failure;
use super::kind::Kind;
use super::output;
use crate::backoff::Backoff;
use crate::client::Client;
use crate::format;
use crate::protocol::session::SessionState;

/// How long it is waited. An agent that does not react is killed sooner than that.
const LIMIT: Duration = Duration::from_secs(60);
/// After how long a person is told what is waited for.
const SAY_AFTER: Duration = Duration::from_secs(1);
/// The pauses between two looks.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(250));

/// Waits until a session is as it should be. `what` says what is waited for.
pub async fn until(
    client: &Client,
    id: &str,
    what: &str,
    settled: impl Fn(&SessionState) -> bool,
) -> Result<SessionState, Failure> {
    let begun = Instant::now();
    let mut looks = 0;
    let mut said = false;
    loop {
        let session = client.get_session_state(id).await?;
        if settled(&session) {
            return Ok(session);
        }
        if begun.elapsed() > LIMIT {
            return Err(Failure::new(
                Kind::TimedOut,
                format!("{what} took longer than {} s; it goes on", LIMIT.as_secs()),
            )
            .with_hint(format!("look again: humanlayer show {id}")));
        }
        if !said && begun.elapsed() > SAY_AFTER {
            said = true;
            output::note(&format!(
                "humanlayer: {}: waiting for {what}",
                format::session_id(&session.id, true)
            ));
        }
        looks += 1;
        tokio::time::sleep(PAUSES.after(looks)).await;
    }
}
