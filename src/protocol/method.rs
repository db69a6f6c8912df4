//! The methods: one row a method says its name, what goes in, what comes out and who may call it.
//!
//! Everything else is derived from the table: the daemon registers a handler for each [`Name`] (a
//! `match` without a wildcard), the client's functions take their types from the [`Method`], and
//! `docs/protocol.md`, the completion of `humanlayer rpc` and the lists below are made from it.
//! Must not know what a method does.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    alarms, approval, conversation, decision, event, keys, messages, places, session, terminals,
    upkeep,
};

/// A method of the daemon's socket.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// What it does, for the documentation.
    const SUMMARY: &'static str;
    /// What becomes of the daemon's state.
    const EFFECT: Effect;
    /// Who may call it.
    const CALLERS: Callers;
    /// What goes in: one object.
    type Params: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// What comes out.
    type Answer: Serialize + DeserializeOwned + JsonSchema + Clone + Send + 'static;
}

/// What a method does to what the daemon keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Reads,
    /// It changes something, so it takes the members of [`super::request::RequestOptions`] as well.
    Changes,
    /// It changes something, and doing it again does no more: it takes none of these members.
    Repeats,
    /// It only reads, and its answers go on.
    Streams,
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Also an agent, for what concerns its own session; the handler looks at that.
    Everybody,
    /// Only a person's program, whatever it is asked to do.
    Persons,
}

/// No parameters.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// Ends a subscription that `subscribeEvents` began; the subscription's own, with no types.
pub const UNSUBSCRIBE_EVENTS: &str = "unsubscribeEvents";
/// The method name of such a subscription's notifications.
pub const EVENT: &str = "event";

macro_rules! effect {
    (reads) => {
        Effect::Reads
    };
    (changes) => {
        Effect::Changes
    };
    (repeats) => {
        Effect::Repeats
    };
    (streams) => {
        Effect::Streams
    };
}

macro_rules! callers {
    (everybody) => {
        Callers::Everybody
    };
    (persons) => {
        Callers::Persons
    };
}

/// Makes a [`Method`], a constant with its name and a [`Name`] of each row.
macro_rules! methods {
    ($($method:ident $constant:ident $name:literal, $effect:ident, for $callers:ident: $params:ty => $answer:ty; $summary:literal;)*) => {
        $(
            #[doc = $summary]
            #[derive(Clone, Copy, Debug)]
            pub struct $method;

            impl Method for $method {
                const NAME: &'static str = $constant;
                const SUMMARY: &'static str = $summary;
                const EFFECT: Effect = effect!($effect);
                const CALLERS: Callers = callers!($callers);
                type Params = $params;
                type Answer = $answer;
            }

            #[doc = concat!("The name of [`", stringify!($method), "`].")]
            pub const $constant: &str = $name;
        )*

        /// All methods.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Name {
            $(
                #[doc = concat!("`", $name, "`.")]
                $method,
            )*
        }

        impl Name {
            /// Each once, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$method),*];

            /// The one that is called so.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($constant => Some(Self::$method),)*
                    _ => None,
                }
            }

            /// As it is on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$method => $method::NAME,)*
                }
            }

            /// What it does, for the documentation.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$method => $method::SUMMARY,)*
                }
            }

            /// What becomes of the daemon's state.
            #[must_use]
            pub fn effect(self) -> Effect {
                match self {
                    $(Self::$method => $method::EFFECT,)*
                }
            }

            /// Who may call it.
            #[must_use]
            pub fn callers(self) -> Callers {
                match self {
                    $(Self::$method => $method::CALLERS,)*
                }
            }

            /// The shapes of parameters and answer.
            pub fn schemas(self, of: &mut SchemaGenerator) -> [Schema; 2] {
                match self {
                    $(Self::$method => [
                        of.root_schema_for::<<$method as Method>::Params>(),
                        of.root_schema_for::<<$method as Method>::Answer>(),
                    ],)*
                }
            }
        }
    };
}

