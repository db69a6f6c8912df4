//! A supervisor's watch over the project's files of Claude Code while its agent works.
//!
//! Claude Code takes changed settings up by itself, after about a second or two. So while a turn runs it is
//! looked every [`POLL`] whether a file that counts has changed. Files that nobody has agreed to are an
//! alarm: the agent's processes are stopped, a person is asked, and by the answer they go on, or are ended
//! (the next process is started without the files then). What a person granted with an approval in this
//! repository is agreed to. A runner of an earlier release cannot stop an agent: there the alarm is all.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Problem, Supervisor};
use crate::daemon::blocking::blocking;
use crate::daemon::project::{Found, Stamps};
use crate::daemon::session::own_env;
use crate::daemon::session::projects::{self, Verdict};
use crate::domain::project::{Content, Project};
use crate::runner::frame::{Request, Signal};

/// How often it is looked whether files have changed. It costs some tens of microseconds for a session in a
/// turn, and nothing for one at rest.
pub(super) const POLL: Duration = Duration::from_millis(300);

/// What is known of the project's files.
#[derive(Default)]
pub(super) struct Watching {
    /// As they were looked at last.
    found: Option<(Found, Stamps)>,
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
        if self.session.config.scripted || self.link.is_none() {
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
        if let Some((found, stamps)) = self.watching.found.take() {
            let is_local = found.is_local();
            let look = move || {
                let now = found.stamps();
                (found, now)
            };
            // A thread for that would cost more than the look itself.
            let (found, now) = match is_local {
                true => look(),
                false => blocking(look).await,
            };
            let is_same = now == stamps;
            let project = is_same.then(|| found.project.clone());
            self.watching.found = Some((found, now));
            match project {
                Some(_) if !self.watching.held => return Ok(()),
                // It may have been answered meanwhile.
                Some(project) => return self.judge_project(project).await,
                None => {}
            }
        }
        self.look_at_project().await
    }

    /// Reads what the project and the user's own settings bring, and notes what they run: accepted edits do not cover that.
    async fn read_project(&mut self) -> Result<Found, Problem> {
        let store = &self.ctx.store;
        let secrets = store.launch_secrets(&self.session).await;
        let env = secrets.map_err(Problem::Store)?.ok();
        let env = env.and_then(|secrets| secrets.env).unwrap_or_else(own_env);
        let directory = std::path::Path::new(&self.session.working_dir);
        let found = projects::read(&self.session.config, directory, Some(&env)).await;
        let named = found.named().iter();
        let named = named.map(|path| path.to_string_lossy().into_owned());
        let key = self.session.key;
        store.note_named_files(key, named.collect()).await;
        Ok(found)
    }

    /// The same, once, for a process whose project is not watched.
    async fn note_named_files(&mut self) -> Result<(), Problem> {
        if !self.watching.is_noted {
            self.read_project().await?;
            self.watching.is_noted = true;
        }
        Ok(())
    }

    async fn look_at_project(&mut self) -> Result<(), Problem> {
        let found = self.read_project().await?;
        // What a person did to their own settings between two processes is theirs.
        let before = self
            .watching
            .users
            .get_or_insert_with(|| found.users().clone());
        let loosened = found.loosened(before);
        let mut found = found;
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
