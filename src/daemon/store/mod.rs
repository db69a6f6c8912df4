//! Everything that lasts: the one SQLite database and the only code that knows SQL.
//!
//! One writer thread owns the only writing connection. Work reaches it through a bounded queue as
//! typed methods; it takes what is queued into one transaction, each piece under its own
//! savepoint, and *after* the commit answers the callers and hands the events to the publisher.
//! So nothing is on the bus that is not in the database. Reads run beside it on connections of
//! their own (WAL) and see a consistent snapshot.
//!
//! Called by the session supervisors and the RPC handlers. Must not know sockets, the agent's
//! protocol or anything of presentation.

mod adoption;
mod alarms;
mod api_outbox;
mod approval_delivery;
mod approval_reads;
mod approvals;
mod asker_processes;
mod asking;
mod backup;
mod bounds;
mod callers;
mod clock;
mod commits;
mod conversation;
mod conversations_migration;
#[cfg(test)]
mod conversations_migration_tests;
mod correlate;
mod database;
mod deletion;
mod directories;
mod events;
mod external;
mod files;
mod foreign_writer;
mod ingest;
mod intentions;
mod keys;
mod known_sessions;
mod lock_waits;
mod messages;
mod once;
mod outbox;
mod outbox_delivery;
mod overview;
mod process_end;
mod project_answers;
mod projects;
mod reader;
mod repair;
mod requests;
#[cfg(test)]
mod requests_tests;
mod resolve;
mod resume;
mod retention;
mod rows;
mod runners;
mod schema;
mod seals;
mod search;
mod secret_functions;
mod secrets;
mod seen_version;
mod sequence;
mod session_list;
mod session_reads;
mod session_state;
mod sessions;
mod stamp;
mod steady;
mod terminals;
mod tx;
mod wire_ids;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use adoption::Adoption;
pub use api_outbox::{ApiAnswer, ApiOutbox};
pub use approval_reads::{ApprovalFilter, ApprovalPage};
pub use asking::NewMcpApproval;
pub use backup::{
    BackupError, Prepared, back_up, key_of as key_of_backup, places_at_rest, prepare, put_in_place,
};
pub use bounds::{CONTACTS_OF_SESSION, PendingBounds};
pub use commits::Commits;
pub use conversation::{Names, Page};
pub use directories::works_there;
pub use events::Replay;
pub use external::Asker;
pub use ingest::{Apply, Ingest, RawLines};
pub use keys::{ApiKey, KeyHash};
pub use lock_waits::Locked;
pub use messages::{
    Accepted, CancelProtocol, MessageState, ReadMessages, SentMessages, Withdrawal, Withdrawn,
};
pub use once::{OnceRequest, apart, request_key, serving};
pub use outbox::OutboxLine;
pub use overview::Overview;
pub use process_end::End;
pub use project_answers::ProjectAnswer;
pub use reader::for_others;
pub use requests::{Asked, Elsewhere, NewRequest, RemoteRequest, run_id_of};
pub use resume::{NEVER_BEGAN, NewProcess, Waiting};
pub use runners::{KnownRunner, NewRunner};
pub use schema::inspect;
pub use search::{Hit, Hits, PER_SESSION, Search};
pub use session_reads::SessionFilter;
pub use sessions::{Fork, NewSession, RecentPath, SettingsChange, Started};
pub use tx::AnswerLine;
pub use wire_ids::NewWireId;
pub use writer::Urgency;

use crate::daemon::secrets::Sealer;
use crate::domain::{Approval, Event, SessionId};

/// Jobs that may wait for the writer. When the queue is full callers wait: a session's reading
/// then pauses (its journal keeps what comes), and so does a client's request.
pub const WRITE_QUEUE: usize = 1024;

/// Most jobs in one transaction; bounds how long the first of them waits for its commit.
pub const WRITE_BATCH: usize = 128;

/// Reading connections.
pub const READERS: usize = 2;

