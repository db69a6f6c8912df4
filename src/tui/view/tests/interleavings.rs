//! Whatever is pressed, arrives, is decided elsewhere, is resized and however time passes: a yes is only
//! ever given to what was shown whole and long enough, and arrivals change nothing that is shown.
//!
//! What was shown is taken from the screens themselves, not from what the program says of them: each
//! line of each approval has a word of its own, and the test looks which of those it can see.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::domain::Decision;
use crate::tui::effect::Effect;
use crate::tui::testing::{Rig, approval, session};

/// The guard time of these dashboards.
const GUARD: Duration = Duration::from_millis(400);
const SIZES: [(u16, u16); 5] = [(80, 24), (140, 40), (100, 30), (40, 15), (20, 6)];

/// What a person, the daemon, the screen and time do.
#[derive(Clone, Debug)]
enum Step {
    Tap(&'static str),
    Repeat(&'static str),
    Draw,
    Wait(u64),
    Resize((u16, u16)),
    Arrives(usize),
    Ends(usize),
}

fn step() -> impl Strategy<Value = Step> {
    const KEYS: [&str; 36] = [
        "y", "y", "y", "y", "n", "e", "a", "v", "U", "U", "!", "!", "enter", "enter", "esc", "esc",
        "tab", "space", "down", "up", "j", "k", "1", "2", "3", "ctrl-n", "ctrl-b", "ctrl-j",
        "ctrl-k", "ctrl-s", "/", ":", "G", "c", "pagedown", "q",
    ];
    prop_oneof![
        10 => (0..KEYS.len()).prop_map(|key| Step::Tap(KEYS[key])),
        1 => Just(Step::Repeat("y")),
        1 => Just(Step::Repeat("enter")),
        8 => Just(Step::Draw),
        4 => prop_oneof![Just(20), Just(120), Just(399), Just(400), Just(600)].prop_map(Step::Wait),
        1 => (0..SIZES.len()).prop_map(|size| Step::Resize(SIZES[size])),
        1 => (0..8_usize).prop_map(Step::Arrives),
        1 => (0..8_usize).prop_map(Step::Ends),
    ]
}

/// How many lines an approval has.
fn lines(number: usize) -> usize {
    [1, 3, 40, 230][number % 4]
}

/// The word in a line of an approval.
fn word(number: usize, line: usize) -> String {
    format!("a{number}l{line:03}e")
}

fn asked(number: usize) -> Value {
    let danger = if number % 3 == 2 { "rm -rf " } else { "" };
    let command: Vec<String> = (0..lines(number))
        .map(|line| format!("{danger}{}", word(number, line)))
        .collect();
    let session = if number.is_multiple_of(2) { "s1" } else { "s2" };
    approval(
        &format!("a{number}"),
        session,
        json!({"tool_input": {"command": command.join("\n")}, "description": null}),
    )
}

/// What was seen on the screens.
#[derive(Default)]
struct Watch {
    /// The words that were seen, ever.
    seen: BTreeSet<String>,
    /// What is seen now of each approval and of a dialog, and since when.
    now: BTreeMap<usize, (BTreeSet<String>, Duration)>,
    /// Approvals that were to be seen for the guard time.
    settled: BTreeSet<usize>,
    clock: Duration,
}

impl Watch {
    fn drawn(&mut self, screen: &str, shown: Option<&str>) {
        // The inbox and the conversation have words of it too; only whole rows of a text count here.
        let dialog = [
            "Approve a dangerous call?",
            "Approve, and from now on:",
            "Approve as edited?",
        ]
        .into_iter()
        .find(|title| screen.contains(title));
        for number in 0..8 {
            let mut seen: BTreeSet<String> = (0..lines(number))
                .map(|line| word(number, line))
                .filter(|word| screen.contains(word.as_str()))
                .collect();
            self.seen.extend(seen.iter().cloned());
            seen.extend(dialog.map(str::to_owned));
            // On a tiny screen the first row may be where it is asked.
            if screen.contains("Allow Bash") && shown == Some(format!("a{number}").as_str()) {
                seen.insert("Allow Bash".to_owned());
            }
            let before = self.now.get(&number);
            if before.is_none_or(|(before, _)| *before != seen) {
                self.now.insert(number, (seen, self.clock));
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.clock += time;
        for (number, (seen, since)) in &self.now {
            if !seen.is_empty() && self.clock - *since >= GUARD {
                self.settled.insert(*number);
            }
        }
    }

    fn is_whole(&self, number: usize) -> bool {
        (0..lines(number)).all(|line| self.seen.contains(&word(number, line)))
    }

    fn is_settled_now(&self, number: usize) -> bool {
        self.now
            .get(&number)
            .is_some_and(|(_, since)| self.clock - *since >= GUARD)
    }
}

#[test]
fn a_key_after_a_form_that_covered_the_panel_approves_nothing() {
    let mut rig = Rig::new((80, 24), &[session("s1", json!({}))], &[asked(0)]);
    for key in ["n", "v", ":"] {
        rig.draw();
        let _ = rig.press(key);
        rig.draw();
        // The panel is back, but no frame has shown it.
        let _ = rig.press("esc");
        assert_eq!(decisions(&rig.press("y")), [], "{key}");
    }
    rig.draw();
    assert_eq!(decisions(&rig.press("y")).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn only_what_was_shown_whole_and_long_enough_is_approved(
        size in 0..SIZES.len(),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let sessions = [session("s1", json!({})), session("s2", json!({}))];
        let mut rig = Rig::new(SIZES[size], &sessions, &[asked(0), asked(1)]);
        let mut watch = Watch::default();
        let shown = rig.shown_approval().map(str::to_owned);
        watch.drawn(&rig.screen(), shown.as_deref());
        for step in steps {
            let shown = rig.shown_approval().map(str::to_owned);
            let selected = rig.app.sessions.selected.clone();
            let effects = match step {
                Step::Tap(key) => rig.tap(key),
                Step::Repeat(key) => {
                    let effects = rig.repeat(key);
                    prop_assert!(decisions(&effects).is_empty(), "a repeat decides: {effects:?}");
                    effects
                }
                Step::Draw => {
                    watch.drawn(&rig.screen(), shown.as_deref());
                    Vec::new()
                }
                Step::Wait(milliseconds) => {
                    let time = Duration::from_millis(milliseconds);
                    rig.wait(time);
                    watch.pass(time);
                    Vec::new()
                }
                Step::Resize(size) => {
                    rig.resize(size);
                    Vec::new()
                }
                Step::Arrives(number) => {
                    let effects = rig.approval_event("new_approval", &asked(number));
                    prop_assert_eq!(&rig.app.sessions.selected, &selected);
                    if shown.is_some() {
                        prop_assert_eq!(rig.shown_approval(), shown.as_deref());
                    }
                    effects
                }
                Step::Ends(number) => {
                    let mut gone = asked(number);
                    let is_ours = rig.app.inbox.sending.contains_key(&format!("a{number}"));
                    gone["outcome"] = json!("denied");
                    gone["status"] = json!("denied");
                    let effects = rig.approval_event("approval_resolved", &gone);
                    if !is_ours {
                        prop_assert_eq!(&rig.app.sessions.selected, &selected);
                        if shown.as_deref() != Some(format!("a{number}").as_str()) {
                            prop_assert_eq!(rig.shown_approval(), shown.as_deref());
                        }
                    }
                    effects
                }
            };
            for (number, decision, is_noted) in decisions(&effects) {
                prop_assert!(watch.settled.contains(&number), "a{number} was never shown long enough");
                if decision == "approve" {
                    prop_assert!(is_noted || watch.is_whole(number), "a{number} was not read");
                    prop_assert!(!is_noted || lines(number) > 200, "a{number} is short");
                    prop_assert!(watch.is_settled_now(number), "a{number} has just changed");
                }
            }
        }
    }
}

/// Which approvals are decided, how, and whether it is noted that they were not read.
fn decisions(effects: &[Effect]) -> Vec<(usize, String, bool)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Decide(params) => {
                let number = params.approval_id.strip_prefix('a')?.parse().ok()?;
                let (word, noted) = match &params.decision {
                    Decision::Approve { comment, .. } => ("approve", comment.as_deref()),
                    Decision::Deny { .. } => ("deny", None),
                    Decision::Answer { .. } | Decision::Respond { .. } => ("respond", None),
                };
                let noted = noted.is_some_and(|comment| comment.contains("not read"));
                Some((number, word.to_owned(), noted))
            }
            _ => None,
        })
        .collect()
}
