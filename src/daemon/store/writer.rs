//! The writer thread: queued jobs in, transactions, then answers and events out.
//!
//! Owns the only writing connection and the global sequence counter. A job for which somebody waits
//! never meets another one's failure: jobs run under savepoints then. Those for which nobody waits,
//! which are given again when they fail, share their fate. A commit that fails fails every job in it. A job that
//! panics would poison the thread, so jobs do not panic: all of them return errors. Jobs for which
//! nobody waits may be held back for some milliseconds while commits follow closely on each other.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::commits::Commits;
use super::database::{Database, NotBegun};
use super::files::Files;
use super::known_sessions::KnownSessions;
use super::lock_waits::LockWaits;
use super::stamp::Stamps;
use super::tx::{AnswerLine, Write};
use super::{Publish, StoreError, WRITE_BATCH, WRITE_QUEUE, once, seals, sequence};
use crate::daemon::follow::Follower;
use crate::daemon::secrets::Sealer;

type Finish = Box<dyn FnOnce(Result<(), Arc<str>>) + Send>;
/// Runs with the transaction, or with none when it could not be begun; says whether to keep what it
/// did, and how to answer its caller after the commit.
type Job = Box<dyn FnOnce(Result<&mut Write<'_>, NotBegun>) -> (bool, Finish) + Send>;

enum Message {
    Run(Job, Urgency),
    Close(oneshot::Sender<()>),
}

/// Shortest time between two commits when nobody waits for the second one. Many agents that speak
/// at once share a commit then; one that speaks alone is served at once.
const GATHER: Duration = Duration::from_millis(10);

/// Whether somebody waits for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Commit at once.
    Now,
    /// May wait for some milliseconds to share a commit.
    Soon,
}

/// Sends jobs to the thread.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<Message>,
    /// Set when the thread must not wait for more.
    hurry: Arc<AtomicBool>,
    thread: Thread,
    /// How often the database was opened again.
    openings: Arc<AtomicU64>,
    lock_waits: Arc<LockWaits>,
    commits: Arc<Commits>,
}

impl Handle {
    /// How its commits go.
    pub fn commits(&self) -> &Commits {
        &self.commits
    }

    /// How long it waits for other programs.
    pub fn lock_waits(&self) -> &LockWaits {
        &self.lock_waits
    }

    /// How often the database was opened again.
    pub fn openings(&self) -> &Arc<AtomicU64> {
        &self.openings
    }

