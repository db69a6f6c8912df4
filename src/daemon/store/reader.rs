//! Reading beside the writer: a few threads, each with a read-only connection of its own.
//!
//! Owns a bounded queue; callers wait when it is full. A read runs in one deferred transaction, so
//! that all its statements see the same moment.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Doing as _, READ_QUEUE, StoreError, lock_waits, schema};

/// Reads that run at once for callers that are not proven to be a person's programs: a reader is always
/// left for those that are.
const READS_OF_OTHERS: usize = 1;

tokio::task_local! {
    /// Set where a call of such a caller is served.
    static FOR_OTHERS: ();
}

/// Serves a call of a caller that is not proven to be a person's program.
pub async fn for_others<T>(call: impl Future<Output = T>) -> T {
    FOR_OTHERS.scope((), call).await
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Sends reads to the threads.
#[derive(Clone)]
pub struct Pool {
    queue: Arc<Mutex<Option<mpsc::Sender<Job>>>>,
    others: Arc<Semaphore>,
}

impl Pool {
    /// Starts `count` threads.
    /// `openings` counts how often the database was written back and is to be opened again.
    pub fn start(path: &Path, count: usize, openings: &Arc<AtomicU64>) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel::<Job>(READ_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for index in 0..count {
            let db = open(path)?;
            let reader = Reader {
                path: path.to_owned(),
                db,
                opening: openings.load(Ordering::Acquire),
                openings: Arc::clone(openings),
            };
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new()
                .name(format!("store-reader-{index}"))
                .spawn(move || serve(reader, &jobs))
                .map_err(|error| {
                    StoreError::Commit(format!("cannot start a reader thread: {error}"))
                })?;
        }
        Ok(Self {
            queue: Arc::new(Mutex::new(Some(queue))),
            others: Arc::new(Semaphore::new(READS_OF_OTHERS)),
        })
    }

    /// Runs a read and waits for what it finds.
    pub async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _turn = match FOR_OTHERS.try_with(|()| ()) {
            Ok(()) => Some(
                self.others
                    .acquire()
                    .await
                    .map_err(|_| StoreError::Closed)?,
            ),
            Err(_) => None,
        };
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let queue = queue.ok_or(StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let result = snapshot(db, read);
            // A caller that stopped waiting does not want the answer.
            let _ = answer.send(result);
        });
        queue.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Takes no more reads; the threads end when the running ones are done.
    pub fn close(&self) {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

fn snapshot<T>(
    db: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = db.unchecked_transaction().doing("begin a read")?;
    let result = read(&tx);
    tx.finish().doing("end a read")?;
    result
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)
        .map_err(|source| schema::unreadable(path, source))?;
    lock_waits::wait_by_short_pauses(&mut db).doing("set its patience")?;
    schema::keep_plans(&db).doing("keep its plans")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// One thread's connection.
struct Reader {
    path: PathBuf,
    db: Connection,
    /// Of which opening of the database it is.
    opening: u64,
    openings: Arc<AtomicU64>,
}

impl Reader {
    /// The connection, to the database that is in place.
    fn db(&mut self) -> &Connection {
        let now = self.openings.load(Ordering::Acquire);
        if now != self.opening {
            match open(&self.path) {
                Ok(db) => {
                    self.db = db;
                    self.opening = now;
                }
                // What it has open is whole up to then.
                Err(error) => tracing::error!(%error, "cannot open the database again for reading"),
            }
        }
        &self.db
    }
}

fn serve(mut reader: Reader, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        // Held only while waiting: the thread that gets a job lets the next one wait.
        let job = jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        match job {
            Some(job) => job(reader.db()),
            None => return,
        }
    }
}
