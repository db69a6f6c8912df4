//! Everything that can happen to the dashboard.
//!
//! The runtime turns what comes from the terminal, the daemon and the effects that were carried out into these; only
//! [`super::update`] takes them. Nothing here does anything.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::protocol::approval::Approval;
use crate::protocol::conversation::{GetConversationResponse, SearchConversationsResponse};
use crate::protocol::decision::SendDecisionResponse;
use crate::protocol::event::EventNotification;
use crate::protocol::session::{GetOverviewResponse, HealthResponse, SessionState};

use super::effect::MessagePurpose;
use super::memory::Memory;
use super::state::ConnectionProblem;

/// What happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size, which the next frame takes from it.
    Resize,
    /// The terminal was given, or lost, the user's attention.
    Attention(bool),
    /// Time passed.
    Tick,
    /// What is on the screen can be drawn better than before.
    Repaint,
    /// Something of the connection.
    Link(Link),
    /// Something of the selected session's conversation.
    Stream { session: String, what: Stream },
    /// An effect was carried out.
    Done(EffectResult),
}

/// Of the connection to the daemon.
#[derive(Debug)]
pub enum Link {
    /// It stands, and this is how things are. More pages of sessions may follow.
    Up {
        /// Which daemon it is.
        health: Box<HealthResponse>,
        /// How things are.
        overview: Box<GetOverviewResponse>,
    },
    /// A further page of what is pending.
    MorePending(Vec<Approval>),
    /// A further page of sessions of the same moment.
    More(Vec<SessionState>),
    /// No further page follows.
    Complete,
    /// An event of any session; conversations come by [`Stream`].
    Event(Box<EventNotification>),
    /// It is gone; it is being tried again.
    Lost {
        why: String,
        /// What it is about, so that the right remedy is offered.
        problem: ConnectionProblem,
    },
}

/// Of a conversation.
#[derive(Debug)]
pub enum Stream {
    /// A stored piece, or live words, or an approval of the session.
    Event(Box<EventNotification>),
    /// Pieces may have been missed: read the newest page again.
    Gap,
}

/// What came of an effect.
#[derive(Debug)]
pub enum EffectResult {
    /// A decision was taken there, or refused.
    Decided {
        id: String,
        /// The answer, or why there is none.
        answer: Result<Box<SendDecisionResponse>, Failure>,
    },
    /// A page of a conversation.
    Page {
        session: String,
        /// Which one.
        page: super::effect::ConversationPage,
        /// The pieces, or why there are none.
        pieces: Result<GetConversationResponse, String>,
        /// Whether it is as long as was asked for, so that more may follow.
        full: bool,
    },
    /// A session's record, asked for because an event named one that is not known.
    Session(Result<Box<SessionState>, String>),
    /// An approval's record.
    Approval(Result<Box<Approval>, String>),
    /// A session was started or continued; show it.
    Started(Result<Begun, Refused>),
    /// A text was given to a session, or was not: it must not be lost then.
    MessageSent {
        session: String,
        /// What the text was.
        about: MessagePurpose,
        text: String,
        /// Whether it waits to be read; why it did not arrive.
        answer: Result<bool, String>,
    },
    /// Something else was done: what to say about it.
    Toast(Result<String, String>),
    /// The file that an approval is about was looked at.
    File {
        approval: String,
        /// The path, as the approval has it.
        path: String,
        /// What is there.
        found: super::state::card::FileProbe,
    },
    /// The git branch of a directory was looked up.
    Branch {
        directory: String,
        /// What is checked out; none where it is no repository.
        name: Option<String>,
    },
    /// A conversation was not exported, as the file is there already.
    ExportExists {
        session: String,
        /// The file.
        path: String,
    },
    /// The user came back from the editor.
    Edited {
        /// What the text was for.
        purpose: super::effect::Purpose,
        /// The text, or why there is none.
        text: Result<String, String>,
    },
    /// What the dashboard remembers from earlier.
    MemoryLoaded(Box<Memory>),
    /// Directories used lately.
    RecentPaths(Vec<String>),
    /// The permission modes that the installed agent lists.
    PermissionModes(Vec<String>),
    /// Names that a path may be completed with.
    Completions {
        /// What was to be completed.
        of: String,
        /// The candidates.
        found: Vec<String>,
    },
    /// What is missing on this machine.
    DoctorFindings(Vec<crate::doctor::Finding>),
    /// What was found in the conversations.
    SearchResults {
        /// Which search it was.
        number: u64,
        /// The places, or why there are none.
        found: Result<SearchConversationsResponse, String>,
    },
}

/// A session that was started or continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub session: String,
    /// The id that was chosen for it here. Another one where an earlier request, which had not been confirmed, was
    /// sent again.
    pub sent_as: String,
}

impl From<String> for Begun {
    fn from(session: String) -> Self {
        Self {
            sent_as: session.clone(),
            session,
        }
    }
}

/// A launch that did not come about; what was typed must not be lost.
#[derive(Debug)]
pub struct Refused {
    /// What was to be launched.
    pub query: String,
    /// By what.
    pub by: LaunchSource,
    /// Why not.
    pub why: Failure,
}

/// Why something was not done, or is not known to have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not done.
    NotDone(String),
    /// No answer came.
    NotKnown(String),
}

impl Failure {
    /// What to say of it, where what was not done has these words.
    #[must_use]
    pub fn said_as(&self, not_done: &str) -> String {
        match self {
            Self::NotDone(why) => format!("{not_done}: {why}"),
            Self::NotKnown(why) => why.clone(),
        }
    }

    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::NotDone(why) | Self::NotKnown(why) => why,
        }
    }
}

/// What a session was to be started by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchSource {
    /// The prompt line or the form, as the session of this id.
    New(String),
    /// Going on from a session.
    From {
        /// That session.
        session: String,
        /// Whether by a reply or by a fork.
        about: MessagePurpose,
    },
}
