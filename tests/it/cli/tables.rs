//! Lists on a terminal: headings over their columns, a row a line, at every width.

use crate::support::cli::Cli;
use crate::support::terminal::Terminal;

/// The lines that a verb prints on a terminal of so many columns.
fn lines(cli: &Cli, columns: u16, arguments: &[&str]) -> Vec<String> {
    let mut terminal = Terminal::start((columns, 24), &cli.command(arguments));
    assert!(terminal.wait().success());
    let text = terminal.text();
    let lines = text.lines().map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Where a heading stands, and what stands under it in a row.
fn under<'a>(head: &str, heading: &str, row: &'a str) -> &'a str {
    let at = head
        .find(heading)
        .unwrap_or_else(|| panic!("no {heading} in {head}"));
    let at = head[..at].chars().count();
    let byte = row
        .char_indices()
        .nth(at)
        .map_or(row.len(), |(byte, _)| byte);
    row[byte..].split("  ").next().unwrap_or_default()
}

#[test]
fn approvals_and_sessions_stand_under_their_headings_at_80_and_140_columns() {
    let cli = Cli::new();
    let command = format!("echo {}", "a long command with many words ".repeat(8));
    let script = format!(
        "TOOL Bash {}",
        serde_json::json!({ "command": command.trim() })
    );
    let title = "Rework the parser so that it survives everything that an agent may write";
    let id = cli.ok(&["launch", &script, "--title", title]);
    let id = id.trim_end();
    let approval = cli.until_pending(id);
    let approval = &approval["id"].as_str().unwrap()["local-".len()..][..8];
    for columns in [80, 140] {
        let shown = lines(&cli, columns, &["approvals"]);
        assert_eq!(shown.len(), 2, "{columns}: a row is one line: {shown:#?}");
        let (head, row) = (&shown[0], &shown[1]);
        assert_eq!(under(head, "ID", row), approval);
        assert_eq!(under(head, "SESSION", row), &id[..8]);
        assert_eq!(under(head, "TOOL", row), "Bash");
        let input = under(head, "INPUT", row);
        assert!(
            input.starts_with("echo a long") && input.ends_with('…'),
            "{input}"
        );
        assert_eq!(under(head, "OUTCOME", row), "pending");
        assert_eq!(under(head, "FROM", row), "claude");

        let shown = lines(&cli, columns, &["sessions"]);
        assert_eq!(shown.len(), 2, "{columns}: a row is one line: {shown:#?}");
        let (head, row) = (&shown[0], &shown[1]);
        assert_eq!(under(head, "ID", row), &id[..8]);
        let subject = under(head, "SUBJECT", row);
        assert!(subject.starts_with("Rework the"), "{subject}");
        assert!(row.chars().count() <= usize::from(columns), "{row}");
        assert!(!under(head, "ACTIVE", row).is_empty(), "{row}");
    }
}
