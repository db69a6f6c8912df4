//! The sessions of a daemon: launching, ending, and the supervisors of their processes in between.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::adopt::{self, RunnerCommand, Which};
use super::agent_info::Asking;
use super::launch::{self, LaunchError, Request};
use super::supervisor::{self, Stop};
use super::{Context, recover};
use crate::daemon::blocking::blocking;
use crate::daemon::store::{Started, StoreError};
use crate::domain::session::Process;
use crate::domain::{LaunchConfig, Session, SessionId};

/// Launches that can go on at once. Those of one id always share a lane, so that the second finds
/// what the first made; others share one by chance and wait some milliseconds.
const LANES: usize = 32;

/// A process that is supervised.
struct Supervised {
    /// Which of its session's processes it is.
    generation: i64,
    /// Cancelled when it is over and everything of it is in the store.
    over: CancellationToken,
}

/// All supervisors; cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    ctx: Arc<Context>,
    live: Arc<Mutex<HashMap<i64, Supervised>>>,
    launching: Arc<[tokio::sync::Mutex<()>; LANES]>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Sessions {
    /// No sessions yet.
    #[must_use]
    pub fn new(ctx: Context) -> Self {
        Self {
            ctx: Arc::new(ctx),
            live: Arc::default(),
            launching: Arc::new(std::array::from_fn(|_| tokio::sync::Mutex::default())),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// What the supervisors share.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Takes up what earlier daemons left running; to be awaited before anything is served.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn recover(&self, runners: &[RunnerCommand]) -> Result<(), StoreError> {
        for session in recover::find(&self.ctx, runners).await? {
            self.supervise(session);
        }
        Ok(())
    }

    /// Adopts what an earlier database knew, and moves aside what belongs to no session. Says what was done.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn repair(&self) -> Result<Vec<String>, StoreError> {
        let known = self.ctx.store.sessions_in_progress().await?;
        let runners = blocking(adopt::living_runners).await;
        let looked = adopt::look(&self.ctx, &known, Which::Settled, &runners).await?;
        let mut done = Vec::new();
        for dir in &looked.over {
            adopt::remove(dir).await;
            let path = dir.path().display();
            done.push(format!(
                "removed {path}, whose process is over and on record"
            ));
        }
        for session in looked.adopted {
            let (id, directory) = (session.id.short().to_owned(), session.directory.clone());
            done.push(format!(
                "adopted session {id} from its directory {directory}"
            ));
            self.supervise(session);
        }
        let ctx = Arc::clone(&self.ctx);
        let (moved, kept) =
            blocking(move || adopt::move_aside(&ctx.sessions_dir, looked.kept)).await;
        done.extend(moved);
        self.ctx.keep(kept);
        Ok(done)
    }

    /// Launches a session. When its id is known already, that session is returned and nothing is
    /// started.
    ///
    /// # Errors
    /// [`LaunchError`]; nothing is left of the session then, except where the runner could not be
    /// started: that is a session which failed.
    pub async fn launch(&self, request: Request) -> Result<Session, LaunchError> {
        let _lane = self.lane(&request.id).await;
        let session = match launch::create(&self.ctx, request).await? {
            Started::Existing(session) => return Ok(session),
            // A person is asked first.
            Started::New(session) if session.process == Process::Gone => return Ok(session),
            Started::New(session) => session,
        };
        let started = launch::start_runner(&self.ctx, &session.id, &session.directory).await;
        self.supervise(session.clone());
        started.map(|_| session)
    }

    /// The permission modes that an agent says it has; none when it does not say. `path` is what its caller has
    /// as `PATH`.
    pub async fn permission_modes(
        &self,
        program: &Path,
        path: Option<&str>,
    ) -> Option<Vec<String>> {
        let asking = asking(program, path);
        let modes = self.ctx.agents.modes(&self.ctx, &asking).await;
        // Whoever asks for its modes is about to launch it.
        let ctx = Arc::clone(&self.ctx);
        self.tasks
            .spawn(async move { ctx.agents.tells_hooks(&ctx, &asking).await });
        modes
    }

    /// Checks that an agent has a permission mode with which it is to be launched, isolated where the launch
    /// is to be.
    ///
    /// # Errors
    /// The modes that it has.
    pub async fn check_permission_mode(
        &self,
        program: &Path,
        config: &LaunchConfig,
        env: &BTreeMap<String, String>,
        working_dir: &Path,
        mode: &str,
    ) -> Result<(), Vec<String>> {
        let path = env.get("PATH").map(String::as_str);
        let mut asking = asking(program, path);
        let ctx = &self.ctx;
        if !config.isolated {
            return ctx.agents.check_mode(ctx, &asking, mode).await;
        }
        let Some(places) = ctx.isolated.clone() else {
            return Ok(());
        };
        let session = SessionId::random();
        let (places_of, kept) = (places.clone(), session.clone());
        let (config, env) = (config.clone(), env.clone().into_iter().collect());
        let (working_dir, program) = (working_dir.to_owned(), asking.program.clone());
        let isolated = blocking(move || {
            places_of.isolate(&session, &working_dir, &config, env, None, &program)
        })
        .await;
        let checked = match isolated {
            Ok(isolated) => {
                asking.isolated = Some(Box::new(isolated.asking()));
                ctx.agents.check_mode(ctx, &asking, mode).await
            }
            // The launch says why it cannot be.
            Err(_) => Ok(()),
        };
        blocking(move || places.remove_kept(&kept)).await;
        checked
    }

    /// Ends a session's process and waits until everything of it is in the store, at most `patience`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it takes longer.
    pub async fn end_and_wait(
        &self,
        session: &Session,
        patience: Duration,
    ) -> Result<(), StoreError> {
        let over = self.lock().get(&session.key).map(|live| live.over.clone());
        match self.ctx.store.request_end(session.id.as_str()).await {
            Ok(_) => {}
            // It has ended already.
            Err(StoreError::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        if let Some(over) = over
            && tokio::time::timeout(patience, over.cancelled())
                .await
                .is_err()
        {
            return Err(StoreError::Conflict {
                id: session.id.clone(),
                problem: "does not end; try again in a moment".to_owned(),
            });
        }
        Ok(())
    }

    /// Keeps others from launching or resuming the same session while the guard lives.
    pub(super) async fn lane(&self, id: &SessionId) -> tokio::sync::MutexGuard<'_, ()> {
        self.launching[lane(id)].lock().await
    }

    /// How many sessions have a process.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.lock().len()
    }

    /// Stops supervising; the sessions go on.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(super) fn supervise(&self, session: Session) {
        let (key, generation) = (session.key, session.generation);
        let over = CancellationToken::new();
        let supervised = Supervised {
            generation,
            over: over.clone(),
        };
        self.lock().insert(key, supervised);
        let sessions = self.clone();
        self.tasks.spawn(async move {
            let ctx = &sessions.ctx;
            let directory = session.directory.clone();
            let stop = sessions.stop.clone();
            let stopped = supervisor::run(Arc::clone(ctx), session, stop).await;
            if let Some(time) = ctx.callers.runner_ended(&directory) {
                let boot = ctx.callers.boot().to_owned();
                if let Err(error) = ctx.store.note_agent_time(boot, directory, time).await {
                    tracing::warn!(%error, "cannot note when an agent ran");
                }
            }
            {
                let mut live = sessions.lock();
                // Its session may have been resumed already.
                if live
                    .get(&key)
                    .is_some_and(|live| live.generation == generation)
                {
                    live.remove(&key);
                    ctx.bus.forget(key);
                }
            }
            over.cancel();
            if stopped == Stop::Over {
                // A message that came while the process was being ended is for the next one.
                sessions.resume_waiting().await;
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Supervised>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn asking(program: &Path, path: Option<&str>) -> Asking {
    Asking {
        program: program.to_owned(),
        path: path.map(str::to_owned),
        isolated: None,
    }
}

fn lane(id: &SessionId) -> usize {
    let mut hasher = DefaultHasher::new();
    id.as_str().hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0)
}