    /// Runs the job that carries out what a request asks for: not again if it was before.
    pub async fn run_once<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_once_if(|_| true, job).await
    }

    /// The same for a job that may find that there is nothing to do for it.
    pub async fn run_once_if<T: Send + 'static>(
        &self,
        is_done: fn(&T) -> bool,
        job: impl FnOnce(&mut Write<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(request) = once::to_be_noted() else {
            return self.run(job).await;
        };
        self.run(move |write| {
            request.must_be_new(write.db)?;
            let done = job(write)?;
            if is_done(&done) {
                request.note(write)?;
            }
            Ok(done)
        })
        .await
    }

    /// Runs a job in a transaction and answers after its commit.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Write<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_with(Urgency::Now, job).await
    }

    /// The same for a job that may not be urgent.
    pub async fn run_with<T: Send + 'static>(
        &self,
        urgency: Urgency,
        job: impl FnOnce(&mut Write<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        // What a request is served with is known on its task only.
        let request = match urgency {
            Urgency::Now => once::current(),
            Urgency::Soon => None,
        };
        let commits = Arc::clone(&self.commits);
        let job: Job = Box::new(move |write| {
            let result = match write {
                Ok(write) => match &request {
                    Some(request) => request.must_be_wanted().and_then(|()| job(write)),
                    None => job(write),
                },
                Err(NotBegun::Failed(problem)) => Err(StoreError::Commit(problem.to_string())),
                Err(NotBegun::Moved(problem)) => Err(StoreError::Moved(problem)),
            };
            let keep = result.is_ok();
            if let Err(error) = &result {
                commits.job_failed(error);
            }
            let finish: Finish = Box::new(move |commit| {
                // Of two problems the job's own says more.
                let result = match commit {
                    Err(problem) if result.is_ok() => Err(StoreError::Commit(problem.to_string())),
                    Ok(()) | Err(_) => result,
                };
                // A caller that stopped waiting does not want the answer; the commit stands.
                let _ = answer.send(result);
            });
            (keep, finish)
        });
        self.queue
            .send(Message::Run(job, urgency))
            .await
            .map_err(|_| StoreError::Closed)?;
        match urgency {
            Urgency::Now => self.hurry(),
            Urgency::Soon => {}
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the thread finish what is queued before it, and end.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            self.hurry();
            let _ = closed.await;
        }
    }

    /// Lets the thread wait for nothing before its next commit.
    pub fn hurry(&self) {
        // Only the first one has to wake it.
        if !self.hurry.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Opens the database for writing and starts the thread.
pub fn start(
    path: &Path,
    publisher: impl Publish,
    answer: AnswerLine,
    sealer: &Arc<Sealer>,
) -> Result<(Handle, Files, Arc<Stamps>), StoreError> {
    let database = Database::open(path, sealer)?;
    let files = database.files().clone();
    let stamps = Arc::clone(database.stamps());
    let openings = Arc::clone(database.openings());
    let seq = sequence::last_seq(database.as_opened())?;
    let (queue, jobs) = mpsc::channel(WRITE_QUEUE);
    let with = With {
        answer,
        follower: Follower::new(path),
        sealer: Some(Arc::clone(sealer)),
        lock_waits: Arc::default(),
        commits: Arc::default(),
    };
    let lock_waits = Arc::clone(&with.lock_waits);
    let commits = Arc::clone(&with.commits);
    let hurry = Arc::new(AtomicBool::new(false));
    let hurried = Arc::clone(&hurry);
    let thread = std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || serve(database, seq, jobs, &hurried, &publisher, &with))
        .map_err(|error| StoreError::Commit(format!("cannot start the writer thread: {error}")))?;
    let handle = Handle {
        queue,
        hurry,
        thread: thread.thread().clone(),
        openings,
        lock_waits,
        commits,
    };
    Ok((handle, files, stamps))
}

/// What jobs are given beside the database.
struct With {
    answer: AnswerLine,
    follower: Follower,
    /// Seals what permits something; none in tests of the writer alone.
    sealer: Option<Arc<Sealer>>,
    lock_waits: Arc<LockWaits>,
    commits: Arc<Commits>,
}

fn serve(
    mut database: Database,
    mut seq: i64,
    mut jobs: mpsc::Receiver<Message>,
    hurry: &AtomicBool,
    publisher: &impl Publish,
    with: &With,
) {
    let mut batch = VecDeque::with_capacity(WRITE_BATCH);
    let mut careful = 0;
    let mut last = Instant::now();
    while let Some(first) = jobs.blocking_recv() {
        match &first {
            Message::Run(_, Urgency::Soon) => gather(last + GATHER, hurry),
            // Whoever set the flag before now is in the queue and served in this round.
            Message::Run(_, Urgency::Now) | Message::Close(_) => {
                hurry.store(false, Ordering::Release);
            }
        }
        let mut closing = None;
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Run(job, urgency) => batch.push_back((job, urgency)),
                Message::Close(done) => {
                    closing = Some(done);
                    break;
                }
            }
            next = if batch.len() < WRITE_BATCH {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        with.commits.begin();
        match database.in_place() {
            Ok(place) => commit(place, &mut seq, &mut batch, &mut careful, publisher, with),
            Err(why) => give_up(&mut batch, &why),
        }
        database.fold_in_long_log();
        with.commits.end();
        last = Instant::now();
        if let Some(done) = closing {
            jobs.close();
            database.close();
            let _ = done.send(());
            return;
        }
    }
    database.close();
}

/// Answers jobs for which there is no transaction.
fn give_up(batch: &mut VecDeque<(Job, Urgency)>, why: &NotBegun) {
    let error: Arc<str> = "not begun".into();
    for (job, _) in batch.drain(..) {
        let (_, finish) = job(Err(why.clone()));
        finish(Err(Arc::clone(&error)));
    }
}

/// Lets jobs come together until then, unless somebody waits for one. The flag is set after its job
/// was sent, so a job that is missed here is seen in the next round, which then does not wait.
fn gather(until: Instant, hurry: &AtomicBool) {
    while !hurry.swap(false, Ordering::AcqRel) {
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return;
        }
        std::thread::park_timeout(rest);
    }
}

