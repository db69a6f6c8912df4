//! The daemon, killed at each step that it takes.

use rstest::rstest;

use super::harness::FaultHarness;

/// Text, two questions at once, a no, a person's answer, a subagent, a flood, half a line and work
/// in the background.
const ALL_OF_IT: &str = "TEXT hello there\n\
    ASK_ALL\n\
    TOOL Bash {\"command\": \"echo x >> one\"}\n\
    TOOL Bash {\"command\": \"echo x >> no-two\"}\n\
    THINK hm\n\
    QUESTION {\"questions\": [{\"question\": \"Which?\", \"header\": \"Way\", \"options\": [{\"label\": \"Left\", \"description\": \"l\"}, {\"label\": \"Right\", \"description\": \"r\"}], \"multiSelect\": false}]}\n\
    SUBAGENT {\"prompt\": \"TEXT in\\nTOOL Bash {\\\"command\\\": \\\"echo x >> three\\\"}\"}\n\
    FLOOD 300 100\n\
    HALF a line in two\n\
    LONG 400000\n\
    BACKGROUND later\n\
    TOOL Bash {\"command\": \"echo x >> four\"}\n\
    END\n\
    TEXT done";

#[rstest]
#[case("ingest.read", &[1, 2, 3, 5, 9])]
#[case("ingest.applied", &[1, 2, 4, 7])]
#[case("store.before_commit", &[1, 2, 3, 6, 10, 16])]
#[case("store.after_commit", &[1, 2, 3, 6, 10, 16])]
#[case("outbox.sending", &[1, 2, 3, 4, 5])]
#[case("outbox.delivered", &[1, 2, 3, 5])]
#[case("outbox.acknowledging", &[1, 2, 3, 5])]
#[case("launch.prepared", &[1])]
#[case("launch.recorded", &[1])]
#[case("launch.spawned", &[1])]
#[case("session.over", &[1])]
fn killed_at_a_step_nothing_is_lost_or_done_twice(
    #[case] failpoint: &str,
    #[case] counts: &[usize],
) {
    for count in counts {
        let mut rig = FaultHarness::dying_at(&format!("{failpoint}:{count}"));
        let session = [rig.launch(ALL_OF_IT)];
        rig.play(&session, |_| {});
        rig.end_and_check(&session, "completed");
        assert_eq!(rig.deaths, 1, "{failpoint}:{count} was never reached");
    }
}
