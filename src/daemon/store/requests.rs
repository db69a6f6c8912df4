//! Requests of programs: contacts over the socket, and what HumanLayer SDKs ask, here or at a remote
//! API.
//!
//! Each has a name of the program's own (`call_id`), under which asking again is harmless. A request
//! belongs to the session of its run id (and, when it is about a tool, to the tool call: see
//! [`super::correlate`]), else to a session of the asking program (see [`super::external`]).

use jiff::Timestamp;
use serde_json::Value;

use super::asking::{self, NewRow};
use super::external::{self, Asker};
use super::resolve::Resolution;
use super::tx::Write;
use super::{
    Doing as _, PendingBounds, Store, StoreError, approval_reads, asker_processes, bounds,
    conversation, correlate, resolve, session_reads,
};
use crate::domain::approval::{DecidedBy, ResponseOption};
use crate::domain::session::Process;
use crate::domain::{Approval, Kind, Outcome, Session, Source};
use crate::platform::ProcessId;

/// A request of a program.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// `Program`, `LocalApi` or `RemoteApi`.
    pub source: Source,
    /// `Permission` for a function call, `Contact` for a human contact.
    pub kind: Kind,
    /// The run that it belongs to.
    pub run_id: String,
    /// The program's name for it.
    pub call_id: String,
    /// The function, or `contact_human`.
    pub tool_name: String,
    /// The function's arguments, or the contact's `message` and `subject`.
    pub tool_input: Value,
    /// Through whom the program wanted it asked, as it sent it.
    pub channel: Option<Value>,
    /// State that the program wants back, as it sent it.
    pub sdk_state: Option<Value>,
    /// Response options of a contact, reject options of a function call.
    pub options: Vec<ResponseOption>,
    /// Who asks.
    pub asker: Asker,
    /// The process with which the request ends.
    pub ends_with: Option<ProcessId>,
}

/// A request that was found at a remote API.
#[derive(Clone, Debug)]
pub struct RemoteRequest {
    /// What it asks.
    pub request: NewRequest,
    /// When it was asked, where the API says so.
    pub asked_at: Option<Timestamp>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// It is recorded now.
    New(Box<Approval>),
    /// The same was recorded before; as it stands.
    Known(Box<Approval>),
    /// Something else was recorded under that name; as it stands.
    Taken(Box<Approval>),
}

impl Asked {
    /// The approval, if it is about this request.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        match self {
            Self::New(approval) | Self::Known(approval) => Some(approval),
            Self::Taken(_) => None,
        }
    }
}

/// How a request was settled at its remote API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The API's address, for people.
    pub place: String,
    /// `Approved`, `Denied`, `Answered`, or `Withdrawn` for one that is not there any more.
    pub outcome: Outcome,
    /// The reason, or the answer.
    pub comment: Option<String>,
    /// The option chosen.
    pub option: Option<String>,
}

impl Store {
    /// Records what was found pending at a remote API. What is known already stays as it is.
    ///
    /// # Errors
    /// When the database cannot be written; nothing is recorded then.
    pub async fn ask_remote(&self, requests: Vec<RemoteRequest>) -> Result<Vec<Asked>, StoreError> {
        self.writer
            .run(move |write| {
                requests
                    .into_iter()
                    .map(|found| ask(write, found.request, found.asked_at))
                    .collect()
            })
            .await
    }

    /// Records a request of a program, unless too much is pending already.
    ///
    /// # Errors
    /// [`StoreError::Full`]; [`StoreError::Conflict`] when its session is one of ours and is over.
    pub async fn ask_bounded(
        &self,
        request: NewRequest,
        limits: PendingBounds,
    ) -> Result<Asked, StoreError> {
        self.writer
            .run(move |write| {
                if approval_reads::by_call(write.db, request.source, &request.call_id)?.is_none() {
                    let asker = bounds::Asker::Named(request.asker.name.as_deref());
                    let bytes = request.tool_input.to_string().len();
                    bounds::check(write.db, request.source, asker, bytes, limits)?;
                }
                ask(write, request, None)
            })
            .await
    }

