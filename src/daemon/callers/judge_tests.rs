//! Tests of who counts as a person, with walks in tables and made up at random.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use proptest::prelude::*;

use super::judge::{Knowledge, Runner, Verdict, judge};
use super::place::{Place, PlaceRecord};
use super::terminals::Terminals;
use crate::domain::SessionId;
use crate::platform::{ProcessId, Step};

const USER: u32 = 1000;
const BOOT: &str = "boot";
const DAEMON: u32 = 77;

/// A walk from its steps' names, the caller first. `NAME` is the user's, `root:NAME` root's, `other:NAME`
/// another user's; `NAME/tty` has a terminal. Process 1 comes last by itself.
fn way(names: &[&str]) -> Vec<Step> {
    let count = u32::try_from(names.len()).unwrap();
    let mut steps: Vec<Step> = (0..count)
        .map(|index| {
            let text = names[usize::try_from(index).unwrap()];
            let (text, has_terminal) = match text.strip_suffix("/tty") {
                Some(text) => (text, true),
                None => (text, false),
            };
            let (user, name) = match text.split_once(':') {
                Some(("root", name)) => (0, name),
                Some(("other", name)) => (2000, name),
                _ => (USER, text),
            };
            let pid = 100 + count - index;
            Step {
                pid,
                parent: if index + 1 == count { 1 } else { pid - 1 },
                start_time: u64::from(pid),
                session: pid,
                has_terminal,
                name: name.chars().take(15).collect(),
                users: Some((user, user)),
                program: Some(format!("/usr/bin/{name}").into()),
                arguments: vec![name.to_owned()],
                ..Step::default()
            }
        })
        .collect();
    steps.push(Step {
        pid: 1,
        session: 1,
        start_time: 1,
        name: "systemd".to_owned(),
        users: Some((0, 0)),
        program: None,
        ..Step::default()
    });
    steps
}

#[derive(Default)]
struct Known {
    runners: HashMap<ProcessId, Runner>,
    asking: HashSet<ProcessId>,
    places: Vec<PlaceRecord>,
    suspect_since: Option<u64>,
    terminals: Terminals,
}

impl Known {
    fn judge(&self, steps: &[Step]) -> Verdict {
        judge(
            steps,
            &Knowledge {
                user: USER,
                daemon: DAEMON,
                boot: BOOT,
                runners: &self.runners,
                asking: &self.asking,
                places: &self.places,
                suspect_since: self.suspect_since,
                terminals: &self.terminals,
            },
        )
    }

    fn with_place(place: Place) -> Self {
        Self {
            places: vec![PlaceRecord {
                id: 1,
                place,
                program: "x".into(),
                added_by: "x".into(),
                created_at: Timestamp::UNIX_EPOCH,
            }],
            ..Self::default()
        }
    }
}

fn is_person(names: &[&str]) -> bool {
    Known::default().judge(&way(names)) == Verdict::Person
}

#[test]
fn nobody_at_a_terminal_is_refused() {
    let terminals: [&[&str]; 13] = [
        &["humanlayer/tty", "bash/tty", "xterm"],
        &[
            "humanlayer/tty",
            "zsh/tty",
            "kitty",
            "gnome-shell",
            "systemd",
        ],
        &["humanlayer/tty", "bash/tty", "tmux"],
        &["humanlayer/tty", "bash/tty", "screen"],
        &[
            "humanlayer/tty",
            "bash/tty",
            "gnome-terminal-server",
            "systemd",
        ],
        // Over ssh, with and without a terminal.
        &[
            "humanlayer/tty",
            "bash/tty",
            "sshd",
            "root:sshd",
            "root:sshd",
        ],
        &[
            "humanlayer",
            "sshd-session",
            "root:sshd-session",
            "root:sshd",
        ],
        &["humanlayer/tty", "bash/tty", "root:login"],
        // After su and sudo, from oneself and from another user.
        &["humanlayer/tty", "bash/tty", "root:su", "bash/tty", "xterm"],
        &[
            "humanlayer/tty",
            "bash/tty",
            "root:su",
            "other:bash/tty",
            "other:xterm",
        ],
        &["root:humanlayer/tty", "root:sudo/tty", "bash/tty", "xterm"],
        // An editor's terminal.
        &["humanlayer/tty", "bash/tty", "code", "code", "code"],
        &[
            "python3/tty",
            "make/tty",
            "nvim/tty",
            "bash/tty",
            "alacritty",
        ],
    ];
    for names in terminals {
        assert!(is_person(names), "{names:?}");
    }
}

