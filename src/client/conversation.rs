//! A conversation read page by page, each of as many pieces as one answer takes.
//!
//! Owns what is done when an answer would be too large: fewer pieces are asked for. How a question
//! reaches the daemon is the caller's, who may have a connection to replace.

use super::ClientError;
use crate::protocol::conversation::{
    ConversationEvent, GetConversationParams, GetConversationResponse,
};
use crate::protocol::error::ErrorKind;

/// Pieces of one page, where nothing else is wanted.
pub const PAGE: u32 = 1_000;

/// Which page of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The newest.
    Last,
    /// The one before this sequence number.
    Before(i64),
    /// The one after it.
    After(i64),
}

/// Reads a page of at most `limit` pieces. Where they are too large for one answer the limit is lowered;
/// a page of fewer pieces than the limit is then the last one.
///
/// # Errors
/// A [`ClientError`]; that of too large an answer, when a single piece is.
pub async fn page(
    ask: impl AsyncFn(&GetConversationParams) -> Result<GetConversationResponse, ClientError>,
    session: &str,
    place: Place,
    limit: &mut u32,
) -> Result<GetConversationResponse, ClientError> {
    let (before, after) = match place {
        Place::Last => (None, None),
        Place::Before(sequence) => (Some(sequence), None),
        Place::After(sequence) => (None, Some(sequence)),
    };
    loop {
        let params = GetConversationParams {
            session_id: Some(session.to_owned()),
            limit: Some(*limit),
            before,
            after,
            by_conversation: true,
            ..GetConversationParams::default()
        };
        match ask(&params).await {
            Err(error) if error.is(ErrorKind::TooLarge) && *limit > 1 => {
                *limit = (*limit / 4).max(1);
            }
            settled => return settled,
        }
    }
}

/// Reads all of a conversation, with that of the sessions that it goes on from.
///
/// # Errors
/// As [`page`].
pub async fn whole(
    ask: impl AsyncFn(&GetConversationParams) -> Result<GetConversationResponse, ClientError>,
    session: &str,
) -> Result<Vec<ConversationEvent>, ClientError> {
    let mut events: Vec<ConversationEvent> = Vec::new();
    let mut limit = PAGE;
    loop {
        let place = Place::After(events.last().map_or(0, |last| last.sequence));
        let found = page(&ask, session, place, &mut limit).await?.events;
        let is_last = found.len() < limit as usize;
        events.extend(found);
        if is_last {
            return Ok(events);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::cell::RefCell;

    use serde_json::json;

    use super::*;

    /// A daemon with so many pieces, of which so many fit into an answer.
    async fn read(count: i64, fit: u32) -> (Vec<i64>, Vec<u32>) {
        let asked = RefCell::new(Vec::new());
        let ask = async |params: &GetConversationParams| {
            let limit = params.limit.unwrap();
            asked.borrow_mut().push(limit);
            if limit > fit {
                return Err(ClientError::Rpc {
                    kind: Some(ErrorKind::TooLarge),
                    code: 0,
                    message: "too large".to_owned(),
                    data: None,
                });
            }
            let after = params.after.unwrap();
            let events: Vec<_> = (after + 1..=count)
                .take(limit as usize)
                .map(|sequence| {
                    json!({"sequence": sequence, "event_type": "message", "id": sequence,
                        "session_id": "s", "claude_session_id": "", "created_at": "2026-01-01T00:00:00Z",
                        "is_completed": true})
                })
                .collect();
            Ok(serde_json::from_value(json!({ "events": events })).unwrap())
        };
        let events = whole(ask, "s").await.unwrap();
        let places = events.iter().map(|event| event.sequence).collect();
        (places, asked.into_inner())
    }

    #[tokio::test]
    async fn all_of_it_is_read_once_however_little_fits_into_an_answer() {
        for (count, fit, asked) in [
            (0, 1_000, vec![1_000]),
            (999, 1_000, vec![1_000]),
            (1_000, 1_000, vec![1_000, 1_000]),
            (300, 300, vec![1_000, 250, 250]),
            (2, 1, vec![1_000, 250, 62, 15, 3, 1, 1, 1]),
        ] {
            let (places, limits) = read(count, fit).await;
            assert_eq!(places, (1..=count).collect::<Vec<_>>(), "{count} {fit}");
            assert_eq!(limits, asked, "{count} {fit}");
        }
    }
}
