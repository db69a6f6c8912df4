//! The bus: what was committed, to whoever listens.
//!
//! Owns a bounded ring of the last events and the wake-ups of outboxes that have something: each
//! session's, and that of the remote API.
//! Publishing never waits. A listener that falls further behind than the ring is told how far
//! (`Lagged`), and reads what it missed from the store; see `rpc::events`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, broadcast};

use super::store::Publish;
use super::waiters::Waiters;
use crate::domain::{Event, EventBody};

/// Events that a listener may be behind before it must read from the store.
pub const RING: usize = 4096;

/// Where commits are announced and heard.
pub struct Bus {
    events: broadcast::Sender<Arc<Event>>,
    outboxes: Mutex<HashMap<i64, Arc<Notify>>>,
    api_outbox: Notify,
    waiters: Waiters,
    /// Counts the changes of what ids sessions have.
    wire_ids: AtomicU64,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            events: broadcast::Sender::new(RING),
            outboxes: Mutex::default(),
            api_outbox: Notify::new(),
            waiters: Waiters::default(),
            wire_ids: AtomicU64::new(0),
        }
    }
}

impl Bus {
    /// Hears everything from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// Announces one event that exists only on the bus.
    pub fn publish_live(&self, event: Event) {
        // Nobody listening is no error.
        let _ = self.events.send(Arc::new(event));
    }

    /// Whether anybody listens.
    pub fn has_listeners(&self) -> bool {
        self.events.receiver_count() > 0
    }

    /// The wake-up of one session's outbox.
    pub fn outbox(&self, session_key: i64) -> Arc<Notify> {
        Arc::clone(self.lock().entry(session_key).or_default())
    }

    /// Those who wait for the end of one approval.
    pub fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// The wake-up of the answers for the remote API. One listener; a wake-up that nobody waits for
    /// is kept.
    pub fn api_outbox(&self) -> &Notify {
        &self.api_outbox
    }

    /// How often a session has got another id. What was looked up before it changed is out of date.
    pub fn wire_ids(&self) -> u64 {
        self.wire_ids.load(Ordering::Acquire)
    }

    /// Forgets a session whose process is over.
    pub fn forget(&self, session_key: i64) {
        self.lock().remove(&session_key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<Notify>>> {
        self.outboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publish for Arc<Bus> {
    fn publish(&self, events: Vec<Event>) {
        for event in events {
            let ended = match &event.body {
                EventBody::ApprovalResolved(approval) => Some(approval.id.clone()),
                EventBody::NewApproval(_)
                | EventBody::ApprovalDelivered(_)
                | EventBody::SessionStatusChanged { .. }
                | EventBody::ConversationUpdated(_)
                | EventBody::MessageUpdated { .. }
                | EventBody::SessionSettingsChanged(_)
                | EventBody::SessionDeleted
                | EventBody::SessionUpdated(_)
                | EventBody::AlarmsChanged { .. }
                | EventBody::ProblemChanged { .. }
                | EventBody::MessageDelta(_) => None,
            };
            self.publish_live(event);
            if let Some(id) = ended {
                self.waiters.ring(&id);
            }
        }
    }

    fn wire_ids_changed(&self) {
        self.wire_ids.fetch_add(1, Ordering::AcqRel);
    }

    fn outbox_ready(&self, session_key: i64) {
        if let Some(notify) = self.lock().get(&session_key) {
            notify.notify_one();
        }
    }

    fn api_outbox_ready(&self) {
        self.api_outbox.notify_one();
    }
}
