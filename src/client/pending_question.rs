//! A question to a person, from the call that asks it until it is settled, whatever becomes of the daemon.
//!
//! Owns the one question of one caller: it is recorded once (under a name of its own, so a lost
//! answer is no second question), waited for by subscription, and taken back when the caller does
//! not want it any more. Where no daemon runs one is started, outside of a session. One that goes
//! away is waited for, as it may be starting again, and only then started: the question is in its store. Decides nothing and prints nothing. Called by the MCP servers and
//! by `contact_human`.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::calls::Client;
use super::error::ClientError;
use super::error::SpawnError;
use super::events::{Events, MAX_RECONNECT_TIME, Update};
use super::spawn::ensure_daemon;
use crate::backoff::Backoff;
use crate::config::Config;
use crate::domain::Outcome;
use crate::protocol::approval::{
    Approval, CreateApprovalParams, CreateContactParams, WithdrawApprovalParams,
};
use crate::protocol::error::ErrorKind;
use crate::protocol::event::{
    self, EventBody, EventName, EventNotification, SubscribeEventsParams,
};

/// First and longest wait before a daemon that failed is tried again.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
/// How long a daemon that went away may take to come back before another one is started: whoever
/// restarts it must not find it running already.
const START_AFTER: Duration = MAX_RECONNECT_TIME;
/// After how long a question that could not be recorded is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// May this tool run?
    Permission(CreateApprovalParams),
    /// What does the person say to this?
    Contact(CreateContactParams),
}

/// What happens while a question waits.
#[derive(Debug)]
pub enum Progress<'a> {
    /// It is in the inbox, under this id.
    Recorded(&'a str),
    /// The daemon cannot be had at the moment; it is tried again. Told once for each kind of problem
    /// in a row, not for each try.
    Retrying(&'a ClientError),
}

/// A question on its way.
#[derive(Debug)]
pub struct PendingQuestion<'a> {
    config: &'a Config,
    question: Question,
    id: Option<String>,
    /// A call that records it was begun: whether it is recorded is known by asking again.
    begun: bool,
    /// Since when a daemon that was there is gone.
    lost: Option<Instant>,
}

impl<'a> PendingQuestion<'a> {
    /// Nothing is asked yet. The question gets a name if it has none.
    #[must_use]
    pub fn new(config: &'a Config, mut question: Question) -> Self {
        let (name, ends_with_us) = match &mut question {
            Question::Permission(params) => (&mut params.call_id, &mut params.ends_with_caller),
            Question::Contact(params) => (&mut params.call_id, &mut params.ends_with_caller),
        };
        // This process alone waits for the answer.
        *ends_with_us = true;
        name.get_or_insert_with(|| Uuid::new_v4().to_string());
        Self {
            config,
            question,
            id: None,
            begun: false,
            lost: None,
        }
    }