fn commit(
    (db, known): (&Connection, &mut KnownSessions),
    seq: &mut i64,
    batch: &mut VecDeque<(Job, Urgency)>,
    careful: &mut usize,
    publisher: &impl Publish,
    with: &With,
) {
    if batch.is_empty() {
        return;
    }
    let mut write = Write {
        db,
        now: super::rows::now(),
        answer: with.answer,
        follower: &with.follower,
        known,
        seq: *seq,
        events: Vec::new(),
        wakes: BTreeSet::new(),
        wakes_api: false,
        wire_ids_changed: false,
    };
    let mut finishes = Vec::with_capacity(batch.len());
    // Whoever waits must not meet another one's failure; others come again by themselves.
    let waited_for = batch.iter().any(|(_, urgency)| *urgency == Urgency::Now);
    let way = match batch.len() {
        1 => Way::Alone,
        _ if waited_for || *careful > 0 => Way::Apart,
        _ => Way::Together,
    };
    *careful = careful.saturating_sub(1);
    let outcome = (|| -> Result<(), String> {
        let sql = |error: rusqlite::Error| {
            with.commits.statement_failed(&error);
            error.to_string()
        };
        with.lock_waits
            .begin(db)
            .inspect_err(|error| with.commits.not_begun(error))?;
        write.known.look(db).map_err(sql)?;
        while let Some((job, _)) = batch.pop_front() {
            let (kept, finish) = match way {
                Way::Alone => run_alone(db, &mut write, job).map_err(sql)?,
                Way::Apart => run_apart(db, &mut write, job).map_err(sql)?,
                Way::Together => run_together(db, &mut write, job),
            };
            finishes.push(finish);
            if !kept {
                *careful = CAREFUL;
                return Err("another job of its transaction failed".to_owned());
            }
        }
        if let Some(sealer) = &with.sealer {
            seals::seal_changed(db, sealer).map_err(sql)?;
        }
        crate::failpoint::hit("store.before_commit");
        db.execute_batch("COMMIT").map_err(sql)
    })();
    let outcome = match outcome {
        Ok(()) => {
            crate::failpoint::hit("store.after_commit");
            *seq = write.seq;
            if write.wire_ids_changed {
                publisher.wire_ids_changed();
            }
            publisher.publish(write.events);
            for key in write.wakes {
                publisher.outbox_ready(key);
            }
            if write.wakes_api {
                publisher.api_outbox_ready();
            }
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "a transaction failed; nothing of it happened");
            write.known.forget();
            if !db.is_autocommit()
                && let Err(error) = db.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "the rollback failed");
            }
            let error: Arc<str> = Arc::from(error);
            let why = NotBegun::Failed(Arc::clone(&error));
            finishes.extend(batch.drain(..).map(|(job, _)| job(Err(why.clone())).1));
            Err(error)
        }
    };
    for finish in finishes {
        finish(outcome.clone());
    }
}

/// How the jobs of a transaction are kept from harming each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// There is one only.
    Alone,
    /// Each has a savepoint, so that one that fails undoes itself only.
    Apart,
    /// They share their fate, because a savepoint has SQLite copy every page that a job changes.
    Together,
}

/// Transactions after one in which a job failed whose jobs are kept apart: the job will come again,
/// and must not take others with it for ever.
const CAREFUL: usize = 1_000;

/// Runs the only job of a transaction, which undoes itself with it. Says whether the transaction can
/// go on, as the other ways do.
fn run_alone(db: &Connection, write: &mut Write<'_>, job: Job) -> rusqlite::Result<(bool, Finish)> {
    let seq = write.seq;
    let (keep, finish) = job(Ok(write));
    if !keep {
        write.seq = seq;
        write.events.clear();
        write.wakes.clear();
        write.known.forget();
        // A full disk may have ended the whole transaction already; then the commit says so.
        if !db.is_autocommit() {
            db.execute_batch("ROLLBACK; BEGIN")?;
        }
    }
    Ok((true, finish))
}

