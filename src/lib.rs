//! humanlayer: run many Claude Code agents at once, decide in one place, lose nothing.
//!
//! # Bird's eye
//!
//! ```text
//! humanlayer (dashboard) ┐
//! humanlayer VERB        ├ JSON-RPC 2.0, ~/.humanlayer/daemon.sock ┐
//! humanlayer mcp …       │                                         │
//! npm humanlayer, scripts┘                                       daemon ── SQLite ~/.humanlayer/daemon.db
//! programs with a HumanLayer SDK ── HTTP 127.0.0.1:7777 ───────────┤ └──── a HumanLayer API: polls, answers
//!                                                                  │
//!                       sessions/ID/s (one per process)            │
//!     runner ──────────────────────────────────────────────────────┘
//!       └─ claude   stdin ← the runner     stdout → the runner → sessions/ID/journal.jsonl
//! ```
//!
//! Three kinds of process, all of the one binary:
//!
//! - **Clients** look, ask and decide. They hold no truth. Any number may come and go. The dashboard
//!   ([`tui`]) is one of them, the commands ([`commands`]) and the MCP servers ([`mcp`]) are others.
//! - **The daemon** ([`daemon`]) owns the database, correlates, and publishes. It may be killed,
//!   upgraded or restarted at any moment without a session noticing.
//! - **A runner** ([`runner`]) per agent process starts the agent, hands whole lines to its standard input,
//!   each once, copies what it says into an append-only file, the journal, and says how it ended. It is so
//!   small that nothing in it fails, and keeps what the disk does not take until it does.
//!
//! # The two ways through
//!
//! *Agent to screen.* A journal line is understood ([`claude::line`]; a field that is only
//! shown or counted never costs a line, what asks is asked even if it cannot be read, and what is
//! unknown is kept raw, never an error), goes through the session's state machine ([`daemon::session::machine`], pure:
//! a line in, effects out), and becomes rows in the same transaction that moves the journal's offset
//! ([`daemon::store`]). After the commit the writer's thread publishes it on the bus
//! ([`daemon::bus`]), from where subscriptions take it, with a global `seq`.
//!
//! *Decision to agent.* One transaction turns a pending approval into its outcome
//! (`UPDATE … WHERE outcome = 'pending'`) and puts the answer into the outbox. After the commit the
//! session's supervisor ([`daemon::session`]) sends it to the runner under a frame id; the runner
//! writes each frame once and acknowledges; the acknowledgement takes the row out and stamps
//! `delivered_at`. A daemon that dies anywhere in between leaves a row that the next one sends
//! again, harmlessly.
//!
//! A client that gets no answer does not know what came of its request, and says so. Each request that changes
//! something has a key ([`protocol::request`]), which is noted in the transaction that carries it out: sent again, it
//! is carried out once. A client that gives up closes its connection, and what was not begun by then is dropped where
//! its transaction begins ([`daemon::rpc`], [`daemon::store`]). What is on record by then goes on, whatever becomes of its
//! client. Existing clients, which send no keys, are served as before.
//!
//! Every command takes `--json`: what it prints is JSON then, and a failure, which has one of a closed list of
//! kinds, is one object ([`commands::kind`], [`commands::exit`]; `docs/scripts.md` lists it all).
//!
//! What may be done with a request (approve, deny, edit, answer, always allow, interrupt) is worked out
//! once, in [`domain::capabilities`], checked there before a decision is recorded, and sent with each
//! approval; no client derives it again. A rule that a person grants with an approval also decides the
//! other pending requests of the session that it surely covers ([`domain::allow_rule`]).
//!
//! Everything that an agent is told goes through the outbox: its first lines, messages, answers,
//! interrupts. A message of the user stays there until the agent has read it: not when the runner has
//! written it (a process that dies takes its queue with it), but when the agent has acted after it said
//! that it took the message (`--replay-user-messages`, `command_lifecycle`). Of a process that has ended
//! its own record of the conversation tells the rest ([`claude`]); what it had not read waits for
//! the next process, once and in order. A message that came after the process had died and before that was
//! noticed begins the next process; one that the agent had acted on and not yet written down when it was
//! killed is noted, and not sent again: it may have been carried out. Until a message was read a person can withdraw it, with
//! `cancel_async_message` where a process has it already. So each message ends in one way: read,
//! withdrawn, or marked as never delivered.
//!
//! # A session is a conversation
//!
//! A [`domain::Session`] is one conversation with an agent. Processes come and go under it: parked after
//! a rest, crashed, ended by a person, gone with the machine. A message to a session whose process has
//! ended starts the next one ([`daemon::session::Sessions::message`]), in the permission mode in which
//! the session was; what that needs and is missing is waited for, and the session says so. A process is
//! numbered (`generation`) and has a directory of its own; the journals of all of them count on as one.
//!
//! Where a session's directory is gone, it waits, and says so ([`daemon`] looks at all of them every few seconds, on
//! threads that may hang). A person has it go on in another one: the agent's record of the conversation is copied to
//! where the agent looks for it, and the record that was there is never written to.
//!
//! A fork is a session of its own. It shows its source's conversation up to where it was forked off,
//! and numbers its own pieces from there, so that nothing is copied and a page is read from any place.
//!
//! What a person wants of a session (a message, an interrupt, its end, its place in the archive) is
//! stored before it is acknowledged. The steps of an end are a pure state machine
//! ([`daemon::session::ending`]) that begins anew with each daemon.
//!
//! Clients of the older daemon know processes, not conversations: `continueSession` gives them a further
//! id whose parent is the named one. All such ids ([`domain::wire_id`]) name the conversation for ever;
//! existing clients see each as a session of its own, ours see one.
//!
//! # Where questions come from
//!
//! From the agent's own control protocol; from a permission prompt over MCP; from any program over
//! the socket (`contact_human`); from a program that uses a HumanLayer SDK, at the local API
//! ([`daemon::http`]); and from a HumanLayer API elsewhere, which is polled
//! ([`daemon::remote_api`]). All become approvals of the same kind, with their source
//! ([`domain::Source`]), under the session whose run id they carry and the tool call that they are
//! about, whichever of the two came first, or under a session of the asking program's own, which
//! cannot be steered from here. Each answer goes back the way its question came: a control response, an
//! event to whoever subscribes, the answer to a poll, or a row of the outbox for a remote API, which
//! is sent until that API has taken it or has said that somebody else was first.
//!
//! The JSON of others (an agent's lines, requests on the socket, an MCP client's calls) is read by [`json`]: a
//! field that nobody needs never costs the line, and an input that is approved goes back byte for byte, whether
//! or not it could be parsed.
//!
//! # The dashboard
//!
//! One loop ([`tui::runtime`]): what happens becomes a [`tui::msg::Msg`]; [`tui::update`] changes the
//! [`tui::state`] and returns [`tui::effect::Effect`]s; the [`tui::view`] draws the state. It drains
//! what is queued and draws once. One session is selected; inbox, conversation and approval panel are
//! views of it, and nothing that arrives changes it. What finished or failed unseen is marked unread
//! ([`tui::state`]), and calls the user by bell or desktop as they configured.
//!
//! One reader takes what the terminal sends and cuts it into whole sequences before anything is a key: an answer of the
//! terminal is never taken for keys, however late it comes. A frame counts as shown when the terminal has answered the
//! question behind it (DA1; of a terminal that answers nothing: when it is written), and no more is drawn than it takes.
//!
//! A decision concerns the approval that was drawn when the key was pressed, whatever has arrived since,
//! and "approved" is said only when the daemon's event says so. [`tui::state::guard`] says when a key
//! counts: what it is about has been on the screen, unchanged, for the guard time (400 ms,
//! `dashboard.decision_guard_ms`; a project's file cannot set it) when it was pressed, which may be
//! before it is read; a key that is held down decides once. A yes also needs each row of the text to
//! have been drawn: until then `y` shows the next page. Two exceptions: `U` approves a text of more
//! than 200 rows, and the decision records how many were not read (`unread_lines`); a batch approves
//! the requests whose whole text its list showed. A dangerous call is confirmed by `!`, another key.
//!
//! # Invariants
//!
//! 1. *Commit, then publish.* Only the store's writer thread holds the publisher, and it publishes
//!    after the commit. Live events (`session_updated`, `message_delta`) are the stated exception:
//!    they carry no sequence number and can be lost.
//! 2. *Decided once.* An approval has exactly one outcome ([`domain::Outcome`]), and all but a yes or
//!    no of a person or a rule of theirs say that nobody decided. It records the input that ran: an
//!    edit that the agent would take for none is refused.
//! 3. *One process a conversation.* A session has one process at most, because its row has one; two rows
//!    with the same conversation of the agent cannot both be live, because a unique index forbids it.
//!    (Second processes that an earlier release started are marked, and ended after their turn.)
//! 4. *No time limit on a person.* Nothing here expires a question.
//! 5. *An agent cannot approve itself.* Who is not proven to be a person is not one
//!    ([`daemon::callers`]). At each decision the process that connected is looked at anew, with every
//!    process above it: it lives, is still itself, and its way up ends at a login, a terminal or a place
//!    on record, past no runner, no daemon, no Claude Code and no program that asks. All others are
//!    refused decisions, standing permissions, agents that would not ask, and acting on sessions that
//!    are not their own. Runners are subreapers, so a process that lets its parents die stays below
//!    one. Over HTTP the same is asked of whoever holds the socket at the other end. What is not
//!    covered is in `.github/SECURITY.md`.
//! 6. *What is drawn is safe to draw.* Every foreign string is sanitised ([`domain::text`]).
//! 7. *Every queue is bounded* and says what happens when it is full; the constants are public where
//!    they are used. A client that does not read blocks itself only.
//! 8. *Knowledge stays where it belongs.* Only the store knows SQL, only [`daemon::http`] serves
//!    HTTP and only [`remote_api::client`] makes calls over it, only [`ipc`], the client's
//!    transport and the link to runners know sockets, only [`platform`] knows the system and is
//!    `unsafe`; the runner has no async runtime and no database.
//! 9. *Modules import one way*: [`domain`] and [`platform`] know nothing above them; [`protocol`],
//!    [`claude`], [`remote_api`] and [`ipc`] know neither daemon nor client; daemon and client do not know
//!    each other, and neither the dashboard nor what it is built on knows the daemon.
//!
//! 10. *One contract*: a method is one row in [`protocol::method`], an event one variant of
//!     [`protocol::event::EventBody`], a decision one of [`domain::Decision`]. Daemon, clients, documentation and
//!     completion follow from them; one that is forgotten somewhere does not compile, and nobody else says their names.
//!
//! Those that can be read off the source are tests (`tests/it/architecture`).
//!
//! # Life and death
//!
//! Two locks, held for life, make the daemon one per socket and one per database; on Linux the database's
//! file itself is held as well, whatever link leads to it. While it runs the daemon looks each second, and
//! before each commit, whether its files are where they were. A socket that is gone is bound again
//! at once, and meanwhile our own clients come in by one that is no file ([`ipc::abstract_socket`]). A
//! database that was deleted is written back from what is open; while another file is in its place nothing
//! is decided or recorded, and what is open is kept beside it. A file beside the database says which opening of it was the
//! last, so that an older one that is put back is known ([`daemon::store`]): then no standing permission, grant or key
//! applies until a person has confirmed it. A directory of a process that the database does not know is adopted: its
//! journal is read into a session that permits nothing and is not resumed before a person has acknowledged that. What
//! cannot be adopted is kept and named; no journal is deleted unread. A backup is a copy of database and key, made by
//! whoever types it without the daemon; it is put back by the daemon that stops, or where none runs by the command, which
//! proves a person as the daemon does. A journal that was cut off is read on from
//! its new end. A runner that a signal stopped is told to go on, and ended from outside, after all that is
//! below it, if it stays stopped while its session is to end. All of it is said: as what is wrong now in
//! `health` and on screen, and as alarms that stay. Whoever asks a daemon that answers nobody learns that
//! within five seconds.
//!
//! Clocks leap, and nothing is deleted on the word of one that did: within a run of the system its own clock says how
//! much time has passed, over a restart of the machine the calendar is believed for a day. What stands in an order stands
//! in that of what happened: sessions have a number that grows with each activity. A rest and a permission for a time are
//! measured by the system's clock, also over a restart of the daemon; an age that nobody knows is shown as that. An agent that was killed by
//! nobody known while the kernel killed processes for want of memory is said to have been one of them, probably.
//!
//! A start takes the
//! locks, opens the database, notes every runner that still lives (so that no agent is ever taken
//! for a person), takes up every session that is not over from its stored offset, and only then
//! listens. A session's end is taken from the runner's report, which the runner has signed with a key that the
//! daemon made for it and keeps the public half of ([`runner::identity`]); where there is none it is
//! established honestly: the machine was restarted, or the runner was killed (its agent is killed
//! then too, because nobody could answer it).
//!
//! Before a process is launched it is looked what its project brings for Claude Code ([`domain::project`]).
//! What a person has not agreed to is one question in the inbox; until it is answered the session has no
//! process and waits, as one waits for whatever else its next process needs.
//!
//! Launching is: spec file (0600, deleted once used), record with the agent's first lines in the
//! outbox, runner, record of the runner's key, the key to the runner, which starts nothing before it has it. What a
//! later resume needs of it (environment, MCP servers, proxy key) is stored
//! encrypted with the key beside the database ([`daemon::secrets`]). A daemon that dies between the
//! first three leaves a session that the next one launches; a runner's lock and state file make a second
//! start harmless.
//!
//! An isolated agent is started through another hidden subcommand ([`platform::isolation`]), which makes
//! namespaces and stays their first process; the runner is outside, kills them with itself, and sees the
//! agent's own end. What the agent finds inside is a pure list ([`domain::isolation`]) that the daemon
//! works out anew for each process and tries before it records anything: nothing runs half isolated. In
//! place of the daemon's directory it finds a second socket, where methods for persons are not served.
//!
//! A resumed conversation keeps the environment that it was launched with; a person may give it their
//! present credentials, together with their endpoint ([`daemon::secrets::resume`]). What the installed
//! agent says about itself (which permission modes it has, whether it can tell what hooks answer) is asked of
//! it below a runner, as everything that an agent could have changed is run, and isolated before an isolated
//! launch. A runner is the daemon's own program, also after an upgrade
//! ([`platform::running_program`]); clients start the daemon that is installed. A daemon that went into the
//! background is the child of the process that went there: that one has no thread, no runtime and no
//! database, and starts the next daemon within a moment of the last one's death, with pauses of up to 30
//! seconds after short lives. It ends with a daemon that was stopped: that one empties its lock. Where the parent was killed
//! as well, the dashboard starts the next one. A daemon in the foreground (`--headless`) has no such
//! parent; a service manager is one (`humanlayer service`). A daemon that nobody started records no place.
//!
//! What an agent says never depends on the disk of that moment: the runner holds it while the disk is full,
//! read-only, failing or slow, and has the agent wait when that has become much. The database follows when it
//! can be written again, and so does a question, without anybody's doing. Meanwhile nothing is decided, whoever
//! asks is told why, and `health`, `status`, `doctor` and the dashboard say what is wrong with the disk as long as
//! it lasts. Only what a runner holds that is killed itself is lost; the conversation says that it was killed.
//!
//! All files are made for their user alone, whatever the mask; an agent makes its own with the user's mask,
//! which its runner is told.
//!
//! # Glossary
//!
//! | term | what it means |
//! | --- | --- |
//! | session | One conversation with an agent, from launch to deletion ([`domain::Session`]). |
//! | run | A session as its agent and the programs below it know it: the run id names it in requests ([`domain::RunId`]). |
//! | process | One life of a session's agent. A session has at most one; processes are numbered by `generation`. |
//! | turn | What the agent does from a message of the user until its result. |
//! | approval | Something that a person is asked, recorded once ([`domain::Approval`]). Pending until it has an outcome. |
//! | permission, question, plan, contact | The kinds of approval ([`domain::Kind`]): may a tool run; a question with options; a plan; a message that wants an answer in words. |
//! | request | An approval as the asker sees it; also a call of a method. |
//! | decision | What a person or a rule chooses: approve, deny or answer ([`domain::Decision`]). |
//! | outcome | How an approval ended ([`domain::Outcome`]): decided, or withdrawn, abandoned or expired. |
//! | capability | What may be done with an approval: approve, deny, edit, answer, always allow, interrupt ([`domain::Capability`]). |
//! | delivery | How far a message of the user is on its way to the agent ([`domain::Delivery`]). |
//! | outbox | What an agent or a remote API is still to be told, stored until it is acknowledged. |
//! | rule | A permission that a person granted with an approval, which decides later requests ([`domain::allow_rule`]). |
//! | standing permission | A setting of a session by which requests are approved without asking, such as auto-accept edits. |
//! | archive, unarchive | Take a session out of the lists, and put it back. Nothing is deleted. |
//! | fork | A new session that begins with another one's conversation. |
//! | resume | Start the next process of a session whose process has ended. |
//! | interrupt | Stop the current turn; the process lives on. |
//! | end | Stop a session's process; the conversation stays. |
//! | export, rename | Write a conversation to a file; give a session another title. |
//! | journal | The file that holds what an agent wrote, line by line, until the store has it. |
//! | runner | The process that starts an agent, feeds it and keeps its journal ([`runner`]). |
//! | source | Where an approval came from ([`domain::Source`]); the asker is the program behind it. |
//! | origin | Who calls the daemon: a person, an agent, or nobody proven ([`domain::Origin`]). |
//! | place | Where a person's programs run outside of a terminal, put on record so that they may decide. |
//! | alarm | Something that must not have happened; it stays until a person acknowledges it. |
//!
//! # Bounds
//!
//! | what | bound |
//! | --- | --- |
//! | a journal line | 64 MiB; of a longer one its beginning and its length are kept |
//! | a journal on disk | 16 MiB beyond what is in the store (Linux; elsewhere until the session ends) |
//! | what the agent says while the disk does not take it | 8 MiB in its runner's memory; then the agent waits |
//! | the agent's standard error | 512 KiB, the newest |
//! | a message to an agent | 8 MiB |
//! | files that the daemon has open | the system's limit, of which a quarter (48 to 2,304) is kept for clients: launches are refused before it is touched |
//! | the agent's own lines in the database | until 14 days after the session's last activity, by the calendar and by the time that has surely passed; those that were not understood until a person deletes them |
//! | a line of a hook in the database | 16 KiB, or 2 KiB of each field; nothing of a hook's progress, which its response repeats |
//! | events for catching up | 7 days, at most a million |
//! | requests of programs that are pending | 1,000 of one asker, 5,000 of all (HTTP: 429, 503); permission prompts over MCP 200 of one session, 2,000 of all; 32 or 64 MiB of one asker, 256 MiB of all |
//! | questions of an agent that are pending | 1,000 and 128 MiB of one session; further ones are denied, by a rule that says so |
//! | the input of a question | 16 MiB; a longer one can only be denied |
//! | a page of approvals | 16 MiB, one at least; `has_more` says that there are more |
//! | connections to the socket | 1,024, of which 256 only a person's programs get; 64 of one session, one other agent, or one unproven program |
//! | a line on the socket | 16 MiB, and 30 s; up to 60 s for the longest, by what has come of it |
//! | lines that were begun, requests and answers under way on the socket | 64 MiB of one session, one other agent, or one unproven program, 256 MiB of all of them; beyond it the connection is closed, or one of whoever has the most; 64 KiB of each connection are not counted |
//! | subscriptions of one connection | 64, or 8 where it is not a person's |
//! | reads for whoever is not proven to be a person's program | one at a time: a reader is left for people |
//! | HTTP | 768 connections with a good key, 512 of one; without one 256, of which the oldest makes room, for 10 s each; 1 MiB a body, 200 requests a second and key, 4 reads and 16 writes of the store at once |
//! | sessions that an agent launched, and what those launched | 8 running of one agent, and of all callers together that are not proven to be a person's (`agent_launches`) |
//! | the log | 200 lines at once of one place in the code, then one each 2 s: further ones are counted; 8 KiB a line, 64 MiB a day |
//! | an idle session's process | 10 minutes after its last turn, unless background work runs |
//!
//! Conversations, approvals and sessions are kept until a person deletes them.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the architecture is described for those who read the source"
)]

pub mod backoff;
pub mod claude;
pub mod client;
pub mod commands;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod domain;
pub mod failpoint;
pub mod format;
pub mod ipc;
pub mod json;
pub mod logging;
pub mod mcp;
pub mod platform;
pub mod protocol;
pub mod remote_api;
pub mod runner;
pub mod tui;
