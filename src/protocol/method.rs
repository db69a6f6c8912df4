//! The names of all methods, and which types go in and come out.

/// Is the daemon there, and which one is it?
pub const HEALTH: &str = "health";
/// Starts an agent.
pub const LAUNCH_SESSION: &str = "launchSession";
/// What the installed agent says about itself.
pub const GET_AGENT_INFO: &str = "getAgentInfo";
/// All sessions.
pub const LIST_SESSIONS: &str = "listSessions";
/// Sessions that no other one continues.
pub const GET_SESSION_LEAVES: &str = "getSessionLeaves";
/// One session.
pub const GET_SESSION_STATE: &str = "getSessionState";
/// What was said and done.
pub const GET_CONVERSATION: &str = "getConversation";
/// Looks for words in all conversations.
pub const SEARCH_CONVERSATIONS: &str = "searchConversations";
/// Continues a conversation under a further id, or forks it.
pub const CONTINUE_SESSION: &str = "continueSession";
/// Stops the turn.
pub const INTERRUPT_SESSION: &str = "interruptSession";
/// Standing permissions.
pub const UPDATE_SESSION_SETTINGS: &str = "updateSessionSettings";
/// The title.
pub const UPDATE_SESSION_TITLE: &str = "updateSessionTitle";
/// Archives a session, or unarchives it.
pub const ARCHIVE_SESSION: &str = "archiveSession";
/// The same for several.
pub const BULK_ARCHIVE_SESSIONS: &str = "bulkArchiveSessions";
/// Deletes ended sessions, with everything of them.
pub const DELETE_SESSIONS: &str = "deleteSessions";
/// Directories used lately.
pub const GET_RECENT_PATHS: &str = "getRecentPaths";
/// Files as the agent read them.
pub const GET_SESSION_SNAPSHOTS: &str = "getSessionSnapshots";
/// Asks for a permission, for a program that serves a permission prompt.
pub const CREATE_APPROVAL: &str = "createApproval";
/// Asks a person something, for any program.
pub const CREATE_CONTACT: &str = "createContact";
/// Takes a request back.
pub const WITHDRAW_APPROVAL: &str = "withdrawApproval";
/// What is pending in a session.
pub const FETCH_APPROVALS: &str = "fetchApprovals";
/// One approval.
pub const GET_APPROVAL: &str = "getApproval";
/// Decides.
pub const SEND_DECISION: &str = "sendDecision";
/// Makes a key for the local HumanLayer API.
pub const CREATE_KEY: &str = "createKey";
/// The keys, without the keys themselves.
pub const LIST_KEYS: &str = "listKeys";
/// Ends a key for good.
pub const REVOKE_KEY: &str = "revokeKey";
/// What must not have happened and has.
pub const LIST_ALARMS: &str = "listAlarms";
/// Says that a person knows of an alarm.
pub const ACKNOWLEDGE_ALARM: &str = "acknowledgeAlarm";
/// The terminals that a person has confirmed.
pub const LIST_TERMINALS: &str = "listTerminals";
/// Confirms a terminal that began while an agent ran.
pub const CONFIRM_TERMINAL: &str = "confirmTerminal";
/// Where a person's programs run that were not started in a terminal.
pub const LIST_PLACES: &str = "listPlaces";
/// Puts the place of a process on record.
pub const ADD_PLACE: &str = "addPlace";
/// Takes a place off the record.
pub const REMOVE_PLACE: &str = "removePlace";
/// Adopts, moves aside and makes anew what is not as it should be.
pub const REPAIR: &str = "repair";
/// Has a backup put in the place of the database when the daemon stops.
pub const RESTORE_DATABASE: &str = "restoreDatabase";
/// Events in the older daemon's way; takes the connection over.
pub const SUBSCRIBE: &str = "Subscribe";
/// Sessions, counts and pending approvals of one moment.
pub const GET_OVERVIEW: &str = "getOverview";
/// Approvals over all sessions.
pub const LIST_APPROVALS: &str = "listApprovals";
/// A message to a session; resumes it where its process has ended.
pub const SEND_MESSAGE: &str = "sendMessage";
/// Takes back a message that the agent has not read.
pub const WITHDRAW_MESSAGE: &str = "withdrawMessage";
/// Ends a session's process and gives the next one the caller's credentials.
pub const RESTART_SESSION: &str = "restartSession";
/// Has a session go on in another directory.
pub const MOVE_SESSION: &str = "moveSession";
/// Ends a session's process.
pub const END_SESSION: &str = "endSession";
/// The agent's own lines.
pub const GET_RAW_LINES: &str = "getRawLines";
/// Events as a standard subscription.
pub const SUBSCRIBE_EVENTS: &str = "subscribeEvents";
/// Ends such a subscription.
pub const UNSUBSCRIBE_EVENTS: &str = "unsubscribeEvents";
/// The method name of such a subscription's notifications.
pub const EVENT: &str = "event";

/// The methods that only a person's program may call, whatever they are asked to do. Those with which an
/// agent may act on its own session, and no other, are not among them.
pub const FOR_PERSONS: [&str; 16] = [
    CONTINUE_SESSION,
    BULK_ARCHIVE_SESSIONS,
    DELETE_SESSIONS,
    SEND_DECISION,
    CREATE_KEY,
    REVOKE_KEY,
    ACKNOWLEDGE_ALARM,
    CONFIRM_TERMINAL,
    ADD_PLACE,
    REMOVE_PLACE,
    REPAIR,
    RESTORE_DATABASE,
    SEND_MESSAGE,
    WITHDRAW_MESSAGE,
    RESTART_SESSION,
    MOVE_SESSION,
];

/// The methods that change something. Each takes the members of [`super::request::RequestOptions`] as well.
pub const CHANGES: [&str; 23] = [
    LAUNCH_SESSION,
    CONTINUE_SESSION,
    INTERRUPT_SESSION,
    UPDATE_SESSION_SETTINGS,
    UPDATE_SESSION_TITLE,
    ARCHIVE_SESSION,
    BULK_ARCHIVE_SESSIONS,
    DELETE_SESSIONS,
    CREATE_APPROVAL,
    CREATE_CONTACT,
    WITHDRAW_APPROVAL,
    SEND_DECISION,
    CREATE_KEY,
    REVOKE_KEY,
    ACKNOWLEDGE_ALARM,
    CONFIRM_TERMINAL,
    ADD_PLACE,
    REMOVE_PLACE,
    SEND_MESSAGE,
    WITHDRAW_MESSAGE,
    RESTART_SESSION,
    MOVE_SESSION,
    END_SESSION,
];

/// Whether a method changes something.
#[must_use]
pub fn changes(name: &str) -> bool {
    CHANGES.contains(&name)
}

/// Whether an agent may call a method at all.
#[must_use]
pub fn is_for_agents(name: &str) -> bool {
    !FOR_PERSONS.contains(&name)
}
