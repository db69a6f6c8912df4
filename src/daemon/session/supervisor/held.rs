//! What an agent says and the disk does not take: the runner holds it, and this says so.
//!
//! While it lasts it is what is wrong with the session's process, for whoever looks; when it is over the
//! conversation says that the agent was held up, where it was so.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Problem, Supervisor};
use crate::daemon::conditions::Part;
use crate::daemon::session::machine;
use crate::daemon::store::{Ingest, RawLines, Urgency};
use crate::runner::frame::{JournalProblem, Reply};

/// Most that a runner may say before something can be stored again.
const MAX_REPLIES: usize = 1_024;

/// That the disk does not take what the agent says.
pub(super) struct Held {
    since: Instant,
    error: String,
    /// Whether the agent was made to wait.
    waited: bool,
    /// How long it lasted, once it is over.
    lasted: Option<Duration>,
}

impl Supervisor {
    /// Takes note of how the runner gets on with the journal.
    pub(super) fn journal_is(&mut self, problem: Option<JournalProblem>) {
        self.say_how_journal_is(problem.as_ref());
        match (problem, &mut self.held) {
            (Some(JournalProblem { waits, .. }), Some(held)) => {
                held.waited |= waits;
                held.lasted = None;
            }
            (Some(JournalProblem { error, waits }), none) => {
                *none = Some(Held {
                    since: Instant::now(),
                    error,
                    waited: waits,
                    lasted: None,
                });
            }
            (None, Some(held)) => held.lasted = Some(held.since.elapsed()),
            (None, None) => {}
        }
    }

    /// Whether the runner holds what the disk does not take.
    pub(super) fn holds(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.lasted.is_none())
    }

    fn say_how_journal_is(&self, problem: Option<&JournalProblem>) {
        let words = problem.map(|problem| {
            let (session, error) = (self.session.id.short(), &problem.error);
            let waits = match problem.waits {
                true => "so the agent waits until it can be",
                false => "so it is kept in memory until it can be",
            };
            format!("session {session}: what its agent says cannot be written to the disk ({error}), {waits}")
        });
        let part = Part::Journal(self.session.directory.clone());
        self.ctx.conditions.set(part, words);
    }

    /// Waits before something is tried again, and takes note of what the runner says meanwhile; says whether the
    /// daemon shuts down.
    pub(super) async fn hear_meanwhile(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            let reply = async {
                match &mut self.link {
                    Some(link) => link.receive().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return true,
                () = sleep_until(until) => return false,
                reply = reply => match reply {
                    Ok(Some(Reply::Journal { problem })) => {
                        // One that has not shown yet that it is the runner says it again in its first word.
                        if self.challenge.is_none() {
                            self.journal_is(problem);
                        }
                    }
                    Ok(Some(reply)) if self.replies.len() < MAX_REPLIES => {
                        self.replies.push_back(reply);
                    }
                    // What it is told again, it answers again.
                    Ok(_) | Err(_) => {
                        self.link = None;
                        self.replies.clear();
                    }
                },
            }
        }
    }

    /// Tells of it in the conversation, after what was said meanwhile.
    pub(super) async fn tell_that_it_is_over(&mut self) -> Result<(), Problem> {
        let Some((held, lasted)) = self
            .held
            .as_ref()
            .and_then(|held| Some((held, held.lasted?)))
        else {
            return Ok(());
        };
        let time = match lasted.as_secs() {
            0 => "For a moment".to_owned(),
            seconds => format!("For {seconds} s"),
        };
        let error = &held.error;
        let waited = match held.waited {
            true => "the agent had to wait, and what it said was kept",
            false => "what the agent said meanwhile was kept",
        };
        let text = format!(
            "{time} the disk did not take what the agent said ({error}): {waited}. Nothing is missing."
        );
        let from = self.session.journal_offset;
        let told = self.ctx.store.ingest(Ingest {
            session_key: self.session.key,
            from,
            to: from,
            lines: RawLines::default(),
            apply: Box::new(move |_, _| vec![machine::note(text)]),
            end: None,
            urgency: Urgency::Now,
        });
        let session = told.await.map_err(Problem::Ingest)?;
        self.held = None;
        self.take_over(session);
        Ok(())
    }

    /// Says what stands in the way of following the session, or that nothing does.
    pub(super) fn tell_what_is_in_the_way(&self, problem: Option<&Problem>) {
        let session = self.session.id.short();
        let words = problem.and_then(|problem| match problem {
            Problem::Journal(_) | Problem::Directory(_) => Some(format!(
                "session {session} cannot be followed: {problem}; that is tried again"
            )),
            // Said of the database itself.
            Problem::Store(_) | Problem::Ingest(_) => None,
        });
        let part = Part::Following(self.session.directory.clone());
        self.ctx.conditions.set(part, words);
    }
}
