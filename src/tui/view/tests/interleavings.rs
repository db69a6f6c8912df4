//! Whatever is pressed, arrives, is decided elsewhere, is resized and however time passes: a yes is only
//! ever given to what was shown whole and long enough, and arrivals change nothing that is shown.
//!
//! - *A single yes*: each line of the text was on the screen, and the last state of it had been there, unchanged,
//!   for the guard time when the key was pressed. (Of a text of more than 200 lines another key says yes to what
//!   was not read, and the decision notes that.)
//! - *The yes of a batch*: each line of each text that it approves was on its confirmation since that opened, none
//!   of these is long or dangerous, and the confirmation had been on the screen, unchanged, for the guard time.
//! - *A no*: what it is about was on the screen for the guard time.
//!
//! What was shown is taken from the screens themselves, not from what the program says of them: each
//! line of each approval has a word of its own, and the test looks which of those it can see.
//!
//! `HUMANLAYER_KEY_SEEDS=N` runs N seeds instead of ten, or `A..B` those from A up to B, each with more
//! sequences; a failure names its seed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::domain::Decision;
use crate::tui::effect::Effect;
use crate::tui::forms::Form;
use crate::tui::forms::batch::MAX_ROWS;
use crate::tui::testing::{TuiHarness, approval, session};

/// The guard time of these dashboards.
const GUARD: Duration = Duration::from_millis(400);
const SIZES: [(u16, u16); 5] = [(80, 24), (140, 40), (100, 30), (40, 15), (20, 6)];

