//! Everything that a key, the palette or the mouse can ask for, with its name and its words.
//!
//! The one list from which the default keys, the help, the context line and the palette are made,
//! so that they cannot disagree. Must not know the state.

/// Where keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Anywhere without an open form.
    Global,
    /// The list of sessions.
    Sessions,
    /// The inbox.
    Inbox,
    /// The conversation.
    Conversation,
}

impl Context {
    /// In words, for help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::Sessions => "Sessions",
            Self::Inbox => "Inbox",
            Self::Conversation => "Conversation",
        }
    }

    /// All, in the order of the help.
    pub const ALL: [Self; 4] = [
        Self::Global,
        Self::Inbox,
        Self::Sessions,
        Self::Conversation,
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

            /// In words.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }

            /// Where it can be asked for.
            #[must_use]
            pub fn contexts(self) -> &'static [Context] {
                match self { $(Self::$variant => &[$(Context::$context),+],)* }
            }

            /// Its keys, unless the user has set others.
            #[must_use]
            pub fn default_keys(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($key),*],)* }
            }
        }
    };
}

actions! {
    Approve "approve" [Global] ["y"] "approve";
    Deny "deny" [Global] ["n"] "deny, with a reason";
    Edit "edit" [Global] ["e"] "edit the input, then approve";
    Always "always" [Global] ["a"] "approve and always allow";
    Answer "answer" [Inbox] ["enter", "right", "l"] "answer it, or read the whole of it";
    ReadApproval "read" [Global] ["v"] "read all of the approval";
    ApproveMany "approve-many" [Global] ["Y"] "approve all marked or shown";
    DenyMany "deny-many" [Global] ["N"] "deny all marked or shown";
    ApproveUnread "approve-unread" [Global] ["U"] "approve a long text unread";
    QuestionDown "question-down" [Global] ["ctrl-j"] "scroll the approval down";
    QuestionUp "question-up" [Global] ["ctrl-k"] "scroll the approval up";
    NextApproval "next-approval" [Global] ["ctrl-n"] "next pending approval";
    PreviousApproval "previous-approval" [Global] ["ctrl-b"] "previous pending approval";

    NewSession "new-session" [Global] ["c"] "start a session: the prompt line";
    LaunchForm "launch-form" [Global] ["C"] "start a session: the form";
    Reply "reply" [Global] ["r"] "write to the session";
    Interrupt "interrupt" [Global] ["i"] "stop what the agent is doing";
    EndSession "end" [Global] ["x"] "end the session's process";
    RestartSession "restart-session" [Global] [] "restart with your current credentials";
    Fork "fork" [Global] ["F"] "go on in a new session, from here";
    Rename "rename" [Global] ["R"] "give the session a title";
    Archive "archive" [Sessions, Conversation] ["z"] "put away, or take back";
    AutoAccept "auto-accept-edits" [Global] ["E"] "accept its edits without asking, or stop";
    Export "export" [Sessions, Conversation] ["w"] "write the conversation to a file";

    Up "up" [Sessions, Inbox, Conversation] ["k", "up"] "up";
    Down "down" [Sessions, Inbox, Conversation] ["j", "down"] "down";
    PageUp "page-up" [Sessions, Inbox, Conversation] ["pageup", "ctrl-u"] "a page up";
    PageDown "page-down" [Sessions, Inbox, Conversation] ["pagedown", "ctrl-d"] "a page down";
    Top "top" [Sessions, Inbox, Conversation] ["g", "home"] "to the top";
    Bottom "bottom" [Sessions, Inbox, Conversation] ["G", "end"] "to the bottom, and follow";
    Open "open" [Sessions] ["enter", "right", "l"] "open";
    Mark "mark" [Sessions, Inbox] ["space"] "mark, for all at once";
    Collapse "collapse" [Sessions] ["left", "h"] "fold the group";
    Sort "sort" [Sessions] ["s"] "sort by something else";
    ShowArchived "show-archived" [Sessions] ["A"] "show what was put away, or hide it";
    Fold "fold" [Conversation] ["o", "enter"] "unfold, or fold";
    FoldAll "fold-all" [Conversation] ["O"] "unfold everything, or fold it";
    NextTurn "next-turn" [Conversation] ["]", "J"] "to the next thing you said";
    PreviousTurn "previous-turn" [Conversation] ["[", "K"] "to the thing you said before";
    NextMatch "next-match" [Conversation] ["ctrl-f"] "the next match";
    Copy "copy" [Conversation, Inbox] ["ctrl-y"] "copy what is selected";
    Pager "pager" [Conversation] ["p"] "read in $PAGER";
    Editor "editor" [Conversation] ["ctrl-e"] "open in $EDITOR";
    Back "back" [Conversation] ["left", "h"] "back to the lists";

    Filter "filter" [Global] ["/"] "filter the list, or search the conversation";
    Search "search" [Global] ["S"] "search all sessions and conversations";
    FocusNext "focus-next" [Global] ["tab"] "the next pane";
    FocusPrevious "focus-previous" [Global] ["shift-tab"] "the pane before";
    FocusInbox "focus-inbox" [Global] ["1"] "the inbox";
    FocusSessions "focus-sessions" [Global] ["2"] "the sessions";
    FocusConversation "focus-conversation" [Global] ["3"] "the conversation";
    Theme "theme" [Global] ["T"] "another theme";
    Palette "palette" [Global] [":", "ctrl-p"] "all commands";
    Help "help" [Global] ["?", "f1"] "all keys";
    Demo "demo" [Global] ["D"] "the demonstration, with scripted agents";
    RestartDaemon "restart-daemon" [Global] ["ctrl-r"] "start the daemon, or restart it (safe)";
    Redraw "redraw" [Global] ["ctrl-l"] "draw everything anew";
    Suspend "suspend" [Global] ["ctrl-z"] "back to the shell for a while (`fg` returns)";
    Cancel "cancel" [Global] ["esc"] "back";
    Quit "quit" [Global] ["q", "ctrl-c"] "leave (sessions go on)";
}