fn run_apart(db: &Connection, write: &mut Write<'_>, job: Job) -> rusqlite::Result<(bool, Finish)> {
    let (seq, events, wakes) = (write.seq, write.events.len(), write.wakes.clone());
    db.prepare_cached("SAVEPOINT job")?.execute([])?;
    let (keep, finish) = job(Ok(write));
    if !keep {
        write.seq = seq;
        write.events.truncate(events);
        write.wakes = wakes;
        write.known.forget();
        // A full disk may have ended the whole transaction already; then the commit says so.
        if !db.is_autocommit() {
            db.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
    }
    if !db.is_autocommit() {
        db.prepare_cached("RELEASE job")?.execute([])?;
    }
    Ok((true, finish))
}

/// One that fails before it has changed anything harms nobody.
fn run_together(db: &Connection, write: &mut Write<'_>, job: Job) -> (bool, Finish) {
    let (seq, changes) = (write.seq, db.total_changes());
    let (keep, finish) = job(Ok(write));
    let untouched = seq == write.seq && changes == db.total_changes() && !db.is_autocommit();
    (keep || untouched, finish)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::domain::Event;

    #[test]
    fn gathering_ends_at_once_when_somebody_waits_or_its_time_is_over() {
        let far = Instant::now() + Duration::from_secs(3600);
        let hurry = AtomicBool::new(true);
        gather(far, &hurry);
        assert!(!hurry.load(Ordering::Acquire), "the flag is used up");
        gather(Instant::now(), &hurry);
    }

    struct Nobody;

    impl Publish for Nobody {
        fn publish(&self, _: Vec<Event>) {}
        fn wire_ids_changed(&self) {}
        fn outbox_ready(&self, _: i64) {}
        fn api_outbox_ready(&self) {}
    }

    /// Commits jobs that each put their number into a table and fail if it is odd; says which
    /// succeeded, and what is in the table.
    fn committed(urgency: Urgency, careful: &mut usize, jobs: &[i64]) -> (Vec<bool>, Vec<i64>) {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let job = |number: &i64| -> (Job, Urgency) {
            let (number, told) = (*number, Arc::clone(&told));
            let job: Job = Box::new(move |write| {
                let insert = |write: &mut Write<'_>| {
                    write
                        .db
                        .execute("INSERT INTO t VALUES (?)", [number])
                        .unwrap();
                };
                let good = number % 2 == 0;
                write.map(insert).unwrap();
                let finish: Finish = Box::new(move |commit| {
                    told.lock().unwrap().push(good && commit.is_ok());
                });
                (good, finish)
            });
            (job, urgency)
        };
        let mut batch: VecDeque<_> = jobs.iter().map(job).collect();
        let with = With {
            answer: crate::claude::control::answer,
            follower: Follower::new(Path::new("/none/daemon.db")),
            sealer: None,
            lock_waits: Arc::default(),
            commits: Arc::default(),
        };
        let mut known = KnownSessions::default();
        commit(
            (&db, &mut known),
            &mut 0,
            &mut batch,
            careful,
            &Nobody,
            &with,
        );
        let mut query = db.prepare("SELECT n FROM t ORDER BY n").unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        let told = told.lock().unwrap().clone();
        (told, rows.map(Result::unwrap).collect())
    }

    #[test]
    fn a_failure_harms_nobody_who_waits() {
        let mut careful = 0;
        let done = committed(Urgency::Now, &mut careful, &[2, 3, 4]);
        assert_eq!(done, (vec![true, false, true], vec![2, 4]));
        assert_eq!(careful, 0);
    }

    #[test]
    fn a_failure_among_those_that_come_again_undoes_all_once_and_then_only_itself() {
        let mut careful = 0;
        let (told, rows) = committed(Urgency::Soon, &mut careful, &[2, 3]);
        assert_eq!((told, rows), (vec![false, false], vec![]));
        let done = committed(Urgency::Soon, &mut careful, &[2, 3, 4]);
        assert_eq!(done, (vec![true, false, true], vec![2, 4]));
    }

    #[test]
    fn gathering_is_cut_short_by_whoever_waits() {
        let hurry = Arc::new(AtomicBool::new(false));
        let (handle_hurry, far) = (
            Arc::clone(&hurry),
            Instant::now() + Duration::from_secs(3600),
        );
        let thread = std::thread::spawn(move || gather(far, &hurry));
        let (queue, _jobs) = mpsc::channel(1);
        let handle = Handle {
            queue,
            hurry: handle_hurry,
            thread: thread.thread().clone(),
            openings: Arc::default(),
            lock_waits: Arc::default(),
            commits: Arc::default(),
        };
        handle.hurry();
        thread.join().unwrap();
    }
}