#[test]
fn who_is_nowhere_is_no_person() {
    let others: [&[&str]; 11] = [
        // An orphan.
        &["humanlayer"],
        &["humanlayer", "python3"],
        // Below a service, cron, the desktop.
        &["humanlayer", "sh", "root:cron"],
        &["humanlayer", "app", "systemd"],
        &["humanlayer", "gnome-shell", "systemd"],
        // A name alone is no login, nor is a program that only runs as root for a moment.
        &["humanlayer", "sshd"],
        &["humanlayer/tty", "bash/tty", "login"],
        // A terminal's own child without a terminal: an extension, not a shell.
        &["humanlayer", "code"],
        // The caller itself is not where it comes from.
        &["xterm/tty"],
        &["root:sshd"],
        // Another user's.
        &["humanlayer/tty", "other:bash/tty", "other:xterm"],
    ];
    for names in others {
        let verdict = Known::default().judge(&way(names));
        assert!(
            matches!(verdict, Verdict::Unproven(_)),
            "{names:?} {verdict:?}"
        );
    }
    let mut setuid = way(&["humanlayer", "login"]);
    setuid[1].users = Some((USER, 0));
    assert!(matches!(
        Known::default().judge(&setuid),
        Verdict::Unproven(_)
    ));
    let mut unread = way(&["humanlayer/tty", "bash/tty", "xterm"]);
    unread[1].users = None;
    assert!(matches!(
        Known::default().judge(&unread),
        Verdict::Unproven(_)
    ));
}

/// Each way to show an agent, applied to a step.
fn taint(known: &mut Known, step: &mut Step, how: usize) {
    match how {
        0 => step.mark = Some("session".into()),
        1 => {
            known.runners.insert(
                step.id(),
                Runner {
                    session: SessionId::from("session"),
                    directory: "d".into(),
                },
            );
        }
        2 => {
            step.arguments = [
                "humanlayer",
                "__runner",
                "/home/u/.humanlayer/sessions/session",
            ]
            .map(str::to_owned)
            .into();
        }
        3 => {
            known.asking.insert(step.id());
        }
        4 => step.name = "claude".into(),
        5 => step.program = Some("/home/u/.local/share/claude/versions/2.1.330".into()),
        6 => {
            step.program = Some("/usr/bin/node".into());
            step.arguments = ["node", "/x/node_modules/@anthropic-ai/claude-code/cli.js"]
                .map(str::to_owned)
                .into();
        }
        7 => step.arguments = vec!["claude".into()],
        _ => step.pid = DAEMON,
    }
}

#[test]
fn a_sessions_agent_is_named_and_others_are_explained() {
    let mut known = Known::default();
    let mut steps = way(&["humanlayer/tty", "bash/tty", "bash", "xterm"]);
    taint(&mut known, &mut steps[2], 2);
    assert_eq!(
        known.judge(&steps),
        Verdict::Agent(SessionId::from("session"))
    );
    // A later process's directory is named otherwise than its session.
    known.runners.insert(
        ProcessId {
            pid: 9,
            start_time: 9,
        },
        Runner {
            session: SessionId::from("the first"),
            directory: "session".into(),
        },
    );
    assert_eq!(
        known.judge(&steps),
        Verdict::Agent(SessionId::from("the first"))
    );
    let mut by_hand = way(&[
        "humanlayer/tty",
        "bash/tty",
        "claude/tty",
        "bash/tty",
        "xterm",
    ]);
    by_hand[2].program = None;
    let Verdict::OtherAgent(evidence) = Known::default().judge(&by_hand) else {
        panic!("below Claude Code");
    };
    assert!(evidence.contains("Claude Code"), "{evidence}");
}

