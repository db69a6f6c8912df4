//! One connection to the daemon, with one typed function a method.
//!
//! Owns how a call is made; what the methods are, take and give is said in
//! [`crate::protocol::method`]. All functions fail with a
//! [`ClientError`] and leave it to the caller whether to try again.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jsonrpsee::core::client::{
    Client as RpcClient, ClientT, Error as RpcError, Subscription, SubscriptionClientT,
};
use jsonrpsee::core::traits::ToRpcParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::error::ClientError;
use super::transport;
use crate::json::Members;
use crate::protocol::approval::{Approval, GetApprovalParams};
use crate::protocol::decision::{SendDecisionParams, SendDecisionResponse};
use crate::protocol::event::{EventNotification, SubscribeEventsParams};
use crate::protocol::method::{self, Method, Nothing};
use crate::protocol::request::{RequestOptions, asked_for, fingerprint, new_id_of};
use crate::protocol::session::{
    GetSessionSnapshotsResponse, GetSessionStateParams, HealthResponse, InterruptSessionResponse,
    SessionParams, SessionResponse, SessionState,
};

/// A connection to the daemon. Dropping it closes the connection.
#[derive(Debug)]
pub struct Client {
    /// Replaced when it breaks.
    rpc: Mutex<Arc<RpcClient>>,
    socket: PathBuf,
    /// None: each request that changes something gets a key of its own.
    repeat_key: Option<RepeatKey>,
    unconfirmed: Unconfirmed,
    /// Is told, once for each call, of a method that is long in being answered.
    on_slow: Option<fn(&str)>,
}

/// Requests that change something and that no answer came to. The same ones, made again, are sent as what they are:
/// repetitions, which are carried out once. Shared by the connections of one program.
#[derive(Clone, Debug, Default)]
pub struct Unconfirmed(Arc<Mutex<HashMap<[u8; 32], Repeatable>>>);

/// What a request is sent again with.
#[derive(Clone, Debug)]
struct Repeatable {
    key: String,
    /// The id of the session that it begins.
    new_id: Option<String>,
}

/// Unconfirmed requests that are remembered.
const MAX_UNCONFIRMED: usize = 256;

impl Unconfirmed {
    fn of(&self, asked: &[u8; 32]) -> Option<Repeatable> {
        self.lock().get(asked).cloned()
    }

    fn settle(&self, asked: &[u8; 32]) {
        self.lock().remove(asked);
    }

    fn remember(&self, asked: [u8; 32], request: Repeatable) {
        let mut known = self.lock();
        if known.len() < MAX_UNCONFIRMED {
            known.insert(asked, request);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Repeatable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a call may take before it is looked whether the daemon answers at all. With that look it is
/// said within five seconds that it does not.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a daemon that died may take to be back, and the pause between two tries.
const RESTART_PATIENCE: Duration = Duration::from_secs(3);
const RESTART_PAUSE: Duration = Duration::from_millis(20);

/// Parameters as the one object that every method takes.
struct Object<'a, P>(&'a P);

impl<P: Serialize> ToRpcParams for Object<'_, P> {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        serde_json::value::to_raw_value(self.0).map(Some)
    }
}

fn session(id: &str) -> SessionParams {
    SessionParams {
        session_id: id.to_owned(),
    }
}

/// An object's text with further members.
fn with_members(object: &str, members: &[String]) -> String {
    let members = members.join(",");
    match object.trim_end().strip_suffix('}') {
        Some(begun) if begun.trim_end().ends_with('{') => format!("{begun}{members}}}"),
        Some(begun) if !members.is_empty() => format!("{begun},{members}}}"),
        Some(_) | None => object.to_owned(),
    }
}

/// A session's id that follows from a request's key.
fn id_of(key: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(key).into();
    let [id, _] = hash.as_chunks::<16>().0 else {
        return Uuid::new_v4().to_string();
    };
    uuid::Builder::from_random_bytes(*id)
        .into_uuid()
        .to_string()
}

