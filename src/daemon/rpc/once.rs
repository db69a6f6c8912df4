//! Requests that change something are carried out once, and only while their client waits.
//!
//! Owns what a request says of that ([`RequestOptions`]), and the answers of the last requests with a key, so that
//! one that is sent again gets the answer of the first time. That a request was carried out is on record in the store,
//! which outlives the daemon; its answer is not. Must not know what any method does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonrpsee::Extensions;
use jsonrpsee::types::Params;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex as AsyncMutex;

use super::error::RpcError;
use crate::daemon::store::OnceRequest;
use crate::domain::Origin;
use crate::ipc::ClientPresence;
use crate::protocol::error::ErrorKind;
use crate::protocol::method;
use crate::protocol::request::{MAX_KEY, RequestOptions, asked_for, fingerprint};

/// Answers that are kept. Of a request beyond them it is known that it was carried out.
const KEPT_ANSWERS: usize = 512;

/// Longest answer that is kept, in bytes.
const MAX_KEPT_BYTES: usize = 64 * 1024;

/// The answer to a request: its own, or that of the first time.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Answer<R> {
    /// It was carried out now.
    Fresh(R),
    /// It was carried out before.
    Again(Box<RawValue>),
}

/// One request with a key, and its answer once there is one. Locked while it is carried out.
type Kept = Arc<AsyncMutex<Option<Box<RawValue>>>>;

/// The answers of the last requests that had a key.
#[derive(Default)]
pub struct Answers {
    kept: Mutex<KeptAnswers>,
}

#[derive(Default)]
struct KeptAnswers {
    /// By key: when it came, in numbers that grow, what it asked for, and the answer.
    by_key: HashMap<String, (u64, [u8; 32], Kept)>,
    next: u64,
}

impl Answers {
    /// The place for the answer of a request; an error where another request has its key.
    fn of(&self, key: &str, fingerprint: [u8; 32]) -> Result<Kept, RpcError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, of, answer)) = kept.by_key.get(key) {
            return if *of == fingerprint {
                Ok(Arc::clone(answer))
            } else {
                Err(crate::daemon::store::StoreError::KeyTaken.into())
            };
        }
        if kept.by_key.len() >= KEPT_ANSWERS {
            // One that is carried out now is in use elsewhere, too.
            let oldest = kept
                .by_key
                .iter()
                .filter(|(_, (_, _, answer))| Arc::strong_count(answer) == 1)
                .min_by_key(|(_, (number, _, _))| *number)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                kept.by_key.remove(&oldest);
            }
        }
        let number = kept.next;
        kept.next += 1;
        let answer = Kept::default();
        let entry = (number, fingerprint, Arc::clone(&answer));
        kept.by_key.insert(key.to_owned(), entry);
        Ok(answer)
    }

    /// Forgets a request that changed nothing, or whose answer is too long.
    fn forget(&self, key: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_key.remove(key);
    }
}

/// Reads how a request is to be carried out; none for one that says nothing of it, as those of existing clients.
///
/// # Errors
/// When a member is not what it must be.
pub fn read(
    name: &'static str,
    params: &Params<'_>,
    extensions: &Extensions,
    origin: &Origin,
) -> Result<Option<OnceRequest>, RpcError> {
    let text = params.as_str().unwrap_or_default();
    let says = |member: &str| text.contains(&format!("\"{member}\""));
    if !method::changes(name) || !RequestOptions::MEMBERS.iter().any(|member| says(member)) {
        return Ok(None);
    }
    let options: RequestOptions = super::parse(params)?;
    if options == RequestOptions::default() {
        return Ok(None);
    }
    if let Some(key) = &options.idempotency_key
        && !RequestOptions::is_key(key)
    {
        let problem = format!("must be 1 to {MAX_KEY} printable ASCII characters without blanks");
        return Err(RpcError::invalid("idempotency_key", problem));
    }
    let fingerprint = match &options.idempotency_key {
        None => [0; 32],
        Some(_) => what_and_who(name, text, origin),
    };
    let presence = extensions.get::<ClientPresence>().cloned();
    Ok(Some(OnceRequest {
        method: name,
        key: options.idempotency_key,
        fingerprint,
        deadline: options.deadline,
        is_given_up: Box::new(move || presence.as_ref().is_some_and(ClientPresence::has_left)),
    }))
}

