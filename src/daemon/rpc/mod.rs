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
use serde::Serialize;
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
use crate::protocol::method;

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
    serve(m, method::HEALTH, health::health)?;
    serve(m, method::LAUNCH_SESSION, launch::launch)?;
    serve(m, method::GET_AGENT_INFO, launch::agent_info)?;
    serve(m, method::CONTINUE_SESSION, resume::continue_session)?;
    serve(m, method::LIST_SESSIONS, session::list)?;
    serve(m, method::GET_SESSION_LEAVES, session::leaves)?;
    serve(m, method::GET_SESSION_STATE, session::state)?;
    serve(m, method::INTERRUPT_SESSION, session::interrupt)?;
    serve(m, method::UPDATE_SESSION_SETTINGS, session::update_settings)?;
    serve(m, method::UPDATE_SESSION_TITLE, session::update_title)?;
    serve(m, method::ARCHIVE_SESSION, session::archive)?;
    serve(m, method::BULK_ARCHIVE_SESSIONS, session::bulk_archive)?;
    serve(m, method::GET_RECENT_PATHS, session::recent_paths)?;
    serve(m, method::SEND_MESSAGE, resume::send_message)?;
    serve(m, method::WITHDRAW_MESSAGE, messages::withdraw)?;
    serve(m, method::END_SESSION, session::end)?;
    serve(m, method::RESTART_SESSION, restart::restart)?;
    serve(m, method::MOVE_SESSION, resume::move_session)?;
    serve(m, method::DELETE_SESSIONS, session::delete)?;
    serve(m, method::GET_OVERVIEW, overview::overview)?;
    serve(m, method::GET_CONVERSATION, conversation::conversation)?;
    serve(m, method::SEARCH_CONVERSATIONS, conversation::search)?;
    serve(m, method::GET_SESSION_SNAPSHOTS, conversation::snapshots)?;
    serve(m, method::GET_RAW_LINES, conversation::raw_lines)?;
    serve(m, method::CREATE_APPROVAL, approval::create)?;
    serve(m, method::CREATE_CONTACT, contact::create)?;
    serve(m, method::WITHDRAW_APPROVAL, contact::withdraw)?;
    serve(m, method::FETCH_APPROVALS, approval::fetch)?;
    serve(m, method::LIST_APPROVALS, approval::list)?;
    serve(m, method::GET_APPROVAL, approval::get)?;
    serve(m, method::SEND_DECISION, approval::decide)?;
    serve(m, method::CREATE_KEY, keys::create)?;
    serve(m, method::LIST_KEYS, keys::list)?;
    serve(m, method::REVOKE_KEY, keys::revoke)?;
    serve(m, method::LIST_ALARMS, alarms::list)?;
    serve(m, method::ACKNOWLEDGE_ALARM, alarms::acknowledge)?;
    serve(m, method::LIST_TERMINALS, terminals::list)?;
    serve(m, method::CONFIRM_TERMINAL, terminals::confirm)?;
    serve(m, method::LIST_PLACES, places::list)?;
    serve(m, method::ADD_PLACE, places::add)?;
    serve(m, method::REMOVE_PLACE, places::remove)?;
    serve(m, method::REPAIR, upkeep::repair)?;
    serve(m, method::RESTORE_DATABASE, upkeep::restore)?;
    events::register(m)?;
    Ok(module)
}

/// Registers one method with typed parameters and answer.
fn serve<P, R, H, F>(
    module: &mut RpcModule<Arc<Daemon>>,
    name: &'static str,
    handler: H,
) -> Result<(), RegisterMethodError>
where
    P: DeserializeOwned + Send + 'static,
    R: Serialize + Clone + Send + 'static,
    H: Fn(Call, P) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<R, RpcError>> + Send,
{
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
            if extensions.get::<AgentsOnly>().is_some() && !method::is_for_agents(name) {
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