/// Defines the functions that only name a method.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {
        impl Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As every call: see [`ClientError`].
                pub async fn $name(
                    &self,
                    params: &<method::$method as Method>::Params,
                ) -> Result<<method::$method as Method>::Answer, ClientError> {
                    self.request(method::$method, params).await
                }
            )*
        }
    };
}

/// What a request that changes something is to be known by when it is sent again.
#[derive(Clone, Debug)]
struct RepeatKey(String);

impl RepeatKey {
    /// The idempotency key of one of the requests that are made under this key, so that all of them have another one,
    /// and each the same when all are made again.
    fn of(&self, asked: &[u8; 32]) -> String {
        format!("{}:{}", self.0, &hex::encode(asked)[..16])
    }
}

calls! {
    /// Starts an agent.
    launch_session = LaunchSession;
    /// What the installed agent says about itself.
    get_agent_info = GetAgentInfo;
    /// Ends a session's process and gives the next one the caller's credentials.
    restart_session = RestartSession;
    /// Has a session go on in another directory.
    move_session = MoveSession;
    /// Continues a conversation as clients of the older daemon do, or forks it.
    continue_session = ContinueSession;
    /// All sessions, in the older daemon's words.
    list_sessions = ListSessions;
    /// Sessions, counts and pending approvals of one moment.
    get_overview = GetOverview;
    /// What was said and done.
    get_conversation = GetConversation;
    /// Looks for words in all conversations.
    search_conversations = SearchConversations;
    /// The agent's own lines.
    get_raw_lines = GetRawLines;
    /// Gives a session a message; resumes it where its process has ended.
    send_message = SendMessage;
    /// Takes back a message that the agent has not read.
    withdraw_message = WithdrawMessage;
    /// Sets standing permissions.
    update_session_settings = UpdateSessionSettings;
    /// Sets the title.
    update_session_title = UpdateSessionTitle;
    /// Archives a session, or unarchives it.
    archive_session = ArchiveSession;
    /// The same for several.
    bulk_archive_sessions = BulkArchiveSessions;
    /// Deletes ended sessions, with everything of them.
    delete_sessions = DeleteSessions;
    /// Directories used lately.
    get_recent_paths = GetRecentPaths;
    /// Asks for a permission, for a program that serves a permission prompt.
    create_approval = CreateApproval;
    /// Asks a person something.
    create_contact = CreateContact;
    /// Takes a program's request back.
    withdraw_approval = WithdrawApproval;
    /// A page of approvals over all sessions.
    list_approvals = ListApprovals;
    /// Makes a key for the local HumanLayer API.
    create_key = CreateKey;
    /// The keys, without the keys themselves.
    list_keys = ListKeys;
    /// The alarms.
    list_alarms = ListAlarms;
    /// Acknowledges an alarm.
    acknowledge_alarm = AcknowledgeAlarm;
    /// The terminals that a person has confirmed.
    list_terminals = ListTerminals;
    /// Confirms a terminal.
    confirm_terminal = ConfirmTerminal;
    /// The places on record.
    list_places = ListPlaces;
    /// Puts the place of a process on record.
    add_place = AddPlace;
    /// Takes a place off the record.
    remove_place = RemovePlace;
    /// Mends what is not as it should be.
    repair = Repair;
    /// Has a backup put in the place of the database.
    restore_database = RestoreDatabase;
    /// Ends a key for good.
    revoke_key = RevokeKey;
}