    /// Asks, and waits until the question is settled one way or another. Dropping the future loses
    /// nothing: it can be called again, or [`PendingQuestion::withdraw`].
    ///
    /// # Errors
    /// A [`ClientError`] when the daemon refuses the question, or cannot be reached or started for a
    /// minute before it is recorded. Once it is, a daemon is waited for without limit.
    pub async fn settle(
        &mut self,
        mut report: impl FnMut(Progress<'_>),
    ) -> Result<Approval, ClientError> {
        let begun = Instant::now();
        let mut failures = 0;
        let mut told = String::new();
        loop {
            let error = match self.attempt(&mut report).await {
                Ok(approval) => return Ok(approval),
                Err(error) => error,
            };
            let patient = self.id.is_some() || begun.elapsed() < GIVE_UP_AFTER;
            if !is_worth_waiting(&error, self.id.is_some(), patient) {
                return Err(error);
            }
            if self.lost.is_none() {
                self.lost = Some(Instant::now());
                failures = 0;
                told.clear();
            }
            let problem = error.to_string();
            if problem != told {
                report(Progress::Retrying(&error));
                told = problem;
            }
            failures += 1;
            tokio::time::sleep(BACKOFF.after(failures)).await;
        }
    }

    async fn attempt(
        &mut self,
        report: &mut impl FnMut(Progress<'_>),
    ) -> Result<Approval, ClientError> {
        let client = self.reach().await?;
        // Subscribed first: an answer that comes in between is not missed.
        let params = SubscribeEventsParams {
            event_types: event::only(&[EventName::ApprovalResolved]),
            ..SubscribeEventsParams::default()
        };
        let mut events = Events::open(&self.config.daemon_socket.value, params).await?;
        let is_new = self.id.is_none();
        let id = self.record(&client).await?;
        if is_new {
            report(Progress::Recorded(&id));
        }
        let approval = client.receive_approval(&id).await?;
        if approval.outcome != Outcome::Pending {
            return Ok(approval);
        }
        drop(client);
        self.lost = None;
        loop {
            let update = match events.next().await {
                Ok(update) => update,
                Err(error) => {
                    // It has been waited for already.
                    self.lost = Instant::now().checked_sub(START_AFTER);
                    return Err(error);
                }
            };
            let may_be_settled = match update {
                Update::Event(event) => may_settle(&event, &id),
                Update::Resync(_) => true,
                // Live events are not asked for.
                Update::Lost | Update::Reconnected => false,
            };
            if may_be_settled {
                let approval = events.reach().await?.receive_approval(&id).await?;
                if approval.outcome != Outcome::Pending {
                    return Ok(approval);
                }
            }
        }
    }

    /// A connection; a daemon is started if none runs, and none is on its way back.
    async fn reach(&self) -> Result<Client, ClientError> {
        match self.lost {
            Some(since) if since.elapsed() < START_AFTER => {
                Client::connect(&self.config.daemon_socket.value).await
            }
            Some(_) | None => ensure_daemon(self.config).await,
        }
    }

    async fn record(&mut self, client: &Client) -> Result<String, ClientError> {
        if let Some(id) = &self.id {
            return Ok(id.clone());
        }
        self.begun = true;
        let id = match &self.question {
            Question::Permission(params) => client.create_approval(params).await?.approval_id,
            Question::Contact(params) => client.create_contact(params).await?.approval_id,
        };
        self.id = Some(id.clone());
        Ok(id)
    }

    /// Takes the question back, so that nobody decides what nobody waits for. One that was never
    /// asked, or is settled already, needs that not.
    ///
    /// # Errors
    /// A [`ClientError`] when the daemon cannot be reached for [`MAX_RECONNECT_TIME`]: the question may
    /// still wait in the inbox then.
    pub async fn withdraw(&mut self, reason: &str) -> Result<(), ClientError> {
        if !self.begun {
            return Ok(());
        }
        let deadline = Instant::now() + MAX_RECONNECT_TIME;
        let mut failures = 0;
        loop {
            match self.try_withdraw(reason).await {
                Err(error) if error.is_disconnect() && Instant::now() < deadline => {
                    failures += 1;
                    tokio::time::sleep(BACKOFF.after(failures)).await;
                }
                Err(error) if error.is(ErrorKind::AlreadyResolved) => return Ok(()),
                settled => return settled,
            }
        }
    }

    async fn try_withdraw(&mut self, reason: &str) -> Result<(), ClientError> {
        // Nobody starts a daemon to take a question back.
        let client = Client::connect(&self.config.daemon_socket.value).await?;
        let params = WithdrawApprovalParams {
            approval_id: self.record(&client).await?,
            reason: Some(reason.to_owned()),
        };
        client.withdraw_approval(&params).await.map(drop)
    }
}

/// Whether a question may have ended with an event: what is unknown may be anything.
fn may_settle(event: &EventNotification, id: &str) -> bool {
    match event.body() {
        EventBody::ApprovalResolved(change) => change.approval_id == id,
        EventBody::Resync | EventBody::Unknown => true,
        EventBody::NewApproval(_)
        | EventBody::ApprovalDelivered(_)
        | EventBody::SessionStatusChanged(_)
        | EventBody::ConversationUpdated(_)
        | EventBody::MessageUpdated(_)
        | EventBody::SessionSettingsChanged(_)
        | EventBody::SessionDeleted
        | EventBody::SessionUpdated(_)
        | EventBody::AlarmsChanged(_)
        | EventBody::ProblemChanged(_)
        | EventBody::MessageDelta(_) => false,
    }
}

/// Whether trying again can help. A question that is recorded waits for its daemon; one that is not
/// is given up when no daemon can be had, for then nobody sees it.
fn is_worth_waiting(error: &ClientError, recorded: bool, patient: bool) -> bool {
    match error {
        ClientError::NotRunning { .. }
        | ClientError::Connect(_)
        | ClientError::Lost { .. }
        | ClientError::Silent { .. }
        | ClientError::TimedOut { .. } => patient,
        ClientError::NotKnown { source, .. } => is_worth_waiting(source, recorded, patient),
        // Its daemon may be starting again; none is started from here.
        ClientError::Spawn(SpawnError::InsideSession) => true,
        ClientError::Spawn(
            SpawnError::Io { .. }
            | SpawnError::Died { .. }
            | SpawnError::Held { .. }
            | SpawnError::TimedOut { .. },
        ) => recorded,
        ClientError::Rpc { kind, .. } => *kind == Some(ErrorKind::Unavailable) && patient,
        ClientError::Protocol { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_time_can_heal_is_waited_for() {
        let lost = || ClientError::Lost {
            method: "m".to_owned(),
            cause: "c".to_owned(),
        };
        let refused = |kind| ClientError::Rpc {
            kind: Some(kind),
            code: 0,
            message: "no".to_owned(),
            data: None,
        };
        let died = || {
            ClientError::Spawn(SpawnError::Died {
                report: "x".to_owned(),
            })
        };
        let cases = [
            (lost(), false, true, true),
            (lost(), false, false, false),
            (refused(ErrorKind::Unavailable), true, true, true),
            (refused(ErrorKind::Conflict), true, true, false),
            (refused(ErrorKind::NotFound), true, true, false),
            (SpawnError::InsideSession.into(), false, false, true),
            (died(), false, true, false),
            (died(), true, true, true),
        ];
        for (error, recorded, patient, waits) in cases {
            let said = format!("{error:?} {recorded} {patient}");
            assert_eq!(is_worth_waiting(&error, recorded, patient), waits, "{said}");
        }
    }
}