/// What a person, the daemon, the screen and time do.
#[derive(Clone, Debug)]
enum Step {
    Tap(&'static str),
    /// The key waited in the terminal for so long.
    TapLate(&'static str, u64),
    Repeat(&'static str),
    Draw,
    Wait(u64),
    Resize((u16, u16)),
    Wheel(u16, u16, bool),
    /// Another program had the terminal.
    Hidden,
    Arrives(usize),
    /// Another client decides, or the agent withdraws it.
    Ends(usize, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    const KEYS: [&str; 49] = [
        "y", "y", "y", "y", "n", "e", "a", "v", "U", "U", "!", "!", "enter", "enter", "esc", "esc",
        "tab", "space", "down", "up", "j", "k", "1", "2", "3", "ctrl-n", "ctrl-b", "ctrl-j",
        "ctrl-k", "ctrl-s", "/", ":", "G", "c", "pagedown", "q", "S", "r", "ctrl-f", "ctrl-u",
        "ctrl-d", "Y", "Y", "Y", "Y", "N", "g", "left", "right",
    ];
    prop_oneof![
        10 => (0..KEYS.len()).prop_map(|key| Step::Tap(KEYS[key])),
        1 => (0..KEYS.len(), prop_oneof![Just(10_u64), Just(300), Just(500), Just(2_000)])
            .prop_map(|(key, late)| Step::TapLate(KEYS[key], late)),
        1 => (0..160_u16, 0..40_u16, any::<bool>()).prop_map(|(x, y, down)| Step::Wheel(x, y, down)),
        1 => Just(Step::Hidden),
        1 => Just(Step::Repeat("y")),
        1 => Just(Step::Repeat("enter")),
        8 => Just(Step::Draw),
        4 => prop_oneof![Just(20), Just(120), Just(399), Just(400), Just(600)].prop_map(Step::Wait),
        1 => (0..SIZES.len()).prop_map(|size| Step::Resize(SIZES[size])),
        1 => (0..8_usize).prop_map(Step::Arrives),
        1 => (0..8_usize, prop_oneof![Just("denied"), Just("approved"), Just("withdrawn")])
            .prop_map(|(number, outcome)| Step::Ends(number, outcome)),
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

fn is_dangerous(number: usize) -> bool {
    number % 3 == 2
}

fn asked(number: usize) -> Value {
    let danger = if is_dangerous(number) {
        " && rm -rf /"
    } else {
        ""
    };
    let command: Vec<String> = (0..lines(number))
        .map(|line| format!("{}{danger}", word(number, line)))
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
    /// The confirmation of a batch, while it is on the screen.
    batch: Option<Confirmation>,
    clock: Duration,
}

/// The confirmation of a batch, as it was seen.
#[derive(Default)]
struct Confirmation {
    /// What it shows now, and since when.
    now: (String, Duration),
    /// The words that it has shown since it opened.
    seen: BTreeSet<String>,
}

/// What a screen shows within the frame of the form that has this title; none where it is not there.
fn framed(screen: &str, title: &str) -> Option<String> {
    let mut lines = screen.lines().skip_while(|line| !line.contains(title));
    let head = lines.next()?;
    let left = head.split(title).next()?.chars().count();
    let within = |line: &str| -> String { line.chars().skip(left).collect() };
    let width = within(head).split('╮').next()?.chars().count();
    let rows = std::iter::once(head)
        .chain(lines)
        .map(|line| -> String { within(line).chars().take(width + 1).collect() });
    let rows: Vec<String> = rows.take_while(|row| !row.starts_with('╰')).collect();
    Some(rows.join("\n"))
}

impl Watch {
    fn drawn(&mut self, screen: &str, shown: Option<&str>) {
        self.batch_drawn(framed(screen, "╭ Approve "));
        // The inbox and the conversation have words of it too; only whole rows of a text count here.
        let dialog = [
            "Approve a dangerous call?",
            "Approve, and from now on:",
            "Approve as edited?",
        ]
        .into_iter()
        .find(|title| screen.contains(title))
        // A denial of all needs no more than that its question was there.
        .or_else(|| screen.contains("╭ Deny ").then_some("Deny all"));
        for number in 0..8 {
            let mut seen: BTreeSet<String> = (0..lines(number))
                .map(|line| word(number, line))
                .filter(|word| screen.contains(word.as_str()))
                .collect();
            self.seen.extend(seen.iter().cloned());
            seen.extend(dialog.map(str::to_owned));
            // On a tiny screen the first row may be where it is asked.
            // (Behind a list of several it says nothing: there the list's rows count.)
            let is_list = screen.contains("╭ Approve ");
            if !is_list
                && screen.contains("Allow Bash")
                && shown == Some(format!("a{number}").as_str())
            {
                seen.insert("Allow Bash".to_owned());
            }
            let before = self.now.get(&number);
            if before.is_none_or(|(before, _)| *before != seen) {
                self.now.insert(number, (seen, self.clock));
            }
        }
    }

    fn batch_drawn(&mut self, form: Option<String>) {
        let Some(form) = form else {
            self.batch = None;
            return;
        };
        let batch = self.batch.get_or_insert_default();
        let words =
            (0..8).flat_map(|number| (0..lines(number)).map(move |line| word(number, line)));
        batch
            .seen
            .extend(words.filter(|word| form.contains(word.as_str())));
        if batch.now.0 != form {
            batch.now = (form, self.clock);
        }
    }

    /// Why a batch must not have approved this one with a key that was read so much later, if it must not.
    fn why_not_in_batch(&self, number: usize, late: Duration) -> Option<&'static str> {
        let Some(batch) = &self.batch else {
            return Some("its confirmation was not on the screen");
        };
        let pressed = self.clock.saturating_sub(late);
        let mut words = (0..lines(number)).map(|line| word(number, line));
        if !words.all(|word| batch.seen.contains(&word)) {
            Some("its confirmation has not shown all of it")
        } else if pressed.saturating_sub(batch.now.1) < GUARD {
            Some("its confirmation has just changed")
        } else if is_dangerous(number) || lines(number) > MAX_ROWS {
            Some("it must be decided by itself")
        } else {
            None
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

    fn hidden(&mut self) {
        self.now.clear();
        self.batch = None;
    }

    fn is_whole(&self, number: usize) -> bool {
        (0..lines(number)).all(|line| self.seen.contains(&word(number, line)))
    }

    /// Whether it had been there for the guard time when a key was pressed that was read so much later.
    fn was_settled(&self, number: usize, late: Duration) -> bool {
        let pressed = self.clock.saturating_sub(late);
        self.now
            .get(&number)
            .is_some_and(|(_, since)| pressed.saturating_sub(*since) >= GUARD)
    }
}

#[test]
fn a_key_after_a_form_that_covered_the_panel_approves_nothing() {
    let mut tui = TuiHarness::new((80, 24), &[session("s1", json!({}))], &[asked(0)]);
    for key in ["n", "v", ":"] {
        tui.draw();
        tui.press(key);
        tui.draw();
        // The panel is back, but no frame has shown it.
        tui.press("esc");
        assert_eq!(decisions(&tui.press("y")), [], "{key}");
    }
    tui.draw();
    assert_eq!(decisions(&tui.press("y")).len(), 1);
}

/// The seeds to run, and how many sequences of each.
fn seeds() -> (Range<u64>, u32) {
    let wish = std::env::var("HUMANLAYER_KEY_SEEDS").ok();
    let range = wish.map(|wish| match wish.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..wish.parse().unwrap(),
    });
    match range {
        Some(range) => (range, 96),
        None => (0..10, 24),
    }
}

#[test]
fn only_what_was_shown_whole_and_long_enough_is_approved() {
    let (seeds, cases) = seeds();
    let sequences = (0..SIZES.len(), proptest::collection::vec(step(), 1..80));
    let batches = Cell::new(0);
    for seed in seeds {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(config, random);
        let ran = runner.run(&sequences, |(size, steps)| play(size, steps, &batches));
        if let Err(error) = ran {
            panic!("HUMANLAYER_KEY_SEEDS={seed}..{}: {error}", seed + 1);
        }
        if cases > 24 && seed % 10 == 9 {
            eprintln!("seed {seed} holds");
        }
    }
    assert!(batches.get() > 0, "no sequence approved a batch");
}

/// Plays a sequence, and checks each decision that comes of it; counts those of batches.
fn play(size: usize, steps: Vec<Step>, batches: &Cell<usize>) -> Result<(), TestCaseError> {
    let sessions = [session("s1", json!({})), session("s2", json!({}))];
    let mut tui = TuiHarness::new(SIZES[size], &sessions, &[asked(0), asked(1)]);
    let mut watch = Watch::default();
    let shown = tui.shown_approval().map(str::to_owned);
    let mut screen = tui.screen();
    watch.drawn(&screen, shown.as_deref());
    for step in steps {
        let shown = tui.shown_approval().map(str::to_owned);
        let selected = tui.app.sessions.selected.clone();
        let mut late = Duration::ZERO;
        let is_batch = matches!(&tui.app.form, Some(Form::Batch(form)) if form.yes);
        let effects = match step {
            Step::Tap(key) => tui.tap(key),
            Step::TapLate(key, by) => {
                late = Duration::from_millis(by);
                tui.tap_late(key, late)
            }
            Step::Repeat(key) => {
                let effects = tui.repeat(key);
                prop_assert!(
                    decisions(&effects).is_empty(),
                    "a repeat decides: {effects:?}"
                );
                effects
            }
            Step::Draw => {
                screen = tui.screen();
                watch.drawn(&screen, shown.as_deref());
                Vec::new()
            }
            Step::Wait(milliseconds) => {
                let time = Duration::from_millis(milliseconds);
                tui.wait(time);
                watch.pass(time);
                Vec::new()
            }
            Step::Resize(size) => {
                tui.resize(size);
                Vec::new()
            }
            Step::Wheel(column, row, down) => tui.wheel(column, row, down),
            Step::Hidden => {
                tui.app.frame_hidden();
                watch.hidden();
                Vec::new()
            }
            Step::Arrives(number) => {
                let effects = tui.approval_event("new_approval", &asked(number));
                prop_assert_eq!(&tui.app.sessions.selected, &selected);
                if shown.is_some() {
                    prop_assert_eq!(tui.shown_approval(), shown.as_deref());
                }
                effects
            }
            Step::Ends(number, outcome) => {
                let mut gone = asked(number);
                let is_ours = tui.app.inbox.sending.contains_key(&format!("a{number}"));
                gone["outcome"] = json!(outcome);
                gone["status"] = json!(outcome);
                let effects = tui.approval_event("approval_resolved", &gone);
                if !is_ours {
                    prop_assert_eq!(&tui.app.sessions.selected, &selected);
                    if shown.as_deref() != Some(format!("a{number}").as_str()) {
                        prop_assert_eq!(tui.shown_approval(), shown.as_deref());
                    }
                }
                effects
            }
        };
        for (number, decision, is_noted) in decisions(&effects) {
            if is_batch {
                let why_not = watch.why_not_in_batch(number, late);
                prop_assert_eq!(why_not, None, "a{} of a batch:\n{}", number, screen);
                prop_assert_eq!((decision.as_str(), is_noted), ("approve", false));
                batches.set(batches.get() + 1);
                continue;
            }
            prop_assert!(
                watch.settled.contains(&number),
                "a{number} was never shown long enough:\n{screen}"
            );
            if decision == "approve" {
                prop_assert!(
                    is_noted || watch.is_whole(number),
                    "a{number} was not read:\n{screen}"
                );
                prop_assert!(
                    !is_noted || lines(number) > 200,
                    "a{number} is short:\n{screen}"
                );
                prop_assert!(
                    watch.was_settled(number, late),
                    "a{number} has just changed:\n{screen}"
                );
            }
        }
    }
    Ok(())
}

/// Which approvals are decided, how, and whether it is noted that they were not read.
fn decisions(effects: &[Effect]) -> Vec<(usize, String, bool)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Decide(params) => {
                let number = params.approval_id.strip_prefix('a')?.parse().ok()?;
                let (word, unread) = match &params.decision {
                    Decision::Approve { unread_lines, .. } => ("approve", *unread_lines),
                    Decision::Deny { .. } => ("deny", None),
                    Decision::Answer { .. } | Decision::Respond { .. } => ("respond", None),
                };
                Some((number, word.to_owned(), unread.is_some()))
            }
            _ => None,
        })
        .collect()
}
