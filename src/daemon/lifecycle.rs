//! The daemon's life: locks, start, readiness, signals, drain.
//!
//! One daemon serves a socket and one a database: two locks, held for life and freed by the system
//! however it ends. The order of a start is locks, database, runners of earlier daemons, socket; so
//! whoever can connect sees everything. A stop is the reverse and touches no session.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::bus::Bus;
use super::callers::{AlarmKind, Callers};
use super::conditions::{Conditions, Part};
use super::error::{DaemonError, system};
use super::http::{self, Http, HttpOptions, KeyRing};
use super::locks::{Locks, with_suffix};
use super::private_directory::private_dir;
use super::recall;
use super::restoring::Restoring;
use super::session::{self, Sessions};
use super::signals::Signals;
use super::store::{Locked, Store};
use super::user_names::UserNames;
use super::{
    Daemon, askers, directories, disk, orphans, permissions, remote_api, sockets, stopped,
};
use crate::claude::control;
use crate::config::places::{Places, parent};
use crate::domain::Origin;
use crate::ipc;
use crate::platform::{self, Step};

/// Threads of the runtime. The work is waiting and short computing: a second thread would be woken
/// for every line of an agent, to find nothing left to do. What may have to wait for a disk does so on
/// a thread of its own ([`super::blocking`]), what has much to compute gives this one away meanwhile
/// (`block_in_place`), and the database has threads of its own.
const WORKERS: usize = 1;

/// How long a daemon that ends waits for threads that wait for a disk.
const HANGING_PATIENCE: Duration = Duration::from_secs(2);

/// How long a start tries to bind its socket while another process takes the place in between, and the pause between
/// two tries.
const BIND_PATIENCE: Duration = Duration::from_secs(5);
const BIND_PAUSE: Duration = Duration::from_millis(2);

/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(6 * 3600);

/// How often it is looked whether another program has written to the database. Before a standing
/// permission is applied it is looked, too.
const FOREIGN_WRITER_EVERY: Duration = Duration::from_secs(5);

/// How often it is looked whether the database's files are in place.
const LOOK_AT_FILES_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether what sessions wait for is there.
const WAITING_EVERY: Duration = Duration::from_secs(5);

/// How a daemon is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The socket to serve.
    pub socket: PathBuf,
    /// The database; session directories are beside it.
    pub database: PathBuf,
    /// The agent's program; none means `claude` on the PATH.
    pub claude_path: Option<PathBuf>,
    /// How long a session may rest before its process is ended.
    pub session_idle: Duration,
    /// Whether agents are isolated whose launch does not say so.
    pub isolation: bool,
    /// How many sessions one agent may have running that it launched.
    pub agent_launches: u16,
    /// Where to serve the local HumanLayer API.
    pub http: HttpOptions,
    /// The remote API to work with, if any.
    pub remote_api: Option<remote_api::Settings>,
    /// The way up from the process that started this one, read before that could be left.
    pub starter: Vec<Step>,
    /// Whether this one takes the place of one that died: nobody has started it.
    pub restarted: bool,
}

