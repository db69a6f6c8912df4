//! What the dashboard knows, a file a pane.
//!
//! Plain data and what can be derived from it. Changed only by [`super::update`], drawn only by
//! [`super::view`]. Must not know terminals, sockets or clocks: the time comes with each message.

pub mod activity;
pub mod card;
pub mod complete;
pub mod data;
pub mod detail;
pub mod first_run;
pub mod fuzzy;
pub mod guard;
pub mod inbox;
pub mod launch;
pub mod notice;
pub mod offered;
pub mod panes;
pub mod sessions;
pub mod tour;

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::forms::{self, Form};
use super::ground::Ground;
use super::keymap::{Action, KeyContext, Keymap};
use super::theme::Theme;
use crate::config::CallFor;

pub use card::Card;
pub use data::Data;
pub use detail::Detail;
pub use guard::{DecisionGuard, DecisionView};
pub use inbox::Inbox;
pub use notice::Notice;
pub use sessions::Sessions;

/// The pane that keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pane {
    /// What waits for a decision.
    Inbox,
    /// The list of sessions.
    Sessions,
    /// The selected session's conversation.
    Conversation,
    /// The prompt line that starts a session.
    Prompt,
}

impl Pane {
    /// Whose keys apply.
    #[must_use]
    pub fn context(self) -> KeyContext {
        match self {
            Self::Inbox => KeyContext::Inbox,
            Self::Sessions => KeyContext::Sessions,
            Self::Conversation => KeyContext::Conversation,
            Self::Prompt => KeyContext::Global,
        }
    }
}

/// What keeps the dashboard from the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// None runs.
    Stopped,
    /// None ran, and none could be started.
    NotStarted,
    /// The socket cannot be used.
    Refused,
    /// What answers is not a daemon of this version.
    Foreign,
    /// The connection broke.
    Broken,
    /// The daemon is there and answers nobody.
    Silent,
}

/// How the connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not yet there for the first time.
    Connecting,
    /// It stands.
    Up {
        /// The daemon's version.
        version: String,
        /// Whether it speaks our protocol and is of our version.
        current: bool,
        /// What the daemon says is wrong with it.
        problem: Option<String>,
    },
    /// It is gone; what is shown is how things were.
    Lost {
        why: String,
        since: Timestamp,
        /// What it is about.
        problem: ConnectionProblem,
    },
}

/// What comes with each message so that taking it in needs no clock and no chance: the time, by the calendar and by
/// a clock that never leaps, and an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The calendar's time.
    pub wall: Timestamp,
    /// The time since the dashboard was opened.
    pub elapsed: Duration,
    /// The same, of a key: not before this was it pressed.
    pub pressed: Duration,
    /// An id that nothing else has, for what is started because of this message.
    pub fresh_id: Uuid,
}

/// A frame on its way to the screen.
#[derive(Clone, Debug)]
pub struct Sent {
    number: u64,
    decision: Option<DecisionView>,
}

/// The last frame that was sent to the terminal: what a key pressed now is about, once it has arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastFrame {
    /// What was under the decision keys; none where they decide nothing.
    pub decision: Option<DecisionView>,
    /// The identity of the open form, where it has one ([`Form::identity`]).
    pub form: Option<String>,
    /// Where the panes were.
    pub panes: panes::Panes,
    /// The approvals on the inbox's rows.
    pub inbox: Vec<String>,
    /// How far the card can be scrolled.
    pub card_most: u16,
}

/// How the user wants the dashboard, from the configuration file.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferences {
    /// What the bell rings for.
    pub bell: CallFor,
    /// What the desktop is told, when the terminal has not the user's attention.
    pub notify: CallFor,
    /// No bell and no telling between these times (from, until), by the clock of this machine.
    pub quiet_hours: Option<(Time, Time)>,
    /// Ask for a second, different key before a dangerous approval.
    pub confirm_dangerous: bool,
    /// How long something must have been on the screen, unchanged, before a key decides about it.
    pub decision_guard: Duration,
    /// Take the mouse.
    pub mouse: bool,
    /// Reasons for a denial that are given often.
    pub deny_reasons: Vec<String>,
    /// Whether the configuration file names the theme, which then comes back at the next start.
    pub theme_set: bool,
    /// Whether this is the demonstration, which the screen must say.
    pub demo: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            bell: CallFor::ALL,
            notify: CallFor::NONE,
            quiet_hours: None,
            confirm_dangerous: true,
            decision_guard: Duration::from_millis(400),
            mouse: true,
            deny_reasons: forms::deny::QUICK.map(str::to_owned).to_vec(),
            theme_set: false,
            demo: false,
        }
    }
}