methods! {
    Health HEALTH "health", reads, for everybody: Nothing => session::HealthResponse;
    "Version and health of the daemon.";

    LaunchSession LAUNCH_SESSION "launchSession", changes, for everybody: session::LaunchSessionParams => session::LaunchSessionResponse;
    "Starts an agent. An agent that calls this may only start what asks a person. Where the directory brings settings of Claude Code that run or allow something, and nobody has answered for just these, the session is there at once and has no process: `waiting_for` says so, and an approval with the source `launch` asks whether they are used (approve) or left out (deny).";

    RestartSession RESTART_SESSION "restartSession", changes, for persons: session::RestartSessionParams => session::SessionResponse;
    "Ends a session's process (a turn that runs is interrupted) and stores the caller's credentials, together with their endpoint, for the next one, which the next message starts. Everything else of its environment stays. The conversation says which variables changed. Refused to agents.";

    MoveSession MOVE_SESSION "moveSession", changes, for persons: session::MoveSessionParams => session::SessionResponse;
    "Has a session whose process has ended go on in another directory, as after its own was renamed or deleted. The agent's record of the conversation is copied to where the agent looks for it; the old one is not written to. Messages that wait are sent then. Refused while the session has a process, and to agents.";

    GetAgentInfo GET_AGENT_INFO "getAgentInfo", reads, for everybody: session::GetAgentInfoParams => session::GetAgentInfoResponse;
    "What the installed agent says about itself. The program is asked once and again after an upgrade, which may take a second or two.";

    ContinueSession CONTINUE_SESSION "continueSession", changes, for persons: session::ContinueSessionParams => session::ContinueSessionResponse;
    "Continues a conversation under a further id whose parent is the named one, as clients of the older daemon expect. A turn that runs is interrupted first. An older id of a conversation, or `fork`, makes a new session that shares the conversation so far. All ids name the conversation for ever.";

    ListSessions LIST_SESSIONS "listSessions", reads, for everybody: session::ListSessionsParams => session::ListSessionsResponse;
    "All sessions, or a page of them.";

    GetSessionLeaves GET_SESSION_LEAVES "getSessionLeaves", reads, for everybody: session::GetSessionLeavesParams => session::ListSessionsResponse;
    "Sessions that no other one continues.";

    GetSessionState GET_SESSION_STATE "getSessionState", reads, for everybody: session::GetSessionStateParams => session::GetSessionStateResponse;
    "One session.";

    GetOverview GET_OVERVIEW "getOverview", reads, for everybody: session::GetOverviewParams => session::GetOverviewResponse;
    "Sessions, counts and pending approvals of one consistent moment.";

    InterruptSession INTERRUPT_SESSION "interruptSession", changes, for everybody: session::SessionParams => session::InterruptSessionResponse;
    "Stops the turn. What was pending in it is withdrawn.";

    SendMessage SEND_MESSAGE "sendMessage", changes, for persons: session::SendMessageParams => session::SendMessageResponse;
    "A message to a session. Where its process has ended, it is resumed: the same session, a new process, in the permission mode in which it was. What is missing for that (its directory, Claude Code) is waited for, which `waiting_for` names. Refused to agents.";

    WithdrawMessage WITHDRAW_MESSAGE "withdrawMessage", changes, for persons: messages::WithdrawMessageParams => messages::WithdrawMessageResponse;
    "Withdraws a message that the agent has not read: what waits for the next process is taken back for certain, what is in the queue of a running one (Claude Code from 2.1.133 on) unless the agent takes it up at that moment. Refused to agents.";

    EndSession END_SESSION "endSession", changes, for everybody: session::SessionParams => session::SessionResponse;
    "Ends a session's process: an interrupt if a turn runs, `end_session`, then SIGINT, SIGTERM and SIGKILL, each after five seconds.";

    UpdateSessionSettings UPDATE_SESSION_SETTINGS "updateSessionSettings", changes, for everybody: session::UpdateSessionSettingsParams => session::SuccessResponse;
    "Standing permissions. What is pending and now permitted is approved. Refused to agents where it loosens.";

    UpdateSessionTitle UPDATE_SESSION_TITLE "updateSessionTitle", changes, for everybody: session::UpdateSessionTitleParams => session::SuccessResponse;
    "The title.";

    ArchiveSession ARCHIVE_SESSION "archiveSession", changes, for everybody: session::ArchiveSessionParams => session::SuccessResponse;
    "Archives a session, or unarchives it. One that works is refused, or ended first (`end`). A message unarchives it.";

    BulkArchiveSessions BULK_ARCHIVE_SESSIONS "bulkArchiveSessions", changes, for persons: session::BulkArchiveSessionsParams => session::BulkArchiveSessionsResponse;
    "The same for several.";

    DeleteSessions DELETE_SESSIONS "deleteSessions", changes, for persons: session::DeleteSessionsParams => session::DeleteSessionsResponse;
    "Deletes ended sessions for good: conversation, approvals, raw lines, ids. What a fork shows of one stays with the fork. Refused to agents, and for a session that has a process.";

    GetRecentPaths GET_RECENT_PATHS "getRecentPaths", reads, for everybody: session::GetRecentPathsParams => session::GetRecentPathsResponse;
    "Directories that sessions worked in.";

    GetConversation GET_CONVERSATION "getConversation", reads, for everybody: conversation::GetConversationParams => conversation::GetConversationResponse;
    "The conversation of a session, or a page of it.";

    SearchConversations SEARCH_CONVERSATIONS "searchConversations", reads, for everybody: conversation::SearchConversationsParams => conversation::SearchConversationsResponse;
    "Searches all conversations, the newest first.";

    GetRawLines GET_RAW_LINES "getRawLines", reads, for everybody: conversation::GetRawLinesParams => conversation::GetRawLinesResponse;
    "The agent's own lines, kept for two weeks after the session's end.";

    GetSessionSnapshots GET_SESSION_SNAPSHOTS "getSessionSnapshots", reads, for everybody: session::SessionParams => session::GetSessionSnapshotsResponse;
    "Files as the agent read them.";

    CreateApproval CREATE_APPROVAL "createApproval", changes, for everybody: approval::CreateApprovalParams => approval::CreateApprovalResponse;
    "Asks for a permission, for a program that serves a permission prompt over MCP.";

    CreateContact CREATE_CONTACT "createContact", changes, for everybody: approval::CreateContactParams => approval::CreateContactResponse;
    "Asks a person something, for any program. An agent may do so for its own session.";

    WithdrawApproval WITHDRAW_APPROVAL "withdrawApproval", changes, for everybody: approval::WithdrawApprovalParams => approval::GetApprovalResponse;
    "Withdraws a program's request: its outcome is `withdrawn`. An agent may do so for its own session.";

    FetchApprovals FETCH_APPROVALS "fetchApprovals", reads, for everybody: approval::FetchApprovalsParams => approval::ApprovalsResponse;
    "What is pending in a session.";

    ListApprovals LIST_APPROVALS "listApprovals", reads, for everybody: approval::ListApprovalsParams => approval::ApprovalsResponse;
    "Approvals over all sessions.";

    GetApproval GET_APPROVAL "getApproval", reads, for everybody: approval::GetApprovalParams => approval::GetApprovalResponse;
    "One approval.";

    SendDecision SEND_DECISION "sendDecision", changes, for persons: decision::DecisionFields => decision::SendDecisionResponse;
    "Decides. First decision wins; later ones get `already_resolved`. Refused to agents.";

    CreateKey CREATE_KEY "createKey", changes, for persons: keys::CreateKeyParams => keys::CreateKeyResponse;
    "Creates a key for the local HumanLayer API. Refused to agents.";

    ListKeys LIST_KEYS "listKeys", reads, for everybody: keys::ListKeysParams => keys::ListKeysResponse;
    "The keys, without the keys themselves.";

    ListAlarms LIST_ALARMS "listAlarms", reads, for everybody: alarms::ListAlarmsParams => alarms::ListAlarmsResponse;
    "What must not have happened and has: `runner_killed` (what the agent left behind may have escaped: until it is acknowledged, callers that come from a process of the user that is younger than that session are refused) and `ran_unapproved` (a tool ran although nobody had approved it, or although it was denied) and `foreign_writer` (another program has written to the database, or an older one was put back: no standing permission applies until it is acknowledged) and `project_changed` (the settings of Claude Code that a project brings have changed while an agent worked: it is stopped until a person has decided the question about them), and `runner_stopped`, `database_moved`, `socket_taken` and `journal_damaged` (a runner was stopped, a file was taken away; what was done about it is in `detail`), and `daemon_signalled` (an agent told the daemon to stop, which it did not), and `session_adopted` (a session was not in the database and was adopted from its directory: it is not resumed until that is acknowledged).";

    AcknowledgeAlarm ACKNOWLEDGE_ALARM "acknowledgeAlarm", changes, for persons: alarms::AcknowledgeAlarmParams => alarms::AlarmResponse;
    "Acknowledges an alarm; it stays on record. Refused to everybody but a person.";

    ListTerminals LIST_TERMINALS "listTerminals", reads, for everybody: terminals::ListTerminalsParams => terminals::TerminalsResponse;
    "The terminals that a person has confirmed. A tmux or screen server or a terminal emulator whose starter is gone, and which began while an agent ran, counts as a person's only then.";

    ConfirmTerminal CONFIRM_TERMINAL "confirmTerminal", changes, for persons: terminals::ConfirmTerminalParams => terminals::TerminalsResponse;
    "Confirms the terminal at which a process is. Refused to everybody but a person, so not possible from that terminal itself.";

    ListPlaces LIST_PLACES "listPlaces", reads, for everybody: places::ListPlacesParams => places::ListPlacesResponse;
    "The places on record. Programs that a person starts in a terminal may decide; a service, a container or a desktop program may where its place is on record.";

    AddPlace ADD_PLACE "addPlace", changes, for persons: places::AddPlaceParams => places::PlaceResponse;
    "Puts the place where a process runs on record. Refused to everybody but a person.";

    RemovePlace REMOVE_PLACE "removePlace", changes, for persons: places::RemovePlaceParams => places::PlaceResponse;
    "Takes a place off the record. Refused to everybody but a person.";

    Repair REPAIR "repair", repeats, for persons: upkeep::RepairParams => upkeep::RepairResponse;
    "Adopts sessions whose directories the database does not know, moves directories aside that belong to no session, makes indexes anew that do not fit, counts sessions again, and puts the database that is open back where another file has taken its place. Doing it again does nothing more. Refused to everybody but a person.";

    RestoreDatabase RESTORE_DATABASE "restoreDatabase", repeats, for persons: upkeep::RestoreDatabaseParams => upkeep::RestoreDatabaseResponse;
    "Checks a backup (`humanlayer backup`) and makes it ready. It is put in the place of the database when the daemon stops within two minutes; the present one is kept. Refused to everybody but a person.";

    RevokeKey REVOKE_KEY "revokeKey", changes, for persons: keys::RevokeKeyParams => keys::RevokeKeyResponse;
    "Revokes a key. Refused to agents.";

    SubscribeEvents SUBSCRIBE_EVENTS "subscribeEvents", streams, for everybody: event::SubscribeEventsParams => event::EventNotification;
    "A standard JSON-RPC subscription. Each notification (method `event`) has `params.result` as below; `unsubscribeEvents` with the subscription's id ends it.";

    Subscribe SUBSCRIBE "Subscribe", streams, for everybody: event::SubscribeParams => event::EventAnswer;
    "Events in the older daemon's way: the call takes its connection over. The first answer has `subscription_id` and `message`, each further one has `event`; a quiet connection gets `{\"type\":\"heartbeat\"}` every 30 s.";
}

impl Name {
    /// The methods with this effect.
    pub fn with(effect: Effect) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(move |name| name.effect() == effect)
    }

    /// The methods that only these may call.
    pub fn of(callers: Callers) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(move |name| name.callers() == callers)
    }
}

/// Whether the method of a name takes the members of [`super::request::RequestOptions`].
#[must_use]
pub fn changes(name: &str) -> bool {
    Name::parse(name).is_some_and(|name| name.effect() == Effect::Changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_is_found_by_its_own_name() {
        for name in Name::ALL {
            assert_eq!(Name::parse(name.as_str()), Some(*name));
        }
        assert_eq!(Name::parse("health2"), None);
    }

    #[test]
    fn what_changes_something_takes_a_key_and_nothing_else_does() {
        assert!(changes(LAUNCH_SESSION) && changes(SEND_DECISION));
        assert!(!changes(HEALTH) && !changes(REPAIR) && !changes(SUBSCRIBE) && !changes("other"));
    }
}