/// Serves until SIGTERM or SIGINT. Builds its own runtime, so nothing may run in another.
///
/// # Errors
/// [`DaemonError`]; a start that fails changes nothing.
pub fn run(options: Options) -> Result<(), DaemonError> {
    platform::hide_from_others()
        .map_err(|error| system("keep other processes out of its memory")(&error))?;
    platform::become_subreaper()
        .map_err(|error| system("take orphans of its agents in")(&error))?;
    let callers = Arc::new(Callers::default());
    match callers.origin(&options.starter) {
        Origin::Agent { session_id, .. } => {
            let session = session_id.short();
            return Err(DaemonError::BelowAnAgent(format!(
                "this one would run below session {session}"
            )));
        }
        Origin::OtherAgent { evidence, .. } => return Err(DaemonError::BelowAnAgent(evidence)),
        Origin::Person { .. } | Origin::Unverified { .. } => {}
    }
    let places = Places::of(&options.database);
    if let Some(over) = places.excess() {
        return Err(DaemonError::TooDeep {
            path: places.sessions,
            over,
        });
    }
    for dir in [
        &places.directory,
        &parent(&options.socket),
        &places.sessions,
    ] {
        private_dir(dir)?;
    }
    let mut locks = vec![
        with_suffix(&options.socket, ".lock"),
        with_suffix(&options.database, ".lock"),
    ];
    // Over a symbolic link it is another daemon's, perhaps.
    let real = fs::canonicalize(&options.database).ok();
    let real = real.filter(|real| *real != options.database);
    locks.extend(real.map(|real| with_suffix(&real, ".lock")));
    let locks = Arc::new(Locks::take(locks)?);
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_stack_size(1024 * 1024)
        .enable_all()
        .build()
        .map_err(|error| system("start the runtime")(&error))?;
    // The database is made in a moment.
    let may_be_first = !options.restarted && was_unused(&options.database, &places.sessions);
    let database = options.database.clone();
    let served = runtime.block_on(serve(
        options,
        places.sessions,
        callers,
        may_be_first,
        Arc::clone(&locks),
    ));
    // What hangs with its disk for longer than this would hang for ever.
    runtime.shutdown_timeout(HANGING_PATIENCE);
    served.map_err(
        |problem| match (problem, platform::who_holds_database(&database)) {
            (problem @ DaemonError::Store(_), Some(holder)) => DaemonError::DatabaseLocked {
                problem: Box::new(problem),
                holder,
            },
            (problem, _) => problem,
        },
    )?;
    // Whoever sees it empty knows that this daemon was stopped and did not die.
    locks.empty();
    Ok(())
}

