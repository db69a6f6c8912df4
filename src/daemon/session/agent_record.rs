//! What the agent's own record of a conversation says of the messages that were sent to it.
//!
//! That record is all that the next process knows. An agent writes it a moment after it has acted, so one that is killed
//! may have read what stands nowhere. Owns where the record of a session is; what is in it is
//! [`transcript`]'s to say.

use std::io;
use std::path::PathBuf;

use crate::claude::transcript;
use crate::daemon::blocking::blocking;
use crate::daemon::store::{ReadMessages, SentMessages, Store, StoreError};
use crate::domain::Session;

/// What a process that has ended had read, and had not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentMemory {
    /// What it had read of the messages of which its stream does not tell that.
    pub read: ReadMessages,
    /// How many of those of which its stream tells it are not in its record.
    pub forgotten: usize,
}

impl AgentMemory {
    /// Looks for the messages that were sent to a session's process in that process's record.
    ///
    /// # Errors
    /// When the database cannot be read. A record that cannot be read says nothing.
    pub async fn of(store: &Store, session: &Session) -> Result<Self, StoreError> {
        let SentMessages { read, unread } = store.sent_messages(session.key).await?;
        if read.is_empty() && unread.is_empty() {
            return Ok(Self::default());
        }
        let sent = read.iter().cloned().chain(unread).collect();
        let recorded = match recorded(store, session, sent).await {
            Ok(Record::Holds(recorded)) => recorded,
            Ok(Record::NeverBegan) => Vec::new(),
            Ok(Record::Unknown) => return Ok(Self::default()),
            Err(error) => {
                tracing::warn!(session = %session.id, %error, "cannot read the agent's record of the conversation");
                return Ok(Self::default());
            }
        };
        let forgotten = read.iter().filter(|(uuid, line)| {
            // Claude Code's own commands are no part of the conversation.
            !recorded.contains(uuid) && !transcript::is_command(line)
        });
        Ok(Self {
            forgotten: forgotten.count(),
            read: ReadMessages::Known(recorded),
        })
    }
}

/// Whether a session's agent has died before it wrote anything down, so that there is nothing to resume.
///
/// # Errors
/// When the record cannot be looked at.
pub async fn never_began(store: &Store, session: &Session) -> io::Result<bool> {
    // A conversation that has gone on for a turn has a record, if elsewhere.
    if had_turns(session) {
        return Ok(false);
    }
    let recorded = recorded(store, session, Vec::new()).await?;
    Ok(recorded == Record::NeverBegan)
}

fn had_turns(session: &Session) -> bool {
    session.usage.num_turns.is_some_and(|turns| turns > 0)
}

/// What a record says of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Record {
    /// The UUIDs of those that it holds.
    Holds(Vec<String>),
    /// There is none, and no turn was ever finished.
    NeverBegan,
    /// It is elsewhere, or there is none to be expected.
    Unknown,
}

/// Where a session's agent keeps its records.
///
/// # Errors
/// When the database cannot be read.
pub async fn config_dir(store: &Store, session: &Session) -> io::Result<Option<PathBuf>> {
    let secrets = store.launch_secrets(session).await;
    let secrets = secrets.map_err(io::Error::other)?;
    let env = secrets.ok().and_then(|secrets| secrets.env);
    Ok(transcript::config_dir(|name| match &env {
        Some(env) => env.get(name).cloned(),
        None => std::env::var(name).ok(),
    }))
}

async fn recorded(
    store: &Store,
    session: &Session,
    sent: Vec<(String, String)>,
) -> io::Result<Record> {
    let Some(conversation) = session.claude_session_id.clone() else {
        return Ok(Record::NeverBegan);
    };
    let Some(dir) = config_dir(store, session).await? else {
        return Ok(Record::Unknown);
    };
    let recorded = blocking(move || transcript::recorded(&dir, &conversation, &sent)).await?;
    Ok(match recorded {
        Some(recorded) => Record::Holds(recorded),
        None if had_turns(session) => Record::Unknown,
        None => Record::NeverBegan,
    })
}