/// Reads that may wait for a reader; callers wait when it is full.
pub const READ_QUEUE: usize = 256;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the database {path}: {source}", path = path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file is damaged or no database.
    #[error("{path} is damaged or not a database ({source}); it was left as it is. Restore it from a backup, or move it away to start with an empty one", path = path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file belongs to another program.
    #[error("{path} is {what}; it was left as it is. Choose another file with HUMANLAYER_DATABASE_PATH or `database_path` in humanlayer.json, or move this one away", path = path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
        /// Whose it is.
        what: &'static str,
    },
    /// The file was written by a newer humanlayer.
    #[error("{path} has schema version {version}, this humanlayer knows up to {known}; it was left as it is. Run the newer humanlayer", path = path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        version: usize,
        /// The newest version known here.
        known: usize,
    },
    /// A migration failed and was rolled back.
    #[error("cannot bring {path} to schema version {version}: {source}; it is unchanged", path = path.display())]
    Migrate {
        /// The database.
        path: PathBuf,
        /// The version that was to be made.
        version: usize,
        /// Why.
        source: rusqlite::Error,
    },
    /// A statement failed.
    #[error("the database could not {doing}: {source}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// A stored value cannot be understood.
    #[error("the database holds an unreadable value in {what}: {problem}")]
    Value {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The transaction could not be committed; nothing of it happened.
    #[error("the database could not be written: {0}")]
    Commit(String),
    /// Another process has it.
    #[error("the database {path} is in use by another daemon, perhaps over a link to it: {holder}. `humanlayer daemon status` shows a daemon", path = path.display())]
    InUse {
        /// The database.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// The files are not where they were.
    #[error("{0}")]
    Moved(String),
    /// The store is closed.
    #[error("the database is closed: the daemon is shutting down")]
    Closed,
    /// No such session, approval …
    #[error("no {what} {id:?}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The id that was given.
        id: String,
    },
    /// A prefix that fits several.
    #[error("{id:?} fits more than one {what}; give more of it")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// The prefix that was given.
        id: String,
    },
    /// Somebody was first.
    #[error("approval {} is already resolved: {}", .0.id.short(), .0.outcome.as_str())]
    AlreadyResolved(Box<Approval>),
    /// The decision does not fit the question.
    #[error(transparent)]
    Unfit(#[from] crate::domain::decision::InvalidDecision),
    /// The session is not in a state for this.
    #[error("session {} {problem}", id.short())]
    Conflict {
        /// The session.
        id: SessionId,
        /// Why not, and what to do.
        problem: String,
    },
    /// Something of that name is there already.
    #[error("there is a {what} {name:?} already")]
    Taken {
        /// What was to be made.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A request comes after its deadline.
    #[error("the deadline of this request has passed; nothing happened")]
    Expired,
    /// Whoever sent a request does not wait for it any more.
    #[error("the client gave this request up; nothing happened")]
    GivenUp,
    /// A request was carried out before.
    #[error("this request was carried out already")]
    DoneBefore,
    /// Another request has the same idempotency key.
    #[error("another request has this idempotency key; nothing happened")]
    KeyTaken,
    /// Too many requests are pending.
    #[error(
        "{limit} {what} {whose} are pending already, which is the limit; wait until some are answered"
    )]
    Full {
        /// The bound.
        limit: u64,
        /// Of what.
        what: &'static str,
        /// Whose requests it bounds.
        whose: &'static str,
        /// Whether that is everybody's.
        of_all: bool,
    },
    /// An ingest does not start where the last one ended.
    #[error("journal offset {given} does not follow {stored}: two readers of one journal?")]
    OutOfStep {
        /// Where the ingest starts.
        given: u64,
        /// Where the store is.
        stored: u64,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without a change: the disk was full, say.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Sql { .. } | Self::Commit(_) | Self::Moved(_) => true,
            Self::Open { .. }
            | Self::Corrupt { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Migrate { .. }
            | Self::Value { .. }
            | Self::InUse { .. }
            | Self::Closed
            | Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::AlreadyResolved(_)
            | Self::Unfit(_)
            | Self::Conflict { .. }
            | Self::Taken { .. }
            | Self::Expired
            | Self::GivenUp
            | Self::DoneBefore
            | Self::KeyTaken
            | Self::Full { .. }
            | Self::OutOfStep { .. } => false,
        }
    }
}

/// Names what a statement was for.
trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sql {
            doing: what,
            source,
        })
    }
}

/// Where commits are announced. Called on the writer's thread, so it must not block.
pub trait Publish: Send + 'static {
    /// Events of one commit, in order.
    fn publish(&self, events: Vec<Event>);
    /// A session has another id; told before the events of the same commit.
    fn wire_ids_changed(&self);
    /// Lines wait in the outbox of a session.
    fn outbox_ready(&self, session_key: i64);
    /// Answers for a remote API wait in its outbox.
    fn api_outbox_ready(&self);
}

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: writer::Handle,
    readers: reader::Pool,
    path: Arc<PathBuf>,
    files: files::Files,
    sealer: Arc<Sealer>,
    stamps: Arc<stamp::Stamps>,
}

impl Store {
    /// Opens, creates or migrates the database at `path` (mode 0600) and starts its threads. `answer`
    /// makes the lines that tell an agent the outcome of its questions.
    ///
    /// # Errors
    /// See [`StoreError`]; a file that is not ours is never changed.
    pub fn open(
        path: &Path,
        publisher: impl Publish,
        answer: AnswerLine,
    ) -> Result<Self, StoreError> {
        // Before anything is made beside a file that is not ours.
        schema::refuse_untouched(path)?;
        let sealer = Arc::new(Sealer::beside(path));
        let (writer, files, stamps) = writer::start(path, publisher, answer, &sealer)?;
        let readers = reader::Pool::start(path, READERS, writer.openings())?;
        Ok(Self {
            writer,
            readers,
            path: Arc::new(path.to_owned()),
            files,
            sealer,
            stamps,
        })
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with where the database's files are. What can be put back is put back first.
    pub async fn look_at_files(&self) -> Option<String> {
        if self.files.state() == files::State::InPlace {
            return None;
        }
        // The writer looks before each transaction, and does what can be done.
        match self.writer.run(|_| Ok(())).await {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    /// Who holds the database locked, once the writer has waited for that for a second of late; none if it did not.
    #[must_use]
    pub fn locked_by(&self) -> Option<Locked> {
        self.writer.lock_waits().locked(self.path())
    }

    /// How its commits go.
    #[must_use]
    pub fn commits(&self) -> &Commits {
        self.writer.commits()
    }

    /// How often the database was written back and opened again.
    #[must_use]
    pub fn reopened(&self) -> u64 {
        self.writer
            .openings()
            .load(std::sync::atomic::Ordering::Acquire)
    }

    /// Whether the database can be written now.
    ///
    /// # Errors
    /// Why not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.writer
            .run(|write| {
                // Something must change: SQLite writes nothing for a value that stays.
                write
                    .db
                    .execute(
                        "INSERT INTO counters (name, value) VALUES ('probe', 1)
                         ON CONFLICT (name) DO UPDATE SET value = (value + 1) % 1000000",
                        [],
                    )
                    .map(drop)
                    .doing("write")
            })
            .await
    }

    /// Has what is queued committed without waiting for more to come together.
    pub fn hurry(&self) {
        self.writer.hurry();
    }

    /// Finishes what is queued, folds the write-ahead log into the database and closes it.
    /// Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}