async fn serve(
    options: Options,
    sessions_dir: PathBuf,
    callers: Arc<Callers>,
    may_be_first: bool,
    locks: Arc<Locks>,
) -> Result<(), DaemonError> {
    let mut signals = Signals::listen()?;
    // While the database is opened. Who has no locks starts no runner, so none is missed.
    let runners = tokio::spawn(blocking(session::adopt::living_runners));
    let bus = Arc::new(Bus::default());
    let store = Store::open(&options.database, Arc::clone(&bus), control::answer)?;
    store.take_over_clock(callers.boot().to_owned()).await?;
    store.look_for_foreign_writer().await?;
    let runners = match runners.await {
        Ok(runners) => runners,
        Err(_) => blocking(session::adopt::living_runners).await,
    };
    let may_be_first = may_be_first && !any_lives_in(&runners, &sessions_dir);
    recall::recall(&callers, &store, &options.starter, may_be_first).await?;
    let context = session::Context::new(
        store.clone(),
        callers,
        Arc::clone(&bus),
        options.session_idle,
        sessions_dir,
        options.claude_path,
        options.socket.to_string_lossy().into_owned(),
    )
    .map_err(|error| system("watch files")(&error))?;
    let context = context.with_lock(with_suffix(&options.database, ".lock"));
    let isolated = session::IsolatedPlaces::of(&parent(&options.database));
    let agents_directory = isolated.socket_directory();
    let agents = private_dir(&agents_directory)
        .map_err(|error| error.to_string())
        .and_then(|()| ipc::bind(&isolated.socket()).map_err(|error| error.to_string()))
        .inspect_err(|problem| tracing::warn!(problem, "isolated agents cannot be served"))
        .ok();
    let isolated = agents.is_some().then_some(isolated);
    let context = context.with_isolation(isolated, options.isolation);
    let sessions = Sessions::new(context);
    sessions.recover(&runners).await?;
    let keys = Arc::new(KeyRing::default());
    keys.reload(&store).await?;
    let listener = bind_socket(&options.socket).await?;
    let shutdown = CancellationToken::new();
    let remote_api = options
        .remote_api
        .map(|settings| remote_api::start(settings, &store, &bus, &sessions, &shutdown));
    let conditions = Arc::clone(&sessions.context().conditions);
    conditions.set(Part::SessionDirectories, sessions.context().kept());
    let daemon = Arc::new(Daemon {
        store: store.clone(),
        bus,
        sessions: sessions.clone(),
        keys,
        http: Arc::new(Http::default()),
        started_at: Timestamp::now(),
        remote_api: remote_api.as_ref().map(remote_api::RemoteApi::status),
        conditions: Arc::clone(&conditions),
        user_names: UserNames::default(),
        socket: options.socket.clone(),
        answers: super::rpc::Answers::default(),
        agent_launches: tokio::sync::Mutex::default(),
        most_agent_launches: options.agent_launches,
        permissions: Arc::new(Notify::new()),
        askers: Arc::new(Notify::new()),
        restoring: Restoring::default(),
    });
    let server =
        |lock| sockets::server(&daemon, lock).map_err(|error| system("register methods")(&error));
    let lock = with_suffix(&options.socket, ".lock");
    let beside = sockets::abstract_listener(&options.socket);
    let beside_name = beside.as_ref().map(|beside| beside.name().to_vec());
    let serving = tokio::spawn(server(Some(lock))?.serve(listener, beside, shutdown.clone()));
    let serving_agents = match agents {
        Some(listener) => Some(tokio::spawn(server(None)?.serve(
            listener,
            None,
            shutdown.clone(),
        ))),
        None => None,
    };
    let http = serve_http(&daemon, options.http, shutdown.clone())?;
    let chores = [
        tokio::spawn(permissions::expire(
            store.clone(),
            Arc::clone(&daemon.permissions),
            shutdown.clone(),
        )),
        tokio::spawn(prune(store.clone(), shutdown.clone())),
        tokio::spawn(look_for_foreign_writer(store.clone(), shutdown.clone())),
        tokio::spawn(askers::watch(
            store.clone(),
            Arc::clone(&daemon.askers),
            shutdown.clone(),
        )),
        tokio::spawn(resume_waiting(sessions.clone(), shutdown.clone())),
        tokio::spawn(directories::watch(store.clone(), shutdown.clone())),
        tokio::spawn(sockets::watch_names(
            Arc::clone(&daemon),
            beside_name,
            shutdown.clone(),
        )),
        tokio::spawn(stopped::watch(
            sessions.clone(),
            Arc::clone(&conditions),
            shutdown.clone(),
        )),
        tokio::spawn(look_at_files(
            store.clone(),
            Arc::clone(&conditions),
            locks,
            agents_directory,
            shutdown.clone(),
        )),
        tokio::spawn(disk::watch(
            store.clone(),
            Arc::clone(&conditions),
            shutdown.clone(),
        )),
        tokio::spawn(orphans::collect(
            Arc::clone(&sessions.context().callers),
            shutdown.clone(),
        )),
    ];
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        socket = %options.socket.display(),
        database = %options.database.display(),
        sessions = sessions.live_count(),
        "serving"
    );
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    signals.stop(&daemon).await;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping; the sessions go on");
    crate::failpoint::hit("lifecycle.stopping");
    shutdown.cancel();
    let _ = serving.await;
    if let Some(serving) = serving_agents {
        let _ = serving.await;
    }
    let _ = http.await;
    sessions.stop().await;
    if let Some(remote_api) = remote_api {
        remote_api.ended().await;
    }
    for chore in chores {
        let _ = chore.await;
    }
    crate::failpoint::hit("lifecycle.drained");
    store.close().await;
    daemon.restoring.carry_out(&options.database);
    tracing::info!("stopped");
    Ok(())
}

/// Binds the socket; while an agent listens in its place again and again, too.
async fn bind_socket(path: &Path) -> Result<ipc::Listener, ipc::BindError> {
    let deadline = Instant::now() + BIND_PATIENCE;
    loop {
        match ipc::bind(path) {
            // Somebody has bound it between our look and our own binding.
            Err(error) if error.is_taken_meanwhile() && Instant::now() < deadline => {
                tokio::time::sleep(BIND_PAUSE).await;
            }
            settled => return settled,
        }
    }
}

/// Whether nothing but a database was kept here before: else a first start here may not record its place.
fn was_unused(database: &Path, sessions_dir: &Path) -> bool {
    let no_sessions = fs::read_dir(sessions_dir).is_ok_and(|mut entries| entries.next().is_none());
    database.exists() || no_sessions
}

/// Whether a runner lives here, whether or not its files do: then a first start may not record its place either.
fn any_lives_in(runners: &[session::adopt::RunnerCommand], sessions_dir: &Path) -> bool {
    let mut directories = runners.iter().filter_map(|(_, arguments)| arguments.get(2));
    directories.any(|directory| Path::new(directory).starts_with(sessions_dir))
}

