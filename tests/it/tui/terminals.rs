//! What kind of terminal it is: its ground, and what it can.

use vt100::Color;

use crate::support::cli::Cli;
use crate::support::terminal::{Answers, Terminal};

const SIZE: (u16, u16) = (100, 30);

/// The ground of a cell in which nothing stands.
fn ground(terminal: &Terminal) -> Color {
    let screen = terminal.screen();
    let blank = (0..SIZE.1)
        .flat_map(|row| (0..SIZE.0).map(move |column| (row, column)))
        .filter_map(|(row, column)| screen.cell(row, column))
        .find(|cell| cell.contents().trim().is_empty());
    blank.unwrap().bgcolor()
}

#[test]
fn the_theme_goes_with_the_ground_that_the_terminal_says_and_is_painted_where_it_says_none() {
    let painted_dark = Color::Rgb(0x16, 0x18, 0x1d);
    let painted_light = Color::Rgb(0xff, 0xff, 0xff);
    for (answers, next, behind) in [
        (Answers::Ground("1e1e/1e1e/2e2e"), "light", Color::Default),
        (
            Answers::Ground("fdfd/f6f6/e3e3"),
            "contrast",
            Color::Default,
        ),
        // Neither dark nor light.
        (Answers::Ground("5555/5555/5555"), "light", painted_dark),
        (Answers::Ground("c0c0/c0c0/c0c0"), "contrast", painted_light),
        (Answers::Attributes, "light", painted_dark),
        (Answers::Nothing, "light", painted_dark),
    ] {
        let cli = Cli::new();
        let mut terminal = Terminal::start_as(answers, SIZE, &cli.command(&[]));
        terminal.wait_for("No sessions yet");
        assert_eq!(ground(&terminal), behind, "{answers:?}");
        assert_eq!(terminal.told().asked.1, 1, "{answers:?}: asked once");
        // The theme after the one that it has.
        terminal.keys("T");
        terminal.wait_for(&format!("theme: {next}"));
        terminal.end();
    }
}

#[test]
fn a_terminal_that_says_its_ground_in_the_environment_is_not_asked() {
    for (said, next) in [("0;15", "contrast"), ("15;0", "light")] {
        let cli = Cli::new();
        let mut command = cli.command(&[]);
        command.env("COLORFGBG", said);
        let mut terminal = Terminal::start(SIZE, &command);
        terminal.wait_for("No sessions yet");
        assert_eq!(
            (ground(&terminal), terminal.told().asked.1),
            (Color::Default, 0)
        );
        terminal.keys("T");
        terminal.wait_for(&format!("theme: {next}"));
    }
}

#[test]
fn a_theme_that_was_chosen_stays_and_is_readable_on_the_other_ground() {
    let cli = Cli::new();
    let folder = cli.home().join(".config/humanlayer");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("humanlayer.json"),
        r#"{"dashboard": {"theme": "light"}}"#,
    )
    .unwrap();
    let terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    assert_eq!(ground(&terminal), Color::Rgb(0xff, 0xff, 0xff));
}

#[test]
fn an_answer_that_comes_late_and_in_parts_is_no_key() {
    let cli = Cli::new();
    let session = cli.launch(r#"TOOL Bash {"command": "touch done"}"#);
    let approval = cli.until_pending(&session)["id"].clone();
    let mut terminal = Terminal::start_as(Answers::Nothing, SIZE, &cli.command(&[]));
    terminal.wait_for("touch done");
    terminal.wait_ready();
    assert_ne!(ground(&terminal), Color::Default);
    for byte in b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?64;1;2;6;9;15;18;21;22c" {
        terminal.send(&[*byte]);
    }
    terminal.wait_until("the theme follows", |screen| {
        screen
            .cell(29, 99)
            .is_some_and(|cell| cell.bgcolor() == Color::Default)
    });
    // Each letter of it is a key that opens something.
    terminal.wait_for("touch done");
    terminal.wait_ready();
    for opened in ["Deny: reason", "Always", "Edit", "New session: "] {
        assert!(!terminal.text().contains(opened), "{}", terminal.text());
    }
    let params = serde_json::json!({"approval_id": approval});
    assert_eq!(
        cli.call("getApproval", params)["approval"]["outcome"],
        "pending"
    );
    terminal.keys("y");
    cli.until_status(&session, "completed");
}

#[test]
fn what_is_typed_while_the_terminal_is_asked_is_not_lost() {
    for answers in [Answers::Nothing, Answers::Ground("ffff/ffff/ffff")] {
        let cli = Cli::new();
        let mut terminal = Terminal::start_as(answers, SIZE, &cli.command(&[]));
        terminal.type_in("cfirst words");
        terminal.wait_for("› first words");
    }
}

/// The answers to the last questions are not left for the shell.
#[test]
fn nothing_that_the_terminal_sent_is_left_for_the_shell() {
    let cli = Cli::new();
    for _ in 0..5 {
        let script = "\"$0\"; read -t 1 -n 1 -r -s rest; echo \"left:[$rest]\"";
        let shell = cli.dressed(
            "bash",
            &["-c", script, crate::support::scripted_agent::binary()],
        );
        let mut terminal = Terminal::start(SIZE, &shell);
        terminal.wait_for("No sessions yet");
        terminal.keys("tab tab q");
        terminal.wait();
        assert!(terminal.text().contains("left:[]"), "{}", terminal.text());
    }
}

#[test]
fn a_terminal_that_can_nothing_gets_plain_words_and_no_escape_codes() {
    for (term, why) in [("dumb", "TERM is dumb"), ("", "TERM is not set")] {
        let cli = Cli::new();
        let session = cli.launch(r#"TOOL Bash {"command": "touch done"}"#);
        cli.until_pending(&session);
        let verbs: [&[&str]; 8] = [
            &[],
            &["sessions"],
            &["approvals"],
            &["doctor"],
            &["--help"],
            &["launch", "--help"],
            &["no-such-verb"],
            &["demo"],
        ];
        for verb in verbs {
            let mut command = cli.command(verb);
            command.env("TERM", term);
            let mut terminal = Terminal::start(SIZE, &command);
            let ended = terminal.wait();
            let raw = terminal.raw();
            let said = String::from_utf8_lossy(&raw);
            assert!(!raw.contains(&0x1b), "{term:?} {verb:?}: {said}");
            if verb.is_empty() {
                assert!(ended.success(), "{ended:?}");
                for words in [why, "humanlayer watch", "1 pending approval"] {
                    assert!(said.contains(words), "{words}: {said}");
                }
            }
            if verb == ["demo"] {
                assert_eq!(ended.exit_code(), 2);
                assert!(said.contains(why), "{said}");
            }
        }
    }
}