/// Tells requests apart that have the same key: by what they ask for, and who asks. An agent gets no answer that was a
/// person's.
fn what_and_who(name: &str, params: &str, origin: &Origin) -> [u8; 32] {
    let who = match origin {
        Origin::Person { uid, .. } => format!("person {uid}"),
        Origin::Agent { session_id, .. } => format!("agent {session_id}"),
        Origin::OtherAgent { .. } => "another agent".to_owned(),
        Origin::Unverified { .. } => "somebody".to_owned(),
    };
    fingerprint(&[name, &who, &asked_for(name, params)])
}

/// Carries a request out, or gives the answer that it got before.
///
/// # Errors
/// Those of the request; nothing has happened then, so it is carried out anew when it is sent again.
pub async fn answer<R: Serialize>(
    answers: &Answers,
    request: &OnceRequest,
    carry_out: impl Future<Output = Result<R, RpcError>>,
) -> Result<Answer<R>, RpcError> {
    let Some(key) = &request.key else {
        return carry_out.await.map(Answer::Fresh);
    };
    let kept = answers.of(key, request.fingerprint)?;
    let mut kept = kept.lock().await;
    if let Some(before) = &*kept {
        return Ok(Answer::Again(before.clone()));
    }
    crate::failpoint::hit_at("request.begun", request.method);
    let done = carry_out.await.inspect_err(|_| answers.forget(key))?;
    crate::failpoint::hit_at("request.done", request.method);
    let text = serde_json::value::to_raw_value(&done).map_err(|error| {
        RpcError::new(ErrorKind::Internal, format!("writing an answer: {error}"))
    })?;
    if text.get().len() <= MAX_KEPT_BYTES {
        *kept = Some(text);
    } else {
        answers.forget(key);
    }
    Ok(Answer::Fresh(done))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn request(key: &str, fingerprint: u8) -> OnceRequest {
        OnceRequest {
            method: "m",
            key: Some(key.to_owned()),
            fingerprint: [fingerprint; 32],
            deadline: None,
            is_given_up: Box::new(|| false),
        }
    }

    fn text<R: Serialize>(answer: &Answer<R>) -> String {
        serde_json::to_string(answer).unwrap()
    }

    #[tokio::test]
    async fn a_request_that_is_sent_again_meanwhile_or_later_gets_the_first_answer() {
        let answers = Answers::default();
        let done = AtomicU32::new(0);
        let carry_out = || async {
            tokio::task::yield_now().await;
            Ok(done.fetch_add(1, Ordering::Relaxed) + 1)
        };
        let once = request("a", 0);
        let (first, meanwhile) = tokio::join!(
            answer(&answers, &once, carry_out()),
            answer(&answers, &once, carry_out())
        );
        let later = answer(&answers, &once, carry_out()).await;
        for got in [first, meanwhile, later] {
            assert_eq!(text(&got.unwrap()), "1");
        }
        let other = answer(&answers, &request("b", 0), carry_out()).await;
        assert_eq!(text(&other.unwrap()), "2");
        let taken = answer(&answers, &request("a", 1), carry_out()).await;
        assert!(taken.is_err());
    }

    #[tokio::test]
    async fn what_failed_is_carried_out_when_it_is_sent_again() {
        let answers = Answers::default();
        let once = request("a", 0);
        let fails = async { Err::<u32, _>(RpcError::required("x")) };
        assert!(answer(&answers, &once, fails).await.is_err());
        let again = answer(&answers, &once, async { Ok(7) }).await;
        assert_eq!(text(&again.unwrap()), "7");
    }

    #[tokio::test]
    async fn only_so_many_answers_are_kept() {
        let answers = Answers::default();
        for number in 0..KEPT_ANSWERS + 10 {
            let once = request(&number.to_string(), 0);
            answer(&answers, &once, async { Ok(number) }).await.unwrap();
        }
        let kept = answers.kept.lock().unwrap().by_key.len();
        assert_eq!(kept, KEPT_ANSWERS);
        assert!(!answers.kept.lock().unwrap().by_key.contains_key("0"));
    }
}