/// Serves the local HumanLayer API on a thread of its own, where it is in nobody's way. What is
/// returned ends when it has.
fn serve_http(
    daemon: &Arc<Daemon>,
    options: HttpOptions,
    stop: CancellationToken,
) -> Result<oneshot::Receiver<()>, DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("start a runtime for HTTP")(&error))?;
    let serving = http::serve(
        Arc::clone(&daemon.http),
        options,
        daemon.store.clone(),
        Arc::clone(&daemon.bus),
        daemon.sessions.clone(),
        Arc::clone(&daemon.keys),
        stop,
    );
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("http".to_owned())
        .spawn(move || {
            runtime.block_on(serving);
            // A look at a process that still runs is not waited for.
            runtime.shutdown_background();
            let _ = ended.send(());
        })
        .map_err(|error| system("start a thread for HTTP")(&error))?;
    Ok(end)
}

/// Looks whether another program has written to the database.
async fn look_for_foreign_writer(store: Store, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FOREIGN_WRITER_EVERY) => {}
        }
        if let Err(error) = store.look_for_foreign_writer().await {
            tracing::warn!(%error, "cannot look whether another program writes to the database");
        }
        store.note_progress().await;
    }
}

/// Looks whether the database's files are where they were, and whether somebody else holds them locked. (Holding the
/// lock ourselves all the time would keep others out, but our own readers, too, and backups.)
async fn look_at_files(
    store: Store,
    conditions: Arc<Conditions>,
    locks: Arc<Locks>,
    agents: PathBuf,
    stop: CancellationToken,
) {
    let mut reopened = store.reopened();
    // It cannot be recorded while the lock lasts.
    let mut unrecorded: Option<String> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_AT_FILES_EVERY) => {}
        }
        let (renewing, agents) = (Arc::clone(&locks), agents.clone());
        blocking(move || {
            renewing.renew();
            // The socket in it is bound again once it is there; where all is moved away, it is not made.
            if agents.parent().is_some_and(Path::is_dir)
                && let Err(error) = private_dir(&agents)
            {
                tracing::warn!(%error, "isolated agents have no socket");
            }
        })
        .await;
        let locked = store.locked_by();
        if let Some(Locked { by, .. }) = &locked {
            unrecorded = Some(format!(
                "another program held the database locked, so that nothing could be decided or recorded meanwhile: {by}. No standing permission applies until you have acknowledged this"
            ));
        }
        conditions.set(Part::DatabaseLock, locked.as_ref().map(how_locked));
        if locked.is_some_and(|locked| locked.lasts) {
            continue;
        }
        // Where it is locked again and again, this shows whether that goes on, too.
        if let Some(detail) = &unrecorded {
            let kind = AlarmKind::ForeignWriter;
            match store.raise_about_daemon(kind, detail.clone()).await {
                Ok(()) => unrecorded = None,
                Err(error) => {
                    tracing::warn!(%error, "cannot record that the database was locked");
                    continue;
                }
            }
        }
        conditions.set(Part::Database, store.look_at_files().await);
        // A commit may have found out first.
        let now = store.reopened();
        if now != reopened {
            reopened = now;
            let detail = format!(
                "the database {} was deleted or replaced while it was in use; it was written back whole",
                store.path().display()
            );
            let kind = AlarmKind::DatabaseMoved;
            if let Err(error) = store.raise_about_daemon(kind, detail).await {
                tracing::warn!(%error, "cannot record that the database was deleted");
            }
        }
    }
}

/// How a locked database is told of.
fn how_locked(Locked { by, lasts }: &Locked) -> String {
    if *lasts {
        format!("the database is locked, so nothing can be decided or recorded, by {by}")
    } else {
        format!(
            "the database is locked again and again, so that what is decided and recorded has to wait, by {by}"
        )
    }
}

/// Resumes sessions whose next process waited for something, once that is there.
async fn resume_waiting(sessions: Sessions, stop: CancellationToken) {
    loop {
        sessions.resume_waiting().await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(WAITING_EVERY) => {}
        }
    }
}

async fn prune(store: Store, stop: CancellationToken) {
    loop {
        loop {
            match store.prune().await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => {
                    tracing::debug!("looked for what is past its time");
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot delete what is past its time");
                    break;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
    }
}

/// A thousand clients and hundreds of runners need more descriptors than the usual soft limit.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}
