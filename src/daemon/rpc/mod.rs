//! The methods of the daemon's socket.
//!
//! Each handler checks its parameters, asks the store or the sessions, and answers in wire types.
//! Owns no state and no policy of its own but one: who may decide (`guard`). Files are named for
//! what they serve.

mod alarms;
mod approval;
mod contact;
mod conversation;
mod error;
mod events;
mod guard;
mod health;
mod keys;
mod launch;
mod launch_config;
mod messages;
mod once;
mod overview;
mod places;
mod restart;
mod resume;
mod session;
mod subscribe;
mod terminals;
mod upkeep;

use std::future::Future;
use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;

use self::error::RpcError;
use self::once::Answer;
pub use self::once::Answers;
pub use self::subscribe::Subscribe;
use super::Daemon;
use super::callers::Caller;
use super::disk;
use super::store::{StoreError, for_others, serving};
use crate::domain::Origin;
use crate::protocol::method::{self, Callers, Method, Name};

/// What a handler knows beside its parameters.
#[derive(Clone)]
pub struct Call {
    daemon: Arc<Daemon>,
    /// The process that calls.
    caller: Option<Arc<Caller>>,
    /// Who that was when it connected: for showing and for asking. For deciding, who it is now counts
    /// ([`Call::must_be_a_person`]).
    origin: Origin,
}

/// Marks connections to the socket that isolated agents see: only what an agent may call is served there,
/// whoever connects.
#[derive(Clone, Copy, Debug)]
pub struct AgentsOnly;

/// All methods.
///
/// # Errors
/// When a name is registered twice, which is a mistake in this function.
pub fn module(daemon: Arc<Daemon>) -> Result<RpcModule<Arc<Daemon>>, RegisterMethodError> {
    let mut module = RpcModule::new(daemon);
    let m = &mut module;
    for name in Name::ALL {
        match name {
            Name::Health => serve(m, method::Health, health::health)?,
            Name::LaunchSession => serve(m, method::LaunchSession, launch::launch)?,
            Name::GetAgentInfo => serve(m, method::GetAgentInfo, launch::agent_info)?,
            Name::ContinueSession => serve(m, method::ContinueSession, resume::continue_session)?,
            Name::ListSessions => serve(m, method::ListSessions, session::list)?,
            Name::GetSessionLeaves => serve(m, method::GetSessionLeaves, session::leaves)?,
            Name::GetSessionState => serve(m, method::GetSessionState, session::state)?,
            Name::InterruptSession => serve(m, method::InterruptSession, session::interrupt)?,
            Name::UpdateSessionSettings => {
                serve(m, method::UpdateSessionSettings, session::update_settings)?
            }
            Name::UpdateSessionTitle => {
                serve(m, method::UpdateSessionTitle, session::update_title)?
            }
            Name::ArchiveSession => serve(m, method::ArchiveSession, session::archive)?,
            Name::BulkArchiveSessions => {
                serve(m, method::BulkArchiveSessions, session::bulk_archive)?
            }
            Name::GetRecentPaths => serve(m, method::GetRecentPaths, session::recent_paths)?,
            Name::SendMessage => serve(m, method::SendMessage, resume::send_message)?,
            Name::WithdrawMessage => serve(m, method::WithdrawMessage, messages::withdraw)?,
            Name::EndSession => serve(m, method::EndSession, session::end)?,
            Name::RestartSession => serve(m, method::RestartSession, restart::restart)?,
            Name::MoveSession => serve(m, method::MoveSession, resume::move_session)?,
            Name::DeleteSessions => serve(m, method::DeleteSessions, session::delete)?,
            Name::GetOverview => serve(m, method::GetOverview, overview::overview)?,
            Name::GetConversation => serve(m, method::GetConversation, conversation::conversation)?,
            Name::SearchConversations => {
                serve(m, method::SearchConversations, conversation::search)?
            }
            Name::GetSessionSnapshots => {
                serve(m, method::GetSessionSnapshots, conversation::snapshots)?
            }
            Name::GetRawLines => serve(m, method::GetRawLines, conversation::raw_lines)?,
            Name::CreateApproval => serve(m, method::CreateApproval, approval::create)?,
            Name::CreateContact => serve(m, method::CreateContact, contact::create)?,
            Name::WithdrawApproval => serve(m, method::WithdrawApproval, contact::withdraw)?,
            Name::FetchApprovals => serve(m, method::FetchApprovals, approval::fetch)?,
            Name::ListApprovals => serve(m, method::ListApprovals, approval::list)?,
            Name::GetApproval => serve(m, method::GetApproval, approval::get)?,
            Name::SendDecision => serve(m, method::SendDecision, approval::decide)?,
            Name::CreateKey => serve(m, method::CreateKey, keys::create)?,
            Name::ListKeys => serve(m, method::ListKeys, keys::list)?,
            Name::RevokeKey => serve(m, method::RevokeKey, keys::revoke)?,
            Name::ListAlarms => serve(m, method::ListAlarms, alarms::list)?,
            Name::AcknowledgeAlarm => serve(m, method::AcknowledgeAlarm, alarms::acknowledge)?,
            Name::ListTerminals => serve(m, method::ListTerminals, terminals::list)?,
            Name::ConfirmTerminal => serve(m, method::ConfirmTerminal, terminals::confirm)?,
            Name::ListPlaces => serve(m, method::ListPlaces, places::list)?,
            Name::AddPlace => serve(m, method::AddPlace, places::add)?,
            Name::RemovePlace => serve(m, method::RemovePlace, places::remove)?,
            Name::Repair => serve(m, method::Repair, upkeep::repair)?,
            Name::RestoreDatabase => serve(m, method::RestoreDatabase, upkeep::restore)?,
            Name::SubscribeEvents => events::register(m)?,
            // Takes its connection over before a method is looked up: see [`Subscribe`].
            Name::Subscribe => {}
        }
    }
    Ok(module)
}

