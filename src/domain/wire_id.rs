//! Wire ids: a conversation as clients see it that know processes, not conversations.
//!
//! Existing clients continue a session and get another one, whose parent is the first. Here both are
//! the same session. Each id that such a client was given names a segment of the conversation, from
//! where the id was given out to where the next one was.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::event::{Event, EventBody};
use super::id::{RunId, SessionId};
use super::session::{Session, Status, Usage};

/// An id under which a conversation was continued. The first id of a conversation is its session's
/// own, and is not among these.
#[derive(Clone, Debug, PartialEq)]
pub struct WireId {
    /// The id.
    pub id: SessionId,
    /// The run id that was given out with it.
    pub run_id: RunId,
    /// The id that was named when it was given out.
    pub parent_id: SessionId,
    /// The first piece of conversation that belongs to it.
    pub from_sequence: i64,
    /// The first event that belongs to it.
    pub from_seq: i64,
    /// The message with which it began.
    pub query: String,
    /// The title that was asked for.
    pub title: String,
    /// When it was given out.
    pub created_at: Timestamp,
    /// How the session stood then.
    pub before: Standing,
}

/// How a session stood when a new id took over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Its status.
    pub status: String,
    /// Claude's session id.
    pub claude_session_id: Option<String>,
    /// The model in use.
    pub model_id: Option<String>,
    /// When it last did something (microseconds since 1970).
    pub last_activity_at: i64,
    /// When its last turn ended (microseconds since 1970).
    pub completed_at: Option<i64>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// The last turn's final text.
    pub result: Option<String>,
    /// Cost and size.
    #[serde(flatten)]
    pub usage: Usage,
}

impl Standing {
    /// How a session stands now.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self {
            status: session.status.as_str().to_owned(),
            claude_session_id: session.claude_session_id.clone(),
            model_id: session.model_id.clone(),
            last_activity_at: session.last_activity_at.as_microsecond(),
            completed_at: session.completed_at.map(Timestamp::as_microsecond),
            error_message: session.error_message.clone(),
            result: session.result_content.clone(),
            usage: session.usage.clone(),
        }
    }

    /// Makes a session's record look as it did then. What has gone on since is the next id's.
    fn restore(&self, session: &mut Session) {
        let time = |at: i64| Timestamp::from_microsecond(at).ok();
        session.status = Status::parse(&self.status)
            .filter(|status| !status.is_active())
            .unwrap_or(Status::Completed);
        session
            .claude_session_id
            .clone_from(&self.claude_session_id);
        session.model_id.clone_from(&self.model_id);
        if let Some(at) = time(self.last_activity_at) {
            session.last_activity_at = at;
        }
        session.completed_at = self.completed_at.and_then(time);
        session.error_message.clone_from(&self.error_message);
        session.result_content.clone_from(&self.result);
        session.usage.clone_from(&self.usage);
        session.pending_approvals = 0;
        session.background_tasks.clear();
        session.process = super::session::Process::Gone;
    }
}

/// A session with all its ids, in the order in which they were given out.
#[derive(Clone, Debug, PartialEq)]
pub struct Lineage {
    /// The session.
    pub session: Session,
    /// Its further ids.
    pub ids: Vec<WireId>,
}

