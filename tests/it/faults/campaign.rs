//! Random sessions, random deaths: the same seed gives the same scripts and the same plan of kills.
//!
//! `HUMANLAYER_FAULT_SEEDS=N` runs N seeds, or `A..B` those from A up to B; a failure names its seed.
#![allow(clippy::print_stderr, reason = "a campaign says which seed it is at")]

use serde_json::json;

use super::harness::{FaultHarness, Played};
use crate::support::dice::{Dice, seeds};

const SEEDS: std::ops::Range<u64> = 0..12;

/// Where a daemon may die, and how often that place is passed in a session, roughly.
const FAILPOINTS: &[(&str, u64)] = &[
    ("ingest.read", 8),
    ("ingest.applied", 8),
    ("store.before_commit", 16),
    ("store.after_commit", 16),
    ("outbox.sending", 5),
    ("outbox.delivered", 4),
    ("outbox.acknowledging", 4),
    ("launch.prepared", 2),
    ("launch.recorded", 2),
    ("launch.spawned", 2),
    ("session.over", 2),
];

fn failpoint(dice: &mut Dice) -> String {
    let at = usize::try_from(dice.below(FAILPOINTS.len() as u64)).unwrap();
    let (name, passes) = FAILPOINTS[at];
    format!("{name}:{}", 1 + dice.below(passes))
}

/// Makes scripts; every command has a name of its own.
struct ScriptGen<'a> {
    dice: &'a mut Dice,
    commands: u64,
}

impl ScriptGen<'_> {
    fn command(&mut self) -> String {
        self.commands += 1;
        let no = if self.dice.below(3) == 0 { "no-" } else { "" };
        let command = format!("echo x >> {no}c{}", self.commands);
        format!("TOOL Bash {}", json!({"command": command}))
    }

    /// A few words or a call.
    fn simple(&mut self) -> String {
        match self.dice.below(3) {
            0 => "TEXT some words of it".to_owned(),
            1 => "THINK about it".to_owned(),
            _ => self.command(),
        }
    }

    fn step(&mut self) -> String {
        match self.dice.below(13) {
            0 => "TEXT more words".to_owned(),
            1 => format!(
                "FLOOD {} {}",
                1 + self.dice.below(400),
                self.dice.below(300)
            ),
            2 => format!("LONG {}", self.dice.below(700_000)),
            3 => "HALF one line in two\nWAIT 0.02".to_owned(),
            4 => "MALFORMED {this is not JSON".to_owned(),
            5 => "RETRY 529".to_owned(),
            6 => format!(
                "QUESTION {}",
                json!({"questions": [{"question": "Which?", "header": "Way", "multiSelect": false,
                "options": [{"label": "Left", "description": "l"}, {"label": "Right", "description": "r"}]}]})
            ),
            7 => {
                let calls: Vec<String> = (0..2 + self.dice.below(3))
                    .map(|_| self.command())
                    .collect();
                format!("ASK_ALL\n{}", calls.join("\n"))
            }
            8 => {
                let prompt = [self.simple(), self.simple()].join("\n");
                format!("SUBAGENT {}", json!({"prompt": prompt}))
            }
            9 => format!(
                "BACKGROUND later\n{}\n{}\nEND",
                self.simple(),
                self.simple()
            ),
            10 => format!("CANCEL\n{}", self.command()),
            _ => self.command(),
        }
    }

    fn script(&mut self) -> String {
        let steps: Vec<String> = (0..2 + self.dice.below(6)).map(|_| self.step()).collect();
        format!("{}\nTEXT the end", steps.join("\n"))
    }
}

/// Plays one seed; gives the number of deaths.
fn run(seed: u64) -> usize {
    let mut dice = Dice::new(seed);
    let mut rig = FaultHarness::new(&[]);
    for _ in 0..1 + dice.below(5) {
        let failpoint = failpoint(&mut dice);
        rig.schedule.push_back(failpoint);
    }
    let mut script_gen = ScriptGen {
        dice: &mut dice,
        commands: 0,
    };
    let scripts: Vec<String> = (0..1 + script_gen.dice.below(3))
        .map(|_| script_gen.script())
        .collect();
    eprintln!("seed {seed}: {:?} {scripts:#?}", rig.schedule);
    let sessions: Vec<Played> = scripts.iter().map(|script| rig.launch(script)).collect();
    // Besides, some kills out of the blue.
    let mut kills = dice.below(5);
    let mut next = dice.below(12);
    rig.play(&sessions, |rig| {
        if kills > 0 && next == 0 {
            kills -= 1;
            next = 1 + dice.below(20);
            rig.kill();
            rig.revive();
        }
        next = next.saturating_sub(1);
    });
    rig.end_and_check(&sessions, "completed");
    rig.deaths
}

#[test]
fn whatever_is_played_and_killed_nothing_is_lost_or_done_twice() {
    let seeds = seeds("HUMANLAYER_FAULT_SEEDS", SEEDS);
    let many = seeds.end - seeds.start;
    let deaths: usize = seeds.map(run).sum();
    eprintln!("{many} seeds, {deaths} deaths");
    assert!(deaths > 0 || many < 10, "nothing was killed");
}