impl Client {
    /// Connects to whoever serves `socket`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] when nobody does, else [`ClientError::Connect`].
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let rpc = transport::connect(socket).await?;
        Ok(Self {
            rpc: Mutex::new(Arc::new(rpc)),
            socket: socket.to_owned(),
            repeat_key: None,
            unconfirmed: Unconfirmed::default(),
            on_slow: None,
        })
    }

    /// Remembers what is not confirmed with other connections.
    #[must_use]
    pub fn remembering(mut self, unconfirmed: Unconfirmed) -> Self {
        self.unconfirmed = unconfirmed;
        self
    }

    /// Gives the requests that change something keys that follow from this one, so that they are carried out once
    /// however often the same are made with it.
    #[must_use]
    pub fn repeatable(mut self, key: &str) -> Self {
        self.repeat_key = Some(RepeatKey(key.to_owned()));
        self
    }

    /// Has somebody told of calls that are long in being answered.
    #[must_use]
    pub fn telling_what_is_slow(mut self, tell: fn(&str)) -> Self {
        self.on_slow = Some(tell);
        self
    }

    /// Whether the daemon answers at all: its one thread is neither stopped nor stuck.
    ///
    /// # Errors
    /// [`ClientError::Silent`], within some seconds.
    pub async fn is_served(&self) -> Result<(), ClientError> {
        if transport::answers(&self.socket).await {
            Ok(())
        } else {
            Err(ClientError::Silent {
                method: "ping".to_owned(),
            })
        }
    }

    /// Waits for an answer as long as the daemon answers others.
    async fn while_served<T>(
        &self,
        method: &str,
        call: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, ClientError> {
        let mut call = std::pin::pin!(call);
        let mut tell = self.on_slow;
        loop {
            let looked = async {
                tokio::time::sleep(PATIENCE).await;
                transport::answers(&self.socket).await
            };
            tokio::select! {
                biased;
                answer = &mut call => {
                    return answer.map_err(|error| ClientError::of_call(method, error));
                }
                served = looked => match tell.take() {
                    _ if !served => return Err(ClientError::Silent { method: method.to_owned() }),
                    Some(tell) => tell(method),
                    None => {}
                }
            }
        }
    }

    async fn request<M: Method>(&self, _: M, params: &M::Params) -> Result<M::Answer, ClientError> {
        self.call(M::NAME, params).await
    }

    /// Calls any method with any parameters that serialise to an object.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn call<P: Serialize + Sync, A: DeserializeOwned>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<A, ClientError> {
        if method::changes(method) {
            return self.change(method, params).await;
        }
        self.ask(method, params).await
    }

    /// Calls a method that changes something: so that it is carried out once, however often it is asked for.
    async fn change<P: Serialize + Sync, A: DeserializeOwned>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<A, ClientError> {
        let protocol_error = |cause: serde_json::Error| ClientError::Protocol {
            method: method.to_owned(),
            cause: cause.to_string(),
        };
        let given = serde_json::to_string(params).map_err(protocol_error)?;
        let asked = fingerprint(&[method, &asked_for(method, &given)]);
        let before = self.unconfirmed.of(&asked);
        let key = match &self.repeat_key {
            Some(key) => key.of(&asked),
            None => before
                .as_ref()
                .map_or_else(|| Uuid::new_v4().to_string(), |before| before.key.clone()),
        };
        let mut new_id = before.and_then(|before| before.new_id);
        let mut text = given;
        // The conversation that is begun is known by its id for ever, the key for some time.
        if let Some(name) = new_id_of(method)
            && let Ok(Value::Object(mut members)) = serde_json::from_str(&text)
        {
            let given = members.get(name).and_then(Value::as_str);
            let given = given.filter(|id| !id.is_empty()).map(str::to_owned);
            let id = new_id.or(given).unwrap_or_else(|| id_of(&key));
            members.insert(name.to_owned(), Value::String(id.clone()));
            text = Value::Object(members).to_string();
            new_id = Some(id);
        }
        let deadline = Timestamp::now() + transport::REQUEST_TIMEOUT;
        let [key_name, deadline_name] = RequestOptions::MEMBERS;
        // What the caller has chosen stays.
        let chosen = Members::of(&text);
        let added: Vec<String> = [
            (key_name, key.clone()),
            (deadline_name, deadline.to_string()),
        ]
        .into_iter()
        .filter(|(name, _)| chosen.only(name).is_none())
        .map(|(name, value)| format!("\"{name}\":{}", Value::String(value)))
        .collect();
        // Put in as text: an input that a person is asked about goes on byte for byte.
        let params = with_members(&text, &added);
        let params = RawValue::from_string(params).map_err(protocol_error)?;
        let answer = self.ask(method, &params).await;
        let base = self.repeat_key.as_ref().map(|key| key.0.clone());
        let answer = answer.map_err(|error| error.not_known(base.unwrap_or(key.clone())));
        match &answer {
            Err(ClientError::NotKnown { .. }) => {
                self.unconfirmed.remember(asked, Repeatable { key, new_id });
            }
            _ => self.unconfirmed.settle(&asked),
        }
        answer
    }

    /// Asks; again, on another connection, where one breaks before the answer comes: the daemon may be starting anew.
    async fn ask<P: Serialize + Sync, A: DeserializeOwned>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<A, ClientError> {
        let mut until = None;
        loop {
            let rpc = self.rpc();
            let asked = self.while_served(method, rpc.request(method, Object(params)));
            let lost = match asked.await {
                Err(lost @ ClientError::Lost { .. }) => lost,
                settled => return settled,
            };
            let until = *until.get_or_insert_with(|| Instant::now() + RESTART_PATIENCE);
            loop {
                if Instant::now() >= until {
                    return Err(lost);
                }
                match transport::connect(&self.socket).await {
                    Ok(again) => {
                        *self.rpc.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(again);
                        break;
                    }
                    Err(_) => tokio::time::sleep(RESTART_PAUSE).await,
                }
            }
        }
    }

    /// The connection as it is now.
    fn rpc(&self) -> Arc<RpcClient> {
        Arc::clone(&self.rpc.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Which daemon is it, and is it well?
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn health(&self) -> Result<HealthResponse, ClientError> {
        self.request(method::Health, &Nothing {}).await
    }

    /// Decides. That somebody else was first is an answer, not an error.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn send_decision(
        &self,
        params: &SendDecisionParams,
    ) -> Result<SendDecisionResponse, ClientError> {
        let params = params.clone().into();
        self.request(method::SendDecision, &params).await
    }

    /// One session, by any of its ids, its run ids or a unique prefix of an id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_session_state(&self, id: &str) -> Result<SessionState, ClientError> {
        let params = GetSessionStateParams {
            session_id: id.to_owned(),
            by_conversation: true,
        };
        let answer = self.request(method::GetSessionState, &params).await?;
        Ok(answer.session)
    }

    /// Files as the agent of a session read them.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_session_snapshots(
        &self,
        id: &str,
    ) -> Result<GetSessionSnapshotsResponse, ClientError> {
        self.request(method::GetSessionSnapshots, &session(id))
            .await
    }

    /// Stops the turn of a session.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn interrupt_session(
        &self,
        id: &str,
    ) -> Result<InterruptSessionResponse, ClientError> {
        self.request(method::InterruptSession, &session(id)).await
    }

    /// Ends the process of a session.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn end_session(&self, id: &str) -> Result<SessionResponse, ClientError> {
        self.request(method::EndSession, &session(id)).await
    }

    /// One approval, by its id or a unique prefix of it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_approval(&self, id: &str) -> Result<Approval, ClientError> {
        self.read_approval(id, false).await
    }

    /// The outcome of an approval that this program itself asked for: notes that it has it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn receive_approval(&self, id: &str) -> Result<Approval, ClientError> {
        self.read_approval(id, true).await
    }

    async fn read_approval(&self, id: &str, receive: bool) -> Result<Approval, ClientError> {
        let params = GetApprovalParams {
            approval_id: id.to_owned(),
            receive,
            by_conversation: true,
        };
        let answer = self.request(method::GetApproval, &params).await?;
        Ok(answer.approval)
    }

    /// Subscribes to events on this connection alone; [`super::events`] is what
    /// survives a lost one.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn subscribe(
        &self,
        params: &SubscribeEventsParams,
    ) -> Result<Subscription<EventNotification>, ClientError> {
        let rpc = self.rpc();
        let subscribing = rpc.subscribe(
            method::SUBSCRIBE_EVENTS,
            Object(params),
            method::UNSUBSCRIBE_EVENTS,
        );
        self.while_served(method::SUBSCRIBE_EVENTS, subscribing)
            .await
    }
}
