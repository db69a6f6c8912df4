//! Several sessions on one command line: all are found before anything is done to one.

use std::io;

use serde::Serialize;

use super::exit::{ErrorReport, Failure};
use super::output::{self, Output};
use crate::client::Client;
use crate::protocol::session::SessionState;

/// The sessions of these ids, each once. Fails if one is not found, or not clear.
pub async fn find(client: &Client, ids: &[String]) -> Result<Vec<SessionState>, Failure> {
    let mut sessions: Vec<SessionState> = Vec::new();
    for id in ids {
        let session = client.get_session_state(id).await?;
        if !sessions.iter().any(|known| known.id == session.id) {
            sessions.push(session);
        }
    }
    Ok(sessions)
}

/// Collects what comes of several things that are done one after the other: what was done, and what went
/// wrong. One that fails keeps no other from being done, nor does an output that is closed.
pub struct Outcomes<T> {
    done: Vec<T>,
    failures: Vec<ErrorReport>,
    written: io::Result<()>,
}

impl<T: Serialize> Outcomes<T> {
    /// None yet.
    pub fn new() -> Self {
        Self {
            done: Vec::new(),
            failures: Vec::new(),
            written: Ok(()),
        }
    }

    /// One was done. A person is told at once, by what `words` writes.
    pub fn done(
        &mut self,
        out: &mut Output,
        what: T,
        words: impl FnOnce(&mut Output, &T) -> io::Result<()>,
    ) {
        if !out.is_json() && self.written.is_ok() {
            self.written = words(out, &what).and_then(|()| out.flush());
        }
        self.done.push(what);
    }

    /// One failed. A person is told at once.
    pub fn failed(&mut self, id: &str, failure: impl Into<Failure>) {
        let Failure::Told(mut report) = failure.into() else {
            return;
        };
        output::complain_of(id, &report);
        report.id = Some(id.to_owned());
        self.failures.push(*report);
    }

    /// Fails if something failed: for what is checked before anything is done.
    pub fn none_failed(self) -> Result<(), Failure> {
        match self.failures.is_empty() {
            true => Ok(()),
            false => Err(Failure::of_several(self.failures)),
        }
    }

    /// How the command ends, with what was done as a JSON list where that is wanted. The first failure
    /// decides the exit code.
    pub fn end(mut self, out: &mut Output) -> Result<(), Failure> {
        if out.is_json() {
            out.json(&self.done)?;
            out.flush()?;
        }
        std::mem::replace(&mut self.written, Ok(()))?;
        self.none_failed()
    }
}