    /// The names of all requests of a remote API that are pending here, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn remote_waiting(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        self.readers
            .run(move |db| {
                db.prepare_cached(
                    "SELECT call_id FROM approvals
                     WHERE outcome = 'pending' AND call_id IS NOT NULL AND source = 'remote_api' AND kind = ?
                     ORDER BY key",
                )
                .and_then(|mut query| query.query_map([kind.as_str()], |row| row.get(0))?.collect())
                .doing("list the requests of the remote API")
            })
            .await
    }

    /// Notes how a request was settled at its remote API by somebody else. One that is resolved here
    /// already stays as it is. Returns it as it stands, if it is known.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn settle_elsewhere(
        &self,
        call_id: String,
        how: Elsewhere,
    ) -> Result<Option<Approval>, StoreError> {
        self.writer
            .run(move |write| {
                let Some(approval) =
                    approval_reads::by_call(write.db, Source::RemoteApi, &call_id)?
                else {
                    return Ok(None);
                };
                if approval.outcome != Outcome::Pending {
                    return Ok(Some(approval));
                }
                let by = DecidedBy::Elsewhere { place: how.place };
                let resolution = Resolution::plain(how.outcome, how.comment, by);
                let resolution = resolution.with_option(how.option);
                resolve::resolve_as(write, &approval, &resolution).map(Some)
            })
            .await
    }

    /// A request by the program's name for it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn request(
        &self,
        source: Source,
        call_id: &str,
    ) -> Result<Option<Approval>, StoreError> {
        let call_id = call_id.to_owned();
        self.readers
            .run(move |db| approval_reads::by_call(db, source, &call_id))
            .await
    }

    /// A page of a source's pending requests of one kind, oldest first, and how many there are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pending_requests(
        &self,
        source: Source,
        kind: Kind,
        limit: u32,
        offset: u32,
    ) -> Result<(Vec<Approval>, u64), StoreError> {
        self.readers
            .run(move |db| approval_reads::pending_page(db, source, kind, limit, offset))
            .await
    }

    /// Adds a remark of ours to the conversation that a request belongs to.
    ///
    /// # Errors
    /// [`StoreError::AlreadyResolved`] when nobody is asked any more.
    pub async fn remark(&self, approval_key: i64, text: String) -> Result<Approval, StoreError> {
        self.writer
            .run(move |write| {
                let approval = approval_reads::by_key(write.db, approval_key)?;
                if approval.outcome != Outcome::Pending {
                    return Err(StoreError::AlreadyResolved(Box::new(approval)));
                }
                let session = session_reads::by_key(write.db, approval.session_key)?;
                conversation::note(write, &session, text)?;
                Ok(approval)
            })
            .await
    }

    /// Takes a request back: its asker does not want an answer any more.
    ///
    /// # Errors
    /// [`StoreError::AlreadyResolved`], [`StoreError::NotFound`], [`StoreError::Unfit`] for what only
    /// its own agent or API can take back.
    pub async fn withdraw_request(
        &self,
        id: &str,
        by: DecidedBy,
        comment: String,
    ) -> Result<Approval, StoreError> {
        let id = id.to_owned();
        self.writer
            .run_once(move |write| {
                let approval = approval_reads::find(write.db, &id)?;
                match approval.source {
                    Source::Mcp | Source::Program | Source::LocalApi => {}
                    Source::Claude | Source::RemoteApi | Source::Launch => {
                        return Err(StoreError::Unfit(crate::domain::decision::InvalidDecision {
                            field: "approval_id",
                            problem: format!(
                                "this came over {}, which alone can withdraw it: decide it instead",
                                approval.source.describe()
                            ),
                        }));
                    }
                }
                let resolution = Resolution::plain(Outcome::Withdrawn, Some(comment), by);
                resolve::resolve_as(write, &approval, &resolution)
            })
            .await
    }
}

fn ask(
    write: &mut Write<'_>,
    new: NewRequest,
    asked_at: Option<Timestamp>,
) -> Result<Asked, StoreError> {
    if let Some(known) = approval_reads::by_call(write.db, new.source, &new.call_id)? {
        if !is_same(&known, &new) {
            return Ok(Asked::Taken(Box::new(known)));
        }
        asker_processes::note(write, &known, new.ends_with)?;
        return Ok(Asked::Known(Box::new(known)));
    }
    let (session, tool_use_id) = place(write, &new)?;
    let row = NewRow {
        kind: new.kind,
        tool_use_id: tool_use_id.as_deref(),
        call_id: Some(&new.call_id),
        channel: new.channel.as_ref(),
        sdk_state: new.sdk_state.as_ref(),
        options: &new.options,
        asker: new.asker.name.as_deref(),
        asked_at,
        ..NewRow::of_tool(&new.run_id, new.source, &new.tool_name, &new.tool_input)
    };
    if new.source == Source::Program && session.process != Process::External {
        // An agent may give its programs any names.
        let asker = bounds::Asker::Session(session.key);
        let bytes = row.tool_input.len();
        // All askers together were counted before, by whoever asks within bounds.
        let of_session = PendingBounds {
            in_all: u64::MAX,
            bytes_in_all: u64::MAX,
            ..bounds::CONTACTS_OF_SESSION
        };
        bounds::check(write.db, new.source, asker, bytes, of_session)?;
    }
    let key = asking::insert(write, &session, &row)?.ok_or_else(asking::repeated)?;
    let approval = asking::settle_new(write, &session, key)?;
    asker_processes::note(write, &approval, new.ends_with)?;
    crate::failpoint::hit("request.recorded");
    Ok(Asked::New(Box::new(approval)))
}

fn place(write: &mut Write<'_>, new: &NewRequest) -> Result<(Session, Option<String>), StoreError> {
    let session = external::find_or_make(write, &new.run_id, &new.asker)?;
    match new.kind {
        Kind::Permission => {
            let place = correlate::place(write.db, session, &new.tool_name, &new.tool_input)?;
            Ok((place.session, place.tool_use_id))
        }
        Kind::Contact | Kind::Question | Kind::Plan => {
            // What asks over our own socket does so from below the session's runner.
            if new.source == Source::Program && session.process == Process::Gone {
                return Err(StoreError::Conflict {
                    id: session.id,
                    problem: "has ended: nothing of it can ask any more".to_owned(),
                });
            }
            Ok((session, None))
        }
    }
}

/// Whether a request asks what a recorded one asked.
fn is_same(known: &Approval, new: &NewRequest) -> bool {
    known.kind == new.kind
        && known.run_id == new.run_id
        && known.tool_name == new.tool_name
        && known.channel == new.channel
        && known.sdk_state == new.sdk_state
        && known.options == new.options
        && correlate::same_json(&known.tool_input, &new.tool_input)
}

/// Keeps the run of an asker that gave none: the same program in the same directory.
#[must_use]
pub fn run_id_of(asker: &Asker) -> String {
    let name = asker.name.as_deref().unwrap_or("program");
    format!("{name}@{}", asker.cwd)
}