/// Registers a method's handler, which takes and gives what the method says.
fn serve<M, H, F>(
    module: &mut RpcModule<Arc<Daemon>>,
    _: M,
    handler: H,
) -> Result<(), RegisterMethodError>
where
    M: Method,
    H: Fn(Call, M::Params) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<M::Answer, RpcError>> + Send,
{
    let name = M::NAME;
    module
        .register_async_method(name, move |params, daemon, extensions| async move {
            let caller = extensions.get::<Arc<Caller>>().cloned();
            let call = Call {
                daemon: Arc::clone(&daemon),
                origin: caller
                    .as_ref()
                    .map_or_else(not_seen, |caller| caller.at_first().clone()),
                caller,
            };
            if extensions.get::<AgentsOnly>().is_some() && M::CALLERS == Callers::Persons {
                return Err(guard::not_for_agents(name).into_object(name));
            }
            let request = once::read(name, &params, &extensions, &call.origin)
                .map_err(|error| error.into_object(name))?;
            let params = parse(&params)?;
            let is_a_persons = call.origin.may_decide();
            // On the heap: some are large, and each layer around one would hold it on the stack once more.
            let handled = Box::pin(handler(call, params));
            let handled = async {
                if is_a_persons {
                    handled.await
                } else {
                    for_others(handled).await
                }
            };
            let answer = match request.map(Arc::new) {
                None => handled.await.map(Answer::Fresh),
                Some(request) => {
                    let handled = serving(Arc::clone(&request), handled);
                    match once::answer(&daemon.answers, &request, handled).await {
                        // What it did is why it cannot be done again.
                        Err(error)
                            if !error.is_of_the_disk()
                                && daemon.store.was_carried_out(request).await =>
                        {
                            tracing::debug!(%error, name, "a request was carried out before");
                            Err(StoreError::DoneBefore.into())
                        }
                        answer => answer,
                    }
                }
            };
            match answer {
                Err(error) if error.is_of_the_disk() => {
                    let why = disk::explain(daemon.store.path(), error.to_string()).await;
                    let error = error.hint(format!("nothing happened: {why}"));
                    Err(error.into_object(name))
                }
                answer => answer.map_err(|error| error.into_object(name)),
            }
        })
        .map(drop)
}

/// The origin of a connection that nobody looked at.
fn not_seen() -> Origin {
    Origin::Unverified {
        reason: "the connection was not looked at".to_owned(),
    }
}

/// Reads parameters: one object; absent means an empty one.
fn parse<P: DeserializeOwned>(params: &Params<'_>) -> Result<P, RpcError> {
    let text = params
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty() && *text != "null")
        .unwrap_or("{}");
    if !text.starts_with('{') {
        return Err(RpcError::invalid("params", "must be one object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        RpcError::invalid(&field, error.into_inner().to_string())
    })
}
