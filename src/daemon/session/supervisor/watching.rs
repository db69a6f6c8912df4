//! A supervisor's watch over the project's files of Claude Code while its agent works.
//!
//! Claude Code takes changed settings up by itself, after about a second or two. So while a turn runs it is
//! looked every [`POLL`] whether a file that counts has changed. Files that nobody has agreed to are an
//! alarm: the agent's processes are stopped, a person is asked, and by the answer they go on, or are ended
//! (the next process is started without the files then). What a person granted with an approval in this
//! repository is agreed to. A runner of an earlier release cannot stop an agent: there the alarm is all.
//!
//! A look is made on a thread that may hang with the disk. It keeps up nothing but its session, whose agent is
//! stopped until it is over: what is not known is not agreed to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Problem, Supervisor};
use crate::daemon::project::{Found, Stamps};
use crate::daemon::session::own_env;
use crate::daemon::session::projects::{self, Verdict};
use crate::domain::project::{Content, Project};
use crate::runner::frame::{Request, Signal};

/// How often it is looked whether files have changed. It costs some tens of microseconds for a session in a
/// turn, and nothing for one at rest.
pub(super) const POLL: Duration = Duration::from_millis(300);

/// How long a look is waited for before the agent is stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a look at the project's files has found.
enum Look {
    /// They are as they were, and so the stamps.
    Same(Box<Found>, Stamps),
    /// They have to be read again.
    Changed,
    /// What is there.
    Read(Box<Found>),
}

/// What is known of the project's files.
#[derive(Default)]
pub(super) struct Watching {
    /// As they were looked at last.
    found: Option<(Box<Found>, Stamps)>,
    /// The look that was not over in time.
    looking: Option<JoinHandle<Look>>,
    /// When they are looked at next.
    due: Option<Instant>,
    /// Whether the agent is stopped.
    pub(super) held: bool,
    /// The user's own settings when they were looked at first.
    users: Option<BTreeMap<String, Content>>,
    /// Whether it was seen on this link that the agent runs.
    goes_on: bool,
    /// Whether it was looked at the project before the process was launched, once that is known. One of an
    /// earlier release was not, and is left alone: an upgrade stops no agent.
    was_looked_at: Option<bool>,
    /// Whether it was noted which files decide what this process runs unasked, where nothing more is looked at.
    is_noted: bool,
}

impl Watching {
    /// On a new link nothing is known of what was done on an earlier one.
    pub(super) fn linked(&mut self) {
        self.goes_on = false;
        self.found = None;
    }

    /// When it has to be looked again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Supervisor {
    /// Looks whether the project's files are still those that a person has agreed to.
    pub(super) async fn watch_project(&mut self) -> Result<(), Problem> {
        if self.link.is_none() {
            self.watching.due = None;
            return Ok(());
        }
        if !self.session.config.uses_project() {
            self.watching.due = None;
            return self.note_named_files().await;
        }
        let was_looked_at = match self.watching.was_looked_at {
            Some(known) => known,
            None => {
                let known = self.ctx.store.has_repository(self.session.key).await;
                *self
                    .watching
                    .was_looked_at
                    .insert(known.map_err(Problem::Store)?)
            }
        };
        if !was_looked_at {
            return self.note_named_files().await;
        }
        let is_ending = self.session.end_requested_at.is_some();
        let active = self.session.status.is_active() || self.unsent && !is_ending;
        let now = Instant::now();
        if !active && !self.watching.held && self.watching.goes_on {
            self.watching.due = None;
            return Ok(());
        }
        if self.watching.due.is_some_and(|due| due > now) && !self.unsent {
            return Ok(());
        }
        self.watching.due = Some(now + POLL);
        match self.look().await? {
            Some(Look::Same(found, stamps)) => {
                let project = found.project.clone();
                self.watching.found = Some((found, stamps));
                match self.watching.held {
                    false => Ok(()),
                    // It may have been answered meanwhile.
                    true => self.judge_project(project).await,
                }
            }
            Some(Look::Read(found)) => self.on_project(found).await,
            Some(Look::Changed) | None => self.hold().await,
        }
    }

    /// Stops the agent until it is known what there is.
    async fn hold(&mut self) -> Result<(), Problem> {
        if !self.watching.held {
            tracing::warn!(session = %self.session.id, "the files of the project do not answer: its agent is stopped until they do");
            self.tell(Request::Stop {}).await;
            self.watching.held = true;
            let noted = self.ctx.store.note_silent_project(self.session.key).await;
            noted.map_err(Problem::Store)?;
        }
        Ok(())
    }

