//! Everything that the dashboard can ask the world to do.
//!
//! [`super::update`] returns these; `effects` and the runtime do them and answer with a
//! [`super::msg::Msg`]. They are plain data, so a test can say what a key must lead to.

use std::collections::BTreeMap;

use crate::protocol::decision::SendDecisionParams;
use crate::protocol::messages::WithdrawMessageParams;
use crate::protocol::session::{
    ContinueSessionParams, GetAgentInfoParams, LaunchSessionParams, MoveSessionParams,
    RestartSessionParams, UpdateSessionSettingsParams,
};

use super::memory::Memory;

/// Which page of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationPage {
    /// The newest.
    Last,
    /// The one before this sequence number.
    Before(i64),
    /// The one after it.
    After(i64),
}

impl From<super::transcript::PageWanted> for ConversationPage {
    fn from(wanted: super::transcript::PageWanted) -> Self {
        match wanted {
            super::transcript::PageWanted::Before(sequence) => Self::Before(sequence),
            super::transcript::PageWanted::After(sequence) => Self::After(sequence),
        }
    }
}

/// What a text in the editor is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Only to look at.
    Look,
    /// The input of an approval, to be approved as edited.
    Input { approval: String },
    /// The text of the open form's field.
    Field,
}

/// What is looked for in conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    pub words: String,
    /// Only in this session.
    pub session: Option<String>,
}

/// What a text for a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePurpose {
    /// A message; goes on with the session, live or over.
    Reply,
    /// The first message of a new session that goes on from here.
    Fork,
    /// Its title.
    Title,
    /// The file that the conversation is exported to.
    Export,
    /// The directory in which it goes on, because its own is not there.
    Directory,
}

impl MessagePurpose {
    /// Whether the text may have several lines.
    #[must_use]
    pub fn has_lines(self) -> bool {
        match self {
            Self::Reply | Self::Fork => true,
            Self::Title | Self::Export | Self::Directory => false,
        }
    }
}

/// What is done to each of several sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForEachSession {
    /// Stop the turn.
    Interrupt,
    /// End the process.
    End,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Decide an approval.
    Decide(Box<SendDecisionParams>),
    /// Read a page of a session's conversation.
    Page {
        session: String,
        page: ConversationPage,
    },
    /// Follow a session's conversation, and no other; none: follow none.
    Follow(Option<String>),
    /// Read a session's record.
    Session(String),
    /// Read an approval's record.
    Approval(String),
    /// Read the file that an approval is about.
    File {
        approval: String,
        /// The path, as the approval has it.
        path: String,
        /// Where relative paths begin.
        base: String,
    },
    /// Read which git branch is checked out in a directory.
    Branch { directory: String },
    /// Start a session.
    Launch(Box<LaunchSessionParams>),
    /// Fork a session.
    Continue(Box<ContinueSessionParams>),
    /// Give a session a message; it is resumed where its process has ended.
    Message {
        session: String,
        /// The message.
        text: String,
        /// The environment of its next process, should one be started.
        env: BTreeMap<String, String>,
    },
    /// Withdraw a message that the agent has not read.
    Unsend(WithdrawMessageParams),
    /// Stop the turn.
    Interrupt(String),
    /// End the process.
    End(String),
    /// Go on in another directory.
    Move(MoveSessionParams),
    /// End the process, and give the next one the person's present credentials.
    RestartSession(Box<RestartSessionParams>),
    /// The same for several sessions, with one word about all.
    ForEachSession {
        what: ForEachSession,
        sessions: Vec<String>,
    },
    /// Set the title.
    Rename { session: String, title: String },
    /// Archive, or unarchive.
    Archive {
        sessions: Vec<String>,
        /// Away, or back.
        archived: bool,
    },
    /// Delete ended sessions with everything of them.
    Delete(Vec<String>),
    /// Set standing permissions.
    Settings(UpdateSessionSettingsParams),
    /// Start the daemon, or restart it.
    RestartDaemon,
    /// Show a text in $PAGER.
    Pager(String),
    /// Open a text in $EDITOR.
    Editor {
        /// What for.
        purpose: Purpose,
        text: String,
        /// The ending of its name, so that the editor knows its language.
        extension: &'static str,
    },
    /// Put a text on the clipboard, and say where it went.
    Copy(String),
    /// Write a session's whole conversation to a file.
    Export {
        session: String,
        /// The file, as an absolute path.
        path: String,
        /// Whether a file that is there may be written over.
        overwrite: bool,
    },
    /// Ring the bell.
    Bell,
    /// Tell the desktop.
    Notify {
        /// The heading.
        title: String,
        body: String,
    },
    /// Read what was remembered.
    LoadMemory,
    /// Remember for the next time.
    SaveMemory(Box<Memory>),
    /// Read directories used lately.
    RecentPaths,
    /// Ask what the installed agent says about itself.
    AgentInfo(GetAgentInfoParams),
    /// Complete a path; relative ones are below the directory.
    Complete {
        typed: String,
        /// Where relative paths begin.
        base: String,
        /// Only directories.
        directories: bool,
    },
    /// Look for words in all conversations.
    Find {
        /// Which search it is, so that an answer that comes late is known as such.
        number: u64,
        /// What is looked for.
        query: SearchQuery,
    },
    /// Look what is missing on this machine.
    RunDoctor,
    /// Draw everything anew.
    Redraw,
    /// Show the demonstration in this terminal, and come back.
    Demo,
    /// Stop this program until the shell lets it go on.
    Suspend,
    /// Leave.
    Quit,
}

impl Effect {
    /// Whether it changes something by way of the daemon: such an effect is made only while there is a connection.
    #[must_use]
    pub fn needs_daemon(&self) -> bool {
        match self {
            Self::Decide(_)
            | Self::Launch(_)
            | Self::Continue(_)
            | Self::Message { .. }
            | Self::Unsend(_)
            | Self::Interrupt(_)
            | Self::End(_)
            | Self::RestartSession(_)
            | Self::Move(_)
            | Self::Rename { .. }
            | Self::Archive { .. }
            | Self::Delete(_)
            | Self::Settings(_)
            | Self::ForEachSession { .. } => true,
            // What only reads fails by itself and costs nothing.
            Self::Page { .. }
            | Self::Follow(_)
            | Self::Session(_)
            | Self::Approval(_)
            | Self::RestartDaemon
            | Self::Pager(_)
            | Self::Editor { .. }
            | Self::Copy(_)
            | Self::Export { .. }
            | Self::Bell
            | Self::Notify { .. }
            | Self::LoadMemory
            | Self::SaveMemory(_)
            | Self::RecentPaths
            | Self::AgentInfo(_)
            | Self::Complete { .. }
            | Self::Find { .. }
            | Self::File { .. }
            | Self::Branch { .. }
            | Self::RunDoctor
            | Self::Redraw
            | Self::Suspend
            | Self::Demo
            | Self::Quit => false,
        }
    }
}