impl Lineage {
    /// How many segments there are; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len() + 1
    }

    /// Never: a session has an id.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Which segment an id or run id names; none for what only begins one.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        if self.session.id.as_str() == id || self.session.run_id.as_str() == id {
            return Some(0);
        }
        let named = |wire: &WireId| wire.id.as_str() == id || wire.run_id.as_str() == id;
        self.ids.iter().position(named).map(|index| index + 1)
    }

    /// Which segment a possibly shortened id names.
    #[must_use]
    pub fn position_of_prefix(&self, id: &str) -> usize {
        self.position(id).unwrap_or_else(|| {
            let named = |wire: &WireId| wire.id.as_str().starts_with(id);
            match self.ids.iter().position(named) {
                Some(index) if !self.session.id.as_str().starts_with(id) => index + 1,
                Some(_) | None => 0,
            }
        })
    }

    /// The further id with which a segment began; none for the first.
    fn wire_id(&self, position: usize) -> Option<&WireId> {
        self.ids.get(position.checked_sub(1)?)
    }

    /// The id and run id of a segment.
    #[must_use]
    pub fn names(&self, position: usize) -> (&SessionId, &RunId) {
        match self.wire_id(position) {
            Some(wire) => (&wire.id, &wire.run_id),
            None => (&self.session.id, &self.session.run_id),
        }
    }

    /// The id that was named when a segment began.
    #[must_use]
    pub fn parent(&self, position: usize) -> Option<&SessionId> {
        match self.wire_id(position) {
            Some(wire) => Some(&wire.parent_id),
            None => self.session.parent_session_id.as_ref(),
        }
    }

    /// The segment to which an event belongs; a live one belongs to the last.
    #[must_use]
    pub fn of_event(&self, seq: i64) -> usize {
        if seq == 0 {
            return self.ids.len();
        }
        self.ids
            .iter()
            .take_while(|wire| wire.from_seq <= seq)
            .count()
    }

    /// The segment to which a piece of conversation belongs.
    #[must_use]
    pub fn of_piece(&self, sequence: i64) -> usize {
        let begun = |wire: &&WireId| wire.from_sequence <= sequence;
        self.ids.iter().take_while(begun).count()
    }

    /// The segment in which something happened at a time.
    #[must_use]
    pub fn of_time(&self, at: Timestamp) -> usize {
        self.ids
            .iter()
            .take_while(|wire| wire.created_at <= at)
            .count()
    }

    /// An event as existing clients know it.
    #[must_use]
    pub fn event(&self, event: &Event) -> Event {
        let position = self.of_event(event.seq);
        let (id, run_id) = self.names(position);
        let rename = |approval: &Approval| Box::new(self.approval(approval, position));
        let body = match &event.body {
            EventBody::NewApproval(approval) => EventBody::NewApproval(rename(approval)),
            EventBody::ApprovalResolved(approval) => EventBody::ApprovalResolved(rename(approval)),
            EventBody::ApprovalDelivered(approval) => {
                EventBody::ApprovalDelivered(rename(approval))
            }
            EventBody::SessionStatusChanged { old, new, .. } => EventBody::SessionStatusChanged {
                old: *old,
                new: *new,
                parent_session_id: self.parent(position).cloned(),
            },
            EventBody::ConversationUpdated(_)
            | EventBody::MessageUpdated { .. }
            | EventBody::SessionSettingsChanged(_)
            | EventBody::SessionDeleted
            | EventBody::SessionUpdated(_)
            | EventBody::AlarmsChanged { .. }
            | EventBody::ProblemChanged { .. }
            | EventBody::MessageDelta(_) => event.body.clone(),
        };
        Event {
            seq: event.seq,
            at: event.at,
            session_id: id.clone(),
            run_id: run_id.clone(),
            body,
        }
    }

    /// An approval of a segment as existing clients know it.
    #[must_use]
    pub fn approval(&self, approval: &Approval, position: usize) -> Approval {
        let (id, run_id) = self.names(position);
        let mut approval = approval.clone();
        approval.session_id = id.clone();
        if approval.run_id == self.session.run_id.as_str() {
            approval.run_id = run_id.to_string();
        }
        approval
    }

    /// The last piece of conversation of a segment; none for the last segment, which goes on.
    #[must_use]
    pub fn last_sequence(&self, position: usize) -> Option<i64> {
        self.ids.get(position).map(|next| next.from_sequence - 1)
    }

    /// A segment as a session of its own, as existing clients see it.
    #[must_use]
    pub fn segment(&self, position: usize) -> Session {
        let mut session = self.session.clone();
        session.forked_from = self.parent(position).cloned();
        if let Some(wire) = self.wire_id(position) {
            session.id = wire.id.clone();
            session.run_id = wire.run_id.clone();
            session.query.clone_from(&wire.query);
            session.summary = super::text::summary(&wire.query, super::session::SUMMARY_CHARS);
            session.created_at = wire.created_at;
        }
        if let Some(next) = self.ids.get(position) {
            next.before.restore(&mut session);
        }
        session
    }
}
