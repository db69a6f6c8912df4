//! Everything that a key, the palette or the mouse can ask for, with its name and its words.
//!
//! The one list from which the default keys, the help, the context line and the palette are made,
//! so that they cannot disagree. Must not know the state.

/// Where keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyContext {
    /// Anywhere without an open form.
    Global,
    /// The list of sessions.
    Sessions,
    Inbox,
    Conversation,
    /// The conversation while something is searched for in it; what has no key there has that of the
    /// conversation.
    Search,
}

impl KeyContext {
    /// In words, for help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::Sessions => "Sessions",
            Self::Inbox => "Inbox",
            Self::Conversation => "Conversation",
            Self::Search => "Search in a conversation",
        }
    }

    /// All, in the order of the help.
    pub const ALL: [Self; 5] = [
        Self::Global,
        Self::Inbox,
        Self::Sessions,
        Self::Conversation,
        Self::Search,
    ];
}

/// Defines the actions: name in the configuration, contexts, default keys, words.
macro_rules! actions {
    ($($variant:ident $name:literal [$($context:ident),+] [$($key:literal),*] $words:literal;)*) => {
        /// What can be asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $words] $variant,)*
        }

        impl Action {
            /// All, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The action of a name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.name() == name)
            }

            /// The name in the configuration file.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }

            /// Where it can be asked for.
            #[must_use]
            pub fn contexts(self) -> &'static [KeyContext] {
                match self { $(Self::$variant => &[$(KeyContext::$context),+],)* }
            }

            /// Its keys, unless the user has set others.
            #[must_use]
            pub fn default_keys(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($key),*],)* }
            }
        }
    };
}

impl Action {
    /// Whether it says yes to something.
    #[must_use]
    pub fn approves(self) -> bool {
        matches!(
            self,
            Self::Approve | Self::AlwaysAllow | Self::ApproveMany | Self::ApproveUnread
        )
    }
}

actions! {
    Approve "approve" [Global] ["y"] "approve";
    Deny "deny" [Global] ["n"] "deny, with a reason";
    Edit "edit" [Global] ["e"] "edit the input, then approve";
    AlwaysAllow "always" [Global] ["a"] "approve and always allow";
    Answer "answer" [Inbox] ["enter", "right", "l"] "answer, or read in full";
    ReadApproval "read" [Global] ["v"] "read in full";
    ApproveMany "approve-many" [Global] ["Y"] "approve all selected or shown";
    DenyMany "deny-many" [Global] ["N"] "deny all selected or shown";
    ApproveUnread "approve-unread" [Global] ["U"] "approve a long text unread";
    QuestionDown "question-down" [Global] ["ctrl-j"] "scroll the approval down";
    QuestionUp "question-up" [Global] ["ctrl-k"] "scroll the approval up";
    NextApproval "next-approval" [Global] ["ctrl-n"] "next approval";
    PreviousApproval "previous-approval" [Global] ["ctrl-b"] "previous approval";

    NewSession "new-session" [Global] ["c"] "new session: prompt line";
    LaunchForm "launch-form" [Global] ["C"] "new session: form";
    Reply "reply" [Global] ["r"] "reply";
    Unsend "unsend" [Conversation] ["W"] "withdraw a queued message";
    Interrupt "interrupt" [Global] ["i"] "interrupt the turn";
    EndSession "end" [Global] ["x"] "end the process";
    RestartSession "restart-session" [Global] [] "restart with your current credentials";
    Fork "fork" [Global] ["F"] "fork session";
    Rename "rename" [Global] ["R"] "rename session";
    Archive "archive" [Sessions, Conversation] ["z"] "archive / unarchive";
    Delete "delete" [Sessions, Conversation] ["X", "delete"] "delete an ended session";
    AutoAccept "auto-accept-edits" [Global] ["E"] "toggle auto-accept edits";
    Export "export" [Sessions, Conversation] ["w"] "export conversation";

    Up "up" [Sessions, Inbox, Conversation] ["k", "up"] "up a row or block";
    Down "down" [Sessions, Inbox, Conversation] ["j", "down"] "down a row or block";
    PageUp "page-up" [Sessions, Inbox, Conversation] ["pageup"] "page up";
    PageDown "page-down" [Sessions, Inbox, Conversation] ["pagedown"] "page down";
    HalfPageUp "half-page-up" [Sessions, Inbox, Conversation] ["ctrl-u"] "half a page up";
    HalfPageDown "half-page-down" [Sessions, Inbox, Conversation] ["ctrl-d"] "half a page down";
    ScrollUp "scroll-up" [Conversation] ["K", "shift-up"] "scroll a line up";
    ScrollDown "scroll-down" [Conversation] ["J", "shift-down"] "scroll a line down";
    Top "top" [Sessions, Inbox, Conversation] ["g", "home"] "go to start";
    Bottom "bottom" [Sessions, Inbox, Conversation] ["G", "end"] "go to end and follow";
    Open "open" [Sessions] ["enter", "right", "l"] "open";
    Mark "mark" [Sessions, Inbox] ["space"] "select (for batch actions)";
    SelectAll "select-all" [Sessions] ["ctrl-a"] "select everything shown / nothing";
    SelectGroup "select-group" [Sessions] ["V"] "select the whole group / none of it";
    NextUnread "next-unread" [Sessions, Conversation] ["u"] "next unread session";
    Collapse "collapse" [Sessions] ["left", "h"] "fold the group";
    Sort "sort" [Sessions] ["s"] "change sort order";
    ShowArchived "show-archived" [Sessions] ["A"] "toggle archived";
    Fold "fold" [Conversation] ["o", "enter"] "unfold / fold";
    FoldAll "fold-all" [Conversation] ["O"] "unfold / fold everything";
    NextTurn "next-turn" [Conversation] ["]"] "next user message";
    PreviousTurn "previous-turn" [Conversation] ["["] "previous user message";
    NextMatch "next-match" [Search] ["n", "ctrl-f"] "next match";
    PreviousMatch "previous-match" [Search] ["N"] "previous match";
    Copy "copy" [Conversation, Inbox] ["ctrl-y"] "copy selection";
    Pager "pager" [Conversation] ["p"] "read in $PAGER";
    Editor "editor" [Conversation] ["ctrl-g"] "open in $EDITOR";
    Back "back" [Conversation] ["left", "h"] "back to the lists";

    Filter "filter" [Global] ["/"] "filter list / search conversation";
    Search "search" [Global] ["S"] "search all sessions and conversations";
    FocusNext "focus-next" [Global] ["tab"] "next pane";
    FocusPrevious "focus-previous" [Global] ["shift-tab"] "previous pane";
    FocusInbox "focus-inbox" [Global] ["1"] "inbox";
    FocusSessions "focus-sessions" [Global] ["2"] "sessions";
    FocusConversation "focus-conversation" [Global] ["3"] "conversation";
    Zoom "zoom" [Global] ["f", "+"] "zoom to the whole screen and back";
    Theme "theme" [Global] ["T"] "next theme";
    Palette "palette" [Global] [":", "ctrl-p"] "all commands";
    Help "help" [Global] ["?", "f1"] "all keys";
    Demo "demo" [Global] ["D"] "demo with scripted agents";
    RestartDaemon "restart-daemon" [Global] ["ctrl-r"] "start or restart the daemon (safe)";
    Redraw "redraw" [Global] ["ctrl-l"] "redraw";
    Suspend "suspend" [Global] ["ctrl-z"] "suspend to the shell (`fg` returns)";
    Cancel "cancel" [Global] ["esc"] "back";
    Quit "quit" [Global] ["q", "ctrl-c"] "quit (sessions keep running)";
}