    /// What the look that was begun before, or one that begins now, has found; none while it is not over.
    async fn look(&mut self) -> Result<Option<Look>, Problem> {
        let mut look = match self.watching.looking.take() {
            Some(look) if !look.is_finished() => {
                self.watching.looking = Some(look);
                return Ok(None);
            }
            Some(look) => look,
            None => match self.watching.found.take() {
                Some((found, stamps)) => {
                    tokio::task::spawn_blocking(move || match found.stamps() {
                        now if now == stamps => Look::Same(found, now),
                        _ => Look::Changed,
                    })
                }
                None => self.begin_to_read().await?,
            },
        };
        loop {
            match timeout(PATIENCE, &mut look).await {
                Ok(Ok(Look::Changed)) => look = self.begin_to_read().await?,
                Ok(Ok(found)) => return Ok(Some(found)),
                // It is begun anew.
                Ok(Err(error)) => {
                    tracing::error!(session = %self.session.id, %error, "a look at the project's files failed");
                    return Ok(None);
                }
                Err(_) => {
                    self.watching.looking = Some(look);
                    return Ok(None);
                }
            }
        }
    }

    /// Reads what the project and the user's own settings bring.
    async fn begin_to_read(&mut self) -> Result<JoinHandle<Look>, Problem> {
        let secrets = self.ctx.store.launch_secrets(&self.session).await;
        let env = secrets.map_err(Problem::Store)?.ok();
        let env = env.and_then(|secrets| secrets.env).unwrap_or_else(own_env);
        let read = projects::reader(
            &self.session.config,
            Path::new(&self.session.working_dir),
            Some(&env),
        );
        Ok(tokio::task::spawn_blocking(move || {
            Look::Read(Box::new(read()))
        }))
    }

    /// Notes what the project's commands run: accepted edits do not cover that.
    async fn note_named(&self, found: &Found) {
        let named = found.named().iter();
        let named = named.map(|path| path.to_string_lossy().into_owned());
        let (store, key) = (&self.ctx.store, self.session.key);
        store.note_named_files(key, named.collect()).await;
    }

    /// Notes it once for a process whose project is not watched.
    async fn note_named_files(&mut self) -> Result<(), Problem> {
        self.watching.due = None;
        if self.watching.is_noted {
            return Ok(());
        }
        match self.look().await? {
            Some(Look::Read(found)) => {
                self.note_named(&found).await;
                self.watching.is_noted = true;
            }
            Some(Look::Same(..) | Look::Changed) | None => {
                self.watching.due = Some(Instant::now() + POLL);
            }
        }
        Ok(())
    }

    /// Acts on what was read.
    async fn on_project(&mut self, mut found: Box<Found>) -> Result<(), Problem> {
        self.note_named(&found).await;
        // What a person did to their own settings between two processes is theirs.
        let before = self
            .watching
            .users
            .get_or_insert_with(|| found.users().clone());
        let loosened = found.loosened(before);
        found.project = found.project.with(loosened);
        let project = found.project.clone();
        let stamps = found.stamps_when_read();
        self.watching.found = Some((found, stamps));
        self.judge_project(project).await
    }

    /// Acts on what a person has agreed to of a project.
    async fn judge_project(&mut self, project: Project) -> Result<(), Problem> {
        let verdict = projects::verdict(&self.ctx, project).await;
        match verdict.map_err(Problem::Store)? {
            Verdict::Use => self.let_go_on().await,
            Verdict::Without => self.end_for_project().await,
            Verdict::Ask(project) => {
                self.tell(Request::Stop {}).await;
                self.watching.held = true;
                let asked = self.ctx.store.hold_for_project(self.session.key, *project);
                let session = asked.await.map_err(Problem::Store)?;
                self.take_over(session);
                Ok(())
            }
        }
    }

    /// Lets the agent go on, if it may have been stopped.
    async fn let_go_on(&mut self) -> Result<(), Problem> {
        let store = &self.ctx.store;
        let was_held = self.watching.held
            || !self.watching.goes_on
                && store
                    .was_held_for_project(self.session.key)
                    .await
                    .map_err(Problem::Store)?;
        if was_held {
            let session = store.stop_asking_about_project(self.session.key).await;
            self.tell(Request::Continue {}).await;
            self.take_over(session.map_err(Problem::Store)?);
        }
        self.watching.held = false;
        self.watching.goes_on = true;
        self.unsent = true;
        Ok(())
    }

    /// Ends the process that has taken up what a person does not want. The next one is started without.
    async fn end_for_project(&mut self) -> Result<(), Problem> {
        tracing::info!(session = %self.session.id, "ending a process that uses settings of the project which a person does not want");
        if self.session.end_requested_at.is_none() {
            let noted = self.ctx.store.note_end_for_project(self.session.key).await;
            noted.map_err(Problem::Store)?;
            let id = self.session.id.as_str();
            let session = self.ctx.store.request_end(id).await;
            self.take_over(session.map_err(Problem::Store)?);
        }
        // It must not make another call on its way down.
        self.tell(Request::Terminate {
            from: Some(Signal::Kill),
        })
        .await;
        self.watching.held = true;
        self.watching.goes_on = true;
        Ok(())
    }

    async fn tell(&mut self, request: Request) {
        if let Some(link) = &mut self.link
            && link.send(&request).await.is_err()
        {
            self.link = None;
        }
    }
}