#[derive(Debug)]
pub struct App {
    /// When the dashboard was opened.
    pub opened: Timestamp,
    /// When the message that is being handled came.
    pub now: Timestamp,
    /// The same by the clock that never leaps: the time since the dashboard was opened.
    pub elapsed: Duration,
    /// Of a key that is handled: not before this was it pressed, which may be earlier.
    pub pressed: Duration,
    /// An id for a session that is started because of the message that is handled.
    pub fresh_id: Uuid,
    /// The time zone of this machine, for times of the day.
    pub time_zone: TimeZone,
    /// The size of the screen: columns, rows.
    pub size: (u16, u16),
    /// Whether the pane that has the keys takes the whole screen, beside the approval panel.
    pub zoomed: bool,
    /// Where the program was started, for new sessions.
    pub directory: String,
    /// The user's home, for shortening paths.
    pub home: Option<String>,
    /// The looks.
    pub theme: Theme,
    /// The terminal's ground, as far as it is known.
    pub ground: Ground,
    /// Whether nobody has chosen the theme, so that it follows the ground.
    pub theme_by_ground: bool,
    /// The keys.
    pub keymap: Keymap,
    /// The preferences.
    pub preferences: Preferences,
    /// Whether the terminal has the user's attention.
    pub attention: bool,
    /// How the connection stands.
    pub connection: Connection,
    /// Sessions and approvals as the daemon told.
    pub data: Data,
    /// The pane that keys go to.
    pub focus: Pane,
    pub inbox: Inbox,
    /// The approval panel: what the selected session asks, if it asks anything.
    pub card: Card,
    /// When a decision key counts.
    pub guard: DecisionGuard,
    /// The form from which an action is asked for at this moment; none: from the panes.
    pub acting_form: Option<&'static str>,
    /// The list of sessions.
    pub sessions: Sessions,
    /// The selected session's conversation.
    pub detail: Detail,
    /// The prompt line, and what is remembered for launching.
    pub launch: launch::Launch,
    /// Texts for sessions that were typed and did not arrive.
    pub drafts: forms::message::Drafts,
    /// How many searches were begun.
    pub searches: u64,
    /// The search as it was left by going to something that it had found.
    pub searched: Option<Box<forms::search::SearchForm>>,
    /// The open form, on top of everything.
    pub form: Option<Form>,
    /// What is missing on this machine, while there are no sessions.
    pub first_run: first_run::FirstRun,
    /// What agents are doing right now.
    pub activity: activity::Activity,
    /// The demonstration's first steps; none elsewhere.
    pub tour: Option<tour::Tour>,
    /// The filter or search that is being typed, with its cursor.
    pub line: forms::Field,
    /// A word to the user, for a while.
    pub notice: Option<Notice>,
    /// The last frame that reached the terminal.
    pub frame: LastFrame,
}

impl App {
    /// Before anything is known.
    #[must_use]
    pub fn new(now: Timestamp, theme: Theme, keymap: Keymap, preferences: Preferences) -> Self {
        Self {
            opened: now,
            now,
            elapsed: Duration::ZERO,
            pressed: Duration::ZERO,
            fresh_id: Uuid::nil(),
            time_zone: TimeZone::UTC,
            size: (80, 24),
            zoomed: false,
            directory: "/".to_owned(),
            home: None,
            theme,
            ground: Ground::default(),
            theme_by_ground: false,
            keymap,
            preferences,
            attention: true,
            connection: Connection::Connecting,
            data: Data::default(),
            focus: Pane::Sessions,
            inbox: Inbox::default(),
            card: Card::default(),
            guard: DecisionGuard::default(),
            acting_form: None,
            sessions: Sessions::default(),
            detail: Detail::default(),
            launch: launch::Launch::default(),
            drafts: forms::message::Drafts::default(),
            searches: 0,
            searched: None,
            form: None,
            first_run: first_run::FirstRun::default(),
            activity: activity::Activity::default(),
            tour: None,
            line: forms::Field::default(),
            notice: None,
            frame: LastFrame::default(),
        }
    }

    /// The session that is selected, if it is known.
    #[must_use]
    pub fn selected_session(&self) -> Option<&crate::protocol::session::SessionState> {
        self.data.session(self.sessions.selected.as_deref()?)
    }

    /// The approval that the panel shows: one of those of the selected session, if it asks anything.
    #[must_use]
    pub fn selected_approval(&self) -> Option<&crate::protocol::approval::Approval> {
        let session = self.sessions.selected.as_deref()?;
        self.data
            .pending(self.card.approval.as_deref()?)
            .filter(|approval| approval.session_id == session)
    }