#[test]
fn a_place_counts_exactly_where_it_is() {
    let service = |group: &str| {
        let mut steps = way(&["humanlayer", "worker"]);
        steps[1].control_group = Some(group.to_owned());
        steps
    };
    let unit = |name: &str| {
        Known::with_place(Place::Unit {
            name: name.to_owned(),
        })
    };
    let group = "/system.slice/mine.service";
    assert_eq!(unit(group).judge(&service(group)), Verdict::Person);
    assert!(matches!(
        unit("/system.slice/other.service").judge(&service(group)),
        Verdict::Unproven(_)
    ));
    // An orphan in its group did not begin a session, as systemd's own children do.
    let mut orphan = service(group);
    orphan[1].session = 5;
    assert!(matches!(unit(group).judge(&orphan), Verdict::Unproven(_)));
    let here = way(&["humanlayer", "sh", "supervisor"]);
    let at = |boot: &str, start_time| {
        Known::with_place(Place::Process {
            boot: boot.to_owned(),
            process: ProcessId {
                pid: here[2].pid,
                start_time,
            },
        })
    };
    assert_eq!(at(BOOT, here[2].start_time).judge(&here), Verdict::Person);
    for other in [at(BOOT, 5), at("another boot", here[2].start_time)] {
        assert!(matches!(other.judge(&here), Verdict::Unproven(_)));
    }
    // In a container whose first process is the shell, what is below it is in its session; what began
    // a session of its own, as all agents have, is a place of its own.
    let mut inside = way(&["humanlayer"]);
    inside[0].session = 1;
    let first = Known::with_place(Place::Process {
        boot: BOOT.to_owned(),
        process: ProcessId {
            pid: 1,
            start_time: 1,
        },
    });
    assert_eq!(first.judge(&inside), Verdict::Person);
    inside[0].session = inside[0].pid;
    assert!(matches!(first.judge(&inside), Verdict::Unproven(_)));
}

#[test]
fn after_a_runner_was_killed_what_is_younger_than_its_session_proves_nothing() {
    let terminal = way(&["humanlayer/tty", "bash/tty", "xterm"]);
    let login = way(&["humanlayer/tty", "bash/tty", "sshd", "root:sshd"]);
    let place = way(&["humanlayer", "supervisor"]);
    let mut known = Known::with_place(Place::of(&place, BOOT).unwrap());
    let ends = [terminal[2].start_time, place[1].start_time];
    assert_eq!(ends, [101, 101]);
    // The session began after them, then with them, then before them.
    for (since, is_proven) in [(102, true), (101, false), (50, false)] {
        known.suspect_since = Some(since);
        for walk in [&terminal, &place] {
            assert_eq!(known.judge(walk) == Verdict::Person, is_proven, "{since}");
        }
        // A new login is root's to let in.
        assert_eq!(known.judge(&login), Verdict::Person);
    }
}

#[test]
fn a_terminal_without_a_starter_counts_if_no_agent_ran_when_it_began() {
    let alone = way(&["humanlayer/tty", "bash/tty", "tmux"]);
    let started = way(&["humanlayer/tty", "bash/tty", "kitty", "gnome-shell"]);
    let by_systemd = way(&[
        "humanlayer/tty",
        "bash/tty",
        "gnome-terminal-server",
        "systemd",
    ]);
    let mut known = Known::default();
    known.terminals.began("d", 50);
    for (walk, is_proven) in [(&alone, false), (&started, true), (&by_systemd, false)] {
        assert_eq!(known.judge(walk) == Verdict::Person, is_proven);
    }
    known.terminals = Terminals::default();
    known.terminals.began("d", 500);
    assert_eq!(known.judge(&alone), Verdict::Person, "it is older");
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        Just("bash"),
        Just("xterm"),
        Just("tmux"),
        Just("root:sshd"),
        Just("root:login"),
        Just("python3"),
        Just("root:sudo"),
        Just("systemd"),
        Just("code"),
        Just("other:bash"),
    ];
    let step = (name, any::<bool>())
        .prop_map(|(name, tty)| format!("{name}{}", if tty { "/tty" } else { "" }));
    proptest::collection::vec(step, 1..8)
}

proptest! {
    #[test]
    fn whatever_shows_an_agent_anywhere_outweighs_every_proof(
        names in names(), at in any::<prop::sample::Index>(), how in 0_usize..9,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut steps = way(&names);
        let end = steps.len() - 1;
        let step = at.index(end);
        let mut known = Known::default();
        // All of it is on record, too.
        if let Some(place) = Place::of(&steps, BOOT) {
            known.places = Known::with_place(place).places;
        }
        taint(&mut known, &mut steps[step], how);
        let verdict = known.judge(&steps);
        prop_assert!(
            matches!(verdict, Verdict::Agent(_) | Verdict::OtherAgent(_)), "{verdict:?}"
        );
    }

    #[test]
    fn without_a_login_a_terminal_or_a_place_nobody_is_a_person(names in names()) {
        let plain: Vec<String> = names
            .into_iter()
            .map(|name| {
                ["xterm", "tmux", "sshd", "login", "code"]
                    .iter()
                    .fold(name, |name, landmark| name.replace(landmark, "thing"))
            })
            .collect();
        let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
        let verdict = Known::default().judge(&way(&plain));
        prop_assert!(matches!(verdict, Verdict::Unproven(_)), "{verdict:?}");
    }
}
