//! Several dashboards at once.

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (120, 30);
const ASK: &str = r#"TOOL Bash {"command": "echo once >> ran"}"#;

#[test]
fn ten_dashboards_agree_about_one_decision() {
    let cli = Cli::new();
    let id = cli.launch(ASK);
    cli.until_pending(&id);
    let mut dashboards: Vec<Terminal> = (0..10)
        .map(|_| Terminal::start(SIZE, &cli.command(&[])))
        .collect();
    for one in &dashboards {
        one.wait_for("May it use Bash?");
    }
    // All at once: whoever is second must not make it run again.
    for one in &mut dashboards {
        one.keys("y");
    }
    for one in &dashboards {
        one.wait_gone("May it use Bash?");
    }
    cli.until_status(&id, "completed");
    let ran = std::fs::read_to_string(cli.work().join("ran")).unwrap();
    assert_eq!(ran, "once\n");
}