    /// How many approvals of other sessions are pending.
    #[must_use]
    pub fn other_approvals(&self) -> usize {
        let selected = self.sessions.selected.as_deref();
        let others = self.data.pending.values();
        others
            .filter(|approval| Some(approval.session_id.as_str()) != selected)
            .count()
    }

    /// That other sessions ask, and the key that goes there; none where none do.
    #[must_use]
    pub fn others_pending(&self) -> Option<String> {
        let others = self.other_approvals();
        let s = if others == 1 { "" } else { "s" };
        match (others, self.keymap.key(Action::NextApproval).as_str()) {
            (0, _) => None,
            (_, "") => Some(format!("{others} other approval{s} pending")),
            (_, key) => Some(format!("{others} other approval{s} pending ({key})")),
        }
    }

    /// The terminal has this ground.
    pub fn set_ground(&mut self, ground: Ground) {
        self.ground = ground;
        if self.theme_by_ground {
            self.theme = Theme::of_ground(ground);
        }
        self.theme = self.theme.on(ground);
    }

    /// A frame with this content was sent to the terminal; gives what to say when it is there.
    pub fn frame_sent(&mut self, frame: LastFrame) -> Sent {
        let number = self.guard.frame_sent(frame.decision.as_ref());
        let decision = frame.decision.clone();
        self.frame = frame;
        Sent { number, decision }
    }

    /// That frame has reached the screen.
    pub fn frame_arrived(&mut self, frame: &Sent, at: Duration) {
        self.guard
            .frame_arrived(frame.number, frame.decision.as_ref(), at);
    }

    /// A frame with this content has reached the screen.
    #[cfg(test)]
    pub fn frame_shown(&mut self, frame: LastFrame, at: Duration) {
        self.guard.frame_shown(frame.decision.as_ref(), at);
        self.frame = frame;
    }

    /// Another program has had the terminal: nothing of the last frame is on it any more.
    pub fn frame_hidden(&mut self) {
        self.guard.hidden();
        self.frame = LastFrame::default();
    }

    /// Whether the decision keys do nothing in the frame that is being drawn, because what they are
    /// about has just changed: they are shown dim then.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.guard.is_changing() || !self.guard_remaining().is_zero()
    }

    /// For how long the decision keys still do nothing; zero: they count, as far as time goes.
    #[must_use]
    pub fn guard_remaining(&self) -> Duration {
        if self.guard.shown().is_none() {
            return Duration::ZERO;
        }
        self.guard
            .remaining(self.elapsed, self.preferences.decision_guard)
    }

    /// A directory as it is shown: from home.
    #[must_use]
    pub fn relative_to_home(&self, directory: &str) -> String {
        let home = self.home.as_deref().filter(|home| !home.is_empty());
        match home.and_then(|home| directory.strip_prefix(home)) {
            Some("") => "~".to_owned(),
            Some(rest) if rest.starts_with('/') => format!("~{rest}"),
            Some(_) | None => directory.to_owned(),
        }
    }

    /// Whether something is searched for in the conversation: its keys are for that, and nothing is
    /// decided.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.detail.search.is_some() || self.detail.typing
    }

    /// Whose keys apply where nothing is typed.
    #[must_use]
    pub fn context(&self) -> KeyContext {
        match self.focus {
            Pane::Conversation if self.is_searching() => KeyContext::Search,
            pane => pane.context(),
        }
    }

    /// Whether the daemon can be asked for something.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.connection, Connection::Up { .. })
    }

    /// After how long the mere passing of time may change the screen, or what must be done.
    #[must_use]
    pub fn changes_within(&self) -> Duration {
        const SPIN: Duration = Duration::from_millis(100);
        const WORKING: Duration = Duration::from_millis(200);
        const SECOND: Duration = Duration::from_secs(1);
        const IDLE: Duration = Duration::from_secs(30);
        match &self.connection {
            Connection::Connecting => SPIN,
            Connection::Lost { .. } => SECOND,
            Connection::Up { .. } => {
                let moves = !self.data.pending.is_empty()
                    || self.notice.is_some()
                    || self.data.active() > 0
                    || (self.data.is_empty() && self.first_run.is_failing());
                // A spinner turns only where somebody looks.
                let pause = if self.attention && self.data.running() > 0 {
                    WORKING
                } else if moves {
                    SECOND
                } else {
                    IDLE
                };
                match self.guard_remaining() {
                    Duration::ZERO => pause,
                    // The keys are shown as what they are again.
                    remaining => pause.min(remaining),
                }
            }
        }
    }
}
